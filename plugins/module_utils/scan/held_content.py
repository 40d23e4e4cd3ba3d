# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A content that is on its way elsewhere, kept until it was scanned.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import tempfile
import typing as t

from .scanner import ScannerDown

MEMORY = 4 << 20
"""Bytes. Nearly all messages are smaller; the file is the exception."""
_PIECE = 1 << 20


class HeldContent:
    """Up to C(memory) bytes in memory, more in a temporary file without a name, nothing of more than C(size_limit). For one thread.

    Close it, or use it as a context manager.
    """

    __slots__ = ("_file", "_kept", "_limit", "_memory", "_trouble", "size")

    def __init__(self, size_limit: int, memory: int = MEMORY) -> None:
        self.size = 0
        self._kept: list[bytes] = []
        self._file: t.IO[bytes] | None = None
        self._limit = size_limit
        self._memory = memory
        self._trouble = ""

    @property
    def is_too_large(self) -> bool:
        return self.size > self._limit

    def watch(self, chunks: t.Iterable[bytes]) -> t.Iterator[bytes]:
        """Pass everything on as it is, and keep it. A temporary folder that is full does not stop it: C(chunks) says so."""
        for chunk in chunks:
            self._keep(chunk)
            yield chunk

    def chunks(self) -> t.Iterator[bytes]:
        """All of it, from the start each time.

        Raises ScannerDown when it could not be kept: nothing is known of the content then.
        """
        if self._trouble or self.is_too_large:
            raise ScannerDown(
                f"A content could not be kept for the malware scan: {self._trouble or 'it is larger than the limit'}.",
                hint="Free space in the temporary folder, or name another one in the environment variable TMPDIR." if self._trouble else "",
            )
        if self._file is None:
            yield from self._kept
            return
        try:
            self._file.seek(0)
            while piece := self._file.read(_PIECE):
                yield piece
        except OSError as error:
            self._trouble = _words(error)
            raise ScannerDown(f"A content could not be read back for the malware scan: {self._trouble}.") from None

    def close(self) -> None:
        self._drop()

    def __enter__(self) -> HeldContent:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def _keep(self, chunk: bytes) -> None:
        self.size += len(chunk)
        if self._trouble:
            return
        if self.is_too_large:
            self._drop()
        elif self._file is None and self.size <= self._memory:
            self._kept.append(chunk)
        else:
            self._write(chunk)

    def _write(self, chunk: bytes) -> None:
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(buffering=0)
                kept, self._kept = self._kept, []
                _write_all(self._file, kept)
            _write_all(self._file, (chunk,))
        except OSError as error:
            self._trouble = _words(error)
            self._drop()

    def _drop(self) -> None:
        self._kept = []
        if self._file is not None:
            self._file.close()
            self._file = None


def _write_all(file: t.IO[bytes], pieces: t.Iterable[bytes]) -> None:
    """An unbuffered file may take less than it was given."""
    for piece in pieces:
        rest = memoryview(piece)
        while rest:
            rest = rest[file.write(rest) :]


def _words(error: OSError) -> str:
    return f"{tempfile.gettempdir()}: {error.strerror or error}"
