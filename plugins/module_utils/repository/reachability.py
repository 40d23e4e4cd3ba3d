# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which blobs snapshots need."""

from __future__ import annotations

import typing as t

from .errors import RepositoryDamaged
from .types import BlobId, BlobKind, Node, TreeId, TreeReader


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
    store: TreeReader,
    roots: t.Iterable[TreeId],
    used: BlobSet,
    on_damage: t.Callable[[RepositoryDamaged], None] | None = None,
) -> t.Iterator[tuple[TreeId, tuple[Node, ...]]]:
    """Every tree below ``roots`` once. ``used`` collects the trees; their files are the caller's.

    A damaged tree raises RepositoryDamaged, or is handed to ``on_damage`` and left out.
    """
    pending = [root for root in roots if used.add(BlobKind.TREE, root)]
    while pending:
        tree = pending.pop()
        try:
            nodes = store.read_tree(tree)
        except RepositoryDamaged as error:
            if on_damage is None:
                raise
            on_damage(error)
            continue
        yield tree, nodes
        pending.extend(node.subtree for node in nodes if node.subtree is not None and used.add(BlobKind.TREE, node.subtree))


def find_used_blobs(store: TreeReader, roots: t.Iterable[TreeId]) -> BlobSet:
    """All that the trees need, themselves included. Raises RepositoryDamaged."""
    used = BlobSet()
    for _tree, nodes in visit_trees(store, roots, used):
        for node in nodes:
            for blob in node.content:
                used.add(BlobKind.DATA, blob)
    return used
