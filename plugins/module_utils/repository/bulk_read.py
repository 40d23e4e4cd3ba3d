# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads many files at once: as they lie in the packs, neighbours in one request, in some threads, in bounded memory.

One blob at a time would cost an object store a request for every message.
"""

from __future__ import annotations

import collections
import concurrent.futures
import itertools
import typing as t

from .blob_index import BlobPlace
from .blobs import PackedBlob, open_blob, plain_size
from .errors import BlobMissing, Malformed, ObjectMissing, RepositoryDamaged
from .reading import blob_name
from .storage import FileKind
from .types import BlobId, BlobKind, Node, PackId

if t.TYPE_CHECKING:
    from .repository import Repository

WORKERS = 2
_AHEAD = 2 * WORKERS
_FILES_AT_ONCE = 2_000
_GAP = 128 << 10
_SPAN = 8 << 20

Key = t.TypeVar("Key")
_Opened = list[tuple[BlobId, "bytes | RepositoryDamaged"]]


def read_many(
    repository: Repository, files: t.Iterable[tuple[Key, Node]], on_damage: t.Callable[[Key, RepositoryDamaged], None]
) -> t.Iterator[tuple[Key, int, bytes]]:
    """The contents of files in pieces, in the order in which reading them costs least: which file, at what offset, and the bytes.

    A file is known by the key that came with it; an empty one has no piece.
    Every piece was authenticated and compared with its hash. When a part of a file cannot be read from any copy, ``on_damage``
    is told, maybe after other pieces of it were given and maybe more than once; all other files follow. Raises StorageError.
    """
    files = iter(files)
    with concurrent.futures.ThreadPoolExecutor(WORKERS, thread_name_prefix="read") as pool:
        while batch := list(itertools.islice(files, _FILES_AT_ONCE)):
            wanted: dict[BlobId, list[tuple[Key, int]]] = {}
            places: dict[PackId, list[PackedBlob]] = {}
            for key, node in batch:
                try:
                    _put_down(key, _find_all(repository, node), wanted, places)
                except RepositoryDamaged as damage:
                    on_damage(key, damage)
            for blob, content in _open_all(pool, repository, places):
                for key, offset in wanted[blob]:
                    if isinstance(content, RepositoryDamaged):
                        on_damage(key, content)
                    else:
                        yield key, offset, content


def spans(blobs: t.Iterable[PackedBlob]) -> t.Iterator[list[PackedBlob]]:
    """Blobs of one pack that are best read together: little between them, and not too much in all. They come, and go, by offset."""
    span: list[PackedBlob] = []
    end = size = 0
    for blob in blobs:
        size += plain_size(blob)
        if span and (blob.offset - end > _GAP or blob.offset + blob.length - span[0].offset > _SPAN or size > _SPAN):
            yield span
            span, size = [], plain_size(blob)
        span.append(blob)
        end = blob.offset + blob.length
    if span:
        yield span


def _find_all(repository: Repository, node: Node) -> list[BlobPlace]:
    """Where the blobs of a file lie. Raises RepositoryDamaged for one that is nowhere: what comes behind it has no offset."""
    found = []
    for blob in node.content:
        place = repository.known_index.index().find(BlobKind.DATA, blob) or repository.known_index.refresh().find(BlobKind.DATA, blob)
        if place is None:
            raise BlobMissing(blob_name(BlobKind.DATA, blob), "is in no index")
        found.append(place)
    return found


def _put_down(
    key: Key, found: t.Iterable[BlobPlace], wanted: dict[BlobId, list[tuple[Key, int]]], places: dict[PackId, list[PackedBlob]]
) -> None:
    offset = 0
    for place in found:
        blob = place.blob
        if blob.id not in wanted:
            places.setdefault(place.pack, []).append(blob)
        wanted.setdefault(blob.id, []).append((key, offset))
        offset += plain_size(blob)


def _open_all(
    pool: concurrent.futures.Executor, repository: Repository, places: t.Mapping[PackId, list[PackedBlob]]
) -> t.Iterator[tuple[BlobId, bytes | RepositoryDamaged]]:
    """Every blob once, a few requests ahead of whoever takes them."""
    waiting: collections.deque[concurrent.futures.Future[_Opened]] = collections.deque()
    try:
        for pack, blobs in places.items():
            for span in spans(sorted(blobs, key=lambda blob: blob.offset)):
                waiting.append(pool.submit(_open_span, repository, pack, span))
                if len(waiting) > _AHEAD:
                    yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


def _open_span(repository: Repository, pack: PackId, span: t.Sequence[PackedBlob]) -> _Opened:
    start, end = span[0].offset, span[-1].offset + span[-1].length
    try:
        data = memoryview(repository.storage.get_range(FileKind.DATA, pack, start, end - start))
    except ObjectMissing:
        data = memoryview(b"")
    opened: _Opened = []
    for blob in span:
        try:
            opened.append((blob.id, open_blob(repository.files.key, blob, data[blob.offset - start : blob.offset - start + blob.length])))
        except Malformed:
            opened.append((blob.id, _read_other_copy(repository, blob)))
    return opened


def _read_other_copy(repository: Repository, blob: PackedBlob) -> bytes | RepositoryDamaged:
    """The long way: every copy that the index knows, also when a prune has moved it meanwhile."""
    try:
        return repository.read_blob(BlobKind.DATA, blob.id)
    except RepositoryDamaged as damage:
        return damage
