# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading messages, folders and attachments."""

from __future__ import annotations

import base64
import typing as t
from urllib.parse import quote

import pytest
from tenant_tests.support import GRAPH, IMMUTABLE, Client

if t.TYPE_CHECKING:
    from tenant.control import ControlClient

MIXED = (
    b"From: =?utf-8?q?Zo=C3=AB?= <zoe@example.com>\r\nTo: b@example.com\r\nSubject: =?utf-8?b?R3LDvMOfZQ==?=\r\n"
    b"Date: Mon, 02 Feb 2026 10:00:00 +0100\r\nMessage-ID: <m@example.com>\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/mixed; boundary="x"\r\n\r\n--x\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>hello <b>you</b></p>\r\n'
    b'--x\r\nContent-Type: application/pdf; name="a.pdf"\r\nContent-Disposition: attachment; filename="a.pdf"\r\n'
    b"Content-Transfer-Encoding: base64\r\n\r\nJVBERg==\r\n"
    b"--x\r\nContent-Type: image/png\r\nContent-ID: <logo>\r\nContent-Disposition: inline\r\n"
    b"Content-Transfer-Encoding: base64\r\n\r\niVBORw==\r\n"
    b"--x\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\ninner body\r\n--x--\r\n"
)
ODD = b"\xff\xfe not a header at all\x00\r\n\x80\x81\r\n"


@pytest.mark.parametrize("mime", [MIXED, ODD, b"", b"Subject: lone\nline\nends\n\nx\rY\n", bytes(range(256)) * 1000])
def test_mime_is_served_byte_by_byte_as_delivered(client: Client, control: ControlClient, adele: str, mime: bytes) -> None:
    message = control.deliver(adele, "inbox", mime)
    reply = client.get(f"/users/{adele}/messages/{message}/$value")
    assert reply.body == mime == control.mime(adele, message)
    assert reply.headers["Content-Type"] == "text/plain"
    assert "Content-Length" not in reply.headers


def test_no_message_is_too_broken_to_be_shown(client: Client, control: ControlClient, adele: str) -> None:
    for mime in (MIXED, ODD, b"", b"Subject: =?nonsense?q?=FF?=\r\nDate: never\r\nFrom: <<>>\r\n\r\n"):
        message = control.deliver(adele, "inbox", mime)
        assert client.get(f"/users/{adele}/messages/{message}").status == 200
        assert client.get(f"/users/{adele}/messages/{message}/attachments").status == 200


def test_generated_mail_is_the_same_at_every_read_and_in_every_tenant(client: Client, control: ControlClient, adele: str) -> None:
    (first,) = control.deliver_generated(adele, 1, seed=7, first=41)
    before = client.get(f"/users/{adele}/messages/{first}/$value").body
    control.reset()
    again = control.add_user("adele.vance@contoso.com")
    (second,) = control.deliver_generated(again, 1, seed=7, first=41)
    assert client.get(f"/users/{again}/messages/{second}/$value").body == before


def test_properties_are_read_from_the_mime(client: Client, control: ControlClient, adele: str) -> None:
    message = control.deliver(adele, "inbox", MIXED, received="2026-02-02T09:00:05Z", categories=["Red"], flagged=True, is_read=True)
    view = client.page(f"/users/{adele}/messages/{message}", prefer=IMMUTABLE)
    assert view["id"] == message
    assert view["subject"] == "Grüße"
    assert view["from"] == {"emailAddress": {"name": "Zoë", "address": "zoe@example.com"}}
    assert view["sentDateTime"] == "2026-02-02T09:00:00Z"
    assert view["receivedDateTime"] == "2026-02-02T09:00:05Z"
    assert view["body"] == {"contentType": "html", "content": "<p>hello <b>you</b></p>"}
    assert view["bodyPreview"] == "hello you"
    assert (view["hasAttachments"], view["isRead"], view["isDraft"]) == (True, True, False)
    assert (view["categories"], view["flag"]) == (["Red"], {"flagStatus": "flagged"})
    assert "internetMessageHeaders" not in view
    chosen = client.page(f"/users/{adele}/messages/{message}?$select=internetMessageHeaders")
    assert chosen["internetMessageHeaders"][1] == {"name": "To", "value": "b@example.com"}


def test_the_folder_form_of_value_is_refused(client: Client, control: ControlClient, adele: str) -> None:
    message = control.deliver(adele, "inbox", MIXED)
    reply = client.get(f"/users/{adele}/mailFolders/inbox/messages/{message}/$value")
    assert (reply.status, reply.code, reply.error["message"]) == (400, "ErrorInvalidRequest", "The OData request is not supported.")


def test_every_answer_carries_request_ids_and_echoes_the_clients(client: Client, adele: str) -> None:
    reply = client.get(f"/users/{adele}/messages/nonsense", client_request_id="4711")
    assert reply.headers["client-request-id"] == reply.error["innerError"]["client-request-id"] == "4711"
    assert reply.headers["request-id"] == reply.error["innerError"]["request-id"]
    assert (reply.status, reply.code) == (400, "ErrorInvalidIdMalformed")


def test_lists_come_newest_first_in_pages_of_ten(client: Client, control: ControlClient, adele: str) -> None:
    control.deliver_generated(adele, 25)
    page = client.page(f"/users/{adele}/mailFolders/inbox/messages?$select=receivedDateTime")
    assert len(page["value"]) == 10
    assert "%24skip=10" in page["@odata.nextLink"]
    times = [entry["receivedDateTime"] for entry in client.all(f"/users/{adele}/mailFolders/inbox/messages?$select=receivedDateTime")]
    assert len(times) == 25
    assert times == sorted(times, reverse=True)
    assert client.get(f"/users/{adele}/messages?$top=1001").status == 400


def test_messages_can_be_filtered_but_not_with_an_order_that_does_not_fit(client: Client, control: ControlClient, adele: str) -> None:
    control.deliver(adele, "inbox", MIXED, received="2026-02-02T10:00:00Z", is_read=True)
    new = control.deliver(adele, "inbox", MIXED, received="2026-03-02T10:00:00Z")
    path = f"/users/{adele}/messages?$filter={quote('receivedDateTime ge 2026-03-01T00:00:00Z and isRead eq false')}"
    assert [entry["id"] for entry in client.page(path, prefer=IMMUTABLE)["value"]] == [new]
    reply = client.get(path + f"&$orderby={quote('subject desc')}")
    assert (reply.status, reply.code) == (400, "InefficientFilter")


def test_folder_lists_hold_the_children_of_the_root_ten_at_a_time(client: Client, control: ControlClient, adele: str) -> None:
    for number in range(5):
        control.create_folder(adele, f"folder {number}")
    control.create_folder(adele, "below", parent="inbox")
    control.create_folder(adele, "hidden one", hidden=True)
    page = client.page(f"/users/{adele}/mailFolders")
    assert len(page["value"]) == 10
    names = [folder["displayName"] for folder in client.all(f"/users/{adele}/mailFolders")]
    assert len(names) == 13
    assert not {"below", "hidden one", "Finder", "Recoverable Items"} & set(names)
    assert "hidden one" in [folder["displayName"] for folder in client.all(f"/users/{adele}/mailFolders/?includeHiddenFolders=true")]
    assert [folder["displayName"] for folder in client.page(f"/users/{adele}/mailFolders/inbox/childFolders")["value"]] == ["below"]


def test_a_search_folder_is_marked_as_such(client: Client, control: ControlClient, adele: str) -> None:
    control.create_folder(adele, "Unread", search=True)
    (found,) = [folder for folder in client.all(f"/users/{adele}/mailFolders") if folder["displayName"] == "Unread"]
    assert found["@odata.type"] == "#microsoft.graph.mailSearchFolder"
    assert {"isSupported", "filterQuery"} <= set(found)


def test_aliases_lead_to_folders_with_localised_names(client: Client, control: ControlClient) -> None:
    user = control.add_user("bruno@contoso.com", folder_names={"inbox": "Posteingang"})
    assert client.page(f"/users/{user}/mailFolders/inbox")["displayName"] == "Posteingang"
    assert client.get(f"/users/{user}/mailFolders/clutter").code == "ErrorItemNotFound"


def test_the_dumpster_is_reachable_by_alias_only(client: Client, control: ControlClient, adele: str) -> None:
    message = control.deliver(adele, "inbox", MIXED)
    assert client.call("DELETE", f"/users/{adele}/messages/{message}").status == 204
    page = client.page(f"/users/{adele}/mailFolders/recoverableitemsdeletions/messages", prefer=IMMUTABLE)
    assert [entry["id"] for entry in page["value"]] == [message]
    assert [
        folder["displayName"]
        for folder in client.page(f"/users/{adele}/mailFolders/recoverableitemsroot/childFolders?includeHiddenFolders=true")["value"]
    ]


def test_attachments_of_all_kinds_are_listed_without_a_next_link(client: Client, control: ControlClient, adele: str) -> None:
    message = control.deliver(adele, "inbox", MIXED)
    page = client.page(f"/users/{adele}/messages/{message}/attachments")
    file, image, item = page["value"]
    assert base64.b64decode(file["contentBytes"]) == b"%PDF"
    assert (image["isInline"], image["contentId"]) == (True, "logo")
    assert item["@odata.type"] == "#microsoft.graph.itemAttachment"
    assert "item" not in item
    expanded = client.page(f"/users/{adele}/messages/{message}/attachments/{item['id']}?$expand=microsoft.graph.itemattachment/item")
    assert expanded["item"]["subject"] == "inner"
    raw = client.get(f"/users/{adele}/messages/{message}/attachments/{file['id']}/$value")
    assert (raw.body, raw.headers["Content-Type"]) == (b"%PDF", "application/pdf")
    assert b"inner body" in client.get(f"/users/{adele}/messages/{message}/attachments/{item['id']}/$value").body


@pytest.mark.parametrize(
    ("state", "status", "code", "words"),
    [
        ("not_enabled", 404, "MailboxNotEnabledForRESTAPI", "inactive, soft-deleted, or is hosted on-premise"),
        ("on_premises", 404, "MailboxNotSupportedForRESTAPI", "not yet supported for this mailbox"),
        ("invalid_user", 404, "ErrorInvalidUser", "is invalid"),
        ("odata_disabled", 403, "ErrorAccessDenied", "Access to OData is disabled."),
        ("access_denied", 403, "ErrorAccessDenied", "Check credentials"),
        ("unavailable", 503, "MailboxInfoStale", "is currently on backend"),
    ],
)
def test_a_mailbox_out_of_order_says_so_in_exchanges_words(
    client: Client, control: ControlClient, adele: str, state: str, status: int, code: str, words: str
) -> None:
    control.set_mailbox_state(adele, state)
    reply = client.get(f"/users/{adele}/mailFolders/inbox")
    assert (reply.status, reply.code) == (status, code)
    assert words in reply.error["message"]


def test_a_user_without_mailbox_and_a_missing_user_differ(client: Client, control: ControlClient) -> None:
    control.add_user("guest_example.com#EXT#@contoso.onmicrosoft.com", mail=None, mailbox=False, user_type="Guest")
    guest = quote("guest_example.com#EXT#@contoso.onmicrosoft.com", safe="")
    assert client.get(f"/users/{guest}/mailFolders").code == "MailboxNotEnabledForRESTAPI"
    assert client.get("/users/nobody@contoso.com/mailFolders").code == "Request_ResourceNotFound"


def test_mailbox_settings_may_be_denied_while_mail_is_not(client: Client, control: ControlClient, adele: str) -> None:
    control.set_mailbox_settings(adele, user_purpose="shared")
    assert client.page(f"/users/{adele}/mailboxSettings/userPurpose")["value"] == "shared"
    control.set_mailbox_settings(adele, denied=True)
    assert client.get(f"/users/{adele}/mailboxSettings").code == "ErrorAccessDenied"
    assert client.get(f"/users/{adele}/mailFolders/inbox").status == 200


def test_ids_are_translated_between_the_two_rest_forms(client: Client, control: ControlClient, adele: str) -> None:
    (message,) = control.deliver_generated(adele, 1)
    rest = control.messages(adele)[0]["rest_id"]
    wanted = {"inputIds": [rest], "sourceIdType": "restId", "targetIdType": "restImmutableEntryId"}
    assert client.call("POST", f"/users/{adele}/translateExchangeIds", wanted).json()["value"] == [{"sourceId": rest, "targetId": message}]


def test_odata_brackets_and_upper_case_mean_the_same_path(client: Client, control: ControlClient, adele: str) -> None:
    control.deliver_generated(adele, 1)
    folder = control.messages(adele)[0]["folder_id"]
    for path in (
        f"/users('{adele}')/mailFolders('{quote(folder, safe='')}')/messages/delta()",
        f"/Users/{adele}/MailFolders/{folder}/Messages/delta",
    ):
        assert len(client.page(path)["value"]) == 1


def test_an_unknown_path_is_a_bad_request_and_a_wrong_method_is_405(client: Client, adele: str) -> None:
    assert client.get(f"/users/{adele}/nonsense").code == "BadRequest"
    assert client.call("DELETE", "/users").status == 405
    assert client.get(GRAPH.replace("v1.0", "v9") + "/users").status == 400
