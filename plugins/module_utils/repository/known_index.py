# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps what the index files of a repository say, in step with the storage."""

from __future__ import annotations

import collections
import concurrent.futures
import functools
import itertools
import threading
import typing as t

from .blob_index import BlobIndex, IndexUnusable
from .blobs import PackContent
from .errors import ObjectMissing, RepositoryDamaged, StorageError
from .index_cache import IndexCache
from .index_files import open_index
from .object_files import ObjectFiles, is_id, object_name, read_bounded
from .storage import FileKind
from .types import IndexId, PackId

_ATTEMPTS = 3
_FETCHES_AHEAD = 4
_MANY_FILES = 16
_MANY_BLOBS = 2_000
_TOLERATED_SHARE = 20


def load_index(files: ObjectFiles, *, on_damage: t.Callable[[RepositoryDamaged], None] | None = None) -> BlobIndex:
    """Every index file of today's listing, read from the storage and from no cache.

    A damaged one raises RepositoryDamaged, or is handed to ``on_damage`` and left out. Raises StorageError.
    """
    known = KnownIndex(files)
    index = known.index()
    if on_damage is None:
        known.refuse_damage()
    else:
        for damage in known.damage:
            on_damage(damage)
    return index


def is_worth_saving(unsaved: t.Collection[int], saved: int) -> bool:
    """Whether index files that the cache lacks cost its readers more than saving costs us.

    ``unsaved`` says how many blobs each of them names, ``saved`` how many are in the cache. Every file is a request, and
    every blob takes some 10 microseconds; a cache is written whole, at 60 bytes a blob.
    """
    blobs = sum(unsaved)
    return len(unsaved) >= _MANY_FILES or (blobs >= _MANY_BLOBS and blobs * _TOLERATED_SHARE >= saved)


class KnownIndex:
    """Loads the index at first need. L(refresh) reads what others have added since. Thread-safe.

    A damaged index file takes nothing from those that read what the others name. It is told of in C(damage), and
    L(refuse_damage) stops those that write.
    """

    def __init__(self, files: ObjectFiles, cache: IndexCache | None = None) -> None:
        self.damage: tuple[RepositoryDamaged, ...] = ()
        self._files = files
        self._cache = cache
        self._mutex = threading.Lock()
        self._index: BlobIndex | None = None
        self._may_use_disk = True
        self._cached: frozenset[IndexId] = frozenset()

    def index(self) -> BlobIndex:
        index = self._index
        if index is None:
            with self._mutex:
                index = self._index
                if index is None:
                    index = self._bring_up_to_date()
        return index

    @property
    def is_loaded(self) -> bool:
        """Whether L(index) costs nothing."""
        return self._index is not None

    def refresh(self) -> BlobIndex:
        """Read index files that are new, and forget those that have gone."""
        with self._mutex:
            return self._bring_up_to_date()

    def refuse_damage(self) -> None:
        """Raise RepositoryDamaged for an index file that is damaged, StorageError for one that the storage does not hand out."""
        for damage in self.damage:
            cause = damage.__cause__
            raise cause if isinstance(cause, StorageError) and not isinstance(cause, ObjectMissing) else damage

    def learn(self, index_file: IndexId, packs: t.Sequence[PackContent]) -> None:
        """Take note of an index file that was just written here."""
        with self._mutex:
            if self._index is None:
                return
            try:
                self._index.add_file(index_file, packs, are_stored=True)
            except IndexUnusable:
                self._abandon()

    def save(self) -> None:
        """Write the cache, if there is to be one and it is due. Only writers call this: looking at a repository writes nothing."""
        with self._mutex:
            if self._cache is None or self._index is None:
                return
            blobs = self._index.blob_counts()
            unsaved = [blobs[name] for name in blobs.keys() - self._cached]
            if is_worth_saving(unsaved, sum(blobs.values()) - sum(unsaved)):
                self._cache.save(self._index)
                self._cached = frozenset(blobs)

    def _bring_up_to_date(self) -> BlobIndex:
        """A prune beside us may delete an index file between its listing and our reading; then we list again."""
        for _attempt in range(_ATTEMPTS):
            try:
                index = self._try_to_bring_up_to_date()
            except IndexUnusable:
                if not self._may_use_disk:
                    raise
                self._abandon()
                index = self._try_to_bring_up_to_date()
            if not any(isinstance(damage.__cause__, ObjectMissing) for damage in self.damage):
                break
        return index

    def _try_to_bring_up_to_date(self) -> BlobIndex:
        """Index files are listed before packs, so that a pack whose index we know is in the listing if it is there at all."""
        index = self._index or self._from_cache()
        names = [IndexId(stored.name) for stored in self._files.storage.list(FileKind.INDEX) if is_id(stored.name)]
        packs = {PackId(stored.name): stored.size for stored in self._files.storage.list(FileKind.DATA) if is_id(stored.name)}
        index.take_listing(names, packs)
        damage = []
        for name, fetched in _fetch(self._files, sorted(set(names) - index.index_files())):
            try:
                contents = open_index(self._files, name, fetched())
            except RepositoryDamaged as error:
                damage.append(error)
            except StorageError as error:
                damage.append(_unread(name, error))
            else:
                index.add_file(name, contents)
        self._index = index
        self.damage = tuple(damage)
        return index

    def _from_cache(self) -> BlobIndex:
        index = BlobIndex(may_use_disk=self._may_use_disk)
        if self._cache is None:
            return index
        if not self._cache.load(index):
            return BlobIndex(may_use_disk=self._may_use_disk)
        self._cached = frozenset(index.index_files())
        return index

    def _abandon(self) -> None:
        """The temporary file failed: the next load takes memory instead."""
        self._index = None
        self._may_use_disk = False


def _unread(name: IndexId, error: StorageError) -> RepositoryDamaged:
    damage = RepositoryDamaged(object_name(FileKind.INDEX, name), f"cannot be read ({error.what})")
    damage.__cause__ = error
    return damage


def _fetch(files: ObjectFiles, names: t.Sequence[IndexId]) -> t.Iterator[tuple[IndexId, t.Callable[[], bytes]]]:
    """The bytes of index files in this order. Of many, a few requests ahead: an object store takes its time for each."""
    if len(names) <= _FETCHES_AHEAD:
        yield from ((name, functools.partial(read_bounded, files.storage, FileKind.INDEX, name)) for name in names)
        return
    with concurrent.futures.ThreadPoolExecutor(_FETCHES_AHEAD, thread_name_prefix="repository-index") as pool:
        ahead: collections.deque[concurrent.futures.Future[bytes]] = collections.deque()
        for name, next_name in itertools.zip_longest((None,) * (_FETCHES_AHEAD - 1) + tuple(names), names):
            if next_name is not None:
                ahead.append(pool.submit(read_bounded, files.storage, FileKind.INDEX, next_name))
            if name is not None:
                yield name, ahead.popleft().result
