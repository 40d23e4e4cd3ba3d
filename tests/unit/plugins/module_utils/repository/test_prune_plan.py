# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a prune decides, over made-up packs."""

from __future__ import annotations

import typing as t

from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.blob_index import BlobIndex
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.blobs import PackContent, PackedBlob, SealedBlob
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.crypto import KeyMaterial, SealingKey
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.errors import (
    RepositoryDamaged,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.packs import PackBuilder, pack_size
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.prune_plan import (
    Choice,
    IndexFacts,
    RepositoryFacts,
    decide,
    describe,
    packed_size,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import (
    BlobId,
    BlobKind,
    IndexId,
    PackId,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.used_blobs import UsedBlobs

BLOBS = st.integers(0, 11)
MADE_UP_PACKS = st.lists(st.tuples(st.sampled_from(BlobKind), st.sets(BLOBS, min_size=1)), min_size=1, max_size=8)
UNINDEXED = PackId("ff" * 32)
INDEX = IndexId("ab" * 32)

Blob = tuple[BlobKind, BlobId]


def made_up(packs: list[tuple[BlobKind, set[int]]]) -> dict[PackId, tuple[PackedBlob, ...]]:
    contents = {}
    for number, (kind, blobs) in enumerate(packs):
        entries, offset = [], 0
        for blob in sorted(blobs):
            entries.append(PackedBlob(kind, BlobId(f"{blob:064x}"), offset, 100 + blob, None))
            offset += 100 + blob
        contents[PackId(f"{number:064x}")] = tuple(entries)
    return contents


def facts_about(
    indexed: dict[PackId, tuple[PackedBlob, ...]], used: t.Iterable[Blob], sizes: dict[PackId, int] | None = None
) -> tuple[RepositoryFacts, UsedBlobs]:
    index = BlobIndex()
    stored = {pack: pack_size(blobs) for pack, blobs in indexed.items()} if sizes is None else sizes
    index.take_listing([], stored | {UNINDEXED: 5})
    index.add_file(INDEX, [PackContent(pack, blobs) for pack, blobs in indexed.items()])
    marks = UsedBlobs(index)
    for kind, blob in used:
        marks.add(kind, blob)
    facts = RepositoryFacts(
        snapshots=frozenset(),
        packs=marks.settle(),
        unindexed=marks.unindexed(),
        index_files=(IndexFacts(INDEX, frozenset(indexed), sum(map(len, indexed.values()))),),
        missing=marks.missing(),
    )
    return facts, marks


@given(MADE_UP_PACKS, st.sets(st.tuples(st.sampled_from(BlobKind), BLOBS)), st.sampled_from([0.0, 0.05, 1.0]))
def test_every_plan_keeps_one_copy_of_all_that_is_used(
    packs: list[tuple[BlobKind, set[int]]], wanted: set[tuple[BlobKind, int]], tolerated: float
) -> None:
    indexed = made_up(packs)
    present = {(blob.kind, blob.id) for blobs in indexed.values() for blob in blobs}
    used = present & {(kind, BlobId(f"{number:064x}")) for kind, number in wanted}
    facts, marks = facts_about(indexed, used)
    choice = decide(facts, tolerated)
    gone = {pack.id for pack in (*choice.deleted, *choice.repacked)}
    staying = {(blob.kind, blob.id) for pack, blobs in indexed.items() if pack not in gone for blob in blobs}
    moved = [(blob.kind, blob.id) for pack in choice.repacked for blob in marks.kept(pack)]
    vouchers = [(place.blob.kind, place.blob.id) for place in marks.vouchers((*choice.deleted, *choice.repacked))]
    going = {(blob.kind, blob.id) for pack in gone for blob in indexed[pack]}
    assert len(moved) == len(set(moved))
    assert staying | set(moved) >= used
    assert set(moved) <= used
    assert sorted(vouchers, key=str) == sorted((used & going) - set(moved), key=str)
    assert facts.unindexed == {UNINDEXED: 5}
    assert bool(choice.index_files_replaced) == bool(gone)
    if tolerated == 0.0:
        assert staying | set(moved) == used


@given(MADE_UP_PACKS, st.sets(st.tuples(st.sampled_from(BlobKind), BLOBS), min_size=1), st.data())
def test_a_plan_is_refused_exactly_when_a_needed_blob_is_in_no_healthy_pack(
    packs: list[tuple[BlobKind, set[int]]], wanted: set[tuple[BlobKind, int]], data: st.DataObject
) -> None:
    indexed = made_up(packs)
    used = {(kind, BlobId(f"{number:064x}")) for kind, number in wanted}
    states = {pack: data.draw(st.sampled_from(["healthy", "missing", "truncated"])) for pack in indexed}
    sizes = {pack: pack_size(blobs) - (states[pack] == "truncated") for pack, blobs in indexed.items() if states[pack] != "missing"}
    held: dict[str, set[Blob]] = {"healthy": set(), "missing": set(), "truncated": set()}
    for pack, blobs in indexed.items():
        held[states[pack]].update((blob.kind, blob.id) for blob in blobs)
    facts, _marks = facts_about(indexed, used, sizes)
    for accept_missing, needed in ((False, used), (True, used & held["truncated"])):
        refused = False
        try:
            decide(facts, 0.0, accept_missing=accept_missing)
        except RepositoryDamaged as error:
            refused = "snapshots need it" in str(error)
        assert refused == bool(needed - held["healthy"])
    lost = used - held["healthy"] - held["truncated"]
    assert describe(facts, Choice((), (), (), ()), [], 0).missing.count == len(lost)


def test_of_two_copies_the_one_in_the_fuller_pack_stays() -> None:
    indexed = made_up([(BlobKind.DATA, {1}), (BlobKind.DATA, {1, 2, 3})])
    facts, _marks = facts_about(indexed, [(BlobKind.DATA, BlobId(f"{number:064x}")) for number in (1, 2, 3)])
    choice = decide(facts, 0.0)
    assert [pack.id for pack in choice.deleted] == [f"{0:064x}"]
    assert choice.repacked == ()


@settings(max_examples=20)
@given(st.lists(st.tuples(st.sampled_from(BlobKind), st.sampled_from([100, 9 << 20, 17 << 20]), st.booleans()), max_size=5))
def test_the_size_of_new_packs_is_foretold_to_the_byte(contents: list[tuple[BlobKind, int, bool]]) -> None:
    key = SealingKey(KeyMaterial.random())
    blobs = [
        PackedBlob(kind, BlobId(f"{number:064x}"), 0, length, length if is_compressed else None)
        for number, (kind, length, is_compressed) in enumerate(contents)
    ]
    builders = {kind: PackBuilder(kind) for kind in BlobKind}
    finished = []
    for blob in blobs:
        builders[blob.kind].add(blob.id, SealedBlob(bytes(blob.length), blob.plain_length))
        if builders[blob.kind].is_full():
            finished.append(builders[blob.kind])
            builders[blob.kind] = PackBuilder(blob.kind)
    finished += [builder for builder in builders.values() if len(builder)]
    assert packed_size(blobs) == sum(len(builder.finish(key).data) for builder in finished)
