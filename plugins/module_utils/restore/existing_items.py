# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was found in the places that a restore writes to, in a temporary database: a folder may hold any number of items.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t

from ..backup.temporary_databases import open_temporary_database
from .conflict import Existing, Wanted
from .marks import Mark

_TABLE = """CREATE TABLE existing (
    place TEXT, id TEXT, restore TEXT, origin TEXT, is_whole INTEGER, key TEXT, is_bound INTEGER, PRIMARY KEY (place, id)
) WITHOUT ROWID"""


class ExistingItems:
    """For one thread. C(restore) is the one that asks. Close it, or use it as a context manager."""

    def __init__(self, restore: str) -> None:
        self._restore = restore
        self._database = open_temporary_database()
        self._database.execute(_TABLE)
        self._database.execute("CREATE INDEX by_origin ON existing (place, origin)")
        self._database.execute("CREATE INDEX by_key ON existing (place, key)")
        self._others: dict[str, bool] = {}

    def __enter__(self) -> ExistingItems:
        return self

    def __exit__(self, *exception: object) -> None:
        self._database.close()

    def knows(self, place: str) -> bool:
        return place in self._others

    def load(self, place: str, found: t.Iterable[Existing]) -> None:
        """Take what a listing of the place gives, instead of what was known of it."""
        self._database.execute("BEGIN")
        self._database.execute("DELETE FROM existing WHERE place = ?", (place,))
        self._database.executemany("INSERT OR REPLACE INTO existing VALUES (?, ?, ?, ?, ?, ?, ?)", (_row(place, each) for each in found))
        self._database.execute("COMMIT")
        query = "SELECT 1 FROM existing WHERE place = ? AND restore IS NOT ? LIMIT 1"
        self._others[place] = self._database.execute(query, (place, self._restore)).fetchone() is not None

    def has_others(self, place: str) -> bool:
        """Whether something is there that another one than this restore has put there."""
        return self._others[place]

    def matches(self, place: str, wanted: Wanted) -> list[Existing]:
        """Whatever may be the wanted item, in the order of the ids."""
        query = """SELECT id, restore, origin, is_whole, key, is_bound FROM existing WHERE place = :place AND id = :origin
            UNION SELECT id, restore, origin, is_whole, key, is_bound FROM existing WHERE place = :place AND origin = :origin
            UNION SELECT id, restore, origin, is_whole, key, is_bound FROM existing WHERE place = :place AND key = :key AND key != ''
            ORDER BY id"""
        rows = self._database.execute(query, {"place": place, "origin": wanted.mark.origin, "key": wanted.key})
        return [_existing(row) for row in rows]


def _row(place: str, existing: Existing) -> tuple[str, str, str | None, str | None, bool, str, bool]:
    mark = existing.mark
    restore, origin, is_whole = (None, None, True) if mark is None else (mark.restore, mark.origin, mark.is_whole)
    return place, existing.id, restore, origin, is_whole, existing.key, existing.is_bound


def _existing(row: tuple[str, str | None, str | None, int, str, int]) -> Existing:
    item_id, restore, origin, is_whole, key, is_bound = row
    mark = None if restore is None or origin is None else Mark(restore, origin, is_whole=bool(is_whole))
    return Existing(item_id, mark, key, is_bound=bool(is_bound))
