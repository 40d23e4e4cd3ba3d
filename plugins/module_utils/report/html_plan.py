# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One plan of the report: its facts, how it went over time, who is in it, and what runs and tasks have left.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from datetime import timedelta

from .._text import count_text, duration_text, listed_names, size_text
from .fleet_attention import problem_words
from .fleet_view import FleetView, PersonView, PlanView, State, member_state, outcome_state
from .html_markup import Child, Markup, joined, name_of_somebody, tag
from .html_overview import plan_words
from .html_parts import Cell, facts, said, table
from .html_plan_charts import plan_charts
from .html_words import ago, moment, of_all, seconds_text

if t.TYPE_CHECKING:
    from .summary import FlaggedSummary, RunPoint, TaskPoint

_SHOWN_RUNS, _SHOWN_TASKS, _SHOWN_MEMBERS = 7, 7, 300
_OPEN_UP_TO = 3
_TYPES = {"mailbox": "mailboxes", "onedrive": "OneDrives"}


def plan_sections(fleet: FleetView) -> Markup:
    """All of them, folded unless they are few."""
    anchors = {(plan.anchor, each.member.id): person for person in fleet.people for each in person.memberships for plan in (each.plan,)}
    return tag(
        "section",
        tag("h2", "Plan by plan", id="each-plan"),
        *(_section(plan, fleet, anchors) for plan in fleet.plans),
        aria_labelledby="each-plan",
    )


def _section(plan: PlanView, fleet: FleetView, people: t.Mapping[tuple[str, str], PersonView]) -> Markup:
    state, words = plan_words(plan)
    head = tag(
        "summary",
        tag("h3", name_of_somebody(plan.summary.title)),
        tag(
            "span",
            f"{_TYPES.get(plan.summary.backup_type, plan.summary.backup_type)} on ",
            name_of_somebody(listed_names(plan.hosts)),
            class_="muted small",
        ),
        said(state, words),
    )
    parts = (_facts(plan, fleet), plan_charts(plan, fleet.now), _members(plan, people), _flagged(plan), _runs(plan), _tasks(plan, fleet))
    return tag("details", head, tag("div", *parts), id=plan.anchor, class_="plan", open=len(fleet.plans) <= _OPEN_UP_TO)


def _facts(plan: PlanView, fleet: FleetView) -> Markup:
    summary = plan.summary
    verified, drilled = summary.last_task("verify"), summary.last_task("drill")
    return facts(
        (
            ("Name", tag("code", summary.name)),
            (
                "Members protected",
                of_all(plan.protected, len(summary.members)) + (f", {summary.former:,} have left" if summary.former else ""),
            ),
            ("Promise", "none, for it has no schedule" if plan.promise is None else f"no backup older than {_promised(plan.promise)}"),
            ("Schedule", summary.schedule or "none"),
            ("Next run", None if summary.next_run is None else moment(summary.next_run)),
            ("Newest restore point", ago(summary.restore_point_time, fleet.now, "time not known" if summary.restore_point else "none")),
            ("Repository", joined(name_of_somebody(summary.repository), "" if summary.is_encrypted else ", not encrypted")),
            ("Verified", _task_words(verified, fleet)),
            ("Restore drill", _task_words(drilled, fleet)),
        )
    )


def _promised(promise: timedelta) -> str:
    return duration_text(int(promise / timedelta(minutes=1)))


def _task_words(task: TaskPoint | None, fleet: FleetView) -> Child:
    if task is None:
        return tag("span", "not yet", class_="muted")
    return joined(ago(task.start, fleet.now), " ", said(outcome_state(task.outcome), task.outcome))


def _members(plan: PlanView, people: t.Mapping[tuple[str, str], PersonView]) -> Markup | None:
    """Who needs a look in a table, everybody in a folded list; each leads to the section of the member."""
    members = plan.summary.members
    if not members:
        return None
    named = sorted(
        ((member, people[plan.anchor, member.id]) for member in members), key=lambda pair: (pair[1].name.casefold(), pair[1].principal_name)
    )
    concerned = [pair for pair in named if member_state(pair[0]) in (State.BAD, State.WARN)]
    concerned.sort(key=lambda pair: member_state(pair[0]) is not State.BAD)
    rows = [
        (
            Cell(tag("a", name_of_somebody(person.name), href=f"#{person.anchor}")),
            Cell(said(member_state(member), "not protected" if member_state(member) is State.BAD else "protected")),
            Cell(problem_words(member.problems)),
            Cell(moment(member.last_success)),
        )
        for member, person in concerned[:_SHOWN_MEMBERS]
    ]
    links = [tag("li", tag("a", name_of_somebody(person.name), href=f"#{person.anchor}")) for _member, person in named[:_SHOWN_MEMBERS]]
    more = len(named) - _SHOWN_MEMBERS
    return joined(
        tag("h3", "Members"),
        table("Members of the plan who need a look", ("Member", "State", "Why", "Last good backup"), rows) if rows else None,
        tag(
            "details",
            tag("summary", f"All {count_text(len(members), 'member')} of the plan"),
            tag("ul", *links, class_="names"),
            tag("p", f"And {more:,} more, in the list of all members.", class_="small muted") if more > 0 else None,
            class_="fold",
        ),
    )


def _flagged(plan: PlanView) -> Markup | None:
    """What the malware scan has found, infected before what could not be looked into."""
    items = sorted(plan.summary.flagged, key=lambda item: (item.verdict != "infected", -item.time.timestamp()))
    if not items:
        return None
    return joined(
        tag("h3", "Flagged by the malware scan"),
        table("Items that the malware scan has flagged", ("Item", "Verdict", "Says", "Member", "Where", "Found"), map(_flagged_row, items)),
    )


def _flagged_row(item: FlaggedSummary) -> tuple[Cell, ...]:
    state = State.BAD if item.verdict == "infected" else State.WARN
    return (
        Cell(name_of_somebody(item.name)),
        Cell(said(state, item.verdict)),
        Cell(name_of_somebody(", ".join(item.words))),
        Cell(name_of_somebody(item.member)),
        Cell(name_of_somebody(f"{item.source}, {item.folder}" if item.folder else item.source)),
        Cell(moment(item.time), key=item.time.timestamp()),
    )


def _runs(plan: PlanView) -> Markup | None:
    if not plan.summary.runs:
        return None
    shown = plan.summary.runs[: -_SHOWN_RUNS - 1 : -1]
    heads = ("Start", "Outcome", "Took", "Members", "Items added", "Updated", "Removed", "Fetched", "Stored", "Findings", "Throttled")
    caption = f"The newest {count_text(len(shown), 'run')} of {len(plan.summary.runs):,} that are known"
    return tag("details", tag("summary", caption), table(caption, heads, map(_run, shown)), class_="fold")


def _run(run: RunPoint) -> tuple[Cell, ...]:
    stopped = f", stopped ({run.stopped.replace('_', ' ')})" if run.stopped else ""
    return (
        Cell(moment(run.start), key=run.start.timestamp()),
        Cell(said(outcome_state(run.outcome), run.outcome + stopped)),
        Cell(seconds_text(run.seconds), key=run.seconds),
        Cell(of_all(run.members_complete, run.members), key=run.members_complete),
        Cell(f"{run.added:,}", key=run.added, is_number=True),
        Cell(f"{run.updated + run.moved:,}", key=run.updated + run.moved, is_number=True),
        Cell(f"{run.removed:,}", key=run.removed, is_number=True),
        Cell(size_text(run.fetched_bytes), key=run.fetched_bytes, is_number=True),
        Cell(size_text(run.stored_bytes), key=run.stored_bytes, is_number=True),
        Cell(f"{run.findings:,}", key=run.findings, is_number=True),
        Cell(seconds_text(run.throttled_seconds), key=run.throttled_seconds, is_number=True),
    )


def _tasks(plan: PlanView, fleet: FleetView) -> Markup | None:
    if not plan.summary.tasks:
        return None
    rows = [
        (
            Cell(task.verb if not task.detail else f"{task.verb}, {task.detail}"),
            Cell(ago(task.start, fleet.now), key=task.start.timestamp()),
            Cell(said(outcome_state(task.outcome), task.outcome)),
            Cell(seconds_text(task.seconds), key=task.seconds),
            Cell(name_of_somebody(task.sentence)),
        )
        for task in plan.summary.tasks[: -_SHOWN_TASKS - 1 : -1]
    ]
    caption = f"The newest {count_text(len(rows), 'other task')} of {len(plan.summary.tasks):,}: prune, verify, restore, drill, scan"
    heads = ("Task", "When", "Outcome", "Took", "Said")
    return tag("details", tag("summary", caption), table(caption, heads, rows), class_="fold")
