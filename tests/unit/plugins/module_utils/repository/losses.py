# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Repositories that have lost a blob: what a repair leaves of them when a disk has eaten something."""

from __future__ import annotations

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import Repository
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage import FileKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.trees import walk
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import BlobId, BlobKind

from .support import MemoryStorage, Place

Blob = tuple[BlobKind, BlobId]


def in_memory(place: Place) -> MemoryStorage:
    """The storage of a place whose files a test may change."""
    storage = place.storage
    assert isinstance(storage, MemoryStorage)
    return storage


def blobs_of(repository: Repository) -> dict[Blob, bytes]:
    """Every blob that a snapshot needs, with its content."""
    needed: dict[Blob, None] = {}
    for snapshot in repository.snapshots():
        needed[(BlobKind.TREE, BlobId(snapshot.tree))] = None
        for _path, node in walk(repository, snapshot.tree):
            needed.update(dict.fromkeys((BlobKind.DATA, blob) for blob in node.content))
            if node.subtree is not None:
                needed[(BlobKind.TREE, BlobId(node.subtree))] = None
    return {(kind, blob): repository.read_blob(kind, blob) for kind, blob in needed}


def lose(place: Place, *lost: Blob) -> None:
    """Keep every blob but these: the packs and the index are written anew without them."""
    kept = {blob: content for blob, content in blobs_of(place.reopen()).items() if blob not in lost}
    storage = in_memory(place)
    for file_kind in (FileKind.INDEX, FileKind.DATA):
        for name in storage.names(file_kind):
            storage.delete(file_kind, name)
    with place.reopen().writing() as writer:
        for (kind, _blob), content in kept.items():
            writer.save_blob(kind, content)
