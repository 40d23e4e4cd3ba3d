# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads packs and has them judged, two at a time, in bounded memory."""

from __future__ import annotations

import collections
import concurrent.futures
import hashlib
import typing as t

from .blobs import PackContent, PackedBlob
from .crypto import SealingKey
from .errors import Malformed, ObjectMissing, RepositoryDamaged, StorageError
from .object_files import object_name
from .pack_check import BadBlob, PackReport, check_pack
from .packs import MAX_HEADER, decode_pack
from .storage import FileKind, Storage
from .types import PackId

_WORKERS = 2
_AHEAD = 2 * _WORKERS
#: What is hashed, decrypted and hashed again fits into the processor's cache. Over a network one request a pack is cheaper.
_WINDOW_OF_A_DISK = 1 << 20
_WINDOW_OF_A_NETWORK = 40 << 20
_LARGEST = 1 << 30
_HEADER_LENGTH = 4


class ReadPack(t.NamedTuple):
    """``pack`` is what the index says of it, ``size`` that of the file in bytes."""

    pack: PackContent
    size: int
    report: PackReport


def read_packs(storage: Storage, key: SealingKey, packs: t.Iterable[tuple[PackContent, int]]) -> t.Iterator[ReadPack]:
    """Every pack with what it is worth, in the order given. A pack that the storage refuses is reported like the others."""
    with concurrent.futures.ThreadPoolExecutor(_WORKERS, thread_name_prefix="verify") as pool:
        waiting: collections.deque[concurrent.futures.Future[ReadPack]] = collections.deque()
        try:
            for pack, size in packs:
                waiting.append(pool.submit(_read_pack, storage, key, pack, size))
                if len(waiting) >= _AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def read_content(storage: Storage, key: SealingKey, pack: PackId) -> PackContent:
    """What a pack says of itself, from its end. Raises RepositoryDamaged, StorageError."""
    stored = storage.stat(FileKind.DATA, pack)
    try:
        if stored is None:
            raise Malformed("vanished")
        return PackContent(pack, _StoredPack(storage, pack, stored.size, 0).header(key))
    except Malformed as error:
        raise RepositoryDamaged(object_name(FileKind.DATA, pack), str(error)) from error


def _read_pack(storage: Storage, key: SealingKey, pack: PackContent, size: int) -> ReadPack:
    window = _WINDOW_OF_A_DISK if storage.lists_at_once else _WINDOW_OF_A_NETWORK
    try:
        report = check_pack(key, pack, _StoredPack(storage, pack.id, size, window))
    except ObjectMissing:
        report = _unopened(pack, "vanished while it was being verified")
    except StorageError as error:
        report = _unopened(pack, f"cannot be read ({error.what})")
    return ReadPack(pack, size, report)


def _unopened(pack: PackContent, problem: str) -> PackReport:
    bad = tuple(BadBlob(blob, "cannot be read") for blob in pack.blobs)
    return PackReport(problems=(problem,), bad=bad, matches_name=False, is_readable=False)


class _StoredPack:
    """A pack that is read from front to back, a window at a time; whatever is read in that order is hashed on the way.

    What lies elsewhere is read by itself. A ``window`` of 0 reads nothing ahead.
    """

    def __init__(self, storage: Storage, pack: PackId, size: int, window: int) -> None:
        self._storage = storage
        self._pack = pack
        self._size = size
        self._window = window
        self._start = 0
        self._data = memoryview(b"")
        self._digest = hashlib.sha256()
        self._hashed = 0
        if 0 < size <= window:
            self._load(0, size)

    def header(self, key: SealingKey) -> tuple[PackedBlob, ...]:
        if self._size > _LARGEST:
            raise Malformed("is larger than any pack")
        end = self.read(max(0, self._size - _HEADER_LENGTH), _HEADER_LENGTH)
        length = min(int.from_bytes(end, "little"), MAX_HEADER) + _HEADER_LENGTH
        return decode_pack(key, self.read(max(0, self._size - length), length))

    def read(self, offset: int, length: int) -> bytes | memoryview:
        if not self._start <= offset <= offset + length <= self._start + len(self._data):
            if offset != self._hashed or not self._window:
                return self._storage.get_range(FileKind.DATA, self._pack, offset, length)
            self._load(offset, max(length, self._window))
        piece = self._data[offset - self._start : offset - self._start + length]
        if offset == self._hashed:
            self._digest.update(piece)
            self._hashed += len(piece)
        return piece

    def matches_name(self) -> bool:
        """A file that is larger than any pack is not hashed."""
        while self._hashed < self._size <= _LARGEST:
            left = self._start + len(self._data) - self._hashed
            if not self.read(self._hashed, left if left > 0 else min(self._window, self._size - self._hashed)):
                break
        return self._size > _LARGEST or self._digest.hexdigest() == self._pack

    def _load(self, offset: int, length: int) -> None:
        self._data = memoryview(self._storage.get_range(FileKind.DATA, self._pack, offset, length))
        self._start = offset
