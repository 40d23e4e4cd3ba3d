# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decides how damage is put in order. Nothing here reads or writes: what was found goes in, a plan comes out."""

from __future__ import annotations

import dataclasses
import typing as t

from .blobs import PackedBlob
from .check import Examination
from .pack_check import PackReport
from .pack_reading import ReadPack
from .reachability import BlobSet
from .storage import FileKind
from .types import BlobId, BlobKind, IndexId, PackId


@dataclasses.dataclass(slots=True)
class Strays:
    """The packs that no index names: those that are sound, with the blobs in them, and those that are damaged."""

    sound: list[PackId] = dataclasses.field(default_factory=list)
    blobs: BlobSet = dataclasses.field(default_factory=BlobSet)
    damaged: dict[PackId, ReadPack] = dataclasses.field(default_factory=dict)

    def add(self, read: ReadPack) -> None:
        if read.report.is_sound:
            self.sound.append(read.pack.id)
            for blob in read.report.header or ():
                self.blobs.add(blob.kind, blob.id)
        else:
            self.damaged[read.pack.id] = read


@dataclasses.dataclass(frozen=True, slots=True)
class RepairPlan:
    """Exactly what a repair does; nothing is ever deleted.

    ``salvage`` are the intact blobs, of packs that go, which no other pack holds: they are written into new packs. ``indexed``
    are packs that the index gets as their headers describe them. ``index_replaced`` are intact index files that name packs
    of which something has changed, ``packs_dropped`` what no index names any more. ``quarantined`` is put aside, in this order.
    """

    salvage: dict[PackId, tuple[PackedBlob, ...]]
    indexed: tuple[PackId, ...]
    index_replaced: tuple[IndexId, ...]
    packs_dropped: frozenset[PackId]
    quarantined: tuple[tuple[FileKind, str], ...]
    regained: BlobSet = dataclasses.field(repr=False)

    @property
    def changes(self) -> bool:
        """Whether carrying it out changes anything."""
        return bool(self.salvage or self.indexed or self.index_replaced or self.quarantined)

    @property
    def blobs_salvaged(self) -> int:
        return sum(len(blobs) for blobs in self.salvage.values())

    def remains_lost(self, kind: BlobKind, blob: BlobId) -> bool:
        """Whether a lost blob stays lost."""
        return not self.regained.has(kind, blob)


def concerns_packs(examination: Examination) -> bool:
    """Whether packs that no index names may hold what is missing."""
    is_index_damaged = any(kind is FileKind.INDEX for kind, _name in examination.damaged)
    return bool(is_index_damaged or examination.lost or examination.reports or examination.missing_packs)


def decide_repair(examination: Examination, strays: Strays, current_key: str) -> RepairPlan:
    """The key in use is never put aside. Adds to what C(strays) has."""
    reports = {pack: read.report for pack, read in (examination.reports | strays.damaged).items() if read.report.is_readable}
    going = {pack: report for pack, report in sorted(reports.items()) if not report.is_sound}
    corrected = {pack: report for pack, report in reports.items() if report.is_sound}
    regained = strays.blobs
    for report in corrected.values():
        for blob in report.header or ():
            regained.add(blob.kind, blob.id)
    salvage = _salvage(examination, going, regained)
    touched = going.keys() | corrected.keys() | examination.missing_packs
    replaced = sorted({entry.file for entry in examination.index.entries() if entry.pack in touched})
    small = sorted((kind.value, name, kind) for kind, name in examination.damaged if kind is not FileKind.LOCK and name != current_key)
    return RepairPlan(
        salvage=salvage,
        indexed=tuple(sorted((*strays.sound, *corrected))),
        index_replaced=tuple(replaced),
        packs_dropped=frozenset(going.keys() | examination.missing_packs),
        quarantined=(
            *((kind, name) for _value, name, kind in small if kind is FileKind.INDEX),
            *((FileKind.INDEX, name) for name in replaced),
            *((kind, name) for _value, name, kind in small if kind is not FileKind.INDEX),
            *((FileKind.DATA, pack) for pack in going),
        ),
        regained=regained,
    )


def _salvage(examination: Examination, going: t.Mapping[PackId, PackReport], regained: BlobSet) -> dict[PackId, tuple[PackedBlob, ...]]:
    """What opens in the packs that go and in no other. Adds to ``regained``."""
    gone = examination.missing_packs | going.keys() | examination.reports.keys()

    def is_elsewhere(blob: PackedBlob) -> bool:
        return any(place.pack not in gone for place in examination.index.places(blob.kind, blob.id))

    salvage = {
        pack: tuple(blob for blob in report.good if not is_elsewhere(blob) and regained.add(blob.kind, blob.id))
        for pack, report in going.items()
    }
    return {pack: blobs for pack, blobs in salvage.items() if blobs}
