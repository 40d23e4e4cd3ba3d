# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writing into mailboxes of the tenant."""

from __future__ import annotations

import base64
import email
import itertools
import logging
import typing as t

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph import errors
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.client import GraphClient
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.ids import FolderId, UserId
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.mail_attachments import add_attachment, upload_attachment
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.mail_folders import read_folder
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.mail_messages import read_message, read_mime
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.mail_write import (
    create_draft_from_mime,
    create_folder,
    create_message,
    delete_message,
    move_message,
    non_draft_properties,
    update_message,
)
from tenant.harness import RunningTenant

SENT, RECEIVED = "2019-05-06T07:08:09Z", "2019-05-06T07:08:10Z"


def payload(subject: str) -> dict[str, t.Any]:
    return {
        "subject": subject,
        "body": {"contentType": "text", "content": "Grüße"},
        "isRead": True,
        "singleValueExtendedProperties": non_draft_properties(is_read=True, sent=SENT, received=RECEIVED),
    }


def test_a_message_keeps_its_dates_and_is_no_draft(client: GraphClient, user: UserId) -> None:
    folder = create_folder(client, user, "msgfolderroot", "Restored 2026-11-23")
    identity = create_message(client, user, folder.id, payload("hello"))
    found = read_message(client, user, identity, ("subject", "isDraft", "isRead", "sentDateTime", "receivedDateTime", "parentFolderId"))
    assert (found["isDraft"], found["isRead"], found["parentFolderId"]) == (False, True, folder.id)
    assert (found["sentDateTime"], found["receivedDateTime"]) == (SENT, RECEIVED)


def test_a_folder_that_is_there_is_found_and_names_are_compared_without_case(client: GraphClient, user: UserId) -> None:
    first = create_folder(client, user, "inbox", "Projekte/Süd")
    again = create_folder(client, user, "inbox", "PROJEKTE/SÜD")
    assert (first.was_there, again.was_there, again.id) == (False, True, first.id)


@pytest.mark.parametrize("how", ["503", "500", "504", "reset"])
def test_a_folder_whose_creation_got_no_answer_exists_once(tenant: RunningTenant, client: GraphClient, user: UserId, how: str) -> None:
    tenant.control.arm({"name": "answer_lost", "mailbox": user, "how": how})
    created = create_folder(client, user, "msgfolderroot", "Restored")
    assert created.was_there
    assert read_folder(client, user, created.id).display_name == "Restored"


@pytest.mark.parametrize("how", ["503", "504", "reset"])
def test_a_message_whose_creation_got_no_answer_is_ambiguous_and_exists_once(
    tenant: RunningTenant, client: GraphClient, user: UserId, how: str
) -> None:
    tenant.control.arm({"name": "answer_lost", "mailbox": user, "how": how})
    with pytest.raises(errors.AmbiguousOutcome, match="may or may not have happened"):
        create_message(client, user, "inbox", payload("once"))
    assert [message["subject"] for message in tenant.control.messages(user)] == ["once"]


def test_a_creation_that_is_throttled_or_meets_an_expired_token_happens_once(
    tenant: RunningTenant, client: GraphClient, user: UserId
) -> None:
    for fault in ("throttled", "token_expired"):
        tenant.control.arm({"name": fault, "mailbox": user, "match": {"operation": "message_create"}})
    create_message(client, user, "inbox", payload("once"))
    assert [message["subject"] for message in tenant.control.messages(user)] == ["once"]


def test_a_message_that_is_too_large_for_one_request_is_told(client: GraphClient, user: UserId) -> None:
    with pytest.raises(errors.TooLarge):
        create_message(client, user, "inbox", {"subject": "x", "body": {"contentType": "text", "content": "x" * 4_500_000}})


def test_attachments_small_and_large_arrive_byte_for_byte(tenant: RunningTenant, client: GraphClient, user: UserId) -> None:
    identity = create_message(client, user, "inbox", payload("with attachments"))
    small, large = b"small \x00\xff", bytes(range(256)) * 40_000
    encoded = base64.b64encode(small).decode()
    add_attachment(client, user, identity, {"@odata.type": "#microsoft.graph.fileAttachment", "name": "small.bin", "contentBytes": encoded})
    upload_attachment(client, user, identity, name="large.bin", size=len(large), content=itertools.repeat(large, 1))
    with read_mime(client, user, identity) as body:
        mime = b"".join(body.chunks())
    parts = {part.get_filename(): part.get_payload(decode=True) for part in email.message_from_bytes(mime).walk() if part.get_filename()}
    assert parts == {"small.bin": small, "large.bin": large}


def test_inv10_the_upload_of_an_attachment_carries_no_token_and_its_address_is_not_logged(
    tenant: RunningTenant, client: GraphClient, user: UserId, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    identity = create_message(client, user, "inbox", payload("with attachment"))
    tenant.control.reset_log()
    content = b"x" * 5_000_000
    upload_attachment(client, user, identity, name="x", size=len(content), content=[content])
    parts = [request for request in tenant.control.requests() if request["operation"] == "upload_part"]
    assert [part["host"] for part in parts] == ["outlook.office.com"] * 2
    assert all(part["status"] < 300 for part in parts)
    assert "AttachmentSessions" in caplog.text
    assert "authtoken" not in caplog.text.lower()
    assert tenant.client_secret not in caplog.text


@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_large_attachment_arrives_once_whichever_answer_gets_lost(
    tenant: RunningTenant, client: GraphClient, user: UserId, after: int
) -> None:
    identity = create_message(client, user, "inbox", payload("with attachment"))
    content = bytes(range(256)) * 40_000
    tenant.control.arm({"name": "answer_lost", "mailbox": user, "after": after, "match": {"operation": "upload_part"}})
    upload_attachment(client, user, identity, name="x.bin", size=len(content), content=[content])
    with read_mime(client, user, identity) as body:
        mime = b"".join(body.chunks())
    parts = [part.get_payload(decode=True) for part in email.message_from_bytes(mime).walk() if part.get_filename()]
    assert parts == [content]


def test_a_small_attachment_whose_answer_gets_lost_arrives_once(tenant: RunningTenant, client: GraphClient, user: UserId) -> None:
    identity = create_message(client, user, "inbox", payload("with attachment"))
    tenant.control.arm({"name": "answer_lost", "mailbox": user, "match": {"operation": "attachment_create"}})
    encoded = base64.b64encode(b"hello").decode()
    assert add_attachment(client, user, identity, {"@odata.type": "#microsoft.graph.fileAttachment", "name": "x", "contentBytes": encoded})
    mime = read_mime(client, user, identity).bytes or b""
    assert mime.count(encoded.encode()) == 1


def test_an_attachment_for_a_message_that_not_everybody_knows_yet_arrives(tenant: RunningTenant, client: GraphClient, user: UserId) -> None:
    identity = create_message(client, user, "inbox", payload("fresh"))
    tenant.control.arm({"name": "item_not_found", "mailbox": user, "times": 2, "match": {"operation": "attachment_create"}})
    encoded = base64.b64encode(b"x").decode()
    assert add_attachment(client, user, identity, {"@odata.type": "#microsoft.graph.fileAttachment", "name": "x", "contentBytes": encoded})


def test_mime_becomes_a_draft_and_can_be_moved_changed_and_deleted(tenant: RunningTenant, client: GraphClient, user: UserId) -> None:
    identity = create_draft_from_mime(client, user, b"From: a@x.example\r\nTo: b@x.example\r\nSubject: from mime\r\n\r\nhello\r\n")
    archive = read_folder(client, user, "archive").id
    moved = move_message(client, user, identity, archive)
    assert moved == identity
    update_message(client, user, moved, {"isRead": True, "categories": ["Blue"]})
    found = read_message(client, user, moved, ("isDraft", "isRead", "categories", "parentFolderId"))
    assert (found["isDraft"], found["isRead"], found["categories"], found["parentFolderId"]) == (True, True, ["Blue"], archive)
    delete_message(client, user, moved)
    delete_message(client, user, moved)
    assert [message for message in tenant.control.messages(user) if message["folder_path"] == ["Archive"]] == []


def test_a_parent_that_does_not_exist_is_not_found(client: GraphClient, user: UserId) -> None:
    with pytest.raises(errors.NotFound):
        create_folder(client, user, FolderId("AAMkNOSUCHFOLDER"), "x")
