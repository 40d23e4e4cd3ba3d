# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Items that were found, each with the snapshots that have it, gathered without being held in memory.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass, field

from ..backup.catalogue import Record
from ..backup.item_filter import item_span
from ..backup.layout import ONEDRIVE
from ..backup.small_files import to_json
from ..backup.temporary_databases import open_temporary_database
from .found_verdicts import NOTHING_SAID, FoundVerdict

if t.TYPE_CHECKING:
    from ..backup.members import MemberState
    from ..repository.types import TreeId

#: What tells one state of a file from another.
_OF_STATES = ("subject", "modified", "size", "hash", "from")


@dataclass(slots=True)
class SearchedSource:
    """One source of one member: where its trees occur. C(trees): {tree: places of snapshots}."""

    member: MemberState
    source: str
    trees: dict[TreeId, list[int]] = field(default_factory=dict)

    def tree_of(self, place: int) -> TreeId:
        """The tree that a snapshot has of it."""
        return next(tree for tree, places in self.trees.items() if place in places)


@dataclass(frozen=True, slots=True)
class State:
    """What an item was like in some of the snapshots: C(facts) of its record, its folder, and the places of these snapshots."""

    facts: Record
    folder: tuple[str, ...]
    snapshots: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundItem:
    """C(record) and C(folder) are those of the newest snapshot that has the item; C(snapshots) are places in the list of all, ascending.

    C(states) are told of files: what each was like, the oldest first. C(scan) is what the malware scan says of that record.
    """

    member: str
    source: str
    folder: tuple[str, ...]
    record: Record
    snapshots: tuple[int, ...]
    states: tuple[State, ...] = ()
    scan: FoundVerdict = NOTHING_SAID


@dataclass(frozen=True, slots=True)
class Totals:
    items: int
    size: int


class FoundItems:
    """Takes what was found in whatever order, and gives it back newest item first."""

    def __init__(self) -> None:
        self._database = open_temporary_database()
        self._database.execute(
            "CREATE TABLE items (member TEXT, source TEXT, id TEXT, last INTEGER, moment TEXT, size INTEGER, item BLOB,"
            " PRIMARY KEY (member, source, id)) WITHOUT ROWID"
        )
        self._database.execute("CREATE TABLE spans (member TEXT, source TEXT, id TEXT, first INTEGER, last INTEGER, state BLOB)")

    def __enter__(self) -> FoundItems:
        return self

    def __exit__(self, *exception: object) -> None:
        self._database.close()

    def add(self, member: str, source: str, folder: tuple[str, ...], record: Record, spans: t.Iterable[tuple[int, int]]) -> None:
        """One version of an item, in the snapshots from the first to the last place of each span."""
        spans = list(spans)
        if not spans:
            return
        key = (member, source, record["id"].encode("utf-8", "replace").decode("utf-8"))
        told = {name: record[name] for name in _OF_STATES if name in record}
        state = to_json([folder, told]) if source == ONEDRIVE else b""
        self._database.executemany("INSERT INTO spans VALUES (?, ?, ?, ?, ?, ?)", [(*key, first, last, state) for first, last in spans])
        span = item_span(record)
        moment = "" if span is None else span[0].isoformat()
        newest = max(last for _first, last in spans)
        self._database.execute(
            "INSERT INTO items VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (member, source, id)"
            " DO UPDATE SET last = excluded.last, moment = excluded.moment, size = excluded.size, item = excluded.item"
            " WHERE excluded.last > last",
            (*key, newest, moment, int(record.get("size") or 0), to_json([folder, record])),
        )

    def totals(self) -> dict[tuple[str, str], Totals]:
        """By member and source."""
        rows = self._database.execute(
            "SELECT member, source, count(*), sum(size) FROM items GROUP BY member, source ORDER BY member, source"
        )
        return {(member, source): Totals(count, size) for member, source, count, size in rows}

    def newest(self, limit: int) -> list[FoundItem]:
        """The first of all, ordered by their own time, newest first."""
        self._database.execute("CREATE INDEX IF NOT EXISTS by_item ON spans (member, source, id)")
        rows = self._database.execute(
            "SELECT member, source, id, item FROM items ORDER BY moment DESC, member, source, id LIMIT ?", (limit,)
        ).fetchall()
        return [self._item(*row) for row in rows]

    def _item(self, member: str, source: str, item_id: str, packed: bytes) -> FoundItem:
        folder, record = json.loads(packed.decode("utf-8", "surrogatepass"))
        key = (member, source, item_id)
        query = "SELECT first, last, state FROM spans WHERE member = ? AND source = ? AND id = ? ORDER BY first"
        places: dict[bytes, set[int]] = {}
        for first, last, state in self._database.execute(query, key):
            places.setdefault(state, set()).update(range(first, last + 1))
        everywhere = tuple(sorted({place for each in places.values() for place in each}))
        states = tuple(_state(state, each) for state, each in places.items() if state)
        return FoundItem(member=member, source=source, folder=tuple(folder), record=record, snapshots=everywhere, states=states)


def _state(packed: bytes, places: t.Iterable[int]) -> State:
    folder, facts = json.loads(packed.decode("utf-8", "surrogatepass"))
    return State(facts, tuple(folder), tuple(sorted(places)))
