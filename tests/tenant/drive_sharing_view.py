# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who may see an item: its own permissions and those it inherits (facts A7)."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from .drive_store import Item, Permission
    from .drive_tree import Drive

Json = dict[str, t.Any]
_WIDEST_FIRST = ("anonymous", "organization", "users")


def shared_facet(drive: Drive, item: Item, owner: Json, *, hierarchical: bool) -> Json | None:
    """C(shared) of an item; C(hierarchical): only where the sharing is set, not on all that lies below."""
    lines = [item] if hierarchical else [item, *drive.ancestors(item)]
    given = [one for line in lines if line.details is not None for one in line.details.permissions if not _is_owner(one)]
    if not given:
        return None
    scopes = {str(one.body.get("link", {}).get("scope", "users")) for one in given}
    return {"scope": next((scope for scope in _WIDEST_FIRST if scope in scopes), "users"), "owner": owner}


def permissions_of(drive: Drive, item: Item, owner: Json, *, says_from: bool = True) -> list[Json]:
    """All permissions of an item: its own, then inherited ones, the owner's last."""
    found = [permission_json(one) for one in (item.details.permissions if item.details is not None else ())]
    for above in drive.ancestors(item):
        for one in above.details.permissions if above.details is not None else ():
            origin = {"driveId": drive.id, "id": drive.ids.item(above.number), "path": f"/drive/root:{drive.path(above).rstrip('/')}"}
            found.append({**permission_json(one), "inheritedFrom": origin if says_from else {}})
    source = {"driveId": drive.id, "id": drive.ids.item(drive.root.number), "path": "/drive/root:"} if says_from else {}
    granted: Json = {"id": "owner", "roles": ["owner"], "grantedToV2": owner, "grantedTo": owner}
    if item.parent is not None:
        granted["inheritedFrom"] = source
    return [*found, granted]


def permission_json(permission: Permission) -> Json:
    """A permission with the deprecated spelling of whom it is for."""
    body: Json = {"id": permission.id, **permission.body}
    granted = body.get("grantedToV2")
    if granted is not None and "user" in granted and "grantedTo" not in body:
        body["grantedTo"] = {"user": granted["user"]}
    return body


def _is_owner(permission: Permission) -> bool:
    return "owner" in (permission.body.get("roles") or ())
