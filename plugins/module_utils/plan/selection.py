# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From declared users and groups to the members that a plan covers now.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import collections
import dataclasses
import typing as t

from ..graph.directory import (
    Group,
    User,
    find_groups,
    find_users,
    group_members,
    similar_groups,
    similar_users,
)
from ..graph.ids import UserId
from ..graph.licences import DriveLicence
from .errors import SelectionError
from .model import Selection

if t.TYPE_CHECKING:
    from ..graph.client import GraphClient


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One user that a plan covers. ``id`` is the Entra object id; ``via`` says which declared entries cover the user.

    ``drive_licence`` is None where nobody asked, or the app may not see it.
    """

    id: UserId
    principal_name: str
    display_name: str
    mail: str | None
    via: tuple[str, ...]
    drive_licence: DriveLicence | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """What a selection resolves to today: at least one member, sorted by sign-in name, each once.

    ``warnings`` are sentences about what an administrator may not have meant. ``empty_groups`` are the display names of
    groups without any user.
    """

    members: tuple[Member, ...]
    warnings: tuple[str, ...]
    empty_groups: tuple[str, ...]


def resolve_members(client: GraphClient, selection: Selection, *, licences: bool = False) -> Resolution:
    """Ask the directory whom the selection means; members of nested groups are included.

    With ``licences`` it also says who has a licence for OneDrive, which costs no further request.
    Raises L(SelectionError) that lists every unknown and ambiguous entry with candidates, and when nobody is left.
    """
    problems: list[str] = []
    users = [user for key in selection.users for user in _the_user(client, key, problems, licences)]
    groups = [group for key in selection.groups for group in _the_group(client, key, problems)]
    if problems:
        raise SelectionError(" ".join(problems), hint="Nothing was changed.", facts={"problems": problems})
    return combine(users, ((group.display_name, group_members(client, group.id, licences=licences)) for group in groups))


def combine(users: t.Iterable[User], groups: t.Iterable[tuple[str, t.Iterable[User]]]) -> Resolution:
    """Who is covered by users that are named themselves and by groups, each with its display name and its users.

    Guests that are in a group are left out with a warning, since their mailbox and drive are in their own organisation.
    Raises L(SelectionError) when nobody is left.
    """
    found = _Found()
    for user in users:
        found.add_user(user)
    for group, group_users in groups:
        found.add_group(group, group_users)
    if not found.users:
        have = "has" if len(found.empty_groups) == 1 else "have"
        raise SelectionError(
            f"The plan covers nobody: {_quoted(found.empty_groups)} {have} no users to back up.",
            hint="Check the groups in Entra; if their membership is hidden, grant the app Member.Read.Hidden.",
        )
    return Resolution(members=found.members(), warnings=tuple(_warnings(found)), empty_groups=tuple(found.empty_groups))


class _Found:
    """Users by id, and how each was found; ``guests`` are the sign-in names of those left out, by group."""

    def __init__(self) -> None:
        self.users: dict[UserId, User] = {}
        self.via: dict[UserId, dict[str, None]] = collections.defaultdict(dict)
        self.empty_groups: list[str] = []
        self.guests: dict[str, list[str]] = {}

    def add_user(self, user: User) -> None:
        self._add(user, f"user {_name_of(user)}")

    def add_group(self, group: str, users: t.Iterable[User]) -> None:
        is_empty = True
        for user in users:
            if user.is_guest:
                self.guests.setdefault(group, []).append(_name_of(user))
            else:
                self._add(user, f"group {group}")
                is_empty = False
        if is_empty:
            self.empty_groups.append(group)

    def _add(self, user: User, via: str) -> None:
        self.users[user.id] = user
        self.via[user.id][via] = None

    def members(self) -> tuple[Member, ...]:
        members = (
            Member(
                id=user.id,
                principal_name=_name_of(user),
                display_name=user.display_name or _name_of(user),
                mail=user.mail,
                via=tuple(self.via[user.id]),
                drive_licence=user.drive_licence,
            )
            for user in self.users.values()
        )
        return tuple(sorted(members, key=lambda member: (member.principal_name.casefold(), member.id)))


def _warnings(found: _Found) -> t.Iterator[str]:
    for group in found.empty_groups:
        yield (
            f"Group {group!r} has no users to back up, so nobody is covered through it."
            " If it should have members, check it in Entra (hidden membership needs the permission Member.Read.Hidden)."
        )
    for group, guests in found.guests.items():
        yield f"{len(guests):,} guest(s) of group {group!r} are left out, since their data is in their own organisation: {_quoted(guests)}."
    limited = sum(user.is_limited for user in found.users.values())
    if limited:
        yield f"Only the ids of {limited:,} member(s) are readable. Grant the app User.Read.All, so that they can be named and backed up."


def _the_user(client: GraphClient, key: str, problems: list[str], licences: bool) -> tuple[User, ...]:
    found = find_users(client, key, licences=licences)
    if len(found) == 1:
        return found
    problems.append(_problem("user", key, map(_describe_user, found), map(_describe_user, () if found else similar_users(client, key))))
    return ()


def _the_group(client: GraphClient, key: str, problems: list[str]) -> tuple[Group, ...]:
    found = find_groups(client, key)
    if len(found) == 1:
        return found
    problems.append(_problem("group", key, map(_describe_group, found), map(_describe_group, () if found else similar_groups(client, key))))
    return ()


def _problem(kind: str, key: str, found: t.Iterable[str], similar: t.Iterable[str]) -> str:
    matches, candidates = ", ".join(found), ", ".join(similar)
    if matches:
        return f"The {kind} {key!r} is ambiguous: it means {matches}. Give the object id of the one that you mean."
    if candidates:
        return f"The directory has no {kind} {key!r}. Did you mean {candidates}?"
    return f"The directory has no {kind} {key!r}, and none with a similar name."


def _describe_user(user: User) -> str:
    return f"{user.principal_name} ({user.display_name}, {user.id})"


def _describe_group(group: Group) -> str:
    address = f"{group.mail}, " if group.mail else ""
    return f"{group.display_name} ({address}{group.id})"


def _name_of(user: User) -> str:
    return user.principal_name or user.id


def _quoted(names: t.Iterable[str]) -> str:
    return ", ".join(repr(name) for name in names)
