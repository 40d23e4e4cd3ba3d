# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run says about itself: outcomes, counts and findings.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from .._errors import BackupError
from .run_roster import RunRoster

if t.TYPE_CHECKING:
    from ..graph.drive_estimate import DriveEstimate
    from ..plan.model import MailboxKind
    from ..plan.selection import Member
    from .scan_results import Flagged, RunScanned, ScanCounts
    from .stopping import Stopped

_LISTED = 100
#: The code of the finding of a source that a run left because it had to stop.
STOPPED = "stopped"


class Outcome(str, Enum):
    """How a source, a member or a run ended. With findings it is never C(complete)."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    FAILED = "failed"


class FindingKind(str, Enum):
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """An item, folder or source that was not stored as it should. C(reason) says it in a sentence."""

    kind: FindingKind
    object: str
    reason: str
    code: str = ""
    request_id: str = ""

    def as_dict(self) -> dict[str, str]:
        return {**dataclasses.asdict(self), "kind": self.kind.value}


def listed(findings: t.Sequence[Finding]) -> list[dict[str, str]]:
    """The findings that a result shows: the first hundred. A list of all of a broken mailbox would help nobody."""
    return [finding.as_dict() for finding in findings[:_LISTED]]


def finding_of(error: BackupError, name: str) -> Finding:
    """The finding that an error leaves when the run goes on without the object."""
    return Finding(
        kind=FindingKind.FAILED,
        object=name,
        reason=str(error),
        code=str(error.facts.get("code") or ""),
        request_id=str(error.facts.get("request_id") or ""),
    )


@dataclass(slots=True)
class Counts:
    """Items of a source in one run. C(total) is how many the snapshot holds; C(stored_bytes) is what the fetched bodies
    added to the repository, compressed and without those that were known."""

    total: int = 0
    added: int = 0
    updated: int = 0
    moved: int = 0
    removed: int = 0
    fetched: int = 0
    fetched_bytes: int = 0
    stored_bytes: int = 0

    def keep(self, before: int | None, folder: int) -> None:
        """Count an item that is in the folder of this number; ``before`` is the one that it was in, None if it is new."""
        if before is None:
            self.total += 1
            self.added += 1
        elif before != folder:
            self.moved += 1
        else:
            self.updated += 1

    def remove(self) -> None:
        """Count an item that is gone."""
        self.total -= 1
        self.removed += 1

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))

    def as_dict(self) -> dict[str, int]:
        return dataclasses.asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceResult:
    source: str
    outcome: Outcome
    is_changed: bool
    counts: Counts
    findings: tuple[Finding, ...] = ()
    left_out: tuple[str, ...] = ()
    last_success: datetime | None = None
    availability: str = ""
    warnings: tuple[str, ...] = ()
    scan: ScanCounts | None = None

    @property
    def is_left(self) -> bool:
        """Whether the run was stopped before it came to the end of the source."""
        return any(finding.code == STOPPED for finding in self.findings)

    def as_dict(self) -> dict[str, t.Any]:
        return {
            "outcome": self.outcome.value,
            **self.counts.as_dict(),
            "finding_count": len(self.findings),
            "findings": listed(self.findings),
            "left_out": list(self.left_out),
            "last_success": None if self.last_success is None else self.last_success.isoformat(),
            "availability": self.availability,
            **({} if self.scan is None else {"scan": self.scan.as_dict()}),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberResult:
    """C(kind) and C(is_licensed) are None where nobody could tell."""

    id: str
    principal_name: str
    sources: tuple[SourceResult, ...]
    display_name: str = ""
    kind: MailboxKind | None = None
    is_blocked: bool = False
    is_licensed: bool | None = None

    @property
    def outcome(self) -> Outcome:
        return overall(source.outcome for source in self.sources)

    def as_dict(self) -> dict[str, t.Any]:
        return {
            "id": self.id,
            "principal_name": self.principal_name,
            "display_name": self.display_name,
            "kind": None if self.kind is None else self.kind.value,
            "is_blocked": self.is_blocked,
            "is_licensed": self.is_licensed,
            "outcome": self.outcome.value,
            "sources": {source.source: source.as_dict() for source in self.sources},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """C(scan) is None for a plan that scans nothing. C(refused) are stored items for which the plan wants the run to fail.

    C(restore_point) is the first id of the snapshot that has what the run has read: its own, or where nothing had changed the one
    that it went on from. A run that was C(stopped) has left a checkpoint, if it had read anything.
    """

    run_id: str
    plan: str
    started: datetime
    ended: datetime
    outcome: Outcome
    snapshot_id: str | None
    is_changed: bool
    members: tuple[MemberResult, ...]
    stored_bytes: int
    requests: int
    throttled_seconds: float
    warnings: tuple[str, ...] = field(default=())
    estimate: DriveEstimate | None = None
    scan: RunScanned | None = None
    refused: tuple[Flagged, ...] = ()
    restore_point: str | None = None
    stopped: Stopped | None = None
    roster: RunRoster = RunRoster()

    @property
    def counts(self) -> Counts:
        return sum((source.counts for member in self.members for source in member.sources), Counts())

    def as_dict(self) -> dict[str, t.Any]:
        """The run as a module returns it and as its run record keeps it.

        C(started) and C(finished) are words of Ansible's async tasks: a result with one of them never counts as finished.
        """
        return {
            "run_id": self.run_id,
            "plan": self.plan,
            "start": self.started.isoformat(),
            "end": self.ended.isoformat(),
            "outcome": self.outcome.value,
            "stopped": None if self.stopped is None else self.stopped.reason.value,
            "snapshot_id": self.snapshot_id,
            "restore_point": self.restore_point,
            "changed": self.is_changed,
            "counts": self.counts.as_dict(),
            "members": [member.as_dict() for member in self.members],
            **self.roster.as_dict(),
            "stored_bytes": self.stored_bytes,
            "requests": self.requests,
            "throttled_seconds": round(self.throttled_seconds, 1),
            **({} if self.estimate is None else {"estimate": self.estimate.as_dict()}),
            **({} if self.scan is None else {"scan": self.scan.as_dict()}),
        }


def member_result(member: Member, sources: t.Iterable[SourceResult]) -> MemberResult:
    """What a run says of a member whose sources ended like this."""
    return MemberResult(
        id=member.id,
        principal_name=member.principal_name,
        sources=tuple(sources),
        display_name=member.display_name,
        kind=member.kind,
        is_blocked=member.is_blocked,
        is_licensed=member.is_licensed,
    )


def overall(outcomes: t.Iterable[Outcome]) -> Outcome:
    """Complete if all are, failed if all are, else partial."""
    seen = set(outcomes)
    if seen <= {Outcome.COMPLETE}:
        return Outcome.COMPLETE
    return Outcome.FAILED if seen == {Outcome.FAILED} else Outcome.PARTIAL
