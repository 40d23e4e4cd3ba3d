# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an administrator should know about a selection, in sentences. Pure.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import collections
import typing as t

from .._text import count_text, listed_names
from ..graph.directory_objects import Group
from .selection import LeftOut, LeftOutReason, Selector

if t.TYPE_CHECKING:
    from .mailbox_kinds import Kinds
    from .model import Selection
    from .selection import Member
    from .selection_entries import Entries, Entry
    from .selection_people import People

_WITH_LISTS = (Selector.GROUP, Selector.ADMINISTRATIVE_UNIT)
_REASONS = {
    LeftOutReason.EXCLUDED: "excluded",
    LeftOutReason.GUEST: "as guests",
    LeftOutReason.UNLICENSED: "for want of a licence",
    LeftOutReason.MAILBOX_KIND: "for the kind of their mailbox",
}


def empty_groups(entries: t.Sequence[Entry], people: People, selection: Selection) -> t.Iterator[str]:
    """The names of the groups through which nobody is chosen, guests aside."""
    for entry in _empty(entries, people, selection, is_exclusion=False):
        if entry.selector is Selector.GROUP and entry.name is not None:
            yield entry.name


def warnings(
    entries: t.Sequence[Entry],
    people: People,
    members: t.Iterable[Member],
    left_out: t.Sequence[LeftOut],
    kinds: Kinds,
    selection: Selection,
) -> t.Iterator[str]:
    """What may not be as it was meant."""
    if empty := list(_empty(entries, people, selection, is_exclusion=False)):
        what = _upper(_named(empty))
        yield f"{what} {_have(empty)} no users to back up, so nobody is covered through {_it(empty)}. {_how_empty(empty)}"
    if empty := list(_empty(entries, people, selection, is_exclusion=True)):
        what = _named(empty)
        yield f"The excluded {what} {_have(empty)} no users, so nobody is left out through {_it(empty)}. {_how_empty(empty)}"
    yield from _guest_warnings(entries, left_out)
    if paused := [entry for entry in entries if isinstance(entry.object, Group) and entry.object.is_paused]:
        yield f"In Entra the rule of {_named(paused)} is paused, so it is not known who joined or left since then."
    if limited := sum(member.principal_name == member.id for member in members):
        who = count_text(limited, "member")
        yield f"Only the ids of {who} are readable. Grant the app User.Read.All, so that they can be named and backed up."
    if unknown := kinds.refused + kinds.failed:
        mailboxes = f"{unknown:,} {'mailbox' if unknown == 1 else 'mailboxes'}"
        grant = (
            " Grant the app MailboxSettings.Read for them, so that shared mailboxes, rooms and equipment are free." if kinds.refused else ""
        )
        yield f"Microsoft does not tell of what kind {mailboxes} {'is' if unknown == 1 else 'are'}, so each counts as a seat.{grant}"


def nobody_sentence(entries: Entries, people: People, left_out: t.Sequence[LeftOut], selection: Selection) -> str:
    """Why nobody is a member."""
    if left_out:
        chosen = count_text(len(left_out), "user")
        return f"The selection covers nobody: everybody who was chosen ({chosen}) is left out ({reasons_text(left_out)})."
    empty = list(_empty(entries.found, people, selection, is_exclusion=False))
    because = f"{_named(empty)} {_have(empty)} no users to back up. {_how_empty(empty)}" if empty else ""
    return " ".join(filter(None, ["The selection covers nobody:", because, *entries.unresolved]))


def reasons_text(left_out: t.Iterable[LeftOut]) -> str:
    """How many are left out for which reason."""
    counts = collections.Counter(one.reason for one in left_out)
    return ", ".join(f"{counts[reason]:,} {words}" for reason, words in _REASONS.items() if counts[reason])


def _empty(entries: t.Sequence[Entry], people: People, selection: Selection, *, is_exclusion: bool) -> t.Iterator[Entry]:
    """Entries that bring nobody. Guests count where they can be chosen, and always where people are excluded."""
    for number, entry in enumerate(entries):
        if entry.is_exclusion is is_exclusion and not entry.stands_in and (not is_exclusion or entry.selector in _WITH_LISTS):
            guests = 0 if is_exclusion or selection.include_guests or entry.selector is Selector.USER else people.guests(number)
            if people.listed(number) == guests:
                yield entry


def _guest_warnings(entries: t.Sequence[Entry], left_out: t.Iterable[LeftOut]) -> t.Iterator[str]:
    """Of groups and units, whose members somebody chose one by one."""
    lists = {entry.label: entry for entry in entries if entry.selector in _WITH_LISTS}
    guests = [one for one in left_out if one.reason is LeftOutReason.GUEST and not lists.keys().isdisjoint(one.via)]
    if guests:
        through = [entry for label, entry in lists.items() if any(label in guest.via for guest in guests)]
        yield (
            f"{count_text(len(guests), 'guest')} of {_named(through)} {'is' if len(guests) == 1 else 'are'} left out, since their data"
            f" is in their own organisation: {listed_names([repr(guest.principal_name) for guest in guests])}."
        )


def _how_empty(empty: t.Sequence[Entry]) -> str:
    if hidden := [entry for entry in empty if entry.object is not None and entry.object.has_hidden_members]:
        return f"The members of {_named(hidden)} are hidden, so grant the app Member.Read.Hidden."
    return f"If {'it' if len(empty) == 1 else 'they'} should have some, look at {_it(empty)} in Entra."


def _named(entries: t.Iterable[Entry]) -> str:
    return listed_names([entry.selector.value if entry.name is None else f"{entry.selector.value} {entry.name!r}" for entry in entries])


def _have(entries: t.Sequence[Entry]) -> str:
    return "has" if len(entries) == 1 else "have"


def _it(entries: t.Sequence[Entry]) -> str:
    return "it" if len(entries) == 1 else "them"


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
