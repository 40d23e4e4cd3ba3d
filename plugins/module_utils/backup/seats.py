# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who holds seats in a repository: the members that the newest restore point of each plan names.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..plan.seats import SeatHolder
from .layout import plan_of
from .listed_snapshots import ListedSnapshots
from .newest_point import newest_point

if t.TYPE_CHECKING:
    from datetime import datetime

    from ..repository.repository import Repository
    from .listed_snapshots import SnapshotLister


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredHolders:
    """C(plans) are the names of all plans that were looked at. C(warnings) tell of what could not be read."""

    holders: tuple[SeatHolder, ...]
    plans: tuple[str, ...]
    warnings: tuple[str, ...]


def stored_holders(
    repository: Repository, *, now: datetime, leaving_out: str | None = None, listed: SnapshotLister | None = None
) -> StoredHolders:
    """Of every plan in the repository but C(leaving_out), whichever host it runs on.

    Costs the list of snapshots, which C(listed) may have read already, and one small file a plan. Raises StorageError.
    """
    listed = ListedSnapshots(repository) if listed is None else listed
    snapshots = listed.snapshots(on_damage=lambda _damage: None)
    plans = sorted({name for snapshot in snapshots if (name := plan_of(snapshot.tags))} - {leaving_out})
    warnings: list[str] = []
    holders = [
        SeatHolder(id=member.id, principal_name=member.principal_name, plan=plan, kind=member.kind, has_left=member.left is not None)
        for plan in plans
        for point in (newest_point(repository, listed, plan, now, warnings.append),)
        if point is not None
        for member in point.members.values()
    ]
    return StoredHolders(holders=tuple(holders), plans=tuple(str(plan) for plan in plans), warnings=tuple(warnings))
