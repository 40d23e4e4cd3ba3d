# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime
import shutil
import subprocess
import typing as t

import pytest
from hypothesis import given, settings

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.document import plan_from_dict, plan_to_dict
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.schedule import (
    Schedule,
    explain,
    find_time_zone,
    on_calendar,
)
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.plan.strategies import schedules

systemd_analyze = shutil.which("systemd-analyze")
needs_systemd = pytest.mark.skipif(systemd_analyze is None, reason="systemd-analyze is not installed")


def schedule(**declared: t.Any) -> Schedule:
    plan = plan_from_dict({"title": "x", "users": ["a"], "backup_type": "mailbox", "repository": "/r", "schedule": declared})
    if plan.schedule is None:
        raise AssertionError(declared)
    return plan.schedule


def next_times(expression: str, count: int, after: str) -> list[str]:
    """The next times in UTC, as systemd computes them."""
    command = [str(systemd_analyze), "calendar", f"--iterations={count}", f"--base-time={after}", expression]
    output = subprocess.run(command, check=True, capture_output=True, text=True, env={"TZ": "UTC", "LC_ALL": "C"}).stdout
    lines = [line.strip() for line in output.splitlines()]
    wanted = [line.split(": ", 1)[1] for line in lines if line.startswith(("Next elapse:", "Iter", "Iteration"))]
    return [" ".join(each.split()[1:3]) for each in wanted]


@pytest.mark.parametrize(
    ("declared", "expression", "words"),
    [
        ({"every": "15 minutes"}, "*-*-* *:00/15:00 UTC", "every 15 minutes, each day from 00:00 UTC"),
        ({"every": "hourly", "at": "00:40"}, "*-*-* 00/1:40:00 UTC", "every hour, each day from 00:40 UTC"),
        ({"every": "6 hours", "at": "02:30"}, "*-*-* 02/6:30:00 UTC", "every 6 hours, each day from 02:30 UTC"),
        ({"every": "daily"}, "*-*-* 23:00:00 UTC", "every day at 23:00 UTC"),
        (
            {"every": "weekly", "weekday": ["friday", "monday"], "at": "22:30", "timezone": "Europe/Berlin"},
            "Mon,Fri *-*-* 22:30:00 Europe/Berlin",
            "every week on Monday, Friday at 22:30 Europe/Berlin",
        ),
        ({"every": "monthly", "day": "15"}, "*-*-15 23:00:00 UTC", "every month on day 15 at 23:00 UTC"),
        ({"every": "monthly", "day": "last"}, "*-*~01 23:00:00 UTC", "every month on the last day at 23:00 UTC"),
        ({"calendar": "Mon..Fri  22:30"}, "Mon..Fri 22:30 UTC", "by the calendar expression Mon..Fri 22:30 UTC"),
    ],
)
def test_a_schedule_is_rendered_for_systemd_and_for_people(declared: dict[str, t.Any], expression: str, words: str) -> None:
    assert on_calendar(schedule(**declared)) == expression
    assert explain(schedule(**declared)) == words


@needs_systemd
@pytest.mark.parametrize(
    ("declared", "after", "expected"),
    [
        (
            {"every": "20 minutes", "at": "00:05"},
            "2026-11-23 12:00 UTC",
            ["2026-11-23 12:05:00", "2026-11-23 12:25:00", "2026-11-23 12:45:00"],
        ),
        ({"every": "hourly", "at": "00:40"}, "2026-11-23 22:50 UTC", ["2026-11-23 23:40:00", "2026-11-24 00:40:00"]),
        (
            {"every": "12 hours", "at": "02:30"},
            "2026-11-23 00:00 UTC",
            ["2026-11-23 02:30:00", "2026-11-23 14:30:00", "2026-11-24 02:30:00"],
        ),
        ({"every": "monthly", "day": "last"}, "2026-01-31 23:30 UTC", ["2026-02-28 23:00:00", "2026-03-31 23:00:00"]),
        (
            {"every": "daily", "at": "22:30", "timezone": "Europe/Berlin"},
            "2026-10-24 00:00 UTC",
            ["2026-10-24 20:30:00", "2026-10-25 21:30:00"],
        ),
        ({"every": "weekly", "at": "12:00"}, "2026-11-23 00:00 UTC", ["2026-11-29 12:00:00"]),
    ],
)
def test_systemd_runs_the_plan_when_the_schedule_says(declared: dict[str, t.Any], after: str, expected: list[str]) -> None:
    assert next_times(on_calendar(schedule(**declared)), len(expected), after) == expected


@needs_systemd
@settings(max_examples=40, deadline=None)
@given(schedules)
def test_systemd_understands_every_schedule(declared: dict[str, t.Any]) -> None:
    command = [str(systemd_analyze), "calendar", on_calendar(schedule(**declared))]
    finished = subprocess.run(command, check=False, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr


@given(schedules)
def test_a_schedule_declared_as_it_was_returned_is_the_same_schedule(declared: dict[str, t.Any]) -> None:
    plan = plan_from_dict({"title": "x", "users": ["a"], "backup_type": "mailbox", "repository": "/r", "schedule": declared})
    assert plan_from_dict(plan_to_dict(plan)) == plan


def test_utc_is_known_without_a_time_zone_database_and_nonsense_is_not() -> None:
    assert find_time_zone("UTC") is datetime.timezone.utc
    assert [find_time_zone(name) for name in ("Nowhere/Land", "../etc/passwd", "Europe", "")] == [None] * 4
