# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The messages of a mailbox, to read. Every request asks for immutable ids: they survive moves inside the mailbox.

Least permission: Mail.Read.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t

from .bodies import Body
from .client import GraphClient
from .delta import Changed, Page, delta_round, entries
from .ids import IMMUTABLE_IDS, Cursor, Fields, FolderId, MessageId, UserId
from .limits import LimitScope
from .links import graph_path
from .paging import Listing, pages
from .refusals import Call
from .traffic import RequestKind

PERMISSION = "Mail.Read"
_BOOLEANS = ("isRead", "isDraft", "hasAttachments")


def message_changes(
    client: GraphClient,
    user_id: UserId,
    folder_id: FolderId,
    cursor: Cursor | None,
    select: t.Sequence[str],
    *,
    page_size: int = 500,
) -> t.Iterator[Page]:
    """Messages of one folder that came, changed or went. A move is a removal here and a change there, with the same id.

    ``select`` counts without a cursor only. A change of C(isRead) is reported only when it is selected.

    :raises CursorLost: list again without a cursor; pages that were yielded before are void.
    :raises DeltaUnavailable: the mailbox is over quota, use L(list_messages).
    :raises NotFound: the folder is gone.
    """
    call = _call(user_id, RequestKind.DELTA, f"Asking for changed messages in mail folder {folder_id} of user {user_id}")
    first = Listing(
        target=graph_path("users", user_id, "mailFolders", folder_id, "messages", "delta"),
        params={"$select": ",".join(select)} if select else None,
        prefer=(IMMUTABLE_IDS,),
        page_size=page_size,
    )
    for page in delta_round(client, call, first, cursor):
        yield Page(tuple(_lenient(entry) if isinstance(entry, Changed) else entry for entry in page.entries), page.cursor)


def list_messages(
    client: GraphClient, user_id: UserId, folder_id: FolderId, select: t.Sequence[str], *, page_size: int = 500, skip: int = 0
) -> t.Iterator[Page]:
    """All messages of one folder by plain listing but the first C(skip); there is never a cursor.

    The service counts items of other classes too when it skips, so fewer messages may be passed over than said.
    """
    call = _call(user_id, RequestKind.MESSAGE, f"Listing the messages in mail folder {folder_id} of user {user_id}")
    params = {name: value for name, value in (("$select", ",".join(select)), ("$skip", str(skip) if skip else "")) if value}
    listing = Listing(
        target=graph_path("users", user_id, "mailFolders", folder_id, "messages"),
        params=params or None,
        prefer=(IMMUTABLE_IDS,),
        page_size=page_size,
    )
    for page in pages(client, call, listing):
        yield Page(entries(page, call))


def read_message(client: GraphClient, user_id: UserId, message_id: MessageId, select: t.Sequence[str] = (), *, expand: str = "") -> Fields:
    """One message as JSON.

    :raises NotFound: it is gone, or moved to the archive mailbox.
    """
    call = _call(user_id, RequestKind.MESSAGE, f"Reading message {message_id} of user {user_id}", is_named=True)
    params = {name: value for name, value in (("$select", ",".join(select)), ("$expand", expand)) if value}
    return client.get_json(call, _message_path(user_id, message_id), params=params, prefer=(IMMUTABLE_IDS,))


def read_mime(client: GraphClient, user_id: UserId, message_id: MessageId) -> Body:
    """The message as MIME, whole. The form of the path without a folder is the one that always works.

    :raises NotFound: it is gone. :raises ItemUnreadable: the service cannot build it.
    """
    call = _call(user_id, RequestKind.MIME, f"Reading the content of message {message_id} of user {user_id}", is_named=True)
    return client.read_body(call, _message_path(user_id, message_id) + "/$value", prefer=(IMMUTABLE_IDS,))


def _lenient(entry: Changed) -> Changed:
    """Microsoft's own samples show C("isRead": "true")."""
    odd = {name: value.lower() == "true" for name in _BOOLEANS if isinstance(value := entry.fields.get(name), str)}
    return Changed(entry.id, {**entry.fields, **odd}) if odd else entry


def _message_path(user_id: UserId, message_id: MessageId) -> str:
    return graph_path("users", user_id, "messages", message_id)


def _call(user_id: UserId, kind: RequestKind, doing: str, *, is_named: bool = False) -> Call:
    return Call(scope=LimitScope.mailbox(user_id), kind=kind, doing=doing, permission=PERMISSION, is_named=is_named)
