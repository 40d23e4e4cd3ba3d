# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the bytes of a message come from: each body gives the same bytes at every read."""

from __future__ import annotations

import functools
import typing as t

from . import generator
from .mime_view import Summary, summarise

if t.TYPE_CHECKING:
    import datetime
    from pathlib import Path


class Body(t.Protocol):
    """The MIME of a message, and what can be said of it without reading all of it."""

    def read(self) -> bytes: ...

    def summary(self) -> Summary: ...

    @property
    def size(self) -> int | None: ...


class StoredBody:
    """Bytes as delivered, kept in memory."""

    __slots__ = ("_mime", "_summary")

    def __init__(self, mime: bytes) -> None:
        self._mime = mime
        self._summary: Summary | None = None

    def read(self) -> bytes:
        return self._mime

    def summary(self) -> Summary:
        if self._summary is None:
            self._summary = summarise(self._mime)
        return self._summary

    @property
    def size(self) -> int | None:
        return len(self._mime)


class FileBody:
    """A range of a file on disk (a whole .eml, or one message of an mbox)."""

    __slots__ = ("_length", "_offset", "_path", "_summary")

    def __init__(self, path: Path, offset: int, length: int) -> None:
        self._path = path
        self._offset = offset
        self._length = length
        self._summary: Summary | None = None

    def read(self) -> bytes:
        with self._path.open("rb") as file:
            file.seek(self._offset)
            return file.read(self._length)

    def summary(self) -> Summary:
        if self._summary is None:
            self._summary = summarise(self.read())
        return self._summary

    @property
    def size(self) -> int | None:
        return self._length


class GeneratedBody:
    """A message of the generator, made anew at each read; keeps a few numbers only."""

    __slots__ = ("_draft", "_size")

    def __init__(self, draft: generator.Recipe) -> None:
        self._draft = draft
        self._size = 0

    def read(self) -> bytes:
        return _generated(self._draft)

    def summary(self) -> Summary:
        return generator.summary(self._draft)

    @property
    def received(self) -> datetime.datetime:
        return generator.summary(self._draft).sent

    @property
    def size(self) -> int | None:
        return None

    @property
    def expected_size(self) -> int:
        """About the size, without making the message."""
        if not self._size:
            self._size = generator.expected_size(self._draft)
        return self._size


@functools.lru_cache(maxsize=32)
def _generated(draft: generator.Recipe) -> bytes:
    return generator.mime(draft)


class BuiltBody:
    """The MIME of a message that was created by JSON; built at the first read."""

    __slots__ = ("_make", "_mime", "_summary")

    def __init__(self, make: t.Callable[[], bytes], summary: Summary) -> None:
        self._make = make
        self._summary = summary
        self._mime: bytes | None = None

    def read(self) -> bytes:
        if self._mime is None:
            self._mime = self._make()
        return self._mime

    def summary(self) -> Summary:
        return self._summary

    @property
    def size(self) -> int | None:
        return len(self.read())
