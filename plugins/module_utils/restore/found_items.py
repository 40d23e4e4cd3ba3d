# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Items that were found, each with the snapshots that have it, gathered without being held in memory.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass

from ..backup.catalogue import Record
from ..backup.item_filter import item_span
from ..backup.small_files import to_json
from ..backup.temporary_databases import open_temporary_database


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundItem:
    """C(record) and C(folder) are those of the newest snapshot that has the item; C(snapshots) are places in the list of all, ascending."""

    member: str
    source: str
    folder: tuple[str, ...]
    record: Record
    snapshots: tuple[int, ...]


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
        self._database.execute("CREATE TABLE spans (member TEXT, source TEXT, id TEXT, first INTEGER, last INTEGER)")

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
        self._database.executemany("INSERT INTO spans VALUES (?, ?, ?, ?, ?)", [(*key, first, last) for first, last in spans])
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
        spans = self._database.execute("SELECT first, last FROM spans WHERE member = ? AND source = ? AND id = ?", key)
        places = sorted({place for first, last in spans for place in range(first, last + 1)})
        return FoundItem(member=member, source=source, folder=tuple(folder), record=record, snapshots=tuple(places))
