# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Users and groups over HTTP: lists, single objects, memberships (facts D, H.6-11)."""

from __future__ import annotations

import typing as t

from .call import Answer, GraphError, json_answer
from .directory_query import check_query, select_objects
from .directory_state import DirectoryObject, not_found
from .odata import link, page_size, read_select, seal, unseal

if t.TYPE_CHECKING:
    from .call import Call
    from .state import Tenant

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
_OTHER_DEFAULTS = ("id", "displayName")
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


def group_members(tenant: Tenant, call: Call) -> Answer:
    return _members(tenant, call, transitive=False)


def group_transitive_members(tenant: Tenant, call: Call) -> Answer:
    return _members(tenant, call, transitive=True)


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
    """C(/directory/deletedItems/microsoft.graph.user): soft-deleted users, name prefixed with their id (facts D6)."""
    found = []
    for entry in tenant.directory.deleted.values():
        if entry.kind == "user":
            name = entry.id.replace("-", "") + entry.properties["userPrincipalName"]
            found.append(DirectoryObject(entry.id, "user", {**entry.properties, "userPrincipalName": name}))
    return _collection(call, found, "/directory/deletedItems/microsoft.graph.user", "directoryObjects")


def get_deleted_object(tenant: Tenant, call: Call) -> Answer:
    entry = tenant.directory.deleted.get(call.values["object"].lower())
    if entry is None:
        raise not_found(call.values["object"])
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
    names = select if select is not None else {"user": USER_DEFAULTS, "group": GROUP_DEFAULTS}.get(entry.kind, _OTHER_DEFAULTS)
    return {name: entry.properties.get(name, _EMPTY.get(name)) for name in names}


_EMPTY: dict[str, t.Any] = {
    "businessPhones": [],
    "groupTypes": [],
    "proxyAddresses": [],
    "assignedPlans": [],
    "assignedLicenses": [],
    "resourceProvisioningOptions": [],
}


def _members(tenant: Tenant, call: Call, *, transitive: bool) -> Answer:
    group = tenant.directory.group(call.values["group"])
    found = tenant.directory.members(group, transitive=transitive)
    path = f"/groups/{group.id}/{'transitiveMembers' if transitive else 'members'}"
    cast = call.values.get("cast")
    if cast is None:
        return _collection(call, found, path, "directoryObjects", typed=True)
    kind = cast.rpartition(".")[2]
    return _collection(call, [entry for entry in found if entry.kind == kind], f"{path}/{cast}", f"{kind}s", cast=True)


def _collection(call: Call, found: list[DirectoryObject], path: str, context: str, *, typed: bool = False, cast: bool = False) -> Answer:
    check_query(call, cast=cast)
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


def _top(call: Call) -> int:
    try:
        return page_size(call, default=100, largest=999)
    except GraphError:
        raise GraphError(
            400, "Request_BadRequest", f"Invalid page size specified: '{call.query.get('top')}'. Must be between 1 and 999 inclusive."
        ) from None
