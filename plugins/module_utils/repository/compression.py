# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""zstd at level 3, with contexts kept per thread, and a limit on what may come out."""

from __future__ import annotations

import collections
import typing as t

from .. import _deps
from .errors import Malformed

if t.TYPE_CHECKING:
    import zstandard

_LEVEL = 3
# A context is some megabytes of memory, and many threads share few cores: each takes a free one, and gives it back.
_COMPRESSORS: collections.deque[zstandard.ZstdCompressor] = collections.deque()
_DECOMPRESSORS: collections.deque[zstandard.ZstdDecompressor] = collections.deque()


def compress(data: bytes) -> bytes:
    """One frame with its content size and without a checksum, as restic writes it."""
    try:
        context = _COMPRESSORS.pop()
    except IndexError:
        context = _deps.zstandard.ZstdCompressor(level=_LEVEL, write_checksum=False, write_content_size=True)
    try:
        return context.compress(data)
    finally:
        _COMPRESSORS.append(context)


def decompress(data: bytes | memoryview, limit: int) -> bytes:
    """Raises Malformed for what is no zstd, and before allocating for what would become larger than ``limit``."""
    try:
        context = _DECOMPRESSORS.pop()
    except IndexError:
        context = _deps.zstandard.ZstdDecompressor()
    try:
        announced = _deps.zstandard.get_frame_parameters(data).content_size
        if announced not in (_deps.zstandard.CONTENTSIZE_UNKNOWN, _deps.zstandard.CONTENTSIZE_ERROR) and announced > limit:
            raise Malformed(f"would decompress to {announced:,} bytes, more than the {limit:,} that it may have")
        return context.decompress(data, max_output_size=limit)
    except _deps.zstandard.ZstdError as error:
        raise Malformed("does not decompress") from error
    finally:
        _DECOMPRESSORS.append(context)
