# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run while its members are read: what there is to do, and what was reported so far.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .group_tree import GroupTree
from .member_backup import failed_result
from .member_task import SourceReport
from .results import MemberResult, SourceResult, member_result
from .scan_results import Flagged, SourceScanned, worst_flagged
from .sources import sources_of

if t.TYPE_CHECKING:
    from .._errors import BackupError
    from ..plan.selection import Member
    from ..repository.writer import Writer
    from .verdict_log import VerdictLog


class RunState:
    """Readers take C(tasks) from it and hand in reports, from any thread. C(verdicts) is None when nothing is scanned."""

    def __init__(self, group: GroupTree, writer: Writer, members: t.Sequence[Member], verdicts: VerdictLog | None = None) -> None:
        self.group = group
        self.verdicts = verdicts
        self.sources = sources_of(group.plan)
        self.tasks = [group.task(member) for member in members]
        self._writer = writer
        self._members = members
        self._results: dict[str, list[SourceResult]] = {member.id: [] for member in members}
        self._scanned: dict[tuple[str, str], SourceScanned] = {}

    def take(self, report: SourceReport) -> None:
        """What the report names is in the repository, or comes there with the next flush of the run's writer."""
        self.group.put(report)
        if report.scan is not None:
            self._scanned[report.member_id, report.source] = report.scan
        if report.result is not None:
            scanned = self._scanned.get((report.member_id, report.source))
            result = report.result if scanned is None else dataclasses.replace(report.result, scan=scanned.counts)
            self._results[report.member_id].append(result)

    def save_checkpoint(self, more_bytes: int = 0) -> None:
        """Save a snapshot of what there is, if enough was stored since the last one; C(more_bytes) by others than the run's writer."""
        self.group.save_checkpoint(self._writer, self._writer.stats.stored_bytes + more_bytes, self._before_checkpoint)

    def save_verdicts(self) -> None:
        """Before a snapshot with their contents: who sees that one sees the verdicts too."""
        if self.verdicts is not None:
            self.verdicts.save(self._writer, self.group.now())

    def scanned(self) -> list[SourceScanned]:
        """What the malware scan has found in each source so far."""
        return list(self._scanned.values())

    def has_reported(self, member_id: str, source: str) -> bool:
        """Whether a source has a result."""
        return any(result.source == source for result in self._results[member_id])

    def give_up(self, error: BackupError) -> bool:
        """Name what was not read to its end for this reason; what is stored of it stays as it is. Whether there was any."""
        left = [(task, source) for task in self.tasks for source in self.sources if not self.has_reported(task.member.id, source.name)]
        for task, source in left:
            self._results[task.member.id].append(failed_result(task, source, error))
        return bool(left)

    def flagged(self) -> tuple[Flagged, ...]:
        """What a checkpoint keeps of what the malware scan has flagged, for the next run to tell."""
        return worst_flagged(self.scanned(), self.group.flagged_before)

    def _before_checkpoint(self) -> tuple[Flagged, ...]:
        self.save_verdicts()
        return self.flagged()

    def results(self) -> list[MemberResult]:
        return [member_result(member, self._results[member.id]) for member in self._members]
