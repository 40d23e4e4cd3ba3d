# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A complete body: small ones in memory, large ones in a temporary file without a name.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import tempfile
import typing as t

from .errors import TemporaryStorageFailed

MEMORY_LIMIT = 8 << 20
"""Bytes. Nearly all messages are smaller; the file is the exception."""
_PIECE = 1 << 20


class Body:
    """What one request delivered, whole. Close it, or use it as a context manager."""

    __slots__ = ("_file", "bytes", "size")

    def __init__(self, content: bytes | None, file: t.IO[bytes] | None, size: int) -> None:
        self.bytes = content
        self.size = size
        self._file = file

    def chunks(self, size: int = _PIECE) -> t.Iterator[bytes]:
        """The content in pieces, from the start each time it is called."""
        if self._file is None:
            content = self.bytes or b""
            if len(content) <= size:
                yield from (content,) if content else ()
                return
            for start in range(0, len(content), size):
                yield content[start : start + size]
            return
        self._file.seek(0)
        while piece := self._file.read(size):
            yield piece

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def __enter__(self) -> Body:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()


def collect(pieces: t.Iterator[bytes], memory: int | None = None) -> Body:
    """Take all pieces, more than ``memory`` bytes (else MEMORY_LIMIT) into a file; nothing is left behind when one of them fails.

    A body that comes as one piece is not copied.

    :raises TemporaryStorageFailed: the temporary folder is full or cannot be written.
    """
    head: list[bytes] = []
    size = 0
    for piece in pieces:
        head.append(piece)
        size += len(piece)
        if size > (MEMORY_LIMIT if memory is None else memory):
            return _spool(head, pieces)
    return Body(head[0] if len(head) == 1 else b"".join(head), None, size)


def _spool(head: list[bytes], rest: t.Iterator[bytes]) -> Body:
    try:
        file = tempfile.TemporaryFile()
    except OSError as error:
        raise _storage_failed(error) from None
    is_complete = False
    size = 0
    try:
        while head:
            size += _write(file, head.pop(0))
        for piece in rest:
            size += _write(file, piece)
        is_complete = True
        return Body(None, file, size)
    finally:
        if not is_complete:
            file.close()


def _write(file: t.IO[bytes], piece: bytes) -> int:
    try:
        return file.write(piece)
    except OSError as error:
        raise _storage_failed(error) from None


def _storage_failed(error: OSError) -> TemporaryStorageFailed:
    return TemporaryStorageFailed(
        f"A large message could not be kept in the temporary folder {tempfile.gettempdir()}: {error.strerror or error}.",
        hint="Free space there, or name another folder in the environment variable TMPDIR.",
    )
