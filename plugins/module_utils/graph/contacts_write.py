# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writing contacts, for restores. Permission: Contacts.ReadWrite.

A contact that is created must not be created twice, so its creation is not repeated when its outcome is unknown.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t

from .client import GraphClient
from .errors import BadAnswer, Conflict, NotFound
from .extended_properties import expand_of
from .ids import IMMUTABLE_IDS, ContactId, Fields, FolderId, UserId
from .limits import LimitScope
from .links import graph_path
from .paging import Listing, values
from .refusals import Call
from .traffic import RequestKind

PERMISSION = "Contacts.ReadWrite"
_PAGE_SIZE = 250


def find_contact_folder(client: GraphClient, user_id: UserId, parent_id: FolderId | None, name: str) -> FolderId | None:
    """The folder of that name below a parent, None for the uppermost ones; names are compared without case."""
    call = _call(user_id, f"Looking for contact folder {name!r} of user {user_id}")
    for fields in values(client, call, Listing(target=_folders(user_id, parent_id), prefer=(IMMUTABLE_IDS,), page_size=100)):
        if str(fields.get("displayName") or "").casefold() == name.casefold():
            return FolderId(str(fields["id"]))
    return None


def create_contact_folder(client: GraphClient, user_id: UserId, parent_id: FolderId | None, name: str) -> FolderId:
    """Create a folder below a parent, None for the uppermost ones, or find the one that is there."""
    call = _call(user_id, f"Creating contact folder {name!r} of user {user_id}")
    try:
        created = client.post_json(call, _folders(user_id, parent_id), {"displayName": name}, prefer=(IMMUTABLE_IDS,), is_repeatable=True)
    except Conflict:
        found = find_contact_folder(client, user_id, parent_id, name)
        if found is None:
            raise
        return found
    return FolderId(_id_of(created, call))


def contacts_with_property(client: GraphClient, user_id: UserId, folder_id: FolderId, name: str) -> t.Iterator[Fields]:
    """Every contact of a folder with its id, name, e-mail addresses and one extended property."""
    call = _call(user_id, f"Listing the contacts in folder {folder_id} of user {user_id}")
    params = {"$select": "id,displayName,emailAddresses", "$expand": expand_of(name)}
    target = graph_path("users", user_id, "contactFolders", folder_id, "contacts")
    return values(client, call, Listing(target=target, params=params, prefer=(IMMUTABLE_IDS,), page_size=_PAGE_SIZE))


def create_contact(client: GraphClient, user_id: UserId, folder_id: FolderId, payload: Fields) -> ContactId:
    """:raises AmbiguousOutcome: it may be there now: look before repeating."""
    call = _call(user_id, f"Creating contact {str(payload.get('displayName') or '')[:80]!r} for user {user_id}")
    path = graph_path("users", user_id, "contactFolders", folder_id, "contacts")
    return ContactId(_id_of(client.post_json(call, path, payload, prefer=(IMMUTABLE_IDS,)), call))


def update_contact(client: GraphClient, user_id: UserId, contact_id: ContactId, changes: Fields) -> None:
    call = _call(user_id, f"Updating contact {contact_id} of user {user_id}", is_fresh=True)
    client.patch_json(call, graph_path("users", user_id, "contacts", contact_id), changes, prefer=(IMMUTABLE_IDS,))


def put_photo(client: GraphClient, user_id: UserId, contact_id: ContactId, photo: bytes, content_type: str) -> None:
    """:raises TooLarge: a photo of more than 4 MB."""
    call = _call(user_id, f"Setting the photo of contact {contact_id} of user {user_id}", is_fresh=True)
    path = graph_path("users", user_id, "contacts", contact_id, "photo") + "/$value"
    client.put_bytes(call, path, photo, content_type, prefer=(IMMUTABLE_IDS,))


def delete_contact(client: GraphClient, user_id: UserId, contact_id: ContactId) -> None:
    """Delete; one that is gone already is fine."""
    call = _call(user_id, f"Deleting contact {contact_id} of user {user_id}")
    try:
        client.delete(call, graph_path("users", user_id, "contacts", contact_id), prefer=(IMMUTABLE_IDS,))
    except NotFound:
        return


def _folders(user_id: UserId, parent_id: FolderId | None) -> str:
    if parent_id is None:
        return graph_path("users", user_id, "contactFolders")
    return graph_path("users", user_id, "contactFolders", parent_id, "childFolders")


def _id_of(created: Fields, call: Call) -> str:
    identity = created.get("id")
    if not isinstance(identity, str) or not identity:
        raise BadAnswer(f"{call.doing} failed: the answer names no id.", hint="Look whether it was created before repeating it.")
    return identity


def _call(user_id: UserId, doing: str, *, is_fresh: bool = False) -> Call:
    return Call(scope=LimitScope.mailbox(user_id), kind=RequestKind.WRITE, doing=doing, permission=PERMISSION, is_fresh=is_fresh)
