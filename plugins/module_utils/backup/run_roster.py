# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The members of a group after a run: who is in, who has joined, who has left. Pure.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t
from dataclasses import dataclass

from ..plan.leavers import former_as_dict
from ..plan.model import Leavers
from .members import MemberState, known_members

if t.TYPE_CHECKING:
    from ..plan.roster import KnownMember
    from ..plan.selection import Member
    from .leavers import Departure, Departures


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRoster:
    """``joiners`` are new, or back. ``leavers`` have left since the last restore point, ``former`` before that. All are in the new one.

    ``is_first`` says that there was nobody before. ``unresolved`` are sentences about entries that the directory does not know,
    ``policy`` is what becomes of those who have left.
    """

    joiners: tuple[Member, ...] = ()
    leavers: tuple[KnownMember, ...] = ()
    former: tuple[KnownMember, ...] = ()
    is_first: bool = False
    unresolved: tuple[str, ...] = ()
    policy: Leavers = Leavers()

    def as_dict(self) -> dict[str, t.Any]:
        return {
            "joiners": [member.as_dict() for member in self.joiners],
            "leavers": [former_as_dict(member, self.policy) for member in self.leavers],
            "former": [former_as_dict(member, self.policy) for member in self.former],
            "unresolved": list(self.unresolved),
        }


def states_after(
    before: t.Mapping[str, MemberState], members: t.Iterable[Member], departures: Departures, moment: str
) -> dict[str, MemberState]:
    """{object id: state} of everybody whom the next restore point has; whoever is not among ``members`` has left, and stays in it.

    What nobody could tell of a member this time is as it was.
    """
    after = {member.id: _left(member, departures.by_id.get(member.id), moment) for member in before.values()}
    for member in members:
        known = before.get(member.id)
        after[member.id] = MemberState(
            id=member.id,
            principal_name=member.principal_name,
            display_name=member.display_name,
            via=tuple(sorted(member.via)),
            kind=known.kind if member.kind is None and known is not None else member.kind,
            sources={} if known is None else known.sources,
        )
    return after


def run_roster(
    before: t.Mapping[str, MemberState],
    after: t.Mapping[str, MemberState],
    members: t.Iterable[Member],
    departures: Departures,
    policy: Leavers,
) -> RunRoster:
    """Compare what L(states_after) made with what there was."""
    gone = [member for member in after.values() if member.left is not None]
    return RunRoster(
        joiners=tuple(member for member in members if member.id not in before or before[member.id].left is not None),
        leavers=known_members(member for member in gone if before[member.id].left is None),
        former=known_members(member for member in gone if before[member.id].left is not None),
        is_first=not before,
        unresolved=departures.unresolved,
        policy=policy,
    )


def _left(member: MemberState, departure: Departure | None, moment: str) -> MemberState:
    if departure is None:
        return dataclasses.replace(member, left=member.left or moment)
    return dataclasses.replace(member, left=member.left or moment, left_reason=departure.reason, deleted=departure.deleted)
