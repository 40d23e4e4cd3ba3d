# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is in a mailbox, and what kind of mailbox it is: read by the reader, compared with the tenant."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.client import GraphClient
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.errors import MailboxUnavailable
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.ids import UserId
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.limits import LimitScope
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.links import graph_path
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.refusals import Call
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.traffic import RequestKind
from ansible_collections.tenantvault.m365_backup.tests.integration.behaviours import WITH_ATTACHMENT, fill
from ansible_collections.tenantvault.m365_backup.tests.integration.graph_tenant import new_user
from ansible_collections.tenantvault.m365_backup.tests.integration.mailboxes import StoredMailbox, is_complete, same_folders, stored_mailbox
from tenant.harness import RunningTenant

GERMAN = {
    "inbox": "Posteingang",
    "outbox": "Postausgang",
    "syncissues": "Synchronisierungsprobleme",
    "conflicts": "Konflikte",
    "deleteditems": "Gelöschte Elemente",
}


def mail(subject: str, more: str = "") -> bytes:
    return f"From: a@example.com\r\nTo: b@example.com\r\nSubject: {subject}\r\n{more}\r\nHello\r\n".encode()


@pytest.fixture
def mailbox(tenant: RunningTenant, user: UserId, tmp_path: Path) -> StoredMailbox:
    return stored_mailbox(tenant, user, tmp_path)


def asked(mailbox: StoredMailbox) -> dict[str, int]:
    return dict(mailbox.tenant.control.stats()["by_operation"])


# Folders


def test_every_folder_is_backed_up_whatever_its_name_and_place(mailbox: StoredMailbox, client: GraphClient) -> None:
    control, user = mailbox.tenant.control, mailbox.user
    names = ["A/B", "Same", "Same", "SAME", "2026", ".m365", "..", " ", "Ümlaut 漢字", "x" * 255, "con:", "trailing. "]
    for number, name in enumerate(names):
        folder = control.create_folder(user, name)
        below = control.create_folder(user, "Same", parent=folder)
        control.create_folder(user, "", parent=below, hidden=number % 2 == 0)
        control.deliver(user, folder, mail(f"in {number}"))
        control.deliver(user, below, mail(f"below {number}"))
    control.create_folder(user, "Hidden", hidden=True)
    control.create_folder(user, "Deep", parent=["Hidden"], hidden=True)
    control.create_folder(user, "Visible", parent=["Hidden", "Deep"])
    control.deliver(user, ["Hidden", "Deep", "Visible"], mail("out of sight"))
    result = mailbox.read(client)
    assert result.findings == ()
    assert is_complete(mailbox)


def test_search_folders_are_recognised_and_not_descended(mailbox: StoredMailbox, client: GraphClient) -> None:
    control, user = mailbox.tenant.control, mailbox.user
    search = control.create_folder(user, "Unread mail", search=True)
    control.create_folder(user, "Below", parent=search)
    control.deliver(user, "inbox", mail("unread"))
    result = mailbox.read(client)
    assert {"Unread mail", "Below"} <= set(result.left_out)
    assert is_complete(mailbox)
    assert not any(search in line["path"] for line in control.requests() if line["operation"] == "messages_delta")
    assert mailbox.read(client).left_out == result.left_out


def test_what_is_left_out_is_left_out_in_every_language(tenant: RunningTenant, client: GraphClient, tmp_path: Path) -> None:
    control = tenant.control
    user = UserId(control.add_user("erika@contoso.com", folder_names=GERMAN))
    mailbox = stored_mailbox(tenant, user, tmp_path)
    control.create_folder(user, "Outbox")
    control.deliver(user, ["Outbox"], mail("a folder of the user"))
    control.deliver(user, "outbox", mail("not sent yet"))
    result = mailbox.read(client)
    assert result.left_out == ("Postausgang", "Synchronisierungsprobleme")
    assert is_complete(mailbox)
    assert len(mailbox.stored()) == 1


def test_a_hidden_folder_deep_below_that_appears_later_is_found_in_time_and_one_that_goes_at_once(
    mailbox: StoredMailbox, client: GraphClient
) -> None:
    control, user = mailbox.tenant.control, mailbox.user
    fill(control, user)
    mailbox.read(client)
    deep = control.create_folder(user, "Deep", parent=["Hidden", "Below"], hidden=True)
    control.deliver(user, deep, mail("deep"))
    for _run in range(200):
        control.reset_log()
        mailbox.read(client)
        if same_folders(mailbox):
            break
        assert sum(asked(mailbox).values()) == len(mailbox.state().folders) + 3
    assert is_complete(mailbox)
    control.delete_folder(user, deep)
    mailbox.read(client)
    assert is_complete(mailbox)


def test_a_run_without_changes_costs_one_request_a_folder_and_three_more(mailbox: StoredMailbox, client: GraphClient) -> None:
    fill(mailbox.tenant.control, mailbox.user)
    tree = mailbox.read(client).tree
    mailbox.tenant.control.reset_log()
    assert mailbox.read(client).tree == tree
    assert sum(asked(mailbox).values()) == len(mailbox.kept_folders()) + 3


# Recoverable items


def test_recoverable_items_are_an_option_that_can_be_turned_on_and_off(mailbox: StoredMailbox, client: GraphClient) -> None:
    control, user = mailbox.tenant.control, mailbox.user
    kept, gone = control.deliver(user, "inbox", mail("kept")), control.deliver(user, "inbox", mail("gone"))
    control.move(user, gone, "recoverableitemsdeletions")
    mailbox.read(client)
    assert mailbox.stored().keys() == {kept}
    mailbox.recoverable_items = True
    mailbox.read(client)
    assert mailbox.stored().keys() == {kept, gone}
    assert is_complete(mailbox)
    control.reset_log()
    tree = mailbox.tree
    assert mailbox.read(client).tree == tree
    assert sum(asked(mailbox).values()) == len(mailbox.kept_folders()) + 5
    mailbox.recoverable_items = False
    assert mailbox.preview(client).is_changed
    mailbox.read(client)
    assert is_complete(mailbox)


def test_a_message_that_is_deleted_for_good_moves_and_is_not_fetched_again(mailbox: StoredMailbox, client: GraphClient) -> None:
    control, user = mailbox.tenant.control, mailbox.user
    mailbox.recoverable_items = True
    gone = control.deliver(user, "inbox", mail("gone"))
    mailbox.read(client)
    control.move(user, gone, "recoverableitemsdeletions")
    result = mailbox.read(client)
    assert (result.counts.moved, result.counts.fetched) == (1, 0)
    assert is_complete(mailbox)


def test_recoverable_items_that_are_refused_are_a_finding_and_what_is_stored_stays(mailbox: StoredMailbox, client: GraphClient) -> None:
    control, user = mailbox.tenant.control, mailbox.user
    mailbox.recoverable_items = True
    control.move(user, control.deliver(user, "inbox", mail("gone")), "recoverableitemsdeletions")
    mailbox.read(client)
    tree = mailbox.tree
    control.arm(
        {"name": "status", "mailbox": user, "status": 403, "code": "ErrorAccessDenied", "times": None, "match": {"path": "recoverable"}}
    )
    result = mailbox.read(client)
    assert [(finding.object, finding.code) for finding in result.findings] == [("recoverable items", "ErrorAccessDenied")]
    assert mailbox.tree == tree


# What lies beside the MIME


def test_pictures_inside_the_text_come_with_the_mime_though_graph_says_that_there_are_no_attachments(
    mailbox: StoredMailbox, client: GraphClient
) -> None:
    picture = (
        b'From: a@example.com\r\nSubject: picture\r\nMIME-Version: 1.0\r\nContent-Type: multipart/related; boundary="x"\r\n\r\n--x\r\n'
        b'Content-Type: text/html\r\n\r\n<img src="cid:one">\r\n--x\r\nContent-Type: image/png; name="one.png"\r\nContent-ID: <one>\r\n'
        b"Content-Disposition: inline\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n--x--\r\n"
    )
    key = mailbox.tenant.control.deliver(mailbox.user, "inbox", picture)
    mailbox.tenant.control.reset_log()
    mailbox.read(client)
    assert "attachments" not in mailbox.records()[key]
    assert is_complete(mailbox)
    assert "attachments_list" not in asked(mailbox)


def add_link(client: GraphClient, user: UserId, message: str) -> None:
    call = Call(scope=LimitScope.mailbox(user), kind=RequestKind.WRITE, doing="Adding a link")
    link = {
        "@odata.type": "#microsoft.graph.referenceAttachment",
        "name": "Budget.xlsx",
        "sourceUrl": "https://contoso.sharepoint.com/Budget.xlsx",
    }
    client.post_json(call, graph_path("users", user, "messages", message, "attachments"), link)


def test_links_to_cloud_files_that_mime_has_no_place_for_are_named_in_the_record(mailbox: StoredMailbox, client: GraphClient) -> None:
    control, user = mailbox.tenant.control, mailbox.user
    only_link, both = control.deliver(user, "inbox", mail("link")), control.deliver(user, "inbox", WITH_ATTACHMENT)
    plain, with_file = (
        control.deliver(user, "inbox", mail("plain")),
        control.deliver(user, "inbox", WITH_ATTACHMENT.replace(b"contoso.share", b"c")),
    )
    add_link(client, user, only_link)
    add_link(client, user, both)
    control.reset_log()
    assert mailbox.read(client).findings == ()
    records = mailbox.records()
    assert records[only_link]["references"] == records[only_link]["attachment_names"] == ["Budget.xlsx"]
    assert records[both]["attachment_names"] == ["a.txt", "Budget.xlsx"]
    assert (records[with_file]["attachment_names"], "references" in records[with_file]) == (["a.txt"], False)
    assert "attachment_names" not in records[plain]
    assert asked(mailbox)["attachments_list"] == 2
    control.update(user, [only_link, both], is_read=True, categories=["Blue"])
    assert mailbox.read(client).counts.fetched == 0
    assert {mailbox.records()[key]["references"][0] for key in (only_link, both)} == {"Budget.xlsx"}


@pytest.mark.parametrize(
    ("fault", "kind", "is_kept_in_mind"), [("attachment_unreadable", "skipped", False), ("too_many_attachments", "failed", True)]
)
def test_a_message_is_stored_though_its_list_of_attachments_cannot_be_read(
    mailbox: StoredMailbox, client: GraphClient, fault: str, kind: str, is_kept_in_mind: bool
) -> None:
    control, user = mailbox.tenant.control, mailbox.user
    key = control.deliver(user, "inbox", WITH_ATTACHMENT)
    control.arm({"name": fault, "mailbox": user, "times": None})
    result = mailbox.read(client)
    assert [finding.kind.value for finding in result.findings] == [kind]
    assert (key in mailbox.state().retries) is is_kept_in_mind
    assert is_complete(mailbox)


def test_state_that_mime_loses_is_in_the_record_and_its_changes_cost_no_body(mailbox: StoredMailbox, client: GraphClient) -> None:
    control, user = mailbox.tenant.control, mailbox.user
    key = control.deliver(user, "inbox", mail("one", "Message-ID: <one@example.com>\r\nBcc: c@example.com\r\n"))
    draft = control.deliver(user, "drafts", mail("draft"), is_draft=True)
    mailbox.read(client)
    call = Call(scope=LimitScope.mailbox(user), kind=RequestKind.WRITE, doing="Changing a message")
    due = {"dateTime": "2026-12-01T17:00:00.0000000", "timeZone": "UTC"}
    changes = {"flag": {"flagStatus": "flagged", "startDateTime": due, "dueDateTime": due}, "inferenceClassification": "other"}
    client.patch_json(call, graph_path("users", user, "messages", key), changes)
    control.update(user, [key], is_read=True, categories=["Red", "Blue"])
    control.update(user, [draft], subject="better draft")
    result = mailbox.read(client)
    assert (result.counts.updated, result.counts.fetched) == (2, 1)
    record = mailbox.records()[key]
    due_time = "2026-12-01T17:00:00.0000000Z"
    assert (record["read"], record["flag"], record["follow_up"]) == (True, "flagged", {"start": due_time, "due": due_time})
    assert (record["categories"], record["inference"], record["mid"]) == (["Blue", "Red"], "other", "<one@example.com>")
    assert record["bcc"] == ["c@example.com"]
    assert mailbox.records()[draft]["draft"] is True


@pytest.mark.parametrize(
    "kind", ["application/pkcs7-mime; smime-type=enveloped-data", "multipart/signed; boundary=x", "application/x-microsoft-rpmsg-message"]
)
def test_signed_and_encrypted_mail_is_kept_as_it_is(mailbox: StoredMailbox, client: GraphClient, kind: str) -> None:
    body = (
        f"From: a@example.com\r\nSubject: secret\r\nMIME-Version: 1.0\r\nContent-Type: {kind}\r\n\r\n--x\r\n\r\nMIAGCSqGSIb3DQ\r\n--x--\r\n"
    )
    mailbox.tenant.control.deliver(mailbox.user, "inbox", body.encode())
    assert mailbox.read(client).findings == ()
    assert is_complete(mailbox)


# Kinds of mailboxes


@pytest.mark.parametrize("purpose", ["shared", "room", "equipment"])
def test_mailboxes_of_disabled_accounts_are_read_like_others(
    tenant: RunningTenant, client: GraphClient, tmp_path: Path, purpose: str
) -> None:
    user = new_user(tenant, purpose, account_enabled=False)
    tenant.control.set_mailbox_settings(user, user_purpose=purpose)
    fill(tenant.control, user)
    mailbox = stored_mailbox(tenant, user, tmp_path)
    assert mailbox.read(client).findings == ()
    assert is_complete(mailbox)


@pytest.mark.parametrize("state", ["not_enabled", "on_premises", "invalid_user"])
def test_a_mailbox_that_is_not_there_has_an_error_of_its_own(mailbox: StoredMailbox, client: GraphClient, state: str) -> None:
    mailbox.tenant.control.set_mailbox_state(mailbox.user, state)
    with pytest.raises(MailboxUnavailable):
        mailbox.read(client)
    with pytest.raises(MailboxUnavailable):
        mailbox.preview(client)


def test_a_guest_without_a_mailbox_has_none(tenant: RunningTenant, client: GraphClient, tmp_path: Path) -> None:
    guest = new_user(tenant, "guest", user_type="Guest", mailbox=False)
    with pytest.raises(MailboxUnavailable):
        stored_mailbox(tenant, guest, tmp_path).read(client)


def test_a_mailbox_over_quota_is_listed_in_full_and_loses_nothing_that_shifts_from_page_to_page(
    mailbox: StoredMailbox, client: GraphClient
) -> None:
    control, user = mailbox.tenant.control, mailbox.user
    fill(control, user)
    mailbox.read(client)
    control.set_mailbox_state(user, "quota_exceeded")
    assert mailbox.read(client).findings == ()
    assert is_complete(mailbox)
    inbox = [message["id"] for message in control.messages(user, "inbox")]
    control.delete(user, inbox[:1])
    control.move(user, inbox[1:2], ["Two/2"])
    control.deliver(user, "inbox", mail("one more"))
    # A page that comes without its entries, as when places shift: each of them is asked for before it is given up.
    control.arm({"name": "lost_entries", "mailbox": user, "match": {"operation": "messages_list"}})
    mailbox.read(client)
    assert {key for key in mailbox.truth() if key not in mailbox.stored()} <= {
        message["id"] for message in control.messages(user) if message["subject"] == "one more"
    }
    mailbox.read(client)
    assert is_complete(mailbox)
    control.set_mailbox_state(user, "ok")
    mailbox.read(client)
    assert is_complete(mailbox)
