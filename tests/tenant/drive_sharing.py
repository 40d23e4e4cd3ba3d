# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sharing: invitations, links, roles (facts A7, H.54). Mails that would be sent are counted in L(outgoing)."""

from __future__ import annotations

import base64
import typing as t

from .call import Answer, GraphError, json_answer
from .drive_lookup import item_of
from .drive_sharing_view import permission_json
from .drive_store import Permission, item_not_found
from .ids import stable_guid

if t.TYPE_CHECKING:
    from .call import Call
    from .directory_state import DirectoryObject
    from .drive_store import Item
    from .drive_tree import Drive
    from .state import Tenant

Json = dict[str, t.Any]
_ROLES = frozenset({"read", "write", "owner"})
_LINK_TYPES = frozenset({"view", "edit", "embed", "blocksDownload"})
_SCOPES = frozenset({"anonymous", "organization", "users", "existingAccess"})


def invite(tenant: Tenant, call: Call) -> Answer:
    """C(POST .../invite): who has a permission of the app's giving gets the new role with it. No mail only if that is said."""
    drive = tenant.drives.drive(call)
    item, body = item_of(drive, call), call.json()
    _refuse_if_off(tenant)
    roles = _roles(body)
    recipients = body.get("recipients")
    if not isinstance(recipients, list) or not recipients:
        raise GraphError(400, "invalidRequest", "The recipients are missing.")
    people = [_recipient(tenant, one) for one in recipients]
    given: list[Json] = []
    for person in people:
        kind = "group" if person.kind == "group" else "user"
        address = str(person.properties.get("mail") or person.properties.get("userPrincipalName") or "")
        grantee = {"id": person.id, "displayName": person.properties.get("displayName"), **({"email": address} if address else {})}
        permission = _granted(item, person.id)
        if permission is None:
            permission = Permission(_permission_id(person.id), {})
            item.more.permissions.append(permission)
        invitation = {"email": address, "signInRequired": bool(body.get("requireSignIn", True))}
        permission.body = {"roles": roles, "grantedToV2": {kind: grantee}, "invitation": invitation}
        given.append(permission_json(permission))
        if body.get("sendInvitation", True):
            tenant.outgoing.add("sharing_mail", drive.owner_id, [address], item.name)
    drive.note_sharing(item)
    return json_answer({"@odata.context": f"{call.root}/$metadata#Collection(permission)", "value": given})


def create_link(tenant: Tenant, call: Call) -> Answer:
    """C(POST .../createLink): 201, or 200 with the link that is there. C(recipients), in beta, are who a C(users) link is for."""
    drive = tenant.drives.drive(call)
    item, body = item_of(drive, call), call.json()
    _refuse_if_off(tenant)
    kind, scope = str(body.get("type", "")), str(body.get("scope") or "organization")
    if kind not in _LINK_TYPES or scope not in _SCOPES:
        raise GraphError(400, "invalidRequest", "Invalid type or scope of a link.")
    if scope == "anonymous" and not tenant.settings.drive_anonymous_links:
        raise GraphError(403, "accessDenied", "Sharing with anyone is turned off.", inner={"code": "sharingDisabled"})
    if body.get("password") is not None:
        raise GraphError(400, "invalidRequest", "Passwords are not supported for this link.")
    identifier = stable_guid("link", drive.id, item.number, kind, scope)
    people = [_recipient(tenant, one) for one in body.get("recipients") or ()] if call.version == "beta" else []
    permission = _own(item, identifier)
    new = permission is None
    if permission is None:
        address = f"https://contoso-my.sharepoint.com/:x:/g/personal/{tenant.drives.site_name(drive.owner_id)}/{identifier}"
        link = {"type": kind, "scope": scope, "webUrl": address, "preventsDownload": kind == "blocksDownload"}
        permission = Permission(identifier, {"roles": ["write" if kind == "edit" else "read"], "link": link, "hasPassword": False})
        item.more.permissions.append(permission)
    if "expirationDateTime" in body:
        permission.body["expirationDateTime"] = body["expirationDateTime"]
    if people:
        known = {one["user"]["id"]: one for one in permission.body.get("grantedToIdentitiesV2", [])}
        known |= {one.id: {"user": {"id": one.id, "displayName": one.properties.get("displayName")}} for one in people}
        permission.body["grantedToIdentitiesV2"] = list(known.values())
        if body.get("sendNotification", True):
            tenant.outgoing.add("sharing_mail", drive.owner_id, [str(one.properties.get("mail") or "") for one in people], item.name)
    drive.note_sharing(item)
    context = {"@odata.context": f"{call.root}/$metadata#permission"}
    return json_answer({**context, **permission_json(permission)}, 201 if new else 200)


def update_permission(tenant: Tenant, call: Call) -> Answer:
    """C(PATCH .../permissions/{permission}): roles, and nothing else."""
    drive = tenant.drives.drive(call)
    item, body = item_of(drive, call), call.json()
    if set(body) - {"roles", "@odata.type"}:
        raise GraphError(400, "invalidRequest", "Only the roles of a permission can be changed.")
    permission = _changeable(drive, item, call)
    permission.body["roles"] = _roles(body)
    drive.note_sharing(item)
    return json_answer(permission_json(permission))


def delete_permission(tenant: Tenant, call: Call) -> Answer:
    """C(DELETE .../permissions/{permission}): 204."""
    drive = tenant.drives.drive(call)
    item = item_of(drive, call)
    item.more.permissions.remove(_changeable(drive, item, call))
    drive.note_sharing(item)
    return Answer(204)


def _changeable(drive: Drive, item: Item, call: Call) -> Permission:
    """A permission of the item itself. Raises GraphError 403 for an inherited one or the owner's, 404."""
    key = call.values["permission"]
    permission = _own(item, key)
    if permission is not None:
        return permission
    if key == "owner" or any(_own(above, key) is not None for above in drive.ancestors(item)):
        raise GraphError(403, "accessDenied", "Inherited permissions and the owner's cannot be changed here.")
    raise item_not_found()


def _own(item: Item, identifier: str) -> Permission | None:
    return next((one for one in (item.details.permissions if item.details is not None else ()) if one.id == identifier), None)


def _granted(item: Item, object_id: str) -> Permission | None:
    """The permission that was given to somebody directly."""
    for one in item.details.permissions if item.details is not None else ():
        if "link" not in one.body and any(grantee.get("id") == object_id for grantee in one.body.get("grantedToV2", {}).values()):
            return one
    return None


def _roles(body: Json) -> list[str]:
    roles = body.get("roles")
    if not isinstance(roles, list) or not roles or not _ROLES.issuperset(map(str, roles)):
        raise GraphError(400, "invalidRequest", "The roles are missing or invalid.")
    return [str(role) for role in roles]


def _recipient(tenant: Tenant, recipient: t.Any) -> DirectoryObject:
    """A person or group of the directory: by C(objectId), C(email) or C(alias). Raises GraphError 400."""
    directory = tenant.directory
    named = recipient if isinstance(recipient, dict) else {}
    if named.get("objectId"):
        entry = directory.objects.get(str(named["objectId"]).lower())
        if entry is not None and entry.kind in ("user", "group"):
            return entry
    elif named.get("email") or named.get("alias"):
        try:
            return directory.user_by_address(str(named.get("email") or named["alias"]))
        except GraphError:
            wanted = str(named.get("email") or named["alias"]).lower()
            for group in directory.all("group"):
                if wanted in (str(group.properties.get("mail") or "").lower(), str(group.properties.get("mailNickname") or "").lower()):
                    return group
    code = tenant.settings.drive_unresolved_code
    raise GraphError(400, code, "One or more users could not be resolved", inner={"code": "noResolvedUsers"})


def _refuse_if_off(tenant: Tenant) -> None:
    status = tenant.settings.drive_sharing_refusal
    if status is not None:
        raise GraphError(
            status, "accessDenied" if status == 403 else "invalidRequest", "Sharing is disabled.", inner={"code": "sharingDisabled"}
        )


def _permission_id(object_id: str) -> str:
    return base64.b64encode(f"i:0#.f|membership|{object_id}".encode()).decode("ascii").rstrip("=")
