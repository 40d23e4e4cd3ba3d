# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Windows hold for every order of events, whoever keeps their integers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.windows import CELLS, SlidingWindow


@given(st.lists(st.tuples(st.floats(0.0, 20.0), st.integers(1, 40)), max_size=80))
def test_inv12_no_window_of_time_holds_more_units_than_the_limit(steps: list[tuple[float, int]]) -> None:
    window = SlidingWindow(100, 60.0)
    now = 0.0
    added: list[tuple[float, int]] = []
    for seconds, units in steps:
        now += seconds
        if window.delay(now, units) == 0.0:
            window.add(now, units)
            added.append((now, units))
    for start, _units in added:
        assert sum(units for moment, units in added if start <= moment < start + 60.0) <= 100


@given(st.lists(st.integers(1, 100), min_size=1, max_size=60))
def test_waiting_as_long_as_a_window_says_lets_everything_through(units: list[int]) -> None:
    window = SlidingWindow(100, 60.0)
    now = 0.0
    for count in units:
        waits = 0
        while (delay := window.delay(now, count)) > 0:
            now += delay
            waits += 1
        assert waits <= 2
        window.add(now, count)
    assert now <= (sum(units) / 50 + 1) * 60.5


def test_a_window_of_ten_thousand_requests_stays_small() -> None:
    window = SlidingWindow(10_000, 600.0)
    for number in range(10_000):
        window.add(number * 0.06, 1)
    assert len(window._cells) == CELLS < 128  # type: ignore[arg-type]
