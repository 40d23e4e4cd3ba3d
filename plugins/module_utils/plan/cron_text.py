# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A schedule as the five time fields of crontab(5), for hosts that systemd has not booted. Pure.

The fields are plain lists, which every cron takes. A line has no time zone: it is counted in that of the host.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .calendar_spec import CalendarSpec
from .schedule import Schedule
from .schedule_times import run_specs


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CronTimes:
    """One text for each line. Where cron cannot say it there is none, and ``problem`` is a sentence that says why."""

    times: tuple[str, ...] = ()
    problem: str | None = None


def cron_times(schedule: Schedule, plan_name: str) -> CronTimes:
    """The runs of the schedule, apart from how a cron treats times that the clocks leave out or repeat."""
    specs = run_specs(schedule, plan_name)
    problem = _problem(specs[0])
    return CronTimes(problem=problem) if problem else CronTimes(times=tuple(map(_line, specs)))


def _problem(spec: CalendarSpec) -> str | None:
    """All specs of a schedule have the same days, and the same seconds."""
    if spec.years is not None:
        return "The schedule names years, which cron does not know."
    if spec.from_end:
        return "The schedule counts days from the end of the month, which cron cannot do."
    if spec.seconds != (0,):
        return "The schedule names seconds, which cron does not know."
    if spec.weekdays is not None and spec.days is not None:
        return "The schedule names days of the week and of the month, and cron would start at each of them instead of where both fit."
    return None


def _line(spec: CalendarSpec) -> str:
    weekdays = None if spec.weekdays is None else [(number + 1) % 7 for number in spec.weekdays]
    fields = ((spec.minutes, 60), (spec.hours, 24), (spec.days, 31), (spec.months, 12), (weekdays, 7))
    return " ".join(_field(numbers, size) for numbers, size in fields)


def _field(numbers: t.Collection[int] | None, size: int) -> str:
    return "*" if numbers is None or len(numbers) == size else ",".join(map(str, sorted(numbers)))
