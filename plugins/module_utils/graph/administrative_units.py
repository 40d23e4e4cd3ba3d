# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Administrative units, and who is in them. Permissions: AdministrativeUnit.Read.All, and User.Read.All for the names of the members.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t

from .client import GraphClient
from .directory_lists import directory_call, first_page, get_object, is_object_id, listed_users, prefixes, quoted, similar, starts
from .directory_objects import UNIT_FIELDS, AdministrativeUnit, User, unit_from
from .ids import UnitId
from .links import graph_path

PERMISSION = "AdministrativeUnit.Read.All"
_PLACE = ("directory", "administrativeUnits")


def find_units(client: GraphClient, key: str) -> tuple[AdministrativeUnit, ...]:
    """Administrative units with this object id or exact display name. Display names need not be unique."""
    doing = f"Looking for administrative unit {key!r}"
    if is_object_id(key):
        found = get_object(client, directory_call(doing, PERMISSION), graph_path(*_PLACE, key), UNIT_FIELDS)
        return () if found is None else (unit_from(found),)
    return _units(client, doing, f"displayName eq {quoted(key)}")


def similar_units(client: GraphClient, key: str, *, limit: int = 5) -> tuple[AdministrativeUnit, ...]:
    """Administrative units that may have been meant, for an error message; none when they cannot be searched."""
    doing = f"Looking for administrative units like {key!r}"
    return similar(
        [starts(prefix, "displayName") for prefix in prefixes(key)], lambda filter_: _units(client, doing, filter_, limit), limit
    )


def unit_members(client: GraphClient, unit_id: UnitId) -> t.Iterator[User]:
    """All users in the unit, each once. Those of groups in the unit are not in it: that is how the directory understands it.

    :raises NotFound: there is no such unit.
    """
    call = directory_call(f"Listing the members of administrative unit {unit_id}", PERMISSION)
    return listed_users(client, call, [*_PLACE, unit_id, "members", "microsoft.graph.user"])


def _units(client: GraphClient, doing: str, filter_: str, top: int = 25) -> tuple[AdministrativeUnit, ...]:
    call = directory_call(doing, PERMISSION)
    return tuple(unit_from(fields) for fields in first_page(client, call, graph_path(*_PLACE), UNIT_FIELDS, filter_, top))
