# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a plan runs, and the same thing in systemd's words and in plain ones.

A schedule is one rule and one time zone. A rule says everything that it needs and nothing else, so that no combination
of fields is meaningless. L(on_calendar) renders the C(OnCalendar=) expression of systemd.time(7).

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import datetime
import enum
import typing as t
import zoneinfo

DEFAULT_AT = datetime.time(23, 0)
DEFAULT_TIME_ZONE = "UTC"

INTERVALS: t.Mapping[str, int] = {
    **{f"{minutes} minutes": minutes for minutes in (5, 6, 10, 12, 15, 20, 30)},
    "hourly": 60,
    **{f"{hours} hours": hours * 60 for hours in (2, 3, 4, 6, 8, 12)},
}
"""Minutes of the intervals that hit the same times every day, by their names in a declaration."""


class Weekday(str, enum.Enum):
    """A day of the week, in the order of ISO 8601."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


@dataclasses.dataclass(frozen=True, slots=True)
class Interval:
    """Every ``minutes`` minutes (one of L(INTERVALS)), each day from ``first`` on, which is less than one interval after midnight."""

    minutes: int
    first: datetime.time = datetime.time(0, 0)


@dataclasses.dataclass(frozen=True, slots=True)
class Daily:
    """Every day at ``at``."""

    at: datetime.time = DEFAULT_AT


@dataclasses.dataclass(frozen=True, slots=True)
class Weekly:
    """On some days of every week at ``at``. ``weekdays`` is not empty and in the order of the week."""

    weekdays: tuple[Weekday, ...] = (Weekday.SUNDAY,)
    at: datetime.time = DEFAULT_AT


@dataclasses.dataclass(frozen=True, slots=True)
class Monthly:
    """On one day of every month at ``at``. ``day`` is 1 to 28, which every month has, or None for the last one."""

    day: int | None = 1
    at: datetime.time = DEFAULT_AT


@dataclasses.dataclass(frozen=True, slots=True)
class Calendar:
    """Whenever a systemd calendar expression says so. The expression holds no time zone."""

    expression: str


Rule = t.Union[Interval, Daily, Weekly, Monthly, Calendar]  # not with |, which the pylint of ansible-test takes for arithmetic


@dataclasses.dataclass(frozen=True, slots=True)
class Schedule:
    """One rule, counted in one time zone of the IANA database."""

    rule: Rule
    time_zone: str = DEFAULT_TIME_ZONE


def find_time_zone(name: str) -> datetime.tzinfo | None:
    """The time zone of that name; None when this machine does not know it.

    UTC is found on machines without a time zone database, too.
    """
    if name == DEFAULT_TIME_ZONE:
        return datetime.timezone.utc
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return None


def on_calendar(schedule: Schedule) -> str:
    """The schedule as one calendar expression of systemd, with its time zone."""
    return f"{_expression(schedule.rule)} {schedule.time_zone}"


def explain(schedule: Schedule) -> str:
    """The schedule in words, to go after "runs "."""
    return f"{_words(schedule.rule)} {schedule.time_zone}"


def interval_name(interval: Interval) -> str:
    """The interval as a declaration calls it: C(hourly), C(6 hours), C(15 minutes)."""
    return next(name for name, minutes in INTERVALS.items() if minutes == interval.minutes)


def _expression(rule: Rule) -> str:
    if isinstance(rule, Interval):
        if rule.minutes < 60:
            return f"*-*-* *:{rule.first.minute:02d}/{rule.minutes}:00"
        return f"*-*-* {rule.first.hour:02d}/{rule.minutes // 60}:{rule.first.minute:02d}:00"
    if isinstance(rule, Daily):
        return f"*-*-* {rule.at:%H:%M}:00"
    if isinstance(rule, Weekly):
        days = ",".join(day.value[:3].capitalize() for day in rule.weekdays)
        return f"{days} *-*-* {rule.at:%H:%M}:00"
    if isinstance(rule, Monthly):
        day_of_month = "*-*~01" if rule.day is None else f"*-*-{rule.day:02d}"
        return f"{day_of_month} {rule.at:%H:%M}:00"
    return rule.expression


def _words(rule: Rule) -> str:
    if isinstance(rule, Interval):
        every = "every hour" if rule.minutes == 60 else f"every {interval_name(rule)}"
        return f"{every}, each day from {rule.first:%H:%M}"
    if isinstance(rule, Daily):
        return f"every day at {rule.at:%H:%M}"
    if isinstance(rule, Weekly):
        days = ", ".join(day.value.capitalize() for day in rule.weekdays)
        return f"every week on {days} at {rule.at:%H:%M}"
    if isinstance(rule, Monthly):
        day_of_month = "the last day" if rule.day is None else f"day {rule.day}"
        return f"every month on {day_of_month} at {rule.at:%H:%M}"
    return f"by the calendar expression {rule.expression}"
