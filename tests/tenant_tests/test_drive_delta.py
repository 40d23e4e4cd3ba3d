# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Delta over a drive, with its quirks (facts A3, H 19-31)."""

from __future__ import annotations

import datetime
import typing as t
from urllib.parse import quote, urlsplit

import pytest
from tenant_tests.drive_support import URL, TestDrive, names, only

if t.TYPE_CHECKING:
    from tenant_tests.support import Client

ALL_PREFERENCES = "hierarchicalsharing, deltashowremovedasdeleted, deltatraversepermissiongaps, deltashowsharingchanges"
ZERO_HASH = "AAAAAAAAAAAAAAAAAAAAAAAAAAA="
SHARED = {"roles": ["read"], "grantedToV2": {"user": {"id": "1", "displayName": "Bruno"}}}


def test_h19_the_first_page_begins_with_the_root_and_later_rounds_bring_ancestors_along(drive: TestDrive) -> None:
    drive.put("/a/b/c.txt")
    drive.put("/other/d.txt")
    entries, link = drive.round(drive.delta + "?$top=2")
    assert names(entries) == ["root", "a", "b", "c.txt", "other", "d.txt"]
    assert entries[0]["root"] == {}
    before = {entry["id"]: entry["eTag"] for entry in entries}
    drive.put("/a/b/c.txt", b"more")
    entries, _link = drive.round(link)
    assert names(entries) == ["root", "a", "b", "c.txt"]
    assert [entry["eTag"] == before[entry["id"]] for entry in entries] == [True, True, True, False]


def test_h20_tokens_of_every_kind(drive: TestDrive) -> None:
    drive.put("/old.txt")
    page = drive.client.page(drive.delta + "?token=latest")
    assert page["value"] == []
    drive.put("/new.txt")
    assert names(drive.round(page["@odata.deltaLink"])[0]) == ["root", "new.txt"]
    now = datetime.datetime.now(datetime.timezone.utc)
    recent = quote((now - datetime.timedelta(days=59)).strftime("%Y-%m-%dT%H:%M:%SZ"))
    assert names(drive.round(f"{drive.delta}?token={recent}")[0]) == ["root", "old.txt", "new.txt"]
    assert names(drive.round(f"{drive.delta}?token={quote((now + datetime.timedelta(days=1)).isoformat())}")[0]) == ["root"]
    past = drive.client.get(f"{drive.delta}?token={quote((now - datetime.timedelta(days=61)).isoformat())}")
    assert (past.status, past.code) == (410, "resyncRequired")
    garbage = drive.client.get(drive.delta + "?token=nonsense")
    assert (garbage.status, garbage.code, garbage.error["message"]) == (400, "invalidRequest", "Provided sync token is malformed")


def test_h21_a_lost_token_is_410_and_leads_to_a_fresh_start(drive: TestDrive) -> None:
    drive.put("/a.txt")
    _entries, link = drive.round()
    drive.control.expire_drive_cursors(drive.user)
    reply = drive.client.get(link)
    assert (reply.status, reply.code) == (410, "resyncRequired")
    assert "Resync required" in reply.error["message"]
    assert names(drive.round(reply.headers["Location"])[0]) == ["root", "a.txt"]
    for inner in ("resyncApplyDifferences", "resyncUploadDifferences"):
        drive.control.arm({"name": "drive_cursor_lost", "mailbox": drive.user, "inner_code": inner, "location": False})
        _all, link = drive.round()
        reply = drive.client.get(link)
        assert (reply.error["innerError"]["code"], "Location" in reply.headers) == (inner, False)


def test_h21_following_the_location_can_fail_once(drive: TestDrive) -> None:
    drive.control.arm({"name": "status", "status": 500, "match": {"operation": "drive_delta", "path": "token=$"}})
    assert drive.client.get(drive.delta + "?token=").status == 500
    assert names(drive.round(drive.delta + "?token=")[0]) == ["root"]


def test_h22_an_item_is_told_twice_in_a_pass_and_the_last_name_is_right(drive: TestDrive) -> None:
    for number in range(5):
        drive.put(f"/{number}.txt")
    drive.control.arm({"name": "drive_old_entry", "mailbox": drive.user, "match": {"phase": "initial"}})
    entries, _link = drive.round(drive.delta + "?$top=2")
    twice = [entry for entry in entries if entry["id"] == entries[2]["id"]]
    assert names(twice) == ["formerly 1.txt", "1.txt"]


@pytest.mark.parametrize(("order", "right"), [("parents_first", [True, True]), ("children_first", [False, False]), ("mixed", None)])
def test_h23_children_come_before_or_after_their_parents(drive: TestDrive, order: str, right: list[bool] | None) -> None:
    drive.control.settings(drive_order=order)
    drive.put("/a/b/c.txt")
    entries, link = drive.round()
    drive.put("/a/b/c.txt", b"x")
    later, _link = drive.round(link)
    told = [names(one).index("a") < names(one).index("b") < names(one).index("c.txt") for one in (entries, later)]
    assert right is None or told == right
    assert sorted(names(entries)) == sorted(names(later)) == ["a", "b", "c.txt", "root"]


def test_h23_a_folder_younger_than_what_was_moved_into_it_is_told_before_and_again(drive: TestDrive) -> None:
    drive.put("/old.txt")
    drive.control.make_folder(drive.user, "/young")
    drive.control.move_item(drive.user, "/old.txt", "/young")
    entries, _link = drive.round(drive.delta + "?$top=2")
    assert names(entries) == ["root", "young", "old.txt", "young"]


def test_h24_a_moved_folder_comes_alone_and_keeps_its_time(drive: TestDrive) -> None:
    drive.control.make_folder(drive.user, "/target")
    drive.put("/folder/a.txt")
    entries, link = drive.round()
    old = only(entries, drive.item("/folder")["id"])
    drive.control.move_item(drive.user, "/folder", "/target")
    entries, link = drive.round(link)
    moved = only(entries, old["id"])
    assert names(entries) == ["root", "target", "folder"]
    assert moved["lastModifiedDateTime"] == old["lastModifiedDateTime"]
    assert drive.item("/target/folder/a.txt")["parentReference"]["path"].endswith("root:/target/folder")


def test_h25_a_deleted_folder_leaves_a_tombstone_for_each_thing_in_it_and_they_come_first(drive: TestDrive) -> None:
    folder = drive.control.make_folder(drive.user, "/folder")
    inside = [drive.put("/folder/a.txt"), drive.put("/folder/b.txt")]
    _all, link = drive.round()
    drive.put("/new.txt")
    drive.control.delete_item(drive.user, "/folder")
    short = drive.put("/short.txt")
    drive.control.delete_item(drive.user, "/short.txt")
    entries, _link = drive.round(link)
    assert [entry["id"] for entry in entries[:4]] == [folder, *inside, short]
    assert names(entries[4:]) == ["root", "new.txt"]
    stone = entries[1]
    assert {"name", "path"} & {*stone, *stone["parentReference"]} == set()
    assert (stone["deleted"], stone["size"], stone["file"]["hashes"]["quickXorHash"]) == ({"state": "deleted"}, 0, ZERO_HASH)
    assert (stone["cTag"].endswith(',-1"'), stone["parentReference"]["id"]) == (True, folder)


def test_h26_names_can_be_swapped_taken_again_and_change_their_case(drive: TestDrive) -> None:
    first, second = drive.put("/A.txt", b"1"), drive.put("/B.txt", b"2")
    _all, link = drive.round()
    for old, new in (("/A.txt", "C.txt"), ("/B.txt", "A.txt"), ("/C.txt", "b.TXT")):
        drive.control.rename_item(drive.user, old, new)
    drive.control.make_folder(drive.user, "/away")
    drive.control.move_item(drive.user, "/A.txt", "/away")
    third = drive.put("/a.TXT", b"3")
    entries, _link = drive.round(link)
    assert {entry["id"]: entry["name"] for entry in entries if "file" in entry} == {first: "b.TXT", second: "A.txt", third: "a.TXT"}


def test_h27_entries_have_no_content_tag_and_their_path_is_a_switch(drive: TestDrive) -> None:
    drive.put("/folder/a.txt")
    entry = drive.round()[0][-1]
    assert ("cTag" in entry, entry["parentReference"]["path"].endswith("root:/folder")) == (False, True)
    drive.control.settings(drive_ctag_in_delta=True, drive_path_in_delta=False)
    entry = drive.round()[0][-1]
    assert ("cTag" in entry, "path" in entry["parentReference"]) == (True, False)
    assert "cTag" in drive.item("/folder/a.txt")


def test_h28_pages_can_be_empty_and_longer_than_asked_for(drive: TestDrive) -> None:
    drive.control.generate_files(drive.user, 1500, size=1)
    drive.control.arm({"name": "drive_empty_page", "mailbox": drive.user})
    page = drive.client.page(drive.delta + "?$top=10")
    assert (page["value"], "@odata.nextLink" in page) == ([], True)
    page = drive.client.page(page["@odata.nextLink"])
    assert len(page["value"]) == 10
    drive.control.arm({"name": "drive_long_page", "mailbox": drive.user, "more": 1200})
    page = drive.client.page(page["@odata.nextLink"])
    assert len(page["value"]) == 1210
    drive.control.settings(drive_page_limit=3)
    page = drive.client.page(page["@odata.nextLink"])
    assert len(page["value"]) == 3
    drive.control.settings(drive_page_limit=None)
    rest, _link = drive.round(page["@odata.nextLink"])
    assert len(rest) == 1501 - 1223


def test_h29_every_spelling_leads_to_the_delta_of_the_root(drive: TestDrive) -> None:
    drive.put("/a.txt")
    root = drive.control.drive_root(drive.user)
    _entries, link = drive.round()
    token = link.partition("token=")[2]
    escaped = drive.id.replace("!", "%21")
    for path in (
        f"/drives/{drive.id}/root/delta()",
        f"/drives/{escaped}/items/root/delta()",
        f"/drives('{drive.id}')/items/{root}/delta",
        f"/drives/{drive.id}/items('{root}')/microsoft.graph.delta()",
        f"/users/{drive.user}/drive/root/delta",
    ):
        assert names(drive.round(path)[0]) == ["root", "a.txt"]
    assert names(drive.round(f"/drives/{drive.id}/root/delta(token='{token}')")[0]) == ["root"]
    folder = drive.control.make_folder(drive.user, "/folder")
    reply = drive.client.get(f"/drives/{drive.id}/items/{folder}/delta")
    assert (reply.status, reply.code, reply.error["message"]) == (501, "notSupported", "view.delta can only be called on the root.")


def test_h29_a_selection_drops_the_address_unless_it_asks_for_it(drive: TestDrive) -> None:
    drive.put("/a.txt")
    found = {
        query: sorted(drive.round(f"{drive.delta}?{query}")[0][-1])
        for query in ("$select=id,name", "select=id,name", "$select=id,content.downloadUrl")
    }
    assert found == {
        "$select=id,name": ["id", "name"],
        "select=id,name": [URL, "id", "name"],
        "$select=id,content.downloadUrl": ["@content.downloadUrl", "id"],
    }
    assert URL in drive.round()[0][-1]
    entries, link = drive.round(drive.delta + "?$select=id&$top=1")
    assert [set(entry) for entry in entries] == [{"id"}, {"id"}]
    drive.put("/b.txt")
    assert {frozenset(entry) for entry in drive.round(link)[0]} == {frozenset({"id"})}


def test_h30_a_change_of_permissions_alone_is_told_to_those_who_send_all_four_preferences(drive: TestDrive, client: Client) -> None:
    drive.put("/a.txt")
    _all, link = drive.round()
    given = drive.control.share_item(drive.user, "/a.txt", SHARED)
    assert names(drive.round(link)[0]) == ["root"]
    assert names(drive.round(link, prefer="hierarchicalsharing,deltashowsharingchanges")[0]) == ["root"]
    entries, link = drive.round(link, prefer=ALL_PREFERENCES)
    assert [(entry["name"], entry.get("@microsoft.graph.sharedChanged")) for entry in entries] == [("root", None), ("a.txt", "True")]
    drive.control.unshare_item(drive.user, "/a.txt", given)
    app = drive.control.add_app(roles=["Files.Read.All"])
    assert names(drive.round(link, prefer=ALL_PREFERENCES, token=client.log_in(**app))[0]) == ["root"]
    drive.put("/a.txt", b"2")
    entries, _link = drive.round(link, prefer=ALL_PREFERENCES)
    assert [(entry["name"], entry.get("@microsoft.graph.sharedChanged")) for entry in entries] == [("root", None), ("a.txt", "True")]


@pytest.mark.parametrize(("status", "code"), [(404, "itemNotFound"), (500, "generalException"), (503, "serviceNotAvailable")])
def test_h31_a_next_page_can_fail_once(drive: TestDrive, status: int, code: str) -> None:
    drive.put("/a.txt")
    drive.control.arm({"name": "status", "status": status, "code": code, "match": {"operation": "drive_delta", "phase": "next"}})
    link = drive.client.page(drive.delta + "?$top=1")["@odata.nextLink"]
    reply = drive.client.get(link)
    assert (reply.status, reply.code) == (status, code)
    assert names(drive.round(link)[0]) == ["a.txt"]


def test_h63_links_can_lead_to_a_foreign_host(drive: TestDrive) -> None:
    drive.control.arm({"name": "foreign_link", "match": {"operation": "drive_delta"}})
    link = drive.client.page(drive.delta)["@odata.deltaLink"]
    assert urlsplit(link).netloc != "graph.microsoft.com"


def test_rounds_can_be_told_again_and_name_what_nobody_knew(drive: TestDrive) -> None:
    drive.put("/a.txt")
    _all, link = drive.round()
    drive.put("/b.txt")
    drive.control.arm({"name": "drive_replayed_round", "mailbox": drive.user})
    drive.control.arm({"name": "drive_unknown_removal", "mailbox": drive.user})
    entries, link = drive.round(link)
    assert names(entries) == ["-", "root", "b.txt"]
    assert names(drive.round(link)[0]) == ["root", "b.txt"]


def test_what_delta_does_not_support_is_refused(drive: TestDrive) -> None:
    for query in ("$filter=size gt 1", "$orderby=name", "$top=0", "$top=20000"):
        assert drive.client.get(f"{drive.delta}?{query}").code == "invalidRequest"
