# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the entries of a selection mean in the directory: users, groups and administrative units by their names.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import functools
import typing as t

from ..graph.administrative_units import find_units, similar_units, unit_members
from ..graph.groups import find_groups, group_members, similar_groups
from ..graph.users import all_users, find_many_users, similar_users, users_matching
from .errors import SelectionError
from .selection import Selector
from .side_by_side import side_by_side

if t.TYPE_CHECKING:
    from ..graph.client import GraphClient
    from ..graph.directory_objects import AdministrativeUnit, Group, User
    from .known_members import KnownMembers
    from .model import Selection, Selectors

_KEYS_A_QUESTION = 70
"""Ten requests."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One way in which the selection names people. ``users`` lists them; an OU has no list of its own.

    ``stands_in``: for an object that is gone, with those whom the newest restore point has through it.
    """

    selector: Selector
    name: str | None = None
    is_exclusion: bool = False
    users: t.Callable[[], t.Iterable[User]] = tuple
    object: Group | AdministrativeUnit | None = None
    stands_in: bool = False

    @property
    def label(self) -> str:
        """The entry as ``via`` and ``by`` show it."""
        return self.selector.value if self.name is None else f"{self.selector.value} {self.name}"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Entries:
    """``unresolved`` and ``warnings`` are sentences about entries that are unknown, which only a run has."""

    found: tuple[Entry, ...]
    unresolved: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class _Wish:
    """A declared entry that has to be looked up."""

    selector: Selector
    key: str
    is_exclusion: bool


@dataclasses.dataclass(frozen=True, slots=True)
class _Trouble:
    """A wish that does not mean exactly one object; without matches it is unknown, else ambiguous."""

    wish: _Wish
    sentence: str
    is_unknown: bool


def look_up(client: GraphClient, selection: Selection, known: KnownMembers | None) -> Entries:
    """Find every entry of the selection. Without ``known`` all of them have to be there.

    :raises SelectionError: lists every ambiguous entry, and every unknown one, with candidates.
    """
    wishes = [*_wishes(selection.chosen, is_exclusion=False), *_wishes(selection.excluded, is_exclusion=True)]
    users = _named_users(client, [wish.key for wish in wishes if wish.selector is Selector.USER])
    answers = side_by_side(functools.partial(_answer, client, users), wishes)
    troubles = [answer for answer in answers if isinstance(answer, _Trouble)]
    problems = [trouble.sentence for trouble in troubles if known is None or not trouble.is_unknown]
    if problems:
        raise SelectionError(" ".join(problems), hint="Nothing was changed.", facts={"problems": problems})
    found = [answer for answer in answers if isinstance(answer, Entry)]
    substitutes = Entries(found=()) if known is None else _substitutes(client, troubles, known)
    entries = _once([*found, *substitutes.found, *_without_lookup(client, selection)])
    return dataclasses.replace(substitutes, found=tuple(sorted(entries, key=lambda entry: entry.is_exclusion)))


def _wishes(selectors: Selectors, *, is_exclusion: bool) -> t.Iterator[_Wish]:
    for key in selectors.users:
        yield _Wish(Selector.USER, key, is_exclusion)
    for key in selectors.groups:
        yield _Wish(Selector.GROUP, key, is_exclusion)
    for key in selectors.administrative_units:
        yield _Wish(Selector.ADMINISTRATIVE_UNIT, key, is_exclusion)


def _without_lookup(client: GraphClient, selection: Selection) -> t.Iterator[Entry]:
    """Entries that mean what they say."""
    for selectors, is_exclusion in ((selection.chosen, False), (selection.excluded, True)):
        if selectors.user_filter is not None:
            matching = functools.partial(users_matching, client, selectors.user_filter)
            yield Entry(selector=Selector.USER_FILTER, users=matching, is_exclusion=is_exclusion)
        for unit in selectors.on_premises_ous:
            yield Entry(selector=Selector.ON_PREMISES_OU, name=unit, is_exclusion=is_exclusion)
    if selection.all_users:
        yield Entry(selector=Selector.ALL_USERS, users=functools.partial(all_users, client))


def _named_users(client: GraphClient, keys: list[str]) -> dict[str, tuple[User, ...]]:
    parts = [keys[start : start + _KEYS_A_QUESTION] for start in range(0, len(keys), _KEYS_A_QUESTION)]
    return {key: users for answer in side_by_side(functools.partial(find_many_users, client), parts) for key, users in answer.items()}


def _answer(client: GraphClient, users: t.Mapping[str, tuple[User, ...]], wish: _Wish) -> Entry | _Trouble:
    if wish.selector is Selector.USER:
        named = users[wish.key]
        if len(named) == 1:
            return user_entry(named[0], is_exclusion=wish.is_exclusion)
        return _trouble(wish, map(_describe_user, named), lambda: map(_describe_user, similar_users(client, wish.key)))
    if wish.selector is Selector.GROUP:
        groups = find_groups(client, wish.key)
        if len(groups) == 1:
            return _entry(wish, groups[0], functools.partial(group_members, client, groups[0].id))
        return _trouble(wish, map(_describe_group, groups), lambda: map(_describe_group, similar_groups(client, wish.key)))
    units = find_units(client, wish.key)
    if len(units) == 1:
        return _entry(wish, units[0], functools.partial(unit_members, client, units[0].id))
    return _trouble(wish, map(_describe_unit, units), lambda: map(_describe_unit, similar_units(client, wish.key)))


def user_entry(user: User, *, is_exclusion: bool, name: str = "") -> Entry:
    """One user that is named; ``name`` where it is not the user's own any more."""
    return Entry(selector=Selector.USER, name=name or user.principal_name or user.id, is_exclusion=is_exclusion, users=lambda: (user,))


def _entry(wish: _Wish, found: Group | AdministrativeUnit, users: t.Callable[[], t.Iterable[User]]) -> Entry:
    name = found.display_name or wish.key
    return Entry(selector=wish.selector, name=name, is_exclusion=wish.is_exclusion, users=users, object=found)


def _trouble(wish: _Wish, found: t.Iterable[str], similar: t.Callable[[], t.Iterable[str]]) -> _Trouble:
    matches = ", ".join(found)
    what = f"{wish.selector.value} {wish.key!r}"
    if matches:
        sentence = f"The {what} is ambiguous: it means {matches}. Give the object id of the one that you mean."
        return _Trouble(wish, sentence, is_unknown=False)
    candidates = ", ".join(similar())
    more = f". Did you mean {candidates}?" if candidates else ", and none with a similar name."
    return _Trouble(wish, f"The directory has no {what}{more}", is_unknown=True)


def _substitutes(client: GraphClient, troubles: t.Iterable[_Trouble], known: KnownMembers) -> Entries:
    """What a run makes of unknown entries: with the object ids of the newest restore point it finds who was meant."""
    found: list[Entry] = []
    unresolved: list[str] = []
    warnings: list[str] = []
    for trouble in troubles:
        wish = trouble.wish
        if wish.selector is Selector.USER:
            users = _users_by_id(client, known.named(wish.key))
            found += [user_entry(user, is_exclusion=wish.is_exclusion, name=wish.key) for user in users]
            warnings += [f"The user {wish.key!r} is called {user.principal_name!r} now. Correct the plan." for user in users]
            if not users and wish.is_exclusion:
                warnings.append(f"{trouble.sentence} The plan excludes that user. If the user has another name now, correct the plan.")
            elif not users:
                unresolved.append(trouble.sentence)
        elif wish.is_exclusion:
            unresolved.append(f"{trouble.sentence} Nobody is excluded through it until the plan is corrected.")
        else:
            name, ids = known.through(wish.selector, wish.key)
            stay = (
                f" Those {len(ids):,} whom the newest restore point has through it stay members until the plan is corrected." if ids else ""
            )
            unresolved.append(trouble.sentence + stay)
            if ids:
                users_then = functools.partial(_users_by_id, client, ids)
                found.append(Entry(selector=wish.selector, name=name, users=users_then, stands_in=True))
    return Entries(found=tuple(found), unresolved=tuple(unresolved), warnings=tuple(warnings))


def _users_by_id(client: GraphClient, ids: t.Sequence[str]) -> list[User]:
    return [user for users in find_many_users(client, ids).values() for user in users]


def _once(entries: t.Iterable[Entry]) -> t.Iterable[Entry]:
    """Without those that name an object a second time."""
    return {(entry.label, entry.object and entry.object.id, entry.is_exclusion): entry for entry in entries}.values()


def _describe_user(user: User) -> str:
    return f"{user.principal_name} ({user.display_name}, {user.id})"


def _describe_group(group: Group) -> str:
    address = f"{group.mail}, " if group.mail else ""
    return f"{group.display_name} ({address}{group.id})"


def _describe_unit(unit: AdministrativeUnit) -> str:
    return f"{unit.display_name} ({unit.id})"
