# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Time as this room needs it, so that tests can own it."""

from __future__ import annotations

import threading
import time
import typing as t
from datetime import datetime, timezone


class Clock(t.Protocol):
    def now(self) -> datetime:
        """The time of day in UTC, for what is written."""

    def elapsed(self) -> float:
        """Seconds since some moment, counting the time a machine was suspended."""

    def sleep(self, seconds: float) -> None: ...

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait until C(event) is set, at most C(seconds); say whether it is."""


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        return datetime.now(timezone.utc)

    def elapsed(self) -> float:
        clock = getattr(time, "CLOCK_BOOTTIME", None)
        return time.monotonic() if clock is None else time.clock_gettime(clock)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def wait(self, event: threading.Event, seconds: float) -> bool:
        return event.wait(seconds)
