# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime
import itertools
import re

import dateutil.rrule
import dateutil.tz
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.recurrence_rule import FIRST_DAY, recurrence_rule
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.schedule import (
    Calendar,
    Daily,
    Interval,
    Monthly,
    Schedule,
    Weekday,
    Weekly,
    Window,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.schedule_document import parse_schedule
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.schedule_times import next_runs
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.plan.calendars import CHANGES, expressions, in_utc
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.plan.strategies import ZONES, moments, schedules

UTC = datetime.timezone.utc

planned = st.one_of(schedules.map(parse_schedule), st.builds(Schedule, expressions().map(Calendar), st.sampled_from(ZONES)))
bases = st.one_of(moments, st.sampled_from(CHANGES)).filter(lambda moment: moment.date() > FIRST_DAY)


def times_in_awx(rule: str, after: datetime.datetime, count: int) -> list[str]:
    """The next times at which AWX starts a job: it reads rules with dateutil and skips times that no clock shows."""
    rules = dateutil.rrule.rrulestr(rule, forceset=True)
    times = (time for time in rules.xafter(after) if dateutil.tz.datetime_exists(time))
    return in_utc(itertools.islice(times, count))


@pytest.mark.parametrize(
    ("planned", "text"),
    [
        (Schedule(Daily(datetime.time(22, 30)), "Europe/Berlin"), "DTSTART;TZID=Europe/Berlin:20260101T223000 RRULE:FREQ=DAILY;INTERVAL=1"),
        (Schedule(Weekly((Weekday.MONDAY, Weekday.FRIDAY))), "DTSTART:20260102T230000Z RRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY=MO,FR"),
        (Schedule(Monthly(None)), "DTSTART:20260131T230000Z RRULE:FREQ=MONTHLY;INTERVAL=1;BYMONTHDAY=-1"),
        (
            Schedule(Interval(360, datetime.time(2, 30))),
            "DTSTART:20260101T023000Z RRULE:FREQ=DAILY;INTERVAL=1;BYHOUR=2,8,14,20;BYMINUTE=30",
        ),
        (
            Schedule(Interval(30), window=Window(datetime.time(22), datetime.time(23, 30))),
            "DTSTART:20260101T220000Z RRULE:FREQ=DAILY;INTERVAL=1;BYHOUR=22;BYMINUTE=0,30 RRULE:FREQ=DAILY;INTERVAL=1;BYHOUR=23;BYMINUTE=0",
        ),
        (
            Schedule(Calendar("*-*-1,15 04:00:30")),
            "DTSTART:20260101T040030Z RRULE:FREQ=MONTHLY;INTERVAL=1;BYMONTHDAY=1,15",
        ),
        (Schedule(Calendar("yearly")), "DTSTART:20260101T000000Z RRULE:FREQ=DAILY;INTERVAL=1;BYMONTH=1;BYMONTHDAY=1"),
    ],
)
def test_a_schedule_is_a_rule_for_awx(planned: Schedule, text: str) -> None:
    assert recurrence_rule(planned, "sales").text == text


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("2027-*-* 04:00", "The schedule names years, for which AWX has no rules."),
        ("*-02-31", "The schedule never comes to a run."),
    ],
)
def test_where_awx_has_no_rule_the_reason_is_told(expression: str, reason: str) -> None:
    found = recurrence_rule(Schedule(Calendar(expression)), "sales")
    assert (found.text, found.reason) == (None, reason)


@settings(max_examples=80, deadline=None)
@given(planned, bases)
def test_awx_starts_the_plan_when_systemd_would(planned: Schedule, after: datetime.datetime) -> None:
    rule = recurrence_rule(planned, "sales").text
    if rule is not None:
        assert times_in_awx(rule, after, 4) == in_utc(next_runs(planned, "sales", after=after, count=4))


@given(planned)
def test_no_rule_says_what_awx_refuses(planned: Schedule) -> None:
    rule = recurrence_rule(planned, "sales").text or "DTSTART:20260101T000000Z RRULE:FREQ=DAILY;INTERVAL=1"
    start, *rules = rule.split(" ")
    assert re.fullmatch(r"DTSTART(;TZID=[A-Za-z_/]+:[0-9]{8}T[0-9]{6}|:[0-9]{8}T[0-9]{6}Z)", start)
    assert all(re.match(r"RRULE:FREQ=(DAILY|WEEKLY|MONTHLY);INTERVAL=1(;|\Z)", each) for each in rules)
    assert not re.search(r"BYDAY=[0-9]|BYYEARDAY|BYWEEKNO|SECONDLY|COUNT|UNTIL", rule)
