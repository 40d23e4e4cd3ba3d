# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The small sealed files of a repository: config, index, snapshots, locks. And the names of things in messages.

A file is named by the SHA-256 of its stored bytes. Its plain text is JSON; after a leading 0x02 it is compressed.
Facts: restic's C(doc/design.rst), "Unpacked Data Format".
"""

from __future__ import annotations

import hashlib
import re
import typing as t

from . import compression, go_text
from .crypto import SealingKey
from .errors import Malformed, ObjectMissing, RepositoryDamaged
from .storage import CONFIG_NAME, FileKind, Storage

_MEBIBYTE = 1 << 20
_WORDS = {
    FileKind.CONFIG: "file",
    FileKind.KEY: "key",
    FileKind.DATA: "pack",
    FileKind.INDEX: "index",
    FileKind.SNAPSHOT: "snapshot",
    FileKind.LOCK: "lock",
}
# Of the file, and of what it decompresses to.
_LIMITS = {
    FileKind.CONFIG: _MEBIBYTE,
    FileKind.KEY: _MEBIBYTE,
    FileKind.LOCK: _MEBIBYTE,
    FileKind.SNAPSHOT: 16 * _MEBIBYTE,
    FileKind.INDEX: 128 * _MEBIBYTE,
}
_COMPRESSED = b"\x02"
_ID = re.compile(r"[0-9a-f]{64}", re.ASCII)


def object_name(kind: FileKind, name: str) -> str:
    """What messages call a stored file, such as C(pack 12ab...)."""
    return f"{_WORDS[kind]} {name}"


def is_id(value: object) -> t.TypeGuard[str]:
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def read_bounded(storage: Storage, kind: FileKind, name: str) -> bytes:
    """A small file whole. Raises RepositoryDamaged when it is missing or absurdly large."""
    limit = _LIMITS[kind]
    try:
        data = storage.get_range(kind, name, 0, limit + 1)
    except ObjectMissing as error:
        raise RepositoryDamaged(object_name(kind, name), "is missing") from error
    if len(data) > limit:
        raise RepositoryDamaged(object_name(kind, name), f"is larger than {limit // _MEBIBYTE} MiB")
    return data


class ObjectFiles:
    """Reads and writes the sealed JSON files of one repository."""

    def __init__(self, storage: Storage, key: SealingKey) -> None:
        self.storage = storage
        self.key = key

    def read(self, kind: FileKind, name: str) -> dict[str, t.Any]:
        """Raises RepositoryDamaged that names the file."""
        return self.open(kind, name, read_bounded(self.storage, kind, name))

    def open(self, kind: FileKind, name: str, data: bytes) -> dict[str, t.Any]:
        """What the bytes of a file hold. Raises RepositoryDamaged that names it."""
        try:
            if kind is not FileKind.CONFIG and hashlib.sha256(data).hexdigest() != name:
                raise Malformed("does not match its name, the hash of its content")
            plain = self.key.open(data)
            if plain[:1] == _COMPRESSED:
                plain = compression.decompress(memoryview(plain)[1:], _LIMITS[kind])
            return go_text.load_json_object(plain)
        except Malformed as error:
            raise RepositoryDamaged(object_name(kind, name), str(error)) from error

    def seal(self, value: t.Mapping[str, t.Any]) -> tuple[str, bytes]:
        """The name and the bytes of a compressed file that holds C(value)."""
        data = bytes(self.key.seal(_COMPRESSED + compression.compress(go_text.dump_json(value))))
        return hashlib.sha256(data).hexdigest(), data

    def write(self, kind: FileKind, value: t.Mapping[str, t.Any]) -> tuple[str, int]:
        """Store C(value); its name and stored size."""
        name, data = self.seal(value)
        self.storage.put(kind, name, data)
        return name, len(data)

    def write_config(self, value: t.Mapping[str, t.Any]) -> None:
        self.storage.put(FileKind.CONFIG, CONFIG_NAME, bytes(self.key.seal(go_text.dump_json(value))))
