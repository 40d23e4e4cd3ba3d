# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bytes that are looked into: a content, or what was unpacked from one. Small ones in memory, large ones in a nameless file.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import os
import re
import tempfile
import typing as t
from dataclasses import dataclass

from .scanner import ScannerDown

IN_MEMORY = 4 << 20
WINDOW = 1 << 20
LONGEST_MATCH = 4096


class Unreadable(Exception):
    """What follows in these bytes cannot be looked into. C(reason) continues the sentence "not scanned: ..."."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class TooMuch(Unreadable):
    """A limit is reached: nothing more of this content is unpacked."""


@dataclass(frozen=True, slots=True)
class Part:
    """What an unpacker found. C(is_message): it is a mail message, whatever it looks like.

    The chunks have to be read before the next part is asked for, and may raise Unreadable when there is more than can be read.
    """

    chunks: t.Iterator[bytes]
    is_message: bool = False


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that could not be unpacked, and why; an unpacker goes on after it."""

    reason: str


Found = t.Union[Part, Trouble]


class Piece:
    """Any part of it can be read, any number of times. Close it: a large one holds a file."""

    def __init__(self, chunks: t.Iterable[bytes]) -> None:
        """Takes all chunks. Those that came before Unreadable are kept, and C(damage) says why there are no more.

        Raises ScannerDown when the temporary directory takes no more, TooMuch as it comes, and what reading the chunks raises.
        """
        self._data = b""
        self._file: t.BinaryIO | None = None
        self._last = (0, b"")
        self.size = 0
        self.damage = ""
        try:
            self._take(chunks)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Piece:
        return self

    def __exit__(self, *unused: object) -> None:
        self.close()

    @property
    def data(self) -> bytes | None:
        """All of it, where it is in memory."""
        return self._data if self._file is None else None

    @property
    def descriptor(self) -> int:
        """Of the file, where it is not in memory; else -1."""
        return -1 if self._file is None else self._file.fileno()

    def read(self, start: int, stop: int) -> bytes:
        """Of what there is between the two. Callers ask for no more than they can hold."""
        if self._file is None:
            return self._data[start:stop]
        return os.pread(self._file.fileno(), max(0, min(stop, self.size) - start), start)

    def windows(self, start: int = 0, stop: int | None = None) -> t.Iterator[bytes]:
        stop = self.size if stop is None else min(stop, self.size)
        while start < stop:
            window = self.read(start, min(stop, start + WINDOW))
            yield window
            start += len(window)

    def find(self, wanted: bytes, start: int = 0, stop: int | None = None) -> int:
        """Where it begins, all of it before C(stop); -1 when it is not there."""
        stop = self.size if stop is None else min(stop, self.size)
        if self._file is None:
            return self._data.find(wanted, start, stop)
        while start + len(wanted) <= stop:
            begin, window = self._around(start, len(wanted))
            place = window.find(wanted, start - begin, stop - begin)
            if place >= 0:
                return begin + place
            start = begin + len(window) - len(wanted) + 1
        return -1

    def search(self, pattern: re.Pattern[bytes], start: int = 0, stop: int | None = None) -> tuple[int, bytes] | None:
        """Where a match of at most C(LONGEST_MATCH) bytes begins, and the match. A window may begin with C(^)."""
        stop = self.size if stop is None else min(stop, self.size)
        while start < stop:
            begin, window = (0, self._data) if self._file is None else self._around(start, LONGEST_MATCH)
            match = pattern.search(window, start - begin, stop - begin)
            if match is not None:
                return begin + match.start(), match.group()
            if begin + len(window) >= stop:
                return None
            start = begin + len(window) - LONGEST_MATCH + 1
        return None

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _around(self, start: int, size: int) -> tuple[int, bytes]:
        """A window with C(size) bytes from C(start) on, and where it begins. The last one is kept: looks come close to one another."""
        begin, window = self._last
        if not begin <= start <= begin + len(window) - size:
            begin, window = self._last = start, self.read(start, start + WINDOW)
        return begin, window

    def _take(self, chunks: t.Iterable[bytes]) -> None:
        kept: list[bytes] = []
        try:
            for chunk in chunks:
                self.size += len(chunk)
                if self._file is None and self.size > IN_MEMORY:
                    self._file = _nameless_file()
                    self._write(kept)
                    kept = []
                if self._file is None:
                    kept.append(chunk)
                else:
                    self._write([chunk])
        except TooMuch:
            raise
        except Unreadable as problem:
            self.damage = problem.reason
        if self._file is None:
            self._data = b"".join(kept)

    def _write(self, chunks: t.Iterable[bytes]) -> None:
        if self._file is None:
            return
        try:
            for chunk in chunks:
                rest = memoryview(chunk)
                while rest:
                    rest = rest[self._file.write(rest) :]
        except OSError as error:
            raise _no_room(error) from error


def _nameless_file() -> t.BinaryIO:
    try:
        return t.cast(t.BinaryIO, tempfile.TemporaryFile(buffering=0))
    except OSError as error:
        raise _no_room(error) from error


def _no_room(error: OSError) -> ScannerDown:
    return ScannerDown(
        f"A content could not be kept in the temporary directory {tempfile.gettempdir()} while it was scanned: {error.strerror}.",
        hint="Make room there, or let TMPDIR name another directory.",
    )
