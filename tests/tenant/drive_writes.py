# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changing drives: small files, folders, names, places, times, versions (facts A6, A8, H.50-53)."""

from __future__ import annotations

import typing as t

from .call import Answer, GraphError, json_answer
from .drive_lookup import item_of, target_of
from .drive_names import free_name, name_taken, refuse_name
from .drive_puts import Times, author_of, conflict_of, put_file, refuse_change, refuse_mismatch, refuse_over_quota, replace_file, times_of
from .drive_store import ROOT, item_not_found
from .drive_view import View

if t.TYPE_CHECKING:
    from .call import Call
    from .drive_store import Item
    from .drive_tree import Drive
    from .state import Tenant

LARGEST_PUT = 250 * 1024 * 1024
_CONFLICT_OPTION = "@microsoft.graph.conflictbehavior"


def put_content(tenant: Tenant, call: Call) -> Answer:
    """C(PUT .../{parent}:/{name}:/content) and C(PUT .../items/{item}/content): 201 for a new file, 200 for a new version."""
    drive = tenant.drives.drive(call)
    if len(call.body) > LARGEST_PUT:
        raise GraphError(413, "invalidRequest", "The request is too large.", inner={"code": "maxFileSizeExceeded"})
    if "at" in call.values:
        parent, name = target_of(drive, call)
        refuse_mismatch(call, drive, drive.child(parent, name))
        conflict = conflict_of({}, call.query.get(_CONFLICT_OPTION), "replace")
        item, new = put_file(tenant, call, drive, parent, name, tenant.drives.spool.keep(call.body), conflict, Times())
    else:
        item, new = item_of(drive, call), False
        if item.content is None:
            raise GraphError(400, "invalidRequest", "File name not provided in url.")
        refuse_mismatch(call, drive, item)
        replace_file(tenant, call, drive, item, tenant.drives.spool.keep(call.body), Times())
    return item_answer(tenant, call, drive, item, 201 if new else 200)


def create_folder(tenant: Tenant, call: Call) -> Answer:
    """C(POST .../children): a folder; C(replace) gives the one that is there."""
    drive = tenant.drives.drive(call)
    parent, body = item_of(drive, call), call.json()
    if not isinstance(body.get("folder"), dict):
        raise GraphError(400, "invalidRequest", "Only folders can be created here.")
    name, conflict = body.get("name"), conflict_of(body, None, "fail")
    refuse_name(drive, parent, name, folder=True)
    taken = drive.child(parent, str(name))
    if taken is not None and conflict == "replace" and taken.children is not None:
        return item_answer(tenant, call, drive, taken, 200)
    if taken is not None and conflict != "rename":
        raise name_taken()
    free = free_name(drive, parent, str(name)) if taken is not None else str(name)
    return item_answer(tenant, call, drive, drive.add(parent, free, folder=True, by=author_of(tenant, call)), 201)


def update_item(tenant: Tenant, call: Call) -> Answer:
    """C(PATCH .../items/{item}): name, place, C(fileSystemInfo). Raises GraphError."""
    drive = tenant.drives.drive(call)
    item, body = item_of(drive, call), call.json()
    if item.number == ROOT:
        raise GraphError(400, "invalidRequest", "The root of a drive cannot be changed.")
    refuse_mismatch(call, drive, item)
    refuse_change(item, "isMetadataUpdateAllowed")
    times = times_of(body.get("fileSystemInfo"))
    parent = _new_parent(drive, item, body.get("parentReference"))
    name = body.get("name", item.name)
    if parent.number != item.parent or name != item.name:
        refuse_name(drive, parent, name, folder=item.children is not None)
        _place(drive, item, parent, str(name), conflict_of(body, call.query.get(_CONFLICT_OPTION), "fail"))
    if times != Times():
        drive.set_times(item, times.created, times.modified)
    return item_answer(tenant, call, drive, item, 200)


def delete_item(tenant: Tenant, call: Call) -> Answer:
    """C(DELETE .../items/{item}) and C(POST .../permanentDelete): 204; nothing goes of what holds a label that keeps it."""
    drive = tenant.drives.drive(call)
    item = item_of(drive, call)
    if item.number == ROOT:
        raise GraphError(400, "invalidRequest", "The root of a drive cannot be deleted.")
    refuse_mismatch(call, drive, item)
    for one in drive.subtree(item):
        refuse_change(one, "isDeleteAllowed")
    drive.delete(item)
    return Answer(204)


def restore_version(tenant: Tenant, call: Call) -> Answer:
    """C(POST .../versions/{version}/restoreVersion): 204; its bytes become a new version on top."""
    drive = tenant.drives.drive(call)
    item = item_of(drive, call)
    refuse_change(item, "isContentUpdateAllowed")
    for version in item.details.versions if item.details is not None else ():
        if f"{version.number}.0" == call.values["version"]:
            refuse_over_quota(drive, version.content.size)
            drive.replace(item, version.content, by=author_of(tenant, call))
            return Answer(204)
    raise item_not_found()


def delete_version(tenant: Tenant, call: Call) -> Answer:
    """C(DELETE .../versions/{version}): 204; the current one cannot be deleted."""
    drive = tenant.drives.drive(call)
    item = item_of(drive, call)
    refuse_change(item, "isDeleteAllowed")
    if call.values["version"] in (f"{item.revision}.0", "current"):
        raise GraphError(400, "invalidRequest", "You cannot delete the current version.")
    versions = item.details.versions if item.details is not None else []
    for version in versions:
        if f"{version.number}.0" == call.values["version"]:
            versions.remove(version)
            drive.used -= version.content.size
            return Answer(204)
    raise item_not_found()


def item_answer(tenant: Tenant, call: Call, drive: Drive, item: Item, status: int) -> Answer:
    body = View(tenant, call, drive).item(item)
    root = call.root if call.version in ("v1.0", "beta") else "https://graph.microsoft.com/v1.0"
    return json_answer({"@odata.context": f"{root}/$metadata#drives('{drive.id}')/items/$entity", **body}, status)


def _new_parent(drive: Drive, item: Item, reference: t.Any) -> Item:
    """Where C(parentReference) puts an item: a real id, in the same drive. Raises GraphError."""
    if reference is None:
        return drive.items[item.parent or ROOT]
    if not isinstance(reference, dict):
        raise GraphError(400, "invalidRequest", "Invalid value for parentReference.")
    if reference.get("driveId", drive.id) != drive.id:
        raise GraphError(400, "invalidRequest", "Cannot move an item across drives.")
    if "id" not in reference:
        path = str(reference.get("path", "")).partition("root:")[2]
        parent = drive.at_path(path) if path else drive.items[item.parent or ROOT]
    else:
        parent = drive.by_id(str(reference["id"]))  # "root" is no id here
    if parent.children is None:
        raise item_not_found()
    return parent


def _place(drive: Drive, item: Item, parent: Item, name: str, conflict: str) -> None:
    taken = drive.child(parent, name)
    if taken is not None and taken is not item:
        if conflict == "fail" or (taken.children is not None) != (item.children is not None):
            raise name_taken()
        if conflict == "replace":
            refuse_change(taken, "isDeleteAllowed")
            drive.delete(taken)
        else:
            name = free_name(drive, parent, name)
    if parent.number == item.parent:
        drive.rename(item, name)
    else:
        drive.move(item, parent, name)
