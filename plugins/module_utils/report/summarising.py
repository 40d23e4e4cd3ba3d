# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes the summary of a backup host out of its plans and records. Nothing but the state path is read.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import itertools
import typing as t
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from ..plan.promise import promised_age
from ..plan.schedule_times import next_runs
from ..plan.schedule_words import explain
from .flagging import Flagging, find_flagged
from .judging import INFECTED, UNPROTECTING, is_there, last_success, source_problems, worst_first
from .run_points import Record, newest_record, read_runs
from .summary import (
    MOST_FINDINGS,
    MOST_TASKS,
    FindingSummary,
    HostSummary,
    MemberSummary,
    PlanSummary,
    SourceSummary,
    TaskPoint,
)
from .task_records import TaskRecord, past_tasks

if t.TYPE_CHECKING:
    from ..plan.model import Plan

_WARNINGS_KEPT = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """C(keeps) allows to keep what was read of records in the state path, so that the next summary is made faster."""

    host: str
    state_path: Path
    now: datetime
    keeps: bool


def summarise_host(plans: t.Iterable[Plan], about: Circumstances, warnings: t.Sequence[str] = ()) -> HostSummary:
    """What the host knows of these plans."""
    return HostSummary(
        host=about.host,
        generated=about.now,
        plans=tuple(summarise_plan(plan, about) for plan in plans),
        warnings=tuple(warnings),
    )


def summarise_plan(plan: Plan, about: Circumstances) -> PlanSummary:
    max_age = promised_age(plan, about.now)
    digests = read_runs(about.state_path, plan.name, max_age=max_age, keeps=about.keeps)
    record = newest_record(about.state_path, plan.name) if digests else None
    tasks = tuple(itertools.islice(past_tasks(about.state_path, plan.name), MOST_TASKS))[::-1]
    flagging = find_flagged(digests, tasks)
    known = next((digest.known for digest in reversed(digests) if digest.known is not None), None)
    made = next((digest.point for digest in reversed(digests) if digest.made is not None and digest.made == known), None)
    upcoming = () if plan.schedule is None else next_runs(plan.schedule, plan.name, after=about.now, count=1)
    record = record or {}
    return PlanSummary(
        name=plan.name,
        title=plan.title,
        backup_type=plan.backup_type.value,
        repository=plan.repository,
        is_encrypted=plan.encryption.enabled,
        scans_malware=plan.malware_scan.enabled,
        schedule=None if plan.schedule is None else explain(plan.schedule, plan.name),
        next_run=next(iter(upcoming), None),
        max_age_seconds=None if max_age is None else int(max_age.total_seconds()),
        restore_point=known,
        restore_point_time=None if made is None else made.end,
        former=len(record.get("leavers", ())) + len(record.get("former", ())),
        members=tuple(sorted(_members(record, flagging, about.now, max_age), key=lambda member: member.principal_name.casefold())),
        runs=tuple(digest.point for digest in digests),
        tasks=tuple(map(_task_point, tasks)),
        scan=flagging.scan,
        flagged=flagging.flagged,
        unresolved=tuple(record.get("unresolved", ())),
        warnings=tuple(record.get("notes", ()))[:_WARNINGS_KEPT],
    )


def _members(record: Record, flagging: Flagging, now: datetime, max_age: timedelta | None) -> t.Iterator[MemberSummary]:
    for member in record.get("members", ()):
        infected = flagging.infected_sources(member["id"], member["principal_name"])
        sources = tuple(_source(name, source, name in infected, now=now, max_age=max_age) for name, source in member["sources"].items())
        there = [source.last_success for source in sources if is_there(member["sources"][source.name])]
        yield MemberSummary(
            id=member["id"],
            principal_name=member["principal_name"],
            display_name=member.get("display_name") or "",
            kind=member.get("kind"),
            outcome=member["outcome"],
            is_protected=all(source.is_protected for source in sources),
            problems=worst_first(problem for source in sources for problem in source.problems),
            last_success=None if None in there else min((time for time in there if time is not None), default=None),
            sources=sources,
        )


def _source(name: str, source: t.Mapping[str, t.Any], is_infected: bool, *, now: datetime, max_age: timedelta | None) -> SourceSummary:
    problems = source_problems(source, now=now, max_age=max_age)
    return SourceSummary(
        name=name,
        outcome=source["outcome"],
        availability=source.get("availability") or "",
        last_success=last_success(source, now),
        is_protected=not UNPROTECTING.intersection(problems),
        problems=worst_first((*problems, *((INFECTED,) if is_infected else ()))),
        items=source["total"],
        finding_count=source["finding_count"],
        findings=tuple(_finding(finding) for finding in source["findings"][:MOST_FINDINGS]),
    )


def _finding(finding: t.Mapping[str, str]) -> FindingSummary:
    return FindingSummary(**{name: str(finding.get(name) or "") for name in ("kind", "object", "reason", "code", "request_id")})


def _task_point(record: TaskRecord) -> TaskPoint:
    return TaskPoint(
        verb=record.verb,
        start=record.start,
        seconds=round((record.end - record.start).total_seconds(), 1),
        outcome=record.outcome,
        detail=record.detail,
        sentence=record.sentence,
        findings=record.finding_count,
        numbers=dict(record.numbers),
    )
