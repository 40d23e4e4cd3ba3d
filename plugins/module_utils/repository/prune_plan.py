# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decides what a prune removes. Nothing here reads or writes: facts in, a choice and a plan out, or a refusal."""

from __future__ import annotations

import collections
import dataclasses
import typing as t

from .blobs import PackedBlob
from .errors import RepositoryDamaged
from .object_files import object_name
from .packs import TARGET_SIZE, is_full, pack_size
from .reading import blob_name
from .storage import FileKind
from .types import BlobId, BlobKind, IndexId, PackId, SnapshotId

_SMALL_PACK = TARGET_SIZE // 4
_SMALL_INDEX_BLOBS = 2_000
_WORTH_MERGING = 10
_HINT = (
    "Nothing was removed. Verify the repository with repair, which names what is lost, and run the plan again, so that messages"
    " that the mailbox still has are read again. What is lost for good can be given up with accept_missing."
)


@dataclasses.dataclass(frozen=True, slots=True)
class PackFacts:
    """One pack that the index names. Sizes and lengths are bytes; ``stored_size`` is None when the pack is not there.

    ``kept_blobs`` are the blobs that snapshots need and that have no better copy in another pack.
    """

    number: int
    id: PackId
    stored_size: int | None
    implied_size: int
    kinds: frozenset[BlobKind]
    blobs: int
    length: int
    kept_blobs: int
    kept_length: int

    @property
    def is_healthy(self) -> bool:
        return self.stored_size == self.implied_size

    @property
    def waste(self) -> int:
        return self.length - self.kept_length


@dataclasses.dataclass(frozen=True, slots=True)
class IndexFacts:
    """One index file: the packs that it names, and with how many blobs."""

    id: IndexId
    packs: frozenset[PackId]
    blobs: int


@dataclasses.dataclass(frozen=True, slots=True)
class MissingBlobs:
    """What snapshots need and no pack holds: how many blobs, and the first few."""

    count: int = 0
    examples: tuple[tuple[BlobKind, BlobId], ...] = ()

    def __bool__(self) -> bool:
        return self.count > 0


@dataclasses.dataclass(frozen=True, slots=True)
class RepositoryFacts:
    """What a plan is made from. ``unindexed`` are packs that no index names, with their sizes; ``missing`` is in no index."""

    snapshots: frozenset[SnapshotId]
    packs: tuple[PackFacts, ...]
    unindexed: t.Mapping[PackId, int]
    index_files: tuple[IndexFacts, ...]
    missing: MissingBlobs


@dataclasses.dataclass(frozen=True, slots=True)
class Choice:
    """What becomes of the packs that the index names, by id; all others stay as they are.

    ``lost`` packs are not in the storage, and nothing needs them; only the index changes.
    """

    deleted: tuple[PackFacts, ...]
    repacked: tuple[PackFacts, ...]
    lost: tuple[PackFacts, ...]
    index_files_replaced: tuple[IndexId, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class PrunePlan:
    """Exactly what a prune does. Sizes are bytes of packs as stored; that of the index comes on top.

    ``snapshots_rewritten`` are among the removed ones: others take their place, which have another tree. What these need that
    was not stored before is taken off ``bytes_freed``.
    ``packs_lost`` are in the index and not in the storage; only the index changes. ``missing`` is empty unless losses were
    accepted.
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
    missing: MissingBlobs
    snapshots_rewritten: tuple[SnapshotId, ...] = ()

    @property
    def changes(self) -> bool:
        """Whether carrying it out changes anything."""
        return bool(self.snapshots_removed or self.packs_deleted or self.packs_unindexed or self.index_files_replaced)


def decide(facts: RepositoryFacts, tolerated_waste: float, *, accept_missing: bool = False) -> Choice:
    """Raises RepositoryDamaged, naming it, when something that is needed is not there as it should be.

    ``accept_missing`` lets pass what no pack holds. A needed blob in a pack of the wrong size is never let pass.
    """
    _refuse_damage(facts, accept_missing)
    deleted = {pack for pack in facts.packs if pack.stored_size is not None and not pack.kept_blobs}
    lost = {pack for pack in facts.packs if pack.stored_size is None}
    repacked = _choose_repacks([pack for pack in facts.packs if pack.is_healthy and pack.kept_blobs], tolerated_waste)
    return Choice(
        deleted=_by_id(deleted),
        repacked=_by_id(repacked),
        lost=_by_id(lost),
        index_files_replaced=_choose_index_files(facts.index_files, {pack.id for pack in deleted | repacked | lost}),
    )


def describe(
    facts: RepositoryFacts,
    choice: Choice,
    remove: t.Collection[SnapshotId],
    bytes_rewritten: int,
    *,
    rewritten: t.Collection[SnapshotId] = (),
    new_bytes: int = 0,
) -> PrunePlan:
    """The plan in full. ``bytes_rewritten`` is what L(packed_size) says of the blobs of the repacked packs that are kept.

    Snapshots that are ``rewritten`` go as the removed ones do, and in their place come others that need ``new_bytes``.
    """
    remove = frozenset(remove) | frozenset(rewritten)
    going = (*choice.deleted, *choice.repacked)
    freed = sum(pack.stored_size or 0 for pack in going) + sum(facts.unindexed.values())
    return PrunePlan(
        snapshots_removed=tuple(sorted(facts.snapshots.intersection(remove))),
        snapshots_kept=tuple(sorted(facts.snapshots.difference(remove))),
        packs_deleted=tuple(pack.id for pack in choice.deleted),
        packs_repacked=tuple(pack.id for pack in choice.repacked),
        packs_unindexed=tuple(sorted(facts.unindexed)),
        packs_lost=tuple(pack.id for pack in choice.lost),
        index_files_replaced=choice.index_files_replaced,
        blobs_removed=sum(pack.blobs for pack in going) - sum(pack.kept_blobs for pack in choice.repacked),
        bytes_freed=freed - bytes_rewritten - new_bytes,
        bytes_rewritten=bytes_rewritten,
        missing=_missing(facts),
        snapshots_rewritten=tuple(sorted(facts.snapshots.intersection(rewritten))),
    )


def packed_size(blobs: t.Iterable[PackedBlob]) -> int:
    """What these blobs take once they are in new packs, in this order, one series of packs for each kind."""
    total = 0
    open_packs = dict.fromkeys(BlobKind, (0, 0))
    for blob in blobs:
        length, entries = open_packs[blob.kind]
        length, entries = length + blob.length, entries + 1
        if entries == 1:
            total += pack_size(())
        total += pack_size((blob,)) - pack_size(())
        open_packs[blob.kind] = (0, 0) if is_full(blob.kind, length, entries) else (length, entries)
    return total


def _by_id(packs: t.Iterable[PackFacts]) -> tuple[PackFacts, ...]:
    return tuple(sorted(packs, key=lambda pack: pack.id))


def _refuse_damage(facts: RepositoryFacts, accept_missing: bool) -> None:
    for pack in facts.packs:
        if pack.is_healthy or not pack.kept_blobs or (pack.stored_size is None and accept_missing):
            continue
        problem = "is missing" if pack.stored_size is None else f"has {pack.stored_size:,} bytes instead of {pack.implied_size:,}"
        raise RepositoryDamaged(object_name(FileKind.DATA, pack.id), f"{problem}, and snapshots need it", hint=_HINT)
    if facts.missing and not accept_missing:
        (kind, blob), others = facts.missing.examples[0], facts.missing.count - 1
        more = f" (as are {others:,} others)" if others else ""
        raise RepositoryDamaged(blob_name(kind, blob), f"is in no index{more}, and snapshots need it", hint=_HINT)


def _missing(facts: RepositoryFacts) -> MissingBlobs:
    """With what lost packs held."""
    lost = sum(pack.kept_blobs for pack in facts.packs if pack.stored_size is None)
    return dataclasses.replace(facts.missing, count=facts.missing.count + lost)


def _choose_repacks(packs: t.Sequence[PackFacts], tolerated_waste: float) -> set[PackFacts]:
    """Packs to rewrite: of mixed kinds or trees with waste always, data packs until the waste is tolerable, many small ones."""
    chosen = {pack for pack in packs if len(pack.kinds) > 1 or (pack.waste and BlobKind.TREE in pack.kinds)}
    for kind in BlobKind:
        small = [pack for pack in packs if pack.kinds == {kind} and pack.implied_size < _SMALL_PACK]
        if len(small) >= _WORTH_MERGING:
            chosen.update(small)
    tolerated = tolerated_waste * sum(pack.kept_length for pack in packs)
    remaining = sum(pack.waste for pack in packs if pack not in chosen)
    for pack in sorted(packs, key=lambda pack: (-pack.waste / pack.implied_size, pack.id)):
        if remaining <= tolerated:
            break
        if pack not in chosen:
            chosen.add(pack)
            remaining -= pack.waste
    return chosen


def _choose_index_files(index_files: t.Sequence[IndexFacts], going: t.Collection[PackId]) -> tuple[IndexId, ...]:
    """Index files that name a pack that goes or that another one names too, and the small ones once there are many."""
    times_named = collections.Counter(pack for file in index_files for pack in file.packs)
    stale = {*going, *(pack for pack, times in times_named.items() if times > 1)}
    replaced = {file.id for file in index_files if not file.packs.isdisjoint(stale)}
    small = {file.id for file in index_files if file.blobs < _SMALL_INDEX_BLOBS}
    return tuple(sorted(replaced | small if len(small) >= _WORTH_MERGING else replaced))
