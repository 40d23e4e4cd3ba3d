# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Limits hold for every order of events."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.plugins.module_utils.graph.fakes import ANNA, FakeClock

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.clock import SystemClock
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.errors import Cancelled
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.limiter import Gate, Limiter
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.limits import Budget, Budgets, Cost, LimitScope

EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("enter"), st.just(0.0)),
        st.tuples(st.just("leave"), st.just(0.0)),
        st.tuples(st.just("pass"), st.floats(0.0, 40.0)),
        st.tuples(st.just("block"), st.floats(0.0, 30.0)),
    ),
    max_size=150,
)


@given(EVENTS, st.integers(1, 5), st.integers(1, 12))
def test_inv12_a_gate_never_lets_in_more_than_its_budget(events: list[tuple[str, float]], concurrency: int, requests: int) -> None:
    gate = Gate(Budget(concurrency=concurrency, requests=requests, window=60.0))
    now, inside, blocked_until = 5.0, 0, 0.0
    entered: list[float] = []
    for event, seconds in events:
        if event == "pass":
            now += seconds
        elif event == "block":
            gate.ledger.close(now, seconds)
            blocked_until = max(blocked_until, now + seconds)
        elif event == "leave" and inside:
            gate.leave()
            inside -= 1
        elif event == "enter" and gate.try_enter(now) == 0.0:
            assert now >= blocked_until
            inside += 1
            entered.append(now)
        assert inside <= concurrency
    assert all(sum(start <= moment < start + 60.0 for moment in entered) <= requests for start in entered)


def test_a_full_minute_of_requests_makes_the_next_one_wait_until_the_first_left_the_window() -> None:
    clock = FakeClock()
    limiter = Limiter(clock, Budgets(mailbox=Budget(requests=3, window=60.0)))
    start = clock.seconds
    for _unused in range(4):
        with limiter.slot(ANNA):
            pass
    assert 60.0 <= clock.seconds - start <= 61.0
    assert limiter.blocked_seconds() == pytest.approx(clock.seconds - start)


def test_a_full_mailbox_does_not_hold_up_another_one() -> None:
    clock = FakeClock()
    limiter = Limiter(clock, Budgets(mailbox=Budget(requests=1, window=60.0)))
    start = clock.seconds
    for name in ("anna", "berta", "carla"):
        with limiter.slot(LimitScope.mailbox(name)):
            pass
    assert clock.seconds == start


def test_upload_bytes_have_a_window_of_their_own() -> None:
    clock = FakeClock()
    limiter = Limiter(clock, Budgets(mailbox=Budget(upload_bytes=100, upload_window=300.0)))
    start = clock.seconds
    for _unused in range(3):
        with limiter.slot(ANNA, Cost(upload_bytes=50)):
            pass
    assert clock.seconds - start >= 300.0


def test_inv12_a_pause_concerns_everybody_of_its_scope_and_nobody_else() -> None:
    clock = FakeClock()
    limiter = Limiter(clock)
    limiter.block(ANNA, 30.0)
    start = clock.seconds
    with limiter.slot(LimitScope.mailbox("berta")):
        assert clock.seconds == start
    with limiter.slot(LimitScope.mailbox("ANNA")):
        assert clock.seconds == start + 30.0


def test_a_shorter_pause_does_not_end_a_longer_one() -> None:
    clock = FakeClock()
    limiter = Limiter(clock)
    start = clock.seconds
    limiter.block(ANNA, 30.0)
    limiter.block(ANNA, 5.0)
    with limiter.slot(ANNA):
        assert clock.seconds == start + 30.0
    assert limiter.blocked_seconds() == 30.0


def test_inv12_real_threads_never_hold_more_than_four_places() -> None:
    limiter = Limiter(SystemClock())
    lock, inside, most = threading.Lock(), 0, 0

    def work() -> None:
        nonlocal inside, most
        for _unused in range(50):
            with limiter.slot(ANNA):
                with lock:
                    inside += 1
                    most = max(most, inside)
                with lock:
                    inside -= 1

    run_together(*[work] * 16)
    assert 1 <= most <= 4


def test_after_a_pause_all_places_are_taken_again() -> None:
    limiter = Limiter(SystemClock())
    together = threading.Barrier(4)

    def work() -> None:
        with limiter.slot(ANNA):
            limiter.block(ANNA, 0.01)
        with limiter.slot(ANNA):
            together.wait(timeout=30)

    run_together(*[work] * 12)


def test_cancelling_wakes_everybody_who_waits() -> None:
    limiter = Limiter(SystemClock())
    ended: list[str] = []

    def wait_for_place() -> None:
        with pytest.raises(Cancelled), limiter.slot(ANNA):
            pass
        ended.append("place")

    def wait_for_time() -> None:
        with pytest.raises(Cancelled):
            limiter.wait(3600)
        ended.append("time")

    limiter.block(ANNA, 3600)
    run_together(wait_for_place, wait_for_place, wait_for_time, limiter.cancel)
    assert sorted(ended) == ["place", "place", "time"]


def test_gates_of_idle_mailboxes_are_forgotten_but_their_pauses_are_remembered() -> None:
    clock = FakeClock()
    limiter = Limiter(clock)
    limiter.block(LimitScope.mailbox("0"), 7.0)
    for number in range(1000):
        clock.seconds += 10
        with limiter.slot(LimitScope.mailbox(str(number))):
            pass
    assert len(limiter._gates) < 400
    assert limiter.blocked_seconds() == 7.0


def test_who_waits_for_a_place_of_a_gate_that_is_forgotten_gets_one_of_its_successor() -> None:
    limiter = Limiter(SystemClock(), Budgets(directory=Budget(concurrency=1, requests=None, upload_bytes=None)))
    entered = threading.Event()

    def work() -> None:
        with limiter.slot(LimitScope.directory()):
            entered.set()

    with limiter.slot(LimitScope.directory()):
        gate = limiter._gates[LimitScope.directory()]
        waiting = threading.Thread(target=work, daemon=True)
        waiting.start()
        while not gate.condition._waiters:  # type: ignore[attr-defined]
            pass
        with gate.condition:
            gate.leave()
        for number in range(300):
            limiter.block(LimitScope.mailbox(str(number)), 0.0)
        assert gate.is_retired
        waiting.join(timeout=10)
        assert entered.is_set()


def run_together(*works: object) -> None:
    threads = [threading.Thread(target=work) for work in works]  # type: ignore[arg-type]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not any(thread.is_alive() for thread in threads)


def test_hosts_that_work_at_the_same_time_share_what_the_directory_allows() -> None:
    alone, shared = Budgets.of_tenant(1_000, 1).directory, Budgets.of_tenant(1_000, 4).directory
    assert (alone.requests, alone.concurrency, alone.window >= 10) == (3_500, 8, True)
    assert shared.requests == 875
