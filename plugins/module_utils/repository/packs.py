# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pack files: sealed blobs one after the other, then a sealed header that lists them, then the header's length.

Facts: restic's C(doc/design.rst), "Pack Format"; its limit of 16 MiB for a header.
"""

from __future__ import annotations

import hashlib
import mmap
import struct
import typing as t

from .blobs import PackContent, PackedBlob, SealedBlob
from .crypto import OVERHEAD, SealingKey
from .errors import Malformed
from .types import BlobId, BlobKind, PackId

TARGET_SIZE = 16 << 20
MAX_HEADER = 16 << 20
_USUAL_SIZE = TARGET_SIZE + (6 << 20)
_PLAIN_ENTRY = struct.Struct("<BI32s")
_COMPRESSED_ENTRY = struct.Struct("<BII32s")
_LENGTH = struct.Struct("<I")
PLAIN_ENTRY_SIZE = _PLAIN_ENTRY.size
COMPRESSED_ENTRY_SIZE = _COMPRESSED_ENTRY.size
_MAX_ENTRIES = (MAX_HEADER - OVERHEAD) // COMPRESSED_ENTRY_SIZE
_KIND_BITS = {BlobKind.DATA: 0, BlobKind.TREE: 1}
_KINDS = {0: BlobKind.DATA, 1: BlobKind.TREE}
_COMPRESSED_BIT = 2


class FinishedPack(t.NamedTuple):
    content: PackContent
    data: memoryview


class PackBuilder:
    """Collects sealed blobs of one kind. Not thread-safe.

    The pack grows in pages of its own. Gathered from many small pieces of memory and then joined, it would take twice the
    space, and leave holes that other threads' memory keeps open. L(clear) makes the pages ready for another pack: asking the
    system for new ones costs more than filling them.
    """

    def __init__(self, kind: BlobKind) -> None:
        self.kind = kind
        self.size = 0
        self._entries: dict[BlobId, PackedBlob] = {}
        self._pages = _new_pages(_USUAL_SIZE)

    def clear(self) -> PackBuilder:
        """Begin another pack. What L(finish) gave is no longer valid."""
        self.size = 0
        self._entries = {}
        return self

    def add(self, blob: BlobId, sealed: SealedBlob) -> None:
        self._entries[blob] = PackedBlob(self.kind, blob, self.size, len(sealed.data), sealed.plain_length)
        self._append(sealed.data)

    def find(self, blob: BlobId) -> tuple[PackedBlob, bytes] | None:
        entry = self._entries.get(blob)
        return None if entry is None else (entry, self._pages[entry.offset : entry.offset + entry.length])

    def __len__(self) -> int:
        return len(self._entries)

    def is_full(self) -> bool:
        return is_full(self.kind, self.size, len(self._entries))

    def finish(self, key: SealingKey) -> FinishedPack:
        """The whole pack, without copying it. Nothing can be added any more."""
        entries = tuple(self._entries.values())
        header = key.seal(_encode_header(entries))
        self._append(header)
        self._append(_LENGTH.pack(len(header)))
        data = memoryview(self._pages)[: self.size].toreadonly()
        return FinishedPack(PackContent(PackId(hashlib.sha256(data).hexdigest()), entries), data)

    def _append(self, data: bytes | bytearray | memoryview) -> None:
        end = self.size + len(data)
        if end > len(self._pages):
            larger = _new_pages(2 * end)
            larger[: self.size] = self._pages[: self.size]
            self._pages = larger
        self._pages[self.size : end] = data
        self.size = end


def _new_pages(size: int) -> mmap.mmap:
    """Memory that takes no place before it is written to."""
    return mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)


def target_size(kind: BlobKind) -> int:
    """Directories are some hundredths of what a repository holds, and a pack that fills is memory: theirs are a quarter as large."""
    return TARGET_SIZE if kind is BlobKind.DATA else TARGET_SIZE // 4


def is_full(kind: BlobKind, size: int, entries: int) -> bool:
    """Whether a pack with so many bytes of blobs takes no more."""
    return size >= target_size(kind) or entries >= _MAX_ENTRIES


def pack_size(blobs: t.Iterable[PackedBlob]) -> int:
    """The size of the pack that holds exactly these blobs."""
    size = OVERHEAD + _LENGTH.size
    for blob in blobs:
        size += blob.length + (_PLAIN_ENTRY if blob.plain_length is None else _COMPRESSED_ENTRY).size
    return size


def decode_pack(key: SealingKey, data: bytes | memoryview) -> tuple[PackedBlob, ...]:
    """The entries of a whole pack, from its header. Raises Malformed."""
    view = memoryview(data)
    end = len(view) - _LENGTH.size
    if end < 0:
        raise Malformed("is too short for a pack")
    (header_length,) = _LENGTH.unpack(view[end:])
    if not OVERHEAD <= header_length <= min(MAX_HEADER, end):
        raise Malformed(f"claims a header of {header_length:,} bytes")
    return _decode_header(key.open(view[end - header_length : end]))


def _encode_header(entries: t.Iterable[PackedBlob]) -> bytes:
    parts = []
    for entry in entries:
        bits = _KIND_BITS[entry.kind]
        digest = bytes.fromhex(entry.id)
        if entry.plain_length is None:
            parts.append(_PLAIN_ENTRY.pack(bits, entry.length, digest))
        else:
            parts.append(_COMPRESSED_ENTRY.pack(bits | _COMPRESSED_BIT, entry.length, entry.plain_length, digest))
    return b"".join(parts)


def _decode_header(header: bytes) -> tuple[PackedBlob, ...]:
    entries: list[PackedBlob] = []
    position = offset = 0
    while position < len(header):
        bits = header[position]
        if bits > 3:
            raise Malformed(f"lists a blob of unknown type {bits}")
        layout = _COMPRESSED_ENTRY if bits & _COMPRESSED_BIT else _PLAIN_ENTRY
        if position + layout.size > len(header):
            raise Malformed("has a header that ends within an entry")
        fields = layout.unpack_from(header, position)
        plain_length = fields[2] if bits & _COMPRESSED_BIT else None
        entry = PackedBlob(_KINDS[bits & 1], BlobId(fields[-1].hex()), offset, fields[1], plain_length)
        if not entry.has_possible_lengths():
            raise Malformed("lists a blob of impossible length")
        entries.append(entry)
        offset += entry.length
        position += layout.size
    return tuple(entries)
