# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""TNEF, in which Outlook wraps attachments as winmail.dat: attachments, embedded messages, bodies.

Layout: [MS-OXTNEF] 2.1.3 (attributes), 2.1.3.5 (properties). Values that span several bytes are little-endian.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import struct
import typing as t
from dataclasses import dataclass

from .unpack_piece import Found, Part, Piece, Trouble

TNEF = b"\x78\x9f\x3e\x22"
_ATTRIBUTE = struct.Struct("<BII")
_ATTACH_DATA = 0x0006800F
_BODY = 0x0002800C
_WITH_PROPERTIES = (0x00069003, 0x00069005)
_MOST_PROPERTIES = 100_000
_FIXED = {0x02: 4, 0x03: 4, 0x04: 4, 0x05: 8, 0x06: 8, 0x07: 8, 0x0A: 4, 0x0B: 4, 0x14: 8, 0x40: 8, 0x48: 16, 0x00: 4, 0x01: 4}
_OBJECT, _TEXT, _UNICODE, _BINARY = 0x0D, 0x1E, 0x1F, 0x102
_SEVERAL = 0x1000
_NAMED = 0x8000
_IID = 16
_SMALLEST = 32


def tnef_parts(piece: Piece) -> t.Iterator[Found]:
    """Attachments and every longer value: an embedded message is one, which is TNEF again behind its interface id."""
    place = 6
    for _number in range(_MOST_PROPERTIES):
        if place + _ATTRIBUTE.size > piece.size:
            return
        _level, kind, size = _ATTRIBUTE.unpack(piece.read(place, place + _ATTRIBUTE.size))
        start = place + _ATTRIBUTE.size
        if start + size > piece.size:
            yield Part(piece.windows(start, piece.size))
            yield Trouble("TNEF data (winmail.dat) that is cut off")
            return
        if kind in (_ATTACH_DATA, _BODY) and size:
            yield Part(piece.windows(start, start + size))
        elif kind in _WITH_PROPERTIES:
            yield from _values(_Reader(piece, start, start + size))
        place = start + size + 2  # the checksum
    yield Trouble("damaged TNEF data (winmail.dat)")


@dataclass(slots=True)
class _Reader:
    piece: Piece
    place: int
    stop: int

    def number(self) -> int:
        """Raises _Damaged at the end."""
        found = self.piece.read(self.place, min(self.place + 4, self.stop))
        if len(found) < 4:
            raise _Damaged
        self.place += 4
        return int.from_bytes(found, "little")

    def skip(self, size: int) -> int:
        """Where it began; what is skipped is filled up to four bytes. Raises _Damaged when there is less."""
        start = self.place
        if start + size > self.stop:
            raise _Damaged
        self.place = start + -(-size // 4) * 4
        return start


class _Damaged(Exception):
    pass


def _values(reader: _Reader) -> t.Iterator[Found]:
    try:
        count = reader.number()
        if count > _MOST_PROPERTIES:
            raise _Damaged
        for _number in range(count):
            yield from _property(reader)
    except _Damaged:
        # Whatever the rest is: it is looked at as it stands.
        yield Part(reader.piece.windows(reader.place, reader.stop))
        yield Trouble("damaged TNEF data (winmail.dat)")


def _property(reader: _Reader) -> t.Iterator[Found]:
    tag = reader.number()
    kind, name = tag & 0xFFFF, tag >> 16
    if name >= _NAMED:
        reader.skip(_IID)
        if reader.number() == 1:
            reader.skip(reader.number())
        else:
            reader.number()
    several = bool(kind & _SEVERAL)
    kind &= ~_SEVERAL
    fixed = _FIXED.get(kind)
    if fixed is not None:
        reader.skip(fixed * (reader.number() if several else 1))
        return
    if kind not in (_OBJECT, _TEXT, _UNICODE, _BINARY):
        raise _Damaged
    count = reader.number()
    if count > _MOST_PROPERTIES:
        raise _Damaged
    for _value in range(count):
        size = reader.number()
        start = reader.skip(size)
        if kind == _OBJECT and size > _IID:
            yield Part(reader.piece.windows(start + _IID, start + size))
        elif size >= _SMALLEST:
            yield Part(reader.piece.windows(start, start + size))
