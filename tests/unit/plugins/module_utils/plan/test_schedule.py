# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime
import typing as t
import zoneinfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import InputError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.document import plan_from_dict, plan_to_dict
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.schedule import Calendar, Daily, Schedule, Window, find_time_zone
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.schedule_times import (
    is_inside,
    longest_gap,
    minutes_late,
    next_runs,
    on_calendar,
    schedule_problems,
    start_minutes,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.schedule_window import window_closes
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.schedule_words import explain
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.plan.calendars import (
    CHANGES,
    distinct_pairs,
    expressions,
    in_utc,
    needs_systemd,
    systemd_next,
)
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.plan.strategies import ZONES, moments, schedules

UTC = datetime.timezone.utc
NOW = datetime.datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

bases = st.one_of(moments, st.sampled_from(CHANGES))
plan_names = st.sampled_from([f"plan-{number}" for number in range(40)])


def schedule(**declared: t.Any) -> Schedule:
    plan = plan_from_dict({"title": "x", "users": ["a"], "backup_type": "mailbox", "repository": "/r", "schedule": declared})
    if plan.schedule is None:
        raise AssertionError(declared)
    return plan.schedule


@st.composite
def windows(draw: st.DrawFn) -> Window:
    start, end = draw(st.tuples(st.integers(0, 1439), st.integers(0, 1439)).filter(lambda sides: sides[0] != sides[1]))
    return Window(datetime.time(start // 60, start % 60), datetime.time(end // 60, end % 60))


@pytest.mark.parametrize(
    ("declared", "expected", "words"),
    [
        ({"every": "15 minutes"}, ["*-*-* *:00/15:00 UTC"], "every 15 minutes, each day from 00:00 UTC"),
        ({"every": "hourly", "at": "00:40"}, ["*-*-* *:40:00 UTC"], "every hour, each day from 00:40 UTC"),
        ({"every": "6 hours", "at": "02:30"}, ["*-*-* 02/6:30:00 UTC"], "every 6 hours, each day from 02:30 UTC"),
        ({"every": "daily"}, ["*-*-* 23:00:00 UTC"], "every day at 23:00 UTC"),
        (
            {"every": "weekly", "weekday": ["friday", "monday"], "at": "22:30", "timezone": "Europe/Berlin"},
            ["Mon,Fri *-*-* 22:30:00 Europe/Berlin"],
            "every week on Monday, Friday at 22:30 Europe/Berlin",
        ),
        ({"every": "monthly", "day": "15"}, ["*-*-15 23:00:00 UTC"], "every month on day 15 at 23:00 UTC"),
        ({"every": "monthly", "day": "last"}, ["*-*~01 23:00:00 UTC"], "every month on the last day at 23:00 UTC"),
        ({"calendar": "Mon..Fri  22:30"}, ["Mon..Fri *-*-* 22:30:00 UTC"], "by the calendar expression Mon..Fri 22:30 UTC"),
        (
            {"every": "daily", "at": "22:00", "spread_minutes": 60},
            ["*-*-* 22:56:00 UTC"],
            "every day at 22:56 UTC, with 56 minutes of spread",
        ),
        (
            {"every": "hourly", "window": {"start": "20:30", "end": "06:00"}, "spread_minutes": 240},
            ["*-*-* 00..05,21..23:01:00 UTC"],
            "every hour, each day from 21:01 to 05:01 UTC, with 1 minute of spread, inside the window from 20:30 to 06:00",
        ),
        (
            {"every": "20 minutes", "window": {"start": "20:30", "end": "23:10"}},
            ["*-*-* 20:40:00 UTC", "*-*-* 21,22:00/20:00 UTC", "*-*-* 23:00:00 UTC"],
            "every 20 minutes, each day from 20:40 to 23:00 UTC, inside the window from 20:30 to 23:10",
        ),
        (
            {"calendar": "Sat *:0/30", "window": {"start": "22:15", "end": "00:15"}},
            ["Sat *-*-* 00:00:00 UTC", "Sat *-*-* 22:30:00 UTC", "Sat *-*-* 23:00,30:00 UTC"],
            "by the calendar expression Sat *:0/30 UTC, inside the window from 22:15 to 00:15",
        ),
        ({"every": "daily", "window": {"start": "20:00", "end": "06:00"}}, ["*-*-* 20:00:00 UTC"], None),
    ],
)
def test_a_schedule_is_rendered_for_systemd_and_for_people(declared: dict[str, t.Any], expected: list[str], words: str | None) -> None:
    assert list(on_calendar(schedule(**declared), "sales")) == expected
    assert words in (None, explain(schedule(**declared), "sales"))


@needs_systemd
@settings(max_examples=60, deadline=None)
@given(schedules, plan_names, bases)
def test_the_next_runs_are_those_that_systemd_starts(declared: dict[str, t.Any], name: str, after: datetime.datetime) -> None:
    given_schedule = schedule(**declared)
    expected = systemd_next(on_calendar(given_schedule, name), after=after, count=4)
    assert in_utc(next_runs(given_schedule, name, after=after, count=4)) == expected


@needs_systemd
@settings(max_examples=60, deadline=None)
@given(expressions(), windows(), st.sampled_from(ZONES), bases)
def test_of_the_times_of_an_expression_those_inside_the_window_are_left(
    expression: str, window: Window, zone: str, after: datetime.datetime
) -> None:
    narrow, wide = (Schedule(Calendar(expression), zone, each) for each in (window, None))
    assume(not schedule_problems(narrow))
    runs = next_runs(narrow, "x", after=after, count=3)
    assert in_utc(runs) == systemd_next(on_calendar(narrow, "x"), after=after, count=3)
    all_runs = next_runs(wide, "x", after=after, count=300)
    expected = [run for run in all_runs if is_inside(window, run.timetz().replace(tzinfo=None))]
    assert list(runs[: len(expected)]) == expected[: len(runs)]


@given(schedules, plan_names)
def test_the_spread_moves_no_run_to_another_day_or_out_of_the_window_or_into_the_next_one(declared: dict[str, t.Any], name: str) -> None:
    spread = schedule(**declared)
    exact = schedule(**{**declared, "spread_minutes": 0} if "every" in declared else declared)
    late = minutes_late(spread, name)
    starts, declared_starts = start_minutes(spread, name), start_minutes(exact, name)
    assert 0 <= late <= spread.spread_minutes
    assert sorted((start + late) % 1440 for start in declared_starts) == list(starts)
    assert len(starts) == len(declared_starts)
    if spread.window:
        assert all(is_inside(spread.window, datetime.time(minute // 60, minute % 60)) for minute in starts)
    if not declared.get("every", "").endswith(("minutes", "hours", "hourly")):
        assert all(start + late < 1440 for start in declared_starts)


def test_plans_share_the_spread_evenly_and_each_keeps_its_share() -> None:
    nightly = Schedule(Daily(datetime.time(22, 0)), spread_minutes=59)
    shares = [minutes_late(nightly, f"plan-{number}") for number in range(600)]
    assert len(set(shares)) == 60
    assert max(map(shares.count, set(shares))) < 30
    assert minutes_late(nightly, "plan-7") == shares[7]


@pytest.mark.parametrize(
    ("problematic", "sentence"),
    [
        (Schedule(Calendar("Mon..Fri 25:00")), "Option schedule.calendar is no calendar expression of systemd: '25': each hour must lie"),
        (Schedule(Calendar("22:30"), window=Window(datetime.time(23), datetime.time(5))), "Option schedule.window leaves no run"),
        (
            Schedule(Daily(datetime.time(22)), window=Window(datetime.time(1), datetime.time(5))),
            "Option schedule.at must lie in schedule.window",
        ),
        (
            Schedule(Daily(), window=Window(datetime.time(5), datetime.time(5))),
            "Option schedule.window must start and end at different times",
        ),
    ],
)
def test_a_schedule_that_means_nothing_is_told_by_its_options(problematic: Schedule, sentence: str) -> None:
    (problem,) = schedule_problems(problematic)
    assert problem.startswith(sentence)


def test_a_plan_with_a_wrong_expression_is_refused_as_soon_as_it_is_declared() -> None:
    with pytest.raises(InputError, match=r"Option schedule\.calendar is no calendar expression of systemd: '\*/15': it is no hour"):
        schedule(calendar="*/15:00")


@given(schedules)
def test_a_schedule_that_is_accepted_has_no_problems_and_comes_to_runs(declared: dict[str, t.Any]) -> None:
    accepted = schedule(**declared)
    assert schedule_problems(accepted) == ()
    assert len(next_runs(accepted, "x", after=NOW, count=2)) == 2


@pytest.mark.parametrize(
    ("declared", "hours"),
    [
        ({"every": "daily"}, 24),
        ({"every": "daily", "timezone": "Europe/Berlin"}, 25),
        ({"every": "daily", "at": "02:30", "timezone": "Europe/Berlin"}, 47),  # left out where the clocks are put on
        ({"every": "hourly"}, 1),
        ({"every": "hourly", "timezone": "Europe/Berlin"}, 2),  # of the hour that comes twice only the first one counts
        ({"every": "hourly", "window": {"start": "20:00", "end": "06:00"}}, 15),
        ({"every": "weekly"}, 7 * 24),
        ({"every": "monthly", "day": "last"}, 31 * 24),
        ({"calendar": "yearly"}, 366 * 24),
        ({"calendar": "*-02-29"}, None),  # once in the five years
    ],
)
def test_the_longest_gap_counts_changes_of_the_clocks_and_long_months(declared: dict[str, t.Any], hours: int | None) -> None:
    gap = longest_gap(schedule(**declared), "x", after=NOW)
    assert gap == (None if hours is None else datetime.timedelta(hours=hours))


@settings(max_examples=20, deadline=None)
@given(schedules.filter(lambda declared: declared.get("every") in ("daily", "weekly", "monthly", "12 hours")), bases)
def test_no_gap_is_longer_than_the_longest_one(declared: dict[str, t.Any], after: datetime.datetime) -> None:
    given_schedule = schedule(**declared)
    soon = after + datetime.timedelta(days=5 * 365)
    runs = [run for run in next_runs(given_schedule, "x", after=after, count=800) if run < soon]
    gap = longest_gap(given_schedule, "x", after=after)
    assert gap is not None
    assert gap >= max(later - earlier for earlier, later in distinct_pairs(runs))


@pytest.mark.parametrize(
    ("window", "zone", "moment", "closes"),
    [
        (("20:00", "06:00"), "UTC", "2026-11-23T23:30", "2026-11-24T06:00"),
        (("20:00", "06:00"), "UTC", "2026-11-24T05:59", "2026-11-24T06:00"),
        (("20:00", "06:00"), "UTC", "2026-11-24T06:00", None),
        (("08:00", "18:00"), "Europe/Berlin", "2026-11-24T07:00", "2026-11-24T17:00"),
        (("20:00", "02:30"), "Europe/Berlin", "2026-03-28T23:00", "2026-03-29T01:00"),  # no clock shows 02:30: at the change
        (("20:00", "02:30"), "Europe/Berlin", "2026-10-24T23:00", "2026-10-25T00:30"),  # the first 02:30
        (("20:00", "02:30"), "Europe/Berlin", "2026-10-25T01:10", "2026-10-25T01:30"),  # started before the second one
    ],
)
def test_a_run_ends_when_the_window_closes_in_which_it_began(window: tuple[str, str], zone: str, moment: str, closes: str | None) -> None:
    start, end = map(datetime.time.fromisoformat, window)
    found = window_closes(Schedule(Daily(start), zone, Window(start, end)), datetime.datetime.fromisoformat(f"{moment}+00:00"))
    assert found == (None if closes is None else datetime.datetime.fromisoformat(f"{closes}+00:00"))


@given(windows(), st.sampled_from(ZONES), bases, st.floats(0, 1))
def test_a_window_is_open_until_it_closes(window: Window, zone: str, moment: datetime.datetime, share: float) -> None:
    closes = window_closes(Schedule(Daily(window.start), zone, window), moment)
    local = zoneinfo.ZoneInfo(zone)
    assert (closes is not None) == is_inside(window, moment.astimezone(local).timetz().replace(tzinfo=None))
    if closes is not None:
        assert moment < closes <= moment + datetime.timedelta(hours=25)
        before = moment + (closes - moment) * share * 0.999
        assert is_inside(window, before.astimezone(local).time())
        is_changed = closes.astimezone(local).utcoffset() != (closes - datetime.timedelta(seconds=1)).astimezone(local).utcoffset()
        assert is_changed or closes.astimezone(local).time() == window.end


def test_without_a_window_nothing_closes() -> None:
    assert window_closes(None, NOW) is None
    assert window_closes(Schedule(Daily()), NOW) is None


@given(schedules)
def test_a_schedule_declared_as_it_was_returned_is_the_same_schedule(declared: dict[str, t.Any]) -> None:
    plan = plan_from_dict({"title": "x", "users": ["a"], "backup_type": "mailbox", "repository": "/r", "schedule": declared})
    assert plan_from_dict(plan_to_dict(plan)) == plan


def test_utc_is_known_without_a_time_zone_database_and_nonsense_is_not() -> None:
    assert find_time_zone("UTC") is datetime.timezone.utc
    assert [find_time_zone(name) for name in ("Nowhere/Land", "../etc/passwd", "Europe", "")] == [None] * 4
