# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a plan runs: one rule, counted in one time zone.

A rule says everything that it needs and nothing else, so that no combination of fields is meaningless. What follows from a schedule is
in C(schedule_times), C(schedule_window), C(schedule_words) and C(recurrence_rule).

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
class Window:
    """The hours of the day in which a plan may work, from ``start`` to ``end``; over midnight when the end comes first."""

    start: datetime.time
    end: datetime.time


@dataclasses.dataclass(frozen=True, slots=True)
class Schedule:
    """One rule, counted in one time zone of the IANA database.

    Plans begin up to ``spread_minutes`` later, each by a number of minutes of its own that never changes. Runs begin inside the
    ``window`` only, and one that is still at work when it closes stops there.
    """

    rule: Rule
    time_zone: str = DEFAULT_TIME_ZONE
    window: Window | None = None
    spread_minutes: int = 0


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


def interval_name(interval: Interval) -> str:
    """The interval as a declaration calls it: C(hourly), C(6 hours), C(15 minutes)."""
    return next(name for name, minutes in INTERVALS.items() if minutes == interval.minutes)
