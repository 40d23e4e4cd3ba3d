# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A schedule in words.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

from .._text import count_text
from .schedule import Calendar, Interval, Monthly, Schedule, Weekly, interval_name
from .schedule_times import MINUTES_OF_DAY, minutes_late, start_minutes


def explain(schedule: Schedule, plan_name: str) -> str:
    """The schedule in words, to go after "runs "."""
    words = f"{_rule_words(schedule, plan_name)} {schedule.time_zone}"
    if schedule.spread_minutes:
        words += f", with {count_text(minutes_late(schedule, plan_name), 'minute')} of spread"
    if schedule.window:
        words += f", inside the window from {schedule.window.start:%H:%M} to {schedule.window.end:%H:%M}"
    return words


def _rule_words(schedule: Schedule, plan_name: str) -> str:
    rule, starts = schedule.rule, start_minutes(schedule, plan_name)
    if isinstance(rule, Calendar):
        return f"by the calendar expression {rule.expression}"
    if isinstance(rule, Interval):
        every = "every hour" if rule.minutes == 60 else f"every {interval_name(rule)}"
        if schedule.window is None:
            return f"{every}, each day from {_clock(starts[0])}"
        opening = schedule.window.start.hour * 60 + schedule.window.start.minute
        in_order = sorted(starts, key=lambda minute: (minute - opening) % MINUTES_OF_DAY)
        return f"{every}, each day from {_clock(in_order[0])} to {_clock(in_order[-1])}"
    at = _clock(starts[0])
    if isinstance(rule, Weekly):
        days = ", ".join(day.value.capitalize() for day in rule.weekdays)
        return f"every week on {days} at {at}"
    if isinstance(rule, Monthly):
        day_of_month = "the last day" if rule.day is None else f"day {rule.day}"
        return f"every month on {day_of_month} at {at}"
    return f"every day at {at}"


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"
