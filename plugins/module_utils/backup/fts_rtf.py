# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compressed RTF [MS-OXRTFCP]: how Exchange keeps the body of some messages, older ones above all.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t

from .fts_frames import ByteSource, StreamEnds

_HEAD = 16
_COMPRESSED, _PLAIN = b"LZFu", b"MELA"
_RING = 4096
_PIECE = 1 << 16
_KNOWN = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS Sans SerifSymbolArial"
    b"Times New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)
"""What every text may refer to before it has said anything."""


def rtf_of(chunks: t.Iterable[bytes]) -> t.Iterator[bytes]:
    """The RTF inside, in pieces; what there is of it when it ends early, nothing when it is something else. Never raises for
    what is inside."""
    waiting = bytearray()
    for piece in _pieces(ByteSource(chunks)):
        waiting += piece
        if len(waiting) >= _PIECE:
            yield bytes(waiting)
            waiting.clear()
    if waiting:
        yield bytes(waiting)


def _pieces(source: ByteSource) -> t.Iterator[bytes]:
    try:
        head = source.take(_HEAD)
        if head[8:12] == _PLAIN:
            yield from source.pieces(int.from_bytes(head[4:8], "little"))
        elif head[8:12] == _COMPRESSED:
            yield from _expanded(source)
    except StreamEnds:
        return


def _expanded(source: ByteSource) -> t.Iterator[bytes]:
    """Letters, and references to what was said before: where in the ring, and how long. One to the present place is the end.

    Raises StreamEnds when there is no such end.
    """
    ring = bytearray(_KNOWN).ljust(_RING, b"\0")
    at = len(_KNOWN)
    while True:
        control = source.take(1)[0]
        for bit in range(8):
            if control >> bit & 1:
                reference = int.from_bytes(source.take(2), "big")
                start, length = reference >> 4, (reference & 0xF) + 2
                if start == at:
                    return
            else:
                start, length = at, 1
                ring[at] = source.take(1)[0]
            run = bytearray()
            for step in range(length):
                run.append(ring[(start + step) % _RING])
                ring[(at + step) % _RING] = run[-1]
            yield bytes(run)
            at = (at + length) % _RING
