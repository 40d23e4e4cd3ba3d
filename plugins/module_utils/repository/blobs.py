# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Seals single blobs and opens them again, with every check that the format allows."""

from __future__ import annotations

import hashlib
import typing as t

from . import compression
from .crypto import OVERHEAD, SealingKey
from .errors import Malformed, RepositoryError
from .types import BlobId, BlobKind, PackId

_MEBIBYTE = 1 << 20
_MAX_OFFSET = 1 << 32
MAX_PLAIN_LENGTH = {BlobKind.DATA: 64 * _MEBIBYTE, BlobKind.TREE: 256 * _MEBIBYTE}


class SealedBlob(t.NamedTuple):
    """``plain_length`` is None for a blob that is stored without compression."""

    data: bytes | bytearray | memoryview
    plain_length: int | None


class PackedBlob(t.NamedTuple):
    """A blob's entry in a pack's header and in the index."""

    kind: BlobKind
    id: BlobId
    offset: int
    length: int
    plain_length: int | None

    def has_possible_lengths(self) -> bool:
        plain = plain_size(self)
        fits = 0 <= self.offset < _MAX_OFFSET and OVERHEAD <= self.length < _MAX_OFFSET
        return fits and 0 <= plain <= MAX_PLAIN_LENGTH[self.kind]


class PackContent(t.NamedTuple):
    """A pack and what it holds, in the order of the offsets."""

    id: PackId
    blobs: tuple[PackedBlob, ...]


def plain_size(blob: PackedBlob) -> int:
    """The size of the content in bytes, as its entry says."""
    return blob.length - OVERHEAD if blob.plain_length is None else blob.plain_length


def blob_id(data: bytes | memoryview) -> BlobId:
    return BlobId(hashlib.sha256(data).hexdigest())


def seal_blob(key: SealingKey, kind: BlobKind, data: bytes) -> SealedBlob:
    """Compress and encrypt, then open the result and compare it: a machine with bad memory stores nothing.

    Data that does not shrink stays uncompressed. Trees are compressed whatever comes of it, because restic's prune
    would otherwise rewrite them; an empty blob cannot be, since the format reads a plain length of 0 as "uncompressed".
    """
    if len(data) > MAX_PLAIN_LENGTH[kind]:
        raise RepositoryError(
            f"A {kind.value} blob of {len(data):,} bytes is larger than the repository accepts.",
            hint="Spread what it describes over several folders.",
        )
    payload = compression.compress(data) if data else data
    if len(payload) >= len(data) and kind is BlobKind.DATA:
        payload = data
    sealed = SealedBlob(key.seal(payload), None if payload is data else len(data))
    del payload  # memory shall not hold a large blob once more while it is checked
    try:
        is_faithful = _unseal(key, kind, sealed.data, sealed.plain_length) == data
    except Malformed:
        is_faithful = False
    if not is_faithful:
        raise RepositoryError(
            "A blob changed between being sealed and being checked; nothing of it was stored.",
            hint="This machine's memory or processor is faulty: test the memory before the next backup.",
        )
    return sealed


def open_blob(key: SealingKey, blob: PackedBlob, sealed: bytes | memoryview) -> bytes:
    """The content. Raises Malformed unless its length, authentication code and hash are all as promised."""
    if len(sealed) != blob.length:
        raise Malformed(f"has {len(sealed):,} of {blob.length:,} bytes")
    if not blob.has_possible_lengths():
        raise Malformed("has an impossible length")
    plain = _unseal(key, blob.kind, sealed, blob.plain_length)
    if hashlib.sha256(plain).hexdigest() != blob.id:
        raise Malformed("does not match its name, the hash of its content")
    return plain


def _unseal(key: SealingKey, kind: BlobKind, sealed: bytes | bytearray | memoryview, plain_length: int | None) -> bytes:
    opened = key.open(sealed)
    if plain_length is None:
        return opened
    plain = compression.decompress(opened, min(plain_length, MAX_PLAIN_LENGTH[kind]))
    if len(plain) != plain_length:
        raise Malformed(f"decompresses to {len(plain):,} instead of {plain_length:,} bytes")
    return plain
