# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading drives, items, folders, versions and permissions (facts A1, A4, A6, A7)."""

from __future__ import annotations

import typing as t

from .call import Answer, GraphError, json_answer
from .drive_download import content_redirect, refuse_content
from .drive_lookup import item_of
from .drive_sharing_view import permissions_of
from .drive_store import folded, item_not_found
from .drive_view import View, drive_json, identity_json, stamp
from .odata import seal, unseal

if t.TYPE_CHECKING:
    from .call import Call
    from .drive_store import Item, Version
    from .drive_tree import Drive
    from .state import Tenant

LARGEST_PAGE = 5000
Json = dict[str, t.Any]


def get_drive(tenant: Tenant, call: Call) -> Answer:
    """C(GET drives/{id}) and C(GET users/{user}/drive)."""
    body = drive_json(tenant, call, tenant.drives.drive(call))
    return json_answer({"@odata.context": f"{call.root}/$metadata#drives/$entity", **body})


def list_drives(tenant: Tenant, call: Call) -> Answer:
    """C(GET users/{user}/drives): more than the OneDrive where there are hidden libraries."""
    drives = [drive_json(tenant, call, drive) for drive in tenant.drives.of_user(call)]
    return json_answer({"@odata.context": f"{call.root}/$metadata#drives", "value": drives})


def get_item(tenant: Tenant, call: Call) -> Answer:
    """C(GET .../items/{item}), also by path."""
    drive = tenant.drives.drive(call)
    item = item_of(drive, call)
    body = View(tenant, call, drive).item(item)
    return json_answer({"@odata.context": f"{call.root}/$metadata#drives('{drive.id}')/items/$entity", **body})


def list_children(tenant: Tenant, call: Call) -> Answer:
    """C(GET .../children): in order of names, by pages; a place in them is a name, so that changes in between hide nothing."""
    drive = tenant.drives.drive(call)
    folder = item_of(drive, call)
    if "filter" in call.query:
        raise GraphError(400, "invalidRequest", "Invalid request: $filter is not supported here.")
    size = _page_size(tenant, call)
    after = str(unseal(call.query["skiptoken"]).get("after", "")) if "skiptoken" in call.query else None
    names = sorted(name for name in folder.children or {} if after is None or name > after)
    shown = [drive.items[(folder.children or {})[name]] for name in names[:size]]
    view = View(tenant, call, drive)
    body: Json = {"@odata.context": f"{call.root}/$metadata#drives('{drive.id}')/items('{drive.ids.item(folder.number)}')/children"}
    if len(names) > size:
        kept = "".join(f"&$select={call.query['select']}" for _once in range("select" in call.query))
        token = seal({"after": folded(shown[-1].name)})
        body["@odata.nextLink"] = (
            f"{call.root}/drives/{drive.id}/items/{drive.ids.item(folder.number)}/children?$top={size}&$skiptoken={token}{kept}"
        )
    body["value"] = [view.item(item) for item in shown]
    return json_answer(body)


def list_versions(tenant: Tenant, call: Call) -> Answer:
    """C(GET .../versions): newest first. Raises GraphError 400 for what has none."""
    drive = tenant.drives.drive(call)
    item = _versioned(drive, call)
    view = View(tenant, call, drive)
    value = [_version_json(view, version) for version in _versions(item)]
    return json_answer({"@odata.context": f"{call.root}/$metadata#Collection(driveItemVersion)", "value": value})


def get_version(tenant: Tenant, call: Call) -> Answer:
    """C(GET .../versions/{version})."""
    drive = tenant.drives.drive(call)
    version = _version(_versioned(drive, call), call)
    return json_answer({"@odata.context": f"{call.root}/$metadata#driveItemVersion", **_version_json(View(tenant, call, drive), version)})


def get_version_content(tenant: Tenant, call: Call) -> Answer:
    """C(GET .../versions/{version}/content): a redirect; refused for the current version."""
    drive = tenant.drives.drive(call)
    item = _versioned(drive, call)
    version = _version(item, call)
    if version.number == item.revision:
        raise GraphError(400, "invalidRequest", "You cannot get the content of the current version.")
    refuse_content(call, item)
    return content_redirect(tenant, call, drive, item, version.number)


def list_permissions(tenant: Tenant, call: Call) -> Answer:
    """C(GET .../permissions): direct ones and inherited ones."""
    drive = tenant.drives.drive(call)
    value = _permissions(tenant, drive, item_of(drive, call))
    return json_answer({"@odata.context": f"{call.root}/$metadata#Collection(permission)", "value": value})


def get_permission(tenant: Tenant, call: Call) -> Answer:
    """C(GET .../permissions/{permission})."""
    drive = tenant.drives.drive(call)
    for one in _permissions(tenant, drive, item_of(drive, call)):
        if one["id"] == call.values["permission"]:
            return json_answer(one)
    raise item_not_found()


def _permissions(tenant: Tenant, drive: Drive, item: Item) -> list[Json]:
    owner = identity_json(tenant.drives.identity(drive.owner_id))
    found = permissions_of(drive, item, owner, says_from=tenant.settings.drive_says_inherited_from)
    if tenant.settings.drive_old_grantees:
        return found
    return [{name: value for name, value in one.items() if name not in ("grantedTo", "grantedToIdentities")} for one in found]


def _versioned(drive: Drive, call: Call) -> Item:
    item = item_of(drive, call)
    if item.content is None or any(one.details is not None and one.details.package is not None for one in drive.ancestors(item)):
        raise GraphError(400, "invalidRequest", "The requested item does not have versions.")
    return item


def _versions(item: Item) -> list[Version]:
    """All versions, the current one first."""
    return [*item.current(), *reversed(item.details.versions if item.details is not None else [])]


def _version(item: Item, call: Call) -> Version:
    wanted = call.values["version"]
    if wanted == "current":
        wanted = f"{item.revision}.0"
    for version in _versions(item):
        if f"{version.number}.0" == wanted:
            return version
    raise item_not_found()


def _version_json(view: View, version: Version) -> Json:
    return {
        "id": f"{version.number}.0",
        "lastModifiedBy": identity_json(version.by) if version.by is not None else view.owner,
        "lastModifiedDateTime": stamp(version.modified),
        "size": version.content.size,
    }


def _page_size(tenant: Tenant, call: Call) -> int:
    top = call.integer("top", tenant.settings.drive_page_size)
    if not 1 <= top <= LARGEST_PAGE:
        raise GraphError(400, "invalidRequest", "Invalid value of $top.")
    return top
