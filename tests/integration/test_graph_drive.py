# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading drives: finding them, their changes, and their contents, against the tenant in all its moods."""

from __future__ import annotations

import time
import typing as t

import pytest
from integration.graph_tenant import new_user

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph import drive_errors, errors
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.client import GraphClient
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.delta import Removed
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.drive import drive_of
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.drive_read import DriveReader
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.ids import Cursor, DriveId, Fields, UserId
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.quick_xor import quick_xor
from tenant.harness import RunningTenant

TEXT = b"The quick brown fox\n" * 20_000


class Round(t.NamedTuple):
    """What remains of a pass when entries are merged by id."""

    items: dict[str, Fields]
    removed: set[str]
    cursor: Cursor

    def named(self, name: str) -> Fields:
        return next(fields for fields in self.items.values() if fields["name"] == name)


@pytest.fixture
def drive(tenant: RunningTenant, user: UserId) -> DriveId:
    return DriveId(tenant.control.create_drive(user))


@pytest.fixture
def reader(client: GraphClient, drive: DriveId) -> DriveReader:
    return DriveReader(client, drive)


def faults(tenant: RunningTenant) -> list[str]:
    """Those that happened. The tenant notes an answer when it is all on its way, which may be after we have it."""
    for _attempt in range(50):
        found = [entry["fault"] for entry in tenant.control.requests() if entry["fault"]]
        if found:
            break
        time.sleep(0.1)
    return found


def changes(reader: DriveReader, cursor: Cursor | None = None, *, permissions: bool = False) -> Round:
    items: dict[str, Fields] = {}
    removed: set[str] = set()
    end = None
    for page in reader.delta(cursor, permissions=permissions):
        for entry in page.entries:
            if isinstance(entry, Removed):
                removed.add(entry.id)
                items.pop(entry.id, None)
            else:
                items[entry.id] = entry.fields
                removed.discard(entry.id)
        end = page.cursor
    assert end is not None
    return Round(items, removed, end)


def requests(tenant: RunningTenant) -> list[tuple[str, int]]:
    """Operation and resource units of what was asked of drives."""
    return [(entry["operation"], entry["units"]) for entry in tenant.control.requests() if entry["operation"].startswith("drive")]


def test_a_drive_is_found_at_its_user(tenant: RunningTenant, user: UserId, drive: DriveId, client: GraphClient) -> None:
    found = drive_of(client, user)
    assert found.id == drive
    assert found.web_url.startswith("https://contoso-my.sharepoint.com/personal/")


@pytest.mark.parametrize(
    "shape",
    [
        "no_mysite",
        "file_not_found",
        "file_not_found_unknown",
        "no_mysite_url",
        "app_only",
        "provisioning_not_allowed",
        "being_provisioned",
    ],
)
def test_a_user_without_a_drive_is_told_from_a_failure_at_once(
    tenant: RunningTenant, user: UserId, client: GraphClient, shape: str
) -> None:
    tenant.control.set_drive_state(user, shape)
    with pytest.raises(drive_errors.DriveMissing) as caught:
        drive_of(client, user)
    assert caught.value.availability == "no_drive"


def test_a_tenant_without_sharepoint_says_so(tenant: RunningTenant, user: UserId, client: GraphClient) -> None:
    tenant.control.set_drive_state(user, "no_licence")
    with pytest.raises(drive_errors.NoSharePointLicence):
        drive_of(client, user)


def test_a_user_that_does_not_exist_is_not_found(client: GraphClient) -> None:
    with pytest.raises(errors.NotFound):
        drive_of(client, UserId("00000000-0000-0000-0000-000000000001"))


@pytest.mark.parametrize("shape", ["locked", "locked_resource"])
def test_a_locked_site_is_told_whatever_is_asked_of_it(
    tenant: RunningTenant, user: UserId, reader: DriveReader, client: GraphClient, shape: str
) -> None:
    tenant.control.put_file(user, "/a.txt", TEXT)
    named = changes(reader)
    tenant.control.set_drive_state(user, shape)
    for ask in (
        lambda: drive_of(client, user),
        lambda: changes(reader, named.cursor),
        lambda: [*reader.content({"id": named.named("a.txt")["id"]})],
    ):
        with pytest.raises(drive_errors.DriveLocked):
            ask()
    tenant.control.set_drive_state(user, "ok")


def test_an_unchanged_drive_costs_one_request_and_one_unit(tenant: RunningTenant, user: UserId, reader: DriveReader) -> None:
    tenant.control.put_file(user, "/Documents/a.txt", TEXT)
    first = changes(reader)
    tenant.control.reset_log()
    again = changes(reader, first.cursor)
    assert requests(tenant) == [("drive_delta", 1)]
    assert all("root" in fields for fields in again.items.values())


def test_a_drive_of_many_files_is_named_completely(tenant: RunningTenant, user: UserId, reader: DriveReader) -> None:
    tenant.control.generate_files(user, 2_500, folders=30, size=10)
    named = changes(reader)
    assert sum("file" in fields for fields in named.items.values()) == 2_500
    assert sum("folder" in fields and "root" not in fields for fields in named.items.values()) == 30


def test_what_is_removed_comes_without_a_name_and_what_is_renamed_comes_alone(
    tenant: RunningTenant, user: UserId, reader: DriveReader
) -> None:
    for path in ("/gone/a.txt", "/gone/b.txt", "/old/c.txt"):
        tenant.control.put_file(user, path, b"x")
    first = changes(reader)
    tenant.control.delete_item(user, "/gone")
    tenant.control.rename_item(user, "/old", "new")
    later = changes(reader, first.cursor)
    assert later.removed == {first.named(name)["id"] for name in ("gone", "a.txt", "b.txt")}
    assert {fields["name"] for fields in later.items.values()} == {"root", "new"}


@pytest.mark.parametrize("permissions", [False, True])
def test_a_permission_that_changes_is_seen_only_by_who_asks_for_permissions(
    tenant: RunningTenant, user: UserId, reader: DriveReader, permissions: bool
) -> None:
    tenant.control.put_file(user, "/a.txt", b"x")
    other = new_user(tenant, f"guest-{permissions}")
    first = changes(reader, permissions=permissions)
    grant = {"roles": ["read"], "grantedToV2": {"user": {"id": other, "displayName": "Guest"}}}
    tenant.control.share_item(user, "/a.txt", grant)
    later = changes(reader, first.cursor, permissions=permissions)
    assert ("a.txt" in {fields["name"] for fields in later.items.values()}) is permissions
    if permissions:
        granted = [*reader.permissions(later.named("a.txt")["id"])]
        assert other in {one["grantedToV2"]["user"]["id"] for one in granted if not one.get("inheritedFrom")}


@pytest.mark.parametrize(
    "variant", [{}, {"code": "resyncChangesApplyDifferences"}, {"inner_code": "resyncUploadDifferences", "location": True}]
)
def test_a_lost_cursor_is_said_to_be_lost(tenant: RunningTenant, user: UserId, reader: DriveReader, variant: dict[str, t.Any]) -> None:
    tenant.control.put_file(user, "/a.txt", b"x")
    first = changes(reader)
    tenant.control.arm({"name": "drive_cursor_lost", "mailbox": user, **variant})
    with pytest.raises(errors.CursorLost):
        changes(reader, first.cursor)
    assert changes(reader).items.keys() == first.items.keys()


def test_a_cursor_that_is_garbage_is_lost_too(reader: DriveReader, drive: DriveId) -> None:
    with pytest.raises(errors.CursorLost):
        changes(reader, Cursor(f"https://graph.microsoft.com/v1.0/drives/{drive}/root/delta?token=garbage"))


@pytest.mark.parametrize("status", [404, 500, 503])
def test_a_page_that_is_away_for_a_moment_is_waited_for(tenant: RunningTenant, user: UserId, reader: DriveReader, status: int) -> None:
    tenant.control.generate_files(user, 1_200, size=10)
    tenant.control.arm(
        {
            "name": "status",
            "status": status,
            "code": "itemNotFound",
            "mailbox": user,
            "times": 1,
            "match": {"operation": "drive_delta", "phase": "next"},
        }
    )
    assert sum("file" in fields for fields in changes(reader).items.values()) == 1_200


def test_a_page_that_stays_away_does_not_look_like_a_drive_that_is_gone(tenant: RunningTenant, user: UserId, reader: DriveReader) -> None:
    tenant.control.generate_files(user, 1_200, size=10)
    match = {"operation": "drive_delta", "phase": "next"}
    tenant.control.arm({"name": "status", "status": 404, "code": "itemNotFound", "mailbox": user, "times": None, "match": match})
    with pytest.raises(errors.ServiceUnavailable):
        changes(reader)


def test_a_drive_that_is_gone_is_not_found(tenant: RunningTenant, user: UserId, reader: DriveReader) -> None:
    cursor = changes(reader).cursor
    tenant.control.remove_drive(user)
    with pytest.raises(errors.NotFound):
        changes(reader, cursor)


def test_inv10_links_to_another_host_are_refused(tenant: RunningTenant, user: UserId, reader: DriveReader) -> None:
    tenant.control.arm({"name": "foreign_link", "mailbox": user, "times": None, "match": {"operation": "drive_delta"}})
    with pytest.raises(errors.LinkRefused):
        changes(reader)


@pytest.mark.parametrize(
    "fault",
    [
        {"name": "reset"},
        {"name": "cut_body", "at": 0.5},
        {"name": "cut_body", "at": 0.01, "times": 3},
        {"name": "drive_url_expired", "status": 401},
        {"name": "drive_url_expired", "status": 403, "times": 2},
        {"name": "drive_url_expired", "status": 404},
        {"name": "drive_html_body"},
        {"name": "drive_no_length"},
        {"name": "drive_trickle", "chunk": 100_000, "seconds": 0.01},
        {"name": "status", "status": 503},
    ],
)
def test_a_file_comes_whole_whatever_happens_to_its_download(
    tenant: RunningTenant, user: UserId, reader: DriveReader, fault: dict[str, t.Any]
) -> None:
    tenant.control.put_file(user, "/a.bin", TEXT)
    item = changes(reader).named("a.bin")
    tenant.control.arm({"times": 1, "mailbox": user, "match": {"operation": "drive_download"}, **fault})
    tenant.control.reset_log()
    assert b"".join(reader.content(item)) == TEXT
    assert faults(tenant) == [fault["name"]] * fault.get("times", 1)


def test_a_file_goes_on_after_a_break_although_the_server_ignores_ranges(tenant: RunningTenant, user: UserId, reader: DriveReader) -> None:
    tenant.control.put_file(user, "/a.bin", TEXT)
    item = changes(reader).named("a.bin")
    tenant.control.arm({"name": "cut_body", "at": 0.5, "mailbox": user, "times": 1, "match": {"operation": "drive_download"}})
    tenant.control.reset_log()
    stream = reader.content(item)
    start = next(stream)
    tenant.control.arm({"name": "drive_range_ignored", "mailbox": user, "times": 1})
    assert start + b"".join(stream) == TEXT
    assert faults(tenant) == ["cut_body", "drive_range_ignored"]


def test_a_file_that_changes_while_it_is_read_is_not_mixed(tenant: RunningTenant, user: UserId, reader: DriveReader) -> None:
    tenant.control.put_file(user, "/a.bin", TEXT)
    item = changes(reader).named("a.bin")
    tenant.control.arm({"name": "drive_content_changes", "mailbox": user, "times": 1})
    tenant.control.arm({"name": "cut_body", "at": 0.5, "mailbox": user, "times": 1, "match": {"operation": "drive_download"}})
    with pytest.raises(drive_errors.ContentChanged):
        collect(reader, item)
    assert quick_xor(reader.content(reader.item(item["id"]))) == tenant.control.file(user, "/a.bin")["quick_xor"]


def collect(reader: DriveReader, item: Fields) -> bytes:
    return b"".join(reader.content(item))


def test_a_file_that_vanishes_before_its_download_is_not_found(tenant: RunningTenant, user: UserId, reader: DriveReader) -> None:
    tenant.control.put_file(user, "/a.bin", TEXT)
    item = changes(reader).named("a.bin")
    tenant.control.delete_item(user, "/a.bin")
    with pytest.raises(errors.NotFound):
        collect(reader, item)


@pytest.mark.parametrize("malware", ["refuse", "header"])
def test_malware_is_not_delivered(tenant: RunningTenant, user: UserId, reader: DriveReader, malware: str) -> None:
    tenant.control.put_file(user, "/a.bin", TEXT)
    tenant.control.set_item(user, "/a.bin", malware=malware)
    with pytest.raises(drive_errors.MalwareBlocked):
        collect(reader, changes(reader).named("a.bin"))


@pytest.mark.parametrize("stated", [1, len(TEXT) + 1_000])
def test_a_file_comes_as_it_is_although_the_service_states_another_size(
    tenant: RunningTenant, user: UserId, reader: DriveReader, stated: int
) -> None:
    tenant.control.put_file(user, "/a.docx", TEXT)
    tenant.control.set_item(user, "/a.docx", stated_size=stated, stated_hash="zero")
    assert collect(reader, changes(reader).named("a.docx")) == TEXT


def test_an_empty_file_is_empty(tenant: RunningTenant, user: UserId, reader: DriveReader) -> None:
    tenant.control.put_file(user, "/a.txt", b"")
    assert collect(reader, changes(reader).named("a.txt")) == b""


def test_a_part_of_a_notebook_that_never_comes_is_given_up_soon(tenant: RunningTenant, user: UserId, reader: DriveReader) -> None:
    tenant.control.make_notebook(user, "/Notes", {"a.one": 1_000})
    tenant.control.set_item(user, "/Notes/a.one", unavailable=503)
    item = changes(reader).named("a.one")
    tenant.control.reset_log()
    with pytest.raises(errors.ServiceUnavailable):
        collect(reader, item)
    assert len(requests(tenant)) <= 3


@pytest.mark.parametrize("streams", [False, True])
def test_earlier_versions_are_listed_newest_first_and_read(tenant: RunningTenant, user: UserId, reader: DriveReader, streams: bool) -> None:
    for content in (b"first", b"second", b"third"):
        tenant.control.put_file(user, "/a.txt", content)
    item = changes(reader).named("a.txt")["id"]
    tenant.control.settings(drive_content_direct=streams)
    current, *earlier = [str(fields["id"]) for fields in reader.versions(item)]
    assert [b"".join(reader.version_content(item, version)) for version in earlier] == [b"second", b"first"]
    with pytest.raises(errors.GraphError):
        next(reader.version_content(item, current))
    tenant.control.settings(drive_content_direct=False)


def test_a_large_file_goes_by_in_small_pieces_although_its_stream_breaks(tenant: RunningTenant, user: UserId, reader: DriveReader) -> None:
    size = 200 << 20
    tenant.control.put_file(user, "/big.bin", seed=3, size=size)
    item = changes(reader).named("big.bin")
    tenant.control.arm({"name": "cut_body", "at": 0.4, "mailbox": user, "times": 2, "match": {"operation": "drive_download"}})
    largest = 0

    def watched() -> t.Iterator[bytes]:
        nonlocal largest
        for piece in reader.content(item):
            largest = max(largest, len(piece))
            yield piece

    assert quick_xor(watched()) == item["file"]["hashes"]["quickXorHash"]
    assert largest <= 1 << 20


def test_children_of_a_folder_are_listed_with_who_changed_them(tenant: RunningTenant, user: UserId, reader: DriveReader) -> None:
    for number in range(3):
        tenant.control.put_file(user, f"/folder/{number}.txt", b"x")
    children = [*reader.children(changes(reader).named("folder")["id"])]
    assert sorted(child["name"] for child in children) == ["0.txt", "1.txt", "2.txt"]
    assert all(child["lastModifiedBy"]["user"]["id"] == user for child in children)
