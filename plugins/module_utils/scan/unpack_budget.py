# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How much may be unpacked from one content, so that no content can stop a backup.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .unpack_piece import TooMuch


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """C(depth) packings inside one another, C(pieces) in all of them, C(unpacked) bytes in all of them.

    From C(ratio_from) bytes on, no more than C(ratio) bytes may come out of each byte of the content.
    """

    depth: int = 16
    pieces: int = 50_000
    unpacked: int = 1 << 30
    ratio: int = 200
    ratio_from: int = 64 << 20


class Budget:
    """What is left of the limits for one content of C(size) bytes."""

    def __init__(self, size: int, limits: Limits) -> None:
        self._limits = limits
        self._allowed = min(limits.unpacked, max(limits.ratio_from, size * limits.ratio))
        self._pieces = 0
        self._bytes = 0

    def opened(self, depth: int) -> None:
        """Count one piece that lies in C(depth) packings. Raises TooMuch."""
        self._pieces += 1
        if depth > self._limits.depth:
            raise TooMuch(f"packed more than {self._limits.depth} times in one another")
        if self._pieces > self._limits.pieces:
            raise TooMuch(f"holds more than {self._limits.pieces:,} parts")

    def counted(self, chunks: t.Iterable[bytes]) -> t.Iterator[bytes]:
        """The chunks. Raises TooMuch instead of one that is over a limit."""
        for chunk in chunks:
            self._bytes += len(chunk)
            if self._bytes > self._allowed:
                raise TooMuch(self._reason())
            yield chunk

    def _reason(self) -> str:
        if self._allowed < self._limits.unpacked:
            return f"unpacks to more than {max(self._limits.ratio_from >> 20, 1):,} MiB and {self._limits.ratio} times its size"
        return f"unpacks to more than {self._limits.unpacked >> 20:,} MiB"
