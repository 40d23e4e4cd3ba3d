# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tasks and settings from the service into the repository, run after run."""

from __future__ import annotations

import base64
import json
import typing as t
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.settings_reader import preview_settings, read_settings
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.tasks_reader import preview_tasks, read_tasks
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph import errors
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.client import GraphClient
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.ids import UserId
from ansible_collections.tenantvault.m365_backup.tests.integration.personal_sources import Stored, new_repository
from tenant.harness import RunningTenant


@pytest.fixture
def tasks(client: GraphClient, user: UserId, tmp_path: Path) -> Stored:
    return Stored(client, user, new_repository(tmp_path / "tasks"), read_tasks, preview_tasks)


@pytest.fixture
def settings(client: GraphClient, user: UserId, tmp_path: Path) -> Stored:
    return Stored(client, user, new_repository(tmp_path / "settings"), read_settings, preview_settings)


def file(name: str, content: bytes) -> dict[str, t.Any]:
    return {"name": name, "contentType": "text/plain", "contentBytes": base64.b64encode(content).decode()}


def test_tasks_are_stored_with_checklist_links_and_files(tenant: RunningTenant, tasks: Stored) -> None:
    control, user = tenant.control, tasks.user
    home = control.add_task_list(user, "Home")
    below = {
        "checklistItems": [{"displayName": "one"}, {"displayName": "two", "isChecked": True}],
        "linkedResources": [{"applicationName": "Outlook", "webUrl": "https://example.com/1"}],
        "attachments": [file("list.txt", b"bread")],
    }
    control.add_task(user, {"title": "Buy", "dueDateTime": {"dateTime": "2026-12-01T00:00:00", "timeZone": "UTC"}, **below}, task_list=home)
    control.add_task(user, {"title": "Call"})
    assert tasks.run().counts.added == 2
    tasks.check()
    document, record = tasks.document("Buy"), tasks.records()["Buy"]
    assert [item["displayName"] for item in document["checklistItems"]] == ["one", "two"]
    assert [link["applicationName"] for link in document["linkedResources"]] == ["Outlook"]
    assert tasks.content(record, document["attachments"][0]["@m365.file"]) == b"bread"
    assert (record["due"], record["attachment_names"], tasks.folder_of("Buy")) == ("2026-12-01T00:00:00Z", ["list.txt"], "Home")
    before = tasks.tree
    assert tasks.run().tree == before
    assert tasks.requests == 1 + 2


def test_changed_and_deleted_tasks_and_lists_are_followed(tenant: RunningTenant, tasks: Stored) -> None:
    control, user = tenant.control, tasks.user
    old = control.add_task_list(user, "Old")
    changes, goes = (control.add_task(user, {"title": title}) for title in ("changes", "goes"))
    control.add_task(user, {"title": "of a list that goes"}, task_list=old)
    tasks.run()
    control.update_task(user, changes, title="changed", checklistItems=[{"displayName": "one"}])
    control.delete_task(user, goes)
    control.delete_task_list(user, old)
    tasks.run()
    tasks.check()
    assert list(tasks.records()) == ["changed"]
    assert [item["displayName"] for item in tasks.document("changed")["checklistItems"]] == ["one"]


@pytest.mark.parametrize(
    "fault",
    [
        {"name": "cursor_lost", "times": 2},
        {"name": "duplicate_entries", "times": None},
        {"name": "status", "status": 403, "code": "ErrorAccessDenied", "times": None, "match": {"operation": "tasks_delta"}},
        {"name": "status", "status": 400, "code": "RequestBroker--ParseUri", "times": None, "match": {"operation": "tasks_delta"}},
    ],
    ids=lambda fault: f"{fault['name']}-{fault.get('status', '')}",
)
def test_tasks_are_found_whatever_becomes_of_their_delta(tenant: RunningTenant, tasks: Stored, fault: dict[str, t.Any]) -> None:
    control, user = tenant.control, tasks.user
    ids = [control.add_task(user, {"title": f"task {number}"}) for number in range(5)]
    tasks.run()
    control.arm({"mailbox": user, **fault})
    control.update_task(user, ids[0], title="changed")
    control.delete_task(user, ids[1])
    assert tasks.run().findings == ()
    tasks.check()
    assert set(tasks.records()) == {"changed", "task 2", "task 3", "task 4"}
    before = tasks.tree
    assert tasks.run().tree == before


def test_files_at_tasks_that_apps_may_not_read_are_left_out_by_name(tenant: RunningTenant, tasks: Stored) -> None:
    tenant.control.add_task(tasks.user, {"title": "Buy", "attachments": [file("list.txt", b"bread")]})
    refusal = {"name": "status", "status": 403, "code": "ErrorAccessDenied", "times": None, "match": {"operation": "task_attachment_value"}}
    tenant.control.arm({"mailbox": tasks.user, **refusal})
    done = tasks.run()
    assert (done.findings, done.counts.added) == ((), 1)
    assert done.left_out == ("attachments of tasks (Microsoft Graph refuses them to apps: ErrorAccessDenied)",)


def test_a_missing_permission_for_tasks_is_named(tenant: RunningTenant, tasks: Stored) -> None:
    tenant.control.arm({"name": "status", "mailbox": tasks.user, "status": 403, "code": "ErrorAccessDenied", "times": None})
    with pytest.raises(errors.AccessDenied) as caught:
        tasks.look_ahead()
    assert caught.value.permission == "Tasks.Read.All"


def test_settings_are_three_small_files_that_change_only_with_the_mailbox(tenant: RunningTenant, settings: Stored) -> None:
    control, user = tenant.control, settings.user
    control.add_category(user, "Red", "preset0")
    settings.run()
    settings.check()
    assert set(settings.files()) == {("mailboxSettings.json",), ("rules.json",), ("categories.json",)}
    before = settings.tree
    assert settings.run().tree == before
    assert settings.requests == 3
    control.change_mailbox_settings(user, automaticRepliesSetting={"status": "alwaysEnabled", "internalReplyMessage": "Away"})
    assert settings.run().counts.updated == 1
    document = settings.document("Mailbox settings")
    assert document["automaticRepliesSetting"]["internalReplyMessage"] == "Away"
    assert {"workingHours", "timeZone", "userPurpose"} <= document.keys()
    assert [entry["displayName"] for entry in json.loads(settings.files()[("categories.json",)])["value"]] == ["Red"]


@pytest.mark.parametrize("purpose", ["shared", "room", "equipment"])
def test_settings_of_a_mailbox_without_a_person_say_what_it_is_for(tenant: RunningTenant, settings: Stored, purpose: str) -> None:
    tenant.control.set_mailbox_settings(settings.user, user_purpose=purpose)
    settings.run()
    assert settings.records()["Mailbox settings"]["purpose"] == purpose


def test_settings_that_are_refused_one_by_one_are_findings_and_together_a_failure(tenant: RunningTenant, settings: Stored) -> None:
    denied = {"name": "status", "mailbox": settings.user, "status": 403, "code": "ErrorAccessDenied", "times": None}
    tenant.control.arm({**denied, "match": {"operation": "mailbox_settings"}})
    done = settings.run()
    assert [finding.object for finding in done.findings] == ["setting mailboxSettings"]
    assert "MailboxSettings.Read" in str(done.findings[0].reason) or done.findings[0].code == "ErrorAccessDenied"
    assert set(settings.records()) == {"Inbox rules", "Categories"}
    tenant.control.disarm()
    assert settings.run().findings == ()
    assert len(settings.records()) == 3
    tenant.control.arm(denied)
    with pytest.raises(errors.AccessDenied) as caught:
        settings.look_ahead()
    assert caught.value.permission == "MailboxSettings.Read"
