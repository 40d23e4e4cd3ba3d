# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Removes snapshots and the data that only they needed.

Order: snapshots, then packs that no index names; then new packs, the new index, the old index, and last the old packs.
Killed anywhere, the repository is sound, and the next prune does the rest.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .blobs import PackContent, PackedBlob, SealedBlob, open_blob
from .errors import Malformed, RepositoryDamaged
from .index_files import encode_index, read_index
from .locks import HeldLock, hold_lock
from .object_files import ObjectFiles, object_name
from .pack_queue import BLOBS_PER_INDEX
from .packs import PackBuilder
from .prune_plan import PrunePlan, RepositoryFacts, decide
from .reachability import find_used_blobs
from .reading import blob_name
from .repository import Repository
from .storage import FileKind, Storage
from .types import BlobKind, IndexId, PackId, SnapshotId

TOLERATED_WASTE = 0.05


@dataclasses.dataclass(frozen=True, slots=True)
class PruneResult:
    """What a prune did. ``bytes_freed`` counts all files."""

    plan: PrunePlan
    bytes_freed: int
    packs_written: int
    index_files_written: int
    index_files_deleted: int
    leftovers_removed: int


def plan_prune(repository: Repository, remove: t.Collection[SnapshotId] = (), *, tolerated_waste: float = TOLERATED_WASTE) -> PrunePlan:
    """What L(prune) would do; reads only. Ids that are not there (any more) are ignored.

    Raises RepositoryDamaged when something that a remaining snapshot needs is missing, StorageError.
    """
    return decide(_gather(repository, remove), remove, tolerated_waste)


def prune(
    repository: Repository,
    remove: t.Collection[SnapshotId] = (),
    *,
    tolerated_waste: float = TOLERATED_WASTE,
    lock_timeout: float = 0.0,
) -> PruneResult:
    """Plan under an exclusive lock, and carry the plan out.

    Raises RepositoryLocked, LockLost, RepositoryDamaged, StorageError.
    """
    with hold_lock(repository.files, repository.clock, exclusive=True, lock_timeout=lock_timeout) as lock:
        repository.known_index.refresh()
        facts = _gather(repository, remove)
        plan = decide(facts, remove, tolerated_waste)
        result = _carry_out(repository, lock, facts, plan)
        repository.known_index.refresh()
        return result


def _gather(repository: Repository, remove: t.Collection[SnapshotId]) -> RepositoryFacts:
    """Snapshots are listed before the index is read. A run that ends in between only spoils a plan, since a prune excludes runs."""
    files = repository.files
    snapshots = {snapshot.id: snapshot for snapshot in repository.snapshots()}
    kept = [snapshots[name].tree for name in snapshots.keys() - frozenset(remove)]
    used = find_used_blobs(repository, kept)
    merged: dict[PackId, dict[PackedBlob, None]] = {}
    index_packs: dict[IndexId, frozenset[PackId]] = {}
    index_blobs: dict[IndexId, int] = {}
    for stored in sorted(files.storage.list(FileKind.INDEX), key=lambda file: file.name):
        index = IndexId(stored.name)
        packs = read_index(files, index)
        for pack in packs:
            merged.setdefault(pack.id, {}).update(dict.fromkeys(pack.blobs))
        index_packs[index] = frozenset(pack.id for pack in packs)
        index_blobs[index] = sum(len(pack.blobs) for pack in packs)
    return RepositoryFacts(
        snapshots=frozenset(snapshots),
        used=used,
        stored_packs={PackId(stored.name): stored.size for stored in files.storage.list(FileKind.DATA)},
        indexed={pack: tuple(sorted(blobs, key=lambda blob: blob.offset)) for pack, blobs in merged.items()},
        index_packs=index_packs,
        index_blobs=index_blobs,
    )


def _carry_out(repository: Repository, lock: HeldLock, facts: RepositoryFacts, plan: PrunePlan) -> PruneResult:
    files = repository.files
    deleter = _Deleter(files.storage, lock)
    deleter.delete(FileKind.SNAPSHOT, plan.snapshots_removed)
    deleter.delete(FileKind.DATA, plan.packs_unindexed)
    leftovers = files.storage.remove_leftovers()
    new_packs, written_bytes = _repack(files, lock, plan)
    gone = {*plan.packs_deleted, *plan.packs_repacked, *plan.packs_lost}
    touched = {pack for index in plan.index_files_replaced for pack in facts.index_packs[index]}
    survivors = [PackContent(pack, facts.indexed[pack]) for pack in sorted(touched - gone)]
    new_index = _write_index(files, lock, [*survivors, *new_packs]) if plan.index_files_replaced else {}
    deleter.delete(FileKind.INDEX, plan.index_files_replaced)
    deleter.delete(FileKind.DATA, (*plan.packs_deleted, *plan.packs_repacked))
    return PruneResult(
        plan=plan,
        bytes_freed=deleter.bytes - written_bytes - sum(new_index.values()),
        packs_written=len(new_packs),
        index_files_written=len(new_index),
        index_files_deleted=len(plan.index_files_replaced),
        leftovers_removed=leftovers,
    )


class _Deleter:
    """Deletes files while the lock holds, and counts their bytes. One that is gone already is fine."""

    def __init__(self, storage: Storage, lock: HeldLock) -> None:
        self._storage = storage
        self._lock = lock
        self.bytes = 0

    def delete(self, kind: FileKind, names: t.Iterable[str]) -> None:
        names = list(names)
        if names:
            self._lock.confirm()
        for name in names:
            self._lock.check()
            stored = self._storage.stat(kind, name)
            if stored is None:
                continue
            self._storage.delete(kind, name)
            self.bytes += stored.size


def _repack(files: ObjectFiles, lock: HeldLock, plan: PrunePlan) -> tuple[list[PackContent], int]:
    """Copy the blobs that live on, sealed as they are, into new packs; no index names those yet."""
    written: list[PackContent] = []
    written_bytes = 0
    builders = {kind: PackBuilder(kind) for kind in BlobKind}

    def store(builder: PackBuilder) -> int:
        finished = builder.finish(files.key)
        lock.check()
        files.storage.put(FileKind.DATA, finished.content.id, finished.data)
        written.append(finished.content)
        return len(finished.data)

    for pack, blobs in plan.moves.items():
        for blob in blobs:
            builders[blob.kind].add(blob.id, SealedBlob(_read_sealed(files, pack, blob), blob.plain_length))
            if builders[blob.kind].is_full():
                written_bytes += store(builders[blob.kind])
                builders[blob.kind] = PackBuilder(blob.kind)
    for builder in builders.values():
        if len(builder):
            written_bytes += store(builder)
    return written, written_bytes


def _read_sealed(files: ObjectFiles, pack: PackId, blob: PackedBlob) -> bytes:
    """A blob as stored, after it was opened and found good."""
    try:
        sealed = files.storage.get_range(FileKind.DATA, pack, blob.offset, blob.length)
        open_blob(files.key, blob, sealed)
    except Malformed as error:
        raise RepositoryDamaged(f"{blob_name(blob.kind, blob.id)} in {object_name(FileKind.DATA, pack)}", str(error)) from error
    return sealed


def _write_index(files: ObjectFiles, lock: HeldLock, packs: t.Sequence[PackContent]) -> dict[IndexId, int]:
    """New index files, with their sizes."""
    written: dict[IndexId, int] = {}
    batch: list[PackContent] = []
    for pack in packs:
        batch.append(pack)
        if sum(len(pack.blobs) for pack in batch) >= BLOBS_PER_INDEX or pack is packs[-1]:
            lock.confirm()
            name, size = files.write(FileKind.INDEX, encode_index(batch))
            written[IndexId(name)] = size
            batch = []
    return written
