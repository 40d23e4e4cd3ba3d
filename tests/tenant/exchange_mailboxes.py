# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mailboxes as the import/export API sees them: primaries and archives, the latter also spread over several ids (facts 8)."""

from __future__ import annotations

import typing as t
import uuid

from .call import GraphError
from .hosts import CLOUD_HOSTS
from .ids import ItemIds, RestId, stable_guid
from .mailbox import Mailbox

if t.TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from .call import Call
    from .mail_items import Folder, Message
    from .state import Tenant

_Rows = tuple[tuple[str, str, str, bool], ...]
_OTHER = "otherfolders"  # holds what the mail API does not show; the import/export API shows it below the root
_HOLDS: _Rows = (
    ("recoverableitemsversions", "Versions", "recoverableitemsroot", True),
    ("recoverableitemspurges", "Purges", "recoverableitemsroot", True),
    ("recoverableitemsdiscoveryholds", "DiscoveryHolds", "recoverableitemsroot", True),
)
_PRIMARY: _Rows = (
    *_HOLDS,
    (_OTHER, "Other folders", "", True),
    ("calendar", "Calendar", _OTHER, False),
    ("contacts", "Contacts", _OTHER, False),
    ("tasks", "Tasks", _OTHER, False),
    ("notes", "Notes", _OTHER, False),
    ("journal", "Journal", _OTHER, False),
)
_ARCHIVE: _Rows = (
    ("archivedeleteditems", "Deleted Items", "msgfolderroot", False),
    ("recoverableitemsroot", "Recoverable Items", "", True),
    ("recoverableitemsdeletions", "Deletions", "recoverableitemsroot", True),
    *_HOLDS,
)
_TYPES = {
    "calendar": "IPF.Appointment",
    "contacts": "IPF.Contact",
    "tasks": "IPF.Task",
    "notes": "IPF.StickyNote",
    "journal": "IPF.Journal",
}
_NOT_FOUND = "The specified object was not found in the store."


class ExchangeMailbox:
    """One primary or archive with ids of its own for folders and items. The first of its mailbox ids is the main one."""

    def __init__(self, mailbox: Mailbox, mailbox_ids: list[str], *, is_archive: bool) -> None:
        self.mailbox = mailbox
        self.mailbox_ids = mailbox_ids
        self.is_archive = is_archive
        self.on_hold = False
        self.held: set[int] = set()
        self.folder_properties: dict[Folder, dict[str, str]] = {}
        self.types: dict[Folder, str] = {}
        self.listing: dict[tuple[object, ...], list[Message]] = {}  # the last list, for its next pages
        self.store_guid = stable_guid("exchange", mailbox.guid)
        self.store_bytes = uuid.UUID(self.store_guid).bytes
        self._ids = ItemIds(self.store_guid)
        self._homes: dict[Folder, str] = {}

    def folder(self, key: str) -> Folder:
        """A folder by id, or in a primary by well-known name. Raises GraphError 404."""
        found = None if self.is_archive or key.lower() == _OTHER else self.mailbox.aliases.get(key.lower())
        if found is None:
            number = self._ids.read_folder(key)
            found = self.mailbox.folders.get(number) if number is not None else None
        if found is None or found.deleted:
            raise GraphError(404, "ErrorItemNotFound", _NOT_FOUND)
        return found

    def folder_id(self, folder: Folder) -> str:
        return self._ids.folder(folder.number)

    def item(self, key: str) -> Message:
        """An item by its id, which changes with each move. Raises GraphError 404 (400 for text that is no id)."""
        place = self._ids.read_message(key)
        if not isinstance(place, RestId):
            raise GraphError(400, "ErrorInvalidIdMalformed", "Id is malformed.")
        message = self.mailbox.messages.get(place.message)
        if message is None or (place.folder, place.arrived) != (message.folder.number, message.arrived):
            raise GraphError(404, "ErrorItemNotFound", _NOT_FOUND)
        return message

    def item_id(self, message: Message) -> str:
        return self.item_id_at(message.folder, message.arrived, message.number)

    def item_id_at(self, folder: Folder, arrived: int, number: int) -> str:
        """The id that an item had at an earlier place."""
        return self._ids.rest(folder.number, arrived, number)

    def children(self, folder: Folder) -> list[Folder]:
        """Folders directly below one, calendars and the like included."""
        if folder is self.mailbox.root and _OTHER in self.mailbox.aliases:
            return folder.children + self.mailbox.aliases[_OTHER].children
        return folder.children

    def tree(self) -> Iterator[Folder]:
        """All folders below the root, parents first."""
        waiting = list(self.children(self.mailbox.root))
        while waiting:
            folder = waiting.pop(0)
            yield folder
            waiting.extend(folder.children)

    def content(self, folder: Folder) -> Collection[Message]:
        """What lists of a folder show; in a search folder that is what lies unread in others."""
        if folder.filter_query is None:
            return folder.messages.values()
        places = (other for other in self.tree() if other.filter_query is None)
        return [message for other in places for message in other.messages.values() if not message.is_read]

    def parent(self, folder: Folder) -> Folder:
        """The folder above; the root is above itself."""
        if folder.parent is None or folder.parent.alias == _OTHER:
            return self.mailbox.root
        return folder.parent

    def add_folder(self, name: str, parent: Folder, folder_type: str, *, hidden: bool = False) -> Folder:
        """A new folder; one that is not for mail stays out of the mail API's sight. Raises GraphError 409."""
        if any(child.name.casefold() == name.casefold() for child in self.children(parent)):
            raise GraphError(409, "ErrorFolderExists", "A folder with the specified name already exists.")
        other = parent is self.mailbox.root and not folder_type.startswith("IPF.Note") and not self.is_archive
        folder = self.mailbox.add_folder(name, self.mailbox.aliases[_OTHER] if other else parent, hidden=hidden)
        self.types[folder] = folder_type
        return folder

    def type_of(self, folder: Folder) -> str:
        above: Folder | None = folder
        while above is not None and above not in self.types and above.alias not in _TYPES:
            above = above.parent
        return "IPF.Note" if above is None else self.types.get(above) or _TYPES[str(above.alias)]

    def well_known_name(self, folder: Folder) -> str | None:
        """Archives have one only, and it cannot be used in place of an id."""
        if self.is_archive:
            return folder.alias if folder.alias == "archivedeleteditems" else None
        return folder.alias

    def home(self, folder: Folder) -> str:
        """The mailbox id under which a folder can be read."""
        above: Folder | None = folder
        while above is not None:
            if above in self._homes:
                return self._homes[above]
            above = above.parent
        return self.mailbox_ids[0]

    def set_home(self, folder: Folder, mailbox_id: str) -> None:
        """Moves the content of a folder, and of those below it, to another of the mailbox ids."""
        self._homes[folder] = mailbox_id

    def is_held(self, message: Message) -> bool:
        return self.on_hold or message.number in self.held


class Place(t.NamedTuple):
    """What a call names: a mailbox, and which of its ids."""

    exchange: ExchangeMailbox
    mailbox_id: str


class ExchangeMailboxes:
    """All mailboxes of the tenant by their mailbox ids."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self._archives: dict[str, ExchangeMailbox] = {}
        self._primaries: dict[str, ExchangeMailbox] = {}
        self._places: dict[str, tuple[str, Place]] = {}

    def primary_id(self, mailbox: Mailbox) -> str:
        return self._mailbox_id(mailbox.guid)

    def primary(self, mailbox: Mailbox) -> ExchangeMailbox:
        """The mailbox that the mail API shows, as this API sees it."""
        known = self._primaries.get(mailbox.owner_id)
        if known is None or known.mailbox is not mailbox:
            mailbox.add_well_known(_PRIMARY, {})
            known = ExchangeMailbox(mailbox, [self.primary_id(mailbox)], is_archive=False)
            self._primaries[mailbox.owner_id] = known
            self._note(mailbox.owner_id, known)
        return known

    def archive(self, owner_id: str) -> ExchangeMailbox | None:
        return self._archives.get(owner_id)

    def create_archive(self, owner_id: str, auxiliaries: int) -> ExchangeMailbox:
        """Gives a user an archive (or the one that is there), with that many auxiliary mailbox ids."""
        archive = self._archives.get(owner_id)
        if archive is None:
            mailbox = Mailbox(f"{owner_id}/archive", well_known=_ARCHIVE)
            archive = ExchangeMailbox(mailbox, [self._mailbox_id(mailbox.guid)], is_archive=True)
            self._archives[owner_id] = archive
        while len(archive.mailbox_ids) <= auxiliaries:
            number = len(archive.mailbox_ids)
            archive.mailbox_ids.append(self._mailbox_id(stable_guid("auxiliary", archive.mailbox.guid, number)))
        self._note(owner_id, archive)
        return archive

    def remove_archive(self, owner_id: str) -> None:
        archive = self._archives.pop(owner_id)
        for mailbox_id in archive.mailbox_ids:
            del self._places[mailbox_id.lower()]

    def find(self, mailbox_id: str) -> Place | None:
        """The mailbox behind an id, in whatever state it is."""
        key = mailbox_id.lower()
        owner_id, place = self._places.get(key, ("", None))
        owned = self._tenant.mailboxes.get(owner_id)
        if place is not None and owned is not None and (place.exchange.is_archive or place.exchange.mailbox is owned):
            return place
        for mailbox in self._tenant.mailboxes.values():
            if self.primary_id(mailbox).lower() == key:
                return Place(self.primary(mailbox), self.primary_id(mailbox))
        return None

    def at(self, call: Call) -> Place:
        """The mailbox that a call names, in working order. Raises GraphError."""
        if call.host not in GLOBAL_HOSTS:
            raise not_in_this_cloud("mailboxes")
        key = call.values["mbx"]
        place = self.find(key)
        if place is None:
            raise GraphError(404, "ErrorItemNotFound", f"The mailbox '{key}' was not found.")
        self._tenant.refuse_in_state(place.exchange.mailbox, key)
        return place

    def scope(self, mailbox_id: str) -> str:
        """Where limits are counted: a primary with the rest of the user's mailbox, each part of an archive by itself."""
        place = self.find(mailbox_id)
        if place is None:
            return mailbox_id.lower()
        return place.mailbox_id if place.exchange.is_archive else place.exchange.mailbox.owner_id

    def _note(self, owner_id: str, exchange: ExchangeMailbox) -> None:
        for mailbox_id in exchange.mailbox_ids:
            self._places[mailbox_id.lower()] = (owner_id, Place(exchange, mailbox_id))

    def _mailbox_id(self, guid: str) -> str:
        return f"MBX:{guid}@{self._tenant.tenant_id}"


GLOBAL_HOSTS = frozenset({CLOUD_HOSTS[0].graph})


def not_in_this_cloud(segment: str) -> GraphError:
    """How the national clouds, which do not have this API, answer."""
    return GraphError(400, "BadRequest", f"Resource not found for the segment '{segment}'.")
