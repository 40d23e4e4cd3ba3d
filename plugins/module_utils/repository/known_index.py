# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps the index of a repository in memory, in step with the storage."""

from __future__ import annotations

import threading
import typing as t

from .blob_index import BlobIndex
from .blobs import PackContent
from .errors import RepositoryDamaged
from .index_files import read_index
from .object_files import ObjectFiles
from .packs import pack_size
from .storage import FileKind
from .types import IndexId, PackId

_ATTEMPTS = 3


class KnownIndex:
    """Loads the index at first need. L(refresh) reads what others have added since. Thread-safe."""

    def __init__(self, files: ObjectFiles) -> None:
        self._files = files
        self._mutex = threading.Lock()
        self._index: BlobIndex | None = None
        self._loaded: set[IndexId] = set()
        self._relied_on: dict[PackId, int] = {}

    def index(self) -> BlobIndex:
        index = self._index
        if index is None:
            with self._mutex:
                index = self._index
                if index is None:
                    index = self._bring_up_to_date()
        return index

    def refresh(self) -> BlobIndex:
        """Reads new index files only, or everything again when a pack or an index file has gone."""
        with self._mutex:
            return self._bring_up_to_date()

    def learn(self, index_file: IndexId, packs: t.Iterable[PackContent]) -> None:
        """Take note of an index file that was just written here."""
        with self._mutex:
            if self._index is None:
                return
            self._loaded.add(index_file)
            for pack in packs:
                self._relied_on[pack.id] = pack_size(pack.blobs)
                self._index.add_pack(pack, is_present=True)

    def _bring_up_to_date(self) -> BlobIndex:
        """A prune beside us may delete an index file between its listing and our reading; then we start over."""
        attempts_left = _ATTEMPTS
        while True:
            listed = {IndexId(stored.name) for stored in self._files.storage.list(FileKind.INDEX)}
            packs = {PackId(stored.name): stored.size for stored in self._files.storage.list(FileKind.DATA)}
            try:
                return self._load(listed, packs)
            except RepositoryDamaged:
                still_listed = {stored.name for stored in self._files.storage.list(FileKind.INDEX)}
                attempts_left -= 1
                if listed <= still_listed or not attempts_left:
                    raise

    def _load(self, listed: set[IndexId], packs: t.Mapping[PackId, int]) -> BlobIndex:
        index, loaded, relied_on = self._index, set(self._loaded), dict(self._relied_on)
        is_outdated = not loaded <= listed or any(packs.get(pack) != size for pack, size in relied_on.items())
        if index is None or is_outdated:
            index, loaded, relied_on = BlobIndex(), set(), {}
        for name in sorted(listed - loaded):
            for pack in read_index(self._files, name):
                size = pack_size(pack.blobs)
                is_present = packs.get(pack.id) == size
                index.add_pack(pack, is_present=is_present)
                if is_present:
                    relied_on[pack.id] = size
            loaded.add(name)
        self._index, self._loaded, self._relied_on = index, loaded, relied_on
        return index
