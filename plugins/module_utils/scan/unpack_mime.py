# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The parts of a mail message, found without reading it into memory: a message of 150 MB costs windows of 1 MiB.

Mail programs disagree on malformed messages, and malware hides there. Where a header says two things, both are tried.
RFC 2045 5 and 6, 2046 5.1 (delimiters), 2231 3 (a boundary in pieces).

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import re
import typing as t
import urllib.parse
from dataclasses import dataclass

from .unpack_codings import base64_chunks, quoted_printable_chunks
from .unpack_piece import Found, Part, Piece, TooMuch, Trouble

_LARGEST_HEADER = 4 << 20
_DEEPEST = 30
_MOST_PARTS = 10_000
_MOST_LINES = 200_000
_MOST_BOUNDARIES = 4
_LONGEST_TYPE = 8 << 10
_HEAD = 64 << 10
_FIELD = re.compile(rb"^(content-type|content-transfer-encoding)[ \t]*:((?:.*)(?:\r?\n[ \t].*)*)", re.IGNORECASE | re.MULTILINE)
_BOUNDARY = re.compile(
    rb'boundary(?:\*(\d{1,3}))?(\*)?[ \t\r\n]*=[ \t\r\n]*(?:"((?:[^"\\]|\\.)*)"|"?([^\s;"]+))', re.IGNORECASE | re.DOTALL
)
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
_MIME_FIELDS = rb"content-type|content-transfer-encoding|mime-version"
_MAIL_FIELDS = _MIME_FIELDS + rb"|received|return-path|delivered-to|message-id|from|to|subject|date|sender|reply-to"
_MAIL = re.compile(rb"\s*[!-9;-~]+[ \t]*:")
_MAIL_FIELD = re.compile(rb"^(?:" + _MAIL_FIELDS + rb")[ \t]*:", re.IGNORECASE | re.MULTILINE)
_MIME_FIELD = re.compile(rb"^(?:" + _MIME_FIELDS + rb")[ \t]*:", re.IGNORECASE | re.MULTILINE)
_END_OF_HEADER = re.compile(rb"\n\r?\n")
_BLANK_LINE = re.compile(rb"\r?\n[ \t]*\r?\n")
_GUESS = re.compile(rb"(?:^|\n)--([^\s][^\r\n]{0,200})\r?\n")


@dataclass(frozen=True, slots=True)
class _Header:
    """What the header of a message or part says. C(body) is where it ends."""

    body: int
    types: tuple[bytes, ...]
    encodings: tuple[bytes, ...]

    def has(self, kind: str) -> bool:
        """Whether a type begins like that."""
        return any(content_type.lower().startswith(kind.encode("ascii")) for content_type in self.types)


@dataclass(frozen=True, slots=True)
class _Range:
    start: int
    stop: int
    depth: int
    is_message: bool


def looks_like_mail(head: bytes) -> bool:
    """C(head): the first 64 KiB. A text with a header like that of a mail counts as well; that costs nothing."""
    top = _BLANK_LINE.split(head.lstrip(), maxsplit=1)[0]
    if _MAIL.match(head):
        return bool(_MIME_FIELD.search(top)) or len(_MAIL_FIELD.findall(top)) > 1
    return b"\0" not in top and bool(_MIME_FIELD.search(top))


def looks_like_mailbox(head: bytes) -> bool:
    """Whether it is a file of many messages (mbox): each begins with a line "From sender time"."""
    return head.startswith(b"From ") and looks_like_mail(head.partition(b"\n")[2])


def mailbox_parts(piece: Piece) -> t.Iterator[Found]:
    place = 0
    while place >= 0:
        start = piece.find(b"\n", place + 1)
        if start < 0:
            return
        place = piece.find(b"\nFrom ", start)
        yield Part(piece.windows(start + 1, None if place < 0 else place + 1), is_message=True)


def mail_parts(piece: Piece) -> t.Iterator[Found]:
    """Every part that holds no other, decoded. The piece itself is a message."""
    waiting = [_Range(0, piece.size, 0, True)]
    count = 0
    while waiting:
        here = waiting.pop()
        count += 1
        if count > _MOST_PARTS:
            raise TooMuch(f"holds more than {_MOST_PARTS:,} parts")
        if here.depth > _DEEPEST:
            yield Trouble(f"mail with more than {_DEEPEST} parts in one another")
            continue
        header = _header(piece, here)
        if header.body - here.start > _LARGEST_HEADER:
            yield Trouble(f"mail header of more than {_LARGEST_HEADER >> 20} MiB")
        if header.has("message/partial"):
            yield Trouble("mail that is one of several fragments")
        inner = list(_inner(piece, here, header))
        waiting.extend(reversed(inner))
        if not inner or header.encodings:
            yield from _leaf(piece, header, here.stop)


def _inner(piece: Piece, here: _Range, header: _Header) -> t.Iterator[_Range]:
    """The parts of a multipart, or the message that is attached as it is."""
    if header.has("message/") and not header.encodings:
        yield _Range(header.body, here.stop, here.depth + 1, True)
    if not header.has("multipart/"):
        return
    found = False
    boundaries = [boundary for content_type in header.types for boundary in _boundaries(content_type)]
    for boundary in list(dict.fromkeys(boundaries))[:_MOST_BOUNDARIES]:
        for each in _delimited(piece, header.body, here, boundary):
            found = True
            yield each
    if not found:
        guess = _GUESS.search(piece.read(header.body, min(here.stop, header.body + _HEAD)))
        if guess is not None:
            yield from _delimited(piece, header.body, here, guess.group(1).rstrip())


def _leaf(piece: Piece, header: _Header, stop: int) -> t.Iterator[Found]:
    is_message = header.has("message/")
    if b"base64" in header.encodings:
        yield Part(base64_chunks(piece, header.body, stop), is_message)
    if b"quoted-printable" in header.encodings:
        yield Part(quoted_printable_chunks(piece, header.body, stop), is_message)
    if not header.encodings and header.body < stop:
        yield Part(piece.windows(header.body, stop))


def _header(piece: Piece, here: _Range) -> _Header:
    start = here.start
    if here.is_message:
        start = _after_blank_lines(piece, here)
    first = piece.read(start, min(start + 2, here.stop))
    if not here.is_message and first.startswith((b"\n", b"\r\n")):
        return _Header(start + (1 if first.startswith(b"\n") else 2), (), ())
    limit = min(here.stop, start + _LARGEST_HEADER + 4)
    blank = piece.search(_END_OF_HEADER, start, limit)
    end, newlines = blank if blank is not None else (here.stop, b"")
    text = piece.read(start, min(end, start + _LARGEST_HEADER)).replace(b"\0", b"")
    body = end + len(newlines)
    fields = [(name.lower(), value.strip()) for name, value in _FIELD.findall(text)]
    types = tuple(value.lstrip(b'" \t') for name, value in fields if name == b"content-type")
    encodings = {_encoding(value.lower()) for name, value in fields if name == b"content-transfer-encoding"}
    return _Header(body, types, tuple(sorted(encodings - {b""})))


def _after_blank_lines(piece: Piece, here: _Range) -> int:
    """Where the first line of a message is that is neither empty nor mbox's "From "."""
    head = piece.read(here.start, min(here.stop, here.start + _HEAD))
    start = len(head) - len(head.lstrip(b"\r\n \t"))
    if head.startswith((b"From ", b">From "), start):
        start = head.find(b"\n", start) + 1 or len(head)
    return here.start + start


def _encoding(value: bytes) -> bytes:
    """Empty for those that leave bytes as they are, and for those that nobody knows."""
    if b"base64" in value:
        return b"base64"
    return b"quoted-printable" if b"quoted" in value else b""


def _boundaries(content_type: bytes) -> list[bytes]:
    found: list[bytes] = []
    pieces: dict[int, bytes] = {}
    for number, starred, quoted, bare in _BOUNDARY.findall(content_type[:_LONGEST_TYPE]):
        value = (quoted or bare).rstrip()
        if starred:
            value = urllib.parse.unquote_to_bytes(value.rpartition(b"'")[2])
        if number:
            pieces.setdefault(int(number), value)
        elif value:
            found += [_ESCAPED.sub(rb"\1", value), value]
    if pieces:
        found.append(b"".join(pieces[number] for number in sorted(pieces)))
    return [boundary for boundary in found if boundary]


def _delimited(piece: Piece, body: int, here: _Range, boundary: bytes) -> t.Iterator[_Range]:
    """What lies between lines of the boundary. What follows the closing one is read on: some programs do."""
    begin = -1
    for count, (line, after, closes) in enumerate(_delimiters(piece, body, here.stop, boundary)):
        if count > _MOST_PARTS:
            raise TooMuch(f"holds more than {_MOST_PARTS:,} parts")
        if begin >= 0:
            newline = 2 if piece.read(line - 2, line) == b"\r\n" else 1
            yield _Range(begin, max(begin, line - newline), here.depth + 1, False)
        begin = -1 if closes else after
    if begin >= 0:
        yield _Range(begin, here.stop, here.depth + 1, False)


def _delimiters(piece: Piece, start: int, stop: int, boundary: bytes) -> t.Iterator[tuple[int, int, bool]]:
    """Where each line of the boundary begins, where the next line begins, and whether it is the closing one."""
    wanted = b"--" + boundary
    found = start if piece.read(start, min(stop, start + len(wanted))) == wanted else _line(piece, wanted, start, stop)
    count = 0
    while found >= 0:
        count += 1
        if count > _MOST_LINES:
            raise TooMuch(f"holds more than {_MOST_LINES:,} lines that could part a mail")
        end = found + len(wanted)
        rest, newline, _more = piece.read(end, min(stop, end + 1024)).partition(b"\n")
        if rest.strip() in (b"", b"--"):
            yield found, end + len(rest) + len(newline), rest.strip() == b"--"
        found = _line(piece, wanted, end, stop)


def _line(piece: Piece, wanted: bytes, start: int, stop: int) -> int:
    """Where the next line begins that begins with it; -1 when none does."""
    found = piece.find(b"\n" + wanted, start, stop)
    return found if found < 0 else found + 1
