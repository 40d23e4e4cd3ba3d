# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime
import itertools
import zoneinfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.retention import RestorePoint, Retention, decide_retention
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.retention_forecast import retention_forecast
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.retention_words import explain_retention, is_shorter
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.schedule import Calendar, Daily, Interval, Schedule
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.schedule_document import parse_schedule
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.schedule_times import next_runs, zone_of
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.plan.strategies import (
    RULES,
    ZONES,
    moments,
    restore_points,
    schedules,
)

UTC = datetime.timezone.utc
NOW = datetime.datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

zones = st.sampled_from(ZONES).map(zoneinfo.ZoneInfo)
numbers = st.sampled_from([0, 0, 0, 1, 2, 7, 14, 31, 62, 400])
retentions = st.builds(
    lambda forever, values, age: Retention(**dict(zip(RULES, values, strict=True)), minimum_age_days=age, forever=forever),
    st.sampled_from([False, False, False, True]),
    st.tuples(*[numbers] * len(RULES)).filter(any).map(lambda values: [value or None for value in values]),
    st.none() | st.integers(1, 400),
)


def rules(**values: int) -> Retention:
    return Retention(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("retention", "words"),
    [
        (Retention(forever=True), "every restore point forever"),
        (Retention(), "every restore point forever"),
        (rules(keep_last=1), "the last restore point"),
        (
            rules(keep_daily=14, keep_weekly=8, keep_monthly=1),
            "the newest one of each of the last 14 days, 8 weeks and 1 month that have one",
        ),
        (
            rules(keep_last=3, keep_yearly=7, keep_days=30, minimum_age_days=7),
            (
                "the last 3 restore points, the newest one of each of the last 7 years that have one and all of the 30 days before the"
                " newest one; none goes before it is 7 days old"
            ),
        ),
    ],
)
def test_a_retention_is_explained_in_words(retention: Retention, words: str) -> None:
    assert explain_retention(retention) == words


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (Retention(forever=True), rules(keep_daily=9999), True),
        (rules(keep_daily=14), Retention(forever=True), False),
        (rules(keep_daily=14), rules(keep_daily=13), True),
        (rules(keep_daily=14), rules(keep_daily=14, keep_weekly=1), False),
        (rules(keep_daily=14, keep_weekly=2), rules(keep_daily=14), False),
        (rules(keep_weekly=3), rules(keep_daily=20), True),
        (rules(keep_monthly=12), rules(keep_weekly=60), True),
        (rules(keep_yearly=2), rules(keep_monthly=24), False),
        (rules(keep_days=30), rules(keep_daily=60), True),
        (rules(keep_daily=7, minimum_age_days=3), rules(keep_daily=7), True),
    ],
)
def test_a_retention_is_shorter_when_it_can_let_go_what_the_other_one_keeps(before: Retention, after: Retention, expected: bool) -> None:
    assert is_shorter(before, after) is expected


@given(restore_points(), retentions, retentions, moments, zones)
def test_nothing_goes_after_a_change_to_a_retention_that_is_not_shorter(
    points: list[RestorePoint], before: Retention, after: Retention, now: datetime.datetime, zone: datetime.tzinfo
) -> None:
    assume(not is_shorter(before, after))
    decisions = [decide_retention(points, retention, now=now, time_zone=zone) for retention in (before, after)]
    stays = [{each.point.snapshot_id for each in decided if each.is_kept and not each.point.is_checkpoint} for decided in decisions]
    assert stays[0] <= stays[1]


@settings(max_examples=30, deadline=None)
@given(
    schedules.filter(lambda declared: not declared.get("every", "").endswith("minutes")),
    st.builds(
        lambda values, age: Retention(**values, minimum_age_days=age),
        st.dictionaries(st.sampled_from(RULES[:5]), st.integers(1, 6), min_size=1),
        st.none() | st.integers(1, 9),
    ),
    moments,
)
def test_the_forecast_is_what_a_prune_leaves_of_a_plan_that_has_always_run(
    declared: dict[str, object], retention: Retention, now: datetime.datetime
) -> None:
    schedule = parse_schedule(declared)
    start = now - datetime.timedelta(days=650)
    runs = itertools.takewhile(lambda run: run.astimezone(UTC) <= now, next_runs(schedule, "x", after=start, count=20_000))
    points = [RestorePoint(snapshot_id=run.isoformat(), time=run, is_checkpoint=False) for run in runs]
    decisions = decide_retention(points, retention, now=now, time_zone=zone_of(schedule))
    forecast = retention_forecast(schedule, retention, "x", now=now)
    assert forecast is not None
    assert [each.point.snapshot_id for each in forecast.kept] == [each.point.snapshot_id for each in reversed(decisions) if each.is_kept]


@pytest.mark.parametrize(
    ("schedule", "retention", "sentence"),
    [
        (
            Schedule(Daily()),
            rules(keep_daily=14, keep_weekly=8, keep_monthly=12),
            "With a run whenever it is due, 31 restore points would stay, the oldest 326 days old.",
        ),
        (Schedule(Daily()), rules(keep_last=1), "With a run whenever it is due, 1 restore point would stay, the oldest 0 days old."),
        (
            Schedule(Interval(5)),
            rules(keep_days=365),
            "With a run whenever it is due, at least 20,0",
        ),
        (Schedule(Calendar("2030-01-01")), rules(keep_last=1), "The schedule has had no run."),
    ],
)
def test_the_forecast_says_how_many_stay_and_how_old_they_get(schedule: Schedule, retention: Retention, sentence: str) -> None:
    forecast = retention_forecast(schedule, retention, "sales", now=NOW)
    assert forecast is not None
    assert forecast.sentence().startswith(sentence)


def test_there_is_no_forecast_of_what_only_grows() -> None:
    assert retention_forecast(Schedule(Daily()), Retention(forever=True), "sales", now=NOW) is None
