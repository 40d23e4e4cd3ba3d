# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""JSON that is read as it comes: long strings pass through, and nothing but the current piece is in memory.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import json
import re
import typing as t

_SPACE = re.compile(rb"[ \t\r\n]*")
_STRING_END = re.compile(rb'["\\]')
_STRUCTURE = re.compile(rb'["{}\[\]]')
_WORD_END = re.compile(rb"[\s,}\]]")
_LITERALS = {ord(b'"'): b'"', ord(b"\\"): b"\\", ord(b"/"): b"/", ord(b"b"): b"\b", ord(b"f"): b"\f", ord(b"n"): b"\n"}
_LITERALS.update({ord(b"r"): b"\r", ord(b"t"): b"\t"})


class BrokenJson(Exception):
    """The text ends early, or is no JSON."""


class JsonPieces:
    """A position in a text that arrives in pieces.

    :raises BrokenJson: from every method.
    """

    def __init__(self, pieces: t.Iterator[bytes]) -> None:
        self._pieces = pieces
        self._buffer = b""
        self._at = 0

    def peek(self) -> bytes:
        """The next byte that is no white space, and stays the next one."""
        self._skip_space()
        if self._at == len(self._buffer):
            raise BrokenJson("the text ends early")
        return self._buffer[self._at : self._at + 1]

    def expect(self, byte: bytes) -> None:
        if self.peek() != byte:
            raise BrokenJson(f"{byte.decode()} is missing")
        self._at += 1

    def end(self) -> None:
        """There must be nothing more."""
        self._skip_space()
        if self._at < len(self._buffer):
            raise BrokenJson("something follows the end")

    def members(self) -> t.Iterator[str]:
        """The keys of the object that begins here; the caller takes the value of each."""
        self.expect(b"{")
        if self._closes(b"}"):
            return
        while True:
            key = self.value(limit=1024)
            if not isinstance(key, str):
                raise BrokenJson("a key is no string")
            self.expect(b":")
            yield key
            if self._closes(b"}"):
                return
            self.expect(b",")

    def elements(self) -> t.Iterator[None]:
        """One step for each element of the list that begins here; the caller takes it."""
        self.expect(b"[")
        if self._closes(b"]"):
            return
        while True:
            yield None
            if self._closes(b"]"):
                return
            self.expect(b",")

    def value(self, limit: int) -> t.Any:
        """The whole value that begins here, None if it is longer than ``limit`` bytes."""
        kept = bytearray()
        is_whole = True
        for piece in self._raw_value():
            is_whole = is_whole and len(kept) + len(piece) <= limit
            if is_whole:
                kept += piece
        if not is_whole:
            return None
        try:
            return json.loads(kept, strict=False)
        except (ValueError, RecursionError):
            raise BrokenJson("a value is malformed") from None

    def string_pieces(self) -> t.Iterator[bytes]:
        """The string that begins here, in pieces, in UTF-8."""
        self.expect(b'"')
        while True:
            found = _STRING_END.search(self._buffer, self._at)
            end = found.start() if found else len(self._buffer)
            if end > self._at:
                piece = self._buffer if self._at == 0 and end == len(self._buffer) else self._buffer[self._at : end]
                self._at = end
                yield piece
            if found is None:
                self._fill()
            elif self._take(1) == b'"':
                return
            else:
                yield self._escaped()

    def _raw_value(self) -> t.Iterator[bytes]:
        start = self.peek()
        if start == b'"':
            yield from self._raw_string()
        elif start in (b"{", b"["):
            yield from self._raw_container()
        else:
            while True:
                found = _WORD_END.search(self._buffer, self._at)
                yield self._take((found.start() if found else len(self._buffer)) - self._at)
                if found or not self._more():
                    return

    def _raw_container(self) -> t.Iterator[bytes]:
        depth = 0
        while True:
            found = _STRUCTURE.search(self._buffer, self._at)
            if found is None:
                yield self._take(len(self._buffer) - self._at)
                self._fill()
                continue
            if found.group() == b'"':
                yield self._take(found.start() - self._at)
                yield from self._raw_string()
                continue
            yield self._take(found.end() - self._at)
            depth += 1 if found.group() in b"{[" else -1
            if depth == 0:
                return

    def _raw_string(self) -> t.Iterator[bytes]:
        yield self._take(1)
        while True:
            found = _STRING_END.search(self._buffer, self._at)
            yield self._take((found.end() if found else len(self._buffer)) - self._at)
            if found is None:
                self._fill()
            elif found.group() == b'"':
                return
            else:
                yield self._exactly(1)

    def _escaped(self) -> bytes:
        kind = self._exactly(1)[0]
        if kind != ord(b"u"):
            if kind not in _LITERALS:
                raise BrokenJson("an escape is malformed")
            return _LITERALS[kind]
        try:
            return chr(int(self._exactly(4), 16)).encode("utf-8", "surrogatepass")
        except ValueError:
            raise BrokenJson("an escape is malformed") from None

    def _exactly(self, count: int) -> bytes:
        taken = b""
        while len(taken) < count:
            if self._at == len(self._buffer):
                self._fill()
            taken += self._take(min(count - len(taken), len(self._buffer) - self._at))
        return taken

    def _take(self, count: int) -> bytes:
        taken = self._buffer[self._at : self._at + count]
        self._at += len(taken)
        return taken

    def _closes(self, byte: bytes) -> bool:
        if self.peek() != byte:
            return False
        self._at += 1
        return True

    def _skip_space(self) -> None:
        while True:
            found = _SPACE.match(self._buffer, self._at)
            self._at = found.end() if found else self._at
            if self._at < len(self._buffer) or not self._more():
                return

    def _fill(self) -> None:
        if not self._more():
            raise BrokenJson("the text ends early")

    def _more(self) -> bool:
        """The next piece, once the last one is used up."""
        for piece in self._pieces:
            if piece:
                self._buffer, self._at = piece, 0
                return True
        self._buffer, self._at = b"", 0
        return False
