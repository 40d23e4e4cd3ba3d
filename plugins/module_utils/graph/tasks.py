# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The task lists of Microsoft To Do, to read. Permission: Tasks.Read.All; there is none for an app to write.

The service is not there in the Chinese cloud.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .bodies import Body
from .client import GraphClient
from .clouds import Cloud
from .delta import Page, delta_round, entries
from .ids import IMMUTABLE_IDS, Cursor, Fields, TaskId, TaskListId, UserId
from .limits import LimitScope
from .links import graph_path
from .paging import Listing, pages, values
from .refusals import Call
from .traffic import RequestKind

PERMISSION = "Tasks.Read.All"
_BELOW = "checklistItems,linkedResources"


@dataclasses.dataclass(frozen=True, slots=True)
class TaskList:
    id: TaskListId
    name: str


def has_tasks(cloud: Cloud) -> bool:
    """Whether the service exists in a cloud."""
    return cloud.name != "china"


def list_task_lists(client: GraphClient, user_id: UserId) -> list[TaskList]:
    call = _call(user_id, RequestKind.FOLDERS, f"Listing the task lists of user {user_id}")
    listing = Listing(target=graph_path("users", user_id, "todo", "lists"), prefer=(IMMUTABLE_IDS,), page_size=100)
    return [TaskList(TaskListId(str(fields["id"])), str(fields.get("displayName") or "")) for fields in values(client, call, listing)]


def task_changes(
    client: GraphClient, user_id: UserId, list_id: TaskListId, cursor: Cursor | None, *, page_size: int = 200
) -> t.Iterator[Page]:
    """Tasks of one list that came, changed or went.

    :raises CursorLost, DeltaUnavailable, NotFound: as L(delta_round) says.
    """
    call = _call(user_id, RequestKind.DELTA, f"Asking for changed tasks in list {list_id} of user {user_id}")
    target = graph_path("users", user_id, "todo", "lists", list_id, "tasks", "delta")
    return delta_round(client, call, Listing(target=target, prefer=(IMMUTABLE_IDS,), page_size=page_size), cursor)


def list_tasks(client: GraphClient, user_id: UserId, list_id: TaskListId, *, page_size: int = 200) -> t.Iterator[Page]:
    """All tasks of one list by plain listing; there is never a cursor."""
    call = _call(user_id, RequestKind.MESSAGE, f"Listing the tasks in list {list_id} of user {user_id}")
    target = graph_path("users", user_id, "todo", "lists", list_id, "tasks")
    for page in pages(client, call, Listing(target=target, prefer=(IMMUTABLE_IDS,), page_size=page_size)):
        yield Page(entries(page, call))


def read_task(client: GraphClient, user_id: UserId, list_id: TaskListId, task_id: TaskId) -> Fields:
    """One task with its checklist and the things that it links to.

    :raises NotFound: it is not in this list.
    """
    call = _call(user_id, RequestKind.MESSAGE, f"Reading task {task_id} of user {user_id}", is_named=True)
    return client.get_json(call, _task_path(user_id, list_id, task_id), params={"$expand": _BELOW}, prefer=(IMMUTABLE_IDS,))


def list_task_attachments(client: GraphClient, user_id: UserId, list_id: TaskListId, task_id: TaskId) -> list[Fields]:
    """The files at a task, without their contents."""
    call = _call(user_id, RequestKind.MESSAGE, f"Listing the attachments of task {task_id} of user {user_id}", is_named=True)
    return list(values(client, call, Listing(target=_task_path(user_id, list_id, task_id, "attachments"), prefer=(IMMUTABLE_IDS,))))


def read_task_attachment(client: GraphClient, user_id: UserId, list_id: TaskListId, task_id: TaskId, attachment_id: str) -> Body:
    call = _call(user_id, RequestKind.MIME, f"Reading attachment {attachment_id} of task {task_id} of user {user_id}", is_named=True)
    path = _task_path(user_id, list_id, task_id, "attachments", attachment_id) + "/$value"
    return client.read_body(call, path, prefer=(IMMUTABLE_IDS,))


def _task_path(user_id: UserId, list_id: TaskListId, task_id: TaskId, *below: str) -> str:
    return graph_path("users", user_id, "todo", "lists", list_id, "tasks", task_id, *below)


def _call(user_id: UserId, kind: RequestKind, doing: str, *, is_named: bool = False) -> Call:
    return Call(scope=LimitScope.mailbox(user_id), kind=kind, doing=doing, permission=PERMISSION, is_named=is_named)
