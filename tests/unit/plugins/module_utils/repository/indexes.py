# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Index files and the packs that they name, without content."""

from __future__ import annotations

import typing as t

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.blob_index import (
    BlobIndex,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.blobs import PackContent, PackedBlob
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.crypto import KeyMaterial, SealingKey
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.index_files import encode_index
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.object_files import ObjectFiles
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.packs import pack_size
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage import FileKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import BlobId, BlobKind, PackId
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import (
    MemoryStorage,
)

KEY = SealingKey(KeyMaterial.random())


def stock(storage: MemoryStorage, files: ObjectFiles, number: int, *, blobs: int = 3) -> PackContent:
    """Store a pack that nobody reads, and an index file that names it."""
    content = tuple(
        PackedBlob(BlobKind.DATA, BlobId(f"{number:032x}{blob:032x}"), blob * 100, 100, None if blob % 2 else 200) for blob in range(blobs)
    )
    pack = PackContent(PackId(f"{number:064x}"), content)
    storage.files[FileKind.DATA, pack.id] = bytes(pack_size(content))
    files.write(FileKind.INDEX, encode_index([pack]))
    return pack


def present(index: BlobIndex, packs: t.Iterable[PackContent]) -> list[int]:
    """The numbers of the packs of which every blob counts as stored."""
    return [int(pack.id, 16) for pack in packs if all(index.has(blob.kind, blob.id) for blob in pack.blobs)]
