# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The outer shape of an Exchange export stream: records around the property stream.

A record is C(u32 opcode, u32 length, payload), little-endian. The first one configures, others say what is exported and by
which version, and the payloads of the transfer buffers together are the property stream (graph-mailbox facts, 8.7).

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t

_HEAD = 8
_CONFIG, _TRANSFER_BUFFER = 1, 2
_CONFIG_SIZE = 8
_HIGHEST_OPCODE = 32
_PIECE = 1 << 16


class StreamEnds(Exception):
    """The stream ends before what was to be read."""


class ByteSource:
    """Bytes that come in chunks, taken in the sizes that the reader wants. Holds one chunk."""

    def __init__(self, chunks: t.Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._buffer = b""
        self._at = 0
        self.offset = 0

    @property
    def is_at_end(self) -> bool:
        return self._at == len(self._buffer) and not self._more()

    def take(self, count: int) -> bytes:
        """Exactly so many bytes, in one piece: the caller bounds the number.

        :raises StreamEnds: there are fewer.
        """
        end = self._at + count
        if end <= len(self._buffer):
            taken = self._buffer[self._at : end]
            self._at = end
            self.offset += count
            return taken
        return b"".join(self.pieces(count))

    def pieces(self, count: int) -> t.Iterator[bytes]:
        """Exactly so many bytes, in pieces as they come.

        :raises StreamEnds: after the last piece, if there are fewer.
        """
        while count > 0:
            if self.is_at_end:
                raise StreamEnds
            piece = self._buffer[self._at : self._at + min(count, _PIECE)]
            self._at += len(piece)
            self.offset += len(piece)
            count -= len(piece)
            yield piece

    def skip(self, count: int) -> None:
        """:raises StreamEnds: there are fewer."""
        while count > 0:
            if self.is_at_end:
                raise StreamEnds
            step = min(count, len(self._buffer) - self._at)
            self._at += step
            self.offset += step
            count -= step

    def _more(self) -> bool:
        for chunk in self._chunks:
            if chunk:
                self._buffer, self._at = chunk, 0
                return True
        return False


class Frames:
    """Takes the records off a stream. C(damage) says, once the payloads have been taken to their end, why it is no whole
    export stream; it stays empty for a good one."""

    def __init__(self, chunks: t.Iterable[bytes]) -> None:
        self._source = ByteSource(chunks)
        self.damage = ""

    def payloads(self) -> t.Iterator[bytes]:
        """The property stream, in pieces. Never raises for what is in the stream."""
        source = self._source
        is_first, has_content = True, False
        while not source.is_at_end:
            start = source.offset
            try:
                head = source.take(_HEAD)
                opcode, length = int.from_bytes(head[:4], "little"), int.from_bytes(head[4:], "little")
                self.damage = _wrong(opcode, length, is_first=is_first, offset=start)
                if self.damage:
                    return
                is_first = False
                if opcode == _TRANSFER_BUFFER:
                    has_content = has_content or length > 0
                    yield from source.pieces(length)
                else:
                    source.skip(length)
            except StreamEnds:
                self.damage = f"the export stream ends inside the record at byte {start:,}"
                return
        if not has_content:
            self.damage = "the export stream has no content"


def framing_damage(chunks: t.Iterable[bytes]) -> str:
    """Why this is no whole export stream; empty for a good one."""
    frames = Frames(chunks)
    for _payload in frames.payloads():
        pass
    return frames.damage


def _wrong(opcode: int, length: int, *, is_first: bool, offset: int) -> str:
    if is_first and (opcode, length) != (_CONFIG, _CONFIG_SIZE):
        return "it does not begin as an export stream does"
    if not 0 < opcode <= _HIGHEST_OPCODE:
        return f"the export stream has no valid record at byte {offset:,}"
    return ""
