# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One conversation with clamd: a connection on which one content after the other is judged.

A session (IDSESSION) numbers the replies, saves a connection for each content, and lets the daemon be asked for a sign of
life while it works: it answers PING at once even when all of its threads are busy, and not at all when it hangs.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import time
import typing as t

from .clamd_address import Address
from .clamd_protocol import (
    END_OF_STREAM,
    END_SESSION,
    INSTREAM,
    PING,
    START_SESSION,
    VERSION,
    Judgement,
    Version,
    chunk_header,
    parse_judgement,
    parse_version,
)
from .clamd_wire import NoReply, Wire
from .self_test import EICAR
from .verdict import VerdictKind

SIGN_OF_LIFE_EVERY = 3.0
"""Seconds of silence after which the daemon is asked whether it lives."""
LONGEST_SCAN = 900.0
"""Seconds that a living daemon gets for one content. clamd's own limit, MaxScanTime, is two minutes unless somebody raised it."""
_PIECE = 1 << 20
_MOST_BUFFERS = 128


class BlindDaemon(Exception):
    """The daemon answers, but calls the test virus clean."""


class Session:
    """For one thread at a time; C(abort) may come from any. After an error nothing but C(close) makes sense."""

    def __init__(self, address: Address, *, patience: float, may_take: float) -> None:
        """Connect, ask for the version, see that EICAR is found: all that within C(may_take) seconds of silence.

        A daemon that loads its signatures may accept connections already and answer later. Afterwards one that gives no
        sign of life for C(patience) seconds is given up. Raises NoReply, BlindDaemon, and OSError when it cannot connect.
        """
        self.judged = 0
        self.longest_gap = 0.0
        """Seconds in which a content did not go on."""
        self.is_over = False
        self._commands = self._asked = 0
        self._replies: dict[int, str] = {}
        self._pings: set[int] = set()
        self._wire = Wire(address.connect(may_take), may_take)
        try:
            self._wire.send(START_SESSION)
            self.version = self._version()
            self._see_that_it_works()
        except BaseException:
            self._wire.close()
            raise
        self._wire.patience = patience
        self.judged = 0
        self.opened = time.monotonic()

    def judge(self, chunks: t.Iterable[bytes]) -> Judgement:
        """Raises NoReply, and what reading the chunks raises. The session may be over afterwards (C(is_over))."""
        self._commands += 1
        number = self._asked = self._commands
        if not self._stream(chunks):
            # It has not read all, so it takes the rest for commands: over the limit, or out of temporary space.
            self.is_over = True
        judgement = self._judgement(number)
        self.judged += 1
        self.used = time.monotonic()
        return judgement

    def abort(self) -> None:
        """Whoever waits for an answer gets NoReply."""
        self._wire.abort()

    def close(self) -> None:
        if not self.is_over and not self._wire.at_end and not self._wire.has_news():
            self._wire.patience = 0.0
            try:
                self._wire.send(END_SESSION)
            except NoReply:
                pass  # It takes nothing any more, not even a goodbye.
        self._wire.close()

    def _stream(self, chunks: t.Iterable[bytes]) -> bool:
        """Send a content, most of them at once: both sides wake up less often. False when the daemon speaks before it has all."""
        waiting: list[bytes | memoryview] = [INSTREAM]
        size, waited = 0, time.monotonic()
        for chunk in chunks:
            self.longest_gap = max(self.longest_gap, time.monotonic() - waited)
            view = memoryview(chunk)
            for start in range(0, len(view), _PIECE):
                piece = view[start : start + _PIECE]
                waiting += [chunk_header(len(piece)), piece]
                size += len(piece)
                if size >= _PIECE or len(waiting) >= _MOST_BUFFERS:
                    if self._wire.has_news() or not self._wire.send(*waiting):
                        return False
                    waiting.clear()
                    size = 0
            waited = time.monotonic()
        return self._wire.send(*waiting, END_OF_STREAM)

    def _judgement(self, number: int) -> Judgement:
        started = time.monotonic()
        while (reply := self._replies.pop(number, None)) is None:
            if time.monotonic() - started > LONGEST_SCAN:
                self.is_over = True
                return Judgement(VerdictKind.UNSCANNABLE, reason=f"clamd was not ready after {LONGEST_SCAN / 60:.0f} minutes")
            self._listen()
        return parse_judgement(reply)

    def _see_that_it_works(self) -> None:
        judgement = self.judge((EICAR,))
        if judgement.kind is VerdictKind.CLEAN:
            raise BlindDaemon
        if judgement.kind is not VerdictKind.INFECTED:
            raise NoReply(judgement.reason)

    def _version(self) -> Version:
        number = self._command(VERSION)
        while (reply := self._replies.pop(number, None)) is None:
            self._listen()
        version = parse_version(reply)
        if version is None:
            raise NoReply(f"what listens there does not answer as clamd does ({reply[:60]!r})")
        return version

    def _command(self, command: bytes) -> int:
        self._commands += 1
        self._wire.send(command)
        return self._commands

    def _listen(self) -> None:
        """Take replies in; ask for a sign of life when there are none. Raises NoReply when there is nobody."""
        if self._wire.at_end:
            raise NoReply("it closed the connection without an answer")
        replies = self._wire.receive(min(SIGN_OF_LIFE_EVERY, self._wire.patience / 3))
        if replies is None:
            if self._wire.silent >= self._wire.patience:
                raise NoReply(f"it gave no sign of life for {self._wire.silent:.0f} seconds", self._wire.silent)
            if not self._pings and not self.is_over:
                self._pings.add(self._command(PING))
            return
        for number, text in replies:
            if number in self._pings:
                self._pings.discard(number)
            elif number or "size limit" in text:
                self._replies[number or self._asked] = text
            else:
                raise NoReply(f"it said: {text[:100]}")
