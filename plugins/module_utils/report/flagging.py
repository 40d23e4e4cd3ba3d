# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is infected or unscannable, by the newest scan of all stored contents and the runs since then. Pure.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from datetime import datetime

from .summary import MOST_FLAGGED, FlaggedSummary, ScanSummary

if t.TYPE_CHECKING:
    from .run_points import RunDigest
    from .task_records import TaskRecord

_INFECTED = "infected"
_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Flagging:
    """C(scan) is None where nobody has scanned what is stored. C(flagged) are the first ones, the infected ones before the others."""

    scan: ScanSummary | None
    flagged: tuple[FlaggedSummary, ...]
    infected: frozenset[tuple[str, str]]

    def infected_sources(self, *names: str) -> frozenset[str]:
        """The sources in which something is infected of a member with one of these names or ids."""
        return frozenset(source for member, source in self.infected if member in names)


def find_flagged(digests: t.Sequence[RunDigest], tasks: t.Sequence[TaskRecord]) -> Flagging:
    """C(digests) and C(tasks) have the oldest first. What a scan has judged counts until the next scan says otherwise."""
    scanned = next((task for task in reversed(tasks) if task.verb == "scan" and task.scan), None)
    found: dict[tuple[str, ...], FlaggedSummary] = {}
    owners: set[tuple[str, str]] = set()
    if scanned is not None and scanned.scan is not None:
        _add(found, owners, scanned.end, scanned.scan.get("flagged") or ())
    for digest in digests:
        end = digest.point.end
        if scanned is None or end > scanned.end:
            _add(found, owners, end, digest.flagged)
    in_order = sorted(found.values(), key=lambda one: (one.verdict != _INFECTED, one.member, one.source, one.folder, one.name))
    return Flagging(
        scan=None if scanned is None else _scan(scanned),
        flagged=tuple(in_order[:MOST_FLAGGED]),
        infected=frozenset(owners),
    )


def _add(
    found: dict[tuple[str, ...], FlaggedSummary],
    owners: set[tuple[str, str]],
    time: datetime,
    flagged: t.Iterable[t.Mapping[str, t.Any]],
) -> None:
    for one in flagged:
        place = tuple(str(one.get(name) or "")[:_LONGEST_NAME] for name in ("member", "source", "folder", "name"))
        member, source, folder, name = place
        verdict = str(one.get("verdict") or "")
        words = tuple(str(word)[:_LONGEST_NAME] for word in one.get("names") or ())
        found[place] = FlaggedSummary(time=time, member=member, source=source, folder=folder, name=name, verdict=verdict, words=words)
        if verdict == _INFECTED:
            owners.update((owner, source) for owner in (member, str(one.get("member_id") or "")) if owner)


def _scan(record: TaskRecord) -> ScanSummary:
    said = record.scan or {}
    return ScanSummary(
        time=record.end,
        engine=str(said.get("engine") or ""),
        engine_version=str(said.get("engine_version") or ""),
        database=str(said.get("database") or ""),
        database_released=str(said.get("database_released") or ""),
        contents=int(said.get("contents") or 0),
        clean=int(said.get("clean") or 0),
        infected=int(said.get("infected") or 0),
        unscannable=int(said.get("unscannable") or 0),
        remaining=int(said.get("remaining") or 0),
    )
