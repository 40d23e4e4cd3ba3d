# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps the index of a repository on the disk of this host, so that the next program need not read all index files.

A cache that says "stored already" wrongly loses data: the writer then leaves a message out. Hence:

- The file is never changed. A program copies it into its own temporary database, and whoever saves writes another
  file and renames it. So there are no locks, no journal, and nothing that a killed or a simultaneous program leaves half done.
- Behind the database stands its SHA-256, sealed with the key of the repository together with the repository's id. One
  flipped bit, a cut, another repository's file, or one that somebody forged, and the whole is ignored. For a million
  blobs (60 MB) this takes 0.1 s.
- Nothing in it counts before today's listing has confirmed the index file and the pack (L(BlobIndex.take_listing)).

Whatever goes wrong here, the answer comes from the repository instead; no error leaves this file. The ids of blobs and packs
are readable to the owner of the folder (0700), as they are in memory; no names, no content.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
import sqlite3
import typing as t
from pathlib import Path
from urllib.parse import quote

from .blob_index import BlobIndex, IndexUnusable
from .crypto import SealingKey
from .errors import Malformed

_SCHEMA = 1
_SEAL_LENGTH_BYTES = 4
_MAX_SEAL = 4_096
_CHUNK = 1 << 20
_UNUSABLE = (OSError, sqlite3.Error, IndexUnusable, Malformed)


class IndexCache:
    """The cache of one repository in a folder that many repositories and processes may share."""

    def __init__(self, folder: Path, repository_id: str, key: SealingKey) -> None:
        self._folder = folder
        self._path = folder / f"{repository_id}.sqlite"
        self._repository_id = repository_id
        self._key = key

    def load(self, index: BlobIndex) -> bool:
        """Fill an empty index, if there is a cache and it is intact. After False the index may be of no use."""
        with contextlib.suppress(*_UNUSABLE), open(self._path, "rb", opener=_open_file) as file:
            self._verify(file)
            uri = f"file:{quote(str(self._path))}?mode=ro&immutable=1"
            with contextlib.closing(sqlite3.connect(uri, uri=True)) as database:
                index.copy_from(database)
                return os.path.samestat(os.fstat(file.fileno()), os.stat(self._path, follow_symlinks=False))
        return False

    def save(self, index: BlobIndex) -> None:
        """Put the index in the place of what was there."""
        temporary = self._path.with_name(f"{self._path.name}-tmp-{secrets.token_hex(8)}")
        with contextlib.suppress(*_UNUSABLE):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._remove_leftovers()
            with open(temporary, "x+b", opener=_create_file) as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                with contextlib.closing(sqlite3.connect(temporary, isolation_level=None)) as database:
                    database.execute("PRAGMA journal_mode = OFF")
                    database.execute("PRAGMA synchronous = OFF")
                    index.copy_to(database)
                file.write(self._seal(_digest(file, os.fstat(file.fileno()).st_size)))
                file.flush()
                os.replace(temporary, self._path)
        with contextlib.suppress(OSError):
            os.unlink(temporary)

    def _verify(self, file: t.BinaryIO) -> None:
        size = os.fstat(file.fileno()).st_size
        file.seek(max(0, size - _SEAL_LENGTH_BYTES))
        length = int.from_bytes(file.read(_SEAL_LENGTH_BYTES), "big")
        rows = size - _SEAL_LENGTH_BYTES - length
        if length > _MAX_SEAL or rows <= 0:
            raise Malformed("has no seal")
        file.seek(rows)
        promised = self._key.open(file.read(length))
        if promised != self._promise(_digest(file, rows)):
            raise Malformed("is not what was sealed")

    def _seal(self, digest: str) -> bytes:
        sealed = bytes(self._key.seal(self._promise(digest)))
        return b"".join((sealed, len(sealed).to_bytes(_SEAL_LENGTH_BYTES, "big")))

    def _promise(self, digest: str) -> bytes:
        return json.dumps({"index_cache": _SCHEMA, "repository": self._repository_id, "sha256": digest}).encode()

    def _remove_leftovers(self) -> None:
        """What killed programs left: a living one holds a lock on its file."""
        for path in self._folder.glob(f"{self._path.name}-tmp-*"):
            with contextlib.suppress(OSError), open(path, "rb", opener=_open_file) as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.unlink(path)


def _digest(file: t.BinaryIO, length: int) -> str:
    """The SHA-256 of the first ``length`` bytes; the position is behind them afterwards."""
    digest = hashlib.sha256()
    file.seek(0)
    while length and (chunk := file.read(min(length, _CHUNK))):
        digest.update(chunk)
        length -= len(chunk)
    return digest.hexdigest()


def _open_file(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)


def _create_file(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
