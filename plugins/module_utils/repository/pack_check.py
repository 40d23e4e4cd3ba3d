# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Judges the bytes of one pack: name, header, index, and every blob in it."""

from __future__ import annotations

import typing as t

from .blobs import PackContent, PackedBlob, open_blob
from .crypto import SealingKey
from .errors import Malformed
from .reading import blob_name


class BadBlob(t.NamedTuple):
    """A blob of the index that its pack does not hold, and why."""

    blob: PackedBlob
    problem: str


class PackReport(t.NamedTuple):
    """What a pack is worth. ``header`` is what it says of itself; None when that cannot be read, or lists a blob that does not open.

    ``bad`` are the blobs of the index that do not open; ``good`` those of the index and of the header that do, named only where
    there are ``problems``. ``is_readable`` is false when the storage refused, so that nothing is known.
    """

    problems: tuple[str, ...] = ()
    good: tuple[PackedBlob, ...] = ()
    bad: tuple[BadBlob, ...] = ()
    header: tuple[PackedBlob, ...] | None = None
    matches_name: bool = True
    is_readable: bool = True

    @property
    def is_sound(self) -> bool:
        """Whether the file is what it was when it was written, whatever the index says of it."""
        return self.matches_name and self.header is not None


class PackFile(t.Protocol):
    """Gives the bytes of one pack. Every method raises ObjectMissing, StorageError."""

    def header(self, key: SealingKey) -> tuple[PackedBlob, ...]:
        """The entries that the pack itself lists. Raises Malformed."""

    def read(self, offset: int, length: int) -> bytes | memoryview:
        """Fewer bytes where the file ends."""

    def matches_name(self) -> bool:
        """Whether the hash of all bytes is the name. Asked last."""


def check_pack(key: SealingKey, pack: PackContent, file: PackFile) -> PackReport:
    """``pack`` is what the index says; without blobs, the pack is in no index and its own header counts."""
    header: tuple[PackedBlob, ...] | None = None
    problems: list[str] = []
    try:
        header = file.header(key)
        if pack.blobs and header != pack.blobs:
            problems.append("has a header that contradicts the index")
    except Malformed as reason:
        problems.append(str(reason))
    expected = pack.blobs or header or ()
    blobs: t.Collection[PackedBlob] = expected if header in (None, expected) else dict.fromkeys((*expected, *(header or ())))
    failed = {blob: why for blob in blobs if (why := _reason(key, blob, file))}
    bad = tuple(BadBlob(blob, failed[blob]) for blob in expected if blob in failed) if failed else ()
    if bad:
        first = blob_name(bad[0].blob.kind, bad[0].blob.id)
        problems.append(f"holds {len(bad):,} of {len(expected):,} blobs that cannot be read; the first, {first}, {bad[0].problem}")
    matches_name = file.matches_name()
    if not matches_name:
        problems.insert(0, "does not match its name, the hash of its content")
    return PackReport(
        problems=tuple(problems),
        good=tuple(blob for blob in blobs if blob not in failed) if problems else (),
        bad=bad,
        header=None if header is None or (failed and any(blob in failed for blob in header)) else header,
        matches_name=matches_name,
    )


def _reason(key: SealingKey, blob: PackedBlob, file: PackFile) -> str:
    """Why a blob does not open; empty when it does."""
    try:
        open_blob(key, blob, file.read(blob.offset, blob.length))
    except Malformed as reason:
        return str(reason)
    return ""
