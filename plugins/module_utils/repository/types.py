# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The values that flow through the repository."""

from __future__ import annotations

import dataclasses
import enum
import typing as t
from datetime import datetime

BlobId = t.NewType("BlobId", str)
TreeId = t.NewType("TreeId", str)
PackId = t.NewType("PackId", str)
IndexId = t.NewType("IndexId", str)
SnapshotId = t.NewType("SnapshotId", str)
KeyId = t.NewType("KeyId", str)

Path = tuple[str, ...]


class BlobKind(enum.Enum):
    """Content of files, or a directory. The value is restic's word in index files."""

    DATA = "data"
    TREE = "tree"


class NodeKind(enum.Enum):
    """What a directory entry is. C(OTHER) are links, devices and the like that only restic itself stores."""

    FILE = "file"
    DIRECTORY = "dir"
    OTHER = "other"


@dataclasses.dataclass(frozen=True, slots=True)
class SavedBlob:
    """``stored_bytes`` is what the blob takes in a pack, 0 when it was known before."""

    id: BlobId
    is_new: bool
    stored_bytes: int


@dataclasses.dataclass(frozen=True, slots=True)
class SavedFile:
    """A content of any size: its blobs in order, its plain size, and what storing it added."""

    content: tuple[BlobId, ...]
    size: int
    stored_bytes: int
    is_new: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Node:
    """One entry of a directory. ``modified`` is aware of its zone, with microseconds."""

    name: str
    kind: NodeKind
    modified: datetime
    size: int = 0
    content: tuple[BlobId, ...] = ()
    subtree: TreeId | None = None

    @classmethod
    def file(cls, name: str, modified: datetime, saved: SavedFile) -> Node:
        return cls(name, NodeKind.FILE, modified, saved.size, saved.content)

    @classmethod
    def directory(cls, name: str, modified: datetime, subtree: TreeId) -> Node:
        return cls(name, NodeKind.DIRECTORY, modified, subtree=subtree)


@dataclasses.dataclass(frozen=True, slots=True)
class Snapshot:
    """A restore point. ``program`` says what wrote it; ``original`` is its first id, once its tags were rewritten."""

    id: SnapshotId
    time: datetime
    tree: TreeId
    hostname: str
    paths: tuple[str, ...]
    tags: tuple[str, ...] = ()
    parent: SnapshotId | None = None
    username: str = ""
    program: str = ""
    original: SnapshotId | None = None

    @property
    def first_id(self) -> SnapshotId:
        """The id that it had first, and that stays whatever tags it is given."""
        return self.original or self.id


@dataclasses.dataclass(frozen=True, slots=True)
class WriteStats:
    """What a writer has done. Plain bytes, but for ``stored_bytes`` (packs and index files, as stored)."""

    data_blobs: int = 0
    data_bytes: int = 0
    tree_blobs: int = 0
    tree_bytes: int = 0
    known_blobs: int = 0
    known_bytes: int = 0
    stored_bytes: int = 0
    packs: int = 0
    index_files: int = 0


class TreeReader(t.Protocol):
    def read_tree(self, tree: TreeId, /) -> tuple[Node, ...]: ...


class TreeStore(TreeReader, t.Protocol):
    def save_tree(self, nodes: t.Iterable[Node], /) -> TreeId: ...
