# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the malware scan of a run did: counts of contents, and the items that are not clean.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import collections
import threading
import typing as t
from dataclasses import dataclass

from ..plan.model import OnFlagged
from ..scan.verdict import Engine, VerdictKind
from .scan_marks import Mark, severity

if t.TYPE_CHECKING:
    from ..plan.model import MalwareScan

MOST_FLAGGED = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Flagged:
    """An item of which a content is not clean. C(part) is the attachment or version; empty where it is the item itself."""

    member: str
    source: str
    folder: str
    name: str
    part: str = ""
    mark: Mark

    @property
    def verdict(self) -> str:
        return str(self.mark["verdict"])

    @property
    def place(self) -> tuple[str, ...]:
        return (self.member, self.source, self.folder, self.name, self.part)

    def as_dict(self) -> dict[str, t.Any]:
        place = {"member": self.member, "source": self.source, "folder": self.folder, "name": self.name}
        return {**place, **({"part": self.part} if self.part else {}), **self.mark}

    @classmethod
    def from_dict(cls, document: t.Mapping[str, t.Any]) -> Flagged:
        places = ("member", "source", "folder", "name", "part")
        mark = {key: value for key, value in document.items() if key not in places}
        return cls(**{place: document.get(place, "") for place in places}, mark=mark)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanCounts:
    """Contents of a source, or of a run.

    C(scanned) is how many the engine looked at, C(known) how many had a verdict already; of both together so many are C(clean),
    C(infected) and C(unscannable). C(unscanned) were stored without a verdict.
    """

    scanned: int = 0
    known: int = 0
    clean: int = 0
    infected: int = 0
    unscannable: int = 0
    unscanned: int = 0
    scanned_bytes: int = 0

    def __add__(self, other: ScanCounts) -> ScanCounts:
        return ScanCounts(**{name: getattr(self, name) + getattr(other, name) for name in self.__slots__})

    def as_dict(self) -> dict[str, int]:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceScanned:
    """The scan of one source so far. C(flagged) are the first hundred of each verdict, C(trouble) is why something is unscanned."""

    counts: ScanCounts = ScanCounts()
    flagged: tuple[Flagged, ...] = ()
    trouble: str = ""


class ScanTally:
    """What the scan has found so far. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: collections.Counter[str] = collections.Counter()
        self._flagged: dict[str, list[Flagged]] = {}
        self._trouble = ""

    def count(self, kind: VerdictKind | None, size: int, *, is_new: bool, trouble: str = "") -> None:
        """A content of so many bytes, with what was said of it (None: nothing); C(is_new): the engine was asked."""
        with self._lock:
            if is_new:
                self._counts["scanned"] += 1
                self._counts["scanned_bytes"] += size
            elif kind is not None:
                self._counts["known"] += 1
            self._counts["unscanned" if kind is None else kind.value] += 1
            self._trouble = self._trouble or trouble

    def flag(self, flagged: Flagged) -> None:
        with self._lock:
            same = self._flagged.setdefault(flagged.verdict, [])
            if len(same) < MOST_FLAGGED:
                same.append(flagged)

    def so_far(self) -> SourceScanned:
        with self._lock:
            flagged = tuple(one for same in self._flagged.values() for one in same)
            return SourceScanned(counts=ScanCounts(**self._counts), flagged=flagged, trouble=self._trouble)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunScanned:
    """The scan of a run. C(flagged) are those of all sources and of an interrupted run before it, the worst first."""

    engine: Engine
    counts: ScanCounts
    flagged: tuple[Flagged, ...]

    def fails(self, policy: MalwareScan) -> tuple[Flagged, ...]:
        """The items for which the plan wants the run to fail."""
        failing = {
            verdict
            for verdict, wish in ((VerdictKind.INFECTED, policy.on_infected), (VerdictKind.UNSCANNABLE, policy.on_unscannable))
            if wish is OnFlagged.FAIL_RUN
        }
        return tuple(one for one in self.flagged if one.verdict in failing)

    def of(self, verdict: str) -> tuple[Flagged, ...]:
        """The items with this verdict."""
        return tuple(one for one in self.flagged if one.verdict == verdict)

    def as_dict(self) -> dict[str, t.Any]:
        return {
            "engine": self.engine.name,
            "engine_version": self.engine.version,
            "database": self.engine.database,
            "database_released": self.engine.released,
            **self.counts.as_dict(),
            "flagged": [one.as_dict() for one in self.flagged[:MOST_FLAGGED]],
        }


def scanned_by(engine: Engine, sources: t.Collection[SourceScanned], before: t.Iterable[Flagged] = ()) -> RunScanned:
    """Add up sources. C(before) was flagged by a run that came to no end."""
    counts = sum((source.counts for source in sources), ScanCounts())
    return RunScanned(engine=engine, counts=counts, flagged=worst_flagged(sources, before))


def worst_flagged(sources: t.Iterable[SourceScanned], before: t.Iterable[Flagged] = ()) -> tuple[Flagged, ...]:
    """All that is flagged, the worst first; of C(before) what is not flagged again."""
    found = [one for source in sources for one in source.flagged]
    places = {one.place for one in found}
    return tuple(sorted((*found, *(one for one in before if one.place not in places)), key=lambda one: severity(one.mark)))
