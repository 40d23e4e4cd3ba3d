# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who may ask when: the service's limits, in one object for all threads, and for drives with one account for all processes.

An answer that says C(Retry-After) concerns everybody who asks for the same mailbox, for directory requests everybody of the
tenant, and for drives everybody who asks for any drive: Microsoft's guidance for scans is to stop them all.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import contextlib
import threading
import typing as t

from .clock import Clock
from .errors import Cancelled
from .ledger import Ledger
from .limits import Budget, Budgets, Cost, LimitScope, ScopeKind

if t.TYPE_CHECKING:
    from .common_cells import CommonCells

_SWEEP_FROM = 256
_ONE_REQUEST = Cost()


class Gate:
    """The state of one scope. Not thread-safe: the limiter holds ``condition`` around every call."""

    __slots__ = ("_concurrency", "_in_flight", "condition", "is_retired", "ledger")

    def __init__(self, budget: Budget, ledger: Ledger | None = None, processes: int = 1) -> None:
        self.condition = threading.Condition()
        self.is_retired = False
        self.ledger = ledger or Ledger(budget)
        self._concurrency = max(1, budget.concurrency // processes)
        self._in_flight = 0

    @property
    def has_room(self) -> bool:
        return self._in_flight < self._concurrency

    def try_enter(self, now: float, cost: Cost = _ONE_REQUEST) -> float | None:
        """0 when entered, else the seconds to wait, or None: until somebody leaves."""
        if not self.has_room:
            return None
        delay = self.ledger.reserve(now, cost)
        if delay == 0.0:
            self._in_flight += 1
        return delay

    def leave(self) -> None:
        self._in_flight -= 1

    def is_idle(self, now: float) -> bool:
        return self._in_flight == 0 and self.ledger.is_idle(now)


class Limiter:
    """Thread-safe. Waiting callers wake up when it is cancelled. ``common`` holds the account of the drives for all processes."""

    def __init__(self, clock: Clock, budgets: Budgets | None = None, common: CommonCells | None = None) -> None:
        self._clock = clock
        self._budgets = budgets or Budgets()
        self._common = common
        self._gates: dict[LimitScope, Gate] = {}
        self._lock = threading.Lock()
        self._sweep_at = _SWEEP_FROM
        self._forgotten_seconds = 0.0
        self._cancelled = threading.Event()
        self._waiters = threading.Condition()

    @contextlib.contextmanager
    def slot(self, scope: LimitScope, cost: Cost = _ONE_REQUEST) -> t.Iterator[None]:
        """Hold one place of the scope while a request and its answer are on the wire.

        :raises Cancelled: before or while waiting for the place.
        """
        gate = self._enter(scope, cost)
        try:
            yield
        finally:
            with gate.condition:
                gate.leave()
                gate.condition.notify()

    def block(self, scope: LimitScope, seconds: float) -> None:
        """Nobody of this scope starts a request before the seconds are over."""
        self._gate(scope).ledger.close(self._clock.monotonic(), seconds)

    def leave_only(self, scope: LimitScope, units: int, seconds: float) -> None:
        """The service says that so many units are left until the seconds are over: for all hosts together."""
        self._gate(scope).ledger.leave_only(self._clock.monotonic(), units // self._budgets.hosts, seconds)

    def add_download(self, scope: LimitScope, size: int) -> None:
        """So many bytes have come."""
        self._gate(scope).ledger.add_download(self._clock.monotonic(), size)

    def closed_for(self, scope: LimitScope) -> float:
        """Seconds for which nobody of this scope gets in."""
        return self._gate(scope).ledger.closed_for(self._clock.monotonic())

    def budget(self, scope: LimitScope) -> Budget:
        """What this host may ask for; processes with a common account share it."""
        return self._budgets.of(scope)

    def wait(self, seconds: float) -> None:
        """Let seconds pass for this caller alone.

        :raises Cancelled: before or while waiting.
        """
        end = self._clock.monotonic() + seconds
        with self._waiters:
            while True:
                self.raise_if_cancelled()
                left = end - self._clock.monotonic()
                if left <= 0:
                    return
                self._clock.wait(self._waiters, left)

    def cancel(self) -> None:
        self._cancelled.set()
        with self._lock:
            conditions = [gate.condition for gate in self._gates.values()]
        for condition in (*conditions, self._waiters):
            with condition:
                condition.notify_all()

    def raise_if_cancelled(self) -> None:
        if self._cancelled.is_set():
            raise Cancelled

    def blocked_seconds(self) -> float:
        """How long scopes were closed by throttling or a spent budget, summed over the scopes.

        Of processes with a common account each counts what it has closed itself.
        """
        with self._lock:
            return self._forgotten_seconds + sum(gate.ledger.blocked_seconds for gate in self._gates.values())

    def _enter(self, scope: LimitScope, cost: Cost) -> Gate:
        while True:
            gate = self._gate(scope)
            with gate.condition:
                while not gate.is_retired:
                    self.raise_if_cancelled()
                    delay = gate.try_enter(self._clock.monotonic(), cost)
                    if delay == 0.0:
                        if gate.has_room:
                            gate.condition.notify()
                        return gate
                    self._clock.wait(gate.condition, delay)

    def _gate(self, scope: LimitScope) -> Gate:
        gate = self._gates.get(scope)
        if gate is not None:
            return gate
        with self._lock:
            if scope not in self._gates:
                self._sweep()
                self._gates[scope] = self._new_gate(scope)
            return self._gates[scope]

    def _new_gate(self, scope: LimitScope) -> Gate:
        budget = self._budgets.of(scope)
        if self._common is None or scope.kind is not ScopeKind.DRIVES:
            return Gate(budget)
        return Gate(budget, Ledger(budget, self._common.cells, self._common.lock), self._common.processes)

    def _sweep(self) -> None:
        if len(self._gates) < self._sweep_at:
            return
        now = self._clock.monotonic()
        for scope, gate in list(self._gates.items()):
            with gate.condition:
                if gate.is_idle(now):
                    gate.is_retired = True
                    gate.condition.notify_all()
                    self._forgotten_seconds += gate.ledger.blocked_seconds
                    del self._gates[scope]
        self._sweep_at = max(_SWEEP_FROM, 2 * len(self._gates))
