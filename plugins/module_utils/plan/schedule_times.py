# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When the runs of a schedule begin: as calendar expressions for systemd, and as moments.

Both come from the same L(CalendarSpec)s, so what is announced as the next run is what a timer with those expressions does. The spread
is no chance: each plan has its own share of it, which follows from its name.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import heapq
import itertools
import typing as t

from .._errors import InputError
from .calendar_next import days_from, elapses, elapses_on
from .calendar_spec import CalendarSpec, parse_calendar
from .calendar_text import expression_of
from .schedule import Calendar, Daily, Interval, Monthly, Rule, Schedule, Weekly, Window, find_time_zone

MINUTES_OF_DAY = 24 * 60
_FORESIGHT = datetime.timedelta(days=5 * 366)


def on_calendar(schedule: Schedule, plan_name: str) -> tuple[str, ...]:
    """The values of C(OnCalendar=) in systemd.timer(5), each with its time zone; several where one cannot say it all."""
    return tuple(f"{expression_of(spec)} {schedule.time_zone}" for spec in run_specs(schedule, plan_name))


def next_runs(schedule: Schedule, plan_name: str, *, after: datetime.datetime, count: int) -> tuple[datetime.datetime, ...]:
    """The next ``count`` moments after ``after`` (an aware time) in the time zone of the schedule; fewer when there are no more."""
    zone = zone_of(schedule)
    merged = heapq.merge(*(elapses(spec, zone, after=after) for spec in run_specs(schedule, plan_name)), key=_exact)
    return tuple(itertools.islice(merged, count))


def longest_gap(schedule: Schedule, plan_name: str, *, after: datetime.datetime) -> datetime.timedelta | None:
    """The longest time between two runs in the five years after ``after``; None when there are not two of them.

    Days on which no clock is changed look alike, so of all but one of them only the first and the last run are computed.
    """
    zone, specs = zone_of(schedule), run_specs(schedule, plan_name)
    first_day = after.astimezone(zone).date()
    days = days_from(specs[0], first_day) if specs else iter(())
    gaps: list[datetime.timedelta] = []
    last: datetime.datetime | None = None
    knows_plain_days = False
    for day in itertools.takewhile(lambda day: day <= first_day + _FORESIGHT, days):
        is_plain = _has_24_hours(day, zone)
        is_known = is_plain and knows_plain_days
        runs = _first_and_last(specs, zone, day) if is_known else runs_on(specs, zone, day)
        if not runs:
            continue
        if last is not None:
            gaps.append(_exact(runs[0]) - _exact(last))
        if not is_known:
            gaps += (_exact(later) - _exact(earlier) for earlier, later in itertools.pairwise(runs))
        last = runs[-1]
        knows_plain_days = knows_plain_days or is_plain
    return max(gaps, default=None)


def schedule_problems(schedule: Schedule) -> tuple[str, ...]:
    """Sentences about a schedule that is written well and means nothing: no such expression, or no run inside the window."""
    rule, window = schedule.rule, schedule.window
    if isinstance(rule, Calendar):
        try:
            parse_calendar(rule.expression)
        except InputError as error:
            return (f"Option schedule.calendar is no calendar expression of systemd: {error.what}.",)
    if window is None:
        return ()
    if window.start == window.end:
        return ("Option schedule.window must start and end at different times; without a window runs may begin all day.",)
    if _inside(schedule):
        return ()
    hours = f"{window.start:%H:%M} to {window.end:%H:%M}"
    if isinstance(rule, (Interval, Calendar)):
        return (f"Option schedule.window leaves no run: none of the times of the schedule lies in it, {hours}.",)
    return (f"Option schedule.at must lie in schedule.window, {hours}, not '{rule.at:%H:%M}'.",)


def minutes_late(schedule: Schedule, plan_name: str) -> int:
    """The share of the spread that the plan has, in minutes. It moves no run to another day, out of the window or into the next run."""
    most = min(schedule.spread_minutes, _room(schedule))
    digest = hashlib.sha256(plan_name.encode()).digest()
    return int.from_bytes(digest[:8], "big") % (most + 1)


def start_minutes(schedule: Schedule, plan_name: str) -> tuple[int, ...]:
    """The minutes after midnight at which runs begin, ascending."""
    late = minutes_late(schedule, plan_name)
    return tuple(sorted((minute + late) % MINUTES_OF_DAY for minute in _inside(schedule)))


def run_specs(schedule: Schedule, plan_name: str) -> tuple[CalendarSpec, ...]:
    """The schedule in as many calendar expressions as it takes: hours with the same minutes share one. All have the same days."""
    spec = _spec(schedule.rule)
    minutes_of: dict[int, list[int]] = {}
    for minute in start_minutes(schedule, plan_name):
        minutes_of.setdefault(minute // 60, []).append(minute % 60)
    hours_of: dict[tuple[int, ...], list[int]] = {}
    for hour, minutes in minutes_of.items():
        hours_of.setdefault(tuple(minutes), []).append(hour)
    return tuple(dataclasses.replace(spec, hours=tuple(hours), minutes=minutes) for minutes, hours in hours_of.items())


def runs_on(specs: t.Iterable[CalendarSpec], zone: datetime.tzinfo, day: datetime.date) -> list[datetime.datetime]:
    """The runs on that day, which must be one of the schedule's, ascending."""
    return sorted(moment for spec in specs for moment in elapses_on(spec, zone, day))


def zone_of(schedule: Schedule) -> datetime.tzinfo:
    """The time zone of the schedule; UTC on a machine that does not know it any more."""
    return find_time_zone(schedule.time_zone) or datetime.timezone.utc


def is_inside(window: Window, time: datetime.time) -> bool:
    """Whether a clock that shows ``time`` is within the window. Its end is not."""
    if window.start < window.end:
        return window.start <= time < window.end
    return time >= window.start or time < window.end


def _spec(rule: Rule) -> CalendarSpec:
    return parse_calendar(rule.expression if isinstance(rule, Calendar) else _expression(rule))


def _expression(rule: Interval | Daily | Weekly | Monthly) -> str:
    if isinstance(rule, Interval):
        if rule.minutes < 60:
            return f"*-*-* *:{rule.first.minute:02d}/{rule.minutes}"
        return f"*-*-* {rule.first.hour:02d}/{rule.minutes // 60}:{rule.first.minute:02d}"
    if isinstance(rule, Weekly):
        days = ",".join(day.value for day in rule.weekdays)
        return f"{days} *-*-* {rule.at:%H:%M}"
    if isinstance(rule, Monthly):
        day_of_month = "*-*~01" if rule.day is None else f"*-*-{rule.day:02d}"
        return f"{day_of_month} {rule.at:%H:%M}"
    return f"*-*-* {rule.at:%H:%M}"


def _inside(schedule: Schedule) -> list[int]:
    """The minutes of the day that the rule names, as far as they lie in the window."""
    spec, window = _spec(schedule.rule), schedule.window
    return [
        hour * 60 + minute
        for hour, minute in itertools.product(spec.hours, spec.minutes)
        if window is None or is_inside(window, datetime.time(hour, minute))
    ]


def _room(schedule: Schedule) -> int:
    """By how many minutes all runs can begin later. Without a window those of an interval may go round midnight: each day is the same."""
    rule, window = schedule.rule, schedule.window
    if isinstance(rule, Calendar):
        return 0
    limits = [rule.minutes] if isinstance(rule, Interval) else [MINUTES_OF_DAY - _minute(rule.at)]
    if window is not None:
        limits += [(_minute(window.end) - minute) % MINUTES_OF_DAY for minute in _inside(schedule)]
    return min(limits) - 1


def _minute(time: datetime.time) -> int:
    return time.hour * 60 + time.minute


def _has_24_hours(day: datetime.date, zone: datetime.tzinfo) -> bool:
    midnight = datetime.datetime.combine(day, datetime.time(), tzinfo=zone)
    return midnight.utcoffset() == (midnight + datetime.timedelta(days=1)).utcoffset()


def _first_and_last(specs: t.Iterable[CalendarSpec], zone: datetime.tzinfo, day: datetime.date) -> list[datetime.datetime]:
    times = [datetime.time(spec.hours[index], spec.minutes[index], spec.seconds[index]) for spec in specs for index in (0, -1)]
    return [datetime.datetime.combine(day, time, tzinfo=zone) for time in (min(times), max(times))]


def _exact(moment: datetime.datetime) -> datetime.datetime:
    """In UTC: times of one zone are otherwise compared by what the clock on the wall shows."""
    return moment.astimezone(datetime.timezone.utc)
