# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime
import itertools
import zoneinfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.retention import (
    RestorePoint,
    Retention,
    RetentionDecision,
    decide_retention,
    snapshots_to_remove,
)
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.plan.strategies import (
    ZONES,
    moments,
    restore_points,
    retentions,
)

UTC = datetime.timezone.utc
BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")
NOW = datetime.datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

zones = st.sampled_from(ZONES).map(zoneinfo.ZoneInfo)


def point(time: str, *, checkpoint: bool = False, good: str = "", zone: datetime.tzinfo = UTC) -> RestorePoint:
    moment = datetime.datetime.fromisoformat(time)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=zone)
    return RestorePoint(snapshot_id=time, time=moment, is_checkpoint=checkpoint, good_members=frozenset(good.split()))


def kept(decisions: tuple[RetentionDecision, ...]) -> list[str]:
    return [each.point.snapshot_id for each in decisions if each.is_kept]


def decide(points: list[RestorePoint], *, zone: datetime.tzinfo = UTC, now: datetime.datetime = NOW, **rules: int | bool) -> list[str]:
    return kept(decide_retention(points, Retention(**rules), now=now, time_zone=zone))  # type: ignore[arg-type]


DAILY = [f"2026-11-{day:02d}T23:00" for day in range(1, 23)]


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ({"keep_last": 3}, DAILY[-3:]),
        ({"keep_daily": 3}, DAILY[-3:]),
        ({"keep_days": 5}, DAILY[-5:]),
        ({"keep_weekly": 2}, ["2026-11-15T23:00", "2026-11-22T23:00"]),
        ({"keep_monthly": 1}, ["2026-11-22T23:00"]),
        ({"keep_monthly": 2}, ["2026-11-01T23:00", "2026-11-22T23:00"]),
        ({"keep_last": 1, "keep_weekly": 2}, ["2026-11-15T23:00", "2026-11-22T23:00"]),
        ({"forever": True}, DAILY),
        ({}, DAILY),
    ],
)
def test_each_rule_keeps_the_points_that_restic_would_keep(rules: dict[str, int | bool], expected: list[str]) -> None:
    assert decide([point(time) for time in DAILY], **rules) == expected  # type: ignore[arg-type]


def test_of_several_points_on_a_day_the_newest_is_kept() -> None:
    points = [point("2026-11-20T01:00"), point("2026-11-21T01:00"), point("2026-11-21T13:00"), point("2026-11-21T19:00")]
    assert decide(points, keep_daily=2) == ["2026-11-20T01:00", "2026-11-21T19:00"]


def test_days_are_those_of_the_time_zone_of_the_plan() -> None:
    points = [point("2026-07-01T21:30"), point("2026-07-01T22:30")]
    assert decide(points, keep_daily=2, zone=UTC) == ["2026-07-01T21:30", "2026-07-01T22:30"]  # one a day, and the oldest one
    assert decide([*points, point("2026-07-01T23:30")], keep_daily=2, zone=BERLIN) == ["2026-07-01T21:30", "2026-07-01T23:30"]


def test_the_hour_that_comes_twice_when_summer_ends_counts_as_two() -> None:
    points = [point(f"2026-10-25T{time}") for time in ("00:30", "00:45", "01:30")]  # 02:30 and 02:45 in summer time, 02:30 in winter time
    assert decide(points, keep_hourly=2, zone=BERLIN) == ["2026-10-25T00:45", "2026-10-25T01:30"]


def test_days_that_are_counted_back_over_a_change_of_the_clock_end_at_the_same_time_of_day() -> None:
    now = datetime.datetime(2026, 10, 26, 12, 0, tzinfo=BERLIN)
    points = [point("2026-10-24T11:59", zone=BERLIN), point("2026-10-24T12:00", zone=BERLIN)]
    assert decide(points, keep_days=2, zone=BERLIN, now=now) == ["2026-10-24T12:00"]


def test_weeks_at_the_turn_of_the_year_are_not_cut_in_two() -> None:
    points = [point("2026-12-20T12:00"), point("2026-12-28T12:00"), point("2027-01-03T12:00")]
    assert decide(points, keep_weekly=2) == ["2026-12-20T12:00", "2027-01-03T12:00"]


def test_the_oldest_point_stays_while_there_are_fewer_months_than_asked_for() -> None:
    assert decide([point(time) for time in DAILY], keep_monthly=12) == [DAILY[0], DAILY[-1]]


def test_checkpoints_do_not_count_as_restore_points() -> None:
    points = [point("2026-11-20T01:00"), point("2026-11-21T01:00"), point("2026-11-22T01:00", checkpoint=True)]
    assert decide(points, keep_last=2) == ["2026-11-20T01:00", "2026-11-21T01:00", "2026-11-22T01:00"]


def test_a_checkpoint_goes_once_a_later_run_has_finished_even_if_everything_else_is_kept() -> None:
    points = [point("2026-11-20T01:00", checkpoint=True), point("2026-11-21T01:00")]
    removals = snapshots_to_remove(points, Retention(forever=True), now=NOW, time_zone=UTC)
    assert [(each.point.snapshot_id, each.reason) for each in removals] == [
        ("2026-11-20T01:00", "checkpoint of an interrupted run; a later run has finished"),
    ]


def test_inv06_the_last_good_state_of_a_member_that_left_or_fails_stays() -> None:
    points = [
        point("2026-01-01T01:00", good="alice leaver"),
        point("2026-02-01T01:00", good="alice"),
        point("2026-03-01T01:00", good="alice failing"),
        point("2026-11-22T01:00", good="alice"),
    ]
    decisions = decide_retention(points, Retention(keep_last=1), now=NOW, time_zone=UTC)
    assert kept(decisions) == ["2026-01-01T01:00", "2026-03-01T01:00", "2026-11-22T01:00"]
    assert decisions[0].reasons == ("last good state of 1 member",)


@given(restore_points(), retentions, moments, zones)
def test_inv06_retention_never_removes_the_last_good_state_of_a_member(
    points: list[RestorePoint], retention: Retention, now: datetime.datetime, zone: datetime.tzinfo
) -> None:
    stays = set(kept(decide_retention(points, retention, now=now, time_zone=zone)))
    for member in frozenset(itertools.chain.from_iterable(each.good_members for each in points)):
        newest = max((each for each in points if member in each.good_members), key=lambda each: (each.time, each.snapshot_id))
        assert newest.snapshot_id in stays


@given(restore_points(), retentions, moments, zones)
def test_every_point_is_decided_once_and_with_a_reason(
    points: list[RestorePoint], retention: Retention, now: datetime.datetime, zone: datetime.tzinfo
) -> None:
    decisions = decide_retention(points, retention, now=now, time_zone=zone)
    assert sorted(each.point.snapshot_id for each in decisions) == sorted(each.snapshot_id for each in points)
    assert all(each.reasons for each in decisions)
    assert [each.point.time for each in decisions] == sorted(each.time for each in points)


@given(restore_points(), retentions, moments, zones)
def test_pruning_twice_removes_nothing_more(
    points: list[RestorePoint], retention: Retention, now: datetime.datetime, zone: datetime.tzinfo
) -> None:
    first = decide_retention(points, retention, now=now, time_zone=zone)
    survivors = [each.point for each in first if each.is_kept]
    assert snapshots_to_remove(survivors, retention, now=now, time_zone=zone) == ()


@given(restore_points(), retentions, moments, zones)
def test_the_newest_finished_point_stays_under_every_rule_that_counts(
    points: list[RestorePoint], retention: Retention, now: datetime.datetime, zone: datetime.tzinfo
) -> None:
    finished = sorted((each for each in points if not each.is_checkpoint), key=lambda each: (each.time, each.snapshot_id))
    counts = [retention.keep_last, retention.keep_hourly, retention.keep_daily, retention.keep_weekly, retention.keep_monthly]
    if finished and (any(counts) or retention.keep_yearly or retention.keeps_everything):
        assert finished[-1].snapshot_id in kept(decide_retention(points, retention, now=now, time_zone=zone))


@given(
    restore_points(),
    st.sampled_from(["keep_last", "keep_hourly", "keep_daily", "keep_weekly", "keep_monthly", "keep_yearly"]),
    st.integers(1, 9),
    moments,
    zones,
)
def test_one_rule_keeps_no_more_points_than_its_number(
    points: list[RestorePoint], rule: str, count: int, now: datetime.datetime, zone: datetime.tzinfo
) -> None:
    anonymous = [
        RestorePoint(snapshot_id=each.snapshot_id, time=each.time, is_checkpoint=False, good_members=frozenset()) for each in points
    ]
    assert len(kept(decide_retention(anonymous, Retention(**{rule: count}), now=now, time_zone=zone))) <= count  # type: ignore[arg-type]


@given(restore_points(), retentions, retentions, moments, zones)
def test_rules_together_keep_what_each_keeps_alone(
    points: list[RestorePoint], one: Retention, other: Retention, now: datetime.datetime, zone: datetime.tzinfo
) -> None:
    both = Retention(
        **{name: max(getattr(one, name) or 0, getattr(other, name) or 0) or None for name in Retention.__slots__ if name != "forever"},
        forever=one.forever or other.forever,
    )
    together = set(kept(decide_retention(points, both, now=now, time_zone=zone)))
    for single in (one, other):
        assert rule_kept(points, single, now, zone) - oldest(points) <= together


def rule_kept(points: list[RestorePoint], retention: Retention, now: datetime.datetime, zone: datetime.tzinfo) -> set[str]:
    return set(kept(decide_retention(points, retention, now=now, time_zone=zone)))


def oldest(points: list[RestorePoint]) -> set[str]:
    """The oldest finished point, which a larger number can let go: it then is no longer the oldest of too few."""
    finished = sorted((each for each in points if not each.is_checkpoint), key=lambda each: (each.time, each.snapshot_id))
    return {each.snapshot_id for each in finished[:1]}
