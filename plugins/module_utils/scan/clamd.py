# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Malware verdicts by clamd, whatever happens to the daemon: it is waited for, reconnected to, and its silence is no verdict.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import errno
import queue
import threading
import time
import typing as t
from dataclasses import dataclass
from datetime import datetime

from .clamd_address import Address
from .clamd_database import ClamdDatabase
from .clamd_session import BlindDaemon, Session
from .clamd_wire import NoReply
from .outage import Outage
from .scanner import Content, ScannerDown, ScannerUnusable
from .sealed_mail import Beginning, sealed_with
from .verdict import Engine, Verdict, VerdictKind
from .verdicts import time_text, too_large, unscannable

_ATTEMPTS = 3
"""So often a content may end new sessions of a daemon that is well before and after. Then it is the content."""
_IDLE = 4.0
"""Seconds. clamd ends sessions that say nothing for CommandReadTimeout, 30 seconds unless somebody shortened it."""
_AGE = 60.0
"""Seconds until a session is opened anew, which asks for the version of the signatures again."""
_SLOW = 20.0
"""Seconds. clamd does not wait for the next piece of a content for longer than ReadTimeout, two minutes unless somebody shortened it."""
_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class _Seat:
    """A session and what its verdicts are worth."""

    session: Session
    engine: Engine

    @property
    def is_stale(self) -> bool:
        now = time.monotonic()
        return self.session.is_over or now - self.session.used > _IDLE or now - self.session.opened > _AGE


class ClamdScanner:
    """At most C(at_once) sessions; threads beyond that wait for one another. Close it."""

    def __init__(
        self,
        address: Address,
        *,
        size_limit: int,
        at_once: int,
        patience: float,
        now: t.Callable[[], datetime],
        database: ClamdDatabase,
    ) -> None:
        """Opens the first session. Raises ScannerDown when nobody answers within C(patience) seconds, and ScannerUnusable."""
        self._address = address
        self._size_limit = size_limit
        self._patience = patience
        self._now = now
        self._database = database
        self._outage = Outage(patience, time.monotonic)
        # A semaphore of Python wakes its waiters in Python, for every content; this one does not.
        self._slots: queue.SimpleQueue[None] = queue.SimpleQueue()
        for _slot in range(at_once):
            self._slots.put(None)
        self._lock = threading.Lock()
        self._idle: list[_Seat] = []
        self._busy: set[_Seat] = set()
        self._closed = threading.Event()
        seat = self._opened(is_first=True)
        self._engine = seat.engine
        self._give_back(seat)

    @property
    def engine(self) -> Engine:
        """As the daemon was when a session was last opened: it takes in new signatures while it runs."""
        return self._engine

    def scan(self, content: Content) -> Verdict:
        """Raises ScannerDown, and what reading the content raises. A daemon that is away is waited for."""
        if content.size > self._size_limit:
            return too_large(content.size, self._size_limit, self._engine, self._now())
        self._slots.get()
        try:
            return self._scan(content)
        finally:
            self._slots.put(None)

    def close(self) -> None:
        self._closed.set()
        with self._lock:
            idle, self._idle = self._idle, []
            for seat in self._busy:
                seat.session.abort()
        for seat in idle:
            seat.session.close()

    def _scan(self, content: Content) -> Verdict:
        why, failures, fresh, gap = "", 0, False, 0.0
        beginning = Beginning()
        while failures < _ATTEMPTS:
            seat = self._take(fresh=fresh)
            # A session that was used before may have ended in the meantime, which says nothing about this content.
            failures, fresh = failures + (not seat.session.judged), True
            try:
                judgement = seat.session.judge(beginning.watch(content.chunks()))
            except NoReply as error:
                self._drop(seat)
                why, gap = error.why, max(gap, seat.session.longest_gap)
                if error.silent:
                    self._outage.failed(*self._words(error), silent=error.silent)
            except BaseException:
                self._drop(seat)
                raise
            else:
                self._outage.ended()
                if judgement.kind is not None:
                    self._give_back(seat)
                    if judgement.kind is VerdictKind.CLEAN and (seal := sealed_with(beginning.bytes())):
                        return unscannable(f"encrypted ({seal})", seat.engine, self._now())
                    return self._verdict(judgement.kind, judgement.name, judgement.reason, seat.engine)
                self._drop(seat)
                why = judgement.reason
            if seat.session.judged or failures > 1:
                self._closed.wait(failures * _FIRST_PAUSE * 4)
        if gap > _SLOW:
            raise ScannerDown(f"clamd gave up on a content that was read too slowly, with pauses of {gap:.0f} seconds ({why}).")
        return unscannable(f"clamd gave up on it {_ATTEMPTS} times ({why})", self._engine, self._now())

    def _verdict(self, kind: VerdictKind, name: str, reason: str, engine: Engine) -> Verdict:
        names = (name,) if name else ()
        return Verdict(kind=kind, names=names, reason=reason, engine=engine.name, database=engine.database, time=time_text(self._now()))

    def _take(self, *, fresh: bool) -> _Seat:
        """A session that is not in use, else another one. Raises ScannerDown."""
        self._outage.check()
        while not fresh:
            with self._lock:
                seat = self._idle.pop() if self._idle else None
                if seat is not None and not seat.is_stale:
                    self._busy.add(seat)
                    return seat
            if seat is None:
                break
            seat.session.close()
        return self._opened()

    def _opened(self, *, is_first: bool = False) -> _Seat:
        """Raises ScannerDown when there is nobody for too long, and for the first one ScannerUnusable when waiting would not help."""
        pause = _FIRST_PAUSE
        while not self._closed.is_set():
            own = self._database.own_signatures()
            try:
                session = Session(self._address, patience=self._patience, may_take=self._outage.remaining)
            except (NoReply, BlindDaemon, OSError) as error:
                what, hint = self._words(error)
                if is_first and isinstance(error, (BlindDaemon, PermissionError)):
                    raise ScannerUnusable(what, hint=hint) from None
                self._outage.failed(what, hint, silent=error.silent if isinstance(error, NoReply) else 0.0)
            else:
                self._outage.ended()
                seat = _Seat(session, self._database.engine(session.version, own))
                self._engine = seat.engine
                with self._lock:
                    self._busy.add(seat)
                return seat
            self._closed.wait(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
        raise ScannerDown("The malware scan was ended.")

    def _give_back(self, seat: _Seat) -> None:
        with self._lock:
            self._busy.discard(seat)
            if not self._closed.is_set() and not seat.session.is_over:
                self._idle.append(seat)
                return
        seat.session.close()

    def _drop(self, seat: _Seat) -> None:
        with self._lock:
            self._busy.discard(seat)
        seat.session.close()
        if self._closed.is_set():
            raise ScannerDown("The malware scan was ended.")

    def _words(self, error: NoReply | BlindDaemon | OSError) -> tuple[str, str]:
        where = f"clamd at {self._address.text}"
        if isinstance(error, BlindDaemon):
            return (
                f"{where} does not find the test virus EICAR, so its verdicts are worth nothing.",
                "Install the official signatures with freshclam, or add a signature of EICAR to your own.",
            )
        if isinstance(error, NoReply):
            return f"{where} does not answer: {error.why}.", "Look into its log; restart it when it hangs."
        what = f"{where} cannot be reached: {error.strerror or error}."
        if isinstance(error, PermissionError):
            return what, "Allow the user of the backup to write to the socket: LocalSocketGroup and LocalSocketMode in clamd.conf."
        if error.errno == errno.EAGAIN:
            return what, "It has more clients than it takes: raise MaxConnectionQueueLength and MaxThreads in clamd.conf."
        return what, "Start clamd, or give the right socket: LocalSocket, or TCPAddr and TCPSocket, in clamd.conf."
