# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Control over archives and items of every kind: what administrators, retention and Outlook do."""

from __future__ import annotations

import datetime
import typing as t

from .call import GraphError
from .exchange_export import export_stream
from .exchange_import import put_item
from .exchange_items import item_class, item_head, search_key, store_size
from .fts import SUBJECT, read_stream
from .fts_kinds import KINDS, make_item

if t.TYPE_CHECKING:
    from .exchange_mailboxes import ExchangeMailbox
    from .mail_items import Folder, Message
    from .mailbox import Mailbox
    from .state import Tenant

FolderKey = str | list[str]


class ExchangeControl:
    """Archives, folders of every type, items as export streams. A mailbox is named by user or by mailbox id."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    def create_archive(self, user: str, auxiliaries: int = 0) -> dict[str, t.Any]:
        """Gives a user an archive; with C(auxiliaries) it is one that was expanded."""
        archive = self._tenant.exchange.create_archive(self._owner(user).owner_id, auxiliaries)
        return {"archive": archive.mailbox_ids[0], "auxiliaries": archive.mailbox_ids[1:]}

    def remove_archive(self, user: str) -> None:
        self._tenant.exchange.remove_archive(self._owner(user).owner_id)

    def exchange_ids(self, user: str) -> dict[str, t.Any]:
        """The mailbox ids of a user."""
        mailbox = self._owner(user)
        archive = self._tenant.exchange.archive(mailbox.owner_id)
        ids = archive.mailbox_ids if archive is not None else [None]
        return {"primary": self._tenant.exchange.primary_id(mailbox), "archive": ids[0], "auxiliaries": ids[1:]}

    def create_exchange_folder(
        self, mailbox: str, name: str, parent: FolderKey = "msgfolderroot", folder_type: str = "IPF.Note", hidden: bool = False
    ) -> str:
        """A folder of any type; gives its id in the import/export API."""
        exchange = self._exchange(mailbox)
        return exchange.folder_id(exchange.add_folder(name, self._folder(exchange, parent), folder_type, hidden=hidden))

    def expand_folder(self, mailbox: str, folder: FolderKey, auxiliary: int = 1) -> str:
        """Moves the content of an archive's folder to an auxiliary mailbox (0: back to the main one); gives the mailbox id."""
        exchange = self._exchange(mailbox)
        exchange.set_home(self._folder(exchange, folder), exchange.mailbox_ids[auxiliary])
        return exchange.mailbox_ids[auxiliary]

    def add_item(
        self,
        mailbox: str,
        folder: FolderKey,
        kind: str,
        subject: str,
        text: str = "",
        moment: str | None = None,
        facts: dict[str, t.Any] | None = None,
    ) -> str:
        """An item that is no mail; gives its id in the import/export API."""
        if kind not in KINDS:
            raise ValueError(f"there is no kind {kind!r} of items; there are {', '.join(KINDS)}")
        exchange = self._exchange(mailbox)
        when = _moment(moment) if moment else datetime.datetime(2026, 11, 1, 9, tzinfo=datetime.timezone.utc)
        message = put_item(exchange, self._folder(exchange, folder), make_item(kind, subject, text, when, facts or {}))
        message.created = message.modified = when.replace(microsecond=0)
        return exchange.item_id(message)

    def put_stream(self, mailbox: str, folder: FolderKey, stream: bytes) -> str:
        """An item from an export stream; gives its id in the import/export API."""
        exchange = self._exchange(mailbox)
        return exchange.item_id(put_item(exchange, self._folder(exchange, folder), read_stream(stream)))

    def stream(self, mailbox: str, item: str) -> bytes:
        """The export stream of an item."""
        exchange = self._exchange(mailbox)
        return export_stream(exchange, exchange.item(item))

    def exchange_items(self, mailbox: str, folder: FolderKey | None = None) -> list[dict[str, t.Any]]:
        """What lies in a mailbox or a folder, by the ids of the import/export API."""
        exchange = self._exchange(mailbox)
        found = exchange.mailbox.messages.values() if folder is None else self._folder(exchange, folder).messages.values()
        visible = set(exchange.tree())
        return [_line(exchange, message, visible) for message in found]

    def exchange_folders(self, mailbox: str) -> list[dict[str, t.Any]]:
        """The visible tree of a mailbox, by the ids of the import/export API."""
        exchange = self._exchange(mailbox)
        return [
            {
                "id": exchange.folder_id(folder),
                "name": folder.name,
                "path": _path(exchange, folder),
                "type": exchange.type_of(folder),
                "home": exchange.home(folder),
                "hidden": folder.hidden,
                "total": len(folder.messages),
            }
            for folder in exchange.tree()
        ]

    def hold(self, mailbox: str, items: list[str] | None = None, on: bool = True) -> None:
        """Puts a mailbox, or single items, on hold: they cannot be deleted for good."""
        exchange = self._exchange(mailbox)
        if items is None:
            exchange.on_hold = on
            return
        numbers = {exchange.item(item).number for item in items}
        exchange.held = exchange.held | numbers if on else exchange.held - numbers

    def _owner(self, user: str) -> Mailbox:
        entry = self._tenant.directory.user_by_address(user)
        mailbox = self._tenant.mailboxes.get(entry.id)
        if mailbox is None:
            raise ValueError(f"{user} has no mailbox")
        return mailbox

    def _exchange(self, key: str) -> ExchangeMailbox:
        if not key.upper().startswith("MBX:"):
            return self._tenant.exchange.primary(self._owner(key))
        place = self._tenant.exchange.find(key)
        if place is None:
            raise ValueError(f"there is no mailbox {key}")
        return place.exchange

    def _folder(self, exchange: ExchangeMailbox, key: FolderKey) -> Folder:
        if isinstance(key, str):
            found = exchange.mailbox.aliases.get(key.lower())
            if found is not None:
                return found
            try:
                return exchange.folder(key)
            except GraphError:
                return _child(exchange, exchange.mailbox.root, key)
        folder = exchange.mailbox.root
        for position, name in enumerate(key):
            folder = exchange.mailbox.aliases[name] if not position and name in exchange.mailbox.aliases else _child(exchange, folder, name)
        return folder


def _child(exchange: ExchangeMailbox, folder: Folder, name: str) -> Folder:
    for child in exchange.children(folder):
        if child.name == name:
            return child
    raise ValueError(f"there is no folder {name!r} in {'/'.join(folder.path()) or 'the root'}")


def _path(exchange: ExchangeMailbox, folder: Folder) -> list[str]:
    names: list[str] = []
    while folder is not exchange.mailbox.root:
        names.append(folder.name)
        folder = exchange.parent(folder)
    return names[::-1]


def _line(exchange: ExchangeMailbox, message: Message, visible: set[Folder]) -> dict[str, t.Any]:
    return {
        "id": exchange.item_id(message),
        "message_id": exchange.mailbox.ids.immutable(message.number),
        "folder_id": exchange.folder_id(message.folder),
        "folder_path": _path(exchange, message.folder) if message.folder in visible else message.folder.path(),
        "type": item_class(message),
        "subject": item_head(exchange, message).get(SUBJECT, ""),
        "is_read": message.is_read,
        "size": store_size(message),
        "search_key": search_key(exchange, message).hex(),
    }


def _moment(text: str) -> datetime.datetime:
    moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=datetime.timezone.utc)
