# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps the files in a bucket of an S3-compatible object store, laid out as restic does it.

A put is whole or nothing, and what it wrote can be read and listed at once. Nothing relies on a conditional put: names are
hashes, so an object that exists has the same bytes; the config, the one exception, is looked for before it is written.
Facts: restic's C(doc/design.rst), "Repository Layout".
"""

from __future__ import annotations

import contextlib
import re
import typing as t

from .errors import ObjectExists, ObjectMissing, StorageError
from .storage import CONFIG_NAME, QUARANTINE, FileKind, StoredFile
from .storage_s3_bucket import Bucket, Patience, Refused
from .storage_s3_settings import S3Settings

_NAME = re.compile(r"[0-9a-f]{64}", re.ASCII)
_PATIENT = Patience()


class S3Storage:
    """A prefix in a bucket. Its bucket is never made by us: whoever makes it decides about its region and its protection."""

    def __init__(self, settings: S3Settings, patience: Patience = _PATIENT) -> None:
        self._settings = settings
        self._bucket = Bucket(settings, patience)

    @property
    def location(self) -> str:
        return self._settings.location

    @property
    def lists_at_once(self) -> bool:
        return False

    def prepare(self) -> None:
        pass

    def put(self, kind: FileKind, name: str, data: bytes | memoryview) -> None:
        key = _key(kind, name)
        with self._explained("write", key):
            if kind is FileKind.CONFIG:
                self._put_config(key, data)
                return
            try:
                self._bucket.send(key, data)
            except Refused as refused:
                if not (refused.refusal.is_uncertain and self._holds(key, data)):
                    raise

    def get(self, kind: FileKind, name: str) -> bytes:
        key = _key(kind, name)
        with self._explained("read", key):
            return self._bucket.read(key)

    def get_range(self, kind: FileKind, name: str, offset: int, length: int) -> bytes:
        key = _key(kind, name)
        with self._explained("read", key):
            return self._bucket.read_range(key, offset, max(length, 1))[:length]

    def list(self, kind: FileKind) -> t.Iterator[StoredFile]:
        if kind is FileKind.CONFIG:
            config = self.stat(kind, CONFIG_NAME)
            yield from () if config is None else (config,)
            return
        with self._explained("list", kind.value):
            for key, size in self._bucket.objects(kind.value):
                name = key.rpartition("/")[2]
                if _NAME.fullmatch(name) and key == _key(kind, name):
                    yield StoredFile(name, size)

    def delete(self, kind: FileKind, name: str) -> None:
        key = _key(kind, name)
        with self._explained("delete", key):
            self._bucket.delete(key)

    def stat(self, kind: FileKind, name: str) -> StoredFile | None:
        key = _key(kind, name)
        with self._explained("look at", key):
            size = self._bucket.size(key)
            if size is None and kind is FileKind.CONFIG:
                next(self._bucket.objects(FileKind.KEY.value), None)  # tells a bucket without a repository from no bucket
        return None if size is None else StoredFile(name, size)

    def remove_leftovers(self) -> int:
        """Objects are sent in one piece, so there are none of ours."""
        return 0

    def quarantine(self, kind: FileKind, name: str) -> str:
        key = _key(kind, name)
        with self._explained("set aside", key):
            aside = self._free_key(f"{QUARANTINE}/{kind.value}/{name}")
            self._bucket.copy(key, aside)
            if self._bucket.size(aside) != self._bucket.size(key):
                raise StorageError(
                    f"The copy of {self.location}/{key} at {self.location}/{aside} is not whole, so the original stays.",
                    hint="Look into the log of the object store, and start the task again.",
                )
            self._bucket.delete(key)
        return f"{self.location}/{aside}"

    def _free_key(self, key: str) -> str:
        """The key, or the first with a number behind it where nothing lies yet."""
        free, number = key, 2
        while self._bucket.size(free) is not None:
            free, number = f"{key}.{number}", number + 1
        return free

    def _put_config(self, key: str, data: bytes | memoryview) -> None:
        if self._bucket.size(key) is not None:
            raise self._config_exists()
        try:
            self._bucket.send(key, data, only_new=True)
        except Refused as refused:
            refusal = refused.refusal
            if refusal.is_not_offered:
                self._bucket.send(key, data)
            elif not (refusal.is_uncertain and self._holds(key, data)):
                raise self._config_exists() if refusal.is_conflict else refused from None

    def _config_exists(self) -> ObjectExists:
        return ObjectExists(f"There is a config in {self.location} already.", hint="Use that repository, or another prefix.")

    def _holds(self, key: str, data: bytes | memoryview) -> bool:
        """Whether a write that seemed to fail arrived all the same."""
        try:
            return self._bucket.read(key) == data
        except Refused:
            return False

    @contextlib.contextmanager
    def _explained(self, action: str, key: str) -> t.Iterator[None]:
        try:
            yield
        except Refused as refused:
            raise refused.refusal.as_error(action, key, self._settings) from None


def _key(kind: FileKind, name: str) -> str:
    if kind is FileKind.CONFIG:
        return CONFIG_NAME
    if not _NAME.fullmatch(name):
        raise ObjectMissing(f"No file of a repository is named {name!r}.", hint="Ids have 64 characters, 0 to 9 and a to f.")
    return f"{kind.value}/{name[:2]}/{name}" if kind is FileKind.DATA else f"{kind.value}/{name}"
