# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tar files, old and new: the data of every entry, whatever it is said to be.

Layout: POSIX.1-2017, "pax Interchange Format": blocks of 512 bytes, a header, then the data, filled up.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t

from .unpack_piece import Found, Part, Piece, Trouble

_BLOCK = 512


def is_tar(head: bytes) -> bool:
    """C(head): the first block, at least."""
    return _sum_is_right(head[:_BLOCK])


def tar_parts(piece: Piece) -> t.Iterator[Found]:
    place = 0
    while place < piece.size:
        header = piece.read(place, place + _BLOCK)
        place += _BLOCK
        if not header.strip(b"\0"):
            continue  # two such blocks are the end; tapes joined with cat go on after them
        size = _size(header)
        if size is None or not _sum_is_right(header):
            yield Trouble("damaged tar file")
            return
        if size:
            yield Part(piece.windows(place, place + size))
        if place + size > piece.size:
            yield Trouble("tar file that is cut off")
        place += -(-size // _BLOCK) * _BLOCK


def _sum_is_right(header: bytes) -> bool:
    """The sum over all bytes, its own field taken as spaces."""
    if len(header) < _BLOCK or not header[0]:
        return False
    stated = _octal(header[148:156])
    return stated is not None and stated == sum(header[:148]) + 8 * ord(" ") + sum(header[156:_BLOCK])


def _size(header: bytes) -> int | None:
    """Octal digits; in GNU's way of saying more than 8 GiB, the first bit is set and the rest is a number."""
    field = header[124:136]
    if field[:1] == b"\x80":
        return int.from_bytes(field[1:], "big")
    return _octal(field)


def _octal(field: bytes) -> int | None:
    digits = field.strip(b" \0")
    return int(digits or b"0", 8) if all(digit in b"01234567" for digit in digits) else None
