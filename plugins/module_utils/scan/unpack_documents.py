# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What documents carry: compressed streams of PDF, embedded objects of RTF, files that lie in the text of HTML.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import re
import typing as t

from .unpack_codings import base64_chunks
from .unpack_piece import Found, Part, Piece, TooMuch, Trouble, Unreadable
from .unpack_streams import Zlib, inflated

RTF = b"{\\rt"
#: Window bits of a stream with zlib's own header.
_ZLIB = 15
_PDF = b"%PDF-"
_PDF_BEGINS_WITHIN = 1024
_STREAM = re.compile(rb"stream\r?\n")
_MOST_STREAMS = 500_000
_ENCRYPTED = re.compile(rb"/Encrypt[ \t\r\n<]")
_OBJECT = b"\\objdata"
_CONTROL = re.compile(rb"\\[a-z]+-?[0-9]* ?")
_NOT_HEX = bytes(set(range(256)) - set(b"0123456789abcdefABCDEF"))
_DATA_URL = re.compile(rb";base64,(?=[A-Za-z0-9+/%\s]{32})")
_END_OF_URL = re.compile(rb"[^A-Za-z0-9+/=%\s]")


def is_pdf(head: bytes) -> bool:
    """Readers look for its mark in the first kilobyte."""
    return 0 <= head.find(_PDF) < _PDF_BEGINS_WITHIN


def pdf_parts(piece: Piece) -> t.Iterator[Found]:
    """Every stream that zlib has compressed: scripts, texts, attached files. Others stand in the file as they are."""
    if piece.search(_ENCRYPTED) is not None:
        yield Trouble("encrypted PDF file")
        return
    place = count = 0
    while (found := piece.search(_STREAM, place)) is not None:
        count += 1
        if count > _MOST_STREAMS:
            raise TooMuch(f"holds more than {_MOST_STREAMS:,} streams")
        start = place = found[0] + len(found[1])
        first = piece.read(start, start + 2)
        if len(first) == 2 and first[0] & 0x0F == 8 and int.from_bytes(first, "big") % 31 == 0:
            end = piece.find(b"endstream", start)
            stop = piece.size if end < 0 else end
            yield Part(_as_far_as_it_goes(piece, start, stop))
            place = stop


def rtf_parts(piece: Piece) -> t.Iterator[Found]:
    """Embedded objects, which stand there in hexadecimal."""
    place = 0
    while (place := piece.find(_OBJECT, place)) >= 0:
        place += len(_OBJECT)
        end = piece.find(b"}", place)
        stop = piece.size if end < 0 else end
        yield Part(_hexadecimal(piece, place, stop))
        place = stop


def data_url_parts(piece: Piece) -> t.Iterator[Found]:
    """Pictures and other files in HTML, SVG and style sheets (RFC 2397)."""
    place = 0
    while (found := piece.search(_DATA_URL, place)) is not None:
        start = found[0] + len(found[1])
        end = piece.search(_END_OF_URL, start)
        place = piece.size if end is None else end[0]
        yield Part(base64_chunks(piece, start, place))


def _as_far_as_it_goes(piece: Piece, start: int, stop: int) -> t.Iterator[bytes]:
    """Readers show damaged streams as well, and programs write ends that are none: that is no reason to doubt the file."""
    try:
        yield from inflated(Zlib(_ZLIB), piece.windows(start, stop), "PDF")
    except Unreadable:
        return


def _hexadecimal(piece: Piece, start: int, stop: int) -> t.Iterator[bytes]:
    kept = b""
    for window in piece.windows(start, stop):
        digits = kept + _CONTROL.sub(b"", window).translate(None, _NOT_HEX)
        whole = len(digits) // 2 * 2
        kept = digits[whole:]
        yield bytes.fromhex(digits[:whole].decode("ascii"))
