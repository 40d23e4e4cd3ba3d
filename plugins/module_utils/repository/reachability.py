# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which blobs snapshots need."""

from __future__ import annotations

import itertools
import typing as t

from .blobs import open_blob
from .errors import Malformed, RepositoryDamaged
from .reading import IndexReader
from .sealed_reading import read_sealed
from .tree_json import decode_tree
from .types import BlobId, BlobKind, Node, TreeId

_TREES_AT_ONCE = 4_096


class SeenBlobs(t.Protocol):
    """What takes note of blobs, and knows which are news."""

    def add(self, kind: BlobKind, blob: str, /) -> bool: ...


class BlobSet:
    """Blobs of both kinds, at the price of 32 bytes of key each."""

    def __init__(self) -> None:
        self._digests: dict[BlobKind, set[bytes]] = {kind: set() for kind in BlobKind}

    def add(self, kind: BlobKind, blob: str) -> bool:
        """Whether it is new."""
        digests = self._digests[kind]
        before = len(digests)
        digests.add(bytes.fromhex(blob))
        return len(digests) != before

    def has(self, kind: BlobKind, blob: str) -> bool:
        return bytes.fromhex(blob) in self._digests[kind]

    def __len__(self) -> int:
        return sum(len(digests) for digests in self._digests.values())

    def __iter__(self) -> t.Iterator[tuple[BlobKind, BlobId]]:
        for kind, digests in self._digests.items():
            for digest in digests:
                yield kind, BlobId(digest.hex())


def visit_trees(
    reader: IndexReader, roots: t.Iterable[TreeId], used: SeenBlobs, on_damage: t.Callable[[RepositoryDamaged], None]
) -> t.Iterator[tuple[Node, ...]]:
    """The entries of every tree below ``roots``, each tree once. ``used`` collects the trees; their files are the caller's.

    Some trees at a time, as they lie in the packs. A damaged one is handed to ``on_damage`` and left out. Raises StorageError.
    """
    pending = [root for root in roots if used.add(BlobKind.TREE, root)]
    while pending:
        batch = pending[-_TREES_AT_ONCE:]
        del pending[-_TREES_AT_ONCE:]
        for _tree, nodes in read_trees(reader, batch, on_damage):
            yield nodes
            pending.extend(node.subtree for node in nodes if node.subtree is not None and used.add(BlobKind.TREE, node.subtree))


def read_trees(
    reader: IndexReader, trees: t.Iterable[TreeId], on_damage: t.Callable[[RepositoryDamaged], None]
) -> t.Iterator[tuple[TreeId, tuple[Node, ...]]]:
    """The entries of some trees, as they lie in the packs, neighbours in one request. ``on_damage`` and errors as of L(visit_trees)."""
    found = [reader.index.find(BlobKind.TREE, BlobId(tree)) or tree for tree in trees]
    placed = (place for place in found if not isinstance(place, str))
    awry = [TreeId(tree) for tree in found if isinstance(tree, str)]
    in_order = sorted(placed, key=lambda place: (place.pack, place.blob.offset))
    for pack, group in itertools.groupby(in_order, key=lambda place: place.pack):
        for blob, sealed in read_sealed(reader.storage, pack, [place.blob for place in group]):
            try:
                yield TreeId(blob.id), decode_tree(open_blob(reader.key, blob, b"" if sealed is None else sealed))
            except Malformed:
                awry.append(TreeId(blob.id))
    for tree in awry:
        try:
            yield tree, reader.read_tree(tree)
        except RepositoryDamaged as damage:
            on_damage(damage)
