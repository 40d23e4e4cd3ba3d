# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Drives, items, folders, versions and permissions as clients read them (facts A1, A2, A4, A6, A7, H 14-17, 37-44)."""

from __future__ import annotations

import typing as t
from urllib.parse import quote

import pytest
from tenant_tests.drive_support import TestDrive, names

from tenant.control import TenantControlError

if t.TYPE_CHECKING:
    from tenant_tests.support import Client

    from tenant.control import ControlClient

NASTY = (
    "a" * 255,
    ".leading dot",
    "#hash %20 percent% + plus & and 'quotes'",
    "caf\u00e9.txt",
    "cafe\u0301.txt",
    "emoji \U0001f4c4.pdf",
    "ends with a dot.",
    "right \u202eto left",
    "report(1).txt",
    "delta()",
    "items('x')",
    "100%25.txt",
)


def test_a_drive_says_whose_it_is_and_how_full(drive: TestDrive, client: Client) -> None:
    drive.put("/a.txt", b"x" * 95)
    drive.control.set_drive_quota(drive.user, 100)
    told = client.page(f"/users/{drive.user}/drive")
    assert told["webUrl"] == "https://contoso-my.sharepoint.com/personal/adele_vance_contoso_com/Documents"
    assert (told["driveType"], told["owner"]["user"]["id"], told["id"].startswith("b!")) == ("business", drive.user, True)
    assert told["quota"] == {"deleted": 0, "remaining": 5, "state": "nearing", "total": 100, "used": 95}
    assert client.page(f"/drives/{drive.id}") == told | {"@odata.context": client.page(f"/drives/{drive.id}")["@odata.context"]}
    assert client.get("/me/drive").status == 400


@pytest.mark.parametrize(
    ("shape", "status", "code", "message"),
    [
        ("no_mysite", 404, "ResourceNotFound", "User's mysite not found."),
        ("file_not_found", 404, "itemNotFound", "404 FILE NOT FOUND"),
        ("file_not_found_unknown", 404, "UnknownError", "404 FILE NOT FOUND"),
        ("no_mysite_url", 404, "UnknownError", "Unable to retrieve user's mysite URL."),
        ("app_only", 400, "invalidRequest", "apponly"),
        ("no_licence", 400, "BadRequest", "Tenant does not have a SPO license"),
        ("provisioning_not_allowed", 403, "accessDenied", "cannot be provisioned"),
        ("being_provisioned", 404, "itemNotFound", "being provisioned"),
        ("locked", 423, "notAllowed", "Access to this site has been blocked"),
        ("locked_resource", 423, "notAllowed", "Access to this site has been blocked"),
        ("no_access", 403, "accessDenied", "Access denied"),
    ],
)
def test_h14_h17_a_user_has_no_usable_drive_in_many_ways(
    client: Client, control: ControlClient, adele: str, shape: str, status: int, code: str, message: str
) -> None:
    assert client.get(f"/users/{adele}/drive").code == "ResourceNotFound"
    drive = control.create_drive(adele)
    control.set_drive_state(adele, shape)
    replies = [client.get(f"/users/{adele}/drive"), client.get(f"/drives/{drive}/root/delta"), client.get(f"/users/{adele}/drives")]
    assert [(reply.status, reply.code) for reply in replies] == [(status, code)] * 3
    assert message in replies[0].error["message"]
    inner = {"provisioning_not_allowed": "provisioningNotAllowed", "being_provisioned": "resourceBeingProvisioned"}
    assert replies[0].error["innerError"].get("code") == {**inner, "locked_resource": "resourceLocked"}.get(shape)
    control.set_drive_state(adele, "ok")
    assert client.get(f"/users/{adele}/drive").status == 200
    control.remove_drive(adele)
    assert client.get(f"/drives/{drive}").code == "itemNotFound"


def test_h16_a_user_can_have_more_libraries_than_the_drive(client: Client, control: ControlClient, adele: str) -> None:
    first = control.create_drive(adele, hidden_libraries=True)
    told = client.page(f"/users/{adele}/drives")["value"]
    assert names(told) == ["OneDrive", "PersonalCacheLibrary", "Preservation Hold Library"]
    assert told[0]["id"] == first == client.page(f"/users/{adele}/drive")["id"]
    assert names(client.round(f"/drives/{told[1]['id']}/root/delta")[0]) == ["root"]


def test_an_app_without_a_role_for_files_is_refused(drive: TestDrive, client: Client) -> None:
    token = client.log_in(**drive.control.add_app(roles=["User.Read.All", "Mail.Read"]))
    reply = client.get(f"/drives/{drive.id}", token=token)
    assert (reply.status, reply.code, reply.error["message"]) == (403, "accessDenied", "Access denied")


def test_items_are_found_by_id_and_by_path(drive: TestDrive, client: Client) -> None:
    item = drive.put("/one/two/a.txt")
    folder = drive.item("/one")["id"]
    found = [
        client.page(path)["id"]
        for path in (
            f"/drives/{drive.id}/items/{item}",
            f"/drives/{drive.id}/root:/ONE/two/A.TXT",
            f"/drives/{drive.id}/root:/one/two/a.txt:",
            f"/drives/{drive.id}/items/{folder}:/two/a.txt",
            f"/drives/{drive.id}/items/root:/one/two/a.txt:/",
            f"/users/{drive.user}/drive/root:/one/two/a.txt",
            f"/users/{drive.user}/drive/items/{item}",
        )
    ]
    assert found == [item] * 7
    for path in (f"items/{item.lower()}", "items/nonsense", "root:/one/a.txt", "items/01AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"):
        reply = client.get(f"/drives/{drive.id}/{path}")
        assert (reply.status, reply.code) == (404, "itemNotFound")


def test_an_item_has_the_facets_that_people_expect(drive: TestDrive) -> None:
    drive.put("/folder/a.docx", b"hello world", created="2020-01-01T00:00:00Z", modified="2021-02-03T04:05:06Z", by="Rclone")
    told = drive.item("/folder/a.docx")
    assert told["fileSystemInfo"] == {"createdDateTime": "2020-01-01T00:00:00Z", "lastModifiedDateTime": "2021-02-03T04:05:06Z"}
    assert told["lastModifiedDateTime"] > "2026"
    assert told["file"] == {
        "mimeType": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "hashes": {"quickXorHash": "aCgDG9jwBhDc4Q1yawMZAAAAAAA="},
    }
    assert told["createdBy"]["application"]["displayName"] == "Rclone"
    assert told["cTag"].startswith('"c:{')
    assert told["eTag"].startswith('"{')
    folder = drive.item("/folder")
    assert (folder["folder"], "cTag" in folder, "file" in folder) == ({"childCount": 1}, False, False)
    assert told["parentReference"]["id"] == folder["id"]


def test_a_tag_of_the_content_stays_when_only_the_name_changes(drive: TestDrive) -> None:
    drive.put("/a.txt")
    before = drive.item("/a.txt")
    drive.control.rename_item(drive.user, "/a.txt", "b.txt")
    after = drive.item("/b.txt")
    assert (before["id"] == after["id"], before["cTag"] == after["cTag"], before["eTag"] == after["eTag"]) == (True, True, False)


def test_children_come_in_pages_in_order_of_their_names(drive: TestDrive, client: Client) -> None:
    for name in ("c", "A", "b", "e", "d"):
        drive.put(f"/folder/{name}")
    told = client.all(f"/drives/{drive.id}/root:/folder:/children?$top=2&$select=name")
    assert told == [{"name": name} for name in ("A", "b", "c", "d", "e")]
    page = client.page(f"/drives/{drive.id}/root:/folder:/children?$top=2")
    drive.control.delete_item(drive.user, "/folder/b")
    drive.control.delete_item(drive.user, "/folder/A")
    assert names(client.all(page["@odata.nextLink"])) == ["c", "d", "e"]
    assert client.get(f"/drives/{drive.id}/root/children?$filter=name eq 'x'").code == "invalidRequest"


def test_h37_a_notebook_is_neither_file_nor_folder_and_its_parts_have_no_hashes(drive: TestDrive, client: Client) -> None:
    drive.control.make_notebook(drive.user, "/Notes", {"Section.one": 5000, "Open Notebook.onetoc2": 300, "bad.one": 10})
    drive.control.set_item(drive.user, "/Notes/bad.one", unavailable=503)
    told = {entry["name"]: entry for entry in drive.round()[0]}
    assert (told["Notes"]["package"], {"file", "folder"} & set(told["Notes"])) == ({"type": "oneNote"}, set())
    assert told["Section.one"]["file"] == {"mimeType": "application/msonenote"}
    assert told["Open Notebook.onetoc2"]["file"] == {"mimeType": "application/octet-stream"}
    assert len(drive.download("/Notes/Section.one").body) == 5000
    for _try in range(3):
        assert client.get(f"/drives/{drive.id}/root:/Notes/bad.one:/content").status == drive.download("/Notes/bad.one").status == 503
    assert client.get(f"/drives/{drive.id}/root:/Notes/Section.one:/versions").status == 400


def test_h39_a_shortcut_points_to_another_drive_and_holds_nothing(drive: TestDrive, client: Client) -> None:
    bruno = drive.control.add_user("bruno@contoso.com")
    other = drive.control.create_drive(bruno)
    drive.control.put_file(bruno, "/shared/a.txt", b"his")
    item = drive.control.add_shortcut(drive.user, "/Bruno's files", bruno, "/shared")
    drive.control.set_item(drive.user, item, facets={"isAuthoritative": True, "newFacet": {"x": 1}})
    entries, _link = drive.round()
    assert names(entries) == ["root", "Bruno's files"]
    told = entries[1]
    assert {"file", "folder"} & set(told) == set()
    assert (told["remoteItem"]["parentReference"]["driveId"], "folder" in told["remoteItem"]) == (other, True)
    assert (told["isAuthoritative"], told["newFacet"]) == (True, {"x": 1})
    assert client.get(f"/drives/{drive.id}/items/{item}/children").json()["value"] == []
    assert client.get(f"/drives/{drive.id}/items/{item}/content").status == 400


def test_h42_nasty_names_are_told_and_found_as_they_are(drive: TestDrive) -> None:
    items = [drive.put(f"/folder/{name}", name.encode()) for name in NASTY]
    told = {entry["id"]: entry["name"] for entry in drive.round()[0]}
    assert [told[item] for item in items] == list(NASTY)
    assert [drive.item(f"/folder/{quote(name)}")["id"] for name in NASTY] == items
    assert [drive.download(f"/folder/{quote(name)}").body for name in NASTY] == [name.encode() for name in NASTY]
    with pytest.raises(TenantControlError, match="nameAlreadyExists"):
        drive.control.rename_item(drive.user, "/folder/delta()", "CAF\u00c9.TXT")
    deep = "/".join(["d" * 49] * 8)
    drive.put(f"/{deep}")
    assert drive.item(f"/{deep}")["name"] == "d" * 49


def test_h43_versions_come_newest_first_and_the_current_one_has_no_content_of_its_own(drive: TestDrive, client: Client) -> None:
    for text in (b"first", b"second!", b"third"):
        drive.put("/a.txt", text)
    path = f"/drives/{drive.id}/root:/a.txt:/versions"
    told = client.page(path)["value"]
    assert [(one["id"], one["size"]) for one in told] == [("3.0", 5), ("2.0", 7), ("1.0", 5)]
    reply = client.get(f"{path}/2.0/content")
    assert (reply.status, client.raw("GET", reply.headers["Location"]).body) == (302, b"second!")
    assert client.get(f"{path}/3.0/content").status == 400
    assert client.get(f"{path}/9.0/content").status == 404
    assert client.page(f"{path}/1.0")["id"] == "1.0"
    drive.control.make_folder(drive.user, "/folder")
    assert client.get(f"/drives/{drive.id}/root:/folder:/versions").status == 400
    assert drive.control.file_content(drive.user, "/a.txt", version="1.0") == b"first"


def test_h44_permissions_of_every_kind(drive: TestDrive, client: Client) -> None:
    drive.put("/folder/a.txt")
    person = {"roles": ["write"], "grantedToV2": {"user": {"id": "1", "displayName": "Bruno", "email": "bruno@contoso.com"}}}
    given = {
        "person": drive.control.share_item(drive.user, "/folder", person),
        "gone": drive.control.share_item(
            drive.user, "/folder/a.txt", {"roles": ["read"], "grantedToV2": {"user": {"displayName": "Gone"}}}
        ),
        "group": drive.control.share_item(
            drive.user, "/folder/a.txt", {"roles": ["read"], "grantedToV2": {"siteGroup": {"id": "4", "displayName": "Visitors"}}}
        ),
    }
    for scope in ("anonymous", "organization", "users"):
        link = {"type": "view", "scope": scope, "webUrl": f"https://contoso-my.sharepoint.com/:t:/g/{scope}"}
        given[scope] = drive.control.share_item(drive.user, "/folder/a.txt", {"roles": ["read"], "link": link, "hasPassword": False})
    told = {one["id"]: one for one in client.page(f"/drives/{drive.id}/root:/folder/a.txt:/permissions")["value"]}
    assert {one for one in told if "inheritedFrom" in told[one]} == {given["person"], "owner"}
    assert told[given["person"]]["inheritedFrom"]["id"] == drive.item("/folder")["id"]
    assert told[given["person"]]["grantedTo"] == {"user": person["grantedToV2"]["user"]}  # type: ignore[index]
    assert told["owner"]["roles"] == ["owner"]
    assert client.page(f"/drives/{drive.id}/root:/folder/a.txt:/permissions/{given['group']}")["grantedToV2"]["siteGroup"]["id"] == "4"
    drive.control.settings(drive_old_grantees=False, drive_says_inherited_from=False)
    plain = {one["id"]: one for one in client.page(f"/drives/{drive.id}/root:/folder/a.txt:/permissions")["value"]}
    assert ("grantedTo" in plain[given["person"]], plain[given["person"]]["inheritedFrom"]) == (False, {})


def test_h44_what_is_shared_is_marked_everywhere_below_or_only_where_it_is_set(drive: TestDrive) -> None:
    drive.put("/folder/a.txt")
    drive.put("/b.txt")
    assert ["shared" in entry for entry in drive.round()[0]] == [False] * 4
    drive.control.share_item(drive.user, "/folder", {"roles": ["read"], "link": {"type": "view", "scope": "organization"}})
    plain = {entry["name"]: entry.get("shared", {}).get("scope") for entry in drive.round()[0]}
    exact = {entry["name"]: entry.get("shared", {}).get("scope") for entry in drive.round(prefer="hierarchicalsharing")[0]}
    assert plain == {"root": None, "folder": "organization", "a.txt": "organization", "b.txt": None}
    assert exact == {"root": None, "folder": "organization", "a.txt": None, "b.txt": None}


def test_files_of_a_folder_on_disk_become_files_of_the_drive(drive: TestDrive, tmp_path: t.Any) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.txt").write_bytes(b"text")
    (tmp_path / b"latin-\xe4.txt".decode("utf-8", "surrogateescape")).write_bytes(b"old")
    loaded = drive.control.load_files(drive.user, tmp_path, path="/here")
    assert [one["path"] for one in loaded] == ["/here/latin-\ufffd.txt", "/here/sub/a.txt"]
    assert drive.download("/here/sub/a.txt").body == b"text"


def test_many_files_are_made_at_once_and_spread_over_folders(drive: TestDrive) -> None:
    total = drive.control.generate_files(drive.user, 300, seed=5, folders=20, largest=100_000)
    lines = drive.control.drive_listing(drive.user)
    files = [line for line in lines if line["kind"] == "file"]
    assert (len(files), sum(line["size"] for line in files), len(lines)) == (300, total, 320)
    assert len({line["quick_xor"] for line in files}) == 300
    assert {line["path"].rpartition(".")[2] for line in files} >= {"docx", "xlsx", "pdf", "jpg"}
