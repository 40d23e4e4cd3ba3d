# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cuts large contents into pieces, so that a file of which a little has changed stores little.

Where a piece ends is found in the content itself (FastCDC: Xia and others, 2020): after bytes were inserted or removed the same
cuts are found again some megabytes further on, and the rest is known. Where the library for that is missing, pieces have a fixed
size, and what follows an insertion is stored once more. Any cut is valid in the format: readers put pieces together in their order.
"""

from __future__ import annotations

import itertools
import typing as t

from .. import _deps
from .._errors import MissingLibraryError

#: No piece is larger, and no content up to this size is cut.
PIECE_SIZE = 4 << 20
#: 2.2 MiB come of it on average. Smaller pieces would store less after a change, and fill the index, which every run reads.
_SMALLEST, _USUAL = 1 << 19, 2 << 20
#: How much more readily a piece ends behind the usual size than before it. With 1, a megabyte that was inserted or overwritten stores
#: 4.7 MB on average and 9 at the 95th percentile; with 2, which the paper recommends, 5.4 and 14: the old cuts are found again later.
_NORMALIZATION: t.Literal[1] = 1
#: The library shifts its seed by one bit within 64.
_SEED_BITS = 63

#: The size of the first piece of what is given, which has PIECE_SIZE bytes, or fewer where a content ends.
Cutter = t.Callable[[memoryview], int]


def keyed_cutter(secret: bytes) -> Cutter | None:
    """Finds the ends of pieces in a way that nobody can repeat without the C(secret). For one thread.

    None where the library is missing, or is its version in Python, a hundred times slower.
    """
    try:
        library = _deps.pyfastcdc.FastCDC
    except MissingLibraryError:
        return None
    if not library.__module__.startswith("pyfastcdc.cy."):
        return None
    seed = int.from_bytes(secret[:8], "big") >> (64 - _SEED_BITS)
    chunker = library(_USUAL, min_size=_SMALLEST, max_size=PIECE_SIZE, normalized_chunking=_NORMALIZATION, seed=max(seed, 1))

    def cut(ahead: memoryview) -> int:
        return int(next(iter(chunker.cut_buf(ahead))).length)

    return cut


def cut_pieces(
    chunks: t.Iterable[bytes], new_cutter: t.Callable[[], Cutter | None], is_stored: t.Callable[[memoryview], bool]
) -> t.Iterator[bytes]:
    """A content in pieces. One up to PIECE_SIZE is whole, an empty one is none. Without a cutter all but the last have PIECE_SIZE.

    Pieces of that size at its beginning go on where they are stored: so it was cut where there was no cutter.
    """
    source = iter(chunks)
    parts: list[bytes] = []
    size = 0
    for chunk in source:
        parts.append(chunk)
        size += len(chunk)
        if size > PIECE_SIZE:
            yield from _cut(_Ahead(itertools.chain(_handed_over(parts), source)), new_cutter(), is_stored)
            return
    if size:
        whole = b"".join(parts)
        parts.clear()
        yield whole


def _cut(ahead: _Ahead, cutter: Cutter | None, is_stored: t.Callable[[memoryview], bool]) -> t.Iterator[bytes]:
    is_known = True
    while ahead.reach(PIECE_SIZE):
        with ahead.view(PIECE_SIZE) as view:
            size = len(view)
            if cutter is not None:
                is_known = is_known and is_stored(view)
                size = size if is_known else cutter(view)
        yield ahead.take(size)


def _handed_over(parts: list[bytes]) -> t.Iterator[bytes]:
    """What a list holds, until it holds nothing."""
    parts.reverse()
    while parts:
        yield parts.pop()


class _Ahead:
    """What has come of a content and was not taken: no more than was asked for and the end of the last chunk."""

    def __init__(self, chunks: t.Iterator[bytes]) -> None:
        self._chunks = chunks
        self._buffer = bytearray()

    def reach(self, size: int) -> bool:
        """Read on until so many bytes are there, or the content ends. Whether there is anything."""
        while len(self._buffer) < size:
            chunk = next(self._chunks, None)
            if chunk is None:
                break
            self._buffer += chunk
        return bool(self._buffer)

    def view(self, size: int) -> memoryview:
        """The first bytes, to be released before anything is taken."""
        return memoryview(self._buffer)[:size]

    def take(self, size: int) -> bytes:
        """The first bytes, which are not ahead any more."""
        with self.view(size) as view:
            piece = bytes(view)
        del self._buffer[:size]
        return piece
