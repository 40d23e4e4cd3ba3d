# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a declared selection to the members that it means now.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t

from ..graph.directory_objects import Group
from ..graph.users import synced_users
from .errors import SelectionError
from .known_members import KnownMembers
from .mailbox_kinds import Kinds, mailbox_kinds
from .model import BackupType, MailboxKind
from .ou_match import ou_problem, parse_name
from .selection import EntryFound, LeftOut, Resolution, Selector
from .selection_entries import Entry, look_up
from .selection_people import Chosen, People, left_out_by_choice, left_out_by_mailbox, member_of
from .selection_sentences import empty_groups, nobody_sentence, warnings
from .side_by_side import side_by_side

if t.TYPE_CHECKING:
    from ..graph.client import GraphClient
    from .model import Plan, Selection
    from .ou_match import DistinguishedName
    from .roster import KnownMember


def resolve_members(client: GraphClient, plan: Plan, *, known: t.Iterable[KnownMember] | None = None) -> Resolution:
    """Ask the directory whom the plan covers: see L(resolve_selection)."""
    return resolve_selection(client, plan.selection, plan.backup_type, known=known)


def resolve_selection(
    client: GraphClient, selection: Selection, backup_type: BackupType, *, known: t.Iterable[KnownMember] | None = None
) -> Resolution:
    """Ask the directory whom a selection means; members of nested groups are included, those of groups in administrative units are not.

    ``known`` are all members of the newest restore point, former ones too, when a plan is run; then entries that are not
    known any more are told in the result. None when a selection is declared; then they are errors.

    :raises SelectionError: lists every ambiguous entry, and every unknown one, with candidates; or nobody is left.
    :raises InputError: Graph does not understand a filter.
    """
    _check_units(selection)
    entries = look_up(client, selection, None if known is None else KnownMembers(known))
    people = _listed(client, entries.found)
    left_out: list[LeftOut] = []
    staying: list[Chosen] = []
    for chosen in people.chosen():
        reason = left_out_by_choice(chosen, selection)
        if reason is None:
            staying.append(chosen)
        else:
            left_out.append(reason)
    kinds = _kinds(client, staying, selection, backup_type)
    members = []
    for chosen in staying:
        reason = left_out_by_mailbox(chosen, kinds.judged(chosen.user.id), selection, backup_type)
        if reason is None:
            members.append(member_of(chosen, kinds.of.get(chosen.user.id), backup_type))
        else:
            left_out.append(reason)
    if not members:
        facts = {"unresolved": list(entries.unresolved)} if entries.unresolved else {}
        hint = "Nothing was changed, and no backup was removed."
        raise SelectionError(nobody_sentence(entries, people, left_out, selection), hint=hint, facts=facts)
    left_out.sort(key=lambda one: (one.principal_name.casefold(), one.id))
    return Resolution(
        members=tuple(members),
        warnings=(*entries.warnings, *warnings(entries.found, people, members, left_out, kinds, selection)),
        empty_groups=tuple(empty_groups(entries.found, people, selection)),
        left_out=tuple(left_out),
        unresolved=entries.unresolved,
        entries=tuple(_entries_found(entries.found, people)),
    )


def _check_units(selection: Selection) -> None:
    problems = [
        f"The on-premises OU {unit!r} {problem}."
        for selectors in (selection.chosen, selection.excluded)
        for unit in selectors.on_premises_ous
        if (problem := ou_problem(unit))
    ]
    if problems:
        raise SelectionError(" ".join(problems), hint="Nothing was changed.", facts={"problems": problems})


def _listed(client: GraphClient, entries: t.Sequence[Entry]) -> People:
    """Everybody whom the entries name: first those of lists, side by side, then those of organizational units."""
    people = People(entries)

    def read(number: int) -> None:
        for user in entries[number].users():
            people.add(number, user)

    listed = [number for number, entry in enumerate(entries) if entry.selector is not Selector.ON_PREMISES_OU]
    side_by_side(read, listed)
    units = _units(entries, is_exclusion=False)
    has_everybody = any(entry.selector is Selector.ALL_USERS for entry in entries)
    people.place(units, people.users() if has_everybody or not units else synced_users(client))
    people.place(_units(entries, is_exclusion=True), people.users())
    return people


def _units(entries: t.Sequence[Entry], *, is_exclusion: bool) -> dict[int, DistinguishedName]:
    return {
        number: name
        for number, entry in enumerate(entries)
        if entry.selector is Selector.ON_PREMISES_OU and entry.is_exclusion is is_exclusion and (name := parse_name(entry.name or ""))
    }


def _kinds(client: GraphClient, staying: t.Sequence[Chosen], selection: Selection, backup_type: BackupType) -> Kinds:
    if backup_type is not BackupType.MAILBOX:
        return Kinds(of={})
    is_decisive = set(selection.mailbox_kinds) != set(MailboxKind)
    return mailbox_kinds(client, [chosen.user for chosen in staying], is_decisive=is_decisive)


def _entries_found(entries: t.Sequence[Entry], people: People) -> t.Iterator[EntryFound]:
    for number, entry in enumerate(entries):
        if entry.selector is not Selector.USER:
            group = entry.object if isinstance(entry.object, Group) else None
            yield EntryFound(
                selector=entry.selector,
                name=entry.name,
                users=people.listed(number),
                is_exclusion=entry.is_exclusion,
                id=entry.object.id if entry.object else None,
                group_kind=group.kind.value if group else None,
                is_dynamic=group.is_dynamic if group else None,
            )
