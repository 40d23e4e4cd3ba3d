# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task does not do before somebody has said that it is meant: guards against expensive mistakes. Pure.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import enum
import typing as t

from .._errors import InputError
from .._text import count_text, listed_names

if t.TYPE_CHECKING:
    from .model import Plan
    from .roster import RosterChange


class Guard(str, enum.Enum):
    """What has to be confirmed, in the words of the option C(confirm)."""

    MEMBER_LOSS = "member_loss"
    SHORTER_RETENTION = "shorter_retention"
    ENCRYPTION_OFF = "encryption_off"
    ORPHANED_DATA = "orphaned_data"


@dataclasses.dataclass(frozen=True, slots=True)
class Breach:
    """One thing that has to be confirmed, and the sentences that say what would happen."""

    guard: Guard
    sentences: str


def check_member_loss(change: RosterChange, plan: Plan, confirmed: t.Collection[str]) -> None:
    """Raise L(InputError) when a plan loses more members than it may, and nobody has confirmed that."""
    refuse(member_loss(change, plan), confirmed)


def refuse(breaches: t.Iterable[Breach], confirmed: t.Collection[str]) -> None:
    """Raise L(InputError) that names everything that nobody has confirmed."""
    open_ones = [breach for breach in breaches if breach.guard.value not in confirmed]
    if not open_ones:
        return
    words = list(dict.fromkeys(breach.guard.value for breach in open_ones))
    raise InputError(
        " ".join(breach.sentences for breach in open_ones),
        hint=f"Nothing was changed. If this is meant, add confirm: [{', '.join(words)}] to this task.",
        facts={"needs_confirmation": [{"word": breach.guard.value, "reason": breach.sentences} for breach in open_ones]},
    )


def member_loss(change: RosterChange, plan: Plan) -> t.Iterator[Breach]:
    """Whether too many members go at once, or a group that had some is empty all of a sudden."""
    if not change.loses_too_many(plan.max_member_loss_percent):
        return
    names = listed_names(sorted(member.principal_name for member in change.leavers))
    sentences = (
        f"Plan {plan.name!r} would lose {len(change.leavers):,} of {count_text(change.members_before, 'member')}"
        f" ({change.loss_percent:.1f} %; max_member_loss_percent is {plan.max_member_loss_percent}): {names}."
    )
    if change.emptied_groups:
        groups = listed_names([repr(group) for group in change.emptied_groups])
        sentences += f" Suspicious is that nobody is in {groups} any more, where members were in the newest restore point."
    yield Breach(Guard.MEMBER_LOSS, sentences)
