# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime

import pytest
from hypothesis import given

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.prune_guard import (
    DEFAULT_PERCENT,
    HistoryLoss,
    history_loss,
    removes_too_many,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.retention import (
    RestorePoint,
    Retention,
    decide_retention,
)
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.plan.strategies import (
    moments,
    restore_points,
    retentions,
)

UTC = datetime.timezone.utc
NOW = datetime.datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def loss(step: datetime.timedelta, number: int, retention: Retention) -> HistoryLoss:
    """Of so many restore points, the newest now."""
    points = [RestorePoint(snapshot_id=f"{age:04}", time=NOW - step * age, is_checkpoint=False) for age in range(number)]
    return history_loss(decide_retention(points, retention, now=NOW, time_zone=UTC), UTC)


HOUR, DAY = datetime.timedelta(hours=1), datetime.timedelta(days=1)


@pytest.mark.parametrize(
    ("what", "found", "is_too_much"),
    [
        ("a year that became three days by mistake", loss(DAY, 365, Retention(keep_daily=3)), True),
        ("five years of months that were dropped", loss(30 * DAY, 60, Retention(keep_daily=14)), True),
        ("a prune a day of a plan that runs every hour", loss(HOUR, 15 * 24, Retention(keep_hourly=24, keep_daily=14)), False),
        ("a prune a week", loss(DAY, 21, Retention(keep_daily=14)), False),
        ("a prune a month", loss(DAY, 64, Retention(keep_daily=34)), False),
        ("a small plan that keeps the last one", loss(DAY, 6, Retention(keep_last=1)), False),
        ("one day more", loss(DAY, 7, Retention(keep_last=1)), True),
        ("nothing at all", loss(DAY, 0, Retention(keep_last=1)), False),
        ("everything is kept", loss(DAY, 40, Retention(forever=True)), False),
    ],
)
def test_what_is_too_much_to_go_without_being_asked_for(what: str, found: HistoryLoss, is_too_much: bool) -> None:
    assert found.exceeds(DEFAULT_PERCENT) == is_too_much, (what, found)


def test_the_figures_are_exact() -> None:
    found = loss(12 * HOUR, 40, Retention(keep_daily=5))
    assert found == HistoryLoss(points=35, points_before=40, days=15, days_before=20)
    assert found.percent == 75
    assert (found.exceeds(74), found.exceeds(75), found.exceeds(100)) == (True, False, False)


@given(restore_points(), retentions, moments)
def test_a_hundred_percent_allows_whatever_retention_says(points: list[RestorePoint], retention: Retention, now: datetime.datetime) -> None:
    found = history_loss(decide_retention(points, retention, now=now, time_zone=UTC), UTC)
    assert not found.exceeds(100)
    assert 0 <= found.days <= found.days_before <= found.points_before
    assert found.days <= found.points <= found.points_before


@pytest.mark.parametrize(
    ("removed", "members", "max_percent", "is_too_much"),
    [
        (0, 0, 50, False),
        (1, 1, 50, False),
        (2, 10, 50, False),
        (3, 10, 50, True),
        (3, 10, 60, False),
        (7, 10, 60, True),
        (9, 9, 100, False),
    ],
)
def test_backups_of_more_than_a_fifth_of_the_members_do_not_go_without_being_asked_for(
    removed: int, members: int, max_percent: int, is_too_much: bool
) -> None:
    assert removes_too_many(removed, members, max_percent) == is_too_much


def test_one_member_may_always_go_and_two_of_few_are_too_many() -> None:
    assert not removes_too_many(1, 1, DEFAULT_PERCENT)
    assert removes_too_many(2, 4, DEFAULT_PERCENT)
