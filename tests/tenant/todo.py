# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""To Do lists and tasks (facts 7.3): an app may read them; no application permission lets it write."""

from __future__ import annotations

import base64
import typing as t
from urllib.parse import quote

from .call import Answer, GraphError, json_answer
from .ids import stable_guid
from .item_delta import container_delta, item_delta
from .listing import list_answer, selected
from .odata import read_select
from .sections import not_found

if t.TYPE_CHECKING:
    from .attachment_store import Attachment
    from .call import Call
    from .mailbox import Mailbox
    from .sections import Container, Item
    from .state import Tenant

Json = dict[str, t.Any]
CHINA = "microsoftgraph.chinacloudapi.cn"
_DEFAULTS: Json = {
    "importance": "normal",
    "isReminderOn": False,
    "status": "notStarted",
    "title": "",
    "categories": [],
    "body": {"content": "", "contentType": "text"},
}
_OPTIONAL = ("dueDateTime", "startDateTime", "reminderDateTime", "completedDateTime", "recurrence")
_NAVIGATIONS = ("checklistItems", "linkedResources", "attachments")


def list_lists(tenant: Tenant, call: Call) -> Answer:
    mailbox = _mailbox(tenant, call)
    found = list(mailbox.sections.tasks.living())
    return list_answer(
        call, found, list_json, path=f"/users/{mailbox.owner_id}/todo/lists", context=f"users('{mailbox.owner_id}')/todo/lists"
    )


def get_list(tenant: Tenant, call: Call) -> Answer:
    mailbox = _mailbox(tenant, call)
    return _answer(call, mailbox, "lists", list_json(_list(mailbox, call)))


def lists_delta(tenant: Tenant, call: Call) -> Answer:
    mailbox = _mailbox(tenant, call)
    return container_delta(tenant, call, mailbox.sections.tasks, list_json, path="todo/lists/delta", kind="todoTaskList")


def list_tasks(tenant: Tenant, call: Call) -> Answer:
    mailbox = _mailbox(tenant, call)
    one = _list(mailbox, call)
    return list_answer(
        call,
        list(one.items.values()),
        lambda item: _task(mailbox, item, call),
        path=f"/users/{mailbox.owner_id}/todo/lists/{quote(one.id, safe='')}/tasks",
        context=f"users('{mailbox.owner_id}')/todo/lists('x')/tasks",
    )


def get_task(tenant: Tenant, call: Call) -> Answer:
    mailbox = _mailbox(tenant, call)
    return _answer(call, mailbox, "lists('x')/tasks", _task(mailbox, _named(mailbox, call), call))


def tasks_delta(tenant: Tenant, call: Call) -> Answer:
    mailbox = _mailbox(tenant, call)
    one = _list(mailbox, call)
    path = f"todo/lists/{quote(one.id, safe='')}/tasks/delta"
    return item_delta(tenant, call, mailbox.sections.tasks, one, lambda item: task_json(mailbox, item), path=path, kind="todoTask")


def list_parts(tenant: Tenant, call: Call) -> Answer:
    """C(GET .../checklistItems), C(.../linkedResources), C(.../attachments) of a task."""
    mailbox = _mailbox(tenant, call)
    name = call.segments[-1]
    entries = _parts(mailbox, _named(mailbox, call))[next(known for known in _NAVIGATIONS if known.lower() == name.lower())]
    path = "/" + "/".join(call.path.partition("?")[0].split("/")[2:])
    return list_answer(call, entries, dict, path=path, context=f"users('{mailbox.owner_id}')/todo/lists('x')/tasks('x')/{name}")


def get_attachment(tenant: Tenant, call: Call) -> Answer:
    """One attachment, with its content."""
    mailbox = _mailbox(tenant, call)
    item = _named(mailbox, call)
    attachment = _attachment(mailbox, item, call)
    content = base64.b64encode(attachment.content).decode()
    return json_answer({**_attachment_json(mailbox, item, attachment), "contentBytes": content})


def get_attachment_content(tenant: Tenant, call: Call) -> Answer:
    """C($value)."""
    mailbox = _mailbox(tenant, call)
    attachment = _attachment(mailbox, _named(mailbox, call), call)
    return Answer(200, attachment.content, {"content-type": "application/octet-stream"})


def refuse_write(tenant: Tenant, call: Call) -> Answer:
    """Creating, changing and deleting: for users only."""
    _mailbox(tenant, call)
    raise GraphError(403, "accessDenied", "The request is not supported for applications: no application permission allows it.")


def list_json(one: Container) -> Json:
    """A todoTaskList."""
    names = {True: "defaultList", False: str(one.properties.get("wellknownListName") or "none")}
    return {
        "@odata.etag": f'W/"{one.changed:08x}"',
        "displayName": one.name,
        "isOwner": True,
        "isShared": False,
        "wellknownListName": names[one.is_default],
        "id": one.id,
    }


def task_json(mailbox: Mailbox, item: Item) -> Json:
    """A todoTask without its parts."""
    stored = item.properties
    return {
        "@odata.etag": f'W/"{item.number:08x}{item.changed:08x}"',
        **{name: stored.get(name, default) for name, default in _DEFAULTS.items()},
        "createdDateTime": item.created.strftime("%Y-%m-%dT%H:%M:%S.0000000Z"),
        "lastModifiedDateTime": item.modified.strftime("%Y-%m-%dT%H:%M:%S.0000000Z"),
        "bodyLastModifiedDateTime": item.modified.strftime("%Y-%m-%dT%H:%M:%S.0000000Z"),
        "hasAttachments": bool(item.attachments),
        "id": mailbox.sections.tasks.item_id(item, immutable=True),
        **{name: stored[name] for name in _OPTIONAL if stored.get(name) is not None},
    }


def _task(mailbox: Mailbox, item: Item, call: Call) -> Json:
    """A task with the parts that the request expands; lists are cut to the selected properties by themselves."""
    expand = call.query.get("expand", "").lower()
    parts = {name: value for name, value in _parts(mailbox, item).items() if name.lower() in expand}
    if "task" not in call.values:
        return {**task_json(mailbox, item), **parts}
    return {**selected(task_json(mailbox, item), read_select(call)), **parts}


def _parts(mailbox: Mailbox, item: Item) -> dict[str, list[Json]]:
    def with_ids(name: str) -> list[Json]:
        return [
            {"id": stable_guid("task", mailbox.guid, item.number, name, number), **part}
            for number, part in enumerate(item.properties.get(name) or (), 1)
        ]

    return {
        "checklistItems": [{"isChecked": False, **part} for part in with_ids("checklistItems")],
        "linkedResources": with_ids("linkedResources"),
        "attachments": [_attachment_json(mailbox, item, attachment) for attachment in item.attachments],
    }


def _attachment_json(mailbox: Mailbox, item: Item, attachment: Attachment) -> Json:
    return {
        "@odata.type": "#microsoft.graph.taskFileAttachment",
        "id": mailbox.ids.attachment(item.number, attachment.number),
        "lastModifiedDateTime": item.modified.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "name": attachment.name,
        "contentType": attachment.content_type,
        "size": len(attachment.content),
    }


def _attachment(mailbox: Mailbox, item: Item, call: Call) -> Attachment:
    place = mailbox.ids.read_attachment(call.values["attachment"])
    for attachment in item.attachments:
        if place == (item.number, attachment.number):
            return attachment
    raise not_found()


def _mailbox(tenant: Tenant, call: Call) -> Mailbox:
    """Raises GraphError; the service is not offered in China."""
    if call.host == CHINA:
        raise GraphError(400, "BadRequest", "Resource not found for the segment 'todo'.")
    call.immutable_ids = True  # tasks have one form of id
    return tenant.mailbox(call)


def _list(mailbox: Mailbox, call: Call) -> Container:
    return mailbox.sections.tasks.container(call.values["list"])


def _named(mailbox: Mailbox, call: Call) -> Item:
    item = mailbox.sections.tasks.item(call.values["task"])
    if item.container is not _list(mailbox, call):
        raise not_found()
    return item


def _answer(call: Call, mailbox: Mailbox, below: str, body: Json) -> Answer:
    context = f"{call.root}/$metadata#users('{mailbox.owner_id}')/todo/{below}/$entity"
    select = read_select(call)
    return json_answer({"@odata.context": context, **(body if "task" in call.values else selected(body, select))})
