# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Microsoft allows an app to ask of drives, kept by all threads, processes and hosts together."""

from __future__ import annotations

import multiprocessing
import os
import signal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.plugins.module_utils.graph.fakes import FakeClock

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.common_cells import CommonCells
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.ledger import LEDGER_CELLS, Ledger
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.limiter import Limiter
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.limits import Budget, Budgets, Cost, LimitScope, drive_budget

DRIVES = LimitScope.drives()
SPAWN = multiprocessing.get_context("spawn")


@pytest.mark.parametrize(
    ("licences", "units"),
    [(1, 1250), (1000, 1250), (1001, 2500), (5000, 2500), (5001, 3750), (15_000, 3750), (15_001, 5000), (50_000, 5000), (50_001, 6250)],
)
def test_units_a_minute_and_a_day_follow_the_licences(licences: int, units: int) -> None:
    budget = drive_budget(licences)
    assert (budget.requests, budget.daily) == (
        units,
        {1250: 1_200_000, 2500: 2_400_000, 3750: 3_600_000, 5000: 4_800_000}.get(units, 6_000_000),
    )


@given(st.integers(1, 100_000), st.integers(1, 5000))
def test_inv12_hosts_together_have_no_more_than_one_host_alone(licences: int, hosts: int) -> None:
    alone, shared = drive_budget(licences), drive_budget(licences, hosts)
    for name in ("requests", "daily", "upload_bytes", "download_bytes", "sharings"):
        share, whole = getattr(shared, name), getattr(alone, name)
        assert share >= 1
        assert share * hosts <= max(whole, hosts)


@given(
    st.lists(
        st.tuples(st.floats(0.0, 20.0), st.integers(1, 5), st.integers(0, 30), st.integers(0, 1), st.integers(0, 40), st.booleans()),
        max_size=60,
    )
)
def test_inv12_no_window_of_a_ledger_ever_holds_more_than_its_limit(steps: list[tuple[float, int, int, int, int, bool]]) -> None:
    budget = Budget(requests=20, window=10.0, daily=60, day=100.0, upload_bytes=100, upload_window=30.0, sharings=3, sharing_window=25.0)
    ledger = Ledger(budget)
    now = 0.0
    booked: list[tuple[float, Cost]] = []
    for seconds, units, upload, sharings, closing, is_closed in steps:
        now += seconds
        if is_closed:
            ledger.close(now, closing)
        cost = Cost(units=units, upload_bytes=upload, sharings=sharings)
        delay = ledger.reserve(now, cost)
        assert delay >= 0.0
        if delay == 0.0:
            assert not is_closed or closing == 0
            booked.append((now, cost))
    limits = (("units", 20, 10.0), ("units", 60, 100.0), ("upload_bytes", 100, 30.0), ("sharings", 3, 25.0))
    for name, limit, window in limits:
        for start, _cost in booked:
            assert sum(getattr(cost, name) for moment, cost in booked if start <= moment < start + window) <= limit


@given(st.lists(st.integers(1, 5), min_size=1, max_size=80))
def test_who_waits_as_long_as_a_ledger_says_gets_in_soon(units: list[int]) -> None:
    ledger = Ledger(Budget(requests=20, window=10.0, upload_bytes=None))
    now = 0.0
    for count in units:
        waits = 0
        while (delay := ledger.reserve(now, Cost(units=count))) > 0:
            now += delay
            waits += 1
        assert waits <= 3
    assert now <= (sum(units) / 10 + 1) * 10.5


def test_a_large_cost_is_not_starved_by_small_ones() -> None:
    ledger = Ledger(Budget(requests=5, window=60.0))
    assert ledger.reserve(100.0, Cost(units=1)) == 0.0
    wait = ledger.reserve(101.0, Cost(units=5))
    assert wait > 50.0
    assert ledger.reserve(102.0, Cost(units=1)) > 50.0


def test_the_smaller_of_two_numbers_for_the_same_end_holds_and_a_later_end_begins_anew() -> None:
    ledger = Ledger(Budget(requests=None, upload_bytes=None))
    ledger.leave_only(100.0, 1, 30.0)
    ledger.leave_only(100.2, 9, 30.0)
    assert ledger.reserve(101.0, Cost()) == 0.0
    assert ledger.reserve(101.0, Cost()) == pytest.approx(29.0, abs=0.3)
    ledger.leave_only(131.0, 9, 60.0)
    assert ledger.reserve(131.5, Cost(units=5)) == 0.0
    assert ledger.reserve(131.5, Cost(units=5)) == pytest.approx(59.5)


def test_a_day_of_units_is_kept_besides_the_minute() -> None:
    clock = FakeClock()
    limiter = Limiter(clock, Budgets(drives=Budget(requests=10, window=62.0, daily=25)))
    start = clock.seconds
    for number in range(26):
        assert (clock.seconds - start > 80_000) is (number > 25)
        with limiter.slot(DRIVES):
            pass
    assert clock.seconds - start >= 86_400


def two_processes(clock: FakeClock, cells: CommonCells, budget: Budget) -> tuple[Limiter, Limiter]:
    budgets = Budgets(drives=budget)
    return Limiter(clock, budgets, cells), Limiter(clock, budgets, cells)


def test_inv12_processes_use_up_one_budget_and_stop_together() -> None:
    clock = FakeClock()
    with CommonCells(LEDGER_CELLS, 2) as cells:
        one, other = two_processes(clock, cells, Budget(requests=6, window=60.0))
        start = clock.seconds
        for limiter in (one, other, one):
            with limiter.slot(DRIVES, Cost(units=2)):
                assert clock.seconds == start
        with other.slot(DRIVES):
            assert clock.seconds - start > 59.0
        one.block(DRIVES, 100.0)
        before = clock.seconds
        with other.slot(DRIVES):
            assert clock.seconds - before == pytest.approx(100.0)
        one.leave_only(DRIVES, 0, 7.0)
        before = clock.seconds
        with other.slot(DRIVES):
            assert clock.seconds - before == pytest.approx(7.0)


def test_a_pause_is_counted_by_the_process_that_heard_of_it() -> None:
    clock = FakeClock()
    with CommonCells(LEDGER_CELLS, 2) as cells:
        one, other = two_processes(clock, cells, Budget())
        one.block(DRIVES, 30.0)
        other.block(DRIVES, 40.0)
        assert (one.blocked_seconds(), other.blocked_seconds()) == (pytest.approx(30.0), pytest.approx(10.0))


def test_processes_divide_the_places_but_mailboxes_have_all_of_theirs() -> None:
    clock = FakeClock()
    with CommonCells(LEDGER_CELLS, 4) as cells:
        limiter = Limiter(clock, Budgets(), cells)
        assert limiter._gate(DRIVES)._concurrency == 8
        assert limiter._gate(LimitScope.mailbox("anna"))._concurrency == 4
        limiter.block(LimitScope.mailbox("anna"), 9.0)
        assert Limiter(clock, Budgets(), cells).closed_for(LimitScope.mailbox("anna")) == 0.0


def add_many(cells: CommonCells, times: int) -> None:
    """What a worker process does, many times."""
    for _unused in range(times):
        with cells.lock:
            cells.cells[0] = cells.cells[0] + 1


def die_with_the_lock(cells: CommonCells) -> None:
    with cells.lock:
        cells.cells[0] = 1
        os.kill(os.getpid(), signal.SIGKILL)


def test_processes_that_are_started_anew_see_the_same_integers() -> None:
    with CommonCells(2, 2) as cells:
        processes = [SPAWN.Process(target=add_many, args=(cells, 2000)) for _unused in range(2)]
        for process in processes:
            process.start()
        add_many(cells, 2000)
        for process in processes:
            process.join(60)
        assert [process.exitcode for process in processes] == [0, 0]
        assert cells.cells[0] == 6000


def test_inv2_the_lock_of_a_process_that_was_killed_is_free() -> None:
    with CommonCells(2, 2) as cells:
        process = SPAWN.Process(target=die_with_the_lock, args=(cells,))
        process.start()
        process.join(60)
        assert process.exitcode == -signal.SIGKILL
        with cells.lock:
            assert cells.cells[0] == 1


def test_where_no_file_can_be_had_in_memory_a_temporary_one_does() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.delattr(os, "memfd_create", raising=False)
        with CommonCells(2, 2) as cells:
            add_many(cells, 3)
            assert cells.cells[0] == 3
