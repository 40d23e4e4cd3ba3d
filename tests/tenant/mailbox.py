# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""State of one mailbox: folders, messages, versions and journals. Knows nothing of HTTP."""

from __future__ import annotations

import functools
import typing as t

from .call import GraphError
from .ids import ItemIds, RestId, stable_guid
from .journal import Change, Journal
from .mail_items import WELL_KNOWN, Folder, MailboxState, Message, now
from .sections import Sections

if t.TYPE_CHECKING:
    import datetime
    from collections.abc import Iterator, Mapping, Sequence

    from .bodies import Body


class Mailbox:
    """One mailbox with its folder tree. C(version) counts its changes; C(generation) numbers its live sync states."""

    def __init__(
        self,
        owner_id: str,
        *,
        folder_names: Mapping[str, str] | None = None,
        well_known: Sequence[tuple[str, str, str, bool]] = WELL_KNOWN,
    ) -> None:
        self.owner_id = owner_id
        self.guid = stable_guid("mailbox", owner_id)
        self.ids = ItemIds(self.guid)
        self.state = MailboxState.OK
        self.settings_denied = False
        self.user_purpose = "user"
        self.version = 0
        self.generation = 150
        self.oldest_generation = 150
        self.folders: dict[int, Folder] = {}
        self.aliases: dict[str, Folder] = {}
        self.messages: dict[int, Message] = {}
        self.journal = Journal()
        self._next_folder = 1
        self._next_message = 1
        self.root = self._new_folder("Top of Information Store", None, alias="msgfolderroot")
        self.add_well_known(well_known, folder_names or {})

    @functools.cached_property
    def sections(self) -> Sections:
        """Calendars, contacts and tasks, made when they are first asked for."""
        return Sections(self)

    def tick(self) -> int:
        """The version of a change that is made just here."""
        return self._tick()

    def take_item_number(self) -> int:
        """A number for an item; messages, events, contacts and tasks share them."""
        number = self._next_message
        self._next_message += 1
        return number

    def take_folder_number(self) -> int:
        """A number for a container; mail folders and all others share them."""
        number = self._next_folder
        self._next_folder += 1
        return number

    def item_number(self, key: str) -> int:
        """The number of any item by either form of its id. Raises GraphError."""
        place = self.ids.read_item(key)
        if place is not None and place.number not in self.messages:
            return self.sections.item_number(key)
        return self.message(key).number

    def item_id(self, number: int, *, immutable: bool) -> str | None:
        """The id of any item by its number, or None."""
        if number in self.messages:
            return self.message_id(self.messages[number], immutable=immutable)
        return self.sections.item_id(number, immutable=immutable)

    # Folders

    def add_well_known(self, rows: Sequence[tuple[str, str, str, bool]], names: Mapping[str, str]) -> None:
        """Makes folders with aliases, from rows like those of C(WELL_KNOWN) and names by alias."""
        for alias, english, parent, hidden in rows:
            self._new_folder(names.get(alias, english), self.aliases.get(parent), alias=alias, hidden=hidden)

    def folder(self, key: str) -> Folder:
        """A folder by id or well-known alias. Raises GraphError 404."""
        folder = self.aliases.get(key.lower())
        if folder is None:
            number = self.ids.read_folder(key)
            folder = self.folders.get(number) if number is not None else None
        if folder is None or folder.deleted:
            raise GraphError(404, "ErrorItemNotFound", "The specified object was not found in the store.")
        return folder

    def add_folder(
        self, name: str, parent: Folder, *, hidden: bool = False, filter_query: str | None = None, unique: bool = True
    ) -> Folder:
        """A new folder. Raises GraphError 409 if the name is taken and must be unique."""
        if unique and any(child.name.casefold() == name.casefold() for child in parent.children):
            raise GraphError(409, "ErrorFolderExists", "A folder with the specified name already exists.")
        return self._new_folder(name, parent, hidden=hidden, filter_query=filter_query)

    def rename_folder(self, folder: Folder, name: str) -> None:
        folder.name = name
        self._note_folder(folder, Change.UPDATED)

    def move_folder(self, folder: Folder, parent: Folder) -> None:
        if folder.parent is not None:
            folder.parent.children.remove(folder)
        folder.parent = parent
        parent.children.append(folder)
        self._note_folder(folder, Change.UPDATED)

    def delete_folder(self, folder: Folder) -> None:
        """Deletes a folder, all below it, and their messages, for good."""
        for child in list(folder.children):
            self.delete_folder(child)
        for message in list(folder.messages.values()):
            self.remove(message)
        if folder.parent is not None:
            folder.parent.children.remove(folder)
        folder.deleted = True
        if folder.alias is not None:
            del self.aliases[folder.alias]
        self._note_folder(folder, Change.REMOVED)

    def visible_tree(self, *, hidden: bool = False) -> Iterator[Folder]:
        """All folders below the visible root, parents first."""
        waiting = list(self.root.children)
        while waiting:
            folder = waiting.pop(0)
            if folder.hidden and not hidden:
                continue
            yield folder
            waiting.extend(folder.children)

    # Messages

    def add_message(
        self,
        folder: Folder,
        body: Body,
        received: datetime.datetime,
        *,
        is_read: bool = False,
        is_draft: bool = False,
        flagged: bool = False,
        categories: tuple[str, ...] = (),
    ) -> Message:
        version = self._tick()
        number = self.take_item_number()
        message = Message(
            number,
            folder,
            version,
            version,
            body,
            received,
            received,
            received,
            is_read=is_read,
            is_draft=is_draft,
            flagged=flagged,
            categories=categories,
        )
        self.messages[number] = message
        self._enter(message, folder, version)
        return message

    def message(self, key: str) -> Message:
        """A message by either form of id. Raises GraphError 404 (400 for text that is no id)."""
        place = self.ids.read_message(key)
        if place is None:
            raise GraphError(400, "ErrorInvalidIdMalformed", "Id is malformed.")
        number = place.message if isinstance(place, RestId) else place
        message = self.messages.get(number)
        if message is None or (isinstance(place, RestId) and (place.folder, place.arrived) != (message.folder.number, message.arrived)):
            raise GraphError(404, "ErrorItemNotFound", "The specified object was not found in the store.")
        return message

    def message_id(self, message: Message, *, immutable: bool) -> str:
        if immutable:
            return self.ids.immutable(message.number)
        return self.ids.rest(message.folder.number, message.arrived, message.number)

    def move(self, message: Message, folder: Folder) -> None:
        self._leave(message)
        self._enter(message, folder, self._tick())

    def remove(self, message: Message) -> None:
        """Takes a message out of the mailbox for good."""
        self._leave(message)
        del self.messages[message.number]

    def touch(self, message: Message) -> None:
        """Notes that the message itself changed."""
        message.changed = self._tick()
        message.modified = now()
        message.folder.journal.append(message.changed, message.number, Change.UPDATED)

    def set_read(self, message: Message, is_read: bool) -> None:
        """Sets the read mark, which by itself is no modification (facts 2)."""
        if message.is_read == is_read:
            return
        message.is_read = is_read
        message.folder.unread += -1 if is_read else 1
        message.changed = self._tick()
        message.folder.journal.append(message.changed, message.number, Change.READ)

    def in_order(self, folder: Folder) -> list[Message]:
        """Messages of a folder, newest received first."""
        if folder.sorted_at != self.version:
            folder.sorted_messages = sorted(folder.messages.values(), key=lambda message: (message.received, message.number), reverse=True)
            folder.sorted_at = self.version
        return folder.sorted_messages

    def expire_cursors(self) -> None:
        """Forgets every sync state handed out so far."""
        self.generation += 7
        self.oldest_generation = self.generation

    def _new_folder(
        self, name: str, parent: Folder | None, *, alias: str | None = None, hidden: bool = False, filter_query: str | None = None
    ) -> Folder:
        number = self.take_folder_number()
        folder = Folder(number, self.ids.folder(number), name, parent, alias, hidden, filter_query)
        self.folders[number] = folder
        if alias is not None:
            self.aliases[alias] = folder
        if parent is not None:
            parent.children.append(folder)
        self._note_folder(folder, Change.ADDED)
        return folder

    def _note_folder(self, folder: Folder, change: Change) -> None:
        folder.changed = self._tick()
        self.journal.append(folder.changed, folder.number, change)

    def _enter(self, message: Message, folder: Folder, version: int) -> None:
        message.folder = folder
        message.arrived = message.changed = version
        folder.messages[message.number] = message
        folder.unread += not message.is_read
        folder.journal.append(version, message.number, Change.ADDED)

    def _leave(self, message: Message) -> None:
        folder = message.folder
        del folder.messages[message.number]
        folder.unread -= not message.is_read
        folder.journal.append(self._tick(), message.number, Change.REMOVED)

    def _tick(self) -> int:
        self.version += 1
        return self.version
