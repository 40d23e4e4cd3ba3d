# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Groups, and who is in them. Permissions: GroupMember.Read.All, and User.Read.All for the names of the members.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t

from .client import GraphClient
from .directory_lists import directory_call, first_page, get_object, is_object_id, listed_users, prefixes, quoted, similar, starts
from .directory_objects import GROUP_FIELDS, Group, User, group_from
from .ids import GroupId
from .links import graph_path

PERMISSION = "GroupMember.Read.All"
_MEMBERS_UNITS = 4


def find_groups(client: GraphClient, key: str) -> tuple[Group, ...]:
    """Groups with this object id, exact display name, or mail address. Display names need not be unique."""
    doing = f"Looking for group {key!r}"
    if is_object_id(key):
        found = get_object(client, directory_call(doing, PERMISSION), graph_path("groups", key), GROUP_FIELDS)
        return () if found is None else (group_from(found),)
    text = quoted(key)
    return _groups(client, doing, f"displayName eq {text} or mail eq {text}")


def similar_groups(client: GraphClient, key: str, *, limit: int = 5) -> tuple[Group, ...]:
    """Groups that may have been meant, for an error message; none when they cannot be searched."""
    doing = f"Looking for groups like {key!r}"
    filters = [starts(prefix, "displayName", "mail") for prefix in prefixes(key)]
    return similar(filters, lambda filter_: _groups(client, doing, filter_, limit), limit)


def group_members(client: GraphClient, group_id: GroupId) -> t.Iterator[User]:
    """All users in the group and in the groups inside it, each once. Devices, contacts and the like are left out.

    :raises NotFound: there is no such group.
    """
    call = directory_call(f"Listing the members of group {group_id}", PERMISSION, _MEMBERS_UNITS)
    return listed_users(client, call, ["groups", group_id, "transitiveMembers", "microsoft.graph.user"])


def _groups(client: GraphClient, doing: str, filter_: str, top: int = 25) -> tuple[Group, ...]:
    call = directory_call(doing, PERMISSION)
    return tuple(group_from(fields) for fields in first_page(client, call, graph_path("groups"), GROUP_FIELDS, filter_, top))
