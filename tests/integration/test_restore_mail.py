# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mail back into mailboxes: each message once, with what belongs to it, whatever happens on the way."""

from __future__ import annotations

import collections
import dataclasses
import email
import email.message
import email.mime.application
import email.mime.multipart
import email.mime.text
import os
import typing as t
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.item_filter import ItemFilter
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.conflict import Policy
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.marks import UNFINISHED
from ansible_collections.tenantvault.m365_backup.tests.integration.backups import Backup, mail
from ansible_collections.tenantvault.m365_backup.tests.integration.graph_tenant import new_user
from ansible_collections.tenantvault.m365_backup.tests.integration.restores import TOP, Restore, counts, restore_in_storms
from tenant.harness import RunningTenant

Message = dict[str, t.Any]
FILES = {"small.bin": b"\x00\x01" * 500, "large.bin": bytes(range(256)) * 8_000, "larger.bin": bytes(range(255, -1, -1)) * 12_000}
MESSAGES = 8
RECEIVED = "2024-03-01T08:00:00Z"


def with_files(subject: str, *names: str) -> bytes:
    root = email.mime.multipart.MIMEMultipart()
    root["From"], root["To"], root["Subject"], root["Message-ID"] = "Ann <a@x.example>", "b@x.example", subject, f"<{subject}@x.example>"
    root.attach(email.mime.text.MIMEText("<p>Gr\u00fc\u00dfe</p>", "html", "utf-8"))
    for name in names:
        part = email.mime.application.MIMEApplication(FILES[name])
        part.add_header("Content-Disposition", "attachment", filename=name)
        root.attach(part)
    return root.as_bytes()


@pytest.fixture(scope="module")
def backup(tenant: RunningTenant, tmp_path_factory: pytest.TempPathFactory) -> Backup:
    """Ann has ordinary messages, a draft, and some with attachments of all sizes."""
    ann = f"ann@{tenant.domain}"
    tenant.control.add_user(ann)
    control = tenant.control
    control.deliver_generated(ann, MESSAGES, folder=None, size_limit=20_000)
    control.deliver(ann, "inbox", with_files("all", *FILES), received=RECEIVED, categories=["Red"], flagged=True, is_read=True)
    control.deliver(ann, "inbox", with_files("one", "larger.bin"), received=RECEIVED)
    control.deliver(ann, "drafts", mail("unsent"), is_draft=True)
    control.deliver_many(ann, "inbox", [mail("twin"), mail("twin")], received=RECEIVED)
    backup = Backup(tenant=tenant, folder=tmp_path_factory.mktemp("mail"), users=(ann,))
    backup.run()
    return backup


@pytest.fixture
def restore(backup: Backup, user: str) -> Restore:
    return Restore(backup=backup, member=backup.users[0], into=user)


def facts(restore: Restore, user: str, below: str | None = None) -> list[tuple[t.Any, ...]]:
    """What a restore has to bring back of each message, sorted. The draft's date is the service's own."""
    control = restore.backup.tenant.control
    found = []
    for each in control.messages(user):
        path = each["folder_path"]
        if below is not None:
            if path[0] != below:
                continue
            path = path[1:]
        content = email.message_from_bytes(control.mime(user, each["id"]))
        received = "" if each["is_draft"] else each["received"]
        state = (each["is_read"], each["is_draft"], each["flagged"], tuple(each["categories"]))
        found.append((*path, each["subject"], received, state, content["message-id"], parts(content)))
    return sorted(found, key=str)


def parts(content: email.message.Message) -> tuple[tuple[str, bytes], ...]:
    leaves = [part for part in content.walk() if not part.is_multipart() and part.get_filename()]
    return tuple(sorted((str(part.get_filename()), t.cast("bytes", part.get_payload(decode=True))) for part in leaves))


def test_messages_drafts_states_dates_and_attachments_come_back(restore: Restore) -> None:
    ann = restore.backup.users[0]
    first = restore.run()
    assert (counts(first), first.findings) == ({"restored": MESSAGES + 5}, [])
    assert facts(restore, restore.into, TOP) == facts(restore, ann)
    again = restore.run()
    assert (counts(again), again.findings) == ({"unchanged": MESSAGES + 5}, [])
    assert facts(restore, restore.into, TOP) == facts(restore, ann)


@pytest.mark.parametrize(
    ("operation", "how"),
    [
        ("message_create", "503"),
        ("message_create", "reset"),
        ("folder_create", "503"),
        ("attachment_create", "reset"),
        ("message_update", "503"),
        ("upload_session", "reset"),
    ],
)
def test_a_lost_answer_makes_nothing_twice_and_loses_nothing(restore: Restore, operation: str, how: str) -> None:
    restore.backup.tenant.control.arm(
        {"name": "answer_lost", "how": how, "mailbox": restore.into, "times": 6, "probability": 0.5, "match": {"operation": operation}}
    )
    result = restore.run()
    assert (counts(result), result.findings) == ({"restored": MESSAGES + 5}, [])
    assert facts(restore, restore.into, TOP) == facts(restore, restore.backup.users[0])


@pytest.mark.parametrize("seed", range(2 * int(os.environ.get("M365_TORTURE", "1"))))
def test_storms_make_nothing_twice_and_a_calm_start_makes_it_complete(restore: Restore, seed: int) -> None:
    operations = ["message_create", "message_update", "message_move", "attachment_create", "upload_session", "folder_create", "folder_get"]
    result = restore_in_storms(restore, operations, seed)
    assert result.findings == []
    assert sum(counts(result).values()) == MESSAGES + 5
    assert facts(restore, restore.into, TOP) == facts(restore, restore.backup.users[0])


def test_a_service_that_never_answers_a_creation_is_a_finding_and_a_later_start_is_calm(restore: Restore) -> None:
    control = restore.backup.tenant.control
    one = dataclasses.replace(restore, item_filter=ItemFilter(subject="one"))
    control.arm({"name": "unavailable", "mailbox": restore.into, "times": None, "match": {"operation": "message_create"}})
    result = one.run()
    assert [finding.object for finding in result.findings] == ["message one"]
    control.disarm()
    assert counts(one.run()) == {"restored": 1}
    assert len(facts(restore, restore.into, TOP)) == 1


def test_check_mode_predicts_what_then_happens_and_writes_nothing(restore: Restore) -> None:
    control = restore.backup.tenant.control
    before = control.folders(restore.into)
    predicted = restore.run(is_check=True)
    assert (control.folders(restore.into), control.messages(restore.into)) == (before, [])
    assert predicted.as_dict() == restore.run().as_dict()
    estimate = predicted.estimate
    written = [line for line in control.requests() if line["mailbox"] and line["method"] in ("POST", "PUT", "PATCH")]
    assert estimate.items == MESSAGES + 5
    assert MESSAGES + 5 <= estimate.requests <= len(written)
    assert restore.run(is_check=True).as_dict()["unchanged"] == MESSAGES + 5


def test_a_single_message_goes_back_to_where_it_was(backup: Backup, restore: Restore) -> None:
    control, ann = backup.tenant.control, backup.users[0]
    before = facts(restore, ann)
    lost = [each["id"] for each in control.messages(ann, "inbox") if each["subject"] in ("all", "one")]
    control.delete(ann, lost)
    original = dataclasses.replace(restore, into=ann, top=None)
    result = original.run()
    assert (counts(result), result.findings) == ({"restored": 2, "kept": MESSAGES + 3}, [])
    assert facts(restore, ann) == before
    replaced = dataclasses.replace(original, policy=Policy.REPLACE, item_filter=ItemFilter(subject="one")).run()
    assert counts(replaced) == {"unchanged": 1}
    twins = dataclasses.replace(original, policy=Policy.REPLACE, item_filter=ItemFilter(subject="twin"))
    assert (counts(twins.run()), counts(twins.run())) == ({"replaced": 2}, {"unchanged": 2})
    copies = dataclasses.replace(original, policy=Policy.COPY, item_filter=ItemFilter(subject="unsent"))
    assert (counts(copies.run()), counts(copies.run())) == ({"copied": 1}, {"unchanged": 1})
    assert sum(each["subject"] == "unsent" for each in control.messages(ann, "drafts")) == 2


def test_folders_are_found_by_role_in_another_language_and_made_where_they_were_deleted(backup: Backup, restore: Restore) -> None:
    control, tenant = backup.tenant.control, backup.tenant
    carl = new_user(tenant, f"carl{restore.into[:4]}")
    control.rename_folder(carl, "inbox", "Posteingang")
    into = dataclasses.replace(restore, into=carl, top=None)
    assert counts(into.run()) == {"restored": MESSAGES + 5}
    names = {tuple(each["folder_path"]) for each in control.messages(carl)}
    assert any(path[0] == "Posteingang" for path in names)
    assert not any(path[0] == "Inbox" for path in names)


def test_recoverable_items_come_into_a_folder_that_everybody_sees(tenant: RunningTenant, tmp_path: Path, user: str) -> None:
    control = tenant.control
    control.deliver(user, "recoverableitemsdeletions", mail("gone"))
    backup = Backup(tenant=tenant, folder=tmp_path, users=(user,), recoverable_items=True)
    backup.run()
    original = Restore(backup=backup, member=user, into=user, top=None)
    assert (counts(original.run()), counts(original.run())) == ({"restored": 1}, {"unchanged": 1})
    [restored] = [each for each in control.messages(user) if each["folder_path"][0].startswith("Recoverable")]
    folder = next(each for each in control.folders(user) if each["id"] == restored["folder_id"])
    assert (restored["subject"], folder["hidden"]) == ("gone", False)


def test_messages_of_one_internet_message_id_stay_as_many_as_they_were(restore: Restore) -> None:
    twins = dataclasses.replace(restore, item_filter=ItemFilter(subject="twin"))
    assert (counts(twins.run()), counts(twins.run())) == ({"restored": 2}, {"unchanged": 2})
    found = collections.Counter(each["subject"] for each in restore.backup.tenant.control.messages(restore.into))
    assert found == {"twin": 2}


def test_a_check_asks_once_for_a_folder_that_is_not_there(restore: Restore) -> None:
    control = restore.backup.tenant.control
    control.reset_log()
    restore.run(is_check=True)
    asked = [line for line in control.requests() if line["operation"] == "folder_children"]
    assert len(asked) <= len({tuple(each["folder_path"]) for each in control.messages(restore.member)})


def test_no_message_is_seen_without_its_attachments_unless_it_says_so(restore: Restore) -> None:
    control = restore.backup.tenant.control
    control.arm({"name": "status", "status": 500, "mailbox": restore.into, "times": None, "match": {"operation": "upload_session"}})
    control.arm({"name": "status", "status": 500, "mailbox": restore.into, "times": None, "match": {"operation": "message_delete"}})
    one = dataclasses.replace(restore, item_filter=ItemFilter(subject="all"))
    assert len(one.run().findings) == 1
    assert [each["categories"] for each in control.messages(restore.into)] == [["Red", UNFINISHED]]
    control.disarm()
    assert counts(one.run()) == {"restored": 1}
    visible = [each for each in control.messages(restore.into) if each["folder_path"][0] == TOP]
    assert [each["categories"] for each in visible] == [["Red"]]


def test_a_protected_mailbox_names_the_permission_that_large_attachments_need(restore: Restore) -> None:
    control = restore.backup.tenant.control
    control.settings(protect_sent_messages=True, protect_attachments=True)
    try:
        result = dataclasses.replace(restore, item_filter=ItemFilter(subject="all")).run()
    finally:
        control.settings(protect_sent_messages=False, protect_attachments=False)
    assert "Mail-Advanced.ReadWrite.All" in result.findings[0].reason
    assert result.findings[0].code == "ErrorAccessDenied"


def test_a_missing_permission_is_named_and_spoils_no_other_source(backup: Backup, restore: Restore) -> None:
    control = backup.tenant.control
    control.set_mailbox_state(restore.into, "odata_disabled")
    result = restore.run()
    [finding] = result.findings
    assert finding.code == "ErrorAccessDenied"
    assert finding.request_id
    assert result.sources["mail"].is_stopped
