# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Verdicts as lines of text, and which of several counts. Pure functions.

A line is a JSON array that begins with the key of the content, so that lines sort by key as they stand:

    ["<key>",<seconds since 1970>,<number of the engine>]                                   clean
    ["<key>",<seconds since 1970>,<number of the engine>,"infected",["<name>"],"<reason>"]  anything else

The number of the engine is its place in a list that is kept beside the lines.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import heapq
import itertools
import json
import typing as t
from datetime import datetime, timezone

from ..scan.verdict import Verdict, VerdictKind
from ..scan.verdicts import time_text
from .small_files import to_json

if t.TYPE_CHECKING:
    from .content_key import ContentKey

#: An engine's name and the version of its database.
EngineKey = tuple[str, str]

_KINDS = (VerdictKind.CLEAN, VerdictKind.UNSCANNABLE, VerdictKind.INFECTED)
_CLEAN = _KINDS.index(VerdictKind.CLEAN)
_INFECTED = _KINDS.index(VerdictKind.INFECTED)


class VerdictRow(t.NamedTuple):
    """A verdict as it is stored. Rows sort by key, then by time, then by what is worse.

    C(time) counts seconds since 1970. C(severity) is 0 for clean, 1 for unscannable, 2 for infected.
    """

    key: str
    time: int
    severity: int
    engine: EngineKey
    names: tuple[str, ...] = ()
    reason: str = ""

    @property
    def is_clean(self) -> bool:
        return self.severity == _CLEAN

    @property
    def is_infected(self) -> bool:
        return self.severity == _INFECTED


def row_of(key: ContentKey, verdict: Verdict) -> VerdictRow:
    """Raises ValueError for a verdict without a time."""
    return VerdictRow(
        key=key,
        time=seconds_of(verdict.time),
        severity=_KINDS.index(verdict.kind),
        engine=(verdict.engine, verdict.database),
        names=verdict.names,
        reason=verdict.reason,
    )


def verdict_of(row: VerdictRow) -> Verdict:
    name, database = row.engine
    return Verdict(
        kind=_KINDS[row.severity],
        names=row.names,
        reason=row.reason,
        engine=name,
        database=database,
        time=time_text(datetime.fromtimestamp(row.time, timezone.utc)),
    )


def seconds_of(time: str) -> int:
    """Seconds since 1970 of a time in ISO 8601; one without a zone is UTC. Raises ValueError."""
    moment = datetime.fromisoformat(time.replace("Z", "+00:00"))
    return int((moment if moment.tzinfo is not None else moment.replace(tzinfo=timezone.utc)).timestamp())


class EngineNumbers:
    """Gives engines numbers in the order in which they come."""

    def __init__(self) -> None:
        self._numbers: dict[EngineKey, int] = {}

    def number(self, engine: EngineKey) -> int:
        return self._numbers.setdefault(engine, len(self._numbers))

    def listed(self) -> tuple[EngineKey, ...]:
        return tuple(self._numbers)


def encode_row(row: VerdictRow, engine: int) -> bytes:
    if row.is_clean:
        return b'["%s",%d,%d]\n' % (row.key.encode("ascii"), row.time, engine)
    return to_json([row.key, row.time, engine, _KINDS[row.severity].value, row.names, row.reason]) + b"\n"


def decode_row(line: bytes, engines: t.Sequence[EngineKey]) -> VerdictRow:
    """Raises ValueError, IndexError or TypeError for a line that is none."""
    key, time, engine, *rest = json.loads(line)
    if not rest:
        return VerdictRow(key, time, _CLEAN, engines[engine])
    kind, names, reason = rest
    return VerdictRow(key, time, _KINDS.index(VerdictKind(kind)), engines[engine], tuple(names), reason)


def by_weight(rows: t.Iterable[VerdictRow], latest: int) -> list[VerdictRow]:
    """Of rows of one key the last one of each engine; the one that counts is the first.

    That is the newest. But what an engine has found is taken back by the same engine only: another one may look for less.
    """
    return sorted(newest_of_engines(rows, latest), key=lambda row: (row.is_infected, *_rank(row, latest)), reverse=True)


def newest_of_engines(rows: t.Iterable[VerdictRow], latest: int) -> list[VerdictRow]:
    """Of rows of one key the last one of each engine, whatever its database, at the same time the worst; sorted.

    One of after C(latest) (seconds since 1970) comes from a clock that was wrong. It counts only where there is no other,
    since otherwise nothing that is found later would ever count.
    """
    found: dict[str, VerdictRow] = {}
    for row in rows:
        name, _database = row.engine
        if name not in found or _rank(row, latest) > _rank(found[name], latest):
            found[name] = row
    return sorted(found.values())


def _rank(row: VerdictRow, latest: int) -> tuple[bool, int, int]:
    return row.time <= latest, row.time, row.severity


def merged(streams: t.Iterable[t.Iterable[VerdictRow]], latest: int) -> t.Iterator[VerdictRow]:
    """One row a key and engine, sorted, from streams that are sorted. Memory holds the rows of one key."""
    for _key, rows in itertools.groupby(heapq.merge(*streams), key=lambda row: row.key):
        yield from newest_of_engines(rows, latest)
