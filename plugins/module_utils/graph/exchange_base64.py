# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Base64 that comes in pieces.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import binascii
import typing as t

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_SPACE = b" \t\r\n"


class NotBase64(Exception):
    """The text holds something else, or ends in the middle of a byte."""


def decoded(pieces: t.Iterable[bytes]) -> t.Iterator[bytes]:
    """The bytes behind the text, whatever its pieces are. Line breaks, the URL-safe alphabet and missing padding are understood.

    :raises NotBase64: nothing is skipped in silence.
    """
    rest = b""
    padding = 0
    for piece in pieces:
        text = piece.translate(_URL_SAFE, _SPACE)
        body = text.rstrip(b"=")
        if (padding and body) or body.translate(None, _ALPHABET):
            raise NotBase64
        padding += len(text) - len(body)
        rest += body
        whole = len(rest) - len(rest) % 4
        if whole:
            yield binascii.a2b_base64(rest[:whole])
            rest = rest[whole:]
    if len(rest) == 1 or padding > 2 or (padding and (len(rest) + padding) % 4):
        raise NotBase64
    if rest:
        yield binascii.a2b_base64(rest + b"=" * (-len(rest) % 4))
