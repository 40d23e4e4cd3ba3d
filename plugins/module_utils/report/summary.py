# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a backup host knows of its plans, in a form that goes over the network, into metrics and onto a page.

It is made from the plans and records of the host, so it says what runs have seen, and nothing of a repository that was lost since.
All moments are aware. None means that it is not known, or that there is none. Everything is bounded.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

MOST_RUNS = 400
"""Run points of each plan: the newest."""

MOST_TASKS = 100
"""Task points of each plan: the newest."""

MOST_FINDINGS = 5
"""Findings of each source that are shown in full."""

MOST_FLAGGED = 100
"""Items of each plan that the malware scan has flagged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingSummary:
    """Something that was not stored as it should: C(kind) is C(skipped) or C(failed), C(reason) a sentence."""

    kind: str
    object: str
    reason: str
    code: str = ""
    request_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSummary:
    """One source of a member after the newest run that had it. C(outcome) is C(complete), C(partial) or C(failed).

    C(last_success) is when all of it was last known to be in the backup. C(problems) are the words of coverage (C(never), C(old),
    C(unreachable), C(stale), C(findings), C(infected), C(absent)), the worst first. C(items) is how many the backup has.
    """

    name: str
    outcome: str
    availability: str
    last_success: datetime | None
    is_protected: bool
    problems: tuple[str, ...]
    items: int
    finding_count: int
    findings: tuple[FindingSummary, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberSummary:
    """Somebody whom the newest run on this host has backed up, or tried to. C(last_success) is that of the source that is worst off.

    C(kind) is C(user), C(shared), C(room), C(equipment) or C(other); C(problems) are those of all sources.
    """

    id: str
    principal_name: str
    display_name: str
    kind: str | None
    outcome: str
    is_protected: bool
    problems: tuple[str, ...]
    last_success: datetime | None
    sources: tuple[SourceSummary, ...]

    @property
    def items(self) -> int:
        return sum(source.items for source in self.sources)

    @property
    def finding_count(self) -> int:
        return sum(source.finding_count for source in self.sources)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPoint:
    """One run. C(items) is how many the restore point held afterwards, C(stored_bytes) by how much the repository grew.

    C(stopped) is C(signal), C(window) or C(max_minutes) for a run that ended before it was through. C(members_protected) is how many
    were protected when it ended, by what the plan promises; None where it promises nothing. C(oldest_success) is the worst last success
    at that time, None also when somebody had none. C(scanned) and the verdicts after it count contents, and are None without a scan.
    """

    run_id: str
    start: datetime
    seconds: float
    outcome: str
    stopped: str | None
    is_changed: bool
    items: int
    added: int
    updated: int
    moved: int
    removed: int
    fetched: int
    fetched_bytes: int
    stored_bytes: int
    members: int
    members_complete: int
    members_protected: int | None
    oldest_success: datetime | None
    findings: int
    requests: int
    throttled_seconds: float
    scanned: int | None
    infected: int | None
    unscannable: int | None
    unscanned: int | None
    warnings: int

    @property
    def end(self) -> datetime:
        return self.start + timedelta(seconds=self.seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskPoint:
    """One prune, verify, restore, drill or scan. C(outcome) is C(complete), C(partial), C(failed), and C(damaged) of a repository.

    C(sentence) is what the task said, C(detail) what it was exactly, such as the level of a verification. C(numbers) are its figures.
    """

    verb: str
    start: datetime
    seconds: float
    outcome: str
    detail: str
    sentence: str
    findings: int
    numbers: dict[str, float]

    @property
    def end(self) -> datetime:
        return self.start + timedelta(seconds=self.seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlaggedSummary:
    """An item that the malware scan calls C(infected) or C(unscannable). C(time) is when that was found."""

    time: datetime
    member: str
    source: str
    folder: str
    name: str
    verdict: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanSummary:
    """What the newest scan of the stored contents of a plan says of all of them. C(remaining) are those that it did not come to."""

    time: datetime
    engine: str
    engine_version: str
    database: str
    database_released: str
    contents: int
    clean: int
    infected: int
    unscannable: int
    remaining: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSummary:
    """One plan. C(runs) and C(tasks) have the oldest first.

    C(schedule) is in words, None without one. C(max_age_seconds) is how old a last success may be by what the plan promises.
    C(restore_point) is the id of the newest one that runs of this host know, C(restore_point_time) when the run that made it ended,
    None when its record is gone. C(former) is how many have left and still have a backup.
    """

    name: str
    title: str
    backup_type: str
    repository: str
    is_encrypted: bool
    scans_malware: bool
    schedule: str | None
    next_run: datetime | None
    max_age_seconds: int | None
    restore_point: str | None
    restore_point_time: datetime | None
    former: int
    members: tuple[MemberSummary, ...]
    runs: tuple[RunPoint, ...]
    tasks: tuple[TaskPoint, ...]
    scan: ScanSummary | None
    flagged: tuple[FlaggedSummary, ...]
    unresolved: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def last_run(self) -> RunPoint | None:
        return self.runs[-1] if self.runs else None

    @property
    def is_protected(self) -> bool:
        """Whether all members are. Nobody knows the members of a plan that has never run."""
        return bool(self.members) and all(member.is_protected for member in self.members)

    def last_task(self, verb: str) -> TaskPoint | None:
        """The newest of this verb."""
        return next((task for task in reversed(self.tasks) if task.verb == verb), None)

    @property
    def refused_run(self) -> TaskPoint | None:
        """A run that could not begin, such as while another one was going on; None when a run has ended since."""
        refused, run = self.last_task("run"), self.last_run
        return None if refused is None or (run is not None and run.end >= refused.end) else refused


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSummary:
    """A backup host. C(warnings) are sentences about what could not be read, such as a damaged plan."""

    host: str
    generated: datetime
    plans: tuple[PlanSummary, ...]
    warnings: tuple[str, ...]
