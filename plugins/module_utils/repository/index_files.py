# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Index files: which pack holds which blob, where. Facts: restic's C(doc/design.rst), "Indexing"."""

from __future__ import annotations

import typing as t

from .blobs import PackContent, PackedBlob
from .errors import Malformed, RepositoryDamaged
from .go_text import is_integer
from .object_files import ObjectFiles, is_id, object_name, read_bounded
from .storage import FileKind
from .types import BlobId, BlobKind, IndexId, PackId

_KINDS = {kind.value: kind for kind in BlobKind}


def encode_index(packs: t.Iterable[PackContent]) -> dict[str, t.Any]:
    return {"packs": [{"id": pack.id, "blobs": [_blob_to_json(blob) for blob in pack.blobs]} for pack in packs]}


def decode_index(content: t.Mapping[str, t.Any]) -> list[PackContent]:
    """Raises Malformed. Nothing is returned of an index that is wrong in one place."""
    packs = content.get("packs", "none")
    if packs is None:
        return []
    if not isinstance(packs, list):
        raise Malformed("holds no list of packs")
    return [_pack_from_json(pack) for pack in packs]


def read_index(files: ObjectFiles, index: IndexId) -> list[PackContent]:
    """Raises RepositoryDamaged that names the index."""
    return open_index(files, index, read_bounded(files.storage, FileKind.INDEX, index))


def open_index(files: ObjectFiles, index: IndexId, data: bytes) -> list[PackContent]:
    """L(read_index) for one whose bytes are here already."""
    try:
        return decode_index(files.open(FileKind.INDEX, index, data))
    except Malformed as error:
        raise RepositoryDamaged(object_name(FileKind.INDEX, index), str(error)) from error


def _blob_to_json(blob: PackedBlob) -> dict[str, t.Any]:
    fields: dict[str, t.Any] = {"id": blob.id, "type": blob.kind.value, "offset": blob.offset, "length": blob.length}
    if blob.plain_length is not None:
        fields["uncompressed_length"] = blob.plain_length
    return fields


def _pack_from_json(pack: object) -> PackContent:
    if not isinstance(pack, dict) or not is_id(pack.get("id")) or not isinstance(pack.get("blobs"), list):
        raise Malformed("holds an entry that describes no pack")
    blobs = sorted((_blob_from_json(blob) for blob in pack["blobs"]), key=lambda blob: blob.offset)
    return PackContent(PackId(pack["id"]), tuple(blobs))


def _blob_from_json(blob: object) -> PackedBlob:
    if not isinstance(blob, dict):
        raise Malformed("holds an entry that describes no blob")
    kind = _KINDS.get(str(blob.get("type")))
    name, offset, length = blob.get("id"), blob.get("offset"), blob.get("length")
    plain_length = blob.get("uncompressed_length") or None
    if kind is None or not is_id(name) or not is_integer(offset) or not is_integer(length):
        raise Malformed("holds an entry that describes no blob")
    if plain_length is not None and not is_integer(plain_length):
        raise Malformed("holds an entry that describes no blob")
    entry = PackedBlob(kind, BlobId(name), offset, length, plain_length)
    if not entry.has_possible_lengths():
        raise Malformed(f"gives blob {name} an impossible length")
    return entry
