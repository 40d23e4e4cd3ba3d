# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Contents out of the repository: many small ones in one request, large ones piece by piece while they are looked at.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t

from ..graph.bodies import Body
from ..repository.bulk_read import read_many
from ..repository.errors import RepositoryDamaged
from ..repository.reading import BlobReader
from ..repository.types import BlobId, BlobKind, Node, NodeKind, TreeId
from .layout import META_TIME
from .scan_contents import StoredFile

if t.TYPE_CHECKING:
    from ..repository.repository import Repository
    from ..scan.scanner import Content

_LOG_SUFFIX = ".jsonl"


def read_contents(
    repository: Repository, files: t.Sequence[StoredFile], on_damage: t.Callable[[StoredFile, RepositoryDamaged], None], *, size_limit: int
) -> t.Iterator[tuple[StoredFile, Content]]:
    """The files in the order in which reading them costs least. Of what is above C(size_limit) nothing is read.

    A file of one blob comes as bytes, or ``on_damage`` is told. Reading a larger one raises RepositoryDamaged. Raises StorageError.
    """
    small = {file.number: file for file in files if len(file.blobs) == 1 and file.size <= size_limit}
    nodes = ((number, _node(file)) for number, file in small.items())
    for number, _offset, piece in read_many(repository, nodes, lambda number, damage: on_damage(small[number], damage)):
        yield small[number], Body(piece, None, len(piece))
    for file in files:
        if file.number not in small:
            yield file, _Stored(repository, file)


class AheadReader(BlobReader):
    """Reads the files of a catalogue a directory at a time: as they lie, some dozens in one request."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._ahead: dict[BlobId, bytes] = {}

    def read_tree(self, tree: TreeId) -> tuple[Node, ...]:
        nodes = self._repository.read_tree(tree)
        logs = [node for node in nodes if node.name.endswith(_LOG_SUFFIX) and len(node.content) == 1]
        if logs:
            wanted = ((node.content[0], node) for node in logs)
            # What is damaged is told of when it is read.
            self._ahead = {blob: piece for blob, _offset, piece in read_many(self._repository, wanted, lambda _blob, _damage: None)}
        return nodes

    def read_blob(self, kind: BlobKind, blob: BlobId) -> bytes:
        known = self._ahead.get(blob) if kind is BlobKind.DATA else None
        return self._repository.read_blob(kind, blob) if known is None else known


class _Stored:
    """A content that stays in the repository."""

    def __init__(self, repository: Repository, file: StoredFile) -> None:
        self._repository = repository
        self._file = file

    @property
    def size(self) -> int:
        return self._file.size

    def chunks(self) -> t.Iterator[bytes]:
        return self._repository.read_file(_node(self._file))


def _node(file: StoredFile) -> Node:
    return Node("content", NodeKind.FILE, META_TIME, file.size, file.blobs)
