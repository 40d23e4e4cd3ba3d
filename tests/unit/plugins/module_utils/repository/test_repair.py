# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Repair: everything intact is saved, what is lost is named and can be stored again, nothing is deleted, wherever it is interrupted."""

from __future__ import annotations

import random
import typing as t
from datetime import timedelta

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.affected import find_affected
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.blobs import PackContent, blob_id
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.check import ALL_DATA, STRUCTURE, check, examine
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.errors import (
    ObjectMissing,
    RepositoryDamaged,
    StorageError,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.findings import Severity
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.index_files import encode_index, read_index
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repair import plan_repair, repair
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage import FileKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.trees import walk
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import BlobKind, IndexId, Path, Snapshot
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import (
    CHEAP,
    NOON,
    Place,
    RecordingStorage,
    back_up,
    new_place,
    restore,
)

CHANCE = random.Random(5)
FILES: dict[Path, bytes] = {("mail", folder, str(number)): CHANCE.randbytes(2000) for folder in "ab" for number in range(4)}
MORE: dict[Path, bytes] = {("other", str(number)): CHANCE.randbytes(2000) for number in range(4)}


class Two(t.NamedTuple):
    """Two snapshots; the second has everything of the first, and more, in packs of its own."""

    place: Place
    storage: RecordingStorage
    first: Snapshot
    second: Snapshot

    def pack_with(self, content: bytes) -> str:
        """The pack that holds a content."""
        index = self.place.reopen().known_index.index()
        place = index.find(BlobKind.DATA, blob_id(content))
        assert place is not None
        return place.pack

    def flip(self, kind: FileKind, name: str, position: int = 100) -> None:
        data = bytearray(self.storage.files[kind, name])
        data[position] ^= 1
        self.storage.files[kind, name] = bytes(data)


@pytest.fixture
def two() -> Two:
    storage = RecordingStorage()
    place = new_place(storage)
    first = back_up(place.repository, FILES)
    second = back_up(place.repository, MORE, time=NOON + timedelta(hours=1), base=first.tree)
    storage.changes.clear()
    return Two(place, storage, first, second)


def errors(two: Two) -> list[str]:
    return [str(finding) for finding in check(two.place.reopen(), read_data=True) if finding.severity is Severity.ERROR]


def readable(two: Two, snapshot: Snapshot) -> dict[Path, bytes]:
    """What can be restored of a snapshot; files that cannot are left out."""
    repository, found = two.place.reopen(), {}
    for path, node in walk(repository, snapshot.tree):
        if node.subtree is None:
            try:
                found[path] = b"".join(repository.read_file(node))
            except RepositoryDamaged:
                continue
    return found


def test_one_flipped_byte_costs_one_file_and_the_file_is_named(two: Two) -> None:
    two.flip(FileKind.DATA, two.pack_with(FILES["mail", "a", "0"]))
    result = repair(two.place.reopen(), ALL_DATA)
    (lost,) = find_affected(result.after)
    assert (lost.path, lost.newest, lost.oldest, lost.snapshots) == (("mail", "a", "0"), two.second, two.first, 2)
    assert readable(two, two.second) == {path: content for path, content in {**FILES, **MORE}.items() if path != lost.path}
    assert len(errors(two)) == 1


def test_what_is_lost_is_stored_again_and_heals_every_snapshot(two: Two) -> None:
    two.flip(FileKind.DATA, two.pack_with(FILES["mail", "a", "0"]))
    repair(two.place.reopen(), ALL_DATA)
    back_up(two.place.reopen(), {("again",): FILES["mail", "a", "0"]}, time=NOON + timedelta(hours=2))
    assert errors(two) == []
    assert restore(two.place.reopen(), two.first) == FILES


@pytest.mark.parametrize("damage", ["flipped", "deleted", "emptied"])
def test_a_damaged_index_is_made_again_from_the_packs_and_nothing_is_lost(two: Two, damage: str) -> None:
    for name in two.storage.names(FileKind.INDEX):
        if damage == "flipped":
            two.flip(FileKind.INDEX, name, 50)
        elif damage == "emptied":
            two.storage.files[FileKind.INDEX, name] = b""
        else:
            del two.storage.files[FileKind.INDEX, name]
    result = repair(two.place.reopen(), STRUCTURE)
    assert (result.packs_written, result.index_files_written) == (0, 1)
    assert check(two.place.reopen(), read_data=True) == []
    assert restore(two.place.reopen(), two.second) == {**FILES, **MORE}


def test_a_repair_deletes_nothing_and_the_second_one_changes_nothing(two: Two) -> None:
    pack = two.pack_with(FILES["mail", "b", "1"])
    two.flip(FileKind.DATA, pack)
    two.flip(FileKind.SNAPSHOT, two.first.id, 40)
    damaged = dict(two.storage.files)
    result = repair(two.place.reopen(), ALL_DATA)
    kept = {*two.storage.files.items(), *(((kind, name), data) for kind, name, data in two.storage.quarantined)}
    assert set(damaged.items()) <= kept
    assert ("delete", FileKind.LOCK) in {(action, kind) for action, kind, _name in two.storage.changes}
    assert all(kind is FileKind.LOCK for action, kind, _name in two.storage.changes if action == "delete")
    assert {(kind, name) for kind, name, _data in two.storage.quarantined} >= {(FileKind.DATA, pack), (FileKind.SNAPSHOT, two.first.id)}
    assert len(result.quarantined) == len(two.storage.quarantined)
    two.storage.changes.clear()
    again = repair(two.place.reopen(), ALL_DATA)
    assert not again.plan.changes
    assert {kind for _action, kind, _name in two.storage.changes} == {FileKind.LOCK}


def test_inv09_the_plan_of_a_repair_writes_nothing_and_says_what_the_repair_does(two: Two) -> None:
    two.flip(FileKind.DATA, two.pack_with(FILES["mail", "a", "0"]))
    repository = two.place.reopen()
    plan = plan_repair(repository, examine(repository, ALL_DATA))
    assert two.storage.changes == []
    done = repair(two.place.reopen(), ALL_DATA)
    assert (plan.salvage, plan.index_replaced, plan.quarantined) == (done.plan.salvage, done.plan.index_replaced, done.plan.quarantined)


@pytest.mark.parametrize("after_success", [False, True])
def test_inv02_a_repair_that_is_interrupted_anywhere_loses_nothing_more_and_can_be_repeated(after_success: bool) -> None:
    step = 0
    while True:
        storage = RecordingStorage()
        place = new_place(storage)
        first = back_up(place.repository, FILES)
        two = Two(place, storage, first, back_up(place.repository, MORE, time=NOON + timedelta(hours=1), base=first.tree))
        two.flip(FileKind.DATA, two.pack_with(FILES["mail", "a", "0"]))
        two.flip(FileKind.INDEX, two.storage.names(FileKind.INDEX)[0], 50)
        storage.changes.clear()
        storage.break_at, storage.breaks_after_success = step, after_success
        try:
            repair(place.reopen(), ALL_DATA)
            break
        except StorageError:
            step += 1
        storage.break_at = None
        for lock in storage.names(FileKind.LOCK):
            del storage.files[FileKind.LOCK, lock]
        repair(place.reopen(), ALL_DATA)
        wanted = {path: content for path, content in {**FILES, **MORE}.items() if path != ("mail", "a", "0")}
        assert readable(two, two.second) == wanted
    assert step >= 5


def test_a_pack_that_is_gone_leaves_the_index_so_that_its_content_is_stored_again(two: Two) -> None:
    del two.storage.files[FileKind.DATA, two.pack_with(MORE["other", "0"])]
    result = repair(two.place.reopen(), STRUCTURE)
    assert {one.path for one in find_affected(result.after)} == set(MORE)
    assert restore(two.place.reopen(), two.first) == FILES
    back_up(two.place.reopen(), MORE, time=NOON + timedelta(hours=2))
    assert restore(two.place.reopen(), two.second) == {**FILES, **MORE}


def test_an_index_that_contradicts_its_pack_is_corrected_from_the_header(two: Two) -> None:
    repository = two.place.reopen()
    (name,) = [
        name
        for name in two.storage.names(FileKind.INDEX)
        if two.pack_with(MORE["other", "0"]) in {pack.id for pack in read_index(repository.files, IndexId(name))}
    ]
    packs = read_index(repository.files, IndexId(name))
    two.storage.delete(FileKind.INDEX, name)
    lies = [PackContent(pack.id, tuple(blob._replace(id=pack.blobs[0].id) for blob in pack.blobs)) for pack in packs]
    repository.files.write(FileKind.INDEX, encode_index(lies))
    assert errors(two)
    result = repair(two.place.reopen(), ALL_DATA)
    assert result.packs_written == 0
    assert errors(two) == []
    assert restore(two.place.reopen(), two.second) == {**FILES, **MORE}


def test_a_damaged_lock_and_a_damaged_key_are_put_aside(two: Two) -> None:
    two.place.repository.add_key("another", kdf=CHEAP)
    key = next(name for name in two.storage.names(FileKind.KEY) if name != two.place.repository.keys.current)
    two.flip(FileKind.KEY, key, 10)
    two.storage.files[FileKind.LOCK, "ab" * 32] = b"rubbish"
    repair(two.place.reopen(), STRUCTURE)
    assert {(kind, name) for kind, name, _data in two.storage.quarantined} == {(FileKind.KEY, key), (FileKind.LOCK, "ab" * 32)}
    assert errors(two) == []


class Refusing(RecordingStorage):
    """A disk with bad sectors in one file."""

    refused: tuple[FileKind, str] | None = None
    error: type[StorageError] = StorageError

    def get(self, kind: FileKind, name: str) -> bytes:
        if (kind, name) == self.refused:
            raise self.error(f"Could not read {kind.value}/{name}: the disk reports an error.")
        return super().get(kind, name)


@pytest.mark.parametrize("kind", [FileKind.DATA, FileKind.INDEX, FileKind.SNAPSHOT, FileKind.KEY])
def test_a_file_that_the_disk_refuses_is_a_finding_and_is_left_alone(kind: FileKind) -> None:
    storage = Refusing()
    place = new_place(storage)
    place.repository.add_key("another", kdf=CHEAP)
    back_up(place.repository, FILES)
    back_up(place.repository, MORE, time=NOON + timedelta(hours=1))
    repository = place.reopen()
    storage.refused = (kind, next(name for name in storage.names(kind) if name != repository.keys.current))
    before = dict(storage.files)
    result = repair(repository, ALL_DATA)
    assert any("the disk reports an error" in finding.problem for finding in result.before.findings)
    assert any("the disk reports an error" in finding.problem for finding in result.after.findings)
    assert storage.files == before or kind is FileKind.INDEX
    assert all((refused, name) != storage.refused for refused, name, _data in storage.quarantined)


@pytest.mark.parametrize("kind", [FileKind.DATA, FileKind.INDEX, FileKind.SNAPSHOT])
def test_a_file_that_is_listed_and_not_found_for_a_while_stays_where_it_is(kind: FileKind) -> None:
    storage = Refusing()
    place = new_place(storage)
    kept = back_up(place.repository, FILES)
    storage.refused, storage.error = (kind, storage.names(kind)[0]), ObjectMissing
    before = dict(storage.files)
    result = repair(place.reopen(), ALL_DATA)
    assert not result.after.is_sound
    assert storage.refused not in result.plan.quarantined
    assert storage.files == before or kind is FileKind.INDEX
    storage.refused = None
    assert restore(place.reopen(), kept) == FILES
