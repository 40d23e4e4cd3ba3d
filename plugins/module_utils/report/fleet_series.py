# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The runs of a plan as series over time, for charts: the hosts that share a plan are added up. Pure.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import itertools
import typing as t
from datetime import datetime, timedelta, timezone

from .._text import count_text
from .fleet_view import PlanView, State, outcome_state, worst
from .html_charts import Column, Point
from .html_words import moment_text, seconds_text
from .summary import RunPoint

MOST_POINTS = 90
"""More than a picture can show."""

_MOST_BARS = 60

_HOUR = timedelta(hours=1)


def level(plan: PlanView, value: t.Callable[[RunPoint], float]) -> list[Point]:
    """A value that each host has the newest of, such as its items: the sum over the hosts after each run."""
    newest: dict[int, float] = {}
    points = []
    for host, run in _in_order(plan):
        newest[host] = value(run)
        points.append(Point(run.end, sum(newest.values())))
    return _thinned(points)


def added_up(plan: PlanView, value: t.Callable[[RunPoint], float]) -> list[Point]:
    """A value that every run adds to, such as stored bytes: the sum of all runs so far."""
    runs = [run for _host, run in _in_order(plan)]
    return _thinned([Point(run.end, total) for run, total in zip(runs, itertools.accumulate(map(value, runs)), strict=True)])


def renewals(plan: PlanView) -> list[Point]:
    """After each run the age in hours of the oldest last success, which grows until the next one.

    A run after which somebody had none at all renews nothing; before the first that does, the age counts from the first run.
    """
    newest: dict[int, datetime] = {}
    points: list[Point] = []
    for host, run in _in_order(plan):
        end = run.end
        if run.oldest_success is not None:
            newest[host] = run.oldest_success
        elif not points:
            newest.setdefault(host, run.start)
        if host in newest and (run.oldest_success is not None or not points):
            points.append(Point(end, max(0.0, (end - min(newest.values())) / _HOUR)))
    return points[-MOST_POINTS:]


def durations(plan: PlanView) -> list[Column]:
    """A bar for each run, or for some of them together, as long as the longest and with the worst outcome."""
    runs = [run for _host, run in _in_order(plan)]
    size = -(-len(runs) // _MOST_BARS) or 1
    return [_bar(runs[start : start + size]) for start in range(0, len(runs), size)]


def last_days(plan: PlanView, now: datetime, days: int = 30) -> list[tuple[State, str]]:
    """The worst outcome of each day in UTC, today last, with words; C(NONE) where nothing ran."""
    today = now.astimezone(timezone.utc).date()
    by_day: dict[int, list[RunPoint]] = {}
    for run in plan.summary.runs:
        by_day.setdefault((today - run.start.astimezone(timezone.utc).date()).days, []).append(run)
    return [_day(by_day.get(ago, [])) for ago in reversed(range(days))]


def _day(runs: t.Sequence[RunPoint]) -> tuple[State, str]:
    if not runs:
        return State.NONE, ""
    state = worst(outcome_state(run.outcome) for run in runs)
    bad = next(run for run in runs if outcome_state(run.outcome) is state)
    more = f", {count_text(len(runs), 'run')} that day" if len(runs) > 1 else ""
    # Good days need no words, and a year of them is most of a page.
    return state, "" if state is State.GOOD else f"{moment_text(bad.start)}: {bad.outcome}{more}"


def _bar(runs: t.Sequence[RunPoint]) -> Column:
    longest = max(runs, key=lambda run: run.seconds)
    state = worst(outcome_state(run.outcome) for run in runs)
    many = f"{len(runs)} runs, the longest " if len(runs) > 1 else ""
    words = f"{moment_text(longest.start)}: {many}{seconds_text(longest.seconds)}, {_outcome_words(runs, state)}"
    return Column(runs[-1].start, longest.seconds, f"f-{state.value}", words)


def _outcome_words(runs: t.Sequence[RunPoint], state: State) -> str:
    return next(run.outcome for run in runs if outcome_state(run.outcome) is state)


def _in_order(plan: PlanView) -> list[tuple[int, RunPoint]]:
    runs = [(number, run) for number, of_host in enumerate(plan.runs_by_host) for run in of_host]
    return sorted(runs, key=lambda pair: pair[1].end)


def _thinned(points: t.Sequence[Point]) -> list[Point]:
    """The last of every few, counted from the end, so that the newest stays."""
    size = -(-len(points) // MOST_POINTS) or 1
    return list(points[::-1][::size][::-1])
