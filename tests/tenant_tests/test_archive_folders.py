# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The import/export API: discovery, folders, redirects, limits and permissions (facts 8.2, 8.3, 14.34, 41-43, 47, 54)."""

from __future__ import annotations

import typing as t

import pytest
from tenant_tests.archive_support import BETA, V1

if t.TYPE_CHECKING:
    from tenant_tests.archive_support import Archive
    from tenant_tests.support import Client

    from tenant.control import ControlClient

GLOBAL = "https://graph.microsoft.com"
REFUSAL = "Operation on Archive mailbox not allowed"


# Discovery


def test_settings_name_the_primary_and_an_archive_that_is_there(client: Client, control: ControlClient, adele: str) -> None:
    ids = control.exchange_ids(adele)
    settings = client.page(f"/users/{adele}/settings/exchange")
    assert (settings["primaryMailboxId"], "inPlaceArchiveMailboxId" in settings) == (ids["primary"], False)
    archive = control.create_archive(adele)["archive"]
    assert client.page("/users/adele.vance@contoso.com/settings/exchange")["inPlaceArchiveMailboxId"] == archive


def test_v1_may_keep_the_archive_to_itself_and_a_collection_may_be_answered(client: Client, control: ControlClient, box: Archive) -> None:
    control.settings(archive_id_in_v1=False, wrap_exchange_settings=True)
    (settings,) = client.page(f"/users/{box.user}/settings/exchange")["value"]
    assert set(settings) == {"primaryMailboxId"}
    (settings,) = client.page(f"{GLOBAL}/beta/users/{box.user}/settings/exchange")["value"]
    assert settings["inPlaceArchiveMailboxId"] == box.archive


def test_a_user_without_mailbox_has_no_exchange_settings(client: Client, control: ControlClient) -> None:
    guest = control.add_user("guest@contoso.com", mailbox=False)
    reply = client.get(f"/users/{guest}/settings/exchange")
    assert (reply.status, reply.code) == (404, "MailboxNotEnabledForRESTAPI")


def test_national_clouds_do_not_have_the_api(client: Client, box: Archive) -> None:
    token = client.log_in(login="https://login.microsoftonline.us", scope="https://graph.microsoft.us/.default")
    for path in (f"/users/{box.user}/settings/exchange", f"{V1}{box.primary}/folders", "/reports/getMailboxUsageDetail(period='D7')"):
        reply = client.get(f"https://graph.microsoft.us/v1.0{path}", token=token)
        assert (reply.status, reply.code) == (400, "BadRequest")


# Folders


def test_folders_come_by_ten_with_well_known_names_and_types(client: Client, control: ControlClient, box: Archive) -> None:
    page = client.page(f"{V1}{box.primary}/folders")
    assert len(page["value"]) == 10
    assert page["@odata.nextLink"].endswith("/folders?%24skip=10")
    folders = client.all(f"{V1}{box.primary}/folders")
    assert {folder["wellKnownName"]: folder["type"] for folder in folders}["contacts"] == "IPF.Contact"
    root = client.page(f"{V1}{box.primary}/folders/MsgFolderRoot")
    assert {folder["parentFolderId"] for folder in folders} == {root["id"]}
    assert folders[0]["parentMailboxUrl"] == f"{GLOBAL}/v1.0{V1}{box.primary}"


def test_folders_are_chosen_by_type(client: Client, control: ControlClient, box: Archive) -> None:
    control.create_exchange_folder(box.primary, "Project", folder_type="IPF.Appointment")
    found = client.page(f"{V1}{box.primary}/folders?$filter=type%20eq%20'IPF.Appointment'&$select=displayName")["value"]
    assert [folder["displayName"] for folder in found] == ["Calendar", "Project"]
    assert set(found[0]) == {"@odata.type", "id", "displayName"}
    names = [folder["displayName"] for folder in client.all(f"{V1}{box.primary}/folders?$orderby=displayName%20desc")]
    assert names == sorted(names, reverse=True)
    for query in ("$orderby=colour", "$filter=colour%20eq%20'red'"):
        assert client.get(f"{V1}{box.primary}/folders?{query}").status == 400


def test_well_known_names_work_in_the_primary_only(client: Client, box: Archive) -> None:
    names = ("Inbox", "contacts", "recoverableitemsdeletions", "recoverableitemspurges")
    assert [client.get(f"{V1}{box.primary}/folders/{name}").status for name in names] == [200] * 4
    assert {folder["displayName"]: folder["wellKnownName"] for folder in client.all(f"{BETA}{box.archive}/folders")} == {
        "Deleted Items": "archivedeleteditems",
        "Old mail": None,
    }
    for name in ("inbox", "msgfolderroot", "archivedeleteditems", "otherfolders"):
        assert client.get(f"{BETA}{box.archive}/folders/{name}").code == "ErrorItemNotFound"


def test_only_an_extended_property_tells_that_a_folder_is_hidden_and_its_id_is_normalised(control: ControlClient, box: Archive) -> None:
    control.create_exchange_folder(box.archive, "PersonMetadata", hidden=True)
    expand = "$expand=singleValueExtendedProperties($filter=id%20eq%20'Boolean%200x10F4')"
    folders = {folder["displayName"]: folder for folder in box.client.all(f"{BETA}{box.archive}/folders?{expand}")}
    assert folders["PersonMetadata"]["singleValueExtendedProperties"] == [{"id": "Boolean 0x10f4", "value": "true"}]
    assert "singleValueExtendedProperties" not in folders["Old mail"]
    assert "isHidden" not in folders["PersonMetadata"]


def test_v1_does_not_read_archives_until_it_is_allowed_to(client: Client, control: ControlClient, box: Archive) -> None:
    folder = box.folder()
    for path in ("folders", f"folders/{folder}", "folders/delta", f"folders/{folder}/items", f"folders/{folder}/items/delta"):
        reply = client.get(f"{V1}{box.archive}/{path}")
        assert (reply.status, reply.error["message"]) == (400, REFUSAL)
    control.settings(archive_in_v1=True)
    assert client.get(f"{V1}{box.archive}/folders").status == 200


def test_folders_are_created_with_a_type_and_once_only(client: Client, box: Archive) -> None:
    made = client.call("POST", f"{BETA}{box.archive}/folders", {"displayName": "People", "type": "IPF.Contact"})
    assert (made.status, made.json()["type"]) == (201, "IPF.Contact")
    child = client.call(
        "POST", f"{BETA}{box.archive}/folders/{made.json()['id']}/childFolders", {"displayName": "A", "type": "IPF.Contact"}
    )
    assert child.json()["parentFolderId"] == made.json()["id"]
    again = client.call("POST", f"{BETA}{box.archive}/folders", {"displayName": "people", "type": "IPF.Contact"})
    assert (again.status, again.code) == (409, "ErrorFolderExists")
    assert client.call("POST", f"{BETA}{box.archive}/folders", {"displayName": "X"}).status == 400


def test_a_folder_of_another_kind_in_the_primary_is_not_a_mail_folder(client: Client, control: ControlClient, box: Archive) -> None:
    client.call("POST", f"{V1}{box.primary}/folders", {"displayName": "People", "type": "IPF.Contact"})
    assert "People" not in {folder["displayName"] for folder in client.all(f"/users/{box.user}/mailFolders?includeHiddenFolders=true")}
    assert "People" in {folder["displayName"] for folder in client.all(f"{V1}{box.primary}/folders")}


def test_folder_delta_tells_the_tree_and_then_what_changed(client: Client, control: ControlClient, box: Archive) -> None:
    entries, link = client.round(f"{BETA}{box.archive}/folders/delta")
    assert {entry["displayName"] for entry in entries} == {"Deleted Items", "Old mail"}
    assert client.round(link)[0] == []
    made = control.create_exchange_folder(box.archive, "Below", parent="Old mail")
    gone = box.folder("Old mail")
    entries, link = client.round(link)
    assert [entry["id"] for entry in entries] == [made]
    control.delete_folder(box.archive, "Old mail")
    entries, link = client.round(link)
    assert {entry["id"]: entry.get("@removed") for entry in entries} == {key: {"reason": "deleted"} for key in (gone, made)}
    control.expire_cursors(box.archive)
    assert client.get(link).code == "SyncStateNotFound"


# Redirects


def test_an_expanded_folder_is_read_under_its_own_mailbox_id(client: Client, control: ControlClient, box: Archive) -> None:
    assert control.expand_folder(box.archive, "Old mail") == box.auxiliary
    link = box.items_link(top="2")
    moved = client.get(link)
    assert (moved.status, moved.body) == (308, b"")
    assert moved.headers["Location"] == link.replace(box.archive, box.auxiliary)
    assert len(client.page(moved.headers["Location"])["value"]) == 2
    (folder,) = (one for one in client.all(f"{BETA}{box.archive}/folders") if one["displayName"] == "Old mail")
    assert folder["parentMailboxUrl"].endswith(box.auxiliary)
    assert [one["displayName"] for one in client.all(f"{BETA}{box.auxiliary}/folders")] == ["Old mail"]
    created = client.call("POST", f"{BETA}{box.archive}/folders/{folder['id']}/childFolders", {"displayName": "B", "type": "IPF.Note"})
    assert created.status == 308
    quoted = client.get(f"{BETA[:-1]}('{box.archive}')/folders/{folder['id']}")
    assert quoted.headers["Location"] == f"{BETA}{box.auxiliary}/folders/{folder['id']}"
    control.settings(mixed_case_redirects=True)
    assert "/beta/admin/Exchange/Mailboxes/MBX:" in client.get(link).headers["Location"]


def test_redirects_may_lead_in_a_circle_or_to_a_stranger(client: Client, control: ControlClient, box: Archive) -> None:
    control.arm({"name": "redirected", "mailbox": box.archive})
    assert client.get(box.items_link()).headers["Location"] == box.items_link()
    control.arm({"name": "redirected", "mailbox": box.archive, "host": "graph.microsoft.com.attacker.example", "to": box.primary})
    location = client.get(box.items_link()).headers["Location"]
    assert location == box.items_link().replace("graph.microsoft.com", "graph.microsoft.com.attacker.example").replace(
        box.archive, box.primary
    )
    assert client.get(box.items_link()).status == 200


# Everything else


def test_beta_answers_say_that_they_are_past_their_end(client: Client, control: ControlClient, box: Archive) -> None:
    reply = client.get(f"{BETA}{box.primary}/folders")
    assert (reply.headers["Deprecation"], reply.headers["Sunset"]) == ("Thu, 19 Aug 2021 23:59:59 GMT", "Sat, 19 Aug 2023 23:59:59 GMT")
    assert "Sunset" not in client.get(f"{V1}{box.primary}/folders").headers
    control.settings(beta_deprecation_headers=False)
    assert "Sunset" not in client.get(f"{BETA}{box.primary}/folders").headers


def test_limits_of_the_primary_hold_for_both_its_names_and_an_archive_has_its_own(control: ControlClient, box: Archive) -> None:
    control.limits(requests=2)
    statuses = [
        box.client.get(link).status
        for link in (
            f"/users/{box.user}/mailFolders/inbox",
            f"{V1}{box.primary}/folders",
            f"{V1}{box.primary}/folders",
            f"{BETA}{box.archive}/folders",
            f"{BETA}{box.auxiliary}/folders",
            f"{BETA}{box.archive}/folders",
            f"{BETA}{box.archive}/folders",
        )
    ]
    assert statuses == [200, 200, 429, 200, 200, 200, 429]
    lines = control.requests()
    assert [line["operation"] for line in lines][1:3] == ["exchange_folders_list"] * 2
    assert [line["mailbox"] for line in lines][2:5] == ["adele.vance@contoso.com", box.archive, box.auxiliary]


@pytest.mark.parametrize(
    ("method", "path", "role"),
    [
        ("GET", "folders", "MailboxFolder.Read.All"),
        ("GET", "folders/delta", "MailboxFolder.Read.All"),
        ("POST", "folders", "MailboxFolder.ReadWrite.All"),
        ("GET", "folders/inbox/items", "MailboxItem.Read.All"),
        ("DELETE", "folders/inbox/items/x", "MailboxItem.ReadWrite.All"),
        ("POST", "exportItems", "MailboxItem.Export.All"),
        ("POST", "createImportSession", "MailboxItem.ImportExport.All"),
    ],
)
def test_each_operation_has_a_permission_of_its_own(
    client: Client, control: ControlClient, box: Archive, method: str, path: str, role: str
) -> None:
    others = {
        "MailboxFolder.Read.All", "MailboxFolder.ReadWrite.All", "MailboxItem.Read.All", "MailboxItem.ReadWrite.All",
        "MailboxItem.Export.All", "MailboxItem.ImportExport.All", "Mail.ReadWrite",
    }  # fmt: skip
    enough = {role, role.replace(".Read.", ".ReadWrite."), role.replace(".Export.", ".ImportExport.")}
    for roles, refused in (([role], False), (sorted(others - enough), True)):
        app = control.add_app(roles=roles)
        token = client.log_in(**app)
        reply = client.call(method, f"{V1}{box.primary}/{path}", {} if method == "POST" else None, token=token)
        assert (reply.status == 403) == refused, reply.body


def test_archives_can_be_refused_unavailable_and_taken_away(client: Client, control: ControlClient, box: Archive) -> None:
    answers = []
    for state in ("access_denied", "unavailable", "not_enabled", "ok"):
        control.set_mailbox_state(box.archive, state)
        answers.append(client.get(f"{BETA}{box.archive}/folders").status)
    assert answers == [403, 503, 404, 200]
    control.remove_archive(box.user)
    assert client.get(f"{BETA}{box.archive}/folders").code == "ErrorItemNotFound"
    assert "inPlaceArchiveMailboxId" not in client.page(f"/users/{box.user}/settings/exchange")


def test_general_faults_strike_the_archive_alone(client: Client, control: ControlClient, box: Archive) -> None:
    control.arm({"name": "truncated_json", "mailbox": box.archive, "match": {"operation": "exchange_items_list"}})
    control.arm({"name": "throttled", "mailbox": box.archive, "match": {"operation": "exchange_folders_list"}})
    assert client.get(f"{V1}{box.primary}/folders/inbox/items").json()["value"] == []
    assert client.get(box.items_link()).body.endswith(b'"value":[')
    assert client.get(f"{BETA}{box.archive}/folders").status == 429
    assert client.get(f"{BETA}{box.archive}/folders").status == 200


def test_mailbox_ids_go_with_their_users(client: Client, control: ControlClient, box: Archive) -> None:
    assert client.get(f"{V1}{box.primary.upper()}/folders").status == 200
    assert client.get(f"{V1}{box.primary.replace(':', '%3A').replace('@', '%40')}/folders").status == 200
    control.remove_user(box.user)
    statuses = [client.get(f"{root}{mailbox}/folders").status for root, mailbox in ((V1, box.primary), (BETA, box.archive))]
    assert statuses == [404, 404]
    control.add_user("adele.vance@contoso.com", object_id=box.user)
    assert client.page(f"{V1}{box.primary}/folders")["value"][0]["displayName"] == "Inbox"
