# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""S/MIME: the message inside a signed one (smime.p7m). Encrypted ones are said to be.

Layout: RFC 5652 (CMS), in BER: X.690 8.1. Only as much of it as leads to the content.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t

from .unpack_piece import Found, Part, Piece, Trouble, Unreadable

_PKCS7 = bytes.fromhex("06092a864886f70d0107")
_PKCS9 = bytes.fromhex("060b2a864886f70d01091001")
_SIGNED, _DATA = 2, 1
_CONSTRUCTED = 0x20
_MOST_VALUES = 1_000_000
_OBJECT_ID, _OCTETS, _END = 0x06, 0x04, 0x00


def is_cms(head: bytes) -> bool:
    """A sequence that begins with one of the content types."""
    return head.startswith(b"\x30") and (_PKCS7 in head[:20] or _PKCS9 in head[:20])


def cms_parts(piece: Piece) -> t.Iterator[Found]:
    head = piece.read(0, 40)
    place = head.find(_PKCS7)
    if place < 0 or head[place + len(_PKCS7) : place + len(_PKCS7) + 1] != bytes((_SIGNED,)):
        yield Trouble("encrypted mail (S/MIME)")
        return
    yield Part(_content(piece, place + len(_PKCS7) + 1), is_message=True)


def _content(piece: Piece, start: int) -> t.Iterator[bytes]:
    """The octets between the object id of the content and what is not octets; none for a signature that stands beside."""
    seen_id = False
    for tag, begin, stop in _values(piece, start):
        if tag == _OBJECT_ID and not seen_id:
            # Digest algorithms come first; the content's own id is one of PKCS 7 or 9.
            seen_id = piece.read(begin, begin + 7) == _PKCS7[2:9]
        elif tag == _OCTETS and seen_id:
            yield from piece.windows(begin, stop)
        elif tag != _END and seen_id:
            return


def _values(piece: Piece, place: int) -> t.Iterator[tuple[int, int, int]]:
    """Tag, begin and end of every value that holds no others, in order. Raises Unreadable when it is cut off."""
    count = 0
    while place + 2 <= piece.size:
        count += 1
        if count > _MOST_VALUES:
            raise Unreadable(f"S/MIME data in more than {_MOST_VALUES:,} pieces")
        tag, length, *more = piece.read(place, place + 10)
        place += 2
        if length > 0x80:
            size = length & 0x7F
            if size > 8 or size > len(more):
                raise Unreadable("damaged S/MIME data")
            length = int.from_bytes(bytes(more[:size]), "big")
            place += size
        elif length == 0x80:
            length = 0
        if tag & _CONSTRUCTED:
            continue
        if place + length > piece.size:
            raise Unreadable("S/MIME data that is cut off")
        yield tag, place, place + length
        place += length
