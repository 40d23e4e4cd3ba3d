# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a mailbox holds beside mail: calendars with events, contact folders with contacts, task lists with tasks. Knows nothing of HTTP.

Versions, item numbers and container numbers are the mailbox's own, so that ids and delta tokens work as they do for mail.
"""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from .call import GraphError
from .ids import stable_guid
from .journal import Change, Journal
from .mail_items import now

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from .attachment_store import Attachment
    from .mailbox import Mailbox

Json = dict[str, t.Any]


@dataclasses.dataclass(slots=True, eq=False)
class Photo:
    """The picture of a contact."""

    content: bytes
    content_type: str


@dataclasses.dataclass(slots=True, eq=False)
class ChangedOccurrence:
    """An occurrence that differs from its series: its own properties, and its own attachments."""

    properties: Json
    attachments: list[Attachment]
    modified: datetime.datetime
    revision: int = 0


@dataclasses.dataclass(slots=True, eq=False)
class Item:
    """An event, a contact or a task: what was set by JSON, and the state beside it."""

    number: int
    container: Container
    arrived: int
    changed: int
    created: datetime.datetime
    modified: datetime.datetime
    properties: Json
    attachments: list[Attachment] = dataclasses.field(default_factory=list)
    next_attachment: int = 1
    photo: Photo | None = None
    extended: dict[str, str] | None = None
    exceptions: dict[datetime.date, ChangedOccurrence] | None = None  # of a series, by the day on which the series has it
    cancelled: set[datetime.date] | None = None
    former: list[Json] | None = None  # recurrences that a series had before: delta must name the occurrences that went with them
    attach_refusals: int = 0


@dataclasses.dataclass(slots=True, eq=False)
class Container:
    """A calendar, a contact folder or a task list."""

    number: int
    id: str
    name: str
    parent: Container | None
    is_default: bool
    properties: Json
    changed: int = 0
    deleted: bool = False
    items: dict[int, Item] = dataclasses.field(default_factory=dict)
    removed: dict[int, Item] = dataclasses.field(default_factory=dict)  # what left: delta must name its occurrences
    children: list[Container] = dataclasses.field(default_factory=list)
    journal: Journal = dataclasses.field(default_factory=Journal)


class Section:
    """All containers of one kind with their items."""

    def __init__(self, mailbox: Mailbox, default_name: str, alias: str) -> None:
        self.mailbox = mailbox
        self.alias = alias
        self.containers: dict[int, Container] = {}
        self.items: dict[int, Item] = {}
        self.journal = Journal()
        self.default = self._new_container(default_name, None, {}, is_default=True)

    # Containers

    def container(self, key: str) -> Container:
        """A container by id, or the default one by its alias. Raises GraphError 404."""
        if key.lower() == self.alias:
            return self.default
        number = self.mailbox.ids.read_folder(key)
        container = self.containers.get(number) if number is not None else None
        if container is None or container.deleted:
            raise not_found()
        return container

    def living(self) -> Iterator[Container]:
        """Containers that are there, in the order of their making."""
        return (container for container in self.containers.values() if not container.deleted)

    def add_container(self, name: str, parent: Container | None = None, **properties: t.Any) -> Container:
        return self._new_container(name, parent, properties, is_default=False)

    def touch_container(self, container: Container) -> None:
        self._note(container, Change.UPDATED)

    def delete_container(self, container: Container) -> None:
        """Deletes a container, all below it, and their items, for good."""
        for child in list(container.children):
            self.delete_container(child)
        for item in list(container.items.values()):
            self.remove(item)
        if container.parent is not None:
            container.parent.children.remove(container)
        container.deleted = True
        self._note(container, Change.REMOVED)

    # Items

    def add(self, container: Container, properties: Json) -> Item:
        version = self.mailbox.tick()
        moment = now()
        item = Item(self.mailbox.take_item_number(), container, version, version, moment, moment, properties)
        self.items[item.number] = item
        self._enter(item, container, version)
        return item

    def item(self, key: str) -> Item:
        """An item by either form of its id, or the series of an occurrence. Raises GraphError 404 (400 for text that is no id)."""
        place = self.mailbox.ids.read_item(key)
        if place is None:
            raise GraphError(400, "ErrorInvalidIdMalformed", "Id is malformed.")
        item = self.items.get(place.number)
        if item is None or (place.rest is not None and (place.rest.folder, place.rest.arrived) != (item.container.number, item.arrived)):
            raise not_found()
        return item

    def item_id(self, item: Item, *, immutable: bool) -> str:
        if immutable:
            return self.mailbox.ids.immutable(item.number)
        return self.mailbox.ids.rest(item.container.number, item.arrived, item.number)

    def touch(self, item: Item) -> None:
        """Notes that an item changed."""
        item.changed = self.mailbox.tick()
        item.modified = now()
        item.container.journal.append(item.changed, item.number, Change.UPDATED)

    def move(self, item: Item, container: Container) -> None:
        self._leave(item)
        self._enter(item, container, self.mailbox.tick())

    def remove(self, item: Item) -> None:
        self._leave(item)
        del self.items[item.number]

    def _new_container(self, name: str, parent: Container | None, properties: Json, *, is_default: bool) -> Container:
        number = self.mailbox.take_folder_number()
        container = Container(number, self.mailbox.ids.folder(number), name, parent, is_default, properties)
        self.containers[number] = container
        if parent is not None:
            parent.children.append(container)
        self._note(container, Change.ADDED)
        return container

    def _note(self, container: Container, change: Change) -> None:
        container.changed = self.mailbox.tick()
        self.journal.append(container.changed, container.number, change)

    def _enter(self, item: Item, container: Container, version: int) -> None:
        item.container = container
        item.arrived = item.changed = version
        container.items[item.number] = item
        container.removed.pop(item.number, None)
        container.journal.append(version, item.number, Change.ADDED)

    def _leave(self, item: Item) -> None:
        container = item.container
        container.removed[item.number] = container.items.pop(item.number)
        container.journal.append(self.mailbox.tick(), item.number, Change.REMOVED)


class Sections:
    """The sections of one mailbox, and the lists that belong to no container."""

    def __init__(self, mailbox: Mailbox) -> None:
        self.mailbox = mailbox
        self.calendars = Section(mailbox, "Calendar", "calendar")
        self.contacts = Section(mailbox, "Contacts", "contacts")
        self.tasks = Section(mailbox, "Tasks", "tasks")
        self.calendar_groups: dict[str, str] = {stable_guid("calendargroup", mailbox.guid): "My Calendars"}
        self.rules: dict[str, Json] = {}
        self.categories: dict[str, Json] = {}
        self.settings: Json = {}
        self.transactions: dict[str, int] = {}

    def item_number(self, key: str) -> int:
        """The number of an event, a contact or a task. Raises GraphError 404."""
        for section in (self.calendars, self.contacts, self.tasks):
            try:
                return section.item(key).number
            except GraphError:
                continue
        raise not_found()

    def item_id(self, number: int, *, immutable: bool) -> str | None:
        """The id of an item by its number, or None."""
        for section in (self.calendars, self.contacts, self.tasks):
            item = section.items.get(number)
            if item is not None:
                return section.item_id(item, immutable=immutable)
        return None


def not_found() -> GraphError:
    return GraphError(404, "ErrorItemNotFound", "The specified object was not found in the store.")
