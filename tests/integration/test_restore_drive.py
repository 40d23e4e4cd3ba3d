# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files back into drives: each once, with its folders and times, whatever is there and whatever happens on the way."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.item_filter import ItemFilter
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.conflict import Policy
from ansible_collections.tenantvault.m365_backup.tests.integration.backups import Backup
from ansible_collections.tenantvault.m365_backup.tests.integration.drive_restores import LABEL, TOP, DriveRestore, counts, drive_facts
from ansible_collections.tenantvault.m365_backup.tests.integration.graph_tenant import connected
from tenant.harness import RunningTenant

FILES, FOLDERS = 14, 5
OLD, OLDER = "2022-02-01T10:20:30Z", "2020-01-01T00:00:00Z"
DOCUMENT, PLAIN, BIG = "/Documents/Deep/report.docx", "/Documents/Deep/notes.txt", "/Documents/Deep/big.bin"
PIECES = 3


@pytest.fixture(scope="module")
def backup(tenant: RunningTenant, tmp_path_factory: pytest.TempPathFactory) -> Backup:
    """Ann's drive has files of all sizes, documents, an empty folder and names that programs stumble over."""
    ann, control = f"ann@{tenant.domain}", tenant.control
    control.add_user(ann)
    control.create_drive(ann)
    for folder in ("/Documents/Deep", "/Documents/Empty", "/#1 100% a+b", "/Documents/Deep/~x"):
        control.make_folder(ann, folder, created=OLDER, modified=OLD)
    times = {"created": OLDER, "modified": OLD}
    control.put_file(ann, "/top.txt", b"top", **times)
    control.put_file(ann, DOCUMENT, b"a document" * 50, **times)
    control.put_file(ann, PLAIN, b"notes", **times)
    control.put_file(ann, BIG, seed=1, size=(PIECES - 1) * 10 * (1 << 20) + 12_345, **times)
    for number, name in enumerate(("empty.txt", "\U0001f4c8 chart.xlsx", "e\u0301.txt", "\u00e9.txt", "it's & so.txt", "x" * 255)):
        control.put_file(ann, f"/Documents/{name}", b"x" * number, **times)
    for number in range(4):
        control.put_file(ann, f"/#1 100% a+b/{number}.bin", bytes([number]) * 1000, **times)
    control.make_folder(ann, "/#1 100% a+b", created=OLDER, modified=OLD)
    backup = Backup(tenant=tenant, folder=tmp_path_factory.mktemp("drive"), users=(ann,), backup_type="onedrive")
    backup.run()
    return backup


@pytest.fixture
def restore(backup: Backup, user: str) -> t.Iterator[DriveRestore]:
    control = backup.tenant.control
    control.create_drive(user)
    yield DriveRestore(backup=backup, member=backup.users[0], into=user)
    control.settings(drive_enriches=False)


def test_files_and_folders_come_back_with_their_bytes_and_times(backup: Backup, restore: DriveRestore) -> None:
    first = restore.run()
    assert (counts(first), first.findings, first.warnings) == ({"restored": FILES, "new_folders": FOLDERS + 1}, [], [])
    assert restore.there() == drive_facts(backup, backup.users[0])
    assert all(
        len(backup.tenant.control.file(restore.into, f"/{TOP}/{path}")["versions"]) == 1 for path in ("top.txt", DOCUMENT[1:], BIG[1:])
    )
    again = restore.run()
    assert (counts(again), again.findings, again.is_changed) == ({"unchanged": FILES}, [], False)


def test_check_mode_predicts_what_then_happens_and_writes_nothing(restore: DriveRestore) -> None:
    control = restore.backup.tenant.control
    predicted = restore.run(is_check=True)
    assert restore.there(None) == {}
    before = control.stats()["units"]
    done = restore.run()
    assert predicted.as_dict() == done.as_dict()
    estimate, spent = predicted.estimate, sum(control.stats()["units"].values()) - sum(before.values())
    assert (estimate.items, estimate.upload_bytes) == (FILES, done.restored_bytes)
    assert estimate.resource_units <= spent <= estimate.resource_units + 30
    again = restore.run(is_check=True)
    assert (counts(again), again.is_changed) == ({"unchanged": FILES}, False)


def test_documents_that_the_service_rewrites_are_not_sent_again(restore: DriveRestore) -> None:
    restore.backup.tenant.control.settings(drive_enriches=True)
    restore.run()
    there = restore.there()
    for policy in Policy:
        again = dataclasses.replace(restore, policy=policy).run()
        assert (counts(again), again.warnings) == ({"unchanged": FILES}, [])
    assert restore.there() == there


def changed(restore: DriveRestore) -> DriveRestore:
    """The same restore in Ann's place, where somebody has spoilt two files and another one is gone."""
    control, ann = restore.backup.tenant.control, restore.backup.users[0]
    into = restore.into
    for folder in ("/Documents/Deep",):
        control.make_folder(into, folder)
    control.put_file(into, PLAIN, b"spoilt", modified=OLD, by=into)
    control.put_file(into, DOCUMENT, b"spoilt too", modified=OLD, by=into)
    control.put_file(into, BIG, control.file_content(ann, BIG), modified="2023-01-01T00:00:00Z", by=into)
    return dataclasses.replace(restore, top=None, folder="Documents/Deep")


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (Policy.SKIP, {"kept": 2, "unchanged": 1, "new_folders": 1}),
        (Policy.COPY, {"copied": 2, "unchanged": 1, "new_folders": 1}),
        (Policy.REPLACE, {"replaced": 2, "unchanged": 1, "new_folders": 1}),
    ],
)
@pytest.mark.parametrize("enriches", [False, True])
def test_what_is_there_is_left_or_copied_beside_or_becomes_an_older_version(
    restore: DriveRestore, policy: Policy, expected: dict[str, int], enriches: bool
) -> None:
    control = restore.backup.tenant.control
    control.settings(drive_enriches=enriches)
    original = dataclasses.replace(changed(restore), policy=policy)
    predicted = original.run(is_check=True)
    result = original.run()
    assert (counts(result), result.findings, predicted.as_dict()) == (expected, [], result.as_dict())
    again = original.run()
    done = sum(expected[name] for name in ("copied", "replaced", "unchanged") if name in expected)
    kept = {"kept": expected["kept"]} if "kept" in expected else {}
    assert counts(again) == {**kept, "unchanged": done}
    plain = control.file(original.into, PLAIN)
    copy = PLAIN.replace(".txt", f" ({LABEL}).txt")
    assert (copy in {line["path"] for line in control.drive_listing(original.into)}) == (policy is Policy.COPY)
    assert control.file_content(original.into, PLAIN) == (b"notes" if policy is Policy.REPLACE else b"spoilt")
    assert len(plain["versions"]) == (2 if policy is Policy.REPLACE else 1)


def test_a_single_folder_and_single_files_are_chosen(restore: DriveRestore) -> None:
    deep = dataclasses.replace(restore, folder="documents/deep", item_filter=ItemFilter(subject="notes")).run()
    assert counts(deep) == {"restored": 1, "new_folders": 3}
    assert set(restore.there()) == {"Documents", "Documents/Deep", "Documents/Deep/notes.txt"}
    assert counts(dataclasses.replace(restore, folder="Documents/Empty").run()) == {"new_folders": 1}


def test_a_file_where_a_folder_has_to_be_stays_and_so_does_a_folder_where_a_file_has_to_be(restore: DriveRestore) -> None:
    control = restore.backup.tenant.control
    control.make_folder(restore.into, "/top.txt/inside")
    control.put_file(restore.into, "/Documents", b"a file")
    original = dataclasses.replace(restore, top=None)
    result = original.run()
    assert (result.findings, result.restored + result.as_dict()["copied"]) == ([], FILES)
    there = restore.there(None)
    assert there[f"top ({LABEL}).txt"][:1] == ("file",)
    assert f"Documents ({LABEL})/Deep/big.bin" in there
    assert control.file_content(restore.into, "/Documents") == b"a file"
    told = {each["original"]: each["restored"] for each in result.as_dict()["sources"]["onedrive"]["renamed"]}
    assert told == {"top.txt": f"top ({LABEL}).txt", "Documents": f"Documents ({LABEL})"}
    assert original.run().is_changed is False


def test_a_path_that_is_too_long_is_made_shorter_and_told(restore: DriveRestore) -> None:
    long = dataclasses.replace(restore, top="t" * 120)
    result = long.run()
    assert (result.findings, result.restored) == ([], FILES)
    [renamed] = result.as_dict()["sources"]["onedrive"]["renamed"]
    assert (renamed["original"], "Long paths" in renamed["restored"]) == (f"Documents/{'x' * 255}", True)
    assert f"/{renamed['restored']}" in {line["path"] for line in restore.backup.tenant.control.drive_listing(restore.into)}
    assert long.run().is_changed is False


@pytest.mark.parametrize("shape", ["no_mysite", "file_not_found", "no_mysite_url", "app_only", "no_licence", "locked"])
def test_a_drive_that_is_not_there_or_locked_is_said_in_a_sentence(restore: DriveRestore, shape: str) -> None:
    restore.backup.tenant.control.set_drive_state(restore.into, shape)
    result = restore.run()
    assert [(finding.object, result.written) for finding in result.findings] == [("OneDrive", 0)]
    assert "restore stopped" in result.findings[0].reason


def test_a_full_drive_ends_the_restore_and_room_lets_it_go_on(restore: DriveRestore) -> None:
    control = restore.backup.tenant.control
    control.set_drive_quota(restore.into, 3000)
    result = restore.run()
    assert (result.findings[-1].code, result.sources["onedrive"].is_stopped) == ("quotaLimitReached", True)
    control.set_drive_quota(restore.into, 1 << 40)
    assert restore.run().findings == []
    assert restore.there() == drive_facts(restore.backup, restore.backup.users[0])


def test_a_restore_without_the_permission_names_it(restore: DriveRestore) -> None:
    tenant = restore.backup.tenant
    tenant.control.settings()
    with connected(tenant) as client:
        tenant.control.arm(
            {"name": "status", "status": 403, "times": None, "match": {"operation": "drive_folder_create"}, "mailbox": restore.into}
        )
        result = restore.run_with(client)
    assert [finding.object for finding in result.findings] == ["OneDrive"]
    assert "Files.ReadWrite.All" in result.findings[0].reason


def test_folders_of_people_keep_their_times_and_a_shortcut_is_not_written_into(restore: DriveRestore) -> None:
    control = restore.backup.tenant.control
    control.make_folder(restore.into, "/Documents", created=OLDER, modified="2024-01-01T00:00:00Z")
    control.add_shortcut(restore.into, "/#1 100% a+b", restore.member, "/Documents")
    result = dataclasses.replace(restore, top=None).run()
    there = restore.there(None)
    assert (result.findings, there["Documents/Empty"], there["Documents"][1]) == ([], ("folder", OLDER, OLD), OLDER)
    assert there["Documents"][2] != OLD
    assert there[f"#1 100% a+b ({LABEL})"] == ("folder", OLDER, OLD)
    assert set(drive_facts(restore.backup, restore.member)) == {path.replace(f" ({LABEL})", "") for path in there}
