# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read the tasks of one member: the lists of Microsoft To Do.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from datetime import datetime

from ..graph.errors import AccessDenied, BadAnswer, GraphError, ItemUnreadable, NotFound, RequestRefused
from ..graph.ids import Cursor, TaskId, TaskListId, UserId
from ..graph.tasks import (
    has_tasks,
    list_task_attachments,
    list_task_lists,
    list_tasks,
    read_task,
    read_task_attachment,
    task_changes,
)
from ..repository.types import TreeId
from .calendar_attachments import FILE_KEY, MISSING_KEY
from .catalogue import Record
from .folder_places import FolderRound, SeenFolder, placed_folders
from .item_fields import parse_time
from .item_parts import Parts
from .item_reader import preview_items, read_items
from .item_source import Document, Found, ItemSource
from .item_state import ItemState, load_facts
from .results import Counts
from .source_read import NOT_IN_THIS_CLOUD, SourcePreview, SourceRead
from .tasks_record import task_file, task_record

if t.TYPE_CHECKING:
    from ..graph.client import GraphClient
    from ..graph.delta import Page
    from ..repository.repository import Repository
    from ..repository.writer import Writer
    from .contents import Contents

_UNREADABLE = (BadAnswer, ItemUnreadable, NotFound, RequestRefused)


def read_tasks(
    client: GraphClient,
    user: UserId,
    writer: Writer,
    base: TreeId | None,
    *,
    now: datetime,
    offer: t.Callable[[TreeId], None],
    contents: Contents | None = None,
) -> SourceRead:
    """Bring the tree of a member's tasks up to date. A cloud without To Do gives no tree, which is said.

    Raises BackupError when the tasks as a whole cannot be read.
    """
    del offer
    if not has_tasks(client.cloud):
        return SourceRead(tree=base, counts=_stored(writer, base), availability=NOT_IN_THIS_CLOUD)
    return read_items(TasksSource(client, user), writer, base, now=now, contents=contents)


def preview_tasks(client: GraphClient, user: UserId, store: Repository | Writer, base: TreeId | None, *, now: datetime) -> SourcePreview:
    """What L(read_tasks) would do. Writes nothing."""
    if not has_tasks(client.cloud):
        return SourcePreview(is_changed=False, counts=_stored(store, base), availability=NOT_IN_THIS_CLOUD)
    return preview_items(TasksSource(client, user), store, base, now=now)


class TasksSource(ItemSource):
    """Task lists as folders, tasks as items, with their checklists, linked resources and attachments."""

    word = "task"

    def __init__(self, client: GraphClient, user: UserId) -> None:
        self._client = client
        self._user = user
        self._lists: tuple[str, ...] = ()
        self._refusal: GraphError | None = None

    def folders(self, state: ItemState) -> FolderRound:
        lists = list_task_lists(self._client, self._user)
        self._lists = tuple(task_list.id for task_list in lists)
        placed, following = placed_folders((SeenFolder(task_list.id, task_list.name) for task_list in lists), state)
        return FolderRound(placed, None, following, {}, ())

    def changes(self, folder_id: str, cursor: Cursor | None) -> t.Iterator[Page]:
        return task_changes(self._client, self._user, TaskListId(folder_id), cursor)

    def listing(self, folder_id: str) -> t.Iterator[Page]:
        return list_tasks(self._client, self._user, TaskListId(folder_id))

    def look(self, item_id: str, folder_ids: t.Sequence[str]) -> Found:
        """A task is read by way of its list, so each that may have it is asked."""
        missing: NotFound | None = None
        for list_id in folder_ids or self._lists:
            try:
                task = read_task(self._client, self._user, TaskListId(list_id), TaskId(item_id))
            except NotFound as error:
                missing = error
            else:
                return Found(id=item_id, folder_id=list_id, document=dict(task))
        raise missing or NotFound(f"Task {item_id} of user {self._user} is in no list.")

    def record(self, found: Found) -> Record:
        return task_record(found.document)

    def file(self, record: Record) -> str:
        return task_file(record)

    def attach(self, found: Found, parts: Parts) -> None:
        if found.document.get("hasAttachments") is not True:
            return
        list_id, task_id = TaskListId(found.folder_id), TaskId(str(found.document["id"]))
        try:
            listed = list_task_attachments(self._client, self._user, list_id, task_id)
        except AccessDenied as error:
            # The tasks themselves are readable, so this is a limit of what an app may do, not a failure of this run.
            self._refusal = error
            found.document["attachments"] = [{MISSING_KEY: error.code}]
        else:
            found.document["attachments"] = [self._attachment(list_id, task_id, dict(fields), parts) for fields in listed]

    def left_out(self) -> tuple[str, ...]:
        return () if self._refusal is None else (f"attachments of tasks (Microsoft Graph refuses them to apps: {self._refusal.code})",)

    def _attachment(self, list_id: TaskListId, task_id: TaskId, listed: Document, parts: Parts) -> Document:
        name = str(listed.get("name") or "attachment")
        listed.pop("contentBytes", None)
        parts.names.append(name)
        key, modified = str(listed["id"]), parse_time(listed.get("lastModifiedDateTime"))
        facts = {"type": listed.get("contentType")}
        try:
            with read_task_attachment(self._client, self._user, list_id, task_id, key) as body:
                file = parts.add("attachment", name, body.chunks(), key=key, modified=modified, facts=facts)
                return {**listed, FILE_KEY: file}
        except AccessDenied as error:
            self._refusal = error
            return {**listed, MISSING_KEY: error.code}
        except _UNREADABLE as error:
            parts.fail(f"attachment {name}", error)
            return {**listed, MISSING_KEY: error.code or str(error.status or "")}


def _stored(store: Repository | Writer, base: TreeId | None) -> Counts:
    return Counts(total=0 if base is None else load_facts(store, base).items)
