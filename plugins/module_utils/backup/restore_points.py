# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The snapshots of a plan, as retention and restore see them.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t

from ..plan.retention import RestorePoint
from ..repository.types import Snapshot
from .layout import CHECKPOINT, is_of_plan, outcome_of
from .members import group_of, read_members

if t.TYPE_CHECKING:
    from ..repository.repository import Repository
    from ..repository.writer import Writer


def plan_snapshots(repository: Repository, plan_name: str) -> list[Snapshot]:
    """Oldest first."""
    return [snapshot for snapshot in repository.snapshots() if is_of_plan(snapshot.tags, plan_name)]


def latest_snapshot(repository: Repository, plan_name: str) -> Snapshot | None:
    snapshots = plan_snapshots(repository, plan_name)
    return snapshots[-1] if snapshots else None


def restore_points(repository: Repository, plan_name: str) -> list[RestorePoint]:
    """Oldest first. A member is good in a snapshot when every source of it was read to its end by that very run."""
    points = []
    for snapshot in plan_snapshots(repository, plan_name):
        is_checkpoint = outcome_of(snapshot.tags) == CHECKPOINT
        good = frozenset() if is_checkpoint else _good_members(repository, snapshot)
        points.append(RestorePoint(snapshot_id=snapshot.id, time=snapshot.time, is_checkpoint=is_checkpoint, good_members=good))
    return points


def _good_members(store: Repository | Writer, snapshot: Snapshot) -> frozenset[str]:
    group = group_of(store, snapshot)
    if group is None or group.subtree is None:
        return frozenset()
    return frozenset(
        member.id
        for member in read_members(store, group.subtree).values()
        if member.left is None and member.sources and all(source.is_good for source in member.sources.values())
    )
