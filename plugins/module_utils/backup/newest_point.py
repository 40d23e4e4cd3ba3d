# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The newest restore point of a plan whose list of members can be read, for those who only look.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..repository.errors import RepositoryDamaged
from .layout import CHECKPOINT, outcome_of
from .members import MemberState, group_of, read_members
from .restore_points import newest_first, plan_snapshots

if t.TYPE_CHECKING:
    from datetime import datetime

    from ..repository.repository import Repository
    from ..repository.types import Snapshot, TreeId
    from .listed_snapshots import SnapshotLister


@dataclass(frozen=True, slots=True, kw_only=True)
class NewestPoint:
    """C(group) is the tree of the group in C(snapshot), C(members) everybody in it by object id."""

    snapshot: Snapshot
    group: TreeId
    members: dict[str, MemberState]

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
) -> NewestPoint | None:
    """None when there is none; with C(finished) checkpoints do not count. C(warn) is told of what is damaged and passed over.

    Raises StorageError.
    """
    snapshots = plan_snapshots(listed, plan_name, on_damage=lambda damage: warn(f"{damage} It may be of the plan {plan_name}."))
    for snapshot in newest_first(snapshots, now):
        if finished and outcome_of(snapshot.tags) == CHECKPOINT:
            continue
        try:
            node = group_of(repository, snapshot)
            if node is not None and node.subtree is not None:
                return NewestPoint(snapshot=snapshot, group=node.subtree, members=read_members(repository, node.subtree))
        except RepositoryDamaged as damage:
            warn(f"The restore point {snapshot.id[:8]} of plan {plan_name} was passed over, because it cannot be read. {damage}")
    return None
