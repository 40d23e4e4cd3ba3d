# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The names of a message's attachments, read off its MIME while it streams by (RFC 2045, 2046, 2183, 2231, 2047).

Only the headers of parts are looked at; what lies between two boundaries is skipped by a search for the next one, so a
message costs little more than one pass of C(bytes.find).

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import email.errors
import email.header
import email.message
import re
import typing as t

#: More names than a message can have attachments in Exchange Online, and longer ones than any file system takes.
MOST_NAMES = 500
LONGEST_NAME = 255
_LONGEST_HEADERS = 256 << 10
_DEEPEST = 50

_PARAMETERS = (b"content-type", b"content-disposition")
_MALFORMED = (ValueError, LookupError, TypeError, email.errors.MessageError)
_HEADERS_END = re.compile(rb"\n\r?\n")
_FIELD = re.compile(rb"\n((?i:content-type|content-disposition|subject))[ \t]*:((?:[^\n]*\n[ \t])*[^\n]*)")
_BLANK_LINE = re.compile(rb"\r?\n")


class NameScanner:
    """Is fed a message piece by piece; C(names) are those found so far, in the order of the parts, without repetitions.

    Attachments without a name of their own that are messages go by their subjects. Malformed MIME gives fewer names,
    never an error.
    """

    def __init__(self) -> None:
        self._found: dict[str, None] = {}
        self._boundaries: list[bytes] = []
        self._rest = b""
        self._in_headers = True
        self._is_over = False
        # Whether the headers that come next are those of a message inside the message.
        self._is_attached = False

    @property
    def names(self) -> list[str]:
        return list(self._found)

    def watch(self, chunks: t.Iterable[bytes]) -> t.Iterator[bytes]:
        """The chunks as they come, fed on the way."""
        for chunk in chunks:
            self.feed(chunk)
            yield chunk

    def feed(self, chunk: bytes) -> None:
        """Take the next piece, of any size."""
        if self._is_over:
            return
        data, place = self._rest + chunk if self._rest else chunk, 0
        while not self._is_over:
            after = self._headers(data, place) if self._in_headers else self._body(data, place)
            if after is None:
                break
            place = after
        self._rest = b"" if self._is_over else data[self._keep_from(data, place) :]

    def _keep_from(self, data: bytes, place: int) -> int:
        """From where on the data is needed again: headers from their beginning, of a body what may begin a boundary."""
        if self._in_headers:
            return place
        longest = max((len(boundary) for boundary in self._boundaries), default=0)
        return max(place, len(data) - longest - 4)

    def _headers(self, data: bytes, place: int) -> int | None:
        """Where the body begins; None while the headers have not ended."""
        end = (_BLANK_LINE.match if data[place : place + 1] in (b"\r", b"\n") else _HEADERS_END.search)(data, place)
        if end is None:
            self._is_over = len(data) - place > _LONGEST_HEADERS
            return None
        fields = {match[1].lower(): match[2] for match in _FIELD.finditer(b"\n" + data[place : end.end()])}
        self._in_headers = False
        self._take(fields)
        if not self._in_headers:
            self._is_over = not self._boundaries or len(self._found) >= MOST_NAMES
            # The empty line may be what a boundary's line begins with.
            return end.end() - 1
        return end.end()

    def _take(self, fields: t.Mapping[bytes, bytes]) -> None:
        kind = fields.get(b"content-type", b"").strip().lower()
        name = _file_name(fields)
        is_message = kind.startswith(b"message/rfc822")
        if self._is_attached:
            name = _decoded(_unfolded(fields.get(b"subject", b"")))
        self._add(name)
        self._is_attached = is_message and not name
        self._in_headers = is_message and bool(self._boundaries)
        if kind.startswith(b"multipart/") and len(self._boundaries) < _DEEPEST:
            boundary = _boundary(fields)
            if boundary:
                self._boundaries.append(boundary)

    def _body(self, data: bytes, place: int) -> int | None:
        """Where the headers of the next part begin; None while no boundary has come."""
        while True:
            found = data.find(b"\n--", place)
            if found < 0:
                return None
            line_end = data.find(b"\n", found + 3)
            if line_end < 0 and len(data) - found < 300:
                return None
            line = data[found + 3 : line_end if line_end >= 0 else found + 300].rstrip()
            depth = self._depth(line)
            if depth is None:
                place = found + 3
                continue
            is_end = line != self._boundaries[depth]
            del self._boundaries[depth + (not is_end) :]
            self._is_attached = False
            self._in_headers = not is_end
            self._is_over = not self._boundaries
            return line_end if is_end else line_end + 1

    def _depth(self, line: bytes) -> int | None:
        """Which open part the line is a boundary of; the innermost first."""
        for depth in range(len(self._boundaries) - 1, -1, -1):
            if line in (self._boundaries[depth], self._boundaries[depth] + b"--"):
                return depth
        return None

    def _add(self, name: str) -> None:
        name = " ".join(name.split())[:LONGEST_NAME]
        if name and len(self._found) < MOST_NAMES:
            self._found[name] = None


def _file_name(fields: t.Mapping[bytes, bytes]) -> str:
    """Of the disposition, else of the type. Parsing is for the few that have one."""
    if not any(b"name" in fields.get(field, b"").lower() for field in _PARAMETERS):
        return ""
    try:
        name = _part(fields).get_filename()
    except _MALFORMED:
        return ""
    return _decoded(name or "")


def _boundary(fields: t.Mapping[bytes, bytes]) -> bytes:
    try:
        return (_part(fields).get_boundary() or "").encode("utf-8", "surrogateescape")
    except _MALFORMED:
        return b""


def _part(fields: t.Mapping[bytes, bytes]) -> email.message.Message:
    part = email.message.Message()
    for field in _PARAMETERS:
        if field in fields:
            part[field.decode("ascii")] = _unfolded(fields[field])
    return part


def _decoded(text: str) -> str:
    """Encoded words are not allowed inside a quoted parameter, and are what most programs write there."""
    if "=?" in text:
        try:
            text = str(email.header.make_header(email.header.decode_header(text)))
        except (ValueError, LookupError, email.errors.MessageError):
            return text
    return text.encode("utf-8", "replace").decode("utf-8")


def _unfolded(value: bytes) -> str:
    try:
        text = value.decode("utf-8")
    except UnicodeError:
        text = value.decode("latin-1")
    return " ".join(text.split())
