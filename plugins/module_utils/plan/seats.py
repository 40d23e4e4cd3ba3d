# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many seats the plans of a repository use: one for each user, however many plans cover the user. Pure.

Shared, room and equipment mailboxes are free. A user who has left all plans is a leaver: the backup is still there, the seat
is not used any more. A mailbox of which nobody could tell the kind counts as one of a user.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import collections
import dataclasses
import enum
import typing as t

from .model import MailboxKind

if t.TYPE_CHECKING:
    from .roster import KnownMember
    from .selection import Member

FREE_KINDS = frozenset({MailboxKind.SHARED, MailboxKind.ROOM, MailboxKind.EQUIPMENT})


class Standing(str, enum.Enum):
    """What somebody counts as."""

    USED = "used"
    FREE = "free"
    LEAVER = "leaver"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SeatHolder:
    """Somebody whom one plan covers, or covered until they left it. ``id`` is the Entra object id, ``kind`` None where it is not known."""

    id: str
    principal_name: str
    plan: str
    kind: MailboxKind | None = None
    has_left: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """One user over all plans: the names of those that cover the user, and of those that the user has left."""

    id: str
    principal_name: str
    plans: tuple[str, ...]
    left_plans: tuple[str, ...]
    kind: MailboxKind | None
    standing: Standing

    @property
    def is_shared(self) -> bool:
        """Whether several plans share the one seat."""
        return self.standing is Standing.USED and len(self.plans) > 1


@dataclasses.dataclass(frozen=True, slots=True)
class SeatLedger:
    """All users of all plans, by sign-in name."""

    seats: tuple[Seat, ...]

    @property
    def used(self) -> int:
        return self._count(Standing.USED)

    @property
    def free(self) -> int:
        return self._count(Standing.FREE)

    @property
    def leavers(self) -> int:
        return self._count(Standing.LEAVER)

    def as_dict(self) -> dict[str, t.Any]:
        """The ledger as a result shows it: counts, and the same as lines of a table."""
        kinds = collections.Counter(seat.kind.value for seat in self.seats if seat.standing is Standing.FREE and seat.kind)
        return {
            "used": self.used,
            "free": self.free,
            "leavers": self.leavers,
            "free_by_kind": dict(sorted(kinds.items())),
            "plans": {plan: dataclasses.asdict(row) for plan, row in _rows(self.seats).items()},
            "table": list(_table(self)),
        }

    def _count(self, standing: Standing) -> int:
        return sum(seat.standing is standing for seat in self.seats)


def seat_ledger(holders: t.Iterable[SeatHolder]) -> SeatLedger:
    """Everybody once, whatever number of plans names them."""
    by_id: dict[str, list[SeatHolder]] = collections.defaultdict(list)
    for holder in holders:
        by_id[holder.id.casefold()].append(holder)
    return SeatLedger(tuple(sorted(map(_seat, by_id.values()), key=lambda seat: (seat.principal_name.casefold(), seat.id))))


def resolved_holders(plan_name: str, members: t.Iterable[Member], left: t.Iterable[KnownMember] = ()) -> list[SeatHolder]:
    """Those of one plan whose members were just looked up; ``left`` are all who are members no more."""
    active = [
        SeatHolder(id=str(member.id), principal_name=member.principal_name, plan=plan_name, kind=member.kind, has_left=False)
        for member in members
    ]
    former = [
        SeatHolder(id=member.id, principal_name=member.principal_name, plan=plan_name, kind=member.kind, has_left=True) for member in left
    ]
    return active + former


def seats_of(members: t.Iterable[Member], plan_name: str = "") -> SeatLedger:
    """The seats of one selection by itself."""
    return seat_ledger(resolved_holders(plan_name, members))


def _seat(holders: t.Sequence[SeatHolder]) -> Seat:
    active = [holder for holder in holders if not holder.has_left]
    kind = _kind(active) or _kind(holders)
    named = (active or holders)[-1]
    return Seat(
        id=named.id,
        principal_name=named.principal_name,
        plans=tuple(sorted({holder.plan for holder in active})),
        left_plans=tuple(sorted({holder.plan for holder in holders if holder.has_left})),
        kind=kind,
        standing=Standing.LEAVER if not active else Standing.FREE if kind in FREE_KINDS else Standing.USED,
    )


def _kind(holders: t.Iterable[SeatHolder]) -> MailboxKind | None:
    """Only plans of mailboxes know it. Where two say different ones, the one that uses a seat counts."""
    kinds = {holder.kind for holder in holders if holder.kind is not None}
    return min(kinds, key=lambda kind: (kind in FREE_KINDS, kind.value), default=None)


@dataclasses.dataclass(slots=True)
class _Row:
    """The users of one plan. Of those who use a seat, so many do so in another plan, too."""

    used: int = 0
    in_several_plans: int = 0
    free: int = 0
    leavers: int = 0


def _rows(seats: t.Iterable[Seat]) -> dict[str, _Row]:
    rows: dict[str, _Row] = collections.defaultdict(_Row)
    for seat in seats:
        for plan in seat.plans:
            rows[plan].used += seat.standing is Standing.USED
            rows[plan].in_several_plans += seat.is_shared
            rows[plan].free += seat.standing is Standing.FREE
        for plan in seat.left_plans:
            rows[plan].leavers += plan not in seat.plans
    return dict(sorted(rows.items()))


def _table(ledger: SeatLedger) -> t.Iterator[str]:
    """Columns of text. The last line counts everybody once."""
    total = _Row(ledger.used, sum(seat.is_shared for seat in ledger.seats), ledger.free, ledger.leavers)
    lines = [("plan", "seats", "in several plans", "free mailboxes", "leavers")]
    for name, row in (*_rows(ledger.seats).items(), ("all plans", total)):
        lines.append((name, f"{row.used:,}", f"{row.in_several_plans:,}", f"{row.free:,}", f"{row.leavers:,}"))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for name, *numbers in lines:
        yield "  ".join([name.ljust(widths[0]), *(number.rjust(width) for number, width in zip(numbers, widths[1:], strict=True))])
