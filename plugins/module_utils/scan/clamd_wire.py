# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bytes to and from clamd, without ever waiting for longer than allowed.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import select
import socket
import time

from .clamd_protocol import split_frames

_RECEIVED_AT_ONCE = 1 << 16


class NoReply(Exception):
    """The conversation ended without an answer. C(silent) is for how many seconds nothing had been heard."""

    def __init__(self, why: str, silent: float = 0.0) -> None:
        super().__init__(why)
        self.why = why
        self.silent = silent


class Wire:
    """A connected socket. C(patience) is for how many seconds nothing may move. For one thread; C(abort) may come from any."""

    def __init__(self, connection: socket.socket, patience: float) -> None:
        connection.setblocking(False)
        self.patience = patience
        self.at_end = False
        self._socket = connection
        self._rest = b""
        self._moved = time.monotonic()
        self._reading, self._both = select.poll(), select.poll()
        self._reading.register(connection, select.POLLIN)
        self._both.register(connection, select.POLLIN | select.POLLOUT)

    @property
    def silent(self) -> float:
        """Seconds since something moved."""
        return time.monotonic() - self._moved

    def send(self, *buffers: bytes | memoryview) -> bool:
        """Send all of them; False when the daemon said something or hung up before that. Raises NoReply when nothing moves."""
        rest = [memoryview(buffer) for buffer in buffers if buffer]
        self._moved = time.monotonic()
        while rest:
            try:
                sent = self._socket.sendmsg(rest)
            except BlockingIOError:
                if not self._may_send():
                    return False
                continue
            except OSError:
                return False
            while rest and sent >= len(rest[0]):
                sent -= len(rest.pop(0))
            if sent:
                rest[0] = rest[0][sent:]
            self._moved = time.monotonic()
        return True

    def has_news(self) -> bool:
        """Whether there is something to read, the end of the connection among it. Does not wait."""
        return bool(self._reading.poll(0))

    def receive(self, seconds: float) -> list[tuple[int, str]] | None:
        """The next whole replies, perhaps none of those yet; None when nothing came for so long. After the end: C(at_end)."""
        if not self._reading.poll(seconds * 1000):
            return None
        try:
            received = self._socket.recv(_RECEIVED_AT_ONCE)
        except BlockingIOError:
            return []
        except OSError:
            received = b""
        self._moved = time.monotonic()
        if received:
            frames, self._rest = split_frames(self._rest + received)
            return frames
        # What came of a reply without its end may be anything: no reply.
        self.at_end = True
        return []

    def abort(self) -> None:
        """Whoever waits on it finds its end."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # The other side was faster.

    def close(self) -> None:
        self._socket.close()

    def _may_send(self) -> bool:
        """Wait until there is room. False when the daemon speaks instead."""
        while self.silent < self.patience:
            for _number, event in self._both.poll(max(1.0, (self.patience - self.silent) * 1000)):
                return not event & ~select.POLLOUT
        raise NoReply(f"it took nothing for {self.silent:.0f} seconds", self.silent)
