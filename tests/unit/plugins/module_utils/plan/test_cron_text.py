# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime
import itertools
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.cron_text import cron_times
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.schedule import (
    Calendar,
    Interval,
    Monthly,
    Schedule,
    Weekday,
    Weekly,
    Window,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.schedule_document import parse_schedule
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.schedule_times import next_runs
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.plan.calendars import expressions
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.plan.strategies import schedules

UTC = datetime.timezone.utc
BASE = datetime.datetime(2026, 1, 30, 12, 34, tzinfo=UTC)
HORIZON = datetime.timedelta(days=70)

# In UTC, where no clock is changed: of such hours each cron thinks otherwise.
planned = st.one_of(
    schedules.map(lambda declared: parse_schedule({**declared, "timezone": "UTC"})), st.builds(Schedule, expressions().map(Calendar))
)


def numbers(field: str, first: int, last: int) -> list[int]:
    return list(range(first, last + 1)) if field == "*" else [int(number) for number in field.split(",")]


def times_of_cron(line: str) -> t.Iterator[datetime.datetime]:
    """By the words of crontab(5): a day fits when both fields of it do, and when one of them does if neither is a star."""
    minutes, hours, days, months, weekdays = line.split()
    for number in range(HORIZON.days + 1):
        day = (BASE + datetime.timedelta(days=number)).date()
        fits = (day.day in numbers(days, 1, 31), day.isoweekday() % 7 in numbers(weekdays, 0, 6))
        if day.month in numbers(months, 1, 12) and (any(fits) if "*" not in (days, weekdays) else all(fits)):
            for hour, minute in itertools.product(numbers(hours, 0, 23), numbers(minutes, 0, 59)):
                yield datetime.datetime.combine(day, datetime.time(hour, minute), tzinfo=UTC)


@given(planned)
def test_cron_starts_a_plan_when_systemd_would_or_says_why_it_cannot(schedule: Schedule) -> None:
    cron = cron_times(schedule, "sales")
    if cron.problem:
        assert isinstance(schedule.rule, (Calendar, Monthly))
        assert cron.times == ()
        return
    expected = [moment for moment in next_runs(schedule, "sales", after=BASE, count=5) if moment < BASE + HORIZON]
    moments = sorted(moment for line in cron.times for moment in times_of_cron(line) if moment > BASE)
    assert [moment for moment in moments if moment < BASE + HORIZON][:5] == expected


@pytest.mark.parametrize(
    ("schedule", "times"),
    [
        (Schedule(Weekly((Weekday.MONDAY, Weekday.SUNDAY), datetime.time(22, 30))), ("30 22 * * 0,1",)),
        (Schedule(Monthly(28)), ("0 23 28 * *",)),
        (Schedule(Interval(60)), ("0 * * * *",)),
        (
            Schedule(Interval(30), window=Window(datetime.time(22), datetime.time(23, 30))),
            ("0,30 22 * * *", "0 23 * * *"),
        ),
    ],
)
def test_a_schedule_is_as_many_lines_as_it_takes(schedule: Schedule, times: tuple[str, ...]) -> None:
    assert cron_times(schedule, "sales").times == times


@pytest.mark.parametrize(
    ("schedule", "word"),
    [
        (Schedule(Monthly(None)), "end of the month"),
        (Schedule(Calendar("2027-*-* 04:00")), "years"),
        (Schedule(Calendar("*-*-* 04:00:30")), "seconds"),
        (Schedule(Calendar("Mon *-*-1..7 04:00")), "days of the week and of the month"),
    ],
)
def test_what_cron_cannot_say_is_told(schedule: Schedule, word: str) -> None:
    problem = cron_times(schedule, "sales").problem
    assert problem is not None
    assert word in problem
