# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Users, groups and administrative units over HTTP: lists, single objects, memberships, deleted users (facts D, H.6-13)."""

from __future__ import annotations

import typing as t

from .call import Answer, GraphError, json_answer
from .directory_query import check_query, select_objects
from .directory_state import DirectoryObject, not_found
from .odata import link, page_size, read_select, seal, unseal

if t.TYPE_CHECKING:
    from .call import Call
    from .state import Tenant

USER_ROLES = frozenset({"User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"})
USER_DEFAULTS = (
    "businessPhones",
    "displayName",
    "givenName",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
    "id",
)
GROUP_DEFAULTS = (
    "id",
    "deletedDateTime",
    "classification",
    "createdDateTime",
    "description",
    "displayName",
    "expirationDateTime",
    "groupTypes",
    "isAssignableToRole",
    "mail",
    "mailEnabled",
    "mailNickname",
    "membershipRule",
    "membershipRuleProcessingState",
    "onPremisesSyncEnabled",
    "proxyAddresses",
    "resourceProvisioningOptions",
    "securityEnabled",
    "visibility",
)
UNIT_DEFAULTS = ("id", "deletedDateTime", "displayName", "description", "visibility")
_OTHER_DEFAULTS = ("id", "displayName")
_HIDDEN_ROLES = frozenset({"Member.Read.Hidden"})
_NOT_IN_LISTS = frozenset({"mailboxSettings", "mySite", "aboutMe", "skills", "interests", "birthday"})


def list_users(tenant: Tenant, call: Call) -> Answer:
    return _collection(call, list(tenant.directory.all("user")), "/users", "users")


def count_users(tenant: Tenant, call: Call) -> Answer:
    """C(/users/$count): plain text, needs ConsistencyLevel."""
    if call.headers.get("consistencylevel", "").lower() != "eventual":
        raise GraphError(400, "Request_BadRequest", "$count is not currently supported.")
    found = select_objects(call, list(tenant.directory.all("user")))
    return Answer(200, str(len(found)).encode(), {"content-type": "text/plain"})


def get_user(tenant: Tenant, call: Call) -> Answer:
    entry = tenant.directory.user(call.values["user"])
    return json_answer({"@odata.context": f"{call.root}/$metadata#users/$entity", **object_json(entry, read_select(call))})


def list_groups(tenant: Tenant, call: Call) -> Answer:
    return _collection(call, list(tenant.directory.all("group")), "/groups", "groups")


def get_group(tenant: Tenant, call: Call) -> Answer:
    entry = tenant.directory.group(call.values["group"])
    return json_answer({"@odata.context": f"{call.root}/$metadata#groups/$entity", **object_json(entry, read_select(call))})


def list_units(tenant: Tenant, call: Call) -> Answer:
    """C(/directory/administrativeUnits)."""
    return _collection(call, list(tenant.directory.all("administrativeUnit")), "/directory/administrativeUnits", "administrativeUnits")


def get_unit(tenant: Tenant, call: Call) -> Answer:
    entry = tenant.directory.unit(call.values["unit"])
    context = f"{call.root}/$metadata#directory/administrativeUnits/$entity"
    return json_answer({"@odata.context": context, **object_json(entry, read_select(call))})


def unit_members(tenant: Tenant, call: Call) -> Answer:
    """Direct ones: groups in a unit do not bring their members."""
    unit = tenant.directory.unit(call.values["unit"])
    return _members(tenant, call, unit, f"/directory/administrativeUnits/{unit.id}/members", transitive=False)


def group_members(tenant: Tenant, call: Call) -> Answer:
    group = tenant.directory.group(call.values["group"])
    return _members(tenant, call, group, f"/groups/{group.id}/members", transitive=False)


def group_transitive_members(tenant: Tenant, call: Call) -> Answer:
    group = tenant.directory.group(call.values["group"])
    return _members(tenant, call, group, f"/groups/{group.id}/transitiveMembers", transitive=True)


def get_directory_object(tenant: Tenant, call: Call) -> Answer:
    entry = tenant.directory.objects.get(call.values["object"].lower())
    if entry is None:
        raise not_found(call.values["object"])
    return json_answer(
        {
            "@odata.context": f"{call.root}/$metadata#directoryObjects/$entity",
            "@odata.type": f"#microsoft.graph.{entry.kind}",
            **object_json(entry, read_select(call)),
        }
    )


def list_deleted_users(tenant: Tenant, call: Call) -> Answer:
    """C(/directory/deletedItems/microsoft.graph.user): soft-deleted users."""
    found = [_as_deleted(entry) for entry in tenant.directory.all_deleted() if entry.kind == "user"]
    return _collection(call, found, "/directory/deletedItems/microsoft.graph.user", "directoryObjects")


def get_deleted_object(tenant: Tenant, call: Call) -> Answer:
    entry = _as_deleted(tenant.directory.deleted_object(call.values["object"]))
    return json_answer({"@odata.type": f"#microsoft.graph.{entry.kind}", **object_json(entry, read_select(call))})


def member_of(tenant: Tenant, call: Call) -> Answer:
    """C(/users/{user}/transitiveMemberOf) and C(memberOf): the groups above a user."""
    entry = tenant.directory.user(call.values["user"])
    transitive = call.operation == "user_transitive_member_of"
    groups = [group for group in tenant.directory.all("group") if entry in tenant.directory.members(group, transitive=transitive)]
    return _collection(
        call, groups, f"/users/{entry.id}/{'transitiveMemberOf' if transitive else 'memberOf'}", "directoryObjects", typed=True
    )


def object_json(entry: DirectoryObject, select: tuple[str, ...] | None) -> dict[str, t.Any]:
    """An object with its default or its selected properties; unset ones are null."""
    names = select if select is not None else _DEFAULTS.get(entry.kind, _OTHER_DEFAULTS)
    return {name: entry.properties.get(name, _EMPTY.get(name)) for name in names}


_DEFAULTS = {"user": USER_DEFAULTS, "group": GROUP_DEFAULTS, "administrativeUnit": UNIT_DEFAULTS}
_EMPTY: dict[str, t.Any] = {
    "businessPhones": [],
    "groupTypes": [],
    "proxyAddresses": [],
    "assignedPlans": [],
    "assignedLicenses": [],
    "resourceProvisioningOptions": [],
}


def _members(tenant: Tenant, call: Call, parent: DirectoryObject, path: str, *, transitive: bool) -> Answer:
    """Who may not be seen comes with the id alone, and hidden members do not come at all (facts D4)."""
    is_hidden = parent.properties.get("visibility") == "HiddenMembership" and not call.roles & _HIDDEN_ROLES
    found = [] if is_hidden else tenant.directory.members(parent, transitive=transitive)
    if not call.roles & USER_ROLES:
        found = [DirectoryObject(entry.id, entry.kind, {"id": entry.id}) if entry.kind == "user" else entry for entry in found]
    cast = call.values.get("cast")
    if cast is None:
        return _collection(call, found, path, "directoryObjects", typed=True)
    kind = cast.rpartition(".")[2]
    return _collection(call, [entry for entry in found if entry.kind == kind], f"{path}/{cast}", f"{kind}s", cast=True)


def _collection(call: Call, found: list[DirectoryObject], path: str, context: str, *, typed: bool = False, cast: bool = False) -> Answer:
    check_query(call, cast=cast, kind=_kind(call, context))
    select = read_select(call)
    if select is not None and _NOT_IN_LISTS.intersection(select):
        raise GraphError(501, "NotImplemented", "The requested property is only available for a single user.")
    found = select_objects(call, found)
    size = _top(call)
    start = int(unseal(call.query["skiptoken"]).get("start", 0)) if "skiptoken" in call.query else 0
    body: dict[str, t.Any] = {"@odata.context": f"{call.root}/$metadata#{context}"}
    if call.flag("count") and start == 0 and call.headers.get("consistencylevel", "").lower() == "eventual":
        body["@odata.count"] = len(found)
    if start + size < len(found):
        kept = {f"${name}": value for name, value in call.query.items() if name != "skiptoken"}
        body["@odata.nextLink"] = link(call, path, {**kept, "$skiptoken": seal({"start": start + size})})
    body["value"] = [
        ({"@odata.type": f"#microsoft.graph.{entry.kind}"} if typed else {}) | object_json(entry, select)
        for entry in found[start : start + size]
    ]
    return json_answer(body)


def _kind(call: Call, context: str) -> str:
    """Of what a list is: lists of memberships are mixed unless they are cast."""
    return "user" if context == "users" or call.segments[-1].lower() == "microsoft.graph.user" else context


def _as_deleted(entry: DirectoryObject) -> DirectoryObject:
    """The name of a deleted user is prefixed with the id (facts D6)."""
    if entry.kind != "user":
        return entry
    name = entry.id.replace("-", "") + entry.properties["userPrincipalName"]
    return DirectoryObject(entry.id, "user", {**entry.properties, "userPrincipalName": name})


def _top(call: Call) -> int:
    try:
        return page_size(call, default=100, largest=999)
    except GraphError:
        raise GraphError(
            400, "Request_BadRequest", f"Invalid page size specified: '{call.query.get('top')}'. Must be between 1 and 999 inclusive."
        ) from None
