# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads blobs as they are stored, without judging them."""

from __future__ import annotations

import typing as t

from .blobs import PackedBlob
from .bulk_read import spans
from .errors import ObjectMissing
from .storage import FileKind, Storage
from .types import PackId

Sealed = t.Union[bytes, memoryview]


def read_sealed(storage: Storage, pack: PackId, blobs: t.Iterable[PackedBlob]) -> t.Iterator[tuple[PackedBlob, Sealed | None]]:
    """Blobs of one pack, given by offset; neighbours in one request. None when the pack is not there. Raises StorageError."""
    for span in spans(blobs):
        start = span[0].offset
        try:
            data = memoryview(storage.get_range(FileKind.DATA, pack, start, max(blob.offset + blob.length for blob in span) - start))
        except ObjectMissing:
            yield from ((blob, None) for blob in span)
            continue
        for blob in span:
            yield blob, data[blob.offset - start : blob.offset - start + blob.length]
