# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""To Do, mailbox settings, rules of the inbox, categories (facts 7.3, 7.4, 14.39-40)."""

from __future__ import annotations

import typing as t

import pytest
from tenant_tests.support import Client

if t.TYPE_CHECKING:
    from tenant.control import ControlClient

TASK: dict[str, t.Any] = {
    "title": "Heating",
    "checklistItems": [{"displayName": "Call"}],
    "linkedResources": [{"webUrl": "https://example.com", "applicationName": "x"}],
    "attachments": [{"name": "a.txt", "contentType": "text/plain", "contentBytes": "aGVsbG8="}],
    "dueDateTime": {"dateTime": "2026-05-01T00:00:00.0000000", "timeZone": "UTC"},
}
RULE = {"displayName": "r", "conditions": {"subjectContains": ["x"]}, "actions": {"markAsRead": True}}


def test_tasks_are_read_with_their_parts(client: Client, control: ControlClient, adele: str) -> None:
    task = control.add_task(adele, TASK)
    (tasks,) = client.all(f"/users/{adele}/todo/lists")
    assert tasks["wellknownListName"] == "defaultList"
    path = f"/users/{adele}/todo/lists/{tasks['id']}/tasks"
    (listed,) = client.all(path)
    assert (listed["id"], listed["title"], listed["dueDateTime"], listed["hasAttachments"]) == (task, "Heating", TASK["dueDateTime"], True)
    assert "checklistItems" not in listed
    read = client.page(f"{path}/{task}?$expand=checklistItems,linkedResources")
    assert (read["checklistItems"][0]["displayName"], read["checklistItems"][0]["isChecked"]) == ("Call", False)
    assert read["linkedResources"][0]["webUrl"] == "https://example.com"
    (attachment,) = client.all(f"{path}/{task}/attachments")
    assert "contentBytes" not in attachment
    assert client.get(f"{path}/{task}/attachments/{attachment['id']}/$value").body == b"hello"
    assert client.page(f"{path}/{task}/attachments/{attachment['id']}")["contentBytes"] == "aGVsbG8="


def test_deltas_follow_lists_and_tasks(client: Client, control: ControlClient, adele: str) -> None:
    task = control.add_task(adele, TASK)
    default = control.task_lists(adele)[0]["id"]
    _entries, lists = client.round(f"/users/{adele}/todo/lists/delta")
    entries, tasks = client.round(f"/users/{adele}/todo/lists/{default}/tasks/delta")
    assert [one["title"] for one in entries] == ["Heating"]
    home = control.add_task_list(adele, "Home")
    control.update_task(adele, task, status="completed")
    assert [one["id"] for one in client.round(lists)[0]] == [home]
    entries, tasks = client.round(tasks)
    assert [one["status"] for one in entries] == ["completed"]
    control.delete_task(adele, task)
    assert client.round(tasks)[0] == [{"@odata.type": "#microsoft.graph.todoTask", "id": task, "@removed": {"reason": "deleted"}}]


def test_no_app_may_write_tasks_and_one_without_the_permission_not_read_them(client: Client, control: ControlClient, adele: str) -> None:
    assert client.call("POST", f"/users/{adele}/todo/lists", {"displayName": "x"}).status == 403
    app = control.add_app(roles=["Mail.Read"])
    token = client.log_in(client_id=app["client_id"], client_secret=app["client_secret"])
    assert client.get(f"/users/{adele}/todo/lists", token=token).code == "ErrorAccessDenied"


def test_there_is_no_to_do_in_china(client: Client, control: ControlClient, adele: str) -> None:
    scope = {"login": "https://login.partner.microsoftonline.cn", "scope": "https://microsoftgraph.chinacloudapi.cn/.default"}
    token = client.ask_for_token(**scope).json()["access_token"]
    china = "https://microsoftgraph.chinacloudapi.cn/v1.0"
    assert client.get(f"{china}/users/{adele}/todo/lists", token=token).status == 400
    assert client.get(f"{china}/users/{adele}/calendars", token=token).status == 200


def test_settings_are_changed_piece_by_piece(client: Client, adele: str) -> None:
    path = f"/users/{adele}/mailboxSettings"
    changes = {"timeZone": "Tokyo Standard Time", "automaticRepliesSetting": {"status": "alwaysEnabled", "internalReplyMessage": "away"}}
    reply = client.call("PATCH", path, changes).json()
    assert set(reply) == {"@odata.context", "timeZone", "automaticRepliesSetting"}
    replies = client.page(f"{path}/automaticRepliesSetting")
    assert (replies["status"], replies["internalReplyMessage"], replies["externalAudience"]) == ("alwaysEnabled", "away", "all")
    assert client.page(f"{path}/timeZone")["value"] == "Tokyo Standard Time"
    assert client.page(f"{path}?$select=timeZone,userPurpose").keys() == {"@odata.context", "timeZone", "userPurpose"}


@pytest.mark.parametrize(
    "changes", [{"timeZone": "Mars"}, {"userPurpose": "room"}, {"automaticRepliesSetting": {"status": "maybe"}}, {"colour": "red"}]
)
def test_a_setting_that_cannot_be_changes_nothing(client: Client, control: ControlClient, adele: str, changes: dict[str, t.Any]) -> None:
    before = control.mailbox_settings(adele)
    assert client.call("PATCH", f"/users/{adele}/mailboxSettings", {"dateFormat": "yyyy", **changes}).status == 400
    assert control.mailbox_settings(adele) == before


def test_rules_belong_to_the_inbox(client: Client, control: ControlClient, adele: str) -> None:
    path = f"/users/{adele}/mailFolders/inbox/messageRules"
    made = client.call("POST", path, RULE)
    assert (made.status, made.json()["sequence"]) == (201, 1)
    one = f"{path}/{made.json()['id']}"
    assert client.call("PATCH", one, {"isEnabled": False}).json()["isEnabled"] is False
    assert client.call("POST", path, {"displayName": "no actions"}).status == 400
    assert [rule["displayName"] for rule in client.all(path)] == ["r"]
    assert client.get(f"/users/{adele}/mailFolders/drafts/messageRules").status == 400
    assert client.call("DELETE", one).status == 204
    assert (client.get(one).code, control.rules(adele)) == ("ErrorItemNotFound", [])


def test_categories_have_names_of_their_own(client: Client, control: ControlClient, adele: str) -> None:
    path = f"/users/{adele}/outlook/masterCategories"
    made = client.call("POST", path, {"displayName": "Red", "color": "preset0"})
    assert made.status == 201
    assert client.call("POST", path, {"displayName": "red", "color": "preset1"}).status == 409
    assert client.call("POST", path, {"displayName": "Blue", "color": "navy"}).status == 400
    assert client.call("PATCH", f"{path}/{made.json()['id']}", {"color": "preset3"}).json()["color"] == "preset3"
    assert [(one["displayName"], one["color"]) for one in client.all(path)] == [("Red", "preset3")]
    assert client.call("DELETE", f"{path}/{made.json()['id']}").status == 204
    assert control.master_categories(adele) == []


def test_settings_may_be_denied_with_rules_and_categories_or_refused_for_a_time(client: Client, control: ControlClient, adele: str) -> None:
    paths = [f"/users/{adele}/{path}" for path in ("mailboxSettings", "mailFolders/inbox/messageRules", "outlook/masterCategories")]
    control.arm({"name": "settings_refused", "times": 3})
    assert [client.get(path).status for path in paths] == [403] * 3
    assert [client.get(path).status for path in paths] == [200] * 3
    control.set_mailbox_settings(adele, denied=True)
    assert [client.get(path).code for path in paths] == ["ErrorAccessDenied"] * 3
    assert client.get(f"/users/{adele}/mailFolders/inbox").status == 200


@pytest.mark.parametrize("purpose", ["shared", "room", "equipment"])
def test_a_mailbox_says_what_it_is_for_though_its_account_is_disabled(client: Client, control: ControlClient, purpose: str) -> None:
    user = control.add_user(f"{purpose}@contoso.com", account_enabled=False)
    control.set_mailbox_settings(user, user_purpose=purpose)
    assert client.page(f"/users/{user}/mailboxSettings")["userPurpose"] == purpose
    assert client.get(f"/users/{user}/calendars").status == 200
