# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run while its members are read: what there is to do, and what was reported so far.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t

from .group_tree import GroupTree
from .member_task import SourceReport
from .results import MemberResult, SourceResult
from .sources import sources_of

if t.TYPE_CHECKING:
    from ..plan.selection import Member
    from ..repository.writer import Writer


class RunState:
    """Readers take C(tasks) from it and hand in reports, from any thread."""

    def __init__(self, group: GroupTree, writer: Writer, members: t.Sequence[Member]) -> None:
        self.group = group
        self.sources = sources_of(group.plan)
        self.tasks = [group.task(member) for member in members]
        self._writer = writer
        self._members = members
        self._results: dict[str, list[SourceResult]] = {member.id: [] for member in members}

    def take(self, report: SourceReport) -> None:
        """What the report names is in the repository, or comes there with the next flush of the run's writer."""
        self.group.put(report)
        if report.result is not None:
            self._results[report.member_id].append(report.result)

    def save_checkpoint(self, more_bytes: int = 0) -> None:
        """Save a snapshot of what there is, if enough was stored since the last one; C(more_bytes) by others than the run's writer."""
        self.group.save_checkpoint(self._writer, self._writer.stats.stored_bytes + more_bytes)

    def has_reported(self, member_id: str, source: str) -> bool:
        """Whether a source has a result."""
        return any(result.source == source for result in self._results[member_id])

    def results(self) -> list[MemberResult]:
        return [
            MemberResult(id=member.id, principal_name=member.principal_name, sources=tuple(self._results[member.id]))
            for member in self._members
        ]
