# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The contacts of a mailbox, to read. Permission: Contacts.Read.

Facts of the protocol: the default folder is addressed by the alias C(contacts), and lists of folders leave it out. What
Outlook shows of a contact and Graph has no property for (fax and pager numbers, anniversaries ...) is read as extended
properties. Distribution lists are no contacts and come nowhere.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import collections
import dataclasses
import typing as t

from .bodies import Body
from .client import GraphClient
from .delta import Page, delta_round, entries
from .errors import RequestRefused
from .ids import IMMUTABLE_IDS, ContactId, Cursor, Fields, FolderId, UserId
from .limits import LimitScope
from .links import graph_path
from .paging import Listing, pages, values
from .refusals import Call
from .traffic import RequestKind

PERMISSION = "Contacts.Read"
DEFAULT_FOLDER = "contacts"
_FIELDS = "id,changeKey,parentFolderId"
#: MAPI properties of contacts without a Graph property ([MS-OXPROPS]); what each means in the order of the list: account,
#: government id, language, callback, pager, car, radio, other telephone, primary telephone, primary fax, business fax,
#: home fax, telex, ISDN, assistant's telephone, text telephone, company telephone, wedding anniversary, gender, hobbies,
#: referred by, computer network name, FTP site, customer id, personal home page.
_EXTENDED = (
    "String 0x3A00",
    "String 0x3A07",
    "String 0x3A0C",
    "String 0x3A02",
    "String 0x3A21",
    "String 0x3A1E",
    "String 0x3A1D",
    "String 0x3A1F",
    "String 0x3A1A",
    "String 0x3A23",
    "String 0x3A24",
    "String 0x3A25",
    "String 0x3A2C",
    "String 0x3A2D",
    "String 0x3A2E",
    "String 0x3A4B",
    "String 0x3A57",
    "SystemTime 0x3A41",
    "Short 0x3A4D",
    "String 0x3A43",
    "String 0x3A47",
    "String 0x3A49",
    "String 0x3A4C",
    "String 0x3A4A",
    "String 0x3A50",
)
_EXPAND = f"singleValueExtendedProperties($filter={' or '.join(f'id eq {chr(39)}{name}{chr(39)}' for name in _EXTENDED)})"


@dataclasses.dataclass(frozen=True, slots=True)
class ContactFolder:
    """``parent_id`` of a folder below the default one is that one's id."""

    id: FolderId
    name: str
    parent_id: FolderId | None


def default_folder(client: GraphClient, user_id: UserId) -> ContactFolder:
    """The folder in which contacts are made when nobody chooses another; it lies below the root, which we do not see."""
    call = _call(user_id, RequestKind.FOLDERS, f"Reading the default contact folder of user {user_id}")
    fields = client.get_json(call, graph_path("users", user_id, "contactFolders", DEFAULT_FOLDER), prefer=(IMMUTABLE_IDS,))
    return dataclasses.replace(_folder(fields), parent_id=None)


def list_contact_folders(client: GraphClient, user_id: UserId) -> t.Iterator[ContactFolder]:
    """Every folder but the default one, parents before children: one request for each folder, since none says whether it has children."""
    call = _call(user_id, RequestKind.FOLDERS, f"Listing the contact folders of user {user_id}")
    waiting = collections.deque([graph_path("users", user_id, "contactFolders")])
    while waiting:
        for fields in values(client, call, Listing(target=waiting.popleft(), prefer=(IMMUTABLE_IDS,), page_size=100)):
            folder = _folder(fields)
            yield folder
            waiting.append(graph_path("users", user_id, "contactFolders", folder.id, "childFolders"))


def contact_folder_changes(client: GraphClient, user_id: UserId, cursor: Cursor | None) -> t.Iterator[Page]:
    """Contact folders that appeared, changed or went.

    :raises CursorLost, DeltaUnavailable: as L(delta_round) says.
    """
    call = _call(user_id, RequestKind.DELTA, f"Asking for changed contact folders of user {user_id}")
    first = Listing(target=graph_path("users", user_id, "contactFolders", "delta"), prefer=(IMMUTABLE_IDS,), page_size=100)
    return delta_round(client, call, first, cursor)


def contact_changes(
    client: GraphClient, user_id: UserId, folder_id: FolderId, cursor: Cursor | None, *, page_size: int = 500
) -> t.Iterator[Page]:
    """Ids and change keys of the contacts of one folder that came, changed or went.

    :raises CursorLost, DeltaUnavailable, NotFound: as L(delta_round) says.
    """
    call = _call(user_id, RequestKind.DELTA, f"Asking for changed contacts in folder {folder_id} of user {user_id}")
    target = graph_path("users", user_id, "contactFolders", folder_id, "contacts", "delta")
    first = Listing(target=target, params={"$select": _FIELDS}, prefer=(IMMUTABLE_IDS,), page_size=page_size)
    return delta_round(client, call, first, cursor)


def list_contacts(client: GraphClient, user_id: UserId, folder_id: FolderId, *, page_size: int = 500) -> t.Iterator[Page]:
    """Ids and change keys of all contacts of one folder by plain listing; there is never a cursor."""
    call = _call(user_id, RequestKind.MESSAGE, f"Listing the contacts in folder {folder_id} of user {user_id}")
    target = graph_path("users", user_id, "contactFolders", folder_id, "contacts")
    listing = Listing(target=target, params={"$select": _FIELDS}, prefer=(IMMUTABLE_IDS,), page_size=page_size)
    for page in pages(client, call, listing):
        yield Page(entries(page, call))


def read_contact(client: GraphClient, user_id: UserId, contact_id: ContactId) -> Fields:
    """One contact of any folder, with the extended properties that Graph delivers of it.

    :raises NotFound: it is gone.
    """
    call = _call(user_id, RequestKind.MESSAGE, f"Reading contact {contact_id} of user {user_id}", is_named=True)
    path = graph_path("users", user_id, "contacts", contact_id)
    try:
        return client.get_json(call, path, params={"$expand": _EXPAND}, prefer=(IMMUTABLE_IDS,))
    except RequestRefused:
        # A contact must not be lost for what comes on top of it.
        return client.get_json(call, path, prefer=(IMMUTABLE_IDS,))


def read_photo(client: GraphClient, user_id: UserId, contact_id: ContactId) -> Body:
    """The photo of a contact.

    :raises NotFound: it has none.
    """
    call = _call(user_id, RequestKind.MIME, f"Reading the photo of contact {contact_id} of user {user_id}")
    return client.read_body(call, graph_path("users", user_id, "contacts", contact_id, "photo") + "/$value", prefer=(IMMUTABLE_IDS,))


def _folder(fields: Fields) -> ContactFolder:
    parent = fields.get("parentFolderId")
    return ContactFolder(FolderId(str(fields["id"])), str(fields.get("displayName") or ""), FolderId(parent) if parent else None)


def _call(user_id: UserId, kind: RequestKind, doing: str, *, is_named: bool = False) -> Call:
    return Call(scope=LimitScope.mailbox(user_id), kind=kind, doing=doing, permission=PERMISSION, is_named=is_named)
