# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Outcomes of applying and removing plans as results of a module.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .apply import Applied, Removed
from .changes import Change
from .document import plan_to_dict
from .drive_forecast import estimate_sentence
from .model import Plan
from .schedule import explain, on_calendar
from .selection import Member

Result = dict[str, t.Any]


def applied_result(applied: Applied, *, check_mode: bool, diff: bool) -> Result:
    """The result of a plan that was applied."""
    plan, decision = applied.plan, applied.decision
    result: Result = {
        "changed": decision.changed,
        "plan": plan_to_dict(plan),
        "members": [_member(member) for member in applied.resolution.members],
        "seats": {"used": len(applied.resolution.members)},
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
        result["schedule"] = {"explanation": explain(plan.schedule), "on_calendar": on_calendar(plan.schedule)}
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


def _member(member: Member) -> Result:
    return {
        "id": member.id,
        "principal_name": member.principal_name,
        "display_name": member.display_name,
        "via": list(member.via),
    }


def _changes(changes: tuple[Change, ...]) -> list[Result]:
    return [dataclasses.asdict(change) for change in changes]


def _document(plan: Plan | None) -> Result | None:
    return plan_to_dict(plan) if plan else None


def _applied_sentence(applied: Applied, *, check_mode: bool) -> str:
    name, count = applied.plan.name, len(applied.resolution.members)
    covers = f"it covers {count:,} {'member' if count == 1 else 'members'}"
    if not applied.decision.changed:
        return f"Plan {name} is stored as declared; {covers}."
    sentence = f"Plan {name} {'would be' if check_mode else 'is'} stored; {covers}."
    if applied.decision.creates_repository:
        sentence += f" The repository {applied.plan.repository} {'would be' if check_mode else 'was'} created."
    if applied.handout.file:
        sentence += f" Its recovery key {'would be' if check_mode else 'is'} in {applied.handout.file}: take it to a safe place elsewhere."
    if applied.estimate is not None:
        sentence += f" For the first backup {estimate_sentence(applied.estimate)}"
    return sentence


def _removed_sentence(removed: Removed, *, check_mode: bool) -> str:
    if removed.plan is None:
        return f"No plan {removed.reference} is stored on this host."
    going = "would be removed" if check_mode else "was removed"
    return f"Plan {removed.plan.name} {going} from this host. Its repository {removed.plan.repository} and all backups in it stay."
