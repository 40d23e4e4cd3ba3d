# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a restore does: folders, messages, attachments, upload sessions, batches."""

from __future__ import annotations

import base64
import email
import email.policy
import typing as t

import pytest
from tenant_tests.support import IMMUTABLE, Client

if t.TYPE_CHECKING:
    from tenant.control import ControlClient

SENT_ITEM: dict[str, t.Any] = {
    "subject": "Grüße aus Köln",
    "body": {"contentType": "html", "content": "<p>ä</p>"},
    "from": {"emailAddress": {"name": "Zoë", "address": "zoe@example.com"}},
    "toRecipients": [{"emailAddress": {"name": "Bo", "address": "bo@example.com"}}],
    "isRead": True,
    "categories": ["Red"],
    "internetMessageId": "<kept@example.com>",
    "singleValueExtendedProperties": [
        {"id": "Integer 0x0E07", "value": "4"},
        {"id": "SystemTime 0x0E06", "value": "2020-01-02T03:04:05Z"},
        {"id": "SystemTime 0x0039", "value": "2020-01-02T03:04:00Z"},
    ],
}


@pytest.fixture
def messages(adele: str) -> str:
    return f"/users/{adele}/mailFolders/inbox/messages"


def create(client: Client, path: str, value: dict[str, t.Any]) -> dict[str, t.Any]:
    reply = client.call("POST", path, value, prefer=IMMUTABLE)
    assert reply.status == 201, reply.body
    created = reply.json()
    assert isinstance(created, dict)
    return created


def test_a_folder_is_created_once(client: Client, adele: str) -> None:
    path = f"/users/{adele}/mailFolders/msgfolderroot/childFolders"
    assert create(client, path, {"displayName": "Restored"})["displayName"] == "Restored"
    again = client.call("POST", path, {"displayName": "restored"})
    assert (again.status, again.code) == (409, "ErrorFolderExists")
    assert again.error["message"] == "A folder with the specified name already exists."


def test_with_the_message_flags_a_message_is_no_draft_and_keeps_its_dates(client: Client, adele: str, messages: str) -> None:
    created = create(client, messages, SENT_ITEM)
    assert (created["isDraft"], created["isRead"]) == (False, True)
    assert (created["receivedDateTime"], created["sentDateTime"]) == ("2020-01-02T03:04:05Z", "2020-01-02T03:04:00Z")
    assert created["categories"] == ["Red"]
    expand = "$expand=singleValueExtendedProperties($filter=id eq 'Integer 0x0E07')".replace(" ", "%20")
    view = client.page(f"/users/{adele}/messages/{created['id']}?{expand}")
    assert view["singleValueExtendedProperties"] == [{"id": "Integer 0xE07", "value": "1"}]


def test_without_them_it_is_a_draft_of_now(client: Client, messages: str) -> None:
    created = create(client, messages, {**SENT_ITEM, "singleValueExtendedProperties": [], "receivedDateTime": "2020-01-02T03:04:05Z"})
    assert created["isDraft"] is True
    assert not created["receivedDateTime"].startswith("2020")


def test_the_draft_flag_is_decided_at_creation_for_ever(client: Client, adele: str, messages: str) -> None:
    created = create(client, messages, {"subject": "draft"})
    change = {"singleValueExtendedProperties": [{"id": "Integer 0x0E07", "value": "4"}]}
    assert client.call("PATCH", f"/users/{adele}/messages/{created['id']}", change).json()["isDraft"] is True


def test_a_created_message_can_be_read_as_mime(client: Client, adele: str, messages: str) -> None:
    attachment = {"@odata.type": "#microsoft.graph.fileAttachment", "name": "ä.bin", "contentBytes": base64.b64encode(b"\0\1\2").decode()}
    created = create(client, messages, {**SENT_ITEM, "attachments": [attachment]})
    mime = client.get(f"/users/{adele}/messages/{created['id']}/$value").body
    parsed = email.message_from_bytes(mime, policy=email.policy.default)
    assert parsed["subject"] == "Grüße aus Köln"
    assert parsed["message-id"] == "<kept@example.com>"
    assert parsed["date"].datetime.isoformat() == "2020-01-02T03:04:00+00:00"
    text, file = parsed.iter_parts()
    assert text.get_content().strip() == "<p>ä</p>"
    assert (file.get_filename(), file.get_content()) == ("ä.bin", b"\0\1\2")


def test_bad_recipients_and_foreign_headers_are_refused(client: Client, messages: str) -> None:
    bad = {**SENT_ITEM, "replyTo": [{"emailAddress": {"address": "not an address"}}]}
    assert client.call("POST", messages, bad).code == "ErrorInvalidRecipients"
    header = {**SENT_ITEM, "internetMessageHeaders": [{"name": "Received", "value": "x"}]}
    assert client.call("POST", messages, header).code == "InvalidInternetMessageHeader"


def test_more_than_four_megabytes_in_one_request_are_too_much(client: Client, messages: str) -> None:
    large = {**SENT_ITEM, "body": {"contentType": "text", "content": "x" * (4 * 1024 * 1024)}}
    assert client.call("POST", messages, large).status == 413


def test_mime_becomes_a_draft_in_drafts_whatever_the_path(client: Client, adele: str, messages: str) -> None:
    mime = b"Subject: from mime\r\nDate: Mon, 02 Feb 2026 10:00:00 +0000\r\n\r\nbody\r\n"
    reply = client.call("POST", messages, body=base64.b64encode(mime), content_type="text/plain", prefer=IMMUTABLE)
    assert reply.status == 201
    assert (reply.json()["isDraft"], reply.json()["sentDateTime"]) == (True, "2026-02-02T10:00:00Z")
    assert reply.json()["parentFolderId"] == client.page(f"/users/{adele}/mailFolders/drafts")["id"]
    assert client.get(f"/users/{adele}/messages/{reply.json()['id']}/$value").body == mime
    bad = client.call("POST", messages, body=b"%%%", content_type="text/plain")
    assert (bad.status, bad.code) == (400, "ErrorMimeContentInvalidBase64String")


def test_an_attachment_may_meet_404_right_after_creation(client: Client, control: ControlClient, adele: str, messages: str) -> None:
    control.settings(attachment_refusals=2)
    created = create(client, messages, SENT_ITEM)
    path = f"/users/{adele}/messages/{created['id']}/attachments"
    attachment = {"@odata.type": "#microsoft.graph.fileAttachment", "name": "a.txt", "contentBytes": "YQ=="}
    assert [client.call("POST", path, attachment).status for _attempt in range(3)] == [404, 404, 201]
    assert [entry["name"] for entry in client.page(path)["value"]] == ["a.txt"]


def test_a_reference_attachment_has_no_content(client: Client, adele: str, messages: str) -> None:
    created = create(client, messages, SENT_ITEM)
    path = f"/users/{adele}/messages/{created['id']}/attachments"
    reference = create(
        client, path, {"@odata.type": "#microsoft.graph.referenceAttachment", "name": "link", "sourceUrl": "https://example.com/x"}
    )
    assert client.get(f"{path}/{reference['id']}/$value").status == 405


def test_a_message_can_be_attached_to_a_message(client: Client, adele: str, messages: str) -> None:
    created = create(client, messages, SENT_ITEM)
    path = f"/users/{adele}/messages/{created['id']}/attachments"
    create(
        client,
        path,
        {"@odata.type": "#microsoft.graph.itemAttachment", "name": "inner", "item": {"subject": "inner", "body": {"content": "text"}}},
    )
    assert b"Content-Type: message/rfc822" in client.get(f"/users/{adele}/messages/{created['id']}/$value").body


class TestUploadSession:
    """Attachments above 3 MB, through the host of Outlook."""

    size = 5_000_000

    def open(self, client: Client, adele: str, messages: str) -> tuple[str, str]:
        created = create(client, messages, SENT_ITEM)
        wanted = {"AttachmentItem": {"attachmentType": "file", "name": "big.bin", "size": self.size}}
        session = create(client, f"/users/{adele}/messages/{created['id']}/attachments/createUploadSession", wanted)
        assert session["nextExpectedRanges"] == ["0-"]
        return created["id"], session["uploadUrl"]

    def put(self, client: Client, url: str, start: int, content: bytes, **headers: str) -> t.Any:
        end = start + len(content) - 1
        return client.raw("PUT", url, content, {"Content-Range": f"bytes {start}-{end}/{self.size}", **headers})

    def test_pieces_in_order_become_an_attachment(self, client: Client, adele: str, messages: str) -> None:
        message, url = self.open(client, adele, messages)
        content = bytes(range(250)) * 20_000
        first = self.put(client, url, 0, content[:3_000_000])
        assert first.status == 200
        assert first.json()["nextExpectedRanges"] == ["3000000"]
        assert "ExpirationDateTime" in first.json()
        last = self.put(client, url, 3_000_000, content[3_000_000:])
        assert (last.status, last.body) == (201, b"")
        attachment = last.headers["Location"].rpartition("Attachments('")[2].rstrip("')")
        assert client.get(f"/users/{adele}/messages/{message}/attachments/{attachment}/$value").body == content

    def test_a_token_on_the_upload_url_is_refused(self, client: Client, adele: str, messages: str) -> None:
        _message, url = self.open(client, adele, messages)
        assert self.put(client, url, 0, b"x", Authorization=f"Bearer {client.token}").status == 401

    def test_a_piece_out_of_order_is_refused(self, client: Client, adele: str, messages: str) -> None:
        _message, url = self.open(client, adele, messages)
        assert self.put(client, url, 100, b"x").status == 416

    def test_an_expired_session_is_refused(self, client: Client, control: ControlClient, adele: str, messages: str) -> None:
        control.settings(upload_session_seconds=0)
        _message, url = self.open(client, adele, messages)
        assert self.put(client, url, 0, b"x").status == 403

    def test_the_log_does_not_show_the_token_of_the_url(self, client: Client, control: ControlClient, adele: str, messages: str) -> None:
        _message, url = self.open(client, adele, messages)
        self.put(client, url, 0, b"x")
        logged = control.requests()[-1]
        assert (logged["operation"], logged["mailbox"]) == ("upload_part", "adele.vance@contoso.com")
        assert url.partition("authtoken=")[2] not in logged["path"]


def test_sent_messages_can_be_protected_as_from_the_end_of_2026(client: Client, control: ControlClient, adele: str, messages: str) -> None:
    created = create(client, messages, SENT_ITEM)
    path = f"/users/{adele}/messages/{created['id']}"
    assert client.call("PATCH", path, {"subject": "new"}).status == 200
    control.settings(protect_sent_messages=True)
    refused = client.call("PATCH", path, {"subject": "newer"})
    assert (refused.status, refused.code) == (403, "ErrorAccessDenied")
    assert client.call("PATCH", path, {"isRead": False, "categories": ["Blue"]}).status == 200
    token = client.log_in(**control.add_app(roles=["Mail.ReadWrite", "Mail-Advanced.ReadWrite.All"]))
    assert client.call("PATCH", path, {"subject": "newer"}, token=token).json()["subject"] == "newer"


def test_moving_gives_a_new_rest_id_and_deleting_goes_to_the_dumpster(client: Client, control: ControlClient, adele: str) -> None:
    (message,) = control.deliver_generated(adele, 1)
    moved = client.call("POST", f"/users/{adele}/messages/{message}/move", {"destinationId": "archive"}, prefer=IMMUTABLE)
    assert (moved.status, moved.json()["id"]) == (201, message)
    assert control.messages(adele)[0]["folder_path"] == ["Archive"]
    assert client.call("DELETE", f"/users/{adele}/messages/{message}").status == 204
    assert control.messages(adele)[0]["folder_path"] == ["Deletions"]


class TestBatch:
    """JSON batching."""

    def send(self, client: Client, requests: list[dict[str, t.Any]]) -> t.Any:
        return client.call("POST", "/$batch", {"requests": requests})

    def test_parts_are_answered_each_with_its_own_status(self, client: Client, control: ControlClient, adele: str) -> None:
        message = control.deliver(adele, "inbox", b"Subject: x\r\n\r\nplain text body")
        requests: list[dict[str, t.Any]] = [
            {"id": "1", "method": "GET", "url": f"/users/{adele}?$select=id"},
            {"id": "2", "method": "GET", "url": f"users/{adele}/messages/{message}/$value"},
            {"id": "3", "method": "GET", "url": "/users/nobody@contoso.com"},
            {
                "id": "4",
                "method": "POST",
                "url": f"/users/{adele}/mailFolders",
                "headers": {"Content-Type": "application/json"},
                "body": {"displayName": "new"},
            },
        ]
        reply = self.send(client, requests)
        parts = {part["id"]: part for part in reply.json()["responses"]}
        assert {identifier: part["status"] for identifier, part in parts.items()} == {"1": 200, "2": 200, "3": 404, "4": 201}
        assert parts["2"]["body"] == "Subject: x\r\n\r\nplain text body"
        assert parts["3"]["body"]["error"]["code"] == "Request_ResourceNotFound"

    def test_the_fifth_part_on_a_mailbox_is_throttled(self, client: Client, control: ControlClient, adele: str) -> None:
        requests = [{"id": str(number), "method": "GET", "url": f"/users/{adele}/mailFolders/inbox"} for number in range(6)]
        parts = self.send(client, requests).json()["responses"]
        throttled = [part for part in parts if part["status"] == 429]
        assert throttled
        assert all("Retry-After" in part["headers"] for part in throttled)
        control.settings(batch_parallelism=4)
        control.reset_log()
        assert {part["status"] for part in self.send(client, requests).json()["responses"]} == {200}

    def test_what_depends_on_a_failure_fails_too(self, client: Client, adele: str) -> None:
        requests: list[dict[str, t.Any]] = [
            {"id": "1", "method": "GET", "url": "/users/nobody@contoso.com"},
            {"id": "2", "method": "GET", "url": f"/users/{adele}", "dependsOn": ["1"]},
        ]
        parts = {part["id"]: part["status"] for part in self.send(client, requests).json()["responses"]}
        assert parts == {"1": 404, "2": 424}

    @pytest.mark.parametrize(
        "requests",
        [
            [{"id": str(number), "method": "GET", "url": "/users"} for number in range(21)],
            [{"id": "a", "method": "GET", "url": "/users"}, {"id": "A", "method": "GET", "url": "/users"}],
            [{"id": "1", "method": "POST", "url": "/users", "body": {}}],
            [{"id": "1", "url": "/users"}],
            [],
        ],
    )
    def test_a_malformed_batch_is_refused_as_a_whole(self, client: Client, requests: list[dict[str, t.Any]]) -> None:
        assert self.send(client, requests).status == 400
