# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One prune of a plan: its restore points, what its retention says about them, and what that frees.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from .._text import size_text
from ..plan.model import Plan
from ..plan.retention import RetentionDecision, decide_retention
from ..repository.prune import plan_prune, prune
from ..repository.prune_plan import PrunePlan
from ..repository.repository import Repository
from ..repository.types import SnapshotId
from .restore_points import restore_points


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Pruning:
    """What pruning a plan means, or meant: a decision for each restore point, oldest first, and the effect on the repository."""

    decisions: tuple[RetentionDecision, ...]
    effect: PrunePlan

    @property
    def changed(self) -> bool:
        """Whether anything in the repository goes or moves."""
        return self.effect.changes


def plan_pruning(repository: Repository, plan: Plan, *, now: datetime.datetime) -> Pruning:
    """Find out what a prune would do now; nothing is written.

    Raises the errors of the repository room, such as C(RepositoryDamaged) when a needed object is missing.
    """
    decisions = _decide(repository, plan, now)
    return Pruning(decisions=decisions, effect=plan_prune(repository, _going(decisions)))


def prune_plan(repository: Repository, plan: Plan, *, now: datetime.datetime) -> Pruning:
    """Remove the restore points that the plan's retention does not keep, and the data that only they needed.

    Takes the exclusive lock of the repository, and raises C(RepositoryLocked) while a run is writing.
    """
    decisions = _decide(repository, plan, now)
    return Pruning(decisions=decisions, effect=prune(repository, _going(decisions)).plan)


def _decide(repository: Repository, plan: Plan, now: datetime.datetime) -> tuple[RetentionDecision, ...]:
    points = restore_points(repository, plan.name)
    return decide_retention(points, plan.retention, now=now, time_zone=plan.time_zone)


def _going(decisions: tuple[RetentionDecision, ...]) -> list[SnapshotId]:
    return [SnapshotId(each.point.snapshot_id) for each in decisions if not each.is_kept]


def pruning_result(pruning: Pruning, plan: Plan, *, check_mode: bool, diff: bool) -> dict[str, t.Any]:
    """The pruning as the result of a module; the same shape in check mode."""
    snapshots = [_snapshot(each, plan.time_zone) for each in pruning.decisions]
    kept = [each for each in snapshots if each["kept"]]
    result: dict[str, t.Any] = {
        "changed": pruning.changed,
        "plan": plan.name,
        "repository": plan.repository,
        "snapshots": snapshots,
        "snapshots_kept": len(kept),
        "snapshots_removed": len(snapshots) - len(kept),
        "bytes_freed": pruning.effect.bytes_freed,
        "bytes_rewritten": pruning.effect.bytes_rewritten,
        "msg": (
            f"{len(snapshots) - len(kept):,} of {len(snapshots):,} restore points of plan {plan.name}"
            f" {'would be' if check_mode else 'were'} removed; that {'would free' if check_mode else 'freed'}"
            f" {size_text(pruning.effect.bytes_freed)}."
        ),
    }
    if diff:
        sides = {"before": snapshots, "after": kept}
        result["diff"] = {side: {"snapshots": [_title(each) for each in listed]} for side, listed in sides.items()}
    return result


def _snapshot(decision: RetentionDecision, time_zone: datetime.tzinfo) -> dict[str, t.Any]:
    return {
        "id": decision.point.snapshot_id,
        "time": decision.point.time.astimezone(time_zone).isoformat(timespec="seconds"),
        "kept": decision.is_kept,
        "is_checkpoint": decision.point.is_checkpoint,
        "reasons": list(decision.reasons),
    }


def _title(snapshot: dict[str, t.Any]) -> str:
    return f"{snapshot['time']} {snapshot['id'][:8]}"
