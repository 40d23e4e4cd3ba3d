# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One file packed: gzip, bzip2, xz, zlib's deflate. And several after one another, as those tools allow.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import bz2
import itertools
import lzma
import typing as t
import zlib

from .unpack_piece import WINDOW, Found, Part, Piece, Unreadable

GZIP = b"\x1f\x8b"
BZIP2 = b"BZh"
XZ = b"\xfd7zXZ\x00"
#: What xz may take for its dictionary; `xz -9` needs 65 MiB.
_XZ_MEMORY = 80 << 20
_MOST_MEMBERS = 10_000
_RAW_DEFLATE = -zlib.MAX_WBITS
_GZIP_WRAPPED = zlib.MAX_WBITS | 16


class Inflater(t.Protocol):
    """A decompressor of bz2 or lzma, or zlib's in the same form."""

    @property
    def eof(self) -> bool: ...

    @property
    def needs_input(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int = ...) -> bytes: ...


class Zlib:
    """zlib's decompressor in the form of the two others."""

    def __init__(self, window_bits: int = _RAW_DEFLATE) -> None:
        self._inner = zlib.decompressobj(window_bits)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        out = self._inner.decompress(self._inner.unconsumed_tail + data, max_length)
        # zlib may hold back output without having left any input: then it has filled all that was allowed.
        self.needs_input = not self._inner.unconsumed_tail and len(out) < max_length
        return out


def gzip_parts(piece: Piece) -> t.Iterator[Found]:
    yield Part(members(piece, lambda: Zlib(_GZIP_WRAPPED), GZIP, "gzip"))


def bzip2_parts(piece: Piece) -> t.Iterator[Found]:
    yield Part(members(piece, bz2.BZ2Decompressor, BZIP2, "bzip2"))


def xz_parts(piece: Piece) -> t.Iterator[Found]:
    yield Part(members(piece, lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY), XZ, "xz"))


def members(piece: Piece, begin: t.Callable[[], Inflater], magic: bytes, name: str) -> t.Iterator[bytes]:
    """All packed streams of a piece, joined. Raises Unreadable where one is damaged or cut off.

    What follows the last one is no part of it (zeros that fill a tape, for example).
    """
    rest = piece.windows()
    data = next(rest, b"")
    for _number in range(_MOST_MEMBERS):
        inflater = begin()
        yield from inflated(inflater, itertools.chain([data], rest), name)
        data = inflater.unused_data
        while data[:1] in (b"", b"\x00"):
            data = data.lstrip(b"\x00") or next(rest, b"")
            if not data:
                return
        if not data.startswith(magic[: len(data)]):
            return
    raise Unreadable(f"{name} data in more than {_MOST_MEMBERS:,} pieces")


def inflated(inflater: Inflater, packed: t.Iterable[bytes], name: str, *, has_end: bool = True) -> t.Iterator[bytes]:
    """Until the end that the packed stream itself marks. Raises Unreadable when it is damaged, or ends before that mark."""
    for data in packed:
        given = data
        while True:
            try:
                out = inflater.decompress(given, WINDOW)
            except (zlib.error, OSError, EOFError, ValueError, lzma.LZMAError) as error:
                memory = error.__class__ is lzma.LZMAError and "emory" in str(error)
                raise Unreadable(f"{name} data that needs too much memory to unpack" if memory else f"damaged {name} data") from error
            if out:
                yield out
            if inflater.eof:
                return
            if inflater.needs_input:
                break
            given = b""
    if has_end:
        raise Unreadable(f"{name} data that is cut off")
