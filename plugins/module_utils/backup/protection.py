# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether somebody is protected: what restore points say of a source against the age that a plan promises. Pure.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

from ..plan.retention import is_in_future
from .archive_access import NO_ARCHIVE, REFUSED
from .members import MemberState, SourceState, SourceStatus
from .source_read import DRIVE_LOCKED, NO_DRIVE, NO_MAILBOX, NO_SHAREPOINT_LICENCE, NOT_IN_THIS_CLOUD


class Problem(str, Enum):
    """What may be wrong with the backup of a source.

    C(never): no good state is stored. C(old): the last good one is older than promised. C(unfinished): the first one is half read.
    C(incomplete): the repository has lost a part of it. C(unreachable): Microsoft does not let it be read, such as a locked drive.
    C(stale): the newest run could not read it. C(findings): single items are missing. C(infected): the malware scan has found
    something in it. C(absent): there is nothing to be backed up.
    """

    NEVER = "never"
    OLD = "old"
    UNFINISHED = "unfinished"
    INCOMPLETE = "incomplete"
    UNREACHABLE = "unreachable"
    STALE = "stale"
    FINDINGS = "findings"
    INFECTED = "infected"
    ABSENT = "absent"


UNPROTECTING = frozenset({Problem.NEVER, Problem.OLD, Problem.UNFINISHED, Problem.INCOMPLETE, Problem.UNREACHABLE})
"""With one of these nobody can rely on the backup; the others an administrator should know of."""

_NOTHING_THERE = frozenset({NO_MAILBOX, NO_DRIVE, NO_SHAREPOINT_LICENCE, NOT_IN_THIS_CLOUD, NO_ARCHIVE})


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceCoverage:
    """C(last_good) is when all of it was last known to be in the backup, None if never or if that cannot be told.

    C(finding_count) and C(findings) are those of the run that left the newest restore point. C(verdicts) are the items by what the
    malware scan says of them, None where nobody has counted.
    """

    source: str
    status: SourceStatus | None
    last_good: datetime | None
    availability: str
    problems: tuple[Problem, ...]
    finding_count: int = 0
    findings: tuple[dict[str, str], ...] = ()
    verdicts: t.Mapping[str, int] | None = None

    @property
    def is_protected(self) -> bool:
        return not UNPROTECTING.intersection(self.problems)

    @property
    def is_there(self) -> bool:
        """Whether there is something to be backed up, as far as anybody knows."""
        return self.availability not in _NOTHING_THERE


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberCoverage:
    """Somebody in the newest restore point. Of a former member (C(member.left)) nothing is promised."""

    member: MemberState
    sources: tuple[SourceCoverage, ...]

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Those of all sources, each once, the worst first."""
        found = {problem for source in self.sources for problem in source.problems}
        return tuple(problem for problem in Problem if problem in found)

    @property
    def is_protected(self) -> bool:
        return all(source.is_protected for source in self.sources)

    @property
    def last_good(self) -> datetime | None:
        """Since when everything of the member is in the backup; None when something is not, and when there is nothing."""
        times = [source.last_good for source in self.sources if source.is_there]
        return min((time for time in times if time is not None), default=None) if None not in times else None


def with_verdicts(cover: SourceCoverage, verdicts: t.Mapping[str, int]) -> SourceCoverage:
    """The same, with what the malware scan says of its items."""
    found = {*cover.problems, *((Problem.INFECTED,) if verdicts.get(Problem.INFECTED.value) else ())}
    return replace(cover, verdicts=verdicts, problems=tuple(problem for problem in Problem if problem in found))


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What is known of one source: its state in the newest restore point, and in the newest one of a run that came to its end.

    C(read) are the times at which runs have read it to its end. They count whatever the states say.
    """

    newest: SourceState | None
    finished: SourceState | None
    read: tuple[datetime, ...] = ()


def judge_source(name: str, seen: Seen, *, now: datetime, max_age: timedelta | None) -> SourceCoverage:
    """C(max_age) None promises nothing. Times in the future are the work of a wrong clock, and prove nothing."""
    state = _counting(seen)
    if state is None:
        return SourceCoverage(source=name, status=None, last_good=None, availability="", problems=(Problem.NEVER,))
    cover = SourceCoverage(source=name, status=state.status, last_good=None, availability=state.availability, problems=())
    if not cover.is_there:
        # Most people have no archive.
        return replace(cover, problems=() if state.availability == NO_ARCHIVE else (Problem.ABSENT,))
    if state.availability == DRIVE_LOCKED or state.availability.startswith(REFUSED):
        return replace(cover, problems=(Problem.UNREACHABLE,))
    times = [*seen.read, *(_last_success(one) for one in (seen.newest, seen.finished) if one is not None)]
    last_good = max((time for time in times if time is not None and not is_in_future(time, now)), default=None)
    return replace(cover, last_good=last_good, problems=tuple(_problems(state, last_good, now, max_age)))


def _counting(seen: Seen) -> SourceState | None:
    """A run that was interrupted may have begun to read again what an earlier one has read to its end."""
    if seen.newest is not None and seen.newest.status is SourceStatus.UNFINISHED and seen.finished is not None:
        return seen.finished
    return seen.newest


def _problems(state: SourceState, last_good: datetime | None, now: datetime, max_age: timedelta | None) -> t.Iterator[Problem]:
    if state.status is SourceStatus.UNFINISHED:
        yield Problem.UNFINISHED
    elif last_good is None:
        yield Problem.NEVER
    elif max_age is not None and now - last_good > max_age:
        yield Problem.OLD
    if state.is_incomplete:
        yield Problem.INCOMPLETE
    if state.status is SourceStatus.STALE:
        yield Problem.STALE
    if state.status is SourceStatus.FINDINGS:
        yield Problem.FINDINGS


def _last_success(state: SourceState) -> datetime | None:
    return None if state.last_success is None else datetime.fromisoformat(state.last_success)
