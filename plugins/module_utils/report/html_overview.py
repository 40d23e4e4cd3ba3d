# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The top of the report: whether everybody is protected, what is to be done, and all hosts and plans at a glance.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from datetime import timedelta

from .._text import count_text, listed_names, size_text
from .fleet_attention import Attention, headline
from .fleet_series import last_days
from .fleet_view import FleetView, HostView, PlanView, State, outcome_state, worst
from .html_markup import Child, Markup, joined, name_of_somebody, tag
from .html_parts import Cell, legend, said, sign, table
from .html_pictures import Part, squares, strip
from .html_words import ago, of_all, span_text

if t.TYPE_CHECKING:
    from .summary import RunPoint

_MOST_ATTENTION = 40
_GROWTH = timedelta(days=30)
_STATE_WORDS = {
    State.BAD: "not protected",
    State.WARN: "protected, with something to know",
    State.GOOD: "protected",
    State.NONE: "nothing there to back up",
}


def verdict(fleet: FleetView, found: t.Sequence[Attention]) -> Markup:
    """The sentence, and every member as a square."""
    state, words = headline(fleet)
    parts = [Part(fleet.count(each), f"f-{each.value}", _STATE_WORDS[each]) for each in State]
    counted = [(part.look, f"{part.count:,} {part.words}") for part in parts if part.count]
    picture = (squares(parts, f"Each square is a member: {', '.join(text for _look, text in counted)}"), legend(counted)) if counted else ()
    return tag(
        "section",
        tag("h2", sign(state), tag("span", words), id="verdict"),
        *(tag("p", sentence) for sentence in _sentences(fleet, found)),
        tag("div", *picture, class_="everybody") if picture else None,
        class_=f"verdict v-{state.value}",
        aria_labelledby="verdict",
    )


def tiles(fleet: FleetView) -> Markup:
    """The figures one asks for first."""
    judged = len(fleet.people) - fleet.count(State.NONE)
    runs = [run for plan in fleet.plans for run in plan.summary.runs]
    newest = max(runs, key=lambda run: run.end, default=None)
    recent = sum(run.stored_bytes for run in runs if fleet.now - run.start <= _GROWTH)
    infected = sum(item.verdict == "infected" for plan in fleet.plans for item in plan.summary.flagged)
    scanned = sum(plan.summary.scans_malware for plan in fleet.plans)
    missing = sum(member.finding_count for plan in fleet.plans for member in plan.summary.members)
    figures: list[tuple[str, Child, Child]] = [
        ("Protected", f"{judged - fleet.count(State.BAD):,}", f"of {count_text(judged, 'member')}"),
        ("Oldest backup", _oldest(fleet), "of all who are protected"),
        (
            "Newest run",
            "none" if newest is None else span_text(fleet.now - newest.end),
            "never" if newest is None else f"ago, {newest.outcome}",
        ),
        ("Stored in 30 days", size_text(recent), "before retention"),
        ("Not stored", f"{missing:,}", "items of the newest runs"),
        ("Malware", f"{infected:,}" if scanned else "–", f"{of_all(scanned, len(fleet.plans))} plans are scanned"),
    ]
    return tag("dl", *(tag("div", tag("dt", name), tag("dd", value), tag("dd", more)) for name, value, more in figures), class_="tiles")


def to_do(found: t.Sequence[Attention]) -> Markup | None:
    """None when there is nothing."""
    if not found:
        return None
    shown, more = found[:_MOST_ATTENTION], len(found) - _MOST_ATTENTION
    rest = tag("li", tag("span"), tag("p", f"{more:,} more of the same kind are with the plans below.")) if more > 0 else None
    return tag(
        "section",
        tag("h2", "What needs a look", id="look"),
        tag("ul", *(_line(each) for each in shown), rest, class_="todo card"),
        aria_labelledby="look",
    )


def hosts_table(fleet: FleetView) -> Markup:
    heads = ("Host", "State", "Last heard of", "Plans", "Members protected", "Newest run")
    return tag(
        "section",
        tag("h2", "Backup hosts", id="hosts"),
        table("The hosts of this report, and what they last said", heads, (_host(each, fleet) for each in fleet.hosts)),
        aria_labelledby="hosts",
    )


def plans_table(fleet: FleetView) -> Markup:
    heads = ("Plan", "State", "Protected", "Oldest backup", "Promised", "Newest run", "Last 30 days")
    return tag(
        "section",
        tag("h2", "Plans", id="plans"),
        table("Every plan, the worst first", heads, (_plan(plan, fleet) for plan in fleet.plans)),
        legend((("f-good", "complete"), ("f-warn", "partial"), ("f-bad", "failed"), ("f-none", "no run that day"))),
        aria_labelledby="plans",
    )


def plan_words(plan: PlanView) -> tuple[State, str]:
    """The state of a plan in a few words."""
    summary = plan.summary
    if not plan.has_run:
        return State.BAD, "never run"
    bad = len(summary.members) - plan.protected
    if bad:
        return State.BAD, f"{bad:,} not protected"
    if plan.is_damaged:
        return State.BAD, "repository damaged"
    if plan.state is State.WARN:
        return State.WARN, "protected, see below"
    return plan.state, "protected" if plan.state is State.GOOD else "nobody in it"


def _sentences(fleet: FleetView, found: t.Sequence[Attention]) -> t.Iterator[str]:
    if not fleet.plans:
        yield f"{listed_names([host.summary.host for host in fleet.hosts]) or 'No host'} has no plan, so nothing is backed up by it."
        return
    judged = len(fleet.people) - fleet.count(State.NONE)
    good = judged - fleet.count(State.BAD)
    where = f"{count_text(len(fleet.plans), 'plan')} on {count_text(len(fleet.hosts), 'host')}"
    if judged:
        yield (
            f"{good:,} of {count_text(judged, 'member')} of {where} {'has' if good == 1 else 'have'} everything in a backup not older than"
            " promised."
        )
    other = sum(each.state is State.WARN for each in found)
    if other and not fleet.count(State.BAD):
        yield f"{count_text(other, 'thing')} {'is' if other == 1 else 'are'} worth a look all the same."


def _oldest(fleet: FleetView) -> str:
    times = [person.last_success for person in fleet.people if person.state in (State.GOOD, State.WARN)]
    known = [time for time in times if time is not None]
    return span_text(fleet.now - min(known)) if known else "none"


def _line(each: Attention) -> Markup:
    sentence = tag("bdi", each.sentence)
    linked = sentence if each.anchor is None else tag("a", sentence, href=f"#{each.anchor}")
    level = "To be done: " if each.state is State.BAD else "Worth knowing: "
    mark = tag("span", sign(each.state), tag("span", level, class_="unseen"), class_=each.state.value)
    return tag("li", mark, tag("div", tag("p", linked), tag("p", name_of_somebody(each.advice))))


def _host(host: HostView, fleet: FleetView) -> tuple[Cell, ...]:
    summary = host.summary
    plans = [plan for plan in fleet.plans if summary.host in plan.hosts]
    members = {member.id: member.is_protected for plan in summary.plans for member in plan.members}
    for plan in summary.plans:
        for member in plan.members:
            members[member.id] &= member.is_protected
    runs = [run for plan in summary.plans for run in plan.runs]
    newest = max(runs, key=lambda run: run.end, default=None)
    if host.is_silent:
        state, words = State.WARN, "silent"
    else:
        state = worst(plan.state for plan in plans)
        words = {State.GOOD: "good", State.WARN: "see below", State.BAD: "see below", State.NONE: "no plan"}[state]
    return (
        Cell(name_of_somebody(summary.host)),
        Cell(said(state, words), key=list(State).index(state)),
        Cell(ago(summary.generated, fleet.now), key=summary.generated.timestamp()),
        Cell(f"{len(summary.plans):,}", key=len(summary.plans)),
        Cell(of_all(sum(members.values()), len(members)), key=sum(members.values())),
        Cell(_newest_run(newest, fleet), key=0 if newest is None else newest.end.timestamp()),
    )


def _plan(plan: PlanView, fleet: FleetView) -> tuple[Cell, ...]:
    state, words = plan_words(plan)
    members = plan.summary.members
    newest = plan.summary.last_run
    oldest = min((each.last_success for each in members if each.last_success is not None), default=None)
    hosts = name_of_somebody(listed_names(plan.hosts))
    where = tag("div", hosts, class_="muted small plain") if len(fleet.hosts) > 1 else None
    days = last_days(plan, fleet.now)
    counted = ", ".join(
        f"{sum(day is each for day, _text in days)} {name}"
        for each, name in ((State.GOOD, "complete"), (State.WARN, "partial"), (State.BAD, "failed"), (State.NONE, "without a run"))
    )
    return (
        Cell(joined(tag("a", name_of_somebody(plan.summary.title), href=f"#{plan.anchor}"), where), key=plan.summary.title.casefold()),
        Cell(said(state, words), key=list(State).index(state)),
        Cell(of_all(plan.protected, len(members)), key=plan.protected - len(members)),
        Cell(span_text(fleet.now - oldest) if oldest else "none", key=0 if oldest is None else (fleet.now - oldest).total_seconds()),
        Cell("nothing" if plan.promise is None else span_text(plan.promise), key=plan.summary.max_age_seconds or 0),
        Cell(_newest_run(newest, fleet), key=0 if newest is None else newest.end.timestamp()),
        Cell(strip([(f"f-{day.value}", text) for day, text in days], f"Days of the last 30: {counted}"), key=_bad_days(days)),
    )


def _newest_run(run: RunPoint | None, fleet: FleetView) -> Child:
    if run is None:
        return tag("span", "never", class_="muted")
    return joined(ago(run.end, fleet.now), " ", said(outcome_state(run.outcome), run.outcome))


def _bad_days(days: t.Sequence[tuple[State, str]]) -> int:
    return sum({State.BAD: 100, State.WARN: 1}.get(day, 0) for day, _text in days)
