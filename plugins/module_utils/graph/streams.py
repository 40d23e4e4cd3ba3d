# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An answer that is read bit by bit while the connection is held.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t

from .refusals import Attempt, broken_stream
from .transport import Incoming, TransportFault


class Stream:
    """An answer that has begun well. The place in the limiter is held until it is closed by who opened it."""

    __slots__ = ("_attempt", "_count", "_incoming", "headers", "received", "status")

    def __init__(self, incoming: Incoming, attempt: Attempt, count: t.Callable[[int], None]) -> None:
        self.status = incoming.status
        self.headers = incoming.headers
        self.received = 0
        self._incoming = incoming
        self._attempt = attempt
        self._count = count

    def pieces(self, size: int) -> t.Iterator[bytes]:
        """The body, in a first piece of up to ``size`` bytes and further ones of at most 1 MiB.

        :raises StreamBroken: the connection broke, or the body is shorter than announced; the pieces so far are good.
        :raises Cancelled: between two pieces.
        """
        try:
            for piece in self._incoming.pieces(size):
                self.received += len(piece)
                self._count(len(piece))
                yield piece
        except TransportFault as fault:
            raise broken_stream(self._attempt, fault.reason) from None
