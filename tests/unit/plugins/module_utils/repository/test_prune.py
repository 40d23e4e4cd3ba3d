# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import random
import typing as t

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.blob_index import BlobPlace
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.check import Severity, check
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.errors import (
    ObjectMissing,
    RepositoryDamaged,
    RepositoryLocked,
    StorageError,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.known_index import load_index
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.prune import plan_prune, prune
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import open_repository
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage import FileKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_local import LocalStorage
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import (
    BlobId,
    BlobKind,
    Path,
    Snapshot,
    SnapshotId,
)
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import (
    PASSPHRASE,
    MemoryStorage,
    Place,
    RecordingStorage,
    back_up,
    new_place,
    restore,
    save_files,
)


def noise(size: int, seed: int) -> bytes:
    return random.Random(seed).randbytes(size)


OLD: dict[Path, bytes] = {("a", str(number)): noise(30_000, number) for number in range(10)}
NEW: dict[Path, bytes] = {("b", str(number)): noise(30_000, 100 + number) for number in range(10)}
BOTH = dict([*OLD.items()][:5]) | NEW


@pytest.fixture
def storage() -> RecordingStorage:
    return RecordingStorage()


@pytest.fixture
def place(storage: RecordingStorage) -> Place:
    return new_place(storage)


def total(storage: MemoryStorage) -> int:
    return sum(len(data) for (kind, _name), data in storage.files.items() if kind is FileKind.DATA)


def sound(place: Place, expected: dict[Snapshot, dict[Path, bytes]]) -> None:
    repository = place.reopen()
    assert [finding for finding in check(repository, read_data=True) if finding.severity is Severity.ERROR] == []
    assert {snapshot: restore(repository, snapshot) for snapshot in repository.snapshots()} == expected


def test_a_pruned_snapshot_is_gone_and_the_rest_is_whole(place: Place, storage: RecordingStorage) -> None:
    first, second = back_up(place.repository, OLD), back_up(place.repository, BOTH)
    before = sum(map(len, storage.files.values()))
    result = prune(place.reopen(), [first.id], tolerated_waste=0)
    sound(place, {second: BOTH})
    assert result.bytes_freed == before - sum(map(len, storage.files.values()))
    assert check(place.reopen(), read_data=True) == []
    assert not plan_prune(place.reopen(), tolerated_waste=0).changes


def test_a_plan_reads_only_and_foretells_what_prune_does(place: Place, storage: RecordingStorage) -> None:
    first, _second = back_up(place.repository, OLD), back_up(place.repository, BOTH)
    changes = len(storage.changes)
    plan = plan_prune(place.reopen(), [first.id], tolerated_waste=0)
    assert len(storage.changes) == changes
    assert plan.snapshots_removed == (first.id,)
    packs = total(storage)
    result = prune(place.reopen(), [first.id], tolerated_waste=0)
    assert result.plan == plan
    assert packs - total(storage) == plan.bytes_freed
    assert result.packs_written > 0


def test_pruning_nothing_changes_nothing(place: Place, storage: RecordingStorage) -> None:
    back_up(place.repository, OLD)
    changes = len(storage.changes)
    assert not plan_prune(place.reopen()).changes
    prune(place.reopen())
    assert {kind for _action, kind, _name in storage.changes[changes:]} == {FileKind.LOCK}


def test_the_last_snapshot_can_go_too(place: Place, storage: RecordingStorage) -> None:
    snapshot = back_up(place.repository, OLD)
    prune(place.reopen(), [snapshot.id])
    assert {kind for kind, _name in storage.files} == {FileKind.CONFIG, FileKind.KEY}
    again = back_up(place.reopen(), OLD)
    sound(place, {again: OLD})


def test_a_little_waste_is_tolerated(place: Place) -> None:
    big: dict[Path, bytes] = {("x", str(number)): noise(40_000, number) for number in range(50)}
    first = back_up(place.repository, big | {("y",): noise(40_000, 77)})
    back_up(place.repository, big)
    rewritten = [plan_prune(place.reopen(), [first.id], tolerated_waste=waste).bytes_rewritten for waste in (0.05, 0.01)]
    assert rewritten[0] < 40_000 < 50 * 40_000 < rewritten[1]


def test_an_unknown_snapshot_is_ignored(place: Place) -> None:
    snapshot = back_up(place.repository, OLD)
    assert plan_prune(place.repository, [SnapshotId("ab" * 32)]).snapshots_kept == (snapshot.id,)


def test_what_interrupted_runs_left_is_removed(place: Place, storage: RecordingStorage) -> None:
    snapshot = back_up(place.repository, OLD)
    storage.before_change = lambda _action, kind: raise_key_error() if kind is FileKind.INDEX else None
    with pytest.raises(KeyError), place.repository.writing() as writer:
        save_files(writer, NEW)
    storage.before_change = lambda _action, _kind: None
    plan = plan_prune(place.reopen())
    assert len(plan.packs_unindexed) == 2
    prune(place.reopen())
    sound(place, {snapshot: OLD})
    assert check(place.reopen()) == []


def raise_key_error() -> t.NoReturn:
    raise KeyError


def test_leftover_files_of_interrupted_writes_are_removed(tmp_path: t.Any) -> None:
    place = new_place(LocalStorage(tmp_path / "repository"))
    back_up(place.repository, OLD)
    leftover = tmp_path / "repository" / "index" / ("ab" * 32 + "-tmp-12")
    leftover.write_bytes(b"half")
    assert prune(place.reopen()).leftovers_removed == 1
    assert not leftover.exists()


def test_many_small_packs_become_few(place: Place, storage: RecordingStorage) -> None:
    files: dict[Path, bytes] = {}
    for number in range(12):
        files[str(number),] = noise(1000, number)
        snapshot = back_up(place.repository, files)
    assert len(storage.names(FileKind.DATA)) == 24
    kept = {snapshot: files}
    prune(place.reopen(), [other.id for other in place.repository.snapshots() if other != snapshot])
    assert len(storage.names(FileKind.DATA)) == 2
    assert len(storage.names(FileKind.INDEX)) == 1
    sound(place, kept)


def test_an_index_that_says_the_same_twice_is_put_in_order(place: Place, storage: RecordingStorage) -> None:
    snapshot = back_up(place.repository, OLD)
    (index,) = storage.names(FileKind.INDEX)
    place.repository.files.write(FileKind.INDEX, place.repository.files.read(FileKind.INDEX, index))
    assert {finding.severity for finding in check(place.reopen())} == {Severity.WARNING}
    prune(place.reopen())
    assert check(place.reopen(), read_data=True) == []
    assert len(storage.names(FileKind.INDEX)) == 1
    sound(place, {snapshot: OLD})


def test_a_prune_is_refused_while_somebody_writes(place: Place) -> None:
    snapshot = back_up(place.repository, OLD)
    with place.repository.writing(), pytest.raises(RepositoryLocked):
        prune(place.reopen(), [snapshot.id])
    sound(place, {snapshot: OLD})


@pytest.mark.parametrize("damage", ["missing", "truncated", "longer"])
def test_a_prune_is_refused_when_a_needed_pack_is_not_as_it_should_be(place: Place, storage: RecordingStorage, damage: str) -> None:
    first, _second = back_up(place.repository, OLD), back_up(place.repository, NEW)
    (pack, *_rest) = sorted(storage.names(FileKind.DATA), key=lambda name: -len(storage.files[FileKind.DATA, name]))
    data = storage.files.pop((FileKind.DATA, pack))
    if damage != "missing":
        storage.files[FileKind.DATA, pack] = data[:-1] if damage == "truncated" else data + b"x"
    before = dict(storage.files)
    owner = first if pack in _packs_of(place, first) else _second
    other = _second if owner is first else first
    with pytest.raises(RepositoryDamaged, match=f"pack {pack} .*snapshots need it") as caught:
        prune(place.reopen(), [other.id])
    assert "Nothing was removed" in caught.value.hint
    assert storage.files == before
    prune(place.reopen(), [owner.id])
    assert [snapshot.id for snapshot in place.reopen().snapshots()] == [other.id]
    assert check(place.reopen(), read_data=True) == []


def _packs_of(place: Place, snapshot: Snapshot) -> set[str]:
    repository = place.repository
    index = repository.known_index.index()
    found = set()
    for node in repository.read_tree(repository.read_tree(snapshot.tree)[0].subtree or snapshot.tree):
        for blob in node.content:
            place_of_blob = index.find(BlobKind.DATA, blob)
            assert place_of_blob is not None
            found.add(str(place_of_blob.pack))
    return found


def test_a_prune_is_refused_when_a_needed_blob_is_in_no_index(place: Place, storage: RecordingStorage) -> None:
    first, _second = back_up(place.repository, OLD), back_up(place.repository, NEW)
    for index in storage.names(FileKind.INDEX)[:1]:
        storage.delete(FileKind.INDEX, index)
    before = dict(storage.files)
    with pytest.raises(RepositoryDamaged, match="is in no index"):
        prune(place.reopen())
    assert storage.files == before
    assert first


def test_a_prune_is_refused_when_a_snapshot_cannot_be_read(place: Place, storage: RecordingStorage) -> None:
    snapshot = back_up(place.repository, OLD)
    storage.files[FileKind.SNAPSHOT, snapshot.id] = b"rubbish"
    with pytest.raises(RepositoryDamaged, match=f"snapshot {snapshot.id}"):
        prune(place.reopen())


def test_a_prune_is_refused_when_the_storage_lists_a_snapshot_and_then_says_it_is_missing(place: Place, storage: RecordingStorage) -> None:
    class Inconsistent(RecordingStorage):
        def get_range(self, kind: FileKind, name: str, offset: int, length: int) -> bytes:
            if name == snapshot.id:
                raise ObjectMissing("Not found: the storage has not caught up with itself.")
            return super().get_range(kind, name, offset, length)

    snapshot = back_up(place.repository, OLD)
    inconsistent = Inconsistent()
    inconsistent.files = storage.files
    before = {key for key in storage.files if key[0] is not FileKind.LOCK}
    with pytest.raises(RepositoryDamaged, match=f"snapshot {snapshot.id} is missing"):
        prune(open_repository(inconsistent, PASSPHRASE, clock=place.clock))
    assert set(storage.files) == before


def test_a_damaged_blob_is_not_copied(place: Place, storage: RecordingStorage) -> None:
    first, second = back_up(place.repository, OLD), back_up(place.repository, dict([*OLD.items()][:5]))
    (pack,) = _packs_of(place, second)
    data = bytearray(storage.files[FileKind.DATA, pack])
    data[100] ^= 1
    data[30_000 * 4] ^= 1
    storage.files[FileKind.DATA, pack] = bytes(data)
    with pytest.raises(RepositoryDamaged, match=f"in pack {pack} fails its authentication code"):
        prune(place.reopen(), [first.id])
    assert (FileKind.DATA, pack) in storage.files


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_inv02_a_prune_killed_anywhere_leaves_a_sound_repository_and_is_finished_by_the_next(data: st.DataObject) -> None:
    storage = RecordingStorage()
    place = new_place(storage)
    first, second = back_up(place.repository, OLD), back_up(place.repository, BOTH)
    storage.break_at = len(storage.changes) + 2
    with pytest.raises(StorageError), place.repository.writing() as writer:
        save_files(writer, {("c",): noise(10, 5)})
    start = len(storage.changes)
    storage.break_at = start + data.draw(st.integers(0, 16))
    storage.breaks_after_success = data.draw(st.booleans())
    place.clock.move(3600)
    with contextlib.suppress(StorageError):
        prune(place.reopen(), [first.id], tolerated_waste=0)
    storage.break_at = None
    place.clock.move(3600)
    remaining = {snapshot: BOTH if snapshot == second else OLD for snapshot in place.reopen().snapshots()}
    assert second in remaining
    sound(place, remaining)
    prune(place.reopen(), [first.id], tolerated_waste=0)
    sound(place, {second: BOTH})
    assert check(place.reopen(), read_data=True) == []


def test_inv01_a_pack_leaves_the_index_before_it_is_deleted(place: Place, storage: RecordingStorage) -> None:
    first, _second = back_up(place.repository, OLD), back_up(place.repository, BOTH)
    start = len(storage.changes)
    prune(place.reopen(), [first.id], tolerated_waste=0)
    steps = [(action, kind) for action, kind, _name in storage.changes[start:] if kind is not FileKind.LOCK]
    collapsed = [step for number, step in enumerate(steps) if number == 0 or step != steps[number - 1]]
    assert collapsed == [
        ("delete", FileKind.SNAPSHOT),
        ("put", FileKind.DATA),
        ("put", FileKind.INDEX),
        ("delete", FileKind.INDEX),
        ("delete", FileKind.DATA),
    ]


def test_inv02_a_listed_pack_that_is_not_found_when_it_is_read_costs_nothing_that_its_directories_name(
    place: Place, storage: RecordingStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = {back_up(place.reopen(), OLD): OLD, back_up(place.reopen(), BOTH): BOTH}
    whole = storage.get_range
    hidden = {found.pack for found in places_of_roots(place)}

    def hand_out(kind: FileKind, name: str, offset: int, length: int) -> bytes:
        if name in hidden:
            raise ObjectMissing("Could not read it: it does not exist.")
        return whole(kind, name, offset, length)

    monkeypatch.setattr(storage, "get_range", hand_out)
    for accept_missing in (False, True):
        with pytest.raises(RepositoryDamaged, match="although the storage lists it"):
            prune(place.reopen(), accept_missing=accept_missing)
    monkeypatch.undo()
    sound(place, kept)


def places_of_roots(place: Place) -> t.Iterator[BlobPlace]:
    index = load_index(place.reopen().files)
    for snapshot in place.reopen().snapshots():
        found = index.find(BlobKind.TREE, BlobId(snapshot.tree))
        assert found is not None
        yield found
