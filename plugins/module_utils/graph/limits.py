# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who may ask when: the service's limits, in one object for all threads.

Exchange allows an app four requests at a time and 10,000 requests in ten minutes per mailbox, and 150 MB of uploads in
five minutes (Microsoft's throttling-limits page). An answer that says C(Retry-After) concerns everybody who asks for
the same mailbox, and for directory requests everybody of the tenant.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import enum
import threading
import typing as t

from .clock import Clock
from .errors import Cancelled

_GRAINS = 120
_SWEEP_FROM = 256


class ScopeKind(enum.Enum):
    """What a limit is counted for."""

    MAILBOX = "mailbox"
    DIRECTORY = "directory"


@dataclasses.dataclass(frozen=True, slots=True)
class LimitScope:
    """One mailbox, or the tenant's directory."""

    kind: ScopeKind
    key: str = ""

    @classmethod
    def mailbox(cls, user_id: str) -> LimitScope:
        return cls(ScopeKind.MAILBOX, user_id.lower())

    @classmethod
    def directory(cls) -> LimitScope:
        return cls(ScopeKind.DIRECTORY)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Limits of one scope. None lifts a limit. Windows in seconds."""

    concurrency: int = 4
    requests: int | None = 10_000
    window: float = 600.0
    upload_bytes: int | None = 150_000_000
    upload_window: float = 300.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Budgets:
    """The budget of each kind of scope."""

    mailbox: Budget = Budget()
    directory: Budget = Budget(concurrency=8, requests=None, upload_bytes=None)

    def of(self, scope: LimitScope) -> Budget:
        return self.mailbox if scope.kind is ScopeKind.MAILBOX else self.directory


class SlidingWindow:
    """At most ``limit`` units in any ``window`` seconds, in constant memory.

    Times are rounded down to grains, and a grain counts until its whole width has left the window, so the limit may be
    undershot by one grain and is never exceeded.
    """

    __slots__ = ("_grain", "_grains", "_limit", "_total", "_window")

    def __init__(self, limit: int, window: float) -> None:
        self._limit = limit
        self._window = window
        self._grain = window / _GRAINS
        self._grains: collections.deque[list[int]] = collections.deque()
        self._total = 0

    def delay(self, now: float, units: int) -> float:
        """Seconds until this many units fit, 0 when they fit now. More than the limit fits into an empty window."""
        self._forget(now)
        if not self._grains or self._total + units <= self._limit:
            return 0.0
        surplus = self._total + units - self._limit
        for number, count in self._grains:
            surplus -= count
            if surplus <= 0:
                return max(self._end(number) - now, self._grain / 1000)
        return max(self._end(self._grains[-1][0]) - now, self._grain / 1000)

    def add(self, now: float, units: int) -> None:
        number = int(now // self._grain)
        if self._grains and self._grains[-1][0] >= number:
            self._grains[-1][1] += units
        else:
            self._grains.append([number, units])
        self._total += units

    def is_empty(self, now: float) -> bool:
        self._forget(now)
        return not self._grains

    def _end(self, number: int) -> float:
        return (number + 1) * self._grain + self._window

    def _forget(self, now: float) -> None:
        while self._grains and self._end(self._grains[0][0]) <= now:
            self._total -= self._grains.popleft()[1]


class Gate:
    """The state of one scope. Not thread-safe: the limiter holds ``condition`` around every call."""

    __slots__ = ("_blocked_until", "_concurrency", "_in_flight", "_requests", "_uploads", "blocked_seconds", "condition", "is_retired")

    def __init__(self, budget: Budget) -> None:
        self.condition = threading.Condition()
        self.blocked_seconds = 0.0
        self.is_retired = False
        self._concurrency = budget.concurrency
        self._requests = None if budget.requests is None else SlidingWindow(budget.requests, budget.window)
        self._uploads = None if budget.upload_bytes is None else SlidingWindow(budget.upload_bytes, budget.upload_window)
        self._in_flight = 0
        self._blocked_until = float("-inf")

    @property
    def has_room(self) -> bool:
        return self._in_flight < self._concurrency

    def try_enter(self, now: float, upload_bytes: int) -> float | None:
        """0 when entered, else the seconds to wait, or None: until somebody leaves."""
        if now < self._blocked_until:
            return self._blocked_until - now
        if not self.has_room:
            return None
        delay = 0.0 if self._requests is None else self._requests.delay(now, 1)
        if upload_bytes and self._uploads is not None:
            delay = max(delay, self._uploads.delay(now, upload_bytes))
        if delay > 0:
            self.block(now, delay)
            return delay
        self._enter(now, upload_bytes)
        return 0.0

    def leave(self) -> None:
        self._in_flight -= 1

    def block(self, now: float, seconds: float) -> None:
        until = now + seconds
        self.blocked_seconds += max(0.0, until - max(now, self._blocked_until))
        self._blocked_until = max(until, self._blocked_until)

    def is_idle(self, now: float) -> bool:
        windows = [window for window in (self._requests, self._uploads) if window is not None]
        return self._in_flight == 0 and now >= self._blocked_until and all(window.is_empty(now) for window in windows)

    def _enter(self, now: float, upload_bytes: int) -> None:
        self._in_flight += 1
        if self._requests is not None:
            self._requests.add(now, 1)
        if upload_bytes and self._uploads is not None:
            self._uploads.add(now, upload_bytes)


class Limiter:
    """Thread-safe. Waiting callers wake up when it is cancelled."""

    def __init__(self, clock: Clock, budgets: Budgets | None = None) -> None:
        self._clock = clock
        self._budgets = budgets or Budgets()
        self._gates: dict[LimitScope, Gate] = {}
        self._lock = threading.Lock()
        self._sweep_at = _SWEEP_FROM
        self._forgotten_seconds = 0.0
        self._cancelled = threading.Event()
        self._waiters = threading.Condition()

    @contextlib.contextmanager
    def slot(self, scope: LimitScope, upload_bytes: int = 0) -> t.Iterator[None]:
        """Hold one place of the scope while a request and its answer are on the wire.

        :raises Cancelled: before or while waiting for the place.
        """
        gate = self._enter(scope, upload_bytes)
        try:
            yield
        finally:
            with gate.condition:
                gate.leave()
                gate.condition.notify()

    def block(self, scope: LimitScope, seconds: float) -> None:
        """Nobody of this scope starts a request before the seconds are over."""
        gate = self._gate(scope)
        with gate.condition:
            gate.block(self._clock.monotonic(), seconds)

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
        """How long scopes were closed by throttling or a spent budget, summed over the scopes."""
        with self._lock:
            return self._forgotten_seconds + sum(gate.blocked_seconds for gate in self._gates.values())

    def _enter(self, scope: LimitScope, upload_bytes: int) -> Gate:
        while True:
            gate = self._gate(scope)
            with gate.condition:
                while not gate.is_retired:
                    self.raise_if_cancelled()
                    delay = gate.try_enter(self._clock.monotonic(), upload_bytes)
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
                self._gates[scope] = Gate(self._budgets.of(scope))
            return self._gates[scope]

    def _sweep(self) -> None:
        if len(self._gates) < self._sweep_at:
            return
        now = self._clock.monotonic()
        for scope, gate in list(self._gates.items()):
            with gate.condition:
                if gate.is_idle(now):
                    gate.is_retired = True
                    gate.condition.notify_all()
                    self._forgotten_seconds += gate.blocked_seconds
                    del self._gates[scope]
        self._sweep_at = max(_SWEEP_FROM, 2 * len(self._gates))
