# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an administrator has to do, or should know, of a fleet: one sentence each, the worst first. Pure.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._text import count_text, listed_names
from .fleet_view import FleetView, PlanView, State, member_state, outcome_state
from .html_words import span_text
from .summary import MemberSummary

PROBLEMS = {
    "never": "never backed up",
    "old": "older than promised",
    "unfinished": "first backup half done",
    "incomplete": "a part of it is lost",
    "unreachable": "Microsoft does not let it be read",
    "stale": "the newest run could not read it",
    "findings": "single items are missing",
    "infected": "malware was found",
    "absent": "nothing there to back up",
}
"""The words of coverage as the report says them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """C(advice) says what it means, and what to do. C(anchor) is where the page tells more."""

    state: State
    sentence: str
    advice: str
    anchor: str | None = None


def attention(fleet: FleetView) -> tuple[Attention, ...]:
    found = [*_of_plans(fleet), *_of_hosts(fleet)]
    return tuple(sorted(found, key=lambda each: list(State).index(each.state)))


def headline(fleet: FleetView) -> tuple[State, str]:
    """The one thing that everybody reads."""
    bad, never, damaged = fleet.count(State.BAD), _never_run(fleet), [plan for plan in fleet.plans if plan.is_damaged]
    judged = len(fleet.people) - fleet.count(State.NONE)
    if not fleet.plans:
        return State.NONE, "Nobody is protected: there is no plan"
    if bad:
        return State.BAD, f"{count_text(bad, 'member')} {'is' if bad == 1 else 'are'} not protected"
    if damaged:
        return State.BAD, f"{count_text(len(damaged), 'plan')} {'lies' if len(damaged) == 1 else 'lie'} in a damaged repository"
    if never:
        return State.BAD, f"{count_text(len(never), 'plan')} {'has' if len(never) == 1 else 'have'} never run"
    if not judged:
        return State.NONE, "There is nobody to protect"
    if any(host.is_silent for host in fleet.hosts):
        return State.WARN, "Everybody is protected, as far as is known"
    return State.GOOD, "Everybody is protected"


def problem_words(problems: t.Iterable[str]) -> str:
    return ", ".join(PROBLEMS.get(problem, problem) for problem in problems)


def _never_run(fleet: FleetView) -> list[PlanView]:
    return [plan for plan in fleet.plans if not plan.has_run]


def _of_plans(fleet: FleetView) -> t.Iterator[Attention]:
    for plan in fleet.plans:
        title, name = plan.summary.title, plan.summary.name
        if not plan.has_run:
            yield Attention(
                state=State.BAD,
                sentence=f"{title} has never run on {listed_names(plan.hosts)}",
                advice=f"Nobody is protected by it. Start it with m365-backup run {name}, and look at why its timer has not.",
                anchor=plan.anchor,
            )
            yield from _of_runs(plan)
            continue
        yield from _of_members(plan)
        if plan.is_damaged:
            yield Attention(
                state=State.BAD,
                sentence=f"{title}: the newest verification found its repository damaged",
                advice="Do not prune. The guide on verifying and repairing says how to find what is concerned, and how to repair it.",
                anchor=plan.anchor,
            )
        yield from _of_runs(plan)
        yield from _of_malware(plan)
        for sentence in plan.summary.warnings:
            yield Attention(state=State.WARN, sentence=f"{title}: {sentence}", advice="Said by the newest run.", anchor=plan.anchor)
        if plan.summary.unresolved:
            yield Attention(
                state=State.WARN,
                sentence=f"{title} selects what is not in the directory: {listed_names(plan.summary.unresolved)}",
                advice="Correct the plan, or create them: nobody is backed up by these names.",
                anchor=plan.anchor,
            )


def _of_members(plan: PlanView) -> t.Iterator[Attention]:
    bad = [member for member in plan.summary.members if member_state(member) is State.BAD]
    if bad:
        yield Attention(
            state=State.BAD,
            sentence=f"{plan.summary.title}: {count_text(len(bad), 'member')} {'is' if len(bad) == 1 else 'are'} not protected",
            advice=listed_names([f"{_name(member)} ({problem_words(member.problems)})" for member in bad]),
            anchor=plan.anchor,
        )
    found = [member for member in plan.summary.members if member_state(member) is not State.BAD and member.finding_count]
    if found:
        total = sum(member.finding_count for member in found)
        yield Attention(
            state=State.WARN,
            sentence=f"{plan.summary.title}: {count_text(total, 'item')} of {count_text(len(found), 'member')} could not be stored",
            advice=f"Everything else of {listed_names([_name(member) for member in found])} is. The member's section names the items.",
            anchor=plan.anchor,
        )


def _of_runs(plan: PlanView) -> t.Iterator[Attention]:
    refused = plan.summary.refused_run
    if refused is not None:
        yield Attention(
            state=State.WARN,
            sentence=f"The newest run of {plan.summary.title} could not begin",
            advice=refused.sentence,
            anchor=plan.anchor,
        )
    for host, runs in zip(plan.hosts, plan.runs_by_host, strict=True):
        if not runs or outcome_state(runs[-1].outcome) is not State.BAD:
            continue
        failed = next((number for number, run in enumerate(reversed(runs)) if outcome_state(run.outcome) is not State.BAD), len(runs))
        what = "The newest run" if failed == 1 else f"The newest {failed:,} runs"
        yield Attention(
            state=State.WARN,
            sentence=f"{what} of {plan.summary.title} on {host} failed",
            advice=f"journalctl M365_PLAN={plan.summary.name} on that host says why. What was stored before is safe.",
            anchor=plan.anchor,
        )


def _of_malware(plan: PlanView) -> t.Iterator[Attention]:
    infected = sum(item.verdict == "infected" for item in plan.summary.flagged)
    if infected:
        yield Attention(
            state=State.WARN,
            sentence=f"{plan.summary.title}: malware in {count_text(infected, 'item')}",
            advice="They are kept as evidence, and restored only when asked for by name. Look at the mailboxes they came from.",
            anchor=plan.anchor,
        )


def _of_hosts(fleet: FleetView) -> t.Iterator[Attention]:
    for host in fleet.hosts:
        if host.is_silent:
            yield Attention(
                state=State.WARN,
                sentence=f"{host.summary.host} was last heard of {span_text(fleet.now - host.summary.generated)} ago",
                advice="What it has done since is not known here. See whether the host runs, and whether its report timer does.",
                anchor="hosts",
            )
        for sentence in host.summary.warnings:
            yield Attention(state=State.WARN, sentence=f"{host.summary.host}: {sentence}", advice="This is missing here.", anchor="hosts")


def _name(member: MemberSummary) -> str:
    return member.display_name or member.principal_name
