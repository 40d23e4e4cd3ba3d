# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Saving files and trees: the same for a writer and for whoever only finds out what a writer would store."""

from __future__ import annotations

import typing as t

from .blobs import blob_id
from .pieces import Cutter, cut_pieces, keyed_cutter
from .reading import BlobReader
from .tree_json import encode_tree
from .types import BlobId, BlobKind, Node, SavedBlob, SavedFile, TreeId

if t.TYPE_CHECKING:
    from .crypto import SealingKey

#: What a secret is derived for. With another word here all large contents would be cut, and so stored, anew.
_CUTTING = b"tenantvault.m365_backup pieces 1"


class BlobSaver(BlobReader):
    """Trees and files on top of L(save_blob) and L(has_blob), which say where blobs go."""

    def __init__(self, key: SealingKey) -> None:
        self._key = key

    def has_blob(self, kind: BlobKind, blob: BlobId) -> bool:
        """Whether it is stored, or saved here and waiting to be."""
        raise NotImplementedError

    def save_blob(self, kind: BlobKind, data: bytes) -> SavedBlob:
        """Store ``data`` unless it is known."""
        raise NotImplementedError

    def save_file(self, chunks: t.Iterable[bytes]) -> SavedFile:
        """Store a content that arrives in chunks: as one blob up to 4 MiB, else in pieces up to that."""
        saved: list[SavedBlob] = []
        size = 0
        for piece in cut_pieces(chunks, self._new_cutter, self._is_stored):
            size += len(piece)
            saved.append(self.save_blob(BlobKind.DATA, piece))
            del piece  # not to be held while the next one is gathered
        return SavedFile(
            content=tuple(blob.id for blob in saved),
            size=size,
            stored_bytes=sum(blob.stored_bytes for blob in saved),
            is_new=any(blob.is_new for blob in saved),
        )

    def save_tree(self, nodes: t.Iterable[Node]) -> TreeId:
        """Store a directory, whatever the order of its entries. Raises ValueError for impossible or duplicate names."""
        return TreeId(self.save_blob(BlobKind.TREE, encode_tree(nodes)).id)

    def _new_cutter(self) -> Cutter | None:
        return keyed_cutter(self._key.derive(_CUTTING))

    def _is_stored(self, data: memoryview) -> bool:
        return self.has_blob(BlobKind.DATA, blob_id(data))
