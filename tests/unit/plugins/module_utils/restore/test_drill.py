# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A drill restores a sample that its seed decides, notices whatever differs, and leaves no plaintext behind."""

from __future__ import annotations

import dataclasses
import os
import stat
import typing as t
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import BackupError, InputError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.restore_points import plan_snapshots
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.blobs import blob_id
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.errors import StorageError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage import FileKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import BlobKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.drill import (
    Drill,
    DrillTask,
    run_drill,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.drill_result import drill_result
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.to_files import holds_exactly
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.groups import Group, mailbox, member
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import (
    MemoryStorage,
    RecordingStorage,
    new_place,
)

ANNA, BEN = member("anna"), member("ben")
NAMES = [f"m{number}" for number in range(12)]


@pytest.fixture
def group() -> Group:
    group = Group(place=new_place(RecordingStorage()))
    group.run([ANNA, BEN], anna=mailbox(*NAMES), ben=mailbox("b1"))
    return group


def task(path: Path, **changes: t.Any) -> DrillTask:
    plain = DrillTask(plan_name="sales", members=5, items=4, seed=1, folder=path, wants_repair=False, lock_timeout=0.0, is_check=False)
    return dataclasses.replace(plain, **changes)


def sampled(drill: Drill) -> dict[str, list[str]]:
    return {one.member.id: [message.subject for message in one.sampled] for one in drill.members}


def spoil(group: Group, content: bytes) -> None:
    storage = t.cast("MemoryStorage", group.place.storage)
    place = group.place.reopen().known_index.index().find(BlobKind.DATA, blob_id(content))
    assert place is not None
    data = bytearray(storage.files[FileKind.DATA, place.pack])
    data[place.blob.offset + 20] ^= 1
    storage.files[FileKind.DATA, place.pack] = bytes(data)


def test_a_drill_of_a_sound_backup_passes_and_leaves_nothing_behind(group: Group, tmp_path: Path) -> None:
    drill = run_drill(group.place.reopen(), task(tmp_path))
    assert drill.is_passed
    assert {one.member.id: (one.items["mail"], len(one.sampled)) for one in drill.members} == {"anna": (12, 4), "ben": (1, 1)}
    assert list(tmp_path.iterdir()) == []


def test_the_seed_decides_which_messages_are_restored(group: Group, tmp_path: Path) -> None:
    one, same, other = (sampled(run_drill(group.place.reopen(), task(tmp_path, seed=seed))) for seed in (1, 1, 2))
    assert one == same
    assert one != other


def test_every_message_has_its_turn(group: Group, tmp_path: Path) -> None:
    repository = group.place.reopen()
    tasks = [task(tmp_path, seed=seed, items=2, is_check=True) for seed in range(40)]
    seen = {name for each in tasks for name in sampled(run_drill(repository, each))["anna"]}
    assert seen == set(NAMES)


def test_inv09_in_check_mode_the_same_sample_is_compared_and_nothing_is_written(group: Group, tmp_path: Path) -> None:
    real = run_drill(group.place.reopen(), task(tmp_path))
    storage = t.cast("RecordingStorage", group.place.storage)
    storage.changes.clear()
    os.chmod(tmp_path, 0o500)
    preview = run_drill(group.place.reopen(), task(tmp_path / "not there", is_check=True))
    assert (sampled(preview), preview.is_passed, storage.changes) == (sampled(real), True, [])


@pytest.mark.parametrize("is_check", [False, True])
def test_a_damaged_message_is_a_problem_of_its_own(group: Group, tmp_path: Path, is_check: bool) -> None:
    spoil(group, mailbox("m3").mime("m3"))
    drill = run_drill(group.place.reopen(), task(tmp_path, items=12, is_check=is_check))
    (problem,) = [message for one in drill.members for message in one.sampled if message.problem]
    assert problem.subject == "m3"
    result = drill_result(drill, "/srv/backup", opened_with="passphrase", is_check=is_check)
    assert (result["outcome"], result["finding_count"]) == ("damaged", 1)
    assert '"m3" in Inbox of anna@x.example' in result["msg"]
    assert list(tmp_path.iterdir()) == []


class Failing(MemoryStorage):
    """Goes away as soon as a message has been restored below C(folder), and notes what lies there."""

    folder: Path | None = None
    seen: tuple[int, int] | None = None

    def get_range(self, kind: FileKind, name: str, offset: int, length: int) -> bytes:
        if self.folder is not None and any(self.folder.rglob("*.eml")):
            (top,) = self.folder.iterdir()
            self.seen = (stat.S_IMODE(top.stat().st_mode), len(list(top.rglob("*.eml"))))
            raise StorageError("The storage has gone.")
        return super().get_range(kind, name, offset, length)


def test_the_plaintext_lies_in_a_private_folder_and_goes_when_the_drill_breaks_off(tmp_path: Path) -> None:
    storage = Failing()
    group = Group(place=new_place(storage))
    group.run([ANNA, BEN], anna=mailbox(*NAMES), ben=mailbox("b1"))
    storage.folder = tmp_path
    with pytest.raises(StorageError):
        run_drill(group.place.reopen(), task(tmp_path))
    assert storage.seen == (0o700, 1)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("written", "is_right"), [(b"onetwo", True), (b"onetw", False), (b"onetwo!", False), (b"onetvo", False)])
def test_a_file_is_right_when_it_has_exactly_the_pieces_of_the_backup(tmp_path: Path, written: bytes, is_right: bool) -> None:
    repository = new_place().repository
    with repository.writing() as writer:
        content = [writer.save_blob(BlobKind.DATA, piece).id for piece in (b"one", b"two")]
    (tmp_path / "file").write_bytes(written)
    assert holds_exactly(tmp_path / "file", content, repository.known_index.index()) is is_right


@pytest.mark.parametrize("changes", [{"members": 0}, {"items": 0}, {"wants_repair": True}, {"folder": Path("/nowhere/at/all")}])
def test_a_drill_that_makes_no_sense_is_refused(group: Group, tmp_path: Path, changes: dict[str, t.Any]) -> None:
    with pytest.raises(InputError):
        run_drill(group.place.reopen(), task(tmp_path, **changes))


def test_a_drill_that_restores_nothing_proves_nothing(tmp_path: Path) -> None:
    group = Group(place=new_place(MemoryStorage()))
    group.run([BEN], ben=mailbox())
    with pytest.raises(InputError, match="proved nothing"):
        run_drill(group.place.reopen(), task(tmp_path))


def test_a_drill_does_not_fall_back_on_an_older_restore_point(group: Group, tmp_path: Path) -> None:
    newer = mailbox(*NAMES)
    newer.said = {"in": [newer.put("late", "in")]}
    group.run([ANNA, BEN], anna=newer, ben=mailbox("b1"))
    storage = t.cast("MemoryStorage", group.place.storage)
    newest = plan_snapshots(group.place.reopen(), "sales")[-1]
    storage.files[FileKind.SNAPSHOT, newest.id] = b"nothing"
    with pytest.raises(BackupError, match=newest.id):
        run_drill(group.place.reopen(), task(tmp_path))
