# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The charts of a plan: growth, duration, coverage against the promise, verdicts; each says in a sentence what it shows.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from datetime import datetime, timedelta

from .._text import count_text, size_text
from .fleet_series import added_up, durations, level, renewals
from .fleet_view import PlanView
from .html_charts import Frame, Point, ages, area, axes, columns, frame_of, picture, promise_line, round_top
from .html_markup import Markup, tag
from .html_parts import figure, legend
from .html_pictures import Part, shares
from .html_words import moment_text, seconds_text, short_number, span_text

_HOUR = timedelta(hours=1)
_AGES = (1.0, 2.0, 4.0, 8.0, 12.0, 24.0, 48.0, 72.0, 96.0, *(24.0 * days for days in (6, 8, 10, 14, 20, 30, 60, 90, 180, 360, 720)))
_UNITS = {"s": 1, "min": 60, "h": 3600}


def plan_charts(plan: PlanView, now: datetime) -> Markup | None:
    """None before the first run."""
    if not plan.has_run:
        return None
    charts = (_age(plan, now), _protected(plan, now), _durations(plan, now), _items(plan, now), _stored(plan, now), _verdicts(plan))
    return tag("div", *charts, class_="charts")


def _age(plan: PlanView, now: datetime) -> Markup:
    """Coverage against the promise: everything above the line was a broken promise."""
    points = renewals(plan)
    promise = None if plan.promise is None else plan.promise / _HOUR
    ends = [*(point.time for point in points[1:]), *([now] if points else [])]
    peaks = [point.value + (end - point.time) / _HOUR for point, end in zip(points, ends, strict=True)]
    highest = max(peaks, default=0.0)
    top = next((each for each in _AGES if each >= max(highest, promise or 0.0) * 1.05), _AGES[-1])
    frame = Frame(start=points[0].time if points else now, end=now, top=top, words=lambda hours: _hours(hours, top))
    words = f"At its oldest it was {span_text(timedelta(hours=highest))}."
    if promise is not None and plan.promise is not None:
        broken = sum(peak > promise and (not number or points[number].value <= promise) for number, peak in enumerate(peaks))
        words += (
            " The promise was always kept." if not broken else f" The promise of {span_text(plan.promise)} was broken {_times(broken)}."
        )
    line = () if promise is None or plan.promise is None else (promise_line(frame, promise, f"promised: {span_text(plan.promise)}"),)
    return figure(
        "Age of the oldest backup", words, picture(f"Age of the oldest backup. {words}", axes(frame), ages(frame, points, promise), *line)
    )


def _protected(plan: PlanView, now: datetime) -> Markup | None:
    """None where the plan promises nothing."""
    if all(run.members_protected is None for run in plan.summary.runs):
        return None
    points = level(plan, lambda run: run.members_protected or 0)
    members = level(plan, lambda run: run.members)
    frame = frame_of([*points, *members], now, short_number)
    last, whole = points[-1], members[-1]
    words = f"{last.value:,.0f} of {whole.value:,.0f} after the newest run, at least {min(point.value for point in points):,.0f} before."
    drawing = picture(f"Members protected. {words}", axes(frame), area(frame, points), _line(frame, members))
    return figure("Members protected after each run", words, drawing)


def _durations(plan: PlanView, now: datetime) -> Markup:
    bars = durations(plan)
    runs = plan.summary.runs
    newest, longest = runs[-1], max(runs, key=lambda run: run.seconds)
    top, unit = _time_top([each.value for each in bars])
    frame = Frame(start=bars[0].time, end=now, top=top, words=lambda seconds: f"{seconds / _UNITS[unit]:g} {unit}")
    failed = sum(run.outcome not in ("complete", "partial") for run in runs)
    words = f"Newest {seconds_text(newest.seconds)}, longest {seconds_text(longest.seconds)} on {moment_text(longest.start)}"
    words += " (its bar is cut). " if longest.seconds > top else ". "
    words += f"Of {count_text(len(runs), 'run')} {failed:,} failed." if failed else f"Of {count_text(len(runs), 'run')} none failed."
    return figure("Duration of runs", words, picture(f"Duration of runs. {words}", axes(frame), columns(frame, bars)))


def _time_top(seconds: t.Sequence[float]) -> tuple[float, str]:
    """A first run takes many times as long as all others, which would be flat beside it: then the axis ends above the others."""
    ordered = sorted(seconds, reverse=True)
    highest = ordered[1] if len(ordered) > 2 and ordered[0] > 4 * ordered[1] > 0 else ordered[0]
    unit = "s" if highest < 120 else "min" if highest < 120 * 60 else "h"
    return round_top(highest * 1.02 / _UNITS[unit]) * _UNITS[unit], unit


def _items(plan: PlanView, now: datetime) -> Markup:
    points = level(plan, lambda run: run.items)
    frame = frame_of(points, now, short_number)
    words = f"{points[-1].value:,.0f} items, {_change(points)} since {moment_text(points[0].time)}."
    return figure("Items in the backup", words, picture(f"Items in the backup. {words}", axes(frame), area(frame, points)))


def _stored(plan: PlanView, now: datetime) -> Markup:
    points = added_up(plan, lambda run: run.stored_bytes)
    frame = frame_of(points, now, _size, 1024.0)
    words = f"{size_text(int(points[-1].value))} by {count_text(len(plan.summary.runs), 'run')}, compressed, before retention."
    return figure("Stored in the repository", words, picture(f"Stored in the repository. {words}", axes(frame), area(frame, points)))


def _verdicts(plan: PlanView) -> Markup | None:
    """Of the newest scan of everything, else of the newest run that scanned; None for a plan that is not scanned."""
    scan = plan.summary.scan
    if scan is not None:
        parts = _parts(scan.clean, scan.infected, scan.unscannable, scan.remaining)
        about = f"{scan.contents:,} stored contents, scanned {moment_text(scan.time)} by {scan.engine} {scan.engine_version}"
        about += f" with signatures of {scan.database_released}." if scan.database_released else "."
    else:
        run = next((run for run in reversed(plan.summary.runs) if run.scanned is not None), None)
        if run is None or not run.scanned:
            return None
        infected, unscannable, unscanned = run.infected or 0, run.unscannable or 0, run.unscanned or 0
        parts = _parts(max(0, run.scanned - infected - unscannable), infected, unscannable, unscanned)
        about = f"Contents that the run of {moment_text(run.start)} has stored."
    counted = [(part.look, f"{part.count:,} {part.words}") for part in parts]
    drawing = shares(parts, f"Verdicts: {', '.join(words for _look, words in counted)}")
    return figure("Verdicts of the malware scan", about, drawing, legend(counted))


def _parts(clean: int, infected: int, unscannable: int, remaining: int) -> tuple[Part, ...]:
    return (
        Part(infected, "f-bad", "infected"),
        Part(unscannable, "f-warn", "could not be scanned"),
        Part(clean, "f-good", "clean"),
        Part(remaining, "f-none", "not scanned yet"),
    )


def _line(frame: Frame, points: t.Sequence[Point]) -> Markup:
    """How many there could be, above how many there are."""
    corners = "L".join(f"{frame.x(point.time):.1f} {frame.y(point.value):.1f}" for point in points)
    return tag("path", d=f"M{corners}", class_="promise")


def _change(points: t.Sequence[Point]) -> str:
    change = points[-1].value - points[0].value
    return "as many as" if not change else f"{abs(change):,.0f} {'more' if change > 0 else 'fewer'}"


def _times(number: int) -> str:
    return ("once", "twice")[number - 1] if number < 3 else f"{number:,} times"


def _hours(hours: float, top: float) -> str:
    return f"{hours / 24:g} d" if top > 96 else f"{hours:g} h"


def _size(size: float) -> str:
    return size_text(int(size)).replace(".0 ", " ").replace(" bytes", " B")
