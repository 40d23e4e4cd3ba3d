# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a run ends before it is through: a signal asks it to, its window closes, or its minutes are over.

Then nothing more is fetched, and what was read is left as a checkpoint, from which the next run goes on.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import contextlib
import multiprocessing.connection
import os
import threading
import typing as t
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from .._errors import BackupError, InputError
from .._signals import StopSignal, heard_by
from .._text import count_text
from ..plan.schedule_window import window_closes
from .results import STOPPED

if t.TYPE_CHECKING:
    from ..plan.model import Plan

#: A machine that was suspended sees then at the latest that its time is over.
_LONGEST_WAIT_SECONDS = 30.0


class StopReason(str, Enum):
    """In the words of results."""

    SIGNAL = "signal"
    WINDOW = "window"
    MAX_MINUTES = "max_minutes"


@dataclass(frozen=True, slots=True)
class Stopped:
    """Why a run was stopped. C(words) are a sentence without its full stop."""

    reason: StopReason
    words: str


@dataclass(frozen=True, slots=True)
class Deadline:
    """The moment at which a run has to stop, and what it is to say then."""

    moment: datetime
    stopped: Stopped


def deadline_of(plan: Plan, max_minutes: int | None, started: datetime) -> Deadline | None:
    """The first of what the plan's window and the task's own limit say. A run that began outside of the window has none to keep to.

    Raises InputError for a limit that lets nothing be done.
    """
    if max_minutes is not None and max_minutes < 1:
        raise InputError(f"The option max_minutes must be 1 or more, not {max_minutes}.", hint="Leave it out for a run without a limit.")
    deadlines: list[Deadline] = []
    closes = window_closes(plan.schedule, started)
    if closes is not None:
        words = f"the window of its plan closed at {closes.astimezone(plan.time_zone):%H:%M %Z}"
        deadlines.append(Deadline(closes, Stopped(StopReason.WINDOW, words)))
    if max_minutes is not None:
        words = f"its time of {count_text(max_minutes, 'minute')} was over"
        deadlines.append(Deadline(started + timedelta(minutes=max_minutes), Stopped(StopReason.MAX_MINUTES, words)))
    return min(deadlines, key=lambda deadline: deadline.moment, default=None)


def left_by(stopped: Stopped) -> BackupError:
    """What is to be said of a source that the run did not come to the end of."""
    return BackupError(
        f"It was not read to its end because the run was stopped: {stopped.words}.",
        hint="The next run goes on with it.",
        facts={"code": STOPPED},
    )


class Stop:
    """What a run asks whether it has to stop. Thread-safe. Nobody asks it to before it is L(watching)."""

    def __init__(self, now: t.Callable[[], datetime], deadline: Deadline | None = None) -> None:
        self._now = now
        self._deadline = deadline
        self._signal = ""
        self._is_late = False
        self._is_over = False
        self._unwinds = False
        self._acts: list[t.Callable[[], None]] = []
        self._lock = threading.Lock()
        self._ends: tuple[int, int] | None = None

    @property
    def stopped(self) -> Stopped | None:
        """Why the run has to stop, None while it need not."""
        if self._signal:
            return Stopped(StopReason.SIGNAL, f"it got the signal {self._signal}")
        return self._deadline.stopped if self._is_late and self._deadline is not None else None

    @property
    def is_asked(self) -> bool:
        return self.stopped is not None

    @property
    def readable(self) -> t.Sequence[int]:
        """What becomes readable when the run has to stop, to wait for together with pipes; nothing while nobody watches."""
        return () if self._ends is None else self._ends[:1]

    @contextlib.contextmanager
    def watching(self) -> t.Iterator[Stop]:
        """Inside the block signals are taken, and the deadline is watched."""
        self._ends = os.pipe()
        watcher = threading.Thread(target=self._watch, name="stop", daemon=True)
        try:
            with heard_by(self._hear):
                watcher.start()
                try:
                    yield self
                finally:
                    self._is_over = True
                    self._wake()
                    watcher.join()
        finally:
            ends, self._ends = self._ends, None
            for end in ends:
                os.close(end)

    @contextlib.contextmanager
    def calling(self, act: t.Callable[[], None]) -> t.Iterator[None]:
        """Have C(act) called when the run has to stop inside the block, at once if it already has to; from any thread, and it
        may be more than once."""
        with self._lock:
            self._acts.append(act)
            is_asked = self.is_asked
        if is_asked:
            act()
        try:
            yield
        finally:
            with self._lock:
                self._acts.remove(act)

    @contextlib.contextmanager
    def unwinding(self) -> t.Iterator[None]:
        """Inside the block, in which a run waits and has nothing that it could save, a signal raises StopSignal."""
        if self._signal:
            raise StopSignal(self._signal)
        self._unwinds = True
        try:
            yield
        finally:
            self._unwinds = False

    def _hear(self, name: str) -> None:
        """Between any two steps of the main thread: no locks. The first signal counts."""
        if self._signal:
            return
        self._signal = name
        if self._unwinds:
            self._unwinds = False
            raise StopSignal(name)
        self._wake()

    def _wake(self) -> None:
        if self._ends is not None:
            os.write(self._ends[1], b".")

    def _watch(self) -> None:
        while not self._is_over and not self._signal:
            left = _LONGEST_WAIT_SECONDS
            if self._deadline is not None:
                left = min(left, (self._deadline.moment - self._now()).total_seconds())
                if left <= 0:
                    self._is_late = True
                    self._wake()
                    break
            multiprocessing.connection.wait(self.readable, left)
        with self._lock:
            acts = list(self._acts) if self.is_asked else []
        for act in acts:
            act()
