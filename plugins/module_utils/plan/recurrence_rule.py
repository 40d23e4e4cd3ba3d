# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A schedule as a recurrence rule of RFC 5545, in the form that AWX and Ansible Automation Platform take.

AWX wants one C(DTSTART) and an C(INTERVAL) in each rule, and refuses weekdays with a number before them (C(validate_rrule) in
awx/api/serializers). Before it took several rules it also refused several days of the month or months in one; a schedule with a single
day and time is a rule that every AWX takes. No rule is an hourly one: AWX moves the start of those in UTC, over changes of the clocks,
too.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from .calendar_spec import CalendarSpec
from .schedule import DEFAULT_TIME_ZONE, Schedule
from .schedule_times import next_runs, run_specs, zone_of

FIRST_DAY = datetime.date(2026, 1, 1)
"""Rules begin with the first run from that day on. It never moves: a rule must be the same whenever it is asked for."""

_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RecurrenceRule:
    """``text`` goes into the field C(rrule) of a schedule in AWX. Where there can be none it is None, and ``reason`` says why."""

    text: str | None = None
    reason: str | None = None


def recurrence_rule(schedule: Schedule, plan_name: str) -> RecurrenceRule:
    """The runs of the schedule as rules that yield the same moments, apart from times that the clocks leave out: AWX skips those, too."""
    specs = run_specs(schedule, plan_name)
    if specs[0].years is not None:
        return RecurrenceRule(reason="The schedule names years, for which AWX has no rules.")
    before = datetime.datetime.combine(FIRST_DAY, datetime.time(), tzinfo=zone_of(schedule)) - datetime.timedelta(seconds=1)
    first = next_runs(schedule, plan_name, after=before, count=1)
    if not first:
        return RecurrenceRule(reason="The schedule never comes to a run.")
    has_one_time = len(specs) == 1 and all(len(times) == 1 for times in (specs[0].hours, specs[0].minutes, specs[0].seconds))
    rules = [f"RRULE:{_rule(spec, has_one_time=has_one_time)}" for spec in specs]
    return RecurrenceRule(text=" ".join([_start(first[0], schedule), *rules]))


def _rule(spec: CalendarSpec, *, has_one_time: bool) -> str:
    """One rule without its name. The time of day of C(DTSTART) holds where there is just one."""
    months = sorted(spec.months or ())
    days = [-day for day in spec.days or ()] if spec.from_end else list(spec.days or ())
    weekdays = [_WEEKDAYS[number] for number in sorted(spec.weekdays or ())]
    parts: dict[str, t.Sequence[object]] = {
        "FREQ": ["DAILY" if months else "MONTHLY" if days else "WEEKLY" if weekdays else "DAILY"],
        "INTERVAL": [1],
        "BYMONTH": months,
        "BYMONTHDAY": days,
        "BYDAY": weekdays,
    }
    if not has_one_time:
        parts |= {"BYHOUR": spec.hours, "BYMINUTE": spec.minutes, "BYSECOND": () if spec.seconds == (0,) else spec.seconds}
    return ";".join(f"{name}={','.join(map(str, values))}" for name, values in parts.items() if values)


def _start(first: datetime.datetime, schedule: Schedule) -> str:
    if schedule.time_zone == DEFAULT_TIME_ZONE:
        return f"DTSTART:{first:%Y%m%dT%H%M%SZ}"
    return f"DTSTART;TZID={schedule.time_zone}:{first:%Y%m%dT%H%M%S}"
