# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""For how long a silent engine is waited for, by all threads together.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import threading
import typing as t

from .scanner import ScannerDown

PROBE_EVERY = 30.0
"""Seconds. When all is given up, so often one scan tries whether the engine is there again; the others fail at once."""
_PROBE_SECONDS = 3.0


class Outage:
    """An outage begins when an answer fails to come and ends with the next one. Times are seconds of C(clock)."""

    def __init__(self, patience: float, clock: t.Callable[[], float]) -> None:
        self._patience = patience
        self._clock = clock
        self._lock = threading.Lock()
        self._since: float | None = None
        self._next_probe: float | None = None
        self._what = ""
        self._hint = ""

    def check(self) -> None:
        """Raises ScannerDown while the engine is given up, but for one probe in a while."""
        with self._lock:
            if self._next_probe is None:
                return
            if self._clock() < self._next_probe:
                raise ScannerDown(self._what, hint=self._hint)
            self._next_probe = self._clock() + PROBE_EVERY

    @property
    def remaining(self) -> float:
        """Seconds that the next attempt may take."""
        with self._lock:
            if self._next_probe is not None:
                return min(_PROBE_SECONDS, self._patience)
            waited = 0.0 if self._since is None else self._clock() - self._since
            return max(min(1.0, self._patience), self._patience - waited)

    def failed(self, what: str, hint: str, *, silent: float = 0.0) -> None:
        """Nothing was heard for C(silent) seconds. Raises ScannerDown when that was long enough, in all, or was given up before."""
        with self._lock:
            now = self._clock()
            self._since = now - silent if self._since is None else min(self._since, now - silent)
            if self._next_probe is None and now - self._since < self._patience:
                return
            self._next_probe = now + PROBE_EVERY
            self._what, self._hint = what, hint
        raise ScannerDown(what, hint=hint)

    def ended(self) -> None:
        """An answer came."""
        with self._lock:
            self._since = self._next_probe = None
