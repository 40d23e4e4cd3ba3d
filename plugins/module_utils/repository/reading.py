# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading blobs, trees and files: the same for a repository and for a writer."""

from __future__ import annotations

import typing as t

from .blob_index import BlobIndex, BlobPlace
from .blobs import open_blob
from .crypto import SealingKey
from .errors import BlobMissing, Malformed, ObjectMissing, RepositoryDamaged
from .object_files import object_name
from .storage import FileKind, Storage
from .tree_json import decode_tree
from .types import BlobId, BlobKind, Node, TreeId


class BlobReader:
    """Trees and files on top of L(read_blob), which says where blobs come from."""

    def read_blob(self, kind: BlobKind, blob: BlobId) -> bytes:
        """The content, authenticated and compared with its hash. Raises RepositoryDamaged, StorageError."""
        raise NotImplementedError

    def read_tree(self, tree: TreeId) -> tuple[Node, ...]:
        """The entries of a directory, by name. Raises RepositoryDamaged, StorageError."""
        data = self.read_blob(BlobKind.TREE, BlobId(tree))
        try:
            return decode_tree(data)
        except Malformed as error:
            raise RepositoryDamaged(blob_name(BlobKind.TREE, tree), str(error)) from error

    def read_file(self, node: Node) -> t.Iterator[bytes]:
        """The content of a file, piece by piece. Raises RepositoryDamaged, StorageError."""
        for blob in node.content:
            yield self.read_blob(BlobKind.DATA, blob)


def blob_name(kind: BlobKind, blob: str) -> str:
    """What messages call a blob."""
    return f"tree {blob}" if kind is BlobKind.TREE else f"data blob {blob}"


def read_at(storage: Storage, key: SealingKey, place: BlobPlace) -> bytes:
    """Read a blob where the index says it is. Raises RepositoryDamaged that names the blob and its pack."""
    blob = place.blob
    try:
        sealed = storage.get_range(FileKind.DATA, place.pack, blob.offset, blob.length)
        return open_blob(key, blob, sealed)
    except ObjectMissing as error:
        raise RepositoryDamaged(
            object_name(FileKind.DATA, place.pack),
            f"is missing; it holds {blob_name(blob.kind, blob.id)}",
        ) from error
    except Malformed as error:
        raise RepositoryDamaged(f"{blob_name(blob.kind, blob.id)} in {object_name(FileKind.DATA, place.pack)}", str(error)) from error


def read_any(storage: Storage, key: SealingKey, kind: BlobKind, blob: BlobId, places: t.Sequence[BlobPlace]) -> bytes:
    """Read a blob from the first of its places that is good.

    Raises BlobMissing when there is no place, or no pack at any of them; else RepositoryDamaged that names every place.
    """
    failures: list[RepositoryDamaged] = []
    for place in places:
        try:
            return read_at(storage, key, place)
        except RepositoryDamaged as error:
            failures.append(error)
    if not failures:
        raise BlobMissing(blob_name(kind, blob), "is in no index")
    others = "".join(f"; {failure.obj} {failure.problem}" for failure in failures[1:])
    is_missing = all(isinstance(failure.__cause__, ObjectMissing) for failure in failures)
    raise (BlobMissing if is_missing else RepositoryDamaged)(failures[0].obj, failures[0].problem + others) from failures[0].__cause__


def read_from_index(storage: Storage, key: SealingKey, kind: BlobKind, blob: BlobId, index: BlobIndex) -> bytes:
    """As L(read_any), by an index whose listing is of today: what that lists is not missing, whatever the storage says when it is read."""
    try:
        return read_any(storage, key, kind, blob, index.places(kind, blob))
    except BlobMissing as missing:
        if not index.has(kind, blob):
            raise
        raise RepositoryDamaged(
            missing.obj,
            f"{missing.problem}, although the storage lists it",
            hint="Check whether the storage lets its user read, or has moved the file to an archive class.",
        ) from missing.__cause__


class IndexReader(BlobReader):
    """Reads by what one index says, every copy of a blob in turn."""

    def __init__(self, storage: Storage, key: SealingKey, index: BlobIndex) -> None:
        self.storage = storage
        self.key = key
        self.index = index

    def read_blob(self, kind: BlobKind, blob: BlobId) -> bytes:
        return read_from_index(self.storage, self.key, kind, blob, self.index)
