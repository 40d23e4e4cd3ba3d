# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Folders in the import/export API: lists, single folders, creation (facts 8.3, 14.42-43, 14.47)."""

from __future__ import annotations

import re
import typing as t

from .call import Answer, GraphError, json_answer
from .exchange_items import normal_id
from .filters import comparisons, matches, parse_filter
from .odata import next_skip_link, page_size, read_select

if t.TYPE_CHECKING:
    from .call import Call
    from .exchange_mailboxes import ExchangeMailbox, Place
    from .mail_items import Folder
    from .state import Tenant

_HIDDEN = "Boolean 0x10f4"
_CLASS = "String 0x3613"
_NAME = "String 0x3001"
_KIND = "Integer 0x3601"  # PidTagFolderType: 1 for folders, 2 for search folders
_SORTABLE = ("displayName", "type", "totalItemCount", "childFolderCount", "wellKnownName", "id")
_BELOW_MAILBOX = re.compile(r"^/[^/]+/admin/exchange/mailboxes(?:/[^/?]+|\([^/?]*\))(.*)$", re.IGNORECASE)
LARGEST_PAGE = 1000


def list_folders(tenant: Tenant, call: Call) -> Answer:
    """C(GET .../folders): what lies directly below the root, search folders included."""
    place = readable_place(tenant, call)
    return _page(call, place, place.exchange.mailbox.root, "folders")


def list_children(tenant: Tenant, call: Call) -> Answer:
    """C(GET .../folders/{folder}/childFolders)."""
    place = readable_place(tenant, call)
    folder = place.exchange.folder(call.values["folder"])
    return redirect_of(tenant, call, place, folder) or _page(
        call, place, folder, f"folders/{place.exchange.folder_id(folder)}/childFolders"
    )


def get_folder(tenant: Tenant, call: Call) -> Answer:
    place = readable_place(tenant, call)
    folder = place.exchange.folder(call.values["folder"])
    moved = redirect_of(tenant, call, place, folder)
    if moved is not None:
        return moved
    return _entity(call, place, folder_json(call, place.exchange, folder, read_select(call)))


def create_folder(tenant: Tenant, call: Call) -> Answer:
    """C(POST .../folders) and C(POST .../childFolders): 201, or 409 ErrorFolderExists."""
    place = readable_place(tenant, call)
    exchange = place.exchange
    parent = exchange.folder(call.values["folder"]) if "folder" in call.values else exchange.mailbox.root
    moved = redirect_of(tenant, call, place, parent)
    if moved is not None:
        return moved
    wanted = call.json()
    name, folder_type = wanted.get("displayName"), wanted.get("type")
    if not isinstance(name, str) or not name.strip() or not isinstance(folder_type, str) or not folder_type.startswith("IPF."):
        raise GraphError(400, "ErrorInvalidRequest", "The properties displayName and type are required to create a folder.")
    extra = {normal_id(str(one.get("id"))): str(one.get("value")) for one in wanted.get("singleValueExtendedProperties") or ()}
    folder = exchange.add_folder(name, parent, folder_type, hidden=extra.get(_HIDDEN, "").lower() == "true")
    exchange.folder_properties[folder] = extra
    return _entity(call, place, folder_json(call, exchange, folder, None), 201)


def folder_json(call: Call, exchange: ExchangeMailbox, folder: Folder, select: tuple[str, ...] | None) -> dict[str, t.Any]:
    """A mailboxFolder. That it is hidden is told by an extended property only."""
    result: dict[str, t.Any] = {"@odata.type": "#microsoft.graph.mailboxFolder", "id": exchange.folder_id(folder)}
    full = _properties(call, exchange, folder)
    result |= full if select is None else {name: full[name] for name in select if name in full}
    expand = call.query.get("expand", "")
    if "singleValueExtendedProperties" in expand:
        values = _extended(exchange, folder)
        wanted = [normal_id(piece) for piece in expand.split("'")[1::2]]
        found = [{"id": name, "value": values[name]} for name in dict.fromkeys(wanted) if name in values]
        if found:
            result["singleValueExtendedProperties"] = found
    return result


def readable_place(tenant: Tenant, call: Call) -> Place:
    """The mailbox that a call names, for anything but export. Raises GraphError for an archive in v1.0 (facts 14.42)."""
    place = tenant.exchange.at(call)
    if place.exchange.is_archive and call.version != "beta" and not tenant.settings.archive_in_v1:
        raise archive_refused(tenant)
    return place


def archive_refused(tenant: Tenant) -> GraphError:
    return GraphError(tenant.settings.archive_refusal_status, "ErrorInvalidRequest", "Operation on Archive mailbox not allowed")


def redirect_of(tenant: Tenant, call: Call, place: Place, folder: Folder) -> Answer | None:
    """The 308 to the mailbox id where the content of a folder lies; None when that is here."""
    home = place.exchange.home(folder)
    if home == place.mailbox_id:
        return None
    return redirect_to(call, home, mixed_case=tenant.settings.mixed_case_redirects)


def redirect_to(call: Call, mailbox_id: str, *, host: str | None = None, mixed_case: bool = False) -> Answer:
    """A 308 to the same thing under another mailbox id."""
    match = _BELOW_MAILBOX.match(call.path)
    middle = "/admin/Exchange/Mailboxes/" if mixed_case else "/admin/exchange/mailboxes/"
    location = f"https://{host or call.host}/{call.version}{middle}{mailbox_id}{match[1] if match is not None else ''}"
    return Answer(308, b"", {"location": location}, code="308")


def place_path(place: Place) -> str:
    """The path of a mailbox below the version."""
    return f"/admin/exchange/mailboxes/{place.mailbox_id}"


def _entity(call: Call, place: Place, body: dict[str, t.Any], status: int = 200) -> Answer:
    return json_answer({"@odata.context": f"{call.root}/$metadata#{place_path(place)[1:]}/folders/$entity", **body}, status)


def _properties(call: Call, exchange: ExchangeMailbox, folder: Folder) -> dict[str, t.Any]:
    return {
        "displayName": folder.name,
        "parentFolderId": exchange.folder_id(exchange.parent(folder)),
        "parentMailboxUrl": f"{call.root}/admin/exchange/mailboxes/{exchange.home(folder)}",
        "childFolderCount": len(exchange.children(folder)),
        "totalItemCount": len(exchange.content(folder)),
        "wellKnownName": exchange.well_known_name(folder),
        "type": exchange.type_of(folder),
    }


def _extended(exchange: ExchangeMailbox, folder: Folder) -> dict[str, str]:
    kind = "1" if folder.filter_query is None else "2"
    values = {_CLASS: exchange.type_of(folder), _NAME: folder.name, _KIND: kind, **exchange.folder_properties.get(folder, {})}
    if folder.hidden:
        values[_HIDDEN] = "true"
    return values


def _page(call: Call, place: Place, parent: Folder, path: str) -> Answer:
    exchange = place.exchange
    found = [folder for folder in exchange.children(parent) if _is_here(place, folder, parent)]
    if "filter" in call.query:
        node = parse_filter(call.query["filter"])
        unknown = {one.property for one in comparisons(node)} - set(_SORTABLE)
        if unknown:
            raise GraphError(
                400, "BadRequest", f"Could not find a property named '{unknown.pop()}' on type 'microsoft.graph.mailboxFolder'."
            )
        found = [folder for folder in found if matches(node, {"id": exchange.folder_id(folder), **_properties(call, exchange, folder)}.get)]
    order = call.query.get("orderby")
    if order:
        name, _space, direction = order.strip().partition(" ")
        if name not in _SORTABLE:
            raise GraphError(400, "BadRequest", f"The property '{name}' cannot be used in the $orderby query option.")
        down = direction.strip().lower() == "desc"
        found = sorted(found, key=lambda folder: str(_properties(call, exchange, folder).get(name, "")), reverse=down)
    size, skip, select = page_size(call, default=10, largest=LARGEST_PAGE), call.integer("skip", 0), read_select(call)
    body: dict[str, t.Any] = {"@odata.context": f"{call.root}/$metadata#{place_path(place)[1:]}/{path}"}
    if call.flag("count"):
        body["@odata.count"] = len(found)
    body["value"] = [folder_json(call, exchange, folder, select) for folder in found[skip : skip + size]]
    if skip + size < len(found):
        body["@odata.nextLink"] = next_skip_link(call, f"{place_path(place)}/{path}", skip + size)
    return json_answer(body)


def _is_here(place: Place, folder: Folder, parent: Folder) -> bool:
    """The main id shows every folder; an auxiliary one shows at its top only what lies there."""
    at_top = parent is place.exchange.mailbox.root
    return not at_top or place.mailbox_id == place.exchange.mailbox_ids[0] or place.exchange.home(folder) == place.mailbox_id
