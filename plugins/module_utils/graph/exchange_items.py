# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The items of a folder of the import/export API, to list.

Facts of the protocol (graph-mailbox facts, 8.4): an item says its class, size, dates and change key and nothing of its
content. In archives the delta of items is broken, plain lists are not. C(lastModifiedDateTime) is shown in whole seconds and
compared in fractions of them. Least permission: MailboxItem.Read.All.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t

from .delta import Page, entries
from .errors import RequestRefused
from .exchange_redirects import ExchangeMailbox
from .ids import FolderId
from .limits import LimitScope
from .paging import Listing, pages
from .refusals import Call
from .traffic import RequestKind

PERMISSION = "MailboxItem.Read.All"
_SELECT = "id,type,size,changeKey,categories,createdDateTime,lastModifiedDateTime"


def list_exchange_items(mailbox: ExchangeMailbox, folder_id: FolderId, since: str | None, *, page_size: int) -> t.Iterator[Page]:
    """The items of one folder, or those modified at or after ``since`` (as C(lastModifiedDateTime) shows it).

    There is never a cursor, and never a removal. Lists of all items are ordered by a date that does not change, so that what is
    modified meanwhile does not shift the pages; where the service takes no order, they come without one.

    :raises NotFound: the folder is gone.
    """
    call = Call(
        scope=LimitScope.mailbox(mailbox.mailbox_of(folder_id)),
        kind=RequestKind.MESSAGE,
        doing=f"Listing the items in folder {folder_id} of mailbox {mailbox.mailbox}",
        permission=PERMISSION,
        is_named=True,
    )
    params = {"$select": _SELECT, "$top": str(page_size)}
    if since is not None:
        params["$filter"] = f"lastModifiedDateTime ge {since}"
    target = mailbox.path("folders", folder_id, "items")
    order = {"$orderby": "createdDateTime" if since is None else "lastModifiedDateTime"}
    try:
        for page in pages(mailbox, call, Listing(target=target, params=params | order)):
            yield Page(entries(page, call))
    except RequestRefused:
        # An order is a help, not a need; entries that come twice do no harm.
        for page in pages(mailbox, call, Listing(target=target, params=params)):
            yield Page(entries(page, call))
