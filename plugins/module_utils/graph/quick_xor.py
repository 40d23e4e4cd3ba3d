# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""quickXorHash, the one hash that OneDrive for Business states of every file.

Definition (OneDrive's page on the algorithm): a ring of 160 bits; byte number i is XORed in at bit 11 * i, and in the end the
length, as 64 bits, into the last eight bytes. Since 11 * 160 is a multiple of 160, bytes that are 160 apart meet at the same
place: all of them are XORed together first, as large integers, and put into the ring only once.

It tells whether a file arrived as it was sent. It is linear: no proof against somebody who wants to deceive.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import base64
import typing as t

_PERIOD = 160
_STEP = 11
_RING_BITS = 160
_WINDOW = _PERIOD * 64
"""Bytes that are read as one integer."""


class QuickXor:
    """Update it with the content, piece after piece of any length."""

    __slots__ = ("_folded", "_length")

    def __init__(self) -> None:
        self._folded = 0
        self._length = 0

    def update(self, piece: bytes | bytearray | memoryview) -> QuickXor:
        view = memoryview(piece)
        place = self._length % _WINDOW
        self._length += len(view)
        folded, start = self._folded, 0
        if place:
            start = min(_WINDOW - place, len(view))
            folded ^= int.from_bytes(view[:start], "little") << 8 * place
        for offset in range(start, len(view), _WINDOW):
            folded ^= int.from_bytes(view[offset : offset + _WINDOW], "little")
        self._folded = folded
        return self

    def digest(self) -> str:
        """As the service writes it: 20 bytes in base64."""
        ring = 0
        for place, byte in enumerate(_folded_once(self._folded)):
            ring ^= byte << (_STEP * place % _RING_BITS)
        ring = (ring ^ ring >> _RING_BITS) & ((1 << _RING_BITS) - 1)
        ring ^= (self._length % (1 << 64)) << (_RING_BITS - 64)
        return base64.b64encode(ring.to_bytes(_RING_BITS // 8, "little")).decode("ascii")


def quick_xor(pieces: t.Iterable[bytes]) -> str:
    """The hash of a whole content."""
    state = QuickXor()
    for piece in pieces:
        state.update(piece)
    return state.digest()


def _folded_once(folded: int) -> bytes:
    """The window XORed down to one period."""
    window = folded.to_bytes(_WINDOW, "little")
    period = 0
    for offset in range(0, _WINDOW, _PERIOD):
        period ^= int.from_bytes(window[offset : offset + _PERIOD], "little")
    return period.to_bytes(_PERIOD, "little")
