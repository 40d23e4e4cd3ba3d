# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writing into drives of the tenant: folders, files, times, names that are taken or held, and sharing."""

from __future__ import annotations

import itertools
import typing as t

import pytest
from integration.graph_tenant import connected, new_user

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph import drive_errors, errors
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.client import GraphClient
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.drive_write import FRAGMENT, DriveWriter
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.ids import DriveId, DriveItemId, Fields, UserId
from tenant.harness import RunningTenant

CREATED, MODIFIED = "2019-05-06T07:08:09Z", "2020-05-06T07:08:09Z"
CONTENT = bytes(range(256)) * 2_000


@pytest.fixture
def writer(tenant: RunningTenant, user: UserId, client: GraphClient) -> DriveWriter:
    return DriveWriter(client, DriveId(tenant.control.create_drive(user)))


@pytest.fixture
def root(writer: DriveWriter) -> DriveItemId:
    return DriveItemId(writer.root()["id"])


def upload(writer: DriveWriter, parent: DriveItemId, name: str, content: bytes = CONTENT, **more: t.Any) -> Fields:
    times = {"created": CREATED, "modified": MODIFIED}
    return writer.upload(parent, name, len(content), lambda: [content], **{**times, **more})


def operations(tenant: RunningTenant) -> list[tuple[str, int]]:
    return [(entry["operation"], entry["units"]) for entry in tenant.control.requests() if entry["operation"].startswith("drive")]


def test_a_file_is_uploaded_with_its_times_as_one_version_for_four_units(
    tenant: RunningTenant, user: UserId, writer: DriveWriter, root: DriveItemId
) -> None:
    tenant.control.reset_log()
    made = upload(writer, root, "a.bin")
    assert operations(tenant) == [("drive_upload_session", 2), ("drive_upload_part", 2)]
    stored = tenant.control.file(user, "/a.bin")
    assert (stored["id"], stored["created"], stored["modified"]) == (made["id"], CREATED, MODIFIED)
    assert len(stored["versions"]) == 1
    assert tenant.control.file_content(user, "/a.bin") == CONTENT


def test_a_large_file_goes_up_in_fragments(tenant: RunningTenant, user: UserId, writer: DriveWriter, root: DriveItemId) -> None:
    chunk = bytes(range(256)) * 4_096
    size = 2 * FRAGMENT + 5
    tenant.control.reset_log()
    whole = itertools.chain.from_iterable(itertools.repeat((chunk,), size // len(chunk) + 1))
    content = b"".join(whole)[:size]
    made = writer.upload(root, "large.bin", size, lambda: (content[start : start + 300_000] for start in range(0, size, 300_000)))
    assert [name for name, units in operations(tenant)] == ["drive_upload_session", *["drive_upload_part"] * 3]
    assert made["size"] == size
    assert tenant.control.file_content(user, "/large.bin") == content


@pytest.mark.parametrize("conflict", ["fail", "replace"])
@pytest.mark.parametrize(
    "fault",
    [
        {"name": "answer_lost", "match": {"operation": "drive_upload_part"}},
        {"name": "drive_session_lost", "match": {"operation": "drive_upload_part"}},
        {"name": "drive_session_late", "match": {"operation": "drive_upload_part"}},
        {"name": "status", "status": 500, "match": {"operation": "drive_upload_part"}},
        {"name": "status", "status": 503, "match": {"operation": "drive_upload_session"}},
        {"name": "drive_throttled", "match": {"operation": "drive_upload_part"}, "retry_after": 1},
    ],
)
def test_whatever_happens_to_an_upload_there_is_one_whole_file_in_the_end(
    tenant: RunningTenant, user: UserId, writer: DriveWriter, root: DriveItemId, fault: dict[str, t.Any], conflict: t.Any
) -> None:
    tenant.control.arm({"mailbox": user, "times": 1, **fault})
    tenant.control.reset_log()
    upload(writer, root, "a.bin", conflict=conflict)
    assert [entry["fault"] for entry in tenant.control.requests() if entry["fault"]] == [fault["name"]]
    assert tenant.control.file_content(user, "/a.bin") == CONTENT
    assert [item["path"] for item in tenant.control.drive_listing(user) if item["kind"] == "file"] == ["/a.bin"]
    assert tenant.control.upload_sessions() == []


def test_a_second_upload_of_a_name_fails_or_makes_a_version(
    tenant: RunningTenant, user: UserId, writer: DriveWriter, root: DriveItemId
) -> None:
    made = upload(writer, root, "a.txt", b"first")
    with pytest.raises(drive_errors.NameTaken) as caught:
        upload(writer, root, "A.TXT", b"second")
    assert not isinstance(caught.value, drive_errors.NameHeld)
    again = upload(writer, root, "a.txt", b"second", conflict="replace")
    assert again["id"] == made["id"]
    assert len(tenant.control.file(user, "/a.txt")["versions"]) == 2
    assert tenant.control.upload_sessions() == []


def test_a_name_that_is_taken_during_the_upload_is_told_and_its_session_ended(
    tenant: RunningTenant, user: UserId, writer: DriveWriter, root: DriveItemId
) -> None:
    tenant.control.arm({"name": "drive_name_taken", "mailbox": user, "times": 1})
    with pytest.raises(drive_errors.NameTaken):
        upload(writer, root, "a.txt")
    assert tenant.control.file_content(user, "/a.txt") == b"taken"
    assert tenant.control.upload_sessions() == []


def test_a_name_that_an_unfinished_upload_holds_is_told_from_one_that_is_taken(
    tenant: RunningTenant, user: UserId, writer: DriveWriter, root: DriveItemId
) -> None:
    with connected(tenant) as other:

        def killed() -> t.Iterator[bytes]:
            other.cancel()
            yield CONTENT

        with pytest.raises(errors.Cancelled):
            DriveWriter(other, DriveId(writer.root()["parentReference"]["driveId"])).upload(root, "a.bin", len(CONTENT), killed)
    assert len(tenant.control.upload_sessions()) == 1
    for conflict in ("fail", "replace"):
        with pytest.raises(drive_errors.NameHeld):
            upload(writer, root, "a.bin", conflict=conflict)
    tenant.control.expire_upload_sessions()
    upload(writer, root, "a.bin")


def test_a_full_drive_is_told_and_the_name_is_free_again(
    tenant: RunningTenant, user: UserId, writer: DriveWriter, root: DriveItemId
) -> None:
    tenant.control.set_drive_quota(user, 100)
    with pytest.raises(errors.QuotaExceeded):
        upload(writer, root, "a.bin")
    assert tenant.control.upload_sessions() == []
    tenant.control.set_drive_quota(user, 1 << 40)
    upload(writer, root, "a.bin")


@pytest.mark.parametrize("name", ["a:b.txt", "what?.txt", "CON", "desktop.ini", " a.txt", "a" * 256])
def test_a_name_that_the_service_does_not_take_is_refused(writer: DriveWriter, root: DriveItemId, name: str) -> None:
    with pytest.raises(drive_errors.NameRefused):
        upload(writer, root, name)


@pytest.mark.parametrize("name", ["100% #1 + a&b='c'.txt", "Zoë.txt", "Zoe\u0308.txt", "👩‍👩‍👧.txt", ".hidden", "a;b@c,d=e~f!.txt"])
def test_odd_names_arrive_as_they_are(tenant: RunningTenant, user: UserId, writer: DriveWriter, root: DriveItemId, name: str) -> None:
    made = upload(writer, root, name)
    assert made["name"] == name
    found = writer.find(root, name)
    assert found is not None
    assert found["id"] == made["id"]
    assert writer.put(root, f"empty {name}", b"")["name"] == f"empty {name}"


def test_an_empty_file_is_put_and_given_its_times(tenant: RunningTenant, user: UserId, writer: DriveWriter, root: DriveItemId) -> None:
    made = writer.put(root, "empty.txt", b"")
    writer.update(DriveItemId(made["id"]), created=CREATED, modified=MODIFIED)
    stored = tenant.control.file(user, "/empty.txt")
    assert (stored["size"], stored["created"], stored["modified"]) == (0, CREATED, MODIFIED)
    with pytest.raises(drive_errors.NameTaken):
        writer.put(root, "empty.txt", b"")
    assert writer.put(root, "empty.txt", b"more", "replace")["id"] == made["id"]


def test_a_folder_is_made_once_and_found_again(tenant: RunningTenant, user: UserId, writer: DriveWriter, root: DriveItemId) -> None:
    made = writer.folder(root, "Folder")
    assert writer.folder(root, "folder")["id"] == made["id"]
    with pytest.raises(drive_errors.NameTaken):
        writer.folder(root, "Folder", "fail")
    upload(writer, root, "file")
    with pytest.raises(drive_errors.NameTaken):
        writer.folder(root, "file")


def test_a_folder_whose_answer_is_lost_is_not_made_twice(
    tenant: RunningTenant, user: UserId, writer: DriveWriter, root: DriveItemId
) -> None:
    for conflict in ("replace", "fail"):
        tenant.control.arm({"name": "answer_lost", "mailbox": user, "times": 1, "match": {"operation": "drive_folder_create"}})
        if conflict == "fail":
            with pytest.raises(errors.AmbiguousOutcome):
                writer.folder(root, conflict, conflict)
        else:
            writer.folder(root, conflict, conflict)
        assert writer.find(root, conflict) is not None
    assert sorted(item["path"] for item in tenant.control.drive_listing(user) if item["path"] != "/") == ["/fail", "/replace"]


def test_files_are_renamed_and_folders_given_times(tenant: RunningTenant, user: UserId, writer: DriveWriter, root: DriveItemId) -> None:
    folder = DriveItemId(writer.folder(root, "folder")["id"])
    made = DriveItemId(upload(writer, folder, "a.bin")["id"])
    writer.update(made, name="b.bin")
    writer.update(folder, created=CREATED, modified=MODIFIED)
    assert tenant.control.file(user, "/folder/b.bin")["id"] == made
    stored = tenant.control.file(user, "/folder")
    assert (stored["created"], stored["modified"]) == (CREATED, MODIFIED)
    assert writer.find(folder, "a.bin") is None


def test_a_file_under_a_retention_label_is_not_overwritten(
    tenant: RunningTenant, user: UserId, writer: DriveWriter, root: DriveItemId
) -> None:
    upload(writer, root, "a.bin")
    tenant.control.add_retention_label("Keep", isContentUpdateAllowed=False, isDeleteAllowed=False)
    tenant.control.label_item(user, "/a.bin", "Keep")
    with pytest.raises(drive_errors.RetentionHeld):
        upload(writer, root, "a.bin", b"other", conflict="replace")
    assert tenant.control.file_content(user, "/a.bin") == CONTENT
    assert tenant.control.upload_sessions() == []


def test_people_are_let_in_without_a_mail(tenant: RunningTenant, user: UserId, writer: DriveWriter, root: DriveItemId) -> None:
    guest = new_user(tenant, "guest")
    made = DriveItemId(upload(writer, root, "a.bin")["id"])
    mails = tenant.control.stats()["sharing_mails_sent"]
    granted = writer.invite(made, [{"objectId": guest}], ["write"])
    assert [one["roles"] for one in granted] == [["write"]]
    assert tenant.control.stats()["sharing_mails_sent"] == mails
    assert any(one["roles"] == ["write"] for one in tenant.control.file(user, "/a.bin")["permissions"])


@pytest.mark.parametrize("code", ["noResolvedUsers", "invalidRequest"])
def test_somebody_unknown_cannot_be_let_in(tenant: RunningTenant, user: UserId, writer: DriveWriter, root: DriveItemId, code: str) -> None:
    made = DriveItemId(upload(writer, root, "a.bin")["id"])
    tenant.control.settings(drive_unresolved_code=code)
    with pytest.raises(drive_errors.RecipientsRefused):
        writer.invite(made, [{"objectId": "00000000-0000-0000-0000-000000000009"}], ["read"])
    tenant.control.settings(drive_unresolved_code="noResolvedUsers")


@pytest.mark.parametrize("status", [400, 403])
def test_sharing_that_is_switched_off_is_told(
    tenant: RunningTenant, user: UserId, writer: DriveWriter, root: DriveItemId, status: int
) -> None:
    made = DriveItemId(upload(writer, root, "a.bin")["id"])
    tenant.control.settings(drive_sharing_refusal=status)
    with pytest.raises(drive_errors.SharingDisabled):
        writer.invite(made, [{"objectId": user}], ["read"])
    tenant.control.settings(drive_sharing_refusal=None)
