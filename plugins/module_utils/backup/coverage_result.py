# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The coverage of plans as the result of a module, and in sentences for an administrator.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from datetime import datetime, timedelta, tzinfo

from .._text import count_text, listed_names
from ..plan.leavers import former_as_dict
from .coverage import PlanCoverage
from .coverage_report import CoverageReport
from .layout import outcome_of
from .members import known_members
from .protection import MemberCoverage, SourceCoverage

_HOUR = timedelta(hours=1)


def coverage_result(report: CoverageReport, *, now: datetime) -> dict[str, t.Any]:
    """Times are in the time zone of each plan, ages in hours."""
    return {
        "changed": False,
        "all_protected": report.is_protected,
        "plans": [_plan(cover, now) for cover in report.plans],
        "unprotected": [
            {
                "plan": cover.plan.name,
                "id": each.member.id,
                "principal_name": each.member.principal_name,
                "problems": [problem.value for problem in each.problems],
            }
            for cover, each in report.concerned(("unprotected",))
        ],
        "seats": [{"repository": location, **ledger.as_dict()} for location, ledger in report.seats.items()],
        "msg": coverage_sentence(report),
    }


def coverage_sentence(report: CoverageReport) -> str:
    """How many are protected; who is not, and which plans have never run."""
    members = [member for cover in report.plans for member in cover.members]
    bad = report.concerned(("unprotected",))
    if not report.plans:
        return "No plan is stored on this host."
    parts = []
    if members:
        good = len(members) - len(bad)
        about = f"{good:,} of {count_text(len(members), 'member')} of {count_text(len(report.plans), 'plan')}"
        parts.append(f"{about} {'is' if good == 1 else 'are'} protected.")
    if bad:
        names = [f"{each.member.principal_name} ({_words(each)})" for _cover, each in bad]
        parts.append(f"Not protected: {listed_names(names)}.")
    never = [cover.plan.name for cover in report.never_backed_up()]
    if never:
        parts.append(f"Without any restore point: {listed_names(never)}.")
    return " ".join(parts)


def failure_sentence(report: CoverageReport, fail_on: t.Collection[str]) -> str | None:
    """Why the task fails that wants to fail on these problems; None when nobody has them."""
    if fail_on and not report.plans:
        return "No plan is stored on this host, so nobody is protected by one."
    concerned = report.concerned(fail_on)
    never = [cover.plan.name for cover in report.never_backed_up()] if {"unprotected", "never"} & set(fail_on) else []
    if not concerned and not never:
        return None
    parts = []
    if concerned:
        names = [f"{each.member.principal_name} of {cover.plan.name} ({_words(each)})" for cover, each in concerned]
        have = "has" if len(concerned) == 1 else "have"
        parts.append(f"{count_text(len(concerned), 'member')} {have} a problem that fails this task: {listed_names(names)}.")
    if never:
        parts.append(f"Without any restore point: {listed_names(never)}.")
    return " ".join(parts)


def member_facts(cover: MemberCoverage, zone: tzinfo, now: datetime) -> dict[str, t.Any]:
    """One member with its sources, as results and the inventory show it."""
    member = cover.member
    return {
        "id": member.id,
        "principal_name": member.principal_name,
        "display_name": member.display_name,
        "kind": None if member.kind is None else member.kind.value,
        "via": list(member.via),
        "is_protected": cover.is_protected,
        "problems": [problem.value for problem in cover.problems],
        "last_good": _time(cover.last_good, zone),
        "age_hours": _age(cover.last_good, now),
        "sources": {source.source: _source(source, zone, now) for source in cover.sources},
    }


def _plan(cover: PlanCoverage, now: datetime) -> dict[str, t.Any]:
    plan, zone = cover.plan, cover.plan.time_zone
    return {
        "name": plan.name,
        "title": plan.title,
        "backup_type": plan.backup_type.value,
        "repository": plan.repository,
        "is_protected": cover.is_protected,
        "max_age_hours": None if cover.max_age is None else round(cover.max_age / _HOUR, 2),
        "restore_point": _point(cover, zone),
        "last_run": _last_run(cover, zone),
        "members": [member_facts(member, zone, now) for member in cover.members],
        "former": [_former(member, cover, now) for member in cover.left],
    }


def _point(cover: PlanCoverage, zone: tzinfo) -> dict[str, t.Any] | None:
    if cover.point is None:
        return None
    snapshot = cover.point.snapshot
    return {
        "id": snapshot.id,
        "original_id": snapshot.first_id,
        "time": _time(snapshot.time, zone),
        "outcome": outcome_of(snapshot.tags),
        "is_checkpoint": cover.point.is_checkpoint,
    }


def _last_run(cover: PlanCoverage, zone: tzinfo) -> dict[str, t.Any] | None:
    run = cover.last_run
    return None if run is None else {"run_id": run.run_id, "end": _time(run.end, zone), "outcome": run.outcome}


def _former(each: MemberCoverage, cover: PlanCoverage, now: datetime) -> dict[str, t.Any]:
    """Of somebody who has left, whether anything can be restored matters, not how old it is."""
    facts = member_facts(each, cover.plan.time_zone, now)
    (known,) = known_members([each.member])
    return {**former_as_dict(known, cover.plan.leavers), **{name: facts[name] for name in ("kind", "via", "last_good", "sources")}}


def _source(source: SourceCoverage, zone: tzinfo, now: datetime) -> dict[str, t.Any]:
    return {
        "status": None if source.status is None else source.status.value,
        "is_protected": source.is_protected,
        "problems": [problem.value for problem in source.problems],
        "last_good": _time(source.last_good, zone),
        "age_hours": _age(source.last_good, now),
        "availability": source.availability,
        "finding_count": source.finding_count,
        "findings": [dict(finding) for finding in source.findings],
        "verdicts": None if source.verdicts is None else dict(source.verdicts),
    }


def _words(each: MemberCoverage) -> str:
    return ", ".join(problem.value for problem in each.problems)


def _time(moment: datetime | None, zone: tzinfo) -> str | None:
    return None if moment is None else moment.astimezone(zone).isoformat(timespec="seconds")


def _age(moment: datetime | None, now: datetime) -> float | None:
    return None if moment is None else round((now - moment) / _HOUR, 2)
