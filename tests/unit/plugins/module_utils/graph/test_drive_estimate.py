# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long reading drives takes at least, by Microsoft's limits alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.drive_estimate import drive_estimate
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.limits import Budget, drive_budget

SMALL = drive_budget()
HOUR = 3_600.0


def test_a_thousand_small_files_cost_a_unit_each_and_two_for_a_page_and_for_each_drive() -> None:
    estimate = drive_estimate(1_000, 5_000_000, SMALL, drives=3)
    assert estimate.units == 1_000 + 2 * (3 + 1)
    assert drive_estimate(1_000, 5_000_000, SMALL, is_listed=True).units == 1_000
    assert drive_estimate(1_000, 5_000_000, SMALL, is_listed=True, with_versions=True).units == 3_000


def test_the_minute_bounds_a_first_backup_within_a_day() -> None:
    estimate = drive_estimate(75_000, 1, SMALL, is_listed=True)
    assert estimate.seconds == pytest.approx(60 * 62.0)
    assert estimate.as_dict() == {"files": 75_000, "bytes": 1, "resource_units": 75_000, "minutes_at_least": 62}


def test_the_day_bounds_more_than_it_has() -> None:
    estimate = drive_estimate(3_000_000, 1, SMALL, is_listed=True)
    assert estimate.seconds is not None
    assert 2 * 24 * HOUR < estimate.seconds < 3 * 24 * HOUR


def test_large_files_are_bound_by_their_bytes() -> None:
    assert drive_estimate(10, 4_000_000_000_000, SMALL, is_listed=True).seconds == pytest.approx(10 * HOUR)


def test_without_limits_nothing_can_be_said() -> None:
    budget = Budget(requests=None, upload_bytes=None)
    assert drive_estimate(10, 10, budget).seconds is None
    assert drive_estimate(10, 10, budget).as_dict()["minutes_at_least"] is None


@given(st.integers(0, 10_000_000), st.integers(0, 10**14), st.integers(1, 100_000), st.integers(1, 9))
def test_more_to_read_never_takes_less_and_more_licences_never_take_more(files: int, size: int, licences: int, hosts: int) -> None:
    seconds = drive_estimate(files, size, drive_budget(licences, hosts)).seconds
    more = drive_estimate(files + 1_000, size + 1_000, drive_budget(licences, hosts)).seconds
    richer = drive_estimate(files, size, drive_budget(licences * 2, hosts)).seconds
    alone = drive_estimate(files, size, drive_budget(licences)).seconds
    assert seconds is not None
    assert more is not None
    assert richer is not None
    assert alone is not None
    assert 0.0 <= seconds <= more
    assert richer <= seconds
    assert alone <= seconds
