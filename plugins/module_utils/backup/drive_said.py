# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a pass over a drive says, outside memory: the last statement about each item, and what was read of it.

Entries come in any order and any number of times, children before their folders, so everything is collected by id first,
and the tree is made of it after the pass.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass

from .catalogue import Record
from .drive_answers import Answer
from .drive_record import Entry, What
from .temporary_databases import open_temporary_database

#: C(place) is what the catalogue had, as (parent, name in the tree). C(said) is the number of the pass: one that lost its
#: cursor starts over, and what only the lost one said counts no longer. C(kind) f: file, d: directory, r: removed.
_TABLES = """
CREATE TABLE said (
    id TEXT PRIMARY KEY, pass INTEGER, kind TEXT, is_same INTEGER, is_forced INTEGER, parent TEXT, entry TEXT,
    old TEXT, old_kind TEXT, old_parent TEXT, old_file TEXT, asked TEXT, place INTEGER DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX said_by_parent ON said (parent);
CREATE INDEX said_by_old_parent ON said (old_parent);
CREATE TABLE answer (id TEXT PRIMARY KEY, asked TEXT, answer TEXT) WITHOUT ROWID;
"""

_ONE = "SELECT id, entry, old, old_kind, is_forced, asked FROM said WHERE id = ? AND pass = ? AND NOT is_same"
#: So many at a time, so that reading and writing can alternate.
_SOME = """
SELECT id, entry, old, old_kind, is_forced, asked FROM said
WHERE id > ? AND pass = ? AND NOT is_same AND (:condition:) ORDER BY id LIMIT 500
"""
_COUNT = "SELECT count(*) FROM said WHERE pass = ? AND (:condition:)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """The last word about an item, and what the catalogue had of it. C(is_same): it says nothing new.

    C(asked) names what was asked for because of it, empty if nothing was. C(is_forced): an earlier run failed with it.
    """

    entry: Entry
    old: Record | None = None
    is_old_folder: bool = False
    is_same: bool = False
    is_forced: bool = False
    asked: str = ""


class Said:
    """For one thread."""

    def __init__(self) -> None:
        self.database = open_temporary_database()
        # One transaction for all: nothing in here outlives the process, so nothing needs a journal of its own.
        self.database.execute("BEGIN")
        self.create(_TABLES)
        self.round = 0

    def close(self) -> None:
        self.database.close()

    def create(self, tables: str) -> None:
        """Make tables of somebody else's, beside."""
        for statement in tables.split(";"):
            self.database.execute(statement)

    def start_over(self) -> None:
        """Another pass begins. What was read stays."""
        self.round += 1

    def put(self, statement: Statement) -> None:
        """Take a statement in place of what was said of the item before."""
        entry, old = statement.entry, statement.old or {}
        kind = "r" if entry.what is What.REMOVED else "f" if entry.is_file else "d"
        old_kind = None if statement.old is None else "d" if statement.is_old_folder else "f"
        self.database.execute(
            "INSERT OR REPLACE INTO said VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
            (
                entry.id,
                self.round,
                kind,
                statement.is_same,
                statement.is_forced,
                entry.parent,
                None if statement.is_same else json.dumps(entry.as_dict()),
                None if statement.old is None or statement.is_same else json.dumps(statement.old),
                old_kind,
                old.get("parent"),
                old.get("file"),
                statement.asked,
            ),
        )

    def get(self, item_id: str) -> Statement | None:
        """What the present pass has said of an item that is new in it."""
        row = self.database.execute(_ONE, (item_id, self.round)).fetchone()
        return None if row is None else _statement(row)

    def has(self, item_id: str) -> bool:
        """Whether the present pass has said anything of an item."""
        return self.database.execute("SELECT 1 FROM said WHERE id = ? AND pass = ?", (item_id, self.round)).fetchone() is not None

    def statements(self, where: str, values: t.Sequence[t.Any] = ()) -> t.Iterator[Statement]:
        """Those of the present pass that are new and fulfil a condition, by id. What is written meanwhile may be seen or not."""
        last = ""
        query = _SOME.replace(":condition:", where)
        while rows := self.database.execute(query, (last, self.round, *values)).fetchall():
            yield from map(_statement, rows)
            last = rows[-1][0]

    def count(self, where: str) -> int:
        """How many of the present pass fulfil a condition."""
        return int(self.database.execute(_COUNT.replace(":condition:", where), (self.round,)).fetchone()[0])

    def is_asked(self, item_id: str, asked: str) -> bool:
        """Whether this was asked for already, or answered."""
        return self.database.execute("SELECT 1 FROM answer WHERE id = ? AND asked = ?", (item_id, asked)).fetchone() is not None

    def expect(self, item_id: str, asked: str) -> None:
        """Something is asked for; what was asked for before about this item is of no use any more."""
        self.database.execute("INSERT OR REPLACE INTO answer VALUES (?, ?, NULL)", (item_id, asked))

    def take(self, item_id: str, asked: str, answer: Answer) -> None:
        """Keep an answer, unless something else was asked for meanwhile."""
        values = (json.dumps(answer.as_dict()), item_id, asked)
        self.database.execute("UPDATE answer SET answer = ? WHERE id = ? AND asked = ?", values)

    def answer(self, item_id: str, asked: str) -> Answer | None:
        """What came of what was asked for."""
        row = self.database.execute("SELECT answer FROM answer WHERE id = ? AND asked = ? AND answer NOT NULL", (item_id, asked)).fetchone()
        return None if row is None else Answer.from_dict(json.loads(row[0]))


def _statement(row: tuple[t.Any, ...]) -> Statement:
    _id, entry, old, old_kind, is_forced, asked = row
    return Statement(
        entry=Entry.from_dict(json.loads(entry)),
        old=None if old is None else json.loads(old),
        is_old_folder=old_kind == "d",
        is_forced=bool(is_forced),
        asked=asked,
    )
