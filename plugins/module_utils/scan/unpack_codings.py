# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What mail does to bytes so that they pass as text: base64, quoted-printable, uuencode. As leniently as mail programs read it.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import binascii
import re
import typing as t

from .unpack_piece import WINDOW, Found, Part, Piece, Unreadable

_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_NOT_BASE64 = bytes(set(range(256)) - set(_BASE64))
_UU_BEGIN = re.compile(rb"^begin(?:-base64)? [0-7]{3,4} [^\r\n]{0,1024}\r?\n", re.MULTILINE)
_MOST_PADDINGS = 50_000
"""In a window; some programs pad each line."""
_LONGEST_LINE = 64 << 10


def base64_chunks(piece: Piece, start: int, stop: int) -> t.Iterator[bytes]:
    """Whatever is not of the alphabet is passed over, and what follows padding is read on."""
    kept = b""
    for window in piece.windows(start, stop):
        digits = kept + window.translate(None, _NOT_BASE64)
        if b"=" in digits:
            *ended, digits = re.split(b"=+", digits)
            if len(ended) > _MOST_PADDINGS:
                raise Unreadable("damaged base64 data")
            for digits_of_one in ended:
                yield _decoded(digits_of_one)
        whole = len(digits) // 4 * 4
        kept = digits[whole:]
        yield binascii.a2b_base64(digits[:whole])
    yield _decoded(kept)


def quoted_printable_chunks(piece: Piece, start: int, stop: int) -> t.Iterator[bytes]:
    kept = b""
    for window in piece.windows(start, stop):
        kept += window
        cut = kept.rfind(b"\n") + 1
        if not cut and len(kept) < WINDOW + _LONGEST_LINE:
            continue
        if not cut:
            # A line without end: cut it where no "=41" is cut.
            escape = kept.rfind(b"=", len(kept) - 3)
            cut = len(kept) if escape < 0 else escape
        yield binascii.a2b_qp(kept[:cut])
        kept = kept[cut:]
    yield binascii.a2b_qp(kept)


def uu_parts(piece: Piece) -> t.Iterator[Found]:
    """Every C(begin 644 name) of a text. Lines that are none are passed over, until C(end)."""
    place = 0
    while (found := piece.search(_UU_BEGIN, place)) is not None:
        start = found[0] + len(found[1])
        end = piece.find(b"\nend", start - 1)
        stop = piece.size if end < 0 else end + 1
        if found[1].startswith(b"begin-"):
            yield Part(base64_chunks(piece, start, stop))
        else:
            yield Part(_uu(piece, start, stop))
        place = stop


def _uu(piece: Piece, start: int, stop: int) -> t.Iterator[bytes]:
    kept = b""
    for window in piece.windows(start, stop):
        *lines, kept = (kept + window).split(b"\n")
        kept = kept[-_LONGEST_LINE:]
        yield b"".join(_uu_line(line.rstrip(b"\r")) for line in lines)
    yield _uu_line(kept.rstrip(b"\r"))


def _uu_line(line: bytes) -> bytes:
    if not line or line[0] > ord("`"):
        return b""  # no length
    try:
        return binascii.a2b_uu(line[:256])
    except binascii.Error:
        pass
    # Some programs write more than the length says: cpython's uu module worked around it in the same way.
    size = (((line[0] - 32) & 63) * 4 + 5) // 3
    try:
        return binascii.a2b_uu(line[: size + 1])
    except binascii.Error:
        return b""


def _decoded(digits: bytes) -> bytes:
    """Of one run of base64 digits without its padding; a single digit at its end says nothing."""
    digits = digits[: len(digits) - 1] if len(digits) % 4 == 1 else digits
    return binascii.a2b_base64(digits + b"=" * (-len(digits) % 4))
