# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import datetime
import zoneinfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.retention import (
    RestorePoint,
    Retention,
    RetentionDecision,
    decide_retention,
    is_in_future,
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


def point(time: str, *, checkpoint: bool = False, good: str = "", holds: tuple[str, ...] = (), zone: datetime.tzinfo = UTC) -> RestorePoint:
    moment = datetime.datetime.fromisoformat(time)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=zone)
    return RestorePoint(snapshot_id=time, time=moment, is_checkpoint=checkpoint, last_good_of=frozenset(good.split()), holds=holds)


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
        ({"keep_days": 5}, DAILY[-6:]),
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
    points = [point(time, zone=BERLIN) for time in ("2026-10-24T11:59", "2026-10-24T12:00", "2026-10-26T12:00")]
    assert decide(points, keep_days=2, zone=BERLIN) == ["2026-10-24T12:00", "2026-10-26T12:00"]


def test_weeks_at_the_turn_of_the_year_are_not_cut_in_two() -> None:
    points = [point("2026-12-20T12:00"), point("2026-12-28T12:00"), point("2027-01-03T12:00")]
    now = datetime.datetime(2027, 2, 1, tzinfo=UTC)
    assert decide(points, keep_weekly=2, now=now) == ["2026-12-20T12:00", "2027-01-03T12:00"]


def test_the_oldest_point_stays_while_there_are_fewer_months_than_asked_for() -> None:
    assert decide([point(time) for time in DAILY], keep_monthly=12) == [DAILY[0], DAILY[-1]]


def test_checkpoints_do_not_count_as_restore_points() -> None:
    points = [point("2026-11-20T01:00"), point("2026-11-21T01:00"), point("2026-11-22T01:00", checkpoint=True)]
    assert decide(points, keep_last=2) == ["2026-11-20T01:00", "2026-11-21T01:00", "2026-11-22T01:00"]


def test_a_checkpoint_goes_once_a_later_run_has_finished_even_if_everything_else_is_kept() -> None:
    points = [point("2026-11-20T01:00", checkpoint=True), point("2026-11-21T01:00")]
    first, _second = decide_retention(points, Retention(forever=True), now=NOW, time_zone=UTC)
    assert (first.is_kept, first.reasons) == (False, ("checkpoint of an interrupted run; a later run has finished",))


def test_inv06_a_point_with_the_last_good_state_of_a_member_stays() -> None:
    points = [
        point("2026-01-01T01:00", good="leaver"),
        point("2026-02-01T01:00"),
        point("2026-03-01T01:00", good="failing stale"),
        point("2026-11-22T01:00", good="alice"),
    ]
    decisions = decide_retention(points, Retention(keep_last=1), now=NOW, time_zone=UTC)
    assert kept(decisions) == ["2026-01-01T01:00", "2026-03-01T01:00", "2026-11-22T01:00"]
    assert decisions[0].reasons == ("last good state of 1 member",)
    assert decisions[2].reasons == ("last good state of 2 members",)


def test_inv06_what_was_read_of_a_member_that_was_never_read_to_its_end_stays() -> None:
    partial = dataclasses.replace(point("2026-01-01T01:00"), last_partial_of=frozenset({"bob"}))
    decisions = decide_retention([partial, point("2026-11-22T01:00")], Retention(keep_last=1), now=NOW, time_zone=UTC)
    assert decisions[0].reasons == ("all that was ever read of 1 member",)


def test_inv06_a_checkpoint_with_a_last_good_state_stays_after_a_later_run() -> None:
    points = [point("2026-11-20T01:00", checkpoint=True, good="alice"), point("2026-11-21T01:00")]
    assert decide(points, keep_last=1) == ["2026-11-20T01:00", "2026-11-21T01:00"]


def test_inv06_held_points_stay_with_the_label_as_their_reason() -> None:
    points = [
        point("2026-01-01T01:00", holds=("case 7", "migration")),
        point("2026-01-02T01:00", holds=("",)),
        point("2026-01-03T01:00", checkpoint=True, holds=("case 7",)),
        point("2026-11-22T01:00"),
    ]
    decisions = decide_retention(points, Retention(keep_last=1), now=NOW, time_zone=UTC)
    assert [each.reasons for each in decisions] == [
        ("held: case 7", "held: migration"),
        ("held",),
        ("held: case 7",),
        ("number 1 of the last 1",),
    ]


def test_nothing_goes_before_it_has_the_minimum_age() -> None:
    points = [point("2026-11-16T12:00"), point("2026-11-16T12:01"), point("2026-11-20T01:00", checkpoint=True), point("2026-11-22T01:00")]
    decisions = decide_retention(points, Retention(keep_last=1, minimum_age_days=7), now=NOW, time_zone=UTC)
    assert [each.reasons for each in decisions] == [
        ("no retention rule keeps it",),
        ("less than 7 days old",),
        ("less than 7 days old",),
        ("number 1 of the last 1", "less than 7 days old"),
    ]


def test_the_minimum_age_is_counted_in_days_of_the_plan_over_changes_of_the_clock() -> None:
    points = [point(time, zone=BERLIN) for time in ("2026-10-24T11:59", "2026-10-24T12:01", "2026-10-26T12:00")]
    noon = datetime.datetime(2026, 10, 26, 12, 0, tzinfo=BERLIN)
    assert decide(points, keep_last=1, minimum_age_days=2, now=noon, zone=BERLIN) == ["2026-10-24T12:01", "2026-10-26T12:00"]


def test_a_clock_that_is_ahead_takes_no_more_than_the_other_rules_let_go() -> None:
    later = NOW + datetime.timedelta(days=365)
    points = [point(time) for time in DAILY]
    assert decide(points, keep_daily=3, minimum_age_days=30, now=later) == decide(points, keep_daily=3)


def test_a_decision_is_shown_with_the_time_of_the_plan() -> None:
    (decision,) = decide_retention([point("2026-11-22T23:30", holds=("audit",))], Retention(keep_last=1), now=NOW, time_zone=UTC)
    assert decision.as_dict(BERLIN) == {
        "id": "2026-11-22T23:30",
        "time": "2026-11-23T00:30:00+01:00",
        "kept": True,
        "is_checkpoint": False,
        "holds": ["audit"],
        "reasons": ["held: audit", "number 1 of the last 1"],
    }


def test_a_clock_that_is_a_year_ahead_lets_no_day_expire() -> None:
    points = [point(time) for time in DAILY]
    later = NOW + datetime.timedelta(days=365)
    assert decide(points, keep_days=30, now=later) == DAILY
    assert decide(points, keep_daily=3, keep_days=2, now=later) == decide(points, keep_daily=3, keep_days=2)


def test_a_clock_that_is_years_behind_lets_nothing_expire() -> None:
    assert decide([point(time) for time in DAILY], keep_last=1, now=NOW - datetime.timedelta(days=3650)) == DAILY


def test_points_from_the_future_push_no_real_one_out_and_stay_until_their_time_comes() -> None:
    real = [point("2026-11-20T01:00"), point("2026-11-21T01:00"), point("2026-11-22T01:00", checkpoint=True)]
    flood = [point(f"2027-03-0{day}T01:00") for day in range(1, 8)]
    decisions = decide_retention([*real, *flood], Retention(keep_last=2, keep_days=1), now=NOW, time_zone=UTC)
    assert kept(decisions) == [each.snapshot_id for each in [*real, *flood]]
    assert decisions[-1].reasons == ("dated in the future; it counts for no rule until then",)
    assert decide([*real, *flood], keep_last=2, now=datetime.datetime(2027, 4, 1, tzinfo=UTC)) == ["2027-03-06T01:00", "2027-03-07T01:00"]


def test_clocks_of_hosts_may_differ_by_minutes() -> None:
    assert not is_in_future(NOW + datetime.timedelta(minutes=9), NOW)
    assert is_in_future(NOW + datetime.timedelta(minutes=11), NOW)


@given(restore_points(), retentions, moments, zones)
def test_inv06_retention_never_removes_a_last_good_state_nor_what_is_held_nor_what_lies_in_the_future(
    points: list[RestorePoint], retention: Retention, now: datetime.datetime, zone: datetime.tzinfo
) -> None:
    stays = set(kept(decide_retention(points, retention, now=now, time_zone=zone)))
    assert stays >= {each.snapshot_id for each in points if each.last_good_of or each.holds or is_in_future(each.time, now)}


@given(restore_points(), retentions, moments, zones)
def test_points_from_the_future_change_nothing_for_the_others(
    points: list[RestorePoint], retention: Retention, now: datetime.datetime, zone: datetime.tzinfo
) -> None:
    present = [each for each in points if not is_in_future(each.time, now)]
    stays = set(kept(decide_retention(points, retention, now=now, time_zone=zone)))
    assert stays & {each.snapshot_id for each in present} == set(kept(decide_retention(present, retention, now=now, time_zone=zone)))


@given(restore_points(), retentions, moments, moments, zones)
def test_a_clock_that_is_behind_removes_nothing_that_a_right_one_would_keep(
    points: list[RestorePoint], retention: Retention, one: datetime.datetime, other: datetime.datetime, zone: datetime.tzinfo
) -> None:
    behind, right = (set(kept(decide_retention(points, retention, now=now, time_zone=zone))) for now in sorted((one, other)))
    assert behind >= right


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
    assert kept(decide_retention(survivors, retention, now=now, time_zone=zone)) == [each.snapshot_id for each in survivors]


@given(restore_points(), retentions, moments, zones)
def test_the_newest_finished_point_stays(
    points: list[RestorePoint], retention: Retention, now: datetime.datetime, zone: datetime.tzinfo
) -> None:
    finished = sorted(
        (each for each in points if not each.is_checkpoint and not is_in_future(each.time, now)),
        key=lambda each: (each.time, each.snapshot_id),
    )
    if finished:
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
        RestorePoint(snapshot_id=each.snapshot_id, time=each.time, is_checkpoint=False)
        for each in points
        if not is_in_future(each.time, now)
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
