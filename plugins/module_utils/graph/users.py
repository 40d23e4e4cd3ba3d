# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Users: by name, by what the directory says of them, all of them, and those that were deleted. Permission: User.Read.All.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t

from .._errors import InputError
from .client import GraphClient
from .directory_lists import (
    MOST_CLAUSES,
    directory_call,
    first_page,
    get_object,
    is_object_id,
    listed_users,
    prefixes,
    quoted,
    similar,
    starts,
)
from .directory_objects import DELETED_USER_FIELDS, USER_FIELDS, DeletedUser, User, deleted_user_from, user_from
from .errors import RequestRefused
from .ids import UserId
from .links import graph_path

PERMISSION = "User.Read.All"
_NAMES_A_REQUEST = MOST_CLAUSES // 2
"""Each name may be a sign-in name or a mail address."""


def find_users(client: GraphClient, key: str) -> tuple[User, ...]:
    """Users with this object id, user principal name, or mail address: none, one, or several that share an address."""
    if is_object_id(key):
        found = user_by_id(client, UserId(key))
        return () if found is None else (found,)
    return _users(client, f"Looking for user {key!r}", _any_of([key], "userPrincipalName", "mail"))


def find_many_users(client: GraphClient, keys: t.Iterable[str]) -> dict[str, tuple[User, ...]]:
    """What find_users gives for each of them, in a seventh of its requests."""
    wanted = list(dict.fromkeys(keys))
    ids = [key for key in wanted if is_object_id(key)]
    names = [key for key in wanted if not is_object_id(key)]
    found: dict[str, tuple[User, ...]] = dict.fromkeys(wanted, ())
    for few in _pieces(ids, MOST_CLAUSES):
        by_id = {user.id.lower(): user for user in _users(client, _several(few), _any_of(few, "id"))}
        found.update({key: (by_id[key.lower()],) for key in few if key.lower() in by_id})
    for few in _pieces(names, _NAMES_A_REQUEST):
        users = _users(client, _several(few), _any_of(few, "userPrincipalName", "mail"), top=999)
        found.update({key: tuple(user for user in users if _is_called(user, key)) for key in few})
    return found


def similar_users(client: GraphClient, key: str, *, limit: int = 5) -> tuple[User, ...]:
    """Users that may have been meant, for an error message; none when they cannot be searched."""
    doing = f"Looking for users like {key!r}"
    filters = [starts(prefix, "userPrincipalName", "mail", "displayName") for prefix in prefixes(key.partition("@")[0])]
    return similar(filters, lambda filter_: _users(client, doing, filter_, limit), limit)


def user_by_id(client: GraphClient, user_id: UserId) -> User | None:
    """The user with this object id; None when there is none any more."""
    call = directory_call(f"Looking for user {user_id!r}", PERMISSION)
    found = get_object(client, call, graph_path("users", user_id), USER_FIELDS)
    return None if found is None else user_from(found)


def deleted_user(client: GraphClient, user_id: UserId) -> DeletedUser | None:
    """The user with this object id among those that were deleted in the last 30 days; None when nobody can restore it."""
    call = directory_call(f"Looking for user {user_id!r} among the deleted ones", PERMISSION)
    found = get_object(client, call, graph_path("directory", "deletedItems", user_id), DELETED_USER_FIELDS)
    return None if found is None else deleted_user_from(found)


def users_matching(client: GraphClient, user_filter: str) -> t.Iterator[User]:
    """All users that pass an OData filter, which may be an advanced query.

    :raises InputError: the service does not understand the filter, in its own words.
    """
    call = directory_call(f"Looking for the users with the user_filter {user_filter!r}", PERMISSION)
    try:
        yield from listed_users(client, call, ["users"], user_filter)
    except RequestRefused as error:
        hint = "Correct user_filter, the text of a $filter over users of Microsoft Graph such as department eq 'Sales'. Nothing changed."
        raise InputError(error.what, hint=hint, facts=error.facts) from error


def all_users(client: GraphClient) -> t.Iterator[User]:
    """Every user of the directory, guests and blocked ones too."""
    return listed_users(client, directory_call("Listing all users", PERMISSION), ["users"])


def synced_users(client: GraphClient) -> t.Iterator[User]:
    """Users that come from an Active Directory: the only ones with a place in an organizational unit of it.

    The directory does not filter by that place (Microsoft's page on the resource type user).
    """
    call = directory_call("Listing the users that come from an on-premises directory", PERMISSION)
    return listed_users(client, call, ["users"], "onPremisesSyncEnabled eq true")


def _users(client: GraphClient, doing: str, filter_: str, top: int = 25) -> tuple[User, ...]:
    call = directory_call(doing, PERMISSION)
    return tuple(user_from(entry) for entry in first_page(client, call, graph_path("users"), USER_FIELDS, filter_, top))


def _pieces(keys: list[str], size: int) -> t.Iterator[list[str]]:
    return (keys[start : start + size] for start in range(0, len(keys), size))


def _several(keys: list[str]) -> str:
    return f"Looking for user {keys[0]!r}" + (f" and {len(keys) - 1} more" if len(keys) > 1 else "")


def _any_of(keys: list[str], *fields: str) -> str:
    return " or ".join(f"{field} eq {quoted(key)}" for key in keys for field in fields)


def _is_called(user: User, key: str) -> bool:
    return key.casefold() in (user.principal_name.casefold(), (user.mail or "").casefold())
