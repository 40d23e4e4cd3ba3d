# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restores as an administrator asks for them, through ansible-playbook."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.tests.integration.backups import mail
from ansible_collections.tenantvault.m365_backup.tests.integration.playbook import Playbook, Task
from tenant.harness import RunningTenant

ALICE, BOB = "alice@contoso.com", "bob@contoso.com"
GUESTS = [{"emailAddress": {"name": "Guest", "address": "guest@elsewhere.example"}, "type": "required"}]
MEETING = {
    "subject": "Meeting",
    "start": {"dateTime": "2026-03-02T09:00:00", "timeZone": "UTC"},
    "end": {"dateTime": "2026-03-02T10:00:00", "timeZone": "UTC"},
    "attendees": GUESTS,
}


@pytest.fixture
def playbook(tenant: RunningTenant, tmp_path: Path) -> Playbook:
    control = tenant.control
    control.reset()
    for user in (ALICE, BOB):
        control.add_user(user)
    for number in range(4):
        control.deliver(ALICE, "inbox", mail(f"invoice {number}"), received=f"2026-0{number + 1}-10T08:00:00Z")
    control.deliver(ALICE, "drafts", mail("unsent"), is_draft=True)
    control.add_event(ALICE, MEETING)
    control.add_contact(ALICE, {"displayName": "Eva"})
    control.add_task(ALICE, {"title": "Call Eva"})
    control.add_category(ALICE, "Customers", "preset3")
    return Playbook(tenant=tenant, folder=tmp_path)


def backed_up(playbook: Playbook, *tasks: Task) -> list[dict[str, t.Any]]:
    """The answers of the tasks after a run of a plan over Alice."""
    plan = playbook.task("m365_group_backup_plan", title="Sales", users=[ALICE], backup_type="mailbox", repository=str(playbook.repository))
    answers = playbook.run(plan, playbook.task("m365_backup_run", plan="sales"), *tasks).answers
    assert [answer["failed"] for answer in answers[:2]] == [False, False], answers[:2]
    return answers[2:]


def restore(playbook: Playbook, **options: t.Any) -> Task:
    return playbook.task("m365_backup_restore", plan="sales", member=ALICE, **options)


def counted(answer: dict[str, t.Any]) -> dict[str, int]:
    return {name: part["restored"] for name, part in answer["sources"].items() if part["restored"]}


def test_inv09_a_whole_member_goes_into_another_mailbox_and_again_nothing(playbook: Playbook) -> None:
    control = playbook.tenant.control
    task = restore(playbook, target_mailbox=BOB)
    check, first, second = backed_up(playbook, {**task, "check_mode": True}, task, task)
    assert [answer["changed"] for answer in (check, first, second)] == [True, True, False], [check, first, second]
    assert counted(check) == counted(first) == {"mail": 5, "calendar": 1, "contacts": 1}
    assert check["estimate"]["items"] == 7
    assert check["estimate"]["requests"] >= 7
    assert "estimate" not in first
    assert second["unchanged"] == 7
    top = first["target"]
    assert top.startswith(f"Restored {ALICE} 20")
    assert {each["folder_path"][0] for each in control.messages(BOB)} == {top}
    assert [each["is_draft"] for each in control.messages(BOB) if each["subject"] == "unsent"] == [True]
    assert control.outgoing() == []
    assert any("tasks" in warning for warning in first["warnings"])
    assert control.master_categories(BOB) == []


def test_single_items_go_back_to_where_they_were(playbook: Playbook) -> None:
    control = playbook.tenant.control
    [none] = backed_up(playbook, restore(playbook, target_mailbox=ALICE, placement="original"))
    assert (none["changed"], none["kept"]) == (False, 7)
    control.delete(ALICE, [each["id"] for each in control.messages(ALICE, "inbox")])
    options = {"target_mailbox": ALICE, "placement": "original", "sources": ["mail"], "subject": "INVOICE"}
    late = {"after": "2026-03-01T00:00:00Z", "before": "2026-05-01T00:00:00+02:00"}
    [answer] = playbook.run(restore(playbook, **options, **late)).answers
    assert (answer["restored"], answer["folders"]) == (2, {"Inbox": 2})
    assert sorted(each["subject"] for each in control.messages(ALICE, "inbox")) == ["invoice 2", "invoice 3"]


def test_settings_and_files_are_restored_when_they_are_named(playbook: Playbook) -> None:
    control = playbook.tenant.control
    out = str(playbook.folder / "out")
    settings, tasks = backed_up(
        playbook,
        restore(playbook, target_mailbox=BOB, sources=["settings"]),
        restore(playbook, target_path=out, sources=["tasks"]),
    )
    assert not settings["failed"], settings
    assert [each["displayName"] for each in control.master_categories(BOB)] == ["Customers"]
    assert (tasks["restored"], len([path for path in Path(out).rglob("*") if path.is_file()])) == (1, 1)


REFUSED: tuple[tuple[dict[str, t.Any], tuple[str, ...]], ...] = (
    ({"target_mailbox": "nobody@contoso.com"}, ("nobody@contoso.com",)),
    ({"target_mailbox": BOB, "after": "2026-03-01T00:00:00"}, ("no zone", "+02:00")),
    ({"target_mailbox": BOB, "after": "soon"}, ("soon",)),
    ({"target_mailbox": BOB, "folder": "Nowhere"}, ("Nowhere", "Inbox")),
    ({"target_mailbox": BOB, "sources": ["archive"]}, ("archive mailbox", ALICE)),
    ({"target_mailbox": BOB, "sources": ["tasks"]}, ("no application permission to write tasks", "target_path")),
    ({"target_mailbox": BOB, "permissions": True}, ("permissions", "target_drive")),
    ({"target_path": "/nowhere", "versions": True, "permissions": True}, ("permissions and versions", "target_drive")),
)


def test_what_cannot_be_restored_is_said_before_anything_is_written(playbook: Playbook) -> None:
    answers = backed_up(playbook, *(restore(playbook, **options) for options, _words in REFUSED))
    for answer, (_options, words) in zip(answers, REFUSED, strict=True):
        assert answer["failed"]
        assert "Traceback" not in str(answer)
        for word in words:
            assert word in answer["msg"]
    assert playbook.tenant.control.messages(BOB) == []


def test_an_application_that_may_not_write_is_told_which_permission_it_lacks(playbook: Playbook) -> None:
    tenant = playbook.tenant
    reader = tenant.control.add_app(
        roles=["User.Read.All", "Mail.Read", "Calendars.Read", "Contacts.ReadWrite"],
    )
    login = {"client_id": reader["client_id"], "client_secret": reader["client_secret"]}
    [answer] = backed_up(playbook, restore(playbook, target_mailbox=BOB, **login))
    assert answer["failed"]
    assert "sources" in answer, answer["msg"]
    assert counted(answer) == {"contacts": 1}
    reasons = {finding["object"]: finding for finding in answer["findings"]}
    for name, permission in (("mail", "Mail.ReadWrite"), ("calendars", "Calendars.ReadWrite")):
        assert permission in reasons[name]["reason"]
        assert (reasons[name]["code"], bool(reasons[name]["request_id"])) == ("ErrorAccessDenied", True)
