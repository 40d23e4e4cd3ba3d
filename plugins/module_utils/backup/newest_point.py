# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The newest restore point of a plan whose list of members can be read, for those who only look.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..plan.shards import Share
from ..repository.errors import RepositoryDamaged
from .layout import CHECKPOINT, outcome_of, shard_of
from .members import MemberState, group_of, read_group
from .restore_points import newest_first, plan_snapshots

if t.TYPE_CHECKING:
    from datetime import datetime

    from ..repository.repository import Repository
    from ..repository.types import Snapshot, TreeId
    from .listed_snapshots import SnapshotLister


@dataclass(frozen=True, slots=True, kw_only=True)
class NewestPoint:
    """C(group) is the tree of the group in C(snapshot), C(members) everybody in it by object id.

    C(shards) are the hosts among which the members were shared, none where one host has read all.
    """

    snapshot: Snapshot
    group: TreeId
    members: dict[str, MemberState]
    shards: tuple[str, ...] = ()

    def has_read(self, member_id: str) -> bool:
        """Whether the run that left it was to read this member; the others in it are as other hosts have left them."""
        shard = shard_of(self.snapshot.tags)
        return not shard or not self.shards or Share(shard, self.shards).has(member_id)

    @property
    def is_checkpoint(self) -> bool:
        """Whether it was left by a run that came to no end."""
        return outcome_of(self.snapshot.tags) == CHECKPOINT


def newest_point(
    repository: Repository,
    listed: SnapshotLister,
    plan_name: str,
    now: datetime,
    warn: t.Callable[[str], None],
    *,
    finished: bool = False,
    shard: str | None = None,
) -> NewestPoint | None:
    """None when there is none; with C(finished) checkpoints do not count, with C(shard) only those that this host has left.

    C(warn) is told of what is damaged and passed over.

    Raises StorageError.
    """
    snapshots = plan_snapshots(listed, plan_name, on_damage=lambda damage: warn(f"{damage} It may be of the plan {plan_name}."))
    for snapshot in newest_first(snapshots, now):
        if (finished and outcome_of(snapshot.tags) == CHECKPOINT) or (shard is not None and shard_of(snapshot.tags) != shard):
            continue
        try:
            node = group_of(repository, snapshot)
            if node is not None and node.subtree is not None:
                state = read_group(repository, node.subtree)
                return NewestPoint(snapshot=snapshot, group=node.subtree, members=state.members, shards=state.shards)
        except RepositoryDamaged as damage:
            warn(f"The restore point {snapshot.id[:8]} of plan {plan_name} was passed over, because it cannot be read. {damage}")
    return None


def ended_points(repository: Repository, listed: SnapshotLister, plan_name: str, now: datetime, newest: NewestPoint) -> list[NewestPoint]:
    """The newest restore points of runs that came to their end which together have read everybody, C(newest) being the first of them.

    One, where one host reads all; where several share the members, one of each. Raises StorageError.
    """
    points = [newest]
    for shard in newest.shards if shard_of(newest.snapshot.tags) else ():
        if shard != shard_of(newest.snapshot.tags):
            point = newest_point(repository, listed, plan_name, now, lambda _known: None, finished=True, shard=shard)
            points += [] if point is None else [point]
    return points
