# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a scope has used of its budget, and until when it is closed.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import math
import threading
import typing as t
from array import array

from .limits import Budget, Cost
from .windows import CELLS, Cells, SlidingWindow

_CLOSED_UNTIL, _LEFT, _LEFT_UNTIL, _WINDOWS = 0, 1, 2, 3
_KINDS_OF_WINDOWS = 5
_MICROSECONDS = 1e6
_SAME_RESET_SECONDS = 1.0
LEDGER_CELLS = _WINDOWS + _KINDS_OF_WINDOWS * CELLS
"""How many integers a ledger needs that several processes have in common."""


class Ledger:
    """Thread-safe. ``cells`` are its state, and ``lock`` excludes everybody else who uses them; without both it has its own.

    ``blocked_seconds`` are those for which this object has closed the scope.
    """

    __slots__ = ("_cells", "_day", "_downloads", "_lock", "_sharings", "_units", "_uploads", "blocked_seconds")

    def __init__(self, budget: Budget, cells: Cells | None = None, lock: t.ContextManager[object] | None = None) -> None:
        def window(number: int, limit: int | None, seconds: float) -> SlidingWindow | None:
            return None if limit is None else SlidingWindow(limit, seconds, cells, _WINDOWS + number * CELLS if cells is not None else 0)

        self.blocked_seconds = 0.0
        self._cells: Cells = array("q", bytes(8 * _WINDOWS)) if cells is None else cells
        self._lock = lock or threading.Lock()
        self._units = window(0, budget.requests, budget.window)
        self._day = window(1, budget.daily, budget.day)
        self._uploads = window(2, budget.upload_bytes, budget.upload_window)
        self._downloads = window(3, budget.download_bytes, budget.download_window)
        self._sharings = window(4, budget.sharings, budget.sharing_window)

    def reserve(self, now: float, cost: Cost) -> float:
        """0 when the cost is booked, else the seconds to wait.

        For those nobody else gets in either: small costs would starve large ones.
        """
        with self._lock:
            closed = self._closed_until - now
            if closed > 0:
                return closed
            delay = self._delay(now, cost)
            if delay > 0:
                self._close(now, delay)
            else:
                self._book(now, cost)
            return delay

    def close(self, now: float, seconds: float) -> None:
        """Nobody gets in before the seconds are over."""
        with self._lock:
            self._close(now, seconds)

    def leave_only(self, now: float, units: int, seconds: float) -> None:
        """So many units are left until the seconds are over, says the service.

        Answers of parallel requests come in any order: for the same end the smaller number holds.
        """
        with self._lock:
            until = now + seconds
            is_same = abs(until - self._cells[_LEFT_UNTIL] / _MICROSECONDS) <= _SAME_RESET_SECONDS
            self._cells[_LEFT] = min(self._cells[_LEFT], units) if is_same else units
            self._cells[_LEFT_UNTIL] = _stamp(until)

    def add_download(self, now: float, size: int) -> None:
        """Bytes that have come; how many there will be is not known before."""
        if self._downloads is not None:
            with self._lock:
                self._downloads.add(now, size)

    def is_idle(self, now: float) -> bool:
        with self._lock:
            windows = (self._units, self._day, self._uploads, self._downloads, self._sharings)
            return now >= self._closed_until and all(window is None or window.is_empty(now) for window in windows)

    def closed_for(self, now: float) -> float:
        """Seconds until somebody may get in again."""
        with self._lock:
            return max(0.0, self._closed_until - now)

    @property
    def _closed_until(self) -> float:
        return self._cells[_CLOSED_UNTIL] / _MICROSECONDS

    def _close(self, now: float, seconds: float) -> None:
        until, before = now + seconds, self._closed_until
        if until > before:
            self.blocked_seconds += until - max(now, before)
            self._cells[_CLOSED_UNTIL] = _stamp(until)

    def _delay(self, now: float, cost: Cost) -> float:
        reset = self._cells[_LEFT_UNTIL] / _MICROSECONDS - now
        delay = reset if reset > 0 and self._cells[_LEFT] < cost.units else 0.0
        for window, amount in self._amounts(cost):
            delay = max(delay, window.delay(now, amount))
        if self._downloads is not None:
            delay = max(delay, self._downloads.delay(now, 0))
        return delay

    def _book(self, now: float, cost: Cost) -> None:
        self._cells[_LEFT] -= cost.units
        for window, amount in self._amounts(cost):
            window.add(now, amount)

    def _amounts(self, cost: Cost) -> t.Iterator[tuple[SlidingWindow, int]]:
        pairs = ((self._units, cost.units), (self._day, cost.units), (self._uploads, cost.upload_bytes), (self._sharings, cost.sharings))
        for window, amount in pairs:
            if window is not None and amount:
                yield window, amount


def _stamp(moment: float) -> int:
    return math.ceil(moment * _MICROSECONDS)
