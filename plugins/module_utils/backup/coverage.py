# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How well the members of a plan are protected, out of its newest restore points and the records of its runs.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ..plan.retention import is_in_future
from ..report.past_runs import PastRun, start_of
from .layout import META, RUN_FILE, run_of
from .listed_snapshots import ListedSnapshots
from .newest_point import NewestPoint, ended_points, newest_point
from .protection import MemberCoverage, Seen, SourceCoverage, judge_source
from .restore_points import plan_snapshots
from .small_files import read_file
from .sources import sources_of

if t.TYPE_CHECKING:
    from ..plan.model import Plan
    from ..repository.repository import Repository
    from .listed_snapshots import SnapshotLister
    from .members import MemberState, SourceState

_MOST_RUNS = 200
_FINDINGS_SHOWN = 5

RunFacts = t.Mapping[str, t.Mapping[str, t.Mapping[str, t.Any]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanCoverage:
    """C(point) is the newest restore point, None when there is none. C(left) are former members that it still has.

    C(max_age) is what was promised, None for nothing. C(last_run) is the newest one that has left a record on this host.
    """

    plan: Plan
    point: NewestPoint | None
    max_age: timedelta | None
    members: tuple[MemberCoverage, ...]
    left: tuple[MemberCoverage, ...]
    last_run: PastRun | None
    warnings: tuple[str, ...]

    @property
    def is_protected(self) -> bool:
        """Whether everybody is who is a member; without a restore point nobody is."""
        return self.point is not None and all(member.is_protected for member in self.members)


def read_coverage(
    repository: Repository,
    plan: Plan,
    *,
    now: datetime,
    max_age: timedelta | None,
    runs: t.Iterable[PastRun] = (),
    listed: SnapshotLister | None = None,
) -> PlanCoverage:
    """Costs the list of snapshots, which C(listed) may have read already, and a few small files, whatever the size of the backup.

    C(runs) come newest first. One only counts when the restore point that it left, or found unchanged, is still there. Raises
    StorageError; what is damaged is passed over with a warning.
    """
    listed = ListedSnapshots(repository) if listed is None else listed
    warnings: list[str] = []
    newest = newest_point(repository, listed, plan.name, now, warnings.append)
    if newest is None:
        return PlanCoverage(plan=plan, point=None, max_age=max_age, members=(), left=(), last_run=None, warnings=tuple(warnings))
    if is_in_future(newest.snapshot.time, now):
        warnings.append(_future_sentence(newest, now))
    finished: NewestPoint | None = newest
    if newest.is_checkpoint:
        finished = newest_point(repository, listed, plan.name, now, lambda _known: None, finished=True)
    names = tuple(source.name for source in sources_of(plan))
    wanted = {(member.id, name) for member in newest.members.values() if member.left is None for name in names if name in member.sources}
    ids = {snapshot.first_id for snapshot in plan_snapshots(listed, plan.name, on_damage=lambda _damage: None)}
    evidence = _Evidence(runs, ids, wanted)
    ended = [] if finished is None else ended_points(repository, listed, plan.name, now, finished)
    judge = _Judge(newest, ended, evidence, _run_facts(repository, ended), now, max_age)
    covered = [judge.member(member, names) for member in sorted(newest.members.values(), key=_by_name)]
    return PlanCoverage(
        plan=plan,
        point=newest,
        max_age=max_age,
        members=tuple(each for each in covered if each.member.left is None),
        left=tuple(each for each in covered if each.member.left is not None),
        last_run=evidence.last_run,
        warnings=tuple(dict.fromkeys(warnings)),
    )


class _Evidence:
    """When runs have read sources to their ends: C(read) has the newest time of each source, as far as records tell."""

    def __init__(self, runs: t.Iterable[PastRun], points: t.Collection[str], wanted: set[tuple[str, str]]) -> None:
        self.last_run: PastRun | None = None
        self.read: dict[tuple[str, str], datetime] = {}
        missing = set(wanted)
        for number, run in enumerate(runs):
            if self.last_run is None:
                self.last_run = run
            if run.restore_point in points:
                for key, time in run.read.items():
                    self.read[key] = max(time, self.read.get(key, time))
                missing -= run.read.keys()
            if not missing or number + 1 == _MOST_RUNS:
                return


@dataclass(frozen=True, slots=True)
class _Judge:
    newest: NewestPoint
    ended: t.Sequence[NewestPoint]
    evidence: _Evidence
    facts: RunFacts
    now: datetime
    max_age: timedelta | None

    def member(self, member: MemberState, names: t.Sequence[str]) -> MemberCoverage:
        """A former member has what it has: no promise about its age, and no source that it lacks."""
        if member.left is not None:
            names = tuple(member.sources)
        reader = next((point for point in self.ended if point.has_read(member.id)), None)
        last = reader or next(iter(self.ended), None)
        before = None if last is None else last.members.get(member.id)
        return MemberCoverage(member=member, sources=tuple(self._source(member, before, name, reader) for name in names))

    def _source(self, member: MemberState, before: MemberState | None, name: str, reader: NewestPoint | None) -> SourceCoverage:
        finished = None if before is None else before.sources.get(name)
        read = [self.evidence.read.get((member.id, name))]
        if before is not None and before.left is None and finished is not None and member.left is None:
            read.append(_read_by_run(finished, reader))
        seen = Seen(newest=member.sources.get(name), finished=finished, read=tuple(time for time in read if time is not None))
        cover = judge_source(name, seen, now=self.now, max_age=None if member.left is not None else self.max_age)
        said = self.facts.get(member.principal_name, {}).get(name, {}) if member.left is None else {}
        findings = tuple(said.get("findings", ()))[:_FINDINGS_SHOWN]
        return replace(cover, finding_count=int(said.get("finding_count", 0)), findings=findings)


def _read_by_run(state: SourceState, reader: NewestPoint | None) -> datetime | None:
    """A run that came to its end has read every source of its members that it calls good, also where nothing had changed."""
    if reader is None or not state.is_good:
        return None
    return start_of(run_of(reader.snapshot.tags)) or reader.snapshot.time


def _run_facts(repository: Repository, ended: t.Sequence[NewestPoint]) -> RunFacts:
    """What the runs that left the restore points say of members with findings, by sign-in name and source."""
    facts: dict[str, t.Mapping[str, t.Mapping[str, t.Any]]] = {}
    for point in reversed(ended):
        facts |= json.loads(read_file(repository, point.group, (META, RUN_FILE)) or b"{}").get("members", {})
    return facts


def _by_name(member: MemberState) -> tuple[str, str]:
    return (member.principal_name.casefold(), member.id)


def _future_sentence(newest: NewestPoint, now: datetime) -> str:
    return (
        f"The restore point {newest.snapshot.id[:8]} is dated {newest.snapshot.time:%Y-%m-%d %H:%M:%S} UTC, and here it is"
        f" {now:%Y-%m-%d %H:%M:%S} UTC. One of the two clocks is or was wrong."
    )
