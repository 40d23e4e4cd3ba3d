# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Members of plans as hosts of an inventory: one host a person, however many plans there are.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import collections
import dataclasses
import typing as t
from datetime import datetime, timezone

ALL = "m365_members"
FORMER = "m365_former"
PROTECTED = "m365_protected"
UNPROTECTED = "m365_unprotected"

Facts = t.Mapping[str, t.Any]
_IDENTITY = ("id", "principal_name", "display_name")


@dataclasses.dataclass(frozen=True, slots=True)
class MemberHost:
    """A host, the groups that it is in, and its variables."""

    name: str
    groups: tuple[str, ...]
    variables: dict[str, t.Any]


@dataclasses.dataclass(frozen=True, slots=True)
class _Place:
    """A member in one plan."""

    plan: Facts
    member: Facts
    is_former: bool


def plan_groups(plan: str) -> tuple[str, str]:
    """The group of the members of a plan, and that of its former members. Groups have no hyphens in their names."""
    name = plan.replace("-", "_")
    return f"m365_plan_{name}", f"m365_former_of_{name}"


def member_hosts(plans: t.Iterable[Facts]) -> list[MemberHost]:
    """A host for everybody in C(members) and C(former) of the coverage of each plan, sorted by name."""
    places: dict[str, list[_Place]] = collections.defaultdict(list)
    for plan in plans:
        for key, is_former in (("members", False), ("former", True)):
            for member in plan[key]:
                places[member["id"]].append(_Place(plan, member, is_former))
    described = {key: _best(found) for key, found in places.items()}
    names = _names(described)
    hosts = (MemberHost(names[key], _groups(found), _variables(described[key].member, found)) for key, found in places.items())
    return sorted(hosts, key=lambda host: host.name)


def _best(places: t.Sequence[_Place]) -> _Place:
    """The one that knows the person's names best: people are renamed, and former members are not looked at any more."""
    return max(places, key=lambda place: (not place.is_former, _time_of(place.plan)))


def _time_of(plan: Facts) -> str:
    """When its restore point was made, in one time zone, so that it can be compared; empty without one."""
    point = plan["restore_point"]
    return datetime.fromisoformat(point["time"]).astimezone(timezone.utc).isoformat() if point else ""


def _names(described: t.Mapping[str, _Place]) -> dict[str, str]:
    """{object id: name of the host}. Of several with one sign-in name, a single one that did not leave keeps it plain."""
    namesakes: dict[str, list[str]] = collections.defaultdict(list)
    for key, place in described.items():
        namesakes[(place.member["principal_name"] or key).casefold()].append(key)
    names = {}
    for keys in namesakes.values():
        active = [key for key in keys if not described[key].is_former]
        plain = keys if len(keys) == 1 else active if len(active) == 1 else []
        for key in keys:
            name = described[key].member["principal_name"] or key
            names[key] = name if key in plain else f"{name}~{key}"
    return names


def _groups(places: t.Iterable[_Place]) -> tuple[str, ...]:
    groups = {ALL: None}
    for place in places:
        groups[plan_groups(place.plan["name"])[place.is_former]] = None
        if place.member["kind"]:
            groups[f"m365_kind_{place.member['kind']}"] = None
    protected = _is_protected(places)
    groups[FORMER if protected is None else PROTECTED if protected else UNPROTECTED] = None
    return tuple(groups)


def _variables(person: Facts, places: t.Sequence[_Place]) -> dict[str, t.Any]:
    protected = _is_protected(places)
    return {
        "m365_member_id": person["id"],
        "m365_principal_name": person["principal_name"],
        "m365_display_name": person["display_name"],
        "m365_kind": next((place.member["kind"] for place in places if place.member["kind"]), None),
        "m365_status": "former" if protected is None else "member",
        "m365_is_protected": protected,
        "m365_plans": {
            place.plan["name"]: {
                "title": place.plan["title"],
                "backup_type": place.plan["backup_type"],
                "status": "former" if place.is_former else "member",
                **{key: value for key, value in place.member.items() if key not in _IDENTITY},
            }
            for place in places
        },
    }


def _is_protected(places: t.Iterable[_Place]) -> bool | None:
    """Whether every plan that the person is a member of keeps its promise; None for somebody who left all of them."""
    promises = [place.member["is_protected"] for place in places if not place.is_former]
    return all(promises) if promises else None
