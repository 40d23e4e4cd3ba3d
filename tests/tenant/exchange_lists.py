# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Items in the import/export API: lists, single items, deletion (facts 8.4, 14.52-53)."""

from __future__ import annotations

import datetime
import typing as t

from .call import Answer, GraphError, json_answer
from .exchange_folders import place_path, readable_place, redirect_of
from .exchange_items import exact_modified, expanded_properties, item_class, item_json, store_size
from .filters import Combination, Comparison, Node, comparisons, matches, parse_filter
from .odata import next_skip_link, page_size, read_select

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from .call import Call
    from .exchange_mailboxes import Place
    from .mail_items import Folder, Message
    from .state import Tenant

LARGEST_PAGE = 1000
_READ: dict[str, Callable[[Message], t.Any]] = {
    "lastModifiedDateTime": exact_modified,
    "createdDateTime": lambda message: message.created,
    "type": item_class,
    "size": store_size,
}
_MOMENTS = ("lastModifiedDateTime", "createdDateTime")


def list_items(tenant: Tenant, call: Call) -> Answer:
    """C(GET .../folders/{folder}/items). Filters compare times exactly although answers show whole seconds."""
    place = readable_place(tenant, call)
    exchange = place.exchange
    folder = exchange.folder(call.values["folder"])
    moved = redirect_of(tenant, call, place, folder)
    if moved is not None:
        return moved
    if "search" in call.query:
        raise GraphError(400, "BadRequest", "The query option '$search' is not supported.")
    list_key = (folder.number, call.query.get("filter"), call.query.get("orderby"), exchange.mailbox.version)
    found = exchange.listing.get(list_key)
    if found is None:
        found = _in_order(call, list(exchange.content(folder)))
        exchange.listing = {list_key: found}
    size, skip = page_size(call, default=10, largest=LARGEST_PAGE), call.integer("skip", 0)
    path = f"{place_path(place)}/folders/{exchange.folder_id(folder)}/items"
    body: dict[str, t.Any] = {"@odata.context": f"{call.root}/$metadata#{path[1:]}"}
    if call.flag("count"):
        body["@odata.count"] = len(found)
    body["value"] = [rendered(tenant, call, place, message, read_select(call)) for message in found[skip : skip + size]]
    if skip + size < len(found):
        body["@odata.nextLink"] = next_skip_link(call, path, skip + size)
    return json_answer(body)


def get_item(tenant: Tenant, call: Call) -> Answer:
    place = readable_place(tenant, call)
    folder, message = _item(place, call)
    moved = redirect_of(tenant, call, place, folder)
    if moved is not None:
        return moved
    context = f"{call.root}/$metadata#{place_path(place)[1:]}/folders/items/$entity"
    return json_answer({"@odata.context": context, **rendered(tenant, call, place, message, read_select(call))})


def delete_item(tenant: Tenant, call: Call) -> Answer:
    """C(DELETE .../items/{item}?disposalType=softDelete|hardDelete): 204, or 403 for a hard deletion of what is on hold."""
    place = readable_place(tenant, call)
    exchange = place.exchange
    folder, message = _item(place, call)
    moved = redirect_of(tenant, call, place, folder)
    if moved is not None:
        return moved
    disposal = call.query.get("disposaltype", "softDelete").lower()
    if disposal == "harddelete":
        if exchange.is_held(message):
            raise GraphError(
                403, "ErrorAccessDenied", "The item cannot be deleted because it is protected by a hold or a retention policy."
            )
        exchange.mailbox.remove(message)
    elif disposal == "softdelete":
        exchange.mailbox.move(message, exchange.mailbox.aliases["recoverableitemsdeletions"])
    else:
        raise GraphError(400, "BadRequest", f"The value '{call.query['disposaltype']}' of disposalType is not valid.")
    return Answer(204)


def rendered(tenant: Tenant, call: Call, place: Place, message: Message, select: tuple[str, ...] | None) -> dict[str, t.Any]:
    """One item as a request wants it."""
    entry = item_json(place.exchange, message, select, tenant.settings.reported_size_share)
    expand = call.query.get("expand", "")
    if "singleValueExtendedProperties" in expand:
        values = expanded_properties(place.exchange, message, expand)
        if values:
            entry["singleValueExtendedProperties"] = values
    return entry


def _item(place: Place, call: Call) -> tuple[Folder, Message]:
    """The folder and the item of a path. Raises GraphError 404."""
    folder = place.exchange.folder(call.values["folder"])
    message = place.exchange.item(call.values["item"])
    if message.folder is not folder and folder.filter_query is None:
        raise GraphError(404, "ErrorItemNotFound", "The specified object was not found in the store.")
    return folder, message


def _in_order(call: Call, found: list[Message]) -> list[Message]:
    if "filter" in call.query:
        node = _typed(parse_filter(call.query["filter"]))
        for comparison in comparisons(node):
            if comparison.property not in _READ:
                raise GraphError(
                    400, "BadRequest", f"Could not find a property named '{comparison.property}' on type 'microsoft.graph.mailboxItem'."
                )
        found = [message for message in found if matches(node, _reader(message))]
    order = call.query.get("orderby")
    if order:
        name, _space, direction = order.strip().partition(" ")
        if name not in _READ:
            raise GraphError(400, "BadRequest", f"The property '{name}' cannot be used in the $orderby query option.")
        found = sorted(found, key=lambda message: (_READ[name](message), message.number), reverse=direction.strip().lower() == "desc")
    return found


def _reader(message: Message) -> Callable[[str], t.Any]:
    return lambda name: _READ[name](message)


def _typed(node: Node) -> Node:
    """A filter whose times are times."""
    if isinstance(node, Combination):
        return Combination(node.operator, tuple(_typed(part) for part in node.parts))
    if isinstance(node, Comparison) and node.property in _MOMENTS:
        return Comparison(node.property, node.operator, _moment(node.value))
    return node


def _moment(value: t.Any) -> datetime.datetime:
    text = str(value)
    head, dot, rest = text.partition(".")
    digits = rest.rstrip("Z")
    try:
        moment = datetime.datetime.fromisoformat(head.rstrip("Z") + "+00:00")
        return moment.replace(microsecond=int(digits[:6].ljust(6, "0"))) if dot else moment
    except ValueError:
        raise GraphError(400, "BadRequest", f"The literal '{text}' is not a valid date and time.") from None
