# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Walks the trees of snapshots once, and notes whatever they need and do not get."""

from __future__ import annotations

import dataclasses
import typing as t

from .blob_index import BlobIndex
from .crypto import SealingKey
from .errors import BlobMissing, Malformed, RepositoryDamaged, StorageError
from .object_files import object_name
from .reachability import BlobSet
from .reading import BlobReader, blob_name, read_at
from .storage import FileKind, Storage
from .tree_json import decode_tree
from .types import BlobId, BlobKind, Node, NodeKind, PackId, Snapshot, TreeId

BlobKey = tuple[BlobKind, BlobId]


class ExaminingReader(BlobReader):
    """Reads by an index that was put together from what is intact; a blob counts as damaged when no copy of it opens."""

    def __init__(self, storage: Storage, key: SealingKey, index: BlobIndex) -> None:
        self.index = index
        self._storage = storage
        self._key = key

    def read_blob(self, kind: BlobKind, blob: BlobId) -> bytes:
        """Raises RepositoryDamaged, also when the storage refuses, so that one bad sector hides nothing else."""
        damage: RepositoryDamaged = BlobMissing(blob_name(kind, blob), "is in no index")
        for place in self.index.places(kind, blob):
            try:
                return read_at(self._storage, self._key, place)
            except RepositoryDamaged as error:
                damage = error
            except StorageError as error:
                obj = f"{blob_name(kind, blob)} in {object_name(FileKind.DATA, place.pack)}"
                damage = RepositoryDamaged(obj, f"cannot be read ({error.what})")
        raise damage


@dataclasses.dataclass(slots=True)
class TreeFacts:
    """What a walk has noted. Whatever is named here once is needed by a snapshot.

    ``missing`` are blobs that no index places anywhere, with what needs them; ``unread`` are trees of which no copy opens,
    ``suspects`` the packs that should hold those; ``senseless`` are trees that open and are none; ``sizes`` are files whose
    blobs do not add up.
    """

    trees: int = 0
    missing: dict[BlobKey, str] = dataclasses.field(default_factory=dict)
    unread: dict[TreeId, RepositoryDamaged] = dataclasses.field(default_factory=dict)
    suspects: set[PackId] = dataclasses.field(default_factory=set)
    senseless: dict[TreeId, str] = dataclasses.field(default_factory=dict)
    sizes: dict[tuple[TreeId, str], tuple[int, int]] = dataclasses.field(default_factory=dict)


def walk_trees(reader: ExaminingReader, snapshots: t.Iterable[Snapshot]) -> TreeFacts:
    """Every tree once, whatever number of snapshots share it."""
    facts, seen = TreeFacts(), BlobSet()
    pending: list[TreeId] = []
    for snapshot in snapshots:
        if seen.add(BlobKind.TREE, snapshot.tree):
            _reach(reader, facts, pending, snapshot.tree, object_name(FileKind.SNAPSHOT, snapshot.id))
        while pending:
            tree = pending.pop()
            nodes = _read(reader, facts, tree)
            for node in nodes:
                if node.subtree is not None and seen.add(BlobKind.TREE, node.subtree):
                    _reach(reader, facts, pending, node.subtree, blob_name(BlobKind.TREE, tree))
            _check_files(reader.index, facts, tree, [node for node in nodes if node.kind is NodeKind.FILE])
    return facts


def _reach(reader: ExaminingReader, facts: TreeFacts, pending: list[TreeId], tree: TreeId, needed_by: str) -> None:
    if reader.index.find(BlobKind.TREE, BlobId(tree)) is None:
        facts.missing.setdefault((BlobKind.TREE, BlobId(tree)), needed_by)
    else:
        pending.append(tree)


def _read(reader: ExaminingReader, facts: TreeFacts, tree: TreeId) -> tuple[Node, ...]:
    facts.trees += 1
    try:
        return decode_tree(reader.read_blob(BlobKind.TREE, BlobId(tree)))
    except RepositoryDamaged as error:
        facts.unread[tree] = error
        facts.suspects.update(place.pack for place in reader.index.places(BlobKind.TREE, BlobId(tree)))
    except Malformed as error:
        facts.senseless[tree] = str(error)
    return ()


def _check_files(index: BlobIndex, facts: TreeFacts, tree: TreeId, files: t.Sequence[Node]) -> None:
    sizes = index.plain_sizes(BlobKind.DATA, {blob for node in files for blob in node.content})
    for node in files:
        missing = [blob for blob in node.content if blob not in sizes]
        for blob in missing:
            facts.missing.setdefault((BlobKind.DATA, blob), blob_name(BlobKind.TREE, tree))
        size = 0 if missing else sum(sizes[blob] for blob in node.content)
        if not missing and size != node.size:
            facts.sizes[tree, node.name] = (node.size, size)
