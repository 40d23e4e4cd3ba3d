# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The summaries of several hosts as one fleet: plans that hosts share become one, members become people with all of their plans.

What a host has said is judged again by the clock of who looks at it: a backup that was young when the host wrote its summary may be
too old by now. Pure.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from enum import Enum

from .summary import HostSummary, MemberSummary, PlanSummary, RunPoint, SourceSummary

ABSENT = "absent"
OLD = "old"
_LONG_AGO = datetime.min.replace(tzinfo=timezone.utc)
_SILENT_AFTER = timedelta(hours=26)
"""Hosts report each day; an hour or two more is no sign of anything."""


class State(str, Enum):
    """How something is, the worst first. C(NONE): there is nothing to be judged."""

    BAD = "bad"
    WARN = "warn"
    GOOD = "good"
    NONE = "none"


def worst(states: t.Iterable[State]) -> State:
    """Nothing of nothing."""
    found = set(states)
    return next((state for state in State if state in found), State.NONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanView:
    """C(summary) has the members, runs and tasks of all C(hosts) that work on the plan, C(runs_by_host) those of each by itself."""

    anchor: str
    summary: PlanSummary
    hosts: tuple[str, ...]
    runs_by_host: tuple[tuple[RunPoint, ...], ...]
    state: State

    @property
    def promise(self) -> timedelta | None:
        seconds = self.summary.max_age_seconds
        return None if seconds is None else timedelta(seconds=seconds)

    @property
    def has_run(self) -> bool:
        return bool(self.summary.runs)

    @property
    def newest_runs(self) -> tuple[RunPoint, ...]:
        """The newest one of each host."""
        return tuple(runs[-1] for runs in self.runs_by_host if runs)

    @property
    def protected(self) -> int:
        return sum(member.is_protected for member in self.summary.members)

    @property
    def is_damaged(self) -> bool:
        """By the newest verification."""
        task = self.summary.last_task("verify")
        return task is not None and task.outcome == "damaged"


class Membership(t.NamedTuple):
    """A member in one plan."""

    plan: PlanView
    member: MemberSummary
    state: State


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonView:
    """Somebody in all plans that have them, told apart by the object id."""

    anchor: str
    name: str
    principal_name: str
    kind: str | None
    memberships: tuple[Membership, ...]
    state: State

    @property
    def last_success(self) -> datetime | None:
        """The worst of all plans; None when one of them never had any."""
        times = [each.member.last_success for each in self.memberships if each.state is not State.NONE]
        return None if None in times else min((time for time in times if time is not None), default=None)

    @property
    def problems(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(problem for each in self.memberships for problem in each.member.problems))


@dataclass(frozen=True, slots=True, kw_only=True)
class HostView:
    summary: HostSummary
    is_silent: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetView:
    """C(people) and C(plans): the worst first."""

    now: datetime
    hosts: tuple[HostView, ...]
    plans: tuple[PlanView, ...]
    people: tuple[PersonView, ...]

    def count(self, state: State) -> int:
        """Of people."""
        return sum(person.state is state for person in self.people)


def fleet_view(hosts: t.Sequence[HostSummary], now: datetime) -> FleetView:
    """Of a host that is there more than once the newest summary counts."""
    newest = {host.host: host for host in sorted(hosts, key=lambda host: host.generated)}
    order = list(dict.fromkeys(host.host for host in hosts))
    ordered = [newest[name] for name in order]
    plans = _plans(ordered, now)
    return FleetView(
        now=now,
        hosts=tuple(HostView(summary=host, is_silent=now - host.generated > _SILENT_AFTER) for host in ordered),
        plans=plans,
        people=_people(plans),
    )


def member_state(member: MemberSummary) -> State:
    """Who has nothing to be backed up is neither protected nor in danger."""
    if not member.is_protected:
        return State.BAD
    if member.sources and all(ABSENT in source.problems for source in member.sources):
        return State.NONE
    return State.WARN if any(problem != ABSENT for problem in member.problems) else State.GOOD


def outcome_state(outcome: str) -> State:
    """Of a run or a task."""
    return {"complete": State.GOOD, "partial": State.WARN}.get(outcome, State.BAD)


def _plans(hosts: t.Sequence[HostSummary], now: datetime) -> tuple[PlanView, ...]:
    shared: dict[tuple[str, ...], list[tuple[HostSummary, PlanSummary]]] = {}
    for host in hosts:
        for plan in host.plans:
            # A folder of the same name on another host is another folder; an object store is the same for everybody.
            place = (plan.name, plan.repository) if "://" in plan.repository else (plan.name, plan.repository, host.host)
            shared.setdefault(place, []).append((host, plan))
    views = [_plan(f"plan-{number}", parts, now) for number, parts in enumerate(shared.values(), 1)]
    return tuple(sorted(views, key=lambda view: (list(State).index(view.state), view.summary.title.casefold(), view.anchor)))


def _plan(anchor: str, parts: t.Sequence[tuple[HostSummary, PlanSummary]], now: datetime) -> PlanView:
    _host, newest = max(parts, key=lambda part: part[0].generated)
    promise = None if newest.max_age_seconds is None else timedelta(seconds=newest.max_age_seconds)
    each = [plan for _name, plan in sorted(parts, key=lambda part: part[0].generated)]
    summary = replace(
        newest,
        members=tuple(_aged_member(member, promise, now) for member in _members(each)),
        runs=tuple(sorted((run for plan in each for run in plan.runs), key=lambda run: run.start)),
        tasks=tuple(sorted((task for plan in each for task in plan.tasks), key=lambda task: task.start)),
        scan=max((plan.scan for plan in each if plan.scan is not None), key=lambda scan: scan.time, default=None),
        flagged=tuple(dict.fromkeys(item for plan in each for item in plan.flagged)),
        warnings=tuple(dict.fromkeys(warning for plan in each for warning in plan.warnings)),
        unresolved=tuple(dict.fromkeys(name for plan in each for name in plan.unresolved)),
    )
    view = PlanView(
        anchor=anchor,
        summary=summary,
        hosts=tuple(host.host for host, _plan_of_host in parts),
        runs_by_host=tuple(plan.runs for _name, plan in parts),
        state=State.NONE,
    )
    return replace(view, state=_plan_state(view))


def _plan_state(view: PlanView) -> State:
    if not view.has_run or view.is_damaged:
        return State.BAD
    members = worst(map(member_state, view.summary.members))
    runs = worst(outcome_state(run.outcome) for run in view.newest_runs)
    # A run that failed harms nobody as long as everybody's last backup is young enough.
    return worst([members, State.WARN if runs is State.BAD else runs])


def _members(plans: t.Sequence[PlanSummary]) -> t.Iterator[MemberSummary]:
    """Each once; of each source the newest success counts, whichever host had it. C(plans): what was written last comes last."""
    known: dict[str, list[MemberSummary]] = {}
    for plan in plans:
        for member in plan.members:
            known.setdefault(member.id, []).append(member)
    for said in known.values():
        sources: dict[str, SourceSummary] = {}
        for source in (source for member in said for source in member.sources):
            if source.name not in sources or _time(source) >= _time(sources[source.name]):
                sources[source.name] = source
        yield said[-1] if len(said) == 1 else _with_sources(said[-1], sources.values())


def _aged_member(member: MemberSummary, promise: timedelta | None, now: datetime) -> MemberSummary:
    aged = [_aged(source, promise, now) for source in member.sources]
    return member if aged == list(member.sources) else _with_sources(member, aged)


def _aged(source: SourceSummary, promise: timedelta | None, now: datetime) -> SourceSummary:
    too_old = promise is not None and source.last_success is not None and now - source.last_success > promise
    if not too_old or not source.is_protected or ABSENT in source.problems:
        return source
    return replace(source, is_protected=False, problems=(OLD, *source.problems))


def _with_sources(member: MemberSummary, sources: t.Iterable[SourceSummary]) -> MemberSummary:
    taken = tuple(sources)
    times = [source.last_success for source in taken if ABSENT not in source.problems]
    return replace(
        member,
        sources=taken,
        is_protected=all(source.is_protected for source in taken),
        problems=tuple(dict.fromkeys(problem for source in taken for problem in source.problems)),
        last_success=None if None in times else min((time for time in times if time is not None), default=None),
    )


def _people(plans: t.Sequence[PlanView]) -> tuple[PersonView, ...]:
    known: dict[str, list[Membership]] = {}
    for plan in sorted(plans, key=lambda plan: plan.summary.title.casefold()):
        for member in plan.summary.members:
            known.setdefault(member.id, []).append(Membership(plan, member, member_state(member)))
    ordered = sorted(known.values(), key=_order)
    return tuple(
        PersonView(
            anchor=f"member-{number}",
            name=each[0].member.display_name or each[0].member.principal_name,
            principal_name=each[0].member.principal_name,
            kind=next((membership.member.kind for membership in each if membership.member.kind is not None), None),
            memberships=tuple(each),
            state=worst(membership.state for membership in each),
        )
        for number, each in enumerate(ordered, 1)
    )


def _order(memberships: list[Membership]) -> tuple[int, str, str]:
    member = memberships[0].member
    rank = list(State).index(worst(membership.state for membership in memberships))
    return rank, (member.display_name or member.principal_name).casefold(), member.id


def _time(source: SourceSummary) -> datetime:
    return source.last_success or _LONG_AGO
