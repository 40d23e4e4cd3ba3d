# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restore contacts with their photos into folders of contacts.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import json
import typing as t

from ..graph.contacts import DEFAULT_FOLDER, default_folder, list_contact_folders
from ..graph.contacts_write import (
    contacts_with_property,
    create_contact,
    create_contact_folder,
    delete_contact,
    find_contact_folder,
    put_photo,
    update_contact,
)
from ..graph.errors import GraphError
from ..graph.ids import ContactId, FolderId, UserId
from .choice import Choice, ChosenItem, Part
from .conflict import Existing
from .estimate import Estimate
from .marks import PROPERTY, UNFINISHED, Mark, mark_of

if t.TYPE_CHECKING:
    from ..backup.item_state import Folder
    from ..graph.client import GraphClient
    from ..repository.repository import Repository

Json = t.Mapping[str, t.Any]

#: What Graph lets a client set. An address that is empty is left out.
_KEPT = (
    *("fileAs", "displayName", "givenName", "initials", "middleName", "nickName", "surname", "title", "generation"),
    *("yomiGivenName", "yomiSurname", "yomiCompanyName", "jobTitle", "companyName", "department", "officeLocation", "profession"),
    *("businessHomePage", "assistantName", "manager", "mobilePhone", "spouseName", "personalNotes", "birthday", "categories"),
    *("imAddresses", "homePhones", "businessPhones", "children", "emailAddresses", "homeAddress", "businessAddress", "otherAddress"),
)
_NAMELESS = "(no name)"


class ContactsWriter:
    """A L(SourceWriter). C(top) is the name of the folder that receives everything; None for the original folders."""

    def __init__(self, repository: Repository, client: GraphClient, user: UserId, choice: Choice, top: str | None) -> None:
        self._repository = repository
        self._client = client
        self._user = user
        self._top = top
        self._state = choice.state
        self._folders = choice.folders
        self._is_own_mailbox = choice.member.id == user
        self._known: dict[tuple[FolderId | None, str], FolderId] = {}
        self._originals: dict[str, FolderId] = {}
        self._ids: set[str] | None = None
        self._default: FolderId | None = None

    def origin(self, item: ChosenItem) -> str:
        return str(item.record["id"])

    def place_of(self, item: ChosenItem, *, make: bool) -> str | None:
        if self._top is None:
            return self._original(self._folders[item.record["folder"]], make=make)
        place: FolderId | None = None
        for name in (self._top, *item.folder):
            place = self._child(place, name, make=make)
            if place is None:
                return None
        return place

    def existing(self, place: str) -> t.Iterator[Existing]:
        for fields in contacts_with_property(self._client, self._user, FolderId(place), PROPERTY):
            yield Existing(str(fields["id"]), mark_of(fields), contact_key(fields))

    def key(self, item: ChosenItem) -> str:
        return contact_key(self._document(item))

    def write(self, item: ChosenItem, place: str, mark: Mark) -> None:
        photo = next((part for part in item.parts if part.facts.get("kind") == "photo"), None)
        contact = contact_payload(self._document(item))
        properties = contact.get("singleValueExtendedProperties", [])
        building = Mark(mark.restore, mark.origin, is_whole=photo is None)
        payload = {**contact, "singleValueExtendedProperties": [*properties, building.as_property()]}
        if photo is not None:
            payload["categories"] = [*contact.get("categories", ()), UNFINISHED]
        contact_id = create_contact(self._client, self._user, FolderId(place), payload)
        if photo is None:
            return
        try:
            self._put_photo(contact_id, photo)
            done = {"singleValueExtendedProperties": [mark.as_property()], "categories": contact.get("categories", [])}
            update_contact(self._client, self._user, contact_id, done)
        except GraphError:
            # Half a contact is worse than none that is reported.
            delete_contact(self._client, self._user, contact_id)
            raise

    def remove(self, place: str, item_id: str) -> None:
        del place
        delete_contact(self._client, self._user, ContactId(item_id))

    def cost(self, item: ChosenItem) -> Estimate:
        return Estimate(1, item.node.size + sum(part.node.size for part in item.parts), 3 if item.parts else 1)

    def _put_photo(self, contact_id: ContactId, photo: Part) -> None:
        content = b"".join(self._repository.read_file(photo.node))
        told = str(photo.facts.get("type") or "")
        put_photo(self._client, self._user, contact_id, content, told if told.startswith("image/") else "image/jpeg")

    def _original(self, folder: Folder, *, make: bool) -> FolderId | None:
        if folder.id not in self._originals:
            found = self._find_original(folder, make=make)
            if found is None:
                return None
            self._originals[folder.id] = found
        return self._originals[folder.id]

    def _find_original(self, folder: Folder, *, make: bool) -> FolderId | None:
        if self._default is None:
            self._default = default_folder(self._client, self._user).id
        default = self._state.facts.well_known.get(DEFAULT_FOLDER)
        if folder.id == default:
            return self._default
        if self._is_own_mailbox and folder.id in self._all_ids():
            return FolderId(folder.id)
        parent = self._state.folders.get(folder.parent or "")
        place: FolderId | None = None
        if parent is not None and parent.id != default:
            place = self._original(parent, make=make)
            if place is None:
                return None
        return self._child(place, folder.name, make=make)

    def _all_ids(self) -> set[str]:
        if self._ids is None:
            self._ids = {folder.id for folder in list_contact_folders(self._client, self._user)}
        return self._ids

    def _child(self, parent: FolderId | None, name: str, *, make: bool) -> FolderId | None:
        name = name.strip() or _NAMELESS
        key = (parent, name.casefold())
        if key not in self._known:
            if make:
                found: FolderId | None = create_contact_folder(self._client, self._user, parent, name)
            else:
                found = find_contact_folder(self._client, self._user, parent, name)
            if found is None:
                return None
            self._known[key] = found
        return self._known[key]

    def _document(self, item: ChosenItem) -> dict[str, t.Any]:
        document: dict[str, t.Any] = json.loads(b"".join(self._repository.read_file(item.node)))
        return document


def contact_payload(contact: Json) -> dict[str, t.Any]:
    """What Graph takes to create a contact again. Pure."""
    payload = {name: contact[name] for name in _KEPT if contact.get(name) not in (None, "", [], {})}
    if "emailAddresses" in payload:
        payload["emailAddresses"] = [
            {name: each[name] for name in ("name", "address") if each.get(name)}
            for each in payload["emailAddresses"]
            if each.get("address")
        ]
    extended = [
        {"id": each["id"], "value": each["value"]}
        for each in contact.get("singleValueExtendedProperties") or ()
        if each.get("id") and each.get("value") is not None
    ]
    return {**payload, **({"singleValueExtendedProperties": extended} if extended else {})}


def contact_key(contact: Json) -> str:
    """Name and e-mail addresses; empty for a contact that has neither. Pure."""
    addresses = sorted(str(each.get("address") or "").casefold() for each in contact.get("emailAddresses") or () if each.get("address"))
    name = str(contact.get("displayName") or "").strip().casefold()
    return "\n".join((name, *addresses)) if name or addresses else ""
