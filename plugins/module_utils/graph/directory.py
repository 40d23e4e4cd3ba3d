# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Users, groups, and who is in them. Permissions: User.Read.All and GroupMember.Read.All.

Names from people go into filters only, as quoted strings; object ids are the keys for everything else.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import enum
import re
import typing as t

from .client import GraphClient
from .errors import AccessDenied, CursorLost, NotFound, RequestRefused
from .ids import Fields, GroupId, UserId
from .licences import DriveLicence, drive_licence
from .limits import LimitScope
from .links import graph_path
from .paging import Listing, values
from .refusals import Call
from .traffic import RequestKind

USER_PERMISSION = "User.Read.All"
GROUP_PERMISSION = "GroupMember.Read.All"
_USER_FIELDS = "id,userPrincipalName,mail,displayName,accountEnabled,userType"
_LICENCE_FIELD = ",assignedPlans"
_GROUP_FIELDS = "id,displayName,mail,groupTypes,mailEnabled,securityEnabled"
_EVENTUAL = {"ConsistencyLevel": "eventual"}
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_WORD = re.compile(r"\w{2,}")
_PAGE_SIZE = "999"
_LISTING_ATTEMPTS = 3
"""The links from page to page may expire while a large group is listed; then the listing begins anew."""


@dataclasses.dataclass(frozen=True, slots=True)
class User:
    """``is_limited``: the app may see no more than the id. ``drive_licence`` is None unless it was asked for."""

    id: UserId
    principal_name: str
    mail: str | None
    display_name: str
    is_enabled: bool | None
    user_type: str | None
    drive_licence: DriveLicence | None = None

    @property
    def is_guest(self) -> bool:
        return (self.user_type or "").lower() == "guest"

    @property
    def is_limited(self) -> bool:
        return not self.principal_name


class GroupKind(enum.Enum):
    """What a group is in Microsoft 365."""

    MICROSOFT_365 = "microsoft_365"
    SECURITY = "security"
    MAIL_ENABLED_SECURITY = "mail_enabled_security"
    DISTRIBUTION = "distribution"
    UNKNOWN = "unknown"


@dataclasses.dataclass(frozen=True, slots=True)
class Group:
    """``is_dynamic``: a rule computes the members, some time after the fact."""

    id: GroupId
    display_name: str
    mail: str | None
    kind: GroupKind
    is_dynamic: bool


def find_users(client: GraphClient, key: str, *, licences: bool = False) -> tuple[User, ...]:
    """Users with this object id, user principal name, or mail address: none, one, or several that share an address."""
    wanted = _user_fields(licences)
    call = _call(f"Looking for user {key!r}", USER_PERMISSION)
    if _GUID.fullmatch(key):
        found = _get(client, call, graph_path("users", key), wanted)
        return () if found is None else (user_from(found),)
    text = quoted(key)
    return _users(client, call, f"userPrincipalName eq {text} or mail eq {text}", fields=wanted)


def find_groups(client: GraphClient, key: str) -> tuple[Group, ...]:
    """Groups with this object id, exact display name, or mail address. Display names need not be unique."""
    call = _call(f"Looking for group {key!r}", GROUP_PERMISSION)
    if _GUID.fullmatch(key):
        found = _get(client, call, graph_path("groups", key), _GROUP_FIELDS)
        return () if found is None else (group_from(found),)
    text = quoted(key)
    return _groups(client, call, f"displayName eq {text} or mail eq {text}")


def similar_users(client: GraphClient, key: str, *, limit: int = 5) -> tuple[User, ...]:
    """Users that may have been meant, for an error message; none when they cannot be searched."""
    call = _call(f"Looking for users like {key!r}", USER_PERMISSION)
    filters = [_starts(prefix, "userPrincipalName", "mail", "displayName") for prefix in _prefixes(key.partition("@")[0])]
    return _similar(filters, lambda filter_: _users(client, call, filter_, limit), limit)


def similar_groups(client: GraphClient, key: str, *, limit: int = 5) -> tuple[Group, ...]:
    """Groups that may have been meant, for an error message; none when they cannot be searched."""
    call = _call(f"Looking for groups like {key!r}", GROUP_PERMISSION)
    filters = [_starts(prefix, "displayName", "mail") for prefix in _prefixes(key)]
    return _similar(filters, lambda filter_: _groups(client, call, filter_, limit), limit)


def group_members(client: GraphClient, group_id: GroupId, *, licences: bool = False) -> t.Iterator[User]:
    """All users in the group and in the groups inside it, each once. Devices, contacts and the like are left out.

    With ``licences`` the listing says of each what licence for OneDrive it has, for no further request.

    :raises NotFound: there is no such group.
    """
    call = _call(f"Listing the members of group {group_id}", GROUP_PERMISSION)
    listing = Listing(
        target=graph_path("groups", group_id, "transitiveMembers", "microsoft.graph.user"),
        params={"$select": _user_fields(licences), "$count": "true", "$top": _PAGE_SIZE},
        headers=_EVENTUAL,
    )
    seen: set[str] = set()
    for attempt in range(_LISTING_ATTEMPTS):
        try:
            for fields in values(client, call, listing):
                user = user_from(fields)
                if user.id and user.id not in seen:
                    seen.add(user.id)
                    yield user
        except CursorLost:
            if attempt + 1 == _LISTING_ATTEMPTS:
                raise
        else:
            return


def user_from(fields: Fields) -> User:
    """From an object of which only the id is certain."""
    is_enabled = fields.get("accountEnabled")
    return User(
        id=UserId(str(fields.get("id") or "")),
        principal_name=str(fields.get("userPrincipalName") or ""),
        mail=fields.get("mail") or None,
        display_name=str(fields.get("displayName") or ""),
        is_enabled=is_enabled if isinstance(is_enabled, bool) else None,
        user_type=fields.get("userType") or None,
        drive_licence=drive_licence(fields.get("assignedPlans")),
    )


def group_from(fields: Fields) -> Group:
    types = [str(kind) for kind in fields.get("groupTypes") or ()]
    return Group(
        id=GroupId(str(fields.get("id") or "")),
        display_name=str(fields.get("displayName") or ""),
        mail=fields.get("mail") or None,
        kind=_kind(types, fields.get("mailEnabled"), fields.get("securityEnabled")),
        is_dynamic="DynamicMembership" in types,
    )


def quoted(text: str) -> str:
    """A string for C($filter): single quotes are doubled."""
    return "'" + text.replace("'", "''") + "'"


def _kind(types: t.Sequence[str], mail_enabled: object, security_enabled: object) -> GroupKind:
    if "Unified" in types:
        return GroupKind.MICROSOFT_365
    if mail_enabled is True:
        return GroupKind.MAIL_ENABLED_SECURITY if security_enabled is True else GroupKind.DISTRIBUTION
    return GroupKind.SECURITY if security_enabled is True else GroupKind.UNKNOWN


def _user_fields(licences: bool) -> str:
    return _USER_FIELDS + (_LICENCE_FIELD if licences else "")


def _users(client: GraphClient, call: Call, filter_: str, top: int = 25, fields: str = _USER_FIELDS) -> tuple[User, ...]:
    return tuple(user_from(entry) for entry in _filtered(client, call, "users", fields, filter_, top))


def _groups(client: GraphClient, call: Call, filter_: str, top: int = 25) -> tuple[Group, ...]:
    return tuple(group_from(fields) for fields in _filtered(client, call, "groups", _GROUP_FIELDS, filter_, top))


def _filtered(client: GraphClient, call: Call, collection: str, fields: str, filter_: str, top: int) -> list[Fields]:
    """The first page is enough: nobody reads more candidates."""
    params = {"$filter": filter_, "$select": fields, "$top": str(top)}
    page = client.get_json(call, graph_path(collection), params=params)
    return [entry for entry in page.get("value") or () if isinstance(entry, dict)]


def _get(client: GraphClient, call: Call, path: str, fields: str) -> Fields | None:
    try:
        return client.get_json(call, path, params={"$select": fields})
    except NotFound:
        return None


_Found = t.TypeVar("_Found", User, Group)


def _similar(filters: t.Sequence[str], search: t.Callable[[str], tuple[_Found, ...]], limit: int) -> tuple[_Found, ...]:
    found: dict[str, _Found] = {}
    for filter_ in filters:
        try:
            found.update({item.id: item for item in search(filter_) if item.id not in found})
        except (AccessDenied, NotFound, RequestRefused):
            break
        if len(found) >= limit:
            break
    return tuple(found.values())[:limit]


def _prefixes(name: str) -> list[str]:
    """The name, its first word, and its first letters: from near to far."""
    name = name.strip()
    first_word = _WORD.search(name)
    candidates = [name, first_word.group() if first_word else "", name[:3]]
    return list(dict.fromkeys(candidate for candidate in candidates if len(candidate) >= 2))


def _starts(prefix: str, *fields: str) -> str:
    return " or ".join(f"startswith({field},{quoted(prefix)})" for field in fields)


def _call(doing: str, permission: str) -> Call:
    return Call(scope=LimitScope.directory(), kind=RequestKind.DIRECTORY, doing=doing, permission=permission)
