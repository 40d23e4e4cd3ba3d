# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How much fits into a stretch of time: a sliding window whose state is a row of integers.

A row of integers, because processes can have one in common.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from array import array

_GRAINS = 120
_FIRST, _LAST, _TOTAL, _COUNTS = 0, 1, 2, 3
_RING = _GRAINS + 2
CELLS = _COUNTS + _RING
"""How many integers a window needs."""


class Cells(t.Protocol):
    """Integers of 64 bits, all 0 at first."""

    def __getitem__(self, index: int, /) -> int: ...

    def __setitem__(self, index: int, value: int, /) -> None: ...


class SlidingWindow:
    """At most ``limit`` units in any ``window`` seconds, in constant memory. Not thread-safe.

    Times are rounded down to grains, and a grain counts until its whole width has left the window, so the limit may be
    undershot by one grain and is never exceeded. ``cells`` are those from ``start`` on; without them it has its own.
    """

    __slots__ = ("_cells", "_grain", "_limit", "_start", "_window")

    def __init__(self, limit: int, window: float, cells: Cells | None = None, start: int = 0) -> None:
        self._limit = limit
        self._window = window
        self._grain = window / _GRAINS
        self._cells: Cells = array("q", bytes(8 * CELLS)) if cells is None else cells
        self._start = start

    def delay(self, now: float, units: int) -> float:
        """Seconds until this many units fit, 0 when they fit now. More than the limit fits into an empty window."""
        self._forget(now)
        total = self._get(_TOTAL)
        if total <= 0 or total + units <= self._limit:
            return 0.0
        surplus = total + units - self._limit
        number, last = self._get(_FIRST), self._get(_LAST)
        while number < last:
            surplus -= self._get(_COUNTS + number % _RING)
            if surplus <= 0:
                break
            number += 1
        return max(self._end(number) - now, self._grain / 1000)

    def add(self, now: float, units: int) -> None:
        self._forget(now)
        first, last = self._get(_FIRST), self._get(_LAST)
        number = max(int(now // self._grain), last)
        if first > last:
            self._set(_FIRST, number)
        self._set(_LAST, number)
        cell = _COUNTS + number % _RING
        self._set(cell, self._get(cell) + units)
        self._set(_TOTAL, self._get(_TOTAL) + units)

    def is_empty(self, now: float) -> bool:
        self._forget(now)
        return self._get(_TOTAL) <= 0

    def _end(self, number: int) -> float:
        return (number + 1) * self._grain + self._window

    def _forget(self, now: float) -> None:
        """The total begins anew when the window is empty: a process that was killed in here may have left it wrong."""
        first, last = self._get(_FIRST), self._get(_LAST)
        if first > last or self._end(first) > now:
            return
        total = self._get(_TOTAL)
        while first <= last and self._end(first) <= now:
            cell = _COUNTS + first % _RING
            total -= self._get(cell)
            self._set(cell, 0)
            first += 1
        self._set(_FIRST, first)
        self._set(_TOTAL, total if first <= last else 0)

    def _get(self, index: int) -> int:
        return self._cells[self._start + index]

    def _set(self, index: int, value: int) -> None:
        self._cells[self._start + index] = value
