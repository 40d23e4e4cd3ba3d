# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a repository holds of a plan that is being applied.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import functools
import typing as t
from datetime import datetime

from ..plan.backed_up import BackedUp
from ..plan.model import BackupType
from .layout import ONEDRIVE
from .leavers import find_departures
from .listed_snapshots import ListedSnapshots
from .members import MemberState, known_members
from .newest_point import newest_point
from .restore_points import restore_points, stored_points
from .seats import stored_holders

if t.TYPE_CHECKING:
    from ..graph.client import GraphClient
    from ..plan.model import Plan
    from ..plan.roster import KnownMember
    from ..plan.selection import Resolution
    from ..repository.repository import Repository


class StoredBackups:
    """Reads restore points for L(apply_plan). What is damaged is passed over with a warning: that is for verify and repair to find."""

    def read(self, repository: Repository, plan: Plan, now: datetime) -> BackedUp:
        """As C(Backups) says."""
        warnings: list[str] = []
        listed = ListedSnapshots(repository)
        newest = newest_point(repository, listed, plan.name, now, warnings.append)
        stored = stored_points(listed, plan.name, on_damage=lambda _damage: None)
        others = stored_holders(repository, now=now, leaving_out=plan.name, listed=listed)
        return BackedUp(
            members=() if newest is None else known_members(sorted(newest.members.values(), key=lambda member: member.principal_name)),
            types=frozenset() if newest is None else frozenset(_types(newest.members.values())),
            count=len(stored),
            points=functools.partial(restore_points, repository, stored, now, accept_missing=True),
            other_seats=others.holders,
            warnings=(*warnings, *others.warnings),
        )

    def count(self, repository: Repository, plan: Plan) -> int:
        """As C(Backups) says. A damaged restore point is one, too, whosever it is."""
        damaged: list[object] = []
        return len(stored_points(repository, plan.name, on_damage=damaged.append)) + len(damaged)


def with_reasons(client: GraphClient, leavers: t.Sequence[KnownMember], resolution: Resolution) -> tuple[KnownMember, ...]:
    """The same people with the reason why they are no members any more, as far as somebody can tell; in the way of a run."""
    found = find_departures(client, leavers, resolution).by_id
    return tuple(
        dataclasses.replace(
            member,
            left_reason=departure.reason,
            deleted=None if departure.deleted is None else datetime.fromisoformat(departure.deleted),
        )
        if (departure := found.get(member.id)) is not None
        else member
        for member in leavers
    )


def _types(members: t.Iterable[MemberState]) -> t.Iterator[BackupType]:
    """What the sources of a restore point belong to."""
    for member in members:
        for source in member.sources:
            yield BackupType.ONEDRIVE if source == ONEDRIVE else BackupType.MAILBOX
