# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mail folders: listing, reading, creating, deleting (facts 1 and 14.1-7)."""

from __future__ import annotations

import typing as t

from .call import Answer, GraphError, json_answer
from .odata import next_skip_link, page_size, read_select

if t.TYPE_CHECKING:
    from .call import Call
    from .mail_items import Folder
    from .mailbox import Mailbox
    from .state import Tenant


def folder_json(folder: Folder, select: tuple[str, ...] | None = None) -> dict[str, t.Any]:
    """A mailFolder of v1.0: no wellKnownName."""
    parent = folder.parent
    full: dict[str, t.Any] = {
        "displayName": folder.name,
        "parentFolderId": parent.id if parent is not None else folder.id,
        "childFolderCount": len(folder.children),
        "unreadItemCount": folder.unread,
        "totalItemCount": len(folder.messages),
        "sizeInBytes": 0,
        "isHidden": folder.hidden,
    }
    result: dict[str, t.Any] = {"id": folder.id}
    if folder.filter_query is not None:
        result = {"@odata.type": "#microsoft.graph.mailSearchFolder", **result}
        full |= {"isSupported": True, "includeNestedFolders": True, "sourceFolderIds": [], "filterQuery": folder.filter_query}
    result.update(full if select is None else {name: full[name] for name in select if name in full})
    return result


def list_folders(tenant: Tenant, call: Call) -> Answer:
    """C(GET /users/{user}/mailFolders): children of the visible root only."""
    mailbox = tenant.mailbox(call)
    return _page(call, mailbox.root, f"/users/{mailbox.owner_id}/mailFolders")


def list_children(tenant: Tenant, call: Call) -> Answer:
    """C(GET /users/{user}/mailFolders/{folder}/childFolders)."""
    mailbox = tenant.mailbox(call)
    folder = mailbox.folder(call.values["folder"])
    return _page(call, folder, f"/users/{mailbox.owner_id}/mailFolders/{folder.id}/childFolders")


def get_folder(tenant: Tenant, call: Call) -> Answer:
    mailbox = tenant.mailbox(call)
    folder = mailbox.folder(call.values["folder"])
    return json_answer({"@odata.context": _context(call, mailbox) + "/$entity", **folder_json(folder, read_select(call))})


def create_folder(tenant: Tenant, call: Call) -> Answer:
    """C(POST .../mailFolders) and C(POST .../childFolders): 201, or 409 ErrorFolderExists."""
    mailbox = tenant.mailbox(call)
    parent = mailbox.folder(call.values["folder"]) if "folder" in call.values else mailbox.root
    wanted = call.json()
    name = wanted.get("displayName")
    if not isinstance(name, str) or not name.strip():
        raise GraphError(400, "ErrorInvalidRequest", "The display name of a folder must not be empty.")
    folder = mailbox.add_folder(name, parent, hidden=bool(wanted.get("isHidden", False)))
    return json_answer({"@odata.context": _context(call, mailbox) + "/$entity", **folder_json(folder)}, 201)


def update_folder(tenant: Tenant, call: Call) -> Answer:
    """C(PATCH .../mailFolders/{folder}): rename."""
    mailbox = tenant.mailbox(call)
    folder = mailbox.folder(call.values["folder"])
    name = call.json().get("displayName")
    if folder.alias is not None:
        raise GraphError(403, "ErrorAccessDenied", "The distinguished folder cannot be renamed.")
    if isinstance(name, str) and name.strip():
        mailbox.rename_folder(folder, name)
    return json_answer({"@odata.context": _context(call, mailbox) + "/$entity", **folder_json(folder)})


def delete_folder(tenant: Tenant, call: Call) -> Answer:
    mailbox = tenant.mailbox(call)
    folder = mailbox.folder(call.values["folder"])
    if folder.alias is not None:
        raise GraphError(403, "ErrorDeleteDistinguishedFolder", "Distinguished folders cannot be deleted.")
    mailbox.delete_folder(folder)
    return Answer(204)


def _context(call: Call, mailbox: Mailbox) -> str:
    return f"{call.root}/$metadata#users('{mailbox.owner_id}')/mailFolders"


def _page(call: Call, parent: Folder, path: str) -> Answer:
    hidden = call.flag("includehiddenfolders")
    children = [child for child in parent.children if hidden or not child.hidden]
    size = page_size(call, default=10, largest=1000)
    skip = call.integer("skip", 0)
    select = read_select(call)
    body: dict[str, t.Any] = {"@odata.context": f"{call.root}/$metadata#users/mailFolders"}
    if call.flag("count"):
        body["@odata.count"] = len(children)
    body["value"] = [folder_json(child, select) for child in children[skip : skip + size]]
    if skip + size < len(children):
        body["@odata.nextLink"] = next_skip_link(call, path, skip + size)
    return json_answer(body)
