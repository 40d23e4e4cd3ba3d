# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Former members whose backups a prune removes, as results show them and in sentences. Pure.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t

from .._text import count_text, listed_names
from ..plan.leavers import former_as_dict
from ..plan.prune_guard import DEFAULT_PERCENT, MEMBER_PERCENT

if t.TYPE_CHECKING:
    from ..plan.model import Plan
    from .leaver_removal import Removals


def removed_members(removals: Removals, plan: Plan, kept: t.Container[str]) -> list[dict[str, t.Any]]:
    """Each of them, and of how many of the ``kept`` restore points the backup goes, and in how many it stays because of holds."""
    return [
        {
            **former_as_dict(one.member, plan.leavers),
            "cause": one.cause.value,
            "restore_points": sum(point in kept for point in one.points),
            "held_restore_points": sum(point in kept for point in one.held),
        }
        for one in removals.members
    ]


def removal_part(members: t.Sequence[dict[str, t.Any]], *, is_done: bool) -> str:
    """The end of the sentence that tells what a prune did; empty where nobody goes."""
    names = [
        f"{one['principal_name']} ({count_text(one['restore_points'], 'restore point')})"
        for one in members
        if one["restore_points"] or not one["held_restore_points"]
    ]
    if not names:
        return ""
    verb = "was removed" if is_done else "would be removed"
    return f" What is stored of {count_text(len(names), 'former member')} {verb} from those that stay: {listed_names(names)}."


def removal_warnings(removals: Removals) -> t.Iterator[str]:
    """What an administrator may not have meant, or has to do again."""
    held = [one for one in removals.members if one.held]
    if held:
        names = listed_names([f"{one.member.principal_name} in {count_text(len(one.held), 'restore point')}" for one in held])
        again = (
            " The newest one is among them, so the next run carries that over: prune once more after it." if removals.is_newest_held else ""
        )
        yield f"Holds protect what is stored of {names}; that stays until a prune after the holds were released.{again}"
    if removals.unknown:
        yield f"No restore point has anything of {listed_names(removals.unknown)}, so there was nothing to remove."


def members_refusal(removals: Removals, plan: Plan, max_delete_percent: int) -> str:
    """Why so many at once are not removed."""
    count, before = len(removals.members), removals.members_before
    percent = 100 * count / before if before else 100.0
    allowed = max_delete_percent if max_delete_percent > DEFAULT_PERCENT else MEMBER_PERCENT
    return (
        f"What is stored of {count:,} of {count_text(before, 'member')} of plan {plan.name}, former ones included, would go"
        f" ({percent:.1f} %; without max_delete_percent above {max(max_delete_percent, DEFAULT_PERCENT)} no more than {allowed} % may):"
        f" {listed_names([one.member.principal_name for one in removals.members])}."
    )
