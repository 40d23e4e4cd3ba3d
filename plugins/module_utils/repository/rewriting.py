# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Gives snapshots another tree, as C(restic rewrite) does: for what has to go out of restore points that stay.

Order: packs with the new trees, their index, the new snapshots, and only then the old ones go. Killed in between, a restore
point is there twice, once with what should go and once without, and whoever does it again writes none a second time.
"""

from __future__ import annotations

import dataclasses
import socket
import typing as t

from .blobs import PackedBlob, blob_id, seal_blob
from .errors import RepositoryError
from .prune_plan import packed_size
from .reachability import BlobSet
from .saving import BlobSaver
from .snapshots import with_tree
from .storage import FileKind
from .tree_json import decode_tree
from .types import BlobId, BlobKind, SavedBlob, Snapshot, SnapshotId, TreeId
from .writer import Writer

if t.TYPE_CHECKING:
    from .locks import HeldLock
    from .reachability import SeenBlobs
    from .reading import IndexReader
    from .repository import Repository

Rewriting = t.Callable[[BlobSaver, TreeId], TreeId]
"""Makes another tree of a snapshot's. The same tree always comes of the same one."""


@dataclasses.dataclass(frozen=True, slots=True)
class Reduction:
    """What a prune is to do with snapshots: some go, and some lose a part of their tree. Ids that are not there are ignored.

    ``tolerated_waste`` is the share of the packs that may stay though nobody needs it, None for the usual one.
    """

    remove: t.Collection[SnapshotId] = ()
    rewrite: t.Mapping[SnapshotId, Rewriting] = dataclasses.field(default_factory=dict)
    tolerated_waste: float | None = None


class Sketch(BlobSaver):
    """Makes trees as a writer would, stores nothing, and notes in ``used`` what they need of what is stored.

    Memory holds the new parts of one snapshot at a time.
    """

    def __init__(self, reader: IndexReader, used: SeenBlobs) -> None:
        super().__init__(reader.key)
        self._reader = reader
        self._used = used
        self._held: dict[tuple[BlobKind, str], bytes] = {}
        self._new = BlobSet()
        self._packed: list[PackedBlob] = []

    @property
    def new_bytes(self) -> int:
        """What the packs take that a writer would store."""
        return packed_size(self._packed)

    def rewritten(self, tree: TreeId, rewriting: Rewriting) -> TreeId:
        """The tree that comes of it. Ask for what L(old_parts) it has before the next one."""
        self._held.clear()
        return rewriting(self, tree)

    def old_parts(self, tree: TreeId) -> t.Iterator[TreeId]:
        """The trees that it has in common with what is stored."""
        pending = [tree]
        while pending:
            tree = pending.pop()
            if not self._new.has(BlobKind.TREE, tree):
                yield tree
                continue
            for node in decode_tree(self._held[BlobKind.TREE, tree]):
                for blob in node.content:
                    if not self._new.has(BlobKind.DATA, blob):
                        self._used.add(BlobKind.DATA, blob)
                if node.subtree is not None:
                    pending.append(node.subtree)

    def read_blob(self, kind: BlobKind, blob: BlobId) -> bytes:
        held = self._held.get((kind, blob))
        return self._reader.read_blob(kind, blob) if held is None else held

    def has_blob(self, kind: BlobKind, blob: BlobId) -> bool:
        return self._reader.index.has(kind, blob) or self._new.has(kind, blob)

    def save_blob(self, kind: BlobKind, data: bytes) -> SavedBlob:
        blob = blob_id(data)
        self._held[kind, blob] = data
        if self.has_blob(kind, blob):
            return SavedBlob(blob, False, 0)
        sealed = seal_blob(self._key, kind, data)
        self._new.add(kind, blob)
        self._packed.append(PackedBlob(kind, blob, 0, len(sealed.data), sealed.plain_length))
        return SavedBlob(blob, True, len(sealed.data))


@dataclasses.dataclass(frozen=True, slots=True)
class Rewrite:
    """A snapshot that goes, how its successor's tree is made, and what comes of it."""

    snapshot: Snapshot
    rewriting: Rewriting
    tree: TreeId


def write_rewritten(repository: Repository, lock: HeldLock, rewrites: t.Iterable[Rewrite], kept: t.Iterable[Snapshot]) -> None:
    """Store the successors; the old snapshots stay for the caller to remove. One that is among the ``kept`` is not written again.

    Raises LockLost, RepositoryDamaged, StorageError.
    """
    there = {_identity(snapshot, snapshot.tree) for snapshot in kept}
    due = [each for each in rewrites if _identity(each.snapshot, each.tree) not in there]
    if not due:
        return
    files = repository.files
    repository.known_index.refresh()
    repository.known_index.refuse_damage()
    writer = Writer(repository, lock, socket.gethostname())
    try:
        for each in due:
            if each.rewriting(writer, each.snapshot.tree) != each.tree:
                raise RepositoryError(
                    f"The snapshot {each.snapshot.id[:8]} came out differently than it was planned; nothing was removed.",
                    hint="This is a defect; please report it.",
                )
        writer.flush()
    finally:
        writer.close()
    for each in due:
        content = with_tree(each.snapshot.id, files.read(FileKind.SNAPSHOT, each.snapshot.id), each.tree)
        lock.confirm()
        files.write(FileKind.SNAPSHOT, content)


def _identity(snapshot: Snapshot, tree: TreeId) -> tuple[object, ...]:
    return (snapshot.first_id, snapshot.time, frozenset(snapshot.tags), tree)
