# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One prune of a plan: its restore points, what its retention says about them, whose backups go, and what that frees.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from .._text import count_text, size_text
from ..plan.model import Plan
from ..plan.prune_guard import DEFAULT_PERCENT, HistoryLoss, history_loss, removes_too_many
from ..plan.retention import RetentionDecision, decide_retention, is_in_future
from ..repository.advance import UNHEARD, Advance
from ..repository.prune import plan_prune, prune
from ..repository.prune_plan import PrunePlan
from ..repository.repository import Repository
from ..repository.rewriting import Reduction
from ..repository.types import SnapshotId
from .leaver_removal import Removals, find_removals, superseded
from .listed_snapshots import ListedSnapshots
from .removal_result import members_refusal, removal_part, removal_warnings, removed_members
from .restore_points import restore_points, stored_points
from .verdict_heads import replaced_verdicts


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Pruning:
    """What pruning a plan means, or meant: a decision for each restore point, oldest first, and the effect on the repository.

    ``removals`` are the former members whose backups go from restore points that stay. ``refusal`` says why it is not done, None
    when it is.
    """

    decisions: tuple[RetentionDecision, ...]
    effect: PrunePlan
    removals: Removals
    refusal: str | None = None

    @property
    def changed(self) -> bool:
        """Whether anything in the repository goes or moves."""
        return self.effect.changes and self.refusal is None

    def warnings(self, now: datetime.datetime) -> list[str]:
        """What an administrator should look into."""
        warnings = []
        late = [each.point for each in self.decisions if is_in_future(each.point.time, now)]
        if late:
            warnings.append(
                f"{count_text(len(late), 'restore point')} of the plan, the newest of {late[-1].time:%Y-%m-%d %H:%M:%S} UTC, lies in"
                f" the future; here it is {now:%Y-%m-%d %H:%M:%S} UTC. One of the two clocks is or was wrong."
            )
        if self.effect.missing:
            warnings.append(
                f"Snapshots need {count_text(self.effect.missing.count, 'blob')} that no file holds any more. Verify names what is lost."
            )
        return warnings + list(removal_warnings(self.removals))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PruneOptions:
    """C(now) is the time of this host; C(max_delete_percent) how much of its days with a restore point a plan may lose.

    C(accept_missing) prunes a repository of which a part is lost for good. C(remove_members) are former members, by sign-in name or
    object id, whose backups go whatever the policy of the plan says of when.
    """

    now: datetime.datetime
    max_delete_percent: int = DEFAULT_PERCENT
    accept_missing: bool = False
    remove_members: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class _Decided:
    decisions: tuple[RetentionDecision, ...]
    reduction: Reduction
    removals: Removals
    refusal: str | None

    def with_effect(self, effect: PrunePlan) -> Pruning:
        return Pruning(decisions=self.decisions, effect=effect, removals=self.removals, refusal=self.refusal)


class _Refused(Exception):
    """Leaves the lock before anything is removed."""


def plan_pruning(repository: Repository, plan: Plan, options: PruneOptions) -> Pruning:
    """Find out what a prune would do now; nothing is written.

    Raises InputError for members that cannot be removed, and the errors of the repository room, such as C(RepositoryDamaged) when a
    needed object is missing.
    """
    decided = _decide(repository, plan, options)
    return decided.with_effect(plan_prune(repository, decided.reduction, accept_missing=options.accept_missing))


def prune_plan(
    repository: Repository, plan: Plan, options: PruneOptions, *, lock_timeout: float = 0.0, advance: Advance = UNHEARD
) -> Pruning:
    """Remove the restore points that the plan's retention does not keep, former members, and the data that only they needed.

    Decides under the exclusive lock of the repository, since holds may be set while it is waited for. Raises
    C(RepositoryLocked) while a run is writing, and as L(plan_pruning) does.
    """
    found: list[_Decided] = []

    def choose() -> Reduction:
        decided = _decide(repository, plan, options)
        found.append(decided)
        if decided.refusal is not None:
            raise _Refused
        return decided.reduction

    try:
        effect = prune(repository, choose, accept_missing=options.accept_missing, lock_timeout=lock_timeout, advance=advance).plan
    except _Refused:
        effect = plan_prune(repository, found[0].reduction, accept_missing=options.accept_missing)
    return found[0].with_effect(effect)


def _decide(repository: Repository, plan: Plan, options: PruneOptions) -> _Decided:
    listed = ListedSnapshots(repository)
    found = stored_points(listed, plan.name)
    over = superseded(repository, found)
    stored = [point for point in found if point not in over]
    removals = find_removals(repository, found, plan, options.remove_members, options.now, accept_missing=options.accept_missing)
    points = restore_points(repository, stored, options.now, accept_missing=options.accept_missing, leaving_out=removals.ids)
    decisions = decide_retention(points, plan.retention, now=options.now, time_zone=plan.time_zone)
    going = [SnapshotId(each.point.snapshot_id) for each in decisions if not each.is_kept]
    going += [point.snapshot.id for point in over]
    going += [copy for point in found for copy in point.copies]
    # What somebody wants removed shall not stay in a pack that is mostly needed; a task that names it again finishes a killed one.
    wants_it_gone = bool(removals.members or over or options.remove_members)
    reduction = Reduction(
        going + replaced_verdicts(listed.snapshots()), removals.rewritings(set(going)), tolerated_waste=0.0 if wants_it_gone else None
    )
    loss = history_loss(decisions, plan.time_zone)
    refusals = []
    if loss.exceeds(options.max_delete_percent):
        refusals.append(_refusal(loss, plan, options.max_delete_percent))
    if removes_too_many(len(removals.members), removals.members_before, options.max_delete_percent):
        refusals.append(members_refusal(removals, plan, options.max_delete_percent))
    return _Decided(decisions, reduction, removals, f"Nothing was pruned: {' '.join(refusals)}" if refusals else None)


def _refusal(loss: HistoryLoss, plan: Plan, max_delete_percent: int) -> str:
    return (
        f"{loss.points:,} of {loss.points_before:,} restore points of plan {plan.name} would go, and with them"
        f" {loss.days:,} of {loss.days_before:,} days of its history ({loss.percent:.1f} %; max_delete_percent is {max_delete_percent})."
    )


def pruning_result(pruning: Pruning, plan: Plan, *, check_mode: bool, diff: bool) -> dict[str, t.Any]:
    """The pruning as the result of a module; the same shape in check mode and when it was refused."""
    snapshots = [each.as_dict(plan.time_zone) for each in pruning.decisions]
    kept = [each for each in snapshots if each["kept"]]
    is_done = not check_mode and pruning.refusal is None
    members = removed_members(pruning.removals, plan, {each["id"] for each in kept})
    freed = max(pruning.effect.bytes_freed, 0)
    result: dict[str, t.Any] = {
        "changed": pruning.changed,
        "plan": plan.name,
        "repository": plan.repository,
        "snapshots": snapshots,
        "snapshots_kept": len(kept),
        "snapshots_removed": len(snapshots) - len(kept),
        "members_removed": members,
        "bytes_freed": pruning.effect.bytes_freed,
        "bytes_rewritten": pruning.effect.bytes_rewritten,
        "msg": (
            f"{len(snapshots) - len(kept):,} of {len(snapshots):,} restore points of plan {plan.name}"
            f" {'were' if is_done else 'would be'} removed; that {'freed' if is_done else 'would free'}"
            f" {size_text(freed)}.{removal_part(members, is_done=is_done)}"
        ),
    }
    if diff:
        sides = {"before": snapshots, "after": kept}
        result["diff"] = {side: {"snapshots": [_title(each) for each in listed]} for side, listed in sides.items()}
        if members:
            result["diff"]["before"]["members"] = [one["principal_name"] for one in members]
            result["diff"]["after"]["members"] = [one["principal_name"] for one in members if one["held_restore_points"]]
    return result


def _title(snapshot: dict[str, t.Any]) -> str:
    return f"{snapshot['time']} {snapshot['id'][:8]}"
