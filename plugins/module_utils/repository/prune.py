# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Removes snapshots, or parts of them, and the data that only they needed.

Order: first what takes the place of snapshots that lose a part (see C(rewriting.py)). Then snapshots, then packs that no
index names; then new packs, the new index, the old index, and last the old packs. Killed anywhere, the repository is sound,
and the next prune does the rest: what was copied and indexed is there twice, so that it only drops the old packs. Memory
grows with the number of packs, not with that of blobs.
"""

from __future__ import annotations

import collections
import dataclasses
import typing as t

from .advance import UNHEARD, Advance
from .blobs import PackContent
from .errors import BlobMissing, RepositoryDamaged
from .known_index import load_index
from .locks import HeldLock, hold_lock
from .prune_plan import Choice, IndexFacts, PrunePlan, RepositoryFacts, decide, describe, packed_size
from .reachability import visit_trees
from .reading import IndexReader
from .repacking import Repacker
from .repository import Repository
from .rewriting import Reduction, Rewrite, Sketch, write_rewritten
from .storage import FileKind, Storage
from .types import BlobKind, IndexId, PackId, Snapshot, SnapshotId, TreeId
from .used_blobs import UsedBlobs

TOLERATED_WASTE = 0.05
_DELETIONS_PER_LOOK = 100

Removal = t.Union[t.Collection[SnapshotId], t.Callable[[], t.Union[t.Collection[SnapshotId], Reduction]], Reduction]


@dataclasses.dataclass(frozen=True, slots=True)
class PruneResult:
    """What a prune did. ``bytes_freed`` counts all files, but not those of snapshots that take the place of others."""

    plan: PrunePlan
    bytes_freed: int
    packs_written: int
    index_files_written: int
    index_files_deleted: int
    leftovers_removed: int


def plan_prune(
    repository: Repository,
    remove: Removal = (),
    *,
    tolerated_waste: float = TOLERATED_WASTE,
    accept_missing: bool = False,
) -> PrunePlan:
    """What L(prune) would do; reads only. Ids that are not there (any more) are ignored.

    With ``accept_missing``, blobs that snapshots need and no pack holds are only told of in the plan. Raises RepositoryDamaged
    when something else that a remaining snapshot needs is not there as it should be, and StorageError.
    """
    return _survey(repository, remove, tolerated_waste, accept_missing).plan


def prune(
    repository: Repository,
    remove: Removal = (),
    *,
    tolerated_waste: float = TOLERATED_WASTE,
    accept_missing: bool = False,
    lock_timeout: float = 0.0,
    advance: Advance = UNHEARD,
) -> PruneResult:
    """Plan under an exclusive lock, and carry the plan out. ``remove`` may be a function, which is then asked under the lock.

    Raises RepositoryLocked, LockLost, RepositoryDamaged, StorageError.
    """
    with hold_lock(repository.files, repository.clock, exclusive=True, lock_timeout=lock_timeout) as lock:
        advance.phase("finding what is needed")
        survey = _survey(repository, remove, tolerated_waste, accept_missing)
        write_rewritten(repository, lock, survey.rewrites, survey.kept)
        result = _carry_out(repository, lock, survey, advance)
        if repository.known_index.is_loaded:
            repository.known_index.refresh()
        return result


@dataclasses.dataclass(frozen=True, slots=True)
class _Survey:
    """What was found, and what is to be done about it. ``kept`` are the snapshots that stay as they are."""

    used: UsedBlobs
    reader: IndexReader
    facts: RepositoryFacts
    choice: Choice
    plan: PrunePlan
    rewrites: tuple[Rewrite, ...]
    kept: tuple[Snapshot, ...]


def _survey(repository: Repository, remove: Removal, tolerated_waste: float, accept_missing: bool) -> _Survey:
    """Snapshots are listed before the index is read. A run that ends in between only spoils a plan, since a prune excludes runs."""
    asked = remove() if callable(remove) else remove
    reduction = asked if isinstance(asked, Reduction) else Reduction(asked)
    snapshots = {snapshot.id: snapshot for snapshot in repository.snapshots()}
    going = frozenset(reduction.remove)
    index = load_index(repository.files)
    reader = IndexReader(repository.storage, repository.files.key, index)
    used = UsedBlobs(index)
    sketch = Sketch(reader, used)
    rewrites: dict[SnapshotId, Rewrite] = {}
    for name, snapshot in snapshots.items():
        if name in reduction.rewrite and name not in going:
            tree = sketch.rewritten(snapshot.tree, reduction.rewrite[name])
            if tree != snapshot.tree:
                rewrites[name] = Rewrite(snapshot, reduction.rewrite[name], tree)
                _mark(reader, sketch.old_parts(tree), used)
    kept = tuple(snapshot for name, snapshot in snapshots.items() if name not in going and name not in rewrites)
    _mark(reader, [snapshot.tree for snapshot in kept], used)
    named: dict[IndexId, set[PackId]] = collections.defaultdict(set)
    for entry in index.entries():
        named[entry.file].add(entry.pack)
    facts = RepositoryFacts(
        snapshots=frozenset(snapshots),
        packs=used.settle(),
        unindexed=used.unindexed(),
        index_files=tuple(IndexFacts(name, frozenset(named[name]), blobs) for name, blobs in sorted(index.blob_counts().items())),
        missing=used.missing(),
    )
    waste = tolerated_waste if reduction.tolerated_waste is None else reduction.tolerated_waste
    choice = decide(facts, waste, accept_missing=accept_missing)
    repacked = packed_size(blob for pack in choice.repacked for blob in used.kept(pack))
    plan = describe(facts, choice, going, repacked, rewritten=rewrites, new_bytes=sketch.new_bytes)
    return _Survey(used, reader, facts, choice, plan, tuple(rewrites.values()), kept)


def _mark(reader: IndexReader, roots: t.Iterable[TreeId], used: UsedBlobs) -> None:
    """Raises RepositoryDamaged for a directory that cannot be read; what is missing shows in the facts."""

    def raise_damage(damage: RepositoryDamaged) -> None:
        if not isinstance(damage, BlobMissing):
            raise damage

    for nodes in visit_trees(reader, roots, used, raise_damage):
        for node in nodes:
            for blob in node.content:
                used.add(BlobKind.DATA, blob)


def _carry_out(repository: Repository, lock: HeldLock, survey: _Survey, advance: Advance) -> PruneResult:
    files, choice, plan = repository.files, survey.choice, survey.plan
    deleter = _Deleter(files.storage, lock)
    deleter.delete(FileKind.SNAPSHOT, plan.snapshots_removed)
    deleter.delete(FileKind.DATA, plan.packs_unindexed)
    leftovers = files.storage.remove_leftovers()
    with Repacker(files, lock, survey.reader.index) as repacker:
        moved = {pack.id: packed_size(survey.used.kept(pack)) for pack in choice.repacked}
        advance.phase("moving what stays", unit="packs", total=len(moved), bytes_total=sum(moved.values()))
        for pack in choice.repacked:
            repacker.move(pack, survey.used.kept(pack))
            advance.add(1, moved[pack.id])
        repacker.vouch(survey.used.vouchers((*choice.deleted, *choice.repacked)))
        repacker.finish(_survivors(survey))
    deleter.delete(FileKind.INDEX, choice.index_files_replaced)
    packs = (*plan.packs_deleted, *plan.packs_repacked)
    advance.phase("deleting what nothing needs", unit="packs", total=len(packs))
    deleter.delete(FileKind.DATA, packs, advance)
    return PruneResult(
        plan=plan,
        bytes_freed=deleter.bytes - repacker.pack_bytes - repacker.index_bytes,
        packs_written=repacker.packs,
        index_files_written=len(repacker.index_files),
        index_files_deleted=len(plan.index_files_replaced),
        leftovers_removed=leftovers,
    )


def _survivors(survey: _Survey) -> t.Iterator[PackContent]:
    """The packs that stay and are named by an index file that goes."""
    choice = survey.choice
    gone = {pack.id for pack in (*choice.deleted, *choice.repacked, *choice.lost)}
    replaced = set(choice.index_files_replaced)
    touched = {pack for file in survey.facts.index_files if file.id in replaced for pack in file.packs}
    for pack in survey.facts.packs:
        if pack.id in touched and pack.id not in gone:
            yield PackContent(pack.id, survey.used.content(pack))


class _Deleter:
    """Deletes files while the lock holds, and counts their bytes. One that is gone already is fine."""

    def __init__(self, storage: Storage, lock: HeldLock) -> None:
        self._storage = storage
        self._lock = lock
        self.bytes = 0

    def delete(self, kind: FileKind, names: t.Iterable[str], advance: Advance = UNHEARD) -> None:
        for number, name in enumerate(names):
            advance.add(1)
            if number % _DELETIONS_PER_LOOK == 0:
                self._lock.confirm()
            self._lock.check()
            stored = self._storage.stat(kind, name)
            if stored is None:
                continue
            self._storage.delete(kind, name)
            self.bytes += stored.size
