# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Import sessions and imports (facts 8.6, 14.33, 48-51)."""

from __future__ import annotations

import datetime
import re
import typing as t

import pytest
import urllib3
from tenant_tests.archive_support import BETA, MAIL, V1

from tenant import fts

if t.TYPE_CHECKING:
    from tenant_tests.archive_support import Archive
    from tenant_tests.support import Client

    from tenant.control import ControlClient


def test_a_session_is_an_address_on_another_host_for_an_hour(client: Client, box: Archive) -> None:
    reply = client.call("POST", f"{V1}{box.primary}/createImportSession")
    session = reply.json()
    assert reply.status == 200
    assert session["importUrl"].startswith(f"https://outlook.office365.com/api/gv1.0/Mailboxes('{box.primary}')/importItem?authtoken=")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z", session["expirationDateTime"])
    left = datetime.datetime.fromisoformat(session["expirationDateTime"][:26] + "+00:00") - datetime.datetime.now(datetime.timezone.utc)
    assert 3500 < left.total_seconds() <= 3600
    assert "/api/gbeta/" in client.call("POST", f"{BETA}{box.primary}/createImportSession", {}).json()["importUrl"]


def test_a_session_may_be_answered_with_201(client: Client, control: ControlClient, box: Archive) -> None:
    control.settings(import_session_status=201)
    assert client.call("POST", f"{V1}{box.primary}/createImportSession").status == 201


def test_what_came_out_of_an_archive_goes_into_a_primary_with_dates_marks_and_search_key(
    client: Client, control: ControlClient, box: Archive
) -> None:
    control.update(
        box.archive, control.exchange_items(box.archive)[1]["message_id"], is_read=True, flagged=True, categories=["Red", "Blue"]
    )
    stream = box.exported(box.items()[1]["id"])
    reply = box.put(box.session(), FolderId=box.folder("Inbox", box.primary), Mode="create", Data=stream)
    assert reply.status == 200
    (item,) = client.all(f"{V1}{box.primary}/folders/inbox/items")
    assert (reply.json()["itemId"], item["createdDateTime"] > "2026-03-02") == (item["id"], True)
    assert reply.json()["changeKey"] != item["changeKey"]
    (mail,) = client.all(f"/users/{box.user}/mailFolders/inbox/messages")
    assert (mail["subject"], mail["receivedDateTime"], mail["sentDateTime"]) == ("Mail 1", "2026-03-02T10:00:00Z", "2026-03-02T10:00:00Z")
    assert (mail["isRead"], mail["isDraft"], mail["flag"]["flagStatus"], mail["categories"]) == (True, False, "flagged", ["Red", "Blue"])
    assert (mail["from"]["emailAddress"]["name"], mail["body"]["content"]) == ("Bob", "Hello\r\n")
    before, after = fts.read_stream(stream), box.message(item["id"], box.primary)
    assert after.properties[fts.SEARCH_KEY] == before.properties[fts.SEARCH_KEY]
    changed = {key for key in before.properties if before.properties[key] != after.properties[key]}
    assert changed <= {fts.CREATED, fts.MODIFIED}
    assert after.recipients == before.recipients


def test_attachments_and_attached_mail_arrive(client: Client, control: ControlClient, box: Archive) -> None:
    mime = (
        b'Subject: Files\r\nContent-Type: multipart/mixed; boundary="B"\r\n\r\n--B\r\nContent-Type: text/plain\r\n\r\nHi\r\n'
        b'--B\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename="a.pdf"\r\n\r\nPDF\r\n'
        b"--B\r\nContent-Type: message/rfc822\r\n\r\nSubject: Inner\r\n\r\nInside\r\n\r\n--B--\r\n"
    )
    control.deliver(box.archive, "Old mail", mime)
    box.put(box.session(), FolderId=box.folder("Inbox", box.primary), Mode="create", Data=box.exported(box.items()[-1]["id"]))
    (mail,) = client.all(f"/users/{box.user}/mailFolders/inbox/messages")
    found = client.page(f"/users/{box.user}/messages/{mail['id']}/attachments")["value"]
    assert [(one["@odata.type"], one["name"]) for one in found] == [
        ("#microsoft.graph.fileAttachment", "a.pdf"),
        ("#microsoft.graph.itemAttachment", "Inner"),
    ]


def test_contacts_and_appointments_arrive_as_what_they_are(control: ControlClient, box: Archive) -> None:
    control.create_exchange_folder(box.archive, "People", folder_type="IPF.Contact")
    item = control.add_item(box.archive, "People", "contact", "Ada Lovelace", company="Analytical Engines")
    box.put(box.session(), FolderId=box.folder("Contacts", box.primary), Mode="create", Data=box.exported(item))
    (ada,) = control.exchange_items(box.primary)
    assert (ada["type"], ada["subject"], ada["folder_path"]) == ("IPM.Contact", "Ada Lovelace", ["Contacts"])


def test_an_update_replaces_an_item_that_did_not_change_meanwhile(control: ControlClient, box: Archive) -> None:
    first, second, _third = box.items()
    address = box.session(box.archive)
    values: dict[str, t.Any] = {"FolderId": box.folder(), "Mode": "update", "Data": box.exported(second["id"])}
    reply = box.put(address, **values, ItemId=first["id"], ChangeKey=first["changeKey"])
    assert (reply.status, reply.json()["itemId"]) == (200, first["id"])
    assert [item["subject"] for item in control.exchange_items(box.archive)] == ["Mail 1", "Mail 1", "Mail 2"]
    stale = box.put(address, **values, ItemId=first["id"], ChangeKey=first["changeKey"])
    assert (stale.status, stale.code) == (412, "ErrorIrresolvableConflict")
    assert box.put(address, **values, ItemId=first["id"], ChangeKey=reply.json()["changeKey"]).status == 200
    elsewhere = {**values, "FolderId": box.folder("Deleted Items")}
    assert box.put(address, **elsewhere, ItemId=second["id"], ChangeKey=second["changeKey"]).status == 400


def test_what_is_posted_is_checked(client: Client, box: Archive) -> None:
    address, folder, stream = box.session(), box.folder("Inbox", box.primary), box.exported(box.items()[0]["id"])
    assert box.put(address, Mode="create", Data=stream).status == 400
    assert box.put(address, FolderId=folder, Mode="append", Data=stream).status == 400
    assert box.put(address, FolderId=folder, Mode="create", Data=stream, ItemId="x").status == 400
    assert box.put(address, FolderId=folder, Mode="update", Data=stream).status == 400
    assert box.put(address, FolderId=box.folder(), Mode="create", Data=stream).code == "ErrorItemNotFound"
    for data in (stream[:-1], b"", "?"):
        assert box.put(address, FolderId=folder, Mode="create", Data=data).code == "ErrorCorruptData"
    assert client.raw("POST", address, b"{").status == 400
    assert client.raw("GET", address).status == 405
    assert box.items("Inbox", box.primary) == []


def test_the_address_is_all_that_is_needed_and_taken(client: Client, box: Archive) -> None:
    address = box.session()
    assert client.call("POST", address, {}).code == "InvalidAuthenticationToken"
    assert client.raw("POST", address[:-1], b"{}").status == 401
    assert client.raw("POST", address.replace(box.primary, box.archive), b"{}").status == 401


@pytest.mark.parametrize("status", [401, 403])
def test_a_session_ends(control: ControlClient, box: Archive, status: int) -> None:
    control.settings(import_session_seconds=0, import_expired_status=status)
    assert box.put(box.session(), FolderId="x", Mode="create", Data=b"").status == status


def test_a_session_ends_in_the_middle_of_the_work(control: ControlClient, box: Archive) -> None:
    control.arm({"name": "import_expired", "after": 1, "status": 403})
    address, folder, stream = box.session(), box.folder("Inbox", box.primary), box.exported(box.items()[0]["id"])
    assert [box.put(address, FolderId=folder, Mode="create", Data=stream).status for _number in range(3)] == [200, 403, 200]


def test_archives_take_imports_through_beta_only_unless_set_otherwise(client: Client, control: ControlClient, box: Archive) -> None:
    def statuses() -> list[int]:
        return [client.call("POST", f"{root}{box.archive}/createImportSession").status for root in (BETA, V1)]

    assert statuses() == [200, 400]
    control.settings(archive_import="refused")
    assert statuses() == [400, 400]
    control.settings(archive_import="everywhere")
    assert statuses() == [200, 200]


def test_the_wrong_part_of_an_archive_names_the_right_one(control: ControlClient, box: Archive) -> None:
    stream = box.exported(box.items()[0]["id"])
    control.expand_folder(box.archive, "Old mail")
    values: dict[str, t.Any] = {"FolderId": box.folder(), "Mode": "create", "Data": stream}
    reply = box.put(box.session(box.archive), **values)
    text = f"Invalid import session. The target session is expected in mailbox {box.auxiliary}."
    assert (reply.status, reply.json()) == (409, {"Message": text})
    assert box.put(box.session(box.auxiliary), **values).status == 200
    control.arm({"name": "import_wrong_mailbox", "expected": "MBX:1@2"})
    assert box.put(box.session(box.auxiliary), **values).json()["Message"].endswith("MBX:1@2.")


def test_a_lost_answer_leaves_an_item_that_its_search_key_gives_away(control: ControlClient, box: Archive) -> None:
    address, folder, item = box.session(), box.folder("Inbox", box.primary), control.exchange_items(box.archive)[0]
    stream = box.exported(item["id"])
    control.arm({"name": "import_answer_lost", "mailbox": box.user})
    with pytest.raises(urllib3.exceptions.ProtocolError):
        box.put(address, FolderId=folder, Mode="create", Data=stream)
    (arrived,) = control.exchange_items(box.primary, "inbox")
    assert arrived["search_key"] == item["search_key"]
    assert box.put(address, FolderId=folder, Mode="create", Data=stream).status == 200
    assert len(control.exchange_items(box.primary, "inbox")) == 2


def test_imported_bytes_count_as_uploads_of_the_mailbox_as_base64(client: Client, control: ControlClient, box: Archive) -> None:
    control.deliver(box.archive, "Old mail", MAIL % b"Big" + b"x" * 50_000)
    stream = box.exported(box.items()[-1]["id"])
    control.limits(upload_bytes=300_000)
    address, folder = box.session(), box.folder("Inbox", box.primary)
    replies = [box.put(address, FolderId=folder, Mode="create", Data=stream) for _number in range(3)]
    assert [reply.status for reply in replies] == [200, 200, 429]
    assert replies[2].error["message"] == "Application is over its IncomingBytes limit."
    assert client.call("PATCH", f"/users/{box.user}/messages/x", {"subject": "x"}).status == 429
    assert box.put(box.session(box.archive), FolderId=box.folder(), Mode="create", Data=stream).status == 200


def test_a_full_mailbox_takes_nothing(control: ControlClient, box: Archive) -> None:
    address, folder, stream = box.session(), box.folder("Inbox", box.primary), box.exported(box.items()[0]["id"])
    control.set_mailbox_state(box.user, "quota_exceeded")
    assert box.put(address, FolderId=folder, Mode="create", Data=stream).code == "ErrorQuotaExceeded"


def test_streams_can_be_put_by_control_and_the_log_hides_the_token(control: ControlClient, box: Archive) -> None:
    item = control.put_stream(box.archive, "Deleted Items", control.stream(box.archive, box.items()[0]["id"]))
    assert box.message(item).text(fts.SUBJECT) == "Mail 0"
    box.put(box.session(), FolderId=box.folder("Inbox", box.primary), Mode="create", Data=box.exported(item))
    line = next(line for line in control.requests() if line["operation"] == "import_item")
    assert (line["mailbox"], line["path"].rpartition("=")[2]) == ("adele.vance@contoso.com", "...")
