# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""C(POST .../exportItems): up to 20 items as export streams (facts 8.5, 14.42, 14.44-46)."""

from __future__ import annotations

import base64
import typing as t

from .call import Answer, GraphError, json_answer
from .exchange_folders import place_path
from .exchange_items import change_key, item_mapi
from .fts import write_stream

if t.TYPE_CHECKING:
    from .call import Call
    from .exchange_mailboxes import ExchangeMailbox, Place
    from .mail_items import Message
    from .state import Tenant

LARGEST_GROUP = 20
MOVED = "ErrorArchiveFolderMovedPermanently"


def export_items(tenant: Tenant, call: Call) -> Answer:
    """Each item's stream or its own error; works on archives in v1.0 too."""
    place = tenant.exchange.at(call)
    wanted = call.json().get("itemIds")
    if not isinstance(wanted, list) or not wanted or not all(isinstance(one, str) for one in wanted):
        raise GraphError(400, "ErrorInvalidRequest", "The parameter itemIds must name at least one item.")
    if len(wanted) > LARGEST_GROUP:
        raise GraphError(400, "ErrorInvalidRequest", f"The parameter itemIds must not name more than {LARGEST_GROUP} items.")
    return json_answer(
        {
            "@odata.context": f"{call.root}/$metadata#Collection(microsoft.graph.exportItemResponse)",
            "value": [_entry(tenant, call, place, key) for key in wanted],
        }
    )


def export_stream(exchange: ExchangeMailbox, message: Message) -> bytes:
    """The export stream of an item: the same bytes as long as the item is the same."""
    return write_stream(item_mapi(exchange, message))


def item_error(key: str, code: str, message: str, spelling: str) -> dict[str, t.Any]:
    """An item's own error; the schema spells it C(error), Microsoft's example of a redirect C(Error)."""
    return {"itemId": key, spelling: {"message": message, "code": code}}


def _entry(tenant: Tenant, call: Call, place: Place, key: str) -> dict[str, t.Any]:
    exchange = place.exchange
    try:
        message = exchange.item(key)
    except GraphError as error:
        return item_error(key, error.code, error.message, tenant.settings.export_error_spelling)
    home = exchange.home(message.folder)
    if home != place.mailbox_id:
        elsewhere = f"{call.root}{place_path(place._replace(mailbox_id=home))}/exportItems"
        return item_error(key, MOVED, elsewhere, "Error")
    data = base64.b64encode(export_stream(exchange, message)).decode()
    return {"itemId": key, "changeKey": change_key(exchange, message), "data": data}
