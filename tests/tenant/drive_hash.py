# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""quickXorHash, the hash that OneDrive for Business states (facts A9): a 160-bit ring into which each byte is XORed 11 bits on.

Written apart from the collection's own, so that each is a check of the other.
"""

from __future__ import annotations

import base64

_BITS = 160
_BLOCK = 160  # bytes after which the pattern of shifts repeats: 11 * 160 bits are whole turns of the ring
_STEP = 11
_PIECE = 1 << 20


class QuickXor:
    """Takes bytes piece by piece."""

    __slots__ = ("_folded", "_length")

    def __init__(self) -> None:
        self._folded = 0
        self._length = 0

    def update(self, data: bytes) -> None:
        for start in range(0, len(data), _PIECE):
            piece = data[start : start + _PIECE]
            self._folded ^= _fold(int.from_bytes(piece, "little") << 8 * (self._length % _BLOCK))
            self._length += len(piece)

    def digest(self) -> bytes:
        """The 20 bytes."""
        ring = 0
        for number, byte in enumerate(self._folded.to_bytes(_BLOCK, "little")):
            shift = _STEP * number % _BITS
            ring ^= byte << shift
        ring = (ring & ((1 << _BITS) - 1)) ^ (ring >> _BITS)
        return (ring ^ (self._length << 96)).to_bytes(_BITS // 8, "little")


def quick_xor(data: bytes) -> str:
    """The hash as the service writes it."""
    state = QuickXor()
    state.update(data)
    return base64.b64encode(state.digest()).decode("ascii")


def _fold(number: int) -> int:
    """All blocks of a number, XORed into one."""
    bits = 8 * _BLOCK
    while number.bit_length() > bits:
        half = (number.bit_length() + 2 * bits - 1) // (2 * bits) * bits
        number = (number >> half) ^ (number & ((1 << half) - 1))
    return number
