# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where every blob lies, in memory: about 250 bytes a blob.

Only entries whose pack is in today's listing, with the size that the index implies, count as present: a writer stores
anything else again. The others are kept apart, so that a reader can still try them and can name the pack.
"""

from __future__ import annotations

import typing as t

from .blobs import PackContent, PackedBlob
from .types import BlobId, BlobKind, PackId

_LENGTH_BITS = 32
_LENGTH_MASK = (1 << _LENGTH_BITS) - 1


class BlobPlace(t.NamedTuple):
    pack: PackId
    blob: PackedBlob


class BlobIndex:
    """A place is one integer: pack number, offset, length, plain length + 1 (0: uncompressed)."""

    def __init__(self) -> None:
        self._packs: list[PackId] = []
        self._present: dict[BlobKind, dict[bytes, int]] = {kind: {} for kind in BlobKind}
        self._doubtful: dict[BlobKind, dict[bytes, int]] = {kind: {} for kind in BlobKind}

    def add_pack(self, pack: PackContent, *, is_present: bool) -> None:
        """Where a blob is in several packs, the first that was added wins."""
        number = len(self._packs)
        self._packs.append(pack.id)
        places = self._present if is_present else self._doubtful
        for blob in pack.blobs:
            place = number << _LENGTH_BITS | blob.offset
            place = place << _LENGTH_BITS | blob.length
            place = place << _LENGTH_BITS | (0 if blob.plain_length is None else blob.plain_length + 1)
            places[blob.kind].setdefault(bytes.fromhex(blob.id), place)

    def has(self, kind: BlobKind, blob: BlobId) -> bool:
        return bytes.fromhex(blob) in self._present[kind]

    def find(self, kind: BlobKind, blob: BlobId) -> BlobPlace | None:
        """The best place known, which may be in a pack that is missing or has another size."""
        digest = bytes.fromhex(blob)
        place = self._present[kind].get(digest)
        if place is None:
            place = self._doubtful[kind].get(digest)
        if place is None:
            return None
        plain_length = (place & _LENGTH_MASK) - 1
        length = place >> _LENGTH_BITS & _LENGTH_MASK
        offset = place >> 2 * _LENGTH_BITS & _LENGTH_MASK
        pack = self._packs[place >> 3 * _LENGTH_BITS]
        return BlobPlace(pack, PackedBlob(kind, blob, offset, length, None if plain_length < 0 else plain_length))

    def __len__(self) -> int:
        """How many blobs are present."""
        return sum(len(places) for places in self._present.values())
