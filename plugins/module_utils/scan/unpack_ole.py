# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compound files: Word, Excel and PowerPoint until 2003, Outlook's .msg, and what holds macros in the newer ones.

Layout: [MS-CFB] 2.2 (header), 2.3 (FAT), 2.4 (mini FAT), 2.5 (DIFAT), 2.6 (directory). Macros: [MS-OVBA] 2.4.1.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import array
import struct
import sys
import typing as t
from dataclasses import dataclass

from .unpack_piece import Found, Part, Piece, Trouble, Unreadable

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = ("EncryptedPackage".encode("utf-16-le"), "DRMContent".encode("utf-16-le"))
"""Streams that hold the whole document, under a password or a policy of the organisation."""
_HEADER = 512
_IN_HEADER = 109
_ENTRY = 128
_ROOT, _STREAM = 5, 2
_LAST = 0xFFFFFFFA
"""Numbers from here on name no sector: free, end of a chain, part of a table."""
_MOST_SECTORS = 4 << 20
_MOST_ENTRIES = 100_000
_MACRO = b"\x00Attribut"
"""How the first chunk of each compressed macro goes on behind its three bytes of signature and header."""
_CHUNK = 4096
_DAMAGED = "damaged compound file (old Office document or .msg)"


def ole_parts(piece: Piece) -> t.Iterator[Found]:
    """Every stream, and the source of every macro."""
    if any(piece.find(name) >= 0 for name in _ENCRYPTED):
        yield Trouble("encrypted Office document")
        return
    try:
        file = _Compound(piece)
        for stream in file.streams():
            yield Part(file.chunks(stream))
            yield from _macros(file, stream)
    except Unreadable as problem:
        yield Trouble(problem.reason)


@dataclass(frozen=True, slots=True)
class _Stream:
    start: int
    size: int


class _Compound:
    """Raises Unreadable for what is no sound file, from every method."""

    def __init__(self, piece: Piece) -> None:
        header = piece.read(0, _HEADER)
        if len(header) < _HEADER:
            raise Unreadable(_DAMAGED)
        shift, mini_shift = struct.unpack("<2H", header[30:34])
        if shift not in (9, 12) or mini_shift != 6:
            raise Unreadable(_DAMAGED)
        self._piece = piece
        self._size = 1 << shift
        self._mini_size = 1 << mini_shift
        directory, self._cutoff, mini_fat = (struct.unpack("<I", header[place : place + 4])[0] for place in (48, 56, 60))
        self._fat = self._table(self._fat_sectors(header))
        self._mini_fat = self._table(self._chain(mini_fat, self._fat))
        self._directory = directory
        root = next((entry for entry in self._entries() if entry[66] == _ROOT), b"")
        self._mini: list[int] = list(self._chain(_start(root), self._fat)) if root else []

    def streams(self) -> t.Iterator[_Stream]:
        for entry in self._entries():
            size = int.from_bytes(entry[120:124], "little")
            if entry[66] == _STREAM and size:
                yield _Stream(_start(entry), size)

    def chunks(self, stream: _Stream) -> t.Iterator[bytes]:
        left = stream.size
        is_mini = stream.size < self._cutoff
        for number in self._chain(stream.start, self._mini_fat if is_mini else self._fat):
            sector = self._mini_sector(number) if is_mini else self._sector(number)
            yield sector[:left]
            left -= len(sector)
            if left <= 0:
                return
        raise Unreadable(_DAMAGED)

    def _entries(self) -> t.Iterator[bytes]:
        count = 0
        for number in self._chain(self._directory, self._fat):
            sector = self._sector(number)
            for place in range(0, len(sector) - _ENTRY + 1, _ENTRY):
                count += 1
                if count > _MOST_ENTRIES:
                    raise Unreadable(_DAMAGED)
                yield sector[place : place + _ENTRY]

    def _fat_sectors(self, header: bytes) -> t.Iterator[int]:
        """The first ones are in the header, the others in a chain of sectors whose last number is the next."""
        yield from struct.unpack(f"<{_IN_HEADER}I", header[76:_HEADER])
        following = struct.unpack("<I", header[68:72])[0]
        for _sector in range(_MOST_SECTORS // self._size):
            if following >= _LAST:
                return
            *numbers, following = struct.unpack(f"<{self._size // 4}I", self._sector(following).ljust(self._size, b"\xff"))
            yield from numbers
        raise Unreadable(_DAMAGED)

    def _table(self, sectors: t.Iterable[int]) -> array.array[int]:
        table = array.array("I")
        for number in sectors:
            if number < _LAST:
                sector = self._sector(number)
                table.frombytes(sector[: len(sector) // 4 * 4])
            if len(table) > _MOST_SECTORS:
                raise Unreadable(_DAMAGED)
        if sys.byteorder == "big":
            table.byteswap()
        return table

    def _chain(self, number: int, table: t.Sequence[int]) -> t.Iterator[int]:
        """Ends after as many sectors as there are: a chain in a circle is a trap."""
        for _sector in range(len(table)):
            if number >= _LAST:
                return
            yield number
            if number >= len(table):
                raise Unreadable(_DAMAGED)
            number = table[number]
        if number < _LAST:
            raise Unreadable(_DAMAGED)

    def _sector(self, number: int) -> bytes:
        """The last one of a file may be shorter."""
        start = (number + 1) * self._size
        sector = self._piece.read(start, start + self._size)
        if not sector:
            raise Unreadable(_DAMAGED)
        return sector

    def _mini_sector(self, number: int) -> bytes:
        each = self._size // self._mini_size
        if number // each >= len(self._mini):
            raise Unreadable(_DAMAGED)
        start = (self._mini[number // each] + 1) * self._size + number % each * self._mini_size
        return self._piece.read(start, start + self._mini_size)


def _start(entry: bytes) -> int:
    return int.from_bytes(entry[116:120], "little")


def _macros(file: _Compound, stream: _Stream) -> t.Iterator[Found]:
    """Behind each signature. A stream that holds one is small: it is a module that somebody has typed."""
    with Piece(file.chunks(stream)) as whole:
        place = whole.find(_MACRO)
        while place >= 3:
            yield Part(macro_chunks(whole, place - 3))
            place = whole.find(_MACRO, place + 1)


def macro_chunks(piece: Piece, place: int) -> t.Iterator[bytes]:
    """The container that begins there: a byte of signature, then chunks that unpack to at most 4096 bytes each."""
    place += 1
    while place + 2 <= piece.size:
        header = int.from_bytes(piece.read(place, place + 2), "little")
        size = (header & 0x0FFF) + 3
        if header >> 12 & 7 != 3:
            return
        data = piece.read(place + 2, place + size)
        yield _unpacked(data) if header & 0x8000 else data
        place += size


def _unpacked(data: bytes) -> bytes:
    """[MS-OVBA] 2.4.1.3: a byte of flags, then eight tokens, each one byte as it is or a copy of what was before."""
    out = bytearray()
    place = 0
    while place < len(data) and len(out) < _CHUNK:
        flags = data[place]
        place += 1
        for bit in range(8):
            if place >= len(data):
                break
            if not flags >> bit & 1:
                out.append(data[place])
                place += 1
                continue
            token = int.from_bytes(data[place : place + 2], "little")
            place += 2
            if not out:
                return bytes(out)
            width = max((len(out) - 1).bit_length(), 4)
            distance = (token >> (16 - width)) + 1
            length = (token & (0xFFFF >> width)) + 3
            if distance > len(out):
                return bytes(out)
            for _byte in range(length):
                out.append(out[-distance])
    return bytes(out)
