# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decides what a prune removes. Nothing here reads or writes: facts in, a plan out, or a refusal."""

from __future__ import annotations

import collections
import dataclasses
import typing as t

from .blobs import PackedBlob
from .errors import RepositoryDamaged
from .object_files import object_name
from .packs import TARGET_SIZE, pack_size
from .reachability import BlobSet
from .reading import blob_name
from .storage import FileKind
from .types import BlobKind, IndexId, PackId, SnapshotId

_SMALL_PACK = TARGET_SIZE // 4
_SMALL_INDEX_BLOBS = 2_000
_WORTH_MERGING = 10


@dataclasses.dataclass(frozen=True, slots=True)
class RepositoryFacts:
    """What a plan is made from. ``indexed`` merges all index files; ``index_packs`` and ``index_blobs`` tell them apart."""

    snapshots: frozenset[SnapshotId]
    used: BlobSet
    stored_packs: t.Mapping[PackId, int]
    indexed: t.Mapping[PackId, tuple[PackedBlob, ...]]
    index_packs: t.Mapping[IndexId, frozenset[PackId]]
    index_blobs: t.Mapping[IndexId, int]


@dataclasses.dataclass(frozen=True, slots=True)
class PrunePlan:
    """Exactly what a prune does. ``moves`` says which blobs of each rewritten pack live on; sizes are bytes as stored.

    ``packs_lost`` are in the index and not in the storage, and nothing needs them; only the index changes.
    """

    snapshots_removed: tuple[SnapshotId, ...]
    snapshots_kept: tuple[SnapshotId, ...]
    packs_deleted: tuple[PackId, ...]
    packs_repacked: tuple[PackId, ...]
    packs_unindexed: tuple[PackId, ...]
    packs_lost: tuple[PackId, ...]
    index_files_replaced: tuple[IndexId, ...]
    blobs_removed: int
    bytes_freed: int
    bytes_rewritten: int
    moves: t.Mapping[PackId, tuple[PackedBlob, ...]] = dataclasses.field(repr=False)

    @property
    def changes(self) -> bool:
        """Whether carrying it out changes anything."""
        return bool(self.snapshots_removed or self.packs_deleted or self.packs_unindexed or self.index_files_replaced)


def decide(facts: RepositoryFacts, remove: t.Collection[SnapshotId], tolerated_waste: float) -> PrunePlan:
    """Raises RepositoryDamaged, naming it, when something that is needed is not there as it should be."""
    keepers = _assign_blobs(facts)
    healthy = {pack: blobs for pack, blobs in facts.indexed.items() if _is_healthy(facts, pack)}
    deleted = {pack for pack in facts.indexed if pack in facts.stored_packs and not keepers.get(pack)}
    repacked = _choose_repacks(facts, {pack: keepers[pack] for pack in healthy if pack not in deleted}, tolerated_waste)
    lost = {pack for pack in facts.indexed if pack not in facts.stored_packs}
    unindexed = {pack for pack in facts.stored_packs if pack not in facts.indexed}
    rewritten = sum(pack_size(keepers[pack]) for pack in repacked)
    going = deleted | repacked
    kept_blobs = sum(len(keepers[pack]) for pack in repacked)
    return PrunePlan(
        snapshots_removed=tuple(sorted(facts.snapshots.intersection(remove))),
        snapshots_kept=tuple(sorted(facts.snapshots.difference(remove))),
        packs_deleted=tuple(sorted(deleted)),
        packs_repacked=tuple(sorted(repacked)),
        packs_unindexed=tuple(sorted(unindexed)),
        packs_lost=tuple(sorted(lost)),
        index_files_replaced=_choose_index_files(facts, going | lost),
        blobs_removed=sum(len(facts.indexed[pack]) for pack in going) - kept_blobs,
        bytes_freed=sum(facts.stored_packs[pack] for pack in going | unindexed) - rewritten,
        bytes_rewritten=rewritten,
        moves={pack: keepers[pack] for pack in sorted(repacked)},
    )


def _is_healthy(facts: RepositoryFacts, pack: PackId) -> bool:
    return facts.stored_packs.get(pack) == pack_size(facts.indexed[pack])


def _assign_blobs(facts: RepositoryFacts) -> dict[PackId, tuple[PackedBlob, ...]]:
    """For every healthy pack the used blobs that it keeps: of several copies one, in the pack that holds most of use."""

    def use(pack: PackId) -> tuple[int, str]:
        return (-sum(blob.length for blob in facts.indexed[pack] if facts.used.has(blob.kind, blob.id)), pack)

    assigned = BlobSet()
    keepers: dict[PackId, tuple[PackedBlob, ...]] = {}
    for pack in sorted((pack for pack in facts.indexed if _is_healthy(facts, pack)), key=use):
        blobs = facts.indexed[pack]
        keepers[pack] = tuple(blob for blob in blobs if facts.used.has(blob.kind, blob.id) and assigned.add(blob.kind, blob.id))
    if len(assigned) != len(facts.used):
        _refuse(facts, assigned)
    return keepers


def _refuse(facts: RepositoryFacts, assigned: BlobSet) -> t.NoReturn:
    """Say which needed blob is not safely there, and where it should be."""
    hint = "Nothing was removed. Verify the repository, and restore the named file from a copy of the storage if there is one."
    for pack, blobs in facts.indexed.items():
        for blob in blobs:
            if facts.used.has(blob.kind, blob.id) and not assigned.has(blob.kind, blob.id):
                size, expected = facts.stored_packs.get(pack), pack_size(blobs)
                problem = "is missing" if size is None else f"has {size:,} bytes instead of {expected:,}"
                raise RepositoryDamaged(object_name(FileKind.DATA, pack), f"{problem}, and snapshots need it", hint=hint)
    for kind, blob_id in facts.used:
        if not assigned.has(kind, blob_id):
            raise RepositoryDamaged(blob_name(kind, blob_id), "is in no index, and snapshots need it", hint=hint)
    raise RepositoryDamaged("the index", "contradicts itself", hint=hint)


def _choose_repacks(facts: RepositoryFacts, keepers: t.Mapping[PackId, tuple[PackedBlob, ...]], tolerated_waste: float) -> set[PackId]:
    """Packs to rewrite: of mixed kinds or trees with waste always, data packs until the waste is tolerable, many small ones."""
    useful = {pack: sum(blob.length for blob in blobs) for pack, blobs in keepers.items()}
    waste = {pack: sum(blob.length for blob in facts.indexed[pack]) - useful[pack] for pack in keepers}
    kinds = {pack: {blob.kind for blob in facts.indexed[pack]} for pack in keepers}
    chosen = {pack for pack in keepers if len(kinds[pack]) > 1 or (waste[pack] and BlobKind.TREE in kinds[pack])}
    for kind in BlobKind:
        small = [pack for pack in keepers if kinds[pack] == {kind} and facts.stored_packs[pack] < _SMALL_PACK]
        if len(small) >= _WORTH_MERGING:
            chosen.update(small)
    tolerated = tolerated_waste * sum(useful.values())
    remaining = sum(waste[pack] for pack in keepers if pack not in chosen)
    for pack in sorted(keepers, key=lambda pack: (-waste[pack] / facts.stored_packs[pack], pack)):
        if remaining <= tolerated:
            break
        if pack not in chosen:
            chosen.add(pack)
            remaining -= waste[pack]
    return chosen


def _choose_index_files(facts: RepositoryFacts, going: set[PackId]) -> tuple[IndexId, ...]:
    """Index files that name a pack that goes or that another one names too, and the small ones once there are many."""
    times_named = collections.Counter(pack for packs in facts.index_packs.values() for pack in packs)
    stale = going.union(pack for pack, times in times_named.items() if times > 1)
    replaced = {index for index, packs in facts.index_packs.items() if not packs.isdisjoint(stale)}
    small = {index for index, count in facts.index_blobs.items() if count < _SMALL_INDEX_BLOBS}
    return tuple(sorted(replaced | small if len(small) >= _WORTH_MERGING else replaced))
