# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whom a run backs up, and what became of those whom it does not back up any more: found out before anything is read.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..plan.guards import check_member_loss
from ..plan.resolve import resolve_members
from ..plan.roster import roster_change
from .base_point import find_base
from .leavers import Departures, find_departures
from .listed_snapshots import ListedSnapshots
from .members import known_members

if t.TYPE_CHECKING:
    from ..graph.client import GraphClient
    from ..plan.model import Plan
    from ..plan.selection import Member
    from ..repository.repository import Repository
    from ..repository.types import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class RunMembers:
    """``seen`` are the snapshots of the repository that were read for this, ``warnings`` sentences for an administrator."""

    members: tuple[Member, ...]
    departures: Departures
    seen: tuple[Snapshot, ...]
    warnings: tuple[str, ...]


def find_run_members(client: GraphClient, plan: Plan, repository: Repository, confirmed: t.Collection[str]) -> RunMembers:
    """Resolve the selection, and compare it with what is stored, which may be older than what the run goes on from.

    Raises InputError when more members would leave than may, unless that is ``confirmed``, SelectionError, and the errors of the graph
    and repository rooms. No lock is taken.
    """
    listed = ListedSnapshots(repository)
    before = find_base(listed, repository, plan.name, lambda _warning: None)
    known = known_members(before.members.values())
    resolution = resolve_members(client, plan, known=known)
    check_member_loss(roster_change(known, resolution), plan, confirmed)
    departures = find_departures(client, known, resolution)
    return RunMembers(
        members=resolution.members,
        departures=departures,
        seen=tuple(listed.snapshots(on_damage=lambda _damage: None)),
        warnings=(*resolution.warnings, *departures.warnings),
    )
