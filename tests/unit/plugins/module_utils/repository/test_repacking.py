# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A prune that rewrites many packs: killed and continued, with copies that are damaged, and with losses that are accepted."""

from __future__ import annotations

import contextlib
import itertools
import random
import typing as t

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository import packs, prune_plan, repacking
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.blobs import (
    PackContent,
    PackedBlob,
    SealedBlob,
    blob_id,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.bulk_read import spans
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.check import check
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.errors import RepositoryDamaged, StorageError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.findings import Severity
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.index_files import encode_index, read_index
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.prune import plan_prune, prune
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage import FileKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import (
    BlobId,
    BlobKind,
    IndexId,
    PackId,
    Path,
    Snapshot,
    SnapshotId,
)
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import (
    Place,
    RecordingStorage,
    back_up,
    new_place,
    restore,
)

KEPT: dict[Path, bytes] = {(f"{number:02}", "kept"): random.Random(number).randbytes(3_000) for number in range(24)}
GONE: dict[Path, bytes] = {(f"{number:02}", "gone"): random.Random(99 + number).randbytes(3_000) for number in range(24)}


@pytest.fixture(autouse=True)
def small_packs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Packs of some 10 KB, and an index file for every second."""
    monkeypatch.setattr(packs, "TARGET_SIZE", 10_000)
    monkeypatch.setattr(prune_plan, "_SMALL_PACK", 2_500)
    monkeypatch.setattr(repacking, "PACKS_PER_INDEX", 2)


def half_wasted() -> tuple[Place, RecordingStorage, Snapshot, Snapshot]:
    """A repository in which every pack holds blobs of both snapshots, and only the second is to stay."""
    storage = RecordingStorage()
    place = new_place(storage)
    return place, storage, back_up(place.repository, KEPT | GONE), back_up(place.repository, KEPT)


def stored(storage: RecordingStorage) -> int:
    return sum(len(data) for (kind, _name), data in storage.files.items() if kind is FileKind.DATA)


def is_sound(place: Place, snapshot: Snapshot, files: dict[Path, bytes]) -> None:
    repository = place.reopen()
    assert [finding for finding in check(repository, read_data=True) if finding.severity is Severity.ERROR] == []
    assert restore(repository, snapshot) == files


def test_a_long_repack_tells_of_new_packs_before_old_ones_go_and_frees_exactly_what_was_planned() -> None:
    place, storage, first, second = half_wasted()
    plan = plan_prune(place.reopen(), [first.id], tolerated_waste=0)
    before, start = stored(storage), len(storage.changes)
    assert prune(place.reopen(), [first.id], tolerated_waste=0).plan == plan
    assert before - stored(storage) == plan.bytes_freed
    actions = [(action, kind) for action, kind, _name in storage.changes[start:] if kind is not FileKind.LOCK]
    assert actions.count(("put", FileKind.INDEX)) >= 2
    last_told = max(number for number, step in enumerate(actions) if step == ("put", FileKind.INDEX))
    assert ("delete", FileKind.DATA) not in actions[:last_told]
    is_sound(place, second, KEPT)
    assert check(place.reopen(), read_data=True) == []


def test_a_repack_that_was_killed_is_continued_and_not_started_over() -> None:
    place, storage, first, second = half_wasted()
    whole = prune(Place(storage.copy(), place.repository, place.clock).reopen(), [first.id], tolerated_waste=0)
    storage.break_at = len(storage.changes) + 2 + whole.packs_written
    with pytest.raises(StorageError):
        prune(place.reopen(), [first.id], tolerated_waste=0)
    storage.break_at = None
    place.clock.move(3600)
    plan = plan_prune(place.reopen(), tolerated_waste=0)
    before = stored(storage)
    rest = prune(place.reopen(), tolerated_waste=0)
    assert rest.plan == plan
    assert before - stored(storage) == plan.bytes_freed
    assert 0 < rest.packs_written < whole.packs_written
    is_sound(place, second, KEPT)
    assert check(place.reopen(), read_data=True) == []


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.tuples(st.integers(0, 90), st.booleans()), min_size=1, max_size=3))
def test_inv02_a_long_repack_killed_again_and_again_loses_nothing_and_ends(deaths: list[tuple[int, bool]]) -> None:
    place, storage, first, second = half_wasted()
    for after, storage.breaks_after_success in deaths:
        storage.break_at = len(storage.changes) + after
        with contextlib.suppress(StorageError):
            prune(place.reopen(), [first.id], tolerated_waste=0)
        storage.break_at = None
        place.clock.move(3600)
        is_sound(place, second, KEPT)
    plan = plan_prune(place.reopen(), [first.id], tolerated_waste=0)
    before = stored(storage)
    prune(place.reopen(), [first.id], tolerated_waste=0)
    assert before - stored(storage) == plan.bytes_freed
    is_sound(place, second, KEPT)
    assert check(place.reopen(), read_data=True) == []
    assert not plan_prune(place.reopen(), tolerated_waste=0).changes


def test_many_small_packs_are_merged_with_the_bytes_that_were_planned() -> None:
    storage = RecordingStorage()
    place = new_place(storage)
    for number in range(12):
        last = back_up(place.repository, {(str(number),): b"%d" % number})
    old = [snapshot.id for snapshot in place.repository.snapshots() if snapshot != last]
    plan = plan_prune(place.reopen(), old[:6])
    before = stored(storage)
    prune(place.reopen(), old[:6])
    assert before - stored(storage) == plan.bytes_freed


# Copies.


def twice() -> tuple[Place, RecordingStorage, Snapshot, dict[PackId, PackedBlob]]:
    """A repository with every blob of two packs' worth in two packs each; and where the copies are that a prune would keep."""
    storage = RecordingStorage()
    place = new_place(storage)
    files: dict[Path, bytes] = {(str(number),): random.Random(number).randbytes(4_000) for number in range(6)}
    back_up(place.repository, files)
    hidden = {key: storage.files.pop(key) for key in list(storage.files) if key[0] in (FileKind.INDEX, FileKind.DATA)}
    other_files = files | {("more",): b"more" * 300}
    with place.reopen().writing() as writer:
        for content in other_files.values():
            writer.save_blob(BlobKind.DATA, content)
    storage.files.update(hidden)
    snapshot = next(iter(place.reopen().snapshots()))
    trial = storage.copy()
    prune(Place(trial, place.repository, place.clock).reopen(), tolerated_waste=1.0)
    staying = set(trial.names(FileKind.DATA)) & set(storage.names(FileKind.DATA))
    index = place.reopen().known_index.index()
    kept = {copy.pack: copy.blob for copies in index.copies() for copy in copies if copy.pack in staying}
    assert kept
    return place, storage, snapshot, kept


def damage(storage: RecordingStorage, pack: str, blob: PackedBlob) -> None:
    data = bytearray(storage.files[FileKind.DATA, pack])
    data[blob.offset + 40] ^= 1
    storage.files[FileKind.DATA, pack] = bytes(data)


def test_of_several_copies_a_damaged_one_is_not_what_is_left() -> None:
    place, storage, snapshot, kept = twice()
    expected = restore(place.reopen(), snapshot)
    for pack, blob in kept.items():
        damage(storage, pack, blob)
    prune(place.reopen(), tolerated_waste=1.0)
    assert restore(place.reopen(), snapshot) == expected
    prune(place.reopen(), tolerated_waste=0)
    assert restore(place.reopen(), snapshot) == expected


def test_of_several_copies_that_all_go_one_that_is_not_what_it_claims_is_not_moved() -> None:
    storage = RecordingStorage()
    place = new_place(storage)
    files: dict[Path, bytes] = {("a",): b"good" * 500}
    snapshot = back_up(place.repository, files)
    key = place.repository.files.key
    builder = packs.PackBuilder(BlobKind.DATA)
    builder.add(blob_id(files["a",]), SealedBlob(bytes(key.seal(b"bad" * 2_000)), None))
    builder.add(blob_id(b"waste"), SealedBlob(bytes(key.seal(b"waste")), None))
    pack = builder.finish(key)
    storage.put(FileKind.DATA, pack.content.id, pack.data)
    place.repository.files.write(FileKind.INDEX, encode_index([pack.content]))
    plan = plan_prune(place.reopen(), tolerated_waste=0)
    assert plan.packs_repacked == (pack.content.id,)
    assert len(plan.packs_deleted) == 1
    prune(place.reopen(), tolerated_waste=0)
    is_sound(place, snapshot, files)


def test_when_no_copy_is_good_none_goes() -> None:
    place, storage, _snapshot, kept = twice()
    index = place.reopen().known_index.index()
    (pack, blob), *_others = kept.items()
    for place_of_copy in index.places(blob.kind, blob.id):
        damage(storage, place_of_copy.pack, place_of_copy.blob)
    before = storage.names(FileKind.DATA)
    with pytest.raises(RepositoryDamaged, match=f"data blob {blob.id} in pack .* fails its authentication code"):
        prune(place.reopen(), tolerated_waste=1.0)
    assert set(before) <= set(storage.names(FileKind.DATA))
    assert pack in before


def test_a_blob_that_the_index_takes_for_another_is_not_moved() -> None:
    place, storage, first, _second = half_wasted()
    files = place.repository.files
    for name in storage.names(FileKind.INDEX):
        contents = read_index(files, IndexId(name))
        if any(blob.kind is BlobKind.DATA for pack in contents for blob in pack.blobs):
            del storage.files[FileKind.INDEX, name]
            files.write(FileKind.INDEX, encode_index([PackContent(pack.id, exchanged(pack.blobs)) for pack in contents]))
    before = set(storage.names(FileKind.DATA))
    with pytest.raises(RepositoryDamaged, match="does not match its name"):
        prune(place.reopen(), [first.id], tolerated_waste=0)
    assert before <= set(storage.names(FileKind.DATA))


def exchanged(blobs: tuple[PackedBlob, ...]) -> tuple[PackedBlob, ...]:
    """The same places and kinds, the names of data blobs turned around."""
    if blobs[0].kind is BlobKind.TREE:
        return blobs
    return tuple(blob._replace(id=other.id) for blob, other in zip(blobs, reversed(blobs), strict=True))


# Losses.


def test_what_is_lost_for_good_can_be_given_up_and_costs_nothing_else() -> None:
    place, storage, first, second = half_wasted()
    lost = next(pack for pack in place.repository.known_index.index().packs() if pack.blobs[0].kind is BlobKind.DATA)
    missing = {(blob.kind, blob.id) for blob in lost.blobs}
    storage.delete(FileKind.DATA, lost.id)
    with pytest.raises(RepositoryDamaged, match="snapshots need it") as refused:
        prune(place.reopen())
    assert "accept_missing" in refused.value.hint
    plan = plan_prune(place.reopen(), accept_missing=True)
    assert plan.missing.count == len(missing)
    assert plan.packs_lost == (lost.id,)
    readable = readable_files(place, second)
    prune(place.reopen(), accept_missing=True)
    assert readable_files(place, second) == readable
    assert {snapshot.id for snapshot in place.reopen().snapshots()} == {first.id, second.id}
    again = plan_prune(place.reopen(), accept_missing=True)
    assert not again.changes
    assert set(again.missing.examples) <= missing
    with pytest.raises(RepositoryDamaged, match="is in no index"):
        prune(place.reopen())


def readable_files(place: Place, snapshot: Snapshot) -> set[Path]:
    repository = place.reopen()
    readable: set[Path] = set()
    with contextlib.suppress(RepositoryDamaged):
        for folder in repository.read_tree(snapshot.tree):
            with contextlib.suppress(RepositoryDamaged):
                for node in repository.read_tree(t.cast(t.Any, folder.subtree)):
                    with contextlib.suppress(RepositoryDamaged):
                        b"".join(repository.read_file(node))
                        readable.add((folder.name, node.name))
    return readable


def test_inv08_what_to_remove_is_asked_under_the_lock() -> None:
    place, storage, first, second = half_wasted()
    asked: list[int] = []

    def choose() -> list[SnapshotId]:
        asked.append(len(storage.names(FileKind.LOCK)))
        return [first.id]

    prune(place.reopen(), choose)
    assert asked == [1]
    assert place.reopen().snapshots() == [second]


def test_trees_that_lie_together_are_read_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packs, "TARGET_SIZE", 1 << 20)
    place, storage, _first, _second = half_wasted()
    trees = {blob.id for pack in place.repository.known_index.index().packs() for blob in pack.blobs if blob.kind is BlobKind.TREE}
    repository = place.reopen()
    storage.reads.clear()
    plan_prune(repository)
    requests = [name for kind, name in storage.reads if kind is FileKind.DATA]
    assert len(requests) < 6 < 24 < len(trees)


@given(st.lists(st.tuples(st.integers(0, 300 << 10), st.integers(32, 3 << 20)), max_size=20))
def test_what_is_read_together_is_everything_once_in_order_and_never_much(sizes: list[tuple[int, int]]) -> None:
    blobs, offset = [], 0
    for number, (gap, length) in enumerate(sizes):
        offset += gap
        blobs.append(PackedBlob(BlobKind.DATA, BlobId(f"{number:064x}"), offset, length, None))
        offset += length
    together = list(spans(blobs))
    assert [blob for span in together for blob in span] == blobs
    for span in together:
        assert span[-1].offset + span[-1].length - span[0].offset <= 8 << 20
        assert all(right.offset - left.offset - left.length <= 128 << 10 for left, right in itertools.pairwise(span))
    for left, right in itertools.pairwise(together):
        gap = right[0].offset - left[-1].offset - left[-1].length
        assert gap > 128 << 10 or right[0].offset + right[0].length - left[0].offset > 8 << 20
