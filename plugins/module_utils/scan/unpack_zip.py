# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Zip files, and what is one under another name: docx, xlsx, jar, apk, odt, and programs that unpack themselves.

The directory at the end names the entries. Programs disagree on files where directory and entries contradict one another, and
malware hides there: so every entry that begins somewhere between those of the directory is unpacked as well, and check
sums and names, which programs ignore, are not asked. Layout: PKWARE's APPNOTE.TXT, sections 4.3.7, 4.3.12, 4.3.14, 4.3.16.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import bz2
import lzma
import re
import struct
import typing as t
from dataclasses import dataclass

from .unpack_piece import Found, Part, Piece, TooMuch, Trouble, Unreadable
from .unpack_streams import Inflater, Zlib, inflated

LOCAL = b"PK\x03\x04"
_DIRECTORY = b"PK\x01\x02"
_END = b"PK\x05\x06"
_SPLIT = b"PK\x07\x08"
_SPLIT_IN_ONE = b"PK00"
_END_64 = b"PK\x06\x06"
_END_SIZE = 22
_LONGEST_COMMENT = 0xFFFF
_MOST_ENTRIES = 100_000
_LOCAL_HEADER = struct.Struct("<4s5H3I2H")
_DIRECTORY_HEADER = struct.Struct("<4s6H3I5H2I")
_ENCRYPTED = 0x2001
"""Data, directory."""
_LZMA_HAS_END = 0x0002
_SIZES_BEHIND = 0x0008
_FLAGS = _ENCRYPTED | _LZMA_HAS_END
"""Those that matter once the sizes are known."""
_STORED, _DEFLATED, _BZIP2, _LZMA = 0, 8, 12, 14
_FULL = 0xFFFFFFFF
#: An entry, and not just four bytes that look like one: version 1.0 to 6.3, a packing that is known, a name.
_LIKELY = re.compile(rb"PK\x03\x04[\x0a-\x3f][\x00-\x20].{2}[\x00\x08\x0c\x0e]\x00.{16}(?:[^\x00][\x00-\x0f]|\x00[\x01-\x0f])", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Said:
    """What a header says of an entry. C(packed) is its size, None where it stands behind the data."""

    flags: int
    method: int
    packed: int | None


@dataclass(frozen=True, slots=True)
class _Entry:
    """C(start) is where the data begins."""

    said: _Said
    start: int


def is_zip(piece: Piece) -> bool:
    """Whether it begins like a zip file, or a directory of one is at its end, whatever comes before."""
    if piece.read(0, 4) in (LOCAL, _END, _SPLIT, _SPLIT_IN_ONE):
        return True
    end = _end_of_directory(piece)
    return end >= 0 and bool(_listed(piece, end))


def zip_parts(piece: Piece) -> t.Iterator[Found]:
    end = _end_of_directory(piece)
    listed = {} if end < 0 else _listed(piece, end)
    reached = 0
    for place in sorted(listed):
        yield from _hidden(piece, reached, place)
        entry = _entry_at(piece, place)
        if entry is None:
            yield Trouble("damaged zip file")
            continue
        # Programs disagree on which of the two they believe.
        said = listed[place]
        for each in dict.fromkeys((said, _Said(entry.said.flags, entry.said.method, entry.said.packed or said.packed))):
            yield from _opened(piece, each, entry.start)
        reached = max(reached, entry.start + (said.packed or 0))
    if end < 0:
        yield from _hidden(piece, reached, piece.size)
        yield Trouble("damaged zip file")
    else:
        yield from _hidden(piece, reached, end)
        if not listed and end > 0:
            yield Trouble("damaged zip file")


def _end_of_directory(piece: Piece) -> int:
    """Where the last record begins; -1 when there is none, and this is no whole zip file."""
    tail = max(0, piece.size - _END_SIZE - _LONGEST_COMMENT)
    place = piece.read(tail, piece.size).rfind(_END)
    return -1 if place < 0 or piece.size - tail - place < _END_SIZE else tail + place


def _listed(piece: Piece, end: int) -> dict[int, _Said]:
    """What the directory says of its entries, by their places, which may be wrong in what is damaged."""
    size, offset = struct.unpack("<2I", piece.read(end + 12, end + 20).ljust(8, b"\0"))
    behind = end
    if _FULL in (size, offset):
        place = piece.find(_END_64, max(0, end - 20 - 1024), end)
        record = piece.read(place, place + 56) if place >= 0 else b""
        if len(record) == 56:
            size, offset = struct.unpack("<2Q", record[40:56])
            behind = place
    start = behind - size
    # What precedes the archive (a program that unpacks itself) moves every place that is stated.
    moved = start - offset
    if start < 0 or piece.read(start, start + 4) != _DIRECTORY:
        return {}
    entries: dict[int, _Said] = {}
    while start + _DIRECTORY_HEADER.size <= behind:
        header = piece.read(start, start + _DIRECTORY_HEADER.size)
        if not header.startswith(_DIRECTORY):
            break
        fields = _DIRECTORY_HEADER.unpack(header)
        packed, unpacked, names, extra, comment, place = fields[8], fields[9], fields[10], fields[11], fields[12], fields[16]
        if _FULL in (packed, unpacked, place):
            begin = start + _DIRECTORY_HEADER.size + names
            packed, place = _large(piece.read(begin, begin + extra), packed, unpacked, place)
        entries[place + moved] = _Said(fields[3] & _FLAGS, fields[4], packed)
        start += _DIRECTORY_HEADER.size + names + extra + comment
        if len(entries) > _MOST_ENTRIES:
            raise TooMuch(f"holds more than {_MOST_ENTRIES:,} files")
    return entries


def _large(extra: bytes, packed: int, unpacked: int, place: int) -> tuple[int, int]:
    """Packed size and place from the extra field of zip64, which holds only those that do not fit, in this order."""
    while len(extra) >= 4:
        kind, size = struct.unpack("<2H", extra[:4])
        if kind == 1:
            values = iter(struct.unpack(f"<{min(size, len(extra) - 4, 24) // 8}Q", extra[4 : 4 + min(size, len(extra) - 4, 24) // 8 * 8]))
            if unpacked == _FULL:
                next(values, 0)
            packed = next(values, packed) if packed == _FULL else packed
            place = next(values, place) if place == _FULL else place
        extra = extra[4 + size :]
    return packed, place


def _hidden(piece: Piece, start: int, stop: int) -> t.Iterator[Found]:
    """Entries that no directory names."""
    while (found := piece.search(_LIKELY, start, stop)) is not None:
        start = found[0] + len(LOCAL)
        entry = _entry_at(piece, found[0])
        if entry is not None:
            yield from _opened(piece, entry.said, entry.start)


def _entry_at(piece: Piece, place: int) -> _Entry | None:
    header = piece.read(place, place + _LOCAL_HEADER.size) if place >= 0 else b""
    if len(header) < _LOCAL_HEADER.size or not header.startswith(LOCAL):
        return None
    fields = _LOCAL_HEADER.unpack(header)
    flags, method, stated, names, extra = fields[2], fields[3], fields[7], fields[9], fields[10]
    packed = None if flags & _SIZES_BEHIND or stated == _FULL else stated
    return _Entry(_Said(flags & _FLAGS, method, packed), place + _LOCAL_HEADER.size + names + extra)


def _opened(piece: Piece, said: _Said, start: int) -> t.Iterator[Found]:
    if said.flags & _ENCRYPTED:
        yield Trouble("encrypted zip file")
        return
    if said.packed == 0:
        return
    stop = piece.size if said.packed is None else start + said.packed
    inflater = _inflater(said.method)
    if said.method == _STORED:
        yield Part(piece.windows(start, stop))
    elif said.method == _LZMA:
        yield Part(_lzma(piece, start, stop, has_end=bool(said.flags & _LZMA_HAS_END)))
    elif inflater is None:
        yield Trouble("zip file that is packed in a rare way")
    else:
        yield Part(inflated(inflater, piece.windows(start, stop), "zip"))


def _inflater(method: int) -> Inflater | None:
    if method == _DEFLATED:
        return Zlib()
    return bz2.BZ2Decompressor() if method == _BZIP2 else None


def _lzma(piece: Piece, start: int, stop: int, *, has_end: bool) -> t.Iterator[bytes]:
    """Version, size of the properties, properties, then raw LZMA (APPNOTE 5.8.8)."""
    properties = piece.read(start + 4, start + 9)
    if len(properties) < 5 or properties[0] >= 225:
        raise Unreadable("damaged zip data")
    rest, lc = divmod(properties[0], 9)
    pb, lp = divmod(rest, 5)
    size = max(4096, int.from_bytes(properties[1:5], "little"))
    if size > 80 << 20 or lc + lp > 4:
        raise Unreadable("zip data that needs too much memory to unpack")
    packing = {"id": lzma.FILTER_LZMA1, "dict_size": size, "lc": lc, "lp": lp, "pb": pb}
    inflater = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[packing])
    yield from inflated(inflater, piece.windows(start + 9, stop), "zip", has_end=has_end)
