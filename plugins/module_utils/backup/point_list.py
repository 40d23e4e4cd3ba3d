# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The restore points of a plan for people who look through them: what each holds, and what retention says of it.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import collections
import json
import typing as t
from dataclasses import dataclass
from datetime import datetime, tzinfo

from .._text import count_text
from ..plan.retention import RetentionDecision, decide_retention
from ..repository.errors import RepositoryDamaged
from .holds import holds_of
from .layout import META, RUN_FILE, outcome_of, run_of
from .listed_snapshots import ListedSnapshots
from .members import MemberState, SourceState, SourceStatus, group_of, read_members
from .moments import parse_moment
from .restore_points import StoredPoint, newest_first, restore_points, stored_points
from .small_files import read_file

if t.TYPE_CHECKING:
    from ..plan.model import Plan
    from ..repository.repository import Repository
    from ..repository.types import TreeId

_WORST_FIRST = (SourceStatus.UNFINISHED, SourceStatus.STALE, SourceStatus.FINDINGS, SourceStatus.GOOD)


@dataclass(frozen=True, slots=True, kw_only=True)
class PointWish:
    """What a task asks for. C(since) and C(up_to) are inclusive, as L(parse_moment) takes them; C(member) is an id or a sign-in name.

    With C(latest) only the newest of those that are left. With C(is_detailed) every member of each is listed, else only C(member).
    """

    latest: bool = False
    since: str | None = None
    up_to: str | None = None
    member: str | None = None
    is_detailed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedPoint:
    """C(decision) is None where what retention has to know cannot be read, C(member_counts) where the list of members cannot.

    C(members) are those that were asked for, each with whether there is anything of them in it. C(counts) are those of the run, empty
    for a checkpoint.
    """

    point: StoredPoint
    decision: RetentionDecision | None
    member_counts: t.Mapping[str, int] | None
    members: tuple[tuple[MemberState, bool], ...]
    counts: t.Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class PointList:
    """C(points) oldest first; C(total) is how many restore points the plan has."""

    points: tuple[ListedPoint, ...]
    total: int
    warnings: tuple[str, ...]


def list_points(repository: Repository, plan: Plan, wish: PointWish, *, now: datetime) -> PointList:
    """What is damaged is said in warnings, and hides nothing else. Raises InputError for a wish that nobody understands, StorageError."""
    since = None if wish.since is None else parse_moment(wish.since, plan.time_zone, is_end=False)
    up_to = None if wish.up_to is None else parse_moment(wish.up_to, plan.time_zone, is_end=True)
    warnings: list[str] = []
    listed = ListedSnapshots(repository)
    every = stored_points(listed, plan.name, on_damage=lambda damage: warnings.append(f"{damage} It may be of the plan {plan.name}."))
    decisions = _decisions(repository, plan, every, now, warnings.append)
    chosen = [
        point for point in every if (since is None or point.snapshot.time >= since) and (up_to is None or point.snapshot.time <= up_to)
    ]
    if wish.latest:
        chosen = _newest(chosen, now)
    points = []
    for point in chosen:
        found = _look_into(repository, point, decisions.get(point.snapshot.id), wish, warnings.append)
        if found is not None:
            points.append(found)
            if wish.latest:
                break
    return PointList(points=tuple(points), total=len(every), warnings=tuple(dict.fromkeys(warnings)))


def _decisions(
    repository: Repository, plan: Plan, every: t.Sequence[StoredPoint], now: datetime, warn: t.Callable[[str], None]
) -> dict[str, RetentionDecision]:
    """By id of the snapshot. Which of them hold the last state of a member follows from all of them."""
    try:
        points = restore_points(repository, every, now, accept_missing=True)
    except RepositoryDamaged as damage:
        warn(f"What retention says of the restore points of plan {plan.name} cannot be told. {damage}")
        return {}
    return {each.point.snapshot_id: each for each in decide_retention(points, plan.retention, now=now, time_zone=plan.time_zone)}


def _newest(points: t.Sequence[StoredPoint], now: datetime) -> list[StoredPoint]:
    """Those of runs that came to their end come first, of each sort the newest."""
    by_id = {point.snapshot.id: point for point in points}
    backwards = [by_id[snapshot.id] for snapshot in newest_first([point.snapshot for point in points], now)]
    return sorted(backwards, key=_is_checkpoint)


def _look_into(
    repository: Repository, point: StoredPoint, decision: RetentionDecision | None, wish: PointWish, warn: t.Callable[[str], None]
) -> ListedPoint | None:
    """None for one that holds nothing of the member who is asked for."""
    try:
        group = group_of(repository, point.snapshot)
        tree = None if group is None else group.subtree
        members = () if tree is None else tuple(read_members(repository, tree).values())
        directories = frozenset(() if tree is None else (node.name for node in repository.read_tree(tree)))
        counts = {} if tree is None else _counts(repository, tree, point)
    except RepositoryDamaged as damage:
        warn(f"What the restore point {point.snapshot.id[:8]} holds cannot be read. {damage}")
        return ListedPoint(point=point, decision=decision, member_counts=None, members=(), counts={})
    if wish.member is not None and not any(_is_meant(member, wish) and member.directory in directories for member in members):
        return None
    shown = tuple(
        (member, member.directory in directories) for member in sorted(members, key=_by_name) if wish.is_detailed or _is_meant(member, wish)
    )
    return ListedPoint(point=point, decision=decision, member_counts=_member_counts(members), members=shown, counts=counts)


def _counts(repository: Repository, group: TreeId, point: StoredPoint) -> t.Mapping[str, int]:
    if _is_checkpoint(point):
        return {}
    content = read_file(repository, group, (META, RUN_FILE))
    counts: dict[str, int] = json.loads(content or b"{}").get("counts", {})
    return counts


def _is_checkpoint(point: StoredPoint) -> bool:
    return outcome_of(point.snapshot.tags) == "checkpoint"


def _is_meant(member: MemberState, wish: PointWish) -> bool:
    return wish.member is not None and wish.member.casefold() in (member.id.casefold(), member.principal_name.casefold())


def point_list_result(found: PointList, plan: Plan, wish: PointWish) -> dict[str, t.Any]:
    """As a module returns it; times in the time zone of the plan."""
    going = sum(each.decision is not None and not each.decision.is_kept for each in found.points)
    about = f" with anything of {wish.member}" if wish.member else ""
    return {
        "changed": False,
        "plan": plan.name,
        "repository": plan.repository,
        "snapshots": [_shown(each, plan.time_zone, wish) for each in found.points],
        "snapshots_total": found.total,
        "msg": (
            f"{count_text(len(found.points), 'restore point')}{about} of plan {plan.name} listed, of {found.total:,};"
            f" the next prune would remove {going:,} of those listed."
        ),
    }


def _shown(each: ListedPoint, zone: tzinfo, wish: PointWish) -> dict[str, t.Any]:
    snapshot, decision = each.point.snapshot, each.decision
    return {
        "id": snapshot.id,
        "original_id": snapshot.first_id,
        "time": snapshot.time.astimezone(zone).isoformat(timespec="seconds"),
        "title": snapshot.paths[0].strip("/") if snapshot.paths else "",
        "host": snapshot.hostname,
        "run_id": run_of(snapshot.tags),
        "outcome": outcome_of(snapshot.tags),
        "is_checkpoint": _is_checkpoint(each.point),
        "holds": list(holds_of(snapshot.tags)),
        "kept": None if decision is None else decision.is_kept,
        "reasons": [] if decision is None else list(decision.reasons),
        "member_counts": None if each.member_counts is None else dict(each.member_counts),
        "counts": dict(each.counts),
        **({"members": [_member(*member, zone) for member in each.members]} if wish.is_detailed or wish.member is not None else {}),
    }


def _member_counts(members: t.Sequence[MemberState]) -> dict[str, int]:
    """Members by the worst state of a source, and those who had left."""
    active = [member for member in members if member.left is None]
    worst = collections.Counter(
        min((source.status for source in member.sources.values()), key=_WORST_FIRST.index) for member in active if member.sources
    )
    return {
        "active": len(active),
        **{status.value: worst[status] for status in reversed(_WORST_FIRST)},
        "not_read": sum(not member.sources for member in active),
        "former": len(members) - len(active),
    }


def _member(member: MemberState, is_stored: bool, zone: tzinfo) -> dict[str, t.Any]:
    return {
        "id": member.id,
        "principal_name": member.principal_name,
        "display_name": member.display_name,
        "kind": None if member.kind is None else member.kind.value,
        "via": list(member.via),
        "left": member.left and datetime.fromisoformat(member.left).astimezone(zone).isoformat(timespec="seconds"),
        "left_reason": None if member.left_reason is None else member.left_reason.value,
        "is_stored": is_stored,
        "sources": {name: _source(state, zone) for name, state in member.sources.items()},
    }


def _source(state: SourceState, zone: tzinfo) -> dict[str, t.Any]:
    last = state.last_success
    return {
        "status": state.status.value,
        "last_success": last and datetime.fromisoformat(last).astimezone(zone).isoformat(timespec="seconds"),
        "is_incomplete": state.is_incomplete,
        "availability": state.availability,
    }


def _by_name(member: MemberState) -> tuple[str, str]:
    return (member.principal_name.casefold(), member.id)
