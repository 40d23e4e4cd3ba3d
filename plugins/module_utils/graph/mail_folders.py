# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The folders of a mailbox. Folder ids never change, also not when a folder is moved or renamed.

Least permission: Mail.ReadBasic.All.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import collections
import dataclasses
import typing as t
from concurrent.futures import ThreadPoolExecutor

from .client import GraphClient
from .delta import Page, delta_round
from .errors import NotFound
from .ids import IMMUTABLE_IDS, Cursor, Fields, FolderId, UserId
from .limits import LimitScope
from .links import graph_path
from .paging import Listing, values
from .refusals import Call
from .traffic import RequestKind

PERMISSION = "Mail.ReadBasic.All"
WELL_KNOWN = (
    "inbox",
    "sentitems",
    "drafts",
    "deleteditems",
    "archive",
    "junkemail",
    "outbox",
    "clutter",
    "conversationhistory",
    "scheduled",
    "searchfolders",
    "syncissues",
    "conflicts",
    "localfailures",
    "serverfailures",
)
RECOVERABLE_ROOT = "recoverableitemsroot"
"""Not documented, but measured on real tenants (graph-mailbox facts, section 1.3)."""
RECOVERABLE_DELETIONS = "recoverableitemsdeletions"
_SEARCH_FOLDER_TYPE = "#microsoft.graph.mailsearchfolder"
_FIELDS = "id,displayName,parentFolderId,childFolderCount,totalItemCount,isHidden"
_PAGE_SIZE = 200
_AT_ONCE = 4


@dataclasses.dataclass(frozen=True, slots=True)
class MailFolder:
    """``total_count`` counts items of every class. A search folder holds no messages of its own."""

    id: FolderId
    display_name: str
    parent_id: FolderId | None
    total_count: int
    is_hidden: bool
    is_search: bool


def folder_from(fields: Fields) -> MailFolder:
    """From a whole object, or from merged entries of a delta."""
    count = fields.get("totalItemCount")
    return MailFolder(
        id=FolderId(str(fields["id"])),
        display_name=str(fields.get("displayName") or ""),
        parent_id=FolderId(fields["parentFolderId"]) if fields.get("parentFolderId") else None,
        total_count=count if isinstance(count, int) else 0,
        is_hidden=str(fields.get("isHidden") or "").lower() == "true",
        is_search=str(fields.get("@odata.type") or "").lower() == _SEARCH_FOLDER_TYPE,
    )


def folder_changes(client: GraphClient, user_id: UserId, cursor: Cursor | None) -> t.Iterator[Page]:
    """Folders that appeared, changed or went: the whole tree flat, without its root, children perhaps before parents.

    :raises CursorLost, DeltaUnavailable, MailboxUnavailable: as L(delta_round) says.
    """
    call = _call(user_id, RequestKind.DELTA, f"Asking for changed mail folders of user {user_id}")
    first = Listing(
        target=graph_path("users", user_id, "mailFolders", "delta"),
        params={"$select": _FIELDS},
        prefer=(IMMUTABLE_IDS,),
        page_size=_PAGE_SIZE,
    )
    return delta_round(client, call, first, cursor)


def list_folders(client: GraphClient, user_id: UserId, below: FolderId | None = None) -> t.Iterator[MailFolder]:
    """Every folder with the hidden ones, parents before children: one request per folder that has children.

    All of the visible tree, or all below one folder.
    """
    waiting = collections.deque([below])
    while waiting:
        for folder, has_children in _children(client, user_id, waiting.popleft()):
            yield folder
            if has_children and not folder.is_search:
                waiting.append(folder.id)


def list_children(client: GraphClient, user_id: UserId, parent: FolderId | None) -> t.Iterator[MailFolder]:
    """The folders right below a folder, or below the visible root, with the hidden ones.

    :raises NotFound: the folder is gone.
    """
    return (folder for folder, _has_children in _children(client, user_id, parent))


def read_folder(client: GraphClient, user_id: UserId, folder_id: FolderId | str) -> MailFolder:
    """One folder, by id or by a well-known alias such as C(msgfolderroot).

    :raises NotFound: there is none.
    """
    call = Call(
        scope=LimitScope.mailbox(user_id),
        kind=RequestKind.FOLDERS,
        doing=f"Reading mail folder {folder_id} of user {user_id}",
        permission=PERMISSION,
        is_named=folder_id not in (*WELL_KNOWN, RECOVERABLE_ROOT, RECOVERABLE_DELETIONS, "msgfolderroot"),
    )
    path = graph_path("users", user_id, "mailFolders", folder_id)
    return folder_from(client.get_json(call, path, params={"$select": _FIELDS}, prefer=(IMMUTABLE_IDS,)))


def well_known_folders(client: GraphClient, user_id: UserId, aliases: t.Iterable[str] = WELL_KNOWN) -> dict[str, FolderId]:
    """The ids behind the aliases, whatever the language of the mailbox. Folders that do not exist are left out."""

    def find(alias: str) -> tuple[str, FolderId | None]:
        try:
            return alias, read_folder(client, user_id, alias).id
        except NotFound:
            return alias, None

    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="alias") as pool:
        return {alias: folder_id for alias, folder_id in pool.map(find, aliases) if folder_id is not None}


def _children(client: GraphClient, user_id: UserId, parent: FolderId | None) -> t.Iterator[tuple[MailFolder, bool]]:
    call = _call(user_id, RequestKind.FOLDERS, f"Listing the mail folders of user {user_id}")
    listing = Listing(
        target=graph_path("users", user_id, "mailFolders", *(() if parent is None else (parent, "childFolders"))),
        params={"includeHiddenFolders": "true", "$select": _FIELDS},
        prefer=(IMMUTABLE_IDS,),
        page_size=_PAGE_SIZE,
    )
    for fields in values(client, call, listing):
        yield folder_from(fields), bool(fields.get("childFolderCount"))


def _call(user_id: UserId, kind: RequestKind, doing: str) -> Call:
    return Call(scope=LimitScope.mailbox(user_id), kind=kind, doing=doing, permission=PERMISSION)
