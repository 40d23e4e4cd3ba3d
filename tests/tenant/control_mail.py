# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Control over mailboxes: what people and mail servers do."""

from __future__ import annotations

import datetime
import typing as t
from pathlib import Path

from . import generator
from .bodies import FileBody, GeneratedBody, StoredBody
from .call import GraphError
from .mail_files import find_messages
from .mail_items import Folder, MailboxState, Message, now
from .mailbox import Mailbox
from .message_view import PROPERTIES, View, stamp
from .spread import spread_folders

if t.TYPE_CHECKING:
    from .state import Tenant

FolderKey = str | list[str]
MessageKeys = str | list[str]


class MailControl:
    """Folders and messages."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    def create_folder(
        self, mailbox: str, name: str, parent: FolderKey = "msgfolderroot", hidden: bool = False, search: bool = False
    ) -> str:
        box = self._mailbox(mailbox)
        query = "isRead eq false" if search else None
        return box.add_folder(name, self._folder(box, parent), hidden=hidden, filter_query=query, unique=False).id

    def rename_folder(self, mailbox: str, folder: FolderKey, name: str) -> None:
        box = self._mailbox(mailbox)
        box.rename_folder(self._folder(box, folder), name)

    def move_folder(self, mailbox: str, folder: FolderKey, parent: FolderKey) -> None:
        box = self._mailbox(mailbox)
        box.move_folder(self._folder(box, folder), self._folder(box, parent))

    def delete_folder(self, mailbox: str, folder: FolderKey) -> None:
        box = self._mailbox(mailbox)
        box.delete_folder(self._folder(box, folder))

    def folders(self, mailbox: str) -> list[dict[str, t.Any]]:
        box = self._mailbox(mailbox)
        return [_folder_line(folder) for folder in box.folders.values() if not folder.deleted]

    def deliver(
        self,
        mailbox: str,
        folder: FolderKey,
        mime: bytes,
        received: str | None = None,
        is_read: bool = False,
        is_draft: bool = False,
        flagged: bool = False,
        categories: list[str] | None = None,
    ) -> str:
        box = self._mailbox(mailbox)
        moment = _moment(received) if received else now()
        message = box.add_message(
            self._folder(box, folder),
            StoredBody(mime),
            moment,
            is_read=is_read,
            is_draft=is_draft,
            flagged=flagged,
            categories=tuple(categories or ()),
        )
        return box.ids.immutable(message.number)

    def deliver_many(self, mailbox: str, folder: FolderKey, mimes: list[bytes], received: str | None = None) -> list[str]:
        return [self.deliver(mailbox, folder, mime, received) for mime in mimes]

    def deliver_generated(
        self,
        mailbox: str,
        count: int,
        seed: int = 1,
        folder: FolderKey | None = "inbox",
        first: int = 0,
        until: str | None = None,
        years: float = 3.0,
        size_limit: int | None = None,
    ) -> list[str]:
        box = self._mailbox(mailbox)
        owner_id, _slash, archive = box.owner_id.partition("/")
        name = str(self._tenant.directory.objects[owner_id].properties["userPrincipalName"])
        seed += 1_000_003 if archive else 0  # an archive does not hold the primary's mail once more
        newest = _moment(until) if until else datetime.datetime(2026, 11, 1, tzinfo=datetime.timezone.utc)
        target = self._folder(box, folder) if folder is not None else None
        places = spread_folders(box, count, seed) if target is None else None
        ids = []
        for number in range(first, first + count):
            recipe = generator.Recipe(seed, name.lower(), number, newest, years, size_limit)
            body = GeneratedBody(recipe)
            place = target if places is None else places(number)
            if place is not None:
                message = box.add_message(place, body, body.received, is_read=number % 5 != 0)
                ids.append(box.ids.immutable(message.number))
        return ids

    def load_folder(self, mailbox: str, path: str, folder: FolderKey = "inbox") -> list[dict[str, str]]:
        """Every mail below a path of this machine; mbox files are split, .msg and other non-mail files left out."""
        box = self._mailbox(mailbox)
        target = self._folder(box, folder)
        loaded = []
        for found in find_messages(Path(path)):
            message = box.add_message(target, FileBody(found.path, found.offset, found.length), now())
            loaded.append({"source": found.name, "id": box.ids.immutable(message.number)})
        return loaded

    def move(self, mailbox: str, messages: MessageKeys, folder: FolderKey) -> None:
        box = self._mailbox(mailbox)
        target = self._folder(box, folder)
        for message in self._messages(box, messages):
            box.move(message, target)

    def delete(self, mailbox: str, messages: MessageKeys) -> None:
        """Deletes for good."""
        box = self._mailbox(mailbox)
        for message in self._messages(box, messages):
            box.remove(message)

    def update(
        self,
        mailbox: str,
        messages: MessageKeys,
        is_read: bool | None = None,
        flagged: bool | None = None,
        categories: list[str] | None = None,
        subject: str | None = None,
    ) -> None:
        box = self._mailbox(mailbox)
        for message in self._messages(box, messages):
            if is_read is not None:
                box.set_read(message, is_read)
            if flagged is not None:
                message.flagged = flagged
            if categories is not None:
                message.categories = tuple(categories)
            if subject is not None:
                message.properties = {**(message.properties or {}), "subject": subject}
            if (flagged, categories, subject) != (None, None, None):
                box.touch(message)

    def messages(self, mailbox: str, folder: FolderKey | None = None) -> list[dict[str, t.Any]]:
        box = self._mailbox(mailbox)
        found = box.messages.values() if folder is None else self._folder(box, folder).messages.values()
        return [_message_line(box, message) for message in found]

    def mime(self, mailbox: str, message: str) -> bytes:
        box = self._mailbox(mailbox)
        return box.message(message).body.read()

    def set_mailbox_state(self, mailbox: str, state: str) -> None:
        self._mailbox(mailbox).state = MailboxState(state)

    def set_mailbox_settings(self, mailbox: str, user_purpose: str | None = None, denied: bool | None = None) -> None:
        """What mailboxSettings says: user, shared, room, equipment; or that it is denied although mail is not."""
        box = self._mailbox(mailbox)
        if user_purpose is not None:
            box.user_purpose = user_purpose
        if denied is not None:
            box.settings_denied = denied

    def expire_cursors(self, mailbox: str | None = None) -> None:
        """Every link handed out so far answers 410."""
        for box in [self._mailbox(mailbox)] if mailbox is not None else self._tenant.mailboxes.values():
            box.expire_cursors()

    def _mailbox(self, key: str) -> Mailbox:
        if key.upper().startswith("MBX:"):
            place = self._tenant.exchange.find(key)
            if place is None:
                raise ValueError(f"there is no mailbox {key}")
            return place.exchange.mailbox
        entry = self._tenant.directory.user_by_address(key)
        box = self._tenant.mailboxes.get(entry.id)
        if box is None:
            raise ValueError(f"{key} has no mailbox")
        return box

    def _folder(self, box: Mailbox, key: FolderKey) -> Folder:
        if isinstance(key, str):
            try:
                return box.folder(key)
            except GraphError:
                return _child(box.root, key)
        folder = box.root
        for name in key:
            folder = box.aliases[name] if folder is box.root and name in box.aliases else _child(folder, name)
        return folder

    def _messages(self, box: Mailbox, keys: MessageKeys) -> list[Message]:
        return [box.message(key) for key in ([keys] if isinstance(keys, str) else keys)]


def _child(folder: Folder, name: str) -> Folder:
    for child in folder.children:
        if child.name == name:
            return child
    raise ValueError(f"there is no folder {name!r} in {'/'.join(folder.path()) or 'the root'}")


def _folder_line(folder: Folder) -> dict[str, t.Any]:
    return {
        "id": folder.id,
        "name": folder.name,
        "path": folder.path(),
        "parent_id": folder.parent.id if folder.parent is not None else None,
        "well_known": folder.alias,
        "hidden": folder.hidden,
        "search": folder.filter_query is not None,
        "total": len(folder.messages),
        "unread": folder.unread,
    }


def _message_line(box: Mailbox, message: Message) -> dict[str, t.Any]:
    return {
        "id": box.ids.immutable(message.number),
        "rest_id": box.message_id(message, immutable=False),
        "folder_id": message.folder.id,
        "folder_path": message.folder.path(),
        "subject": PROPERTIES["subject"](message, View(box, True, None)),
        "received": stamp(message.received),
        "is_read": message.is_read,
        "is_draft": message.is_draft,
        "flagged": message.flagged,
        "categories": list(message.categories),
        "size": message.body.size,
    }


def _moment(text: str) -> datetime.datetime:
    moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=datetime.timezone.utc)
