# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restores into drives that lose answers, refuse files, or hold names: nothing twice, nothing lost in silence."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.conflict import Policy
from ansible_collections.tenantvault.m365_backup.tests.integration.backups import Backup
from ansible_collections.tenantvault.m365_backup.tests.integration.drive_restores import LABEL, TOP, DriveRestore, counts, drive_facts
from tenant.harness import RunningTenant

OLD, OLDER = "2022-02-01T10:20:30Z", "2020-01-01T00:00:00Z"
NAMES = [f"{number}.bin" for number in range(12)]
FILES, FOLDERS = len(NAMES) + 2, 2


@pytest.fixture(scope="module")
def backup(tenant: RunningTenant, tmp_path_factory: pytest.TempPathFactory) -> Backup:
    ann, control = f"ann@{tenant.domain}", tenant.control
    control.add_user(ann)
    control.create_drive(ann)
    for number, name in enumerate(NAMES):
        control.put_file(ann, f"/a/b/{name}", bytes([number]) * 1000 * number, created=OLDER, modified=OLD)
    control.put_file(ann, "/a/large.bin", seed=1, size=25 << 20, created=OLDER, modified=OLD)
    control.put_file(ann, "/a/report.docx", b"document" * 100, created=OLDER, modified=OLD)
    for folder in ("/a/b", "/a"):
        control.make_folder(ann, folder, created=OLDER, modified=OLD)
    backup = Backup(tenant=tenant, folder=tmp_path_factory.mktemp("drive"), users=(ann,), backup_type="onedrive")
    backup.run()
    return backup


@pytest.fixture
def restore(backup: Backup, user: str) -> t.Iterator[DriveRestore]:
    backup.tenant.control.create_drive(user)
    backup.tenant.control.expire_upload_sessions()
    yield DriveRestore(backup=backup, member=backup.users[0], into=user)
    backup.tenant.control.disarm()
    backup.tenant.control.settings(drive_late_conflicts=False, drive_enriches=False)


def fault(restore: DriveRestore, name: str, operation: str, **more: t.Any) -> None:
    restore.backup.tenant.control.arm({"name": name, "mailbox": restore.into, "match": {"operation": operation}, **more})


def is_whole(restore: DriveRestore) -> bool:
    return restore.there() == drive_facts(restore.backup, restore.backup.users[0])


@pytest.mark.parametrize("how", ["503", "reset"])
@pytest.mark.parametrize(
    "operation", ["drive_folder_create", "drive_upload_session", "drive_upload_part", "drive_content_put", "drive_item_update"]
)
def test_a_lost_answer_makes_nothing_twice_and_loses_nothing(restore: DriveRestore, operation: str, how: str) -> None:
    fault(restore, "answer_lost", operation, how=how, times=6, probability=0.5)
    result = restore.run()
    assert (counts(result), result.findings) == ({"restored": FILES, "new_folders": FOLDERS + 1}, [])
    assert is_whole(restore)
    # Of a session whose address got lost nobody can cancel it.
    assert operation == "drive_upload_session" or restore.backup.tenant.control.upload_sessions() == []


@pytest.mark.parametrize("name", ["drive_session_lost", "drive_session_late", "unavailable", "drive_throttled", "drive_busy"])
def test_sessions_that_vanish_and_a_service_that_is_busy_only_cost_time(restore: DriveRestore, name: str) -> None:
    more = {"retry_after": "1"} if name in ("drive_throttled", "drive_busy") else {}
    fault(restore, name, "drive_upload_part", times=2, **more)
    result = restore.run()
    assert (result.findings, is_whole(restore)) == ([], True)


def test_a_name_that_is_taken_at_the_last_piece_is_looked_at_and_decided_anew(restore: DriveRestore) -> None:
    restore.backup.tenant.control.settings(drive_late_conflicts=True)
    fault(restore, "drive_name_taken", "drive_upload_part", times=2)
    result = restore.run()
    assert (result.findings, len(restore.there())) == ([], FILES + FOLDERS)
    assert restore.run().findings == []


def test_a_file_that_the_service_refuses_is_a_finding_with_its_path_and_the_next_start_brings_it(restore: DriveRestore) -> None:
    fault(restore, "status", "drive_upload_part", status=400, times=1, code="invalidRequest")
    result = restore.run()
    assert (len(result.findings), result.restored) == (1, FILES - 1)
    assert result.findings[0].object.startswith("file a/")
    assert restore.backup.tenant.control.upload_sessions() == []
    restore.backup.tenant.control.disarm()
    assert counts(restore.run()) == {"restored": 1, "unchanged": FILES - 1}
    assert is_whole(restore)


@pytest.mark.parametrize("state", [{"locked": "checked_out"}, {"label": "Retain"}])
def test_a_file_that_may_not_be_replaced_stays_and_is_told_and_all_others_are_restored(
    restore: DriveRestore, state: dict[str, str]
) -> None:
    control = restore.backup.tenant.control
    control.make_folder(restore.into, "/a/b")
    control.put_file(restore.into, "/a/b/3.bin", b"theirs")
    if "label" in state:
        control.add_retention_label("Retain")
        control.label_item(restore.into, "/a/b/3.bin", "Retain")
    else:
        control.set_item(restore.into, "/a/b/3.bin", **state)
    result = dataclasses.replace(restore, top=None, policy=Policy.REPLACE).run()
    assert [finding.object for finding in result.findings] == ["file a/b/3.bin"]
    assert counts(result) == {"restored": FILES - 1}
    assert control.file_content(restore.into, "/a/b/3.bin") == b"theirs"


@pytest.mark.parametrize("is_name_usable", [True, False])
def test_a_name_that_an_unfinished_upload_holds_is_used_as_soon_as_it_is_free(restore: DriveRestore, is_name_usable: bool) -> None:
    control = restore.backup.tenant.control
    fault(restore, "unavailable", "drive_upload_part", times=None)
    fault(restore, "unavailable", "drive_upload_cancel", times=None)
    broken = restore.run()
    held = len(control.upload_sessions())
    assert (broken.restored <= 1, held > 0) == (True, True)
    control.disarm()
    if not is_name_usable:
        fault(restore, "status", "drive_item_update", status=409, code="nameAlreadyExists", times=None)
    result = restore.run()
    beside = [path for path in restore.there() if LABEL in path]
    # The times of folders are refused by the same fault.
    assert [finding.object for finding in result.findings if finding.object.startswith("file")] == []
    assert (result.sources["onedrive"].renamed_count, len(beside) > 0) == (len(beside), not is_name_usable)
    control.disarm()
    control.expire_upload_sessions()
    again = restore.run()
    assert (again.findings, again.sources["onedrive"].mended >= len(beside)) == ([], True)
    assert is_whole(restore)
    assert restore.run().is_changed is False


def test_a_restore_that_cannot_reach_its_session_any_more_leaves_none_open(restore: DriveRestore) -> None:
    fault(restore, "status", "drive_upload_part", status=400, times=None, code="invalidRequest")
    result = restore.run()
    assert result.findings
    assert restore.backup.tenant.control.upload_sessions() == []
    assert set(restore.there()) <= {"a", "a/b", "a/b/0.bin"}


def test_the_folder_of_a_restore_that_people_use_meanwhile_is_not_overwritten(restore: DriveRestore) -> None:
    restore.run()
    control = restore.backup.tenant.control
    control.put_file(restore.into, f"/{TOP}/a/b/3.bin", b"edited after the restore", by=restore.into)
    control.delete_item(restore.into, f"/{TOP}/a/b/4.bin")
    assert counts(restore.run()) == {"restored": 1, "kept": 1, "unchanged": FILES - 2}
    assert control.file_content(restore.into, f"/{TOP}/a/b/3.bin") == b"edited after the restore"
