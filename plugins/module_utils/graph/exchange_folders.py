# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The folders of a mailbox of the import/export API.

Facts of the protocol (graph-mailbox facts, 8.3): lists give ten folders a page unless asked otherwise, a list may hold
descendants, hidden folders are listed and told by an extended property, and ids of extended properties come back in another
spelling than they were asked for. Archives know no folder by a well-known name. Least permission: MailboxFolder.Read.All.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import collections
import dataclasses
import typing as t

from .errors import NotFound
from .exchange_redirects import ExchangeMailbox
from .extended_properties import expand_of, value_of
from .ids import Fields, FolderId
from .limits import LimitScope
from .paging import Listing, values
from .refusals import Call
from .traffic import RequestKind

PERMISSION = "MailboxFolder.Read.All"
_PAGE = 500
_HIDDEN, _FOLDER_TYPE = "Boolean 0x10F4", "Integer 0x3601"
_SEARCH = "2"
"""PidTagFolderType of a search folder [MS-OXCFOLD 2.2.2.2.2.6]."""


@dataclasses.dataclass(frozen=True, slots=True)
class ExchangeFolder:
    """``total_count`` counts items of every class; None where the service does not say. A search folder has no items of its own."""

    id: FolderId
    display_name: str
    parent_id: FolderId | None
    total_count: int | None
    has_children: bool
    is_hidden: bool
    is_search: bool


def list_exchange_folders(mailbox: ExchangeMailbox) -> t.Iterator[ExchangeFolder]:
    """Every folder, hidden ones too, each once. Costs a request for each folder that has children, and one for the top.

    :raises NotFound, RequestRefused, AccessDenied: this version of the API does not list this mailbox.
    """
    call = Call(
        scope=LimitScope.mailbox(mailbox.mailbox),
        kind=RequestKind.FOLDERS,
        doing=f"Listing the folders of mailbox {mailbox.mailbox}",
        permission=PERMISSION,
        is_named=True,
    )
    seen: set[str] = set()
    waiting: collections.deque[tuple[str, ...]] = collections.deque([("folders",)])
    while waiting:
        path = waiting.popleft()
        listing = Listing(target=mailbox.path(*path), params={"$top": str(_PAGE), "$expand": expand_of(_HIDDEN, _FOLDER_TYPE)})
        try:
            for fields in values(mailbox, call, listing):
                folder = exchange_folder_from(fields)
                if folder is not None and folder.id not in seen:
                    seen.add(folder.id)
                    yield folder
                    if folder.has_children and not folder.is_search:
                        waiting.append(("folders", folder.id, "childFolders"))
        except NotFound:
            if len(path) == 1:
                raise
            # Deleted since its parent was listed, and its children with it.


def exchange_folder_from(fields: Fields) -> ExchangeFolder | None:
    """None for an entry without an id."""
    identity = fields.get("id")
    if not isinstance(identity, str) or not identity:
        return None
    count, children = fields.get("totalItemCount"), fields.get("childFolderCount")
    parent = fields.get("parentFolderId")
    is_search = "search" in str(fields.get("@odata.type") or "").lower() or value_of(fields, _FOLDER_TYPE) == _SEARCH
    return ExchangeFolder(
        id=FolderId(identity),
        display_name=str(fields.get("displayName") or ""),
        parent_id=FolderId(parent) if isinstance(parent, str) and parent else None,
        total_count=count if isinstance(count, int) else None,
        has_children=children != 0,
        is_hidden=(value_of(fields, _HIDDEN) or "").lower() == "true",
        is_search=is_search,
    )
