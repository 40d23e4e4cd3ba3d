# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where readers save contents: into the repository, and past the malware scan if the plan has one.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..repository.types import BlobId, SavedFile
from .scan_marks import Mark
from .scan_views import ScanAs

if t.TYPE_CHECKING:
    from ..report.progress import Meter
    from ..repository.writer import Writer
    from ..scan.scanner import Content
    from .content_scan import SourceScan

Watch = t.Callable[[t.Iterator[bytes]], t.Iterable[bytes]]


@dataclass(frozen=True, slots=True)
class About:
    """The item that a content belongs to, as an administrator would look for it."""

    name: str
    folder: str = ""


@dataclass(frozen=True, slots=True)
class Flag:
    """A content that is not clean. C(part) is what of the item it is; empty for the item itself."""

    mark: Mark
    blobs: tuple[BlobId, ...]
    size: int
    how: ScanAs = ScanAs.WHOLE
    part: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """A content in the repository. C(flag) is None for a clean one, and where nothing is scanned."""

    file: SavedFile
    flag: Flag | None = None

    @property
    def mark(self) -> Mark | None:
        """What the record of the item says of it."""
        return None if self.flag is None else self.flag.mark


class Contents:
    """The contents of one source of a member. Any number of threads may share it. C(meter) counts them."""

    def __init__(self, writer: Writer, scan: SourceScan | None = None, meter: Meter | None = None) -> None:
        self._writer = writer
        self._scan = scan
        self._meter = meter

    def save(self, chunks: t.Iterable[bytes], how: ScanAs | None = ScanAs.WHOLE, part: str = "", *, size: int = 0) -> Kept:
        """Store what comes only once. C(how) is None for what is never scanned, C(size) about how much there is, as far as known.

        Raises RepositoryError and what the chunks raise; ScannerDown when it could not be scanned and the plan does not want it then.
        """
        if self._scan is None or how is None:
            return Kept(self._counted(self._writer.save_file(chunks), part))
        with self._scan.held(size) as held:
            saved = self._counted(self._writer.save_file(held.watch(chunks)), part)
            return Kept(saved, self._scan.flag_of(saved, held, how, part))

    def save_content(self, content: Content, how: ScanAs = ScanAs.WHOLE, watch: Watch | None = None) -> Kept:
        """Store what can be read several times; C(watch) sees it pass by. Raises as L(save)."""
        chunks = content.chunks()
        saved = self._counted(self._writer.save_file(chunks if watch is None else watch(chunks)))
        return Kept(saved, None if self._scan is None else self._scan.flag_of(saved, content, how, ""))

    def report(self, about: About, flags: t.Iterable[Flag | None]) -> None:
        """An item comes into the tree: have the run tell of what is not clean in it, and remember what was not scanned."""
        if self._scan is not None:
            for flag in flags:
                if flag is not None:
                    self._scan.report(about, flag)

    def _counted(self, saved: SavedFile, part: str = "") -> SavedFile:
        """What is only a part of an item is none of its own."""
        if self._meter is not None:
            self._meter.add(0 if part else 1, saved.size)
        return saved
