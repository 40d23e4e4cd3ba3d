# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One temporary file for all the large values of a message.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import tempfile
import typing as t

from ..graph.errors import TemporaryStorageFailed

_IN_MEMORY = 1 << 20
_PIECE = 1 << 20


class Spooled(t.NamedTuple):
    """A value inside the spool."""

    spool: Spool
    start: int
    size: int

    def chunks(self) -> t.Iterator[bytes]:
        return self.spool.chunks(self.start, self.size)

    def whole(self, limit: int) -> bytes:
        """The beginning, at most so many bytes."""
        return b"".join(self.spool.chunks(self.start, min(self.size, limit)))


class Spool:
    """In memory up to 1 MiB, then a file without a name. Close it. For one thread."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)
        self._end = 0

    def put(self, pieces: t.Iterable[bytes], kept: t.Callable[[Spooled], None]) -> None:
        """Append a value; C(kept) is called with what there is of it, also when the pieces end with an error.

        Raises TemporaryStorageFailed, and what the pieces raise.
        """
        start = self._end
        try:
            for piece in pieces:
                self._write(piece)
        finally:
            kept(Spooled(self, start, self._end - start))

    def chunks(self, start: int, size: int) -> t.Iterator[bytes]:
        while size > 0:
            self._file.seek(start)
            piece = self._file.read(min(size, _PIECE))
            if not piece:
                return
            start += len(piece)
            size -= len(piece)
            yield piece

    def close(self) -> None:
        self._file.close()

    def _write(self, piece: bytes) -> None:
        try:
            self._file.seek(self._end)
            self._file.write(piece)
        except OSError as error:
            raise TemporaryStorageFailed(
                f"A large item could not be kept in the temporary folder {tempfile.gettempdir()}: {error.strerror or error}.",
                hint="Free space there, or name another folder in the environment variable TMPDIR.",
            ) from None
        self._end += len(piece)
