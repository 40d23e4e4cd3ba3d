# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Outcomes of applying and removing plans as results of a module.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .._text import count_text
from .apply import Applied, Removed
from .changes import Change
from .document import plan_to_dict
from .first_backup import first_backup_sentence
from .leavers import former_as_dict
from .model import Plan
from .timing_facts import retention_facts, schedule_facts

if t.TYPE_CHECKING:
    from .apply_found import Found

Result = dict[str, t.Any]


def applied_result(applied: Applied, *, check_mode: bool, diff: bool) -> Result:
    """The result of a plan that was applied."""
    plan, decision, found = applied.plan, applied.decision, applied.found
    result: Result = {
        "changed": decision.changed,
        "plan": plan_to_dict(plan),
        "members": [member.as_dict() for member in found.resolution.members],
        "joiners": [member.as_dict() for member in found.roster.joiners],
        "leavers": [former_as_dict(member, plan.leavers) for member in found.roster.leavers],
        "former": [former_as_dict(member, plan.leavers) for member in found.roster.former],
        "left_out": [user.as_dict() for user in found.resolution.left_out],
        "seats": applied.seats.as_dict(),
        "retention": _retention(found),
        "repository": {"path": plan.repository, "created": decision.creates_repository},
        "changes": _changes(decision.changes),
        "msg": _applied_sentence(applied, check_mode=check_mode),
    }
    if applied.handout.file:
        result["recovery_key_file"] = str(applied.handout.file)
    if applied.handout.is_returned and applied.recovery_key:
        result["recovery_key"] = applied.recovery_key
    if applied.repository.id is not None:
        result["repository"]["id"] = applied.repository.id
    if applied.estimate is not None:
        result["first_backup"] = applied.estimate.as_dict()
    if plan.schedule:
        result["schedule"] = schedule_facts(plan, found.moment)
    if diff:
        result["diff"] = {"before": applied.before, "after": applied.after if decision.changed else applied.before}
    return result


def removed_result(removed: Removed, *, check_mode: bool, diff: bool) -> Result:
    """The result of a plan that was removed."""
    result: Result = {
        "changed": removed.plan is not None,
        "changes": _changes(removed.changes),
        "msg": _removed_sentence(removed, check_mode=check_mode),
    }
    if removed.plan is not None:
        result["repository"] = {"path": removed.plan.repository, "created": False}
    if diff:
        result["diff"] = {"before": {"plan": _document(removed.plan)}, "after": {"plan": None}}
    return result


def _retention(found: Found) -> Result:
    """What the rules mean, and where they change what the next prune makes of the restore points that are there."""
    result: Result = retention_facts(found.wanted, found.moment)
    if found.retention:
        kept = sum(decision.is_kept for decision in found.retention)
        result["snapshots"] = [decision.as_dict(found.wanted.time_zone) for decision in found.retention]
        result["snapshots_kept"] = kept
        result["snapshots_removed"] = len(found.retention) - kept
    return result


def _changes(changes: tuple[Change, ...]) -> list[Result]:
    return [dataclasses.asdict(change) for change in changes]


def _document(plan: Plan | None) -> Result | None:
    return plan_to_dict(plan) if plan else None


def _applied_sentence(applied: Applied, *, check_mode: bool) -> str:
    name, roster = applied.plan.name, applied.found.roster
    covers = f"it covers {count_text(len(applied.found.resolution.members), 'member')}"
    if roster.members_before or roster.former:
        covers += f", {len(roster.joiners):,} of them new; {count_text(len(roster.leavers), 'member')} left"
    if not applied.decision.changed:
        return f"Plan {name} is stored as declared; {covers}."
    sentence = f"Plan {name} {'would be' if check_mode else 'is'} stored; {covers}."
    if applied.decision.creates_repository:
        sentence += f" The repository {applied.plan.repository} {'would be' if check_mode else 'was'} created."
    if applied.handout.file:
        sentence += f" Its recovery key {'would be' if check_mode else 'is'} in {applied.handout.file}: take it to a safe place elsewhere."
    if applied.found.retention:
        going = sum(not decision.is_kept for decision in applied.found.retention)
        sentence += f" By its rules the next prune keeps {len(applied.found.retention) - going:,} restore points and removes {going:,}."
    if applied.estimate is not None:
        sentence += f" For the first backup {first_backup_sentence(applied.estimate)}"
    return sentence


def _removed_sentence(removed: Removed, *, check_mode: bool) -> str:
    if removed.plan is None:
        return f"No plan {removed.reference} is stored on this host."
    going = "would be removed" if check_mode else "was removed"
    return f"Plan {removed.plan.name} {going} from this host. Its repository {removed.plan.repository} and all backups in it stay."
