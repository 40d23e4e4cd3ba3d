# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Examines a whole repository, and reports instead of stopping."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import enum
import hashlib
import socket
import typing as t

from .blob_index import BlobIndex
from .blobs import PackContent, PackedBlob, open_blob
from .errors import Malformed, ObjectMissing, RepositoryDamaged
from .index_files import read_index
from .locks import is_stale, process_exists, read_locks
from .object_files import object_name
from .packs import decode_pack, pack_size
from .reachability import BlobSet, visit_trees
from .reading import BlobReader, blob_name, read_at
from .repository import Repository
from .storage import FileKind
from .types import BlobId, BlobKind, IndexId, PackId, TreeId

_MAX_PACK = 1 << 30


class Severity(enum.Enum):
    """C(ERROR): something cannot be restored, or could soon not be. C(WARNING): the next prune puts it in order."""

    ERROR = "error"
    WARNING = "warning"


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """``obj`` names an object, ``problem`` goes on with the sentence."""

    obj: str
    problem: str
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        return f"{self.obj} {self.problem}"


def check(repository: Repository, read_data: bool = False) -> list[Finding]:
    """Every snapshot's trees can be read, every blob that they need is in the index, and every pack has its size.

    With ``read_data`` also every pack matches its name, its header matches the index, and every blob opens. Memory is
    one pack and the index. Whoever expects a prune beside it calls it within L(Repository.reading). Raises StorageError only.
    """
    return _Check(repository).run(read_data)


class _Check:
    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._files = repository.files
        self._storage = repository.storage
        self._findings: list[Finding] = []
        self._indexed: dict[PackId, dict[PackedBlob, None]] = {}
        self._index = BlobIndex()

    def run(self, read_data: bool) -> list[Finding]:
        self._check_keys_and_locks()
        roots = [snapshot.tree for snapshot in self._repository.snapshots(on_damage=self._report)]
        self._check_index_files()
        packs = {PackId(stored.name): stored.size for stored in self._storage.list(FileKind.DATA)}
        self._check_packs(packs)
        self._check_trees(roots)
        if read_data:
            for pack in sorted(packs):
                self._check_pack_data(pack, packs[pack])
        return self._findings

    def _report(self, damage: RepositoryDamaged) -> None:
        self._findings.append(Finding(damage.obj, damage.problem))

    def _add(self, obj: str, problem: str, severity: Severity = Severity.ERROR) -> None:
        self._findings.append(Finding(obj, problem, severity))

    def _check_keys_and_locks(self) -> None:
        with self._reported():
            self._repository.key_files()
        with self._reported():
            now, machine = self._repository.clock.now(), socket.gethostname()
            for lock in read_locks(self._files):
                if is_stale(lock, now, machine, process_exists):
                    self._add(object_name(FileKind.LOCK, lock.name), f"is left over from a task on {lock.hostname}", Severity.WARNING)

    def _check_index_files(self) -> None:
        times_named: collections.Counter[PackId] = collections.Counter()
        for stored in sorted(self._storage.list(FileKind.INDEX), key=lambda file: file.name):
            with self._reported():
                for pack in read_index(self._files, IndexId(stored.name)):
                    times_named[pack.id] += 1
                    self._indexed.setdefault(pack.id, {}).update(dict.fromkeys(pack.blobs))
        for name, times in times_named.items():
            if times > 1:
                self._add(object_name(FileKind.DATA, name), f"is named {times} times in the index", Severity.WARNING)

    def _check_packs(self, packs: t.Mapping[PackId, int]) -> None:
        for pack, blobs in sorted(self._indexed.items()):
            ordered = tuple(sorted(blobs, key=lambda blob: blob.offset))
            self._index.add_pack(PackContent(pack, ordered), is_present=pack in packs)
            expected, size = pack_size(ordered), packs.get(pack)
            if size is None:
                self._add(object_name(FileKind.DATA, pack), f"is missing; the index places {len(ordered):,} blobs in it")
            elif size != expected:
                self._add(object_name(FileKind.DATA, pack), f"has {size:,} bytes instead of {expected:,}")
        for pack in sorted(packs.keys() - self._indexed.keys()):
            self._add(object_name(FileKind.DATA, pack), "is named by no index: an interrupted run left it", Severity.WARNING)

    def _check_trees(self, roots: t.Iterable[TreeId]) -> None:
        reader = _IndexReader(self._repository, self._index)
        seen, missing = BlobSet(), BlobSet()
        for tree, nodes in visit_trees(reader, roots, seen, self._report):
            for node in nodes:
                for blob in node.content:
                    if self._index.find(BlobKind.DATA, blob) is None and missing.add(BlobKind.DATA, blob):
                        self._add(blob_name(BlobKind.DATA, blob), f"is in no index, and {blob_name(BlobKind.TREE, tree)} needs it")

    def _check_pack_data(self, pack: PackId, size: int) -> None:
        indexed = self._indexed.get(pack)
        if indexed is None:
            return
        name = object_name(FileKind.DATA, pack)
        if size > _MAX_PACK:
            self._add(name, f"has {size:,} bytes, more than any pack has")
            return
        try:
            data = self._storage.get(FileKind.DATA, pack)
        except ObjectMissing:
            self._add(name, "vanished during the check")
            return
        if hashlib.sha256(data).hexdigest() != pack:
            self._add(name, "does not match its name, the hash of its content")
        ordered = tuple(sorted(indexed, key=lambda blob: blob.offset))
        try:
            if decode_pack(self._files.key, data) != ordered:
                self._add(name, "has a header that contradicts the index")
        except Malformed as reason:
            self._add(name, str(reason))
        view = memoryview(data)
        for blob in ordered:
            try:
                open_blob(self._files.key, blob, view[blob.offset : blob.offset + blob.length])
            except Malformed as reason:
                self._add(f"{blob_name(blob.kind, blob.id)} in {name}", str(reason))

    @contextlib.contextmanager
    def _reported(self) -> t.Iterator[None]:
        try:
            yield
        except RepositoryDamaged as damage:
            self._report(damage)


class _IndexReader(BlobReader):
    """Reads by what the intact index files say, so that one damaged index does not hide the rest."""

    def __init__(self, repository: Repository, index: BlobIndex) -> None:
        self._repository = repository
        self._index = index

    def read_blob(self, kind: BlobKind, blob: BlobId) -> bytes:
        place = self._index.find(kind, blob)
        if place is None:
            raise RepositoryDamaged(blob_name(kind, blob), "is in no index")
        return read_at(self._repository.storage, self._repository.files.key, place)
