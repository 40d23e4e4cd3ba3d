# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mail that is encrypted for its reader (S/MIME, OpenPGP): no engine can look into it, and clamd calls it clean.

Seen by how it begins, since this is done for every content that is clean: such mail says what it is in its headers.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import base64
import re
import typing as t

BEGINNING = 16 << 10
"""Bytes that are looked at."""
_CMS = re.compile(rb"^content-type:[ \t\r\n]*application/(?:x-)?pkcs7-mime(?P<parameters>[^\n]*\n(?:[ \t][^\n]*\n)*)", re.I | re.M)
_BLANK = re.compile(rb"\r?\n\r?\n")
_PGP_MIME = re.compile(rb"^content-type:[ \t\r\n]*multipart/encrypted", re.I | re.M)
_PGP_TEXT = re.compile(rb"^-----BEGIN PGP MESSAGE-----", re.M)
# EnvelopedData and EncryptedData (RFC 5652), AuthEnvelopedData (RFC 5083), as they stand in the first bytes of the structure.
_ENCRYPTED_TYPES = tuple(bytes.fromhex(oid) for oid in ("2a864886f70d010703", "2a864886f70d010706", "2a864886f70d0109100117"))
_HEAD_OF_STRUCTURE = 64


class Beginning:
    """Passes the pieces of a content on and remembers how it begins."""

    __slots__ = ("_first", "_size")

    def __init__(self) -> None:
        self._first: list[bytes] = []
        self._size = 0

    def watch(self, chunks: t.Iterable[bytes]) -> t.Iterator[bytes]:
        self._first, self._size = [], 0
        for chunk in chunks:
            if self._size < BEGINNING:
                self._first.append(chunk)
                self._size += len(chunk)
            yield chunk

    def bytes(self) -> bytes:
        return b"".join(self._first)[:BEGINNING]


def sealed_with(beginning: bytes) -> str:
    """C(S/MIME) or C(PGP) for a mail that is encrypted, or begins with a part that is; else empty."""
    if b"-----BEGIN PGP MESSAGE-----" in beginning and _PGP_TEXT.search(beginning):
        return "PGP"
    lower = beginning.lower()
    if b"multipart/encrypted" in lower and _PGP_MIME.search(beginning):
        return "PGP"
    if b"pkcs7-mime" in lower and any(_is_encrypted(beginning, found) for found in _CMS.finditer(beginning)):
        return "S/MIME"
    return ""


def _is_encrypted(beginning: bytes, header: re.Match[bytes]) -> bool:
    """By the type of its structure; by what the header says only when the structure cannot be seen."""
    blank = _BLANK.search(beginning, header.end() - 2)
    head = _decoded(beginning[blank.end() : blank.end() + 4 * _HEAD_OF_STRUCTURE]) if blank else b""
    if b"\x2a\x86\x48\x86\xf7\x0d\x01" in head:
        return any(oid in head for oid in _ENCRYPTED_TYPES)
    return b"enveloped" in header["parameters"].lower()


def _decoded(text: bytes) -> bytes:
    letters = re.sub(rb"[^A-Za-z0-9+/]", b"", text)[:_HEAD_OF_STRUCTURE]
    return base64.b64decode(letters[: len(letters) // 4 * 4])
