# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the folders of a drive are after a pass: those that were named, and those on the way to whatever has changed.

All of it in a temporary database, by id: a folder that was renamed or moved takes what is below it along, and nothing of
that is looked at.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass

from ..repository.types import Path, TreeId
from .catalogue import Catalogue, Record
from .drive_record import Entry, What, stored_name
from .drive_said import Said, Statement

#: C(parent) and C(file) are the place now, those with C(old_) the place before; C(depth) is empty for what is not below the
#: top. C(entry) is what was said, C(old) what the catalogue has, C(subtree) what the tree of the folder has become.
_TABLES = """
CREATE TABLE folder (
    id TEXT PRIMARY KEY, is_alive INTEGER, number INTEGER, parent TEXT, file TEXT, old_parent TEXT, old_file TEXT, old_path TEXT,
    depth INTEGER, is_dirty INTEGER DEFAULT 0, entry TEXT, old TEXT, asked TEXT DEFAULT '', subtree TEXT
) WITHOUT ROWID;
CREATE INDEX folder_by_parent ON folder (parent);
CREATE INDEX folder_by_old_parent ON folder (old_parent);
CREATE INDEX folder_by_depth ON folder (depth);
CREATE TABLE unknown (id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE reach (id TEXT PRIMARY KEY, depth INTEGER, path TEXT) WITHOUT ROWID;
"""

#: Ids of folders that must be known: the places, now and before, of everything that has something to it.
_MISSING = """
SELECT DISTINCT place FROM (
    SELECT parent AS place FROM said WHERE pass = :pass AND kind = 'f' AND NOT is_same
    UNION ALL SELECT old_parent FROM said WHERE pass = :pass AND NOT is_same
    UNION ALL SELECT parent FROM folder UNION ALL SELECT old_parent FROM folder
) WHERE place NOT NULL AND place NOT IN (SELECT id FROM folder) AND place NOT IN (SELECT id FROM unknown) LIMIT 500
"""
#: Ids that are named as the folder of something that is there, but are themselves unknown or gone.
_DOUBTFUL = """
SELECT DISTINCT parent FROM (
    SELECT parent FROM said WHERE pass = :pass AND kind = 'f' UNION ALL SELECT parent FROM folder WHERE is_alive AND entry NOT NULL
) WHERE parent IN (SELECT id FROM unknown) OR parent IN (SELECT id FROM folder WHERE NOT is_alive) LIMIT 500
"""
_REACH = """
INSERT INTO reach WITH RECURSIVE below (id, depth, path) AS (
    SELECT id, 0, NULL FROM folder WHERE parent IS NULL AND is_alive
    UNION ALL SELECT folder.id, below.depth + 1, NULL FROM folder JOIN below ON folder.parent = below.id WHERE is_alive
) SELECT * FROM below
"""
_OLD_PATHS = """
INSERT INTO reach WITH RECURSIVE below (id, depth, path) AS (
    SELECT id, 0, '' FROM folder WHERE old_file = '' AND old_parent IS NULL
    UNION ALL SELECT folder.id, 0, below.path || '/' || folder.old_file FROM folder JOIN below ON folder.old_parent = below.id
) SELECT * FROM below
"""

#: Folders that hang on nothing, then one of those in rings: such that was named rather than one that was merely looked up.
_LOOSE = """
SELECT id FROM folder WHERE is_alive AND depth IS NULL AND parent NOT IN (SELECT id FROM folder WHERE is_alive) LIMIT 500
"""
_IN_RING = "SELECT id FROM folder WHERE is_alive AND depth IS NULL ORDER BY entry IS NULL, id LIMIT 1"

_ROWS = """
SELECT id, number, parent, file, old_parent, old_file, old_path, entry, old, asked, subtree FROM folder
WHERE id > ? AND (:condition:) ORDER BY id LIMIT 500
"""

Ask = t.Callable[[str], t.Union[Entry, None]]  # not with |, which the pylint of ansible-test takes for arithmetic


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderRow:
    """A folder that has something to it. C(old_path) is None for a new one. C(entry) is None where nothing was said of it."""

    id: str
    number: int
    parent: str | None
    file: str
    old_file: str | None
    old_path: Path | None
    entry: Entry | None
    old: Record | None
    asked: str
    is_moved: bool
    subtree: TreeId | None


class Places:
    """C(ask) gives an item as it is now, or None when there is none. C(doubtful) are the ids that the next run should ask for."""

    def __init__(self, said: Said, catalogue: Catalogue, root: str, ask: Ask, next_number: int) -> None:
        self.root = root
        self.doubtful: set[str] = set()
        self._said = said
        self._catalogue = catalogue
        self._ask = ask
        self._asked: set[str] = set()
        self._next_number = next_number
        self._database = said.database
        said.create(_TABLES)

    def settle(self, *, is_full: bool) -> int:
        """Find the place of every folder that matters; the next free number. C(is_full): what was not named is gone."""
        self._add_root()
        for statement in self._said.statements("kind = 'd'"):
            self._say(statement)
        for statement in self._said.statements("kind = 'r' AND old_kind = 'd'"):
            self.bury(statement.old or {})
        if is_full:
            for record in self._catalogue.live():
                if record["parent"] is not None and not self._said.has(record["id"]):
                    self.bury(record)
        self._load_missing()
        self._clear_doubts()
        self._connect()
        self._number()
        return self._next_number

    def bury(self, old: Record) -> None:
        """A folder of the catalogue is gone."""
        self._put(old["id"], is_alive=False, old=old)

    def number_of(self, folder_id: str) -> int | None:
        """The number of a folder that is there; None for any other."""
        row = self._database.execute("SELECT number FROM folder WHERE id = ? AND depth NOT NULL", (folder_id,)).fetchone()
        return None if row is None else int(row[0])

    def path_of(self, folder_id: str) -> str:
        """The true names from the top to a folder that is there, for people."""
        names: list[str] = []
        above: str | None = folder_id
        while above is not None:
            row = self._database.execute("SELECT parent, entry, old FROM folder WHERE id = ? AND depth NOT NULL", (above,)).fetchone()
            if row is None:
                break
            name = json.loads(row[1])["name"] if row[1] else json.loads(row[2])["name"] if row[2] else ""
            names, above = [name, *names], row[0]
        return "/".join(filter(None, names))

    def rows(self, where: str, values: t.Sequence[t.Any] = ()) -> t.Iterator[FolderRow]:
        """Folders by id. What is written meanwhile may be seen or not."""
        last = ""
        query = _ROWS.replace(":condition:", where)
        while rows := self._database.execute(query, (last, *values)).fetchall():
            yield from map(_row, rows)
            last = rows[-1][0]

    def _add_root(self) -> None:
        old = self._catalogue.find([self.root]).get(self.root)
        self._put(self.root, is_alive=True, old=old)

    def _say(self, statement: Statement) -> None:
        self._put(statement.entry.id, is_alive=True, old=statement.old, entry=statement.entry, asked=statement.asked)

    def _put(self, folder_id: str, *, is_alive: bool, old: Record | None, entry: Entry | None = None, asked: str = "") -> None:
        parent, file = (old["parent"], old["file"]) if old is not None else (None, "")
        if entry is not None:
            parent = entry.parent or self.root
            file = stored_name(entry.name, folder_id, is_at_top=parent == self.root)
        self._database.execute(
            "INSERT OR REPLACE INTO folder (id, is_alive, number, parent, file, old_parent, old_file, entry, old, asked)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                folder_id,
                is_alive,
                None if old is None else old["number"],
                parent,
                file,
                None if old is None else old["parent"],
                None if old is None else old["file"],
                None if entry is None else json.dumps(entry.as_dict()),
                None if old is None else json.dumps(old),
                asked,
            ),
        )

    def _load_missing(self) -> None:
        while ids := self._ids(_MISSING):
            found = self._catalogue.find(ids)
            for folder_id in ids:
                if folder_id in found:
                    self._put(folder_id, is_alive=True, old=found[folder_id])
                else:
                    self._database.execute("INSERT INTO unknown VALUES (?)", (folder_id,))

    def _clear_doubts(self) -> None:
        """Ask for folders that something is said to be in, though they are unknown, or were said to be gone."""
        while ids := [folder_id for folder_id in self._ids(_DOUBTFUL) if folder_id not in self._asked]:
            for folder_id in ids:
                self._hear_of(folder_id)
            self._load_missing()

    def _hear_of(self, folder_id: str) -> bool:
        """Whether a folder is there, now that it was asked for."""
        self._asked.add(folder_id)
        entry = self._ask(folder_id)
        if entry is None or entry.what is not What.FOLDER:
            return False
        statement = Statement(entry=entry, old=self._catalogue.find([folder_id]).get(folder_id), is_old_folder=True)
        self._said.put(statement)
        self._database.execute("DELETE FROM unknown WHERE id = ?", (folder_id,))
        self._say(statement)
        return True

    def _connect(self) -> None:
        """Give every folder that is there its way to the top. What hangs on nothing, or in a ring, was caught half way."""
        while True:
            self._fill_reach(_REACH)
            self._database.execute("UPDATE folder SET depth = (SELECT depth FROM reach WHERE reach.id = folder.id)")
            ids = self._ids(_LOOSE) or self._ids(_IN_RING)
            if not ids:
                break
            for folder_id in ids:
                self._tie(folder_id)
            self._load_missing()
            self._clear_doubts()
        self._fill_reach(_OLD_PATHS)
        self._database.execute("UPDATE folder SET old_path = (SELECT path FROM reach WHERE reach.id = folder.id)")

    def _tie(self, folder_id: str) -> None:
        if not self._matters(folder_id):
            # It went with the folder that it was in.
            self._database.execute("UPDATE folder SET is_alive = 0 WHERE id = ?", (folder_id,))
        elif folder_id in self._asked:
            # It is there, and the service does not know where: better at the top than nowhere.
            self.doubtful.add(folder_id)
            self._database.execute("UPDATE folder SET parent = ? WHERE id = ?", (self.root, folder_id))
        elif not self._hear_of(folder_id):
            self._database.execute("UPDATE folder SET is_alive = 0 WHERE id = ?", (folder_id,))

    def _matters(self, folder_id: str) -> bool:
        """Whether something was said to be there, of the folder or of anything below it."""
        said = "SELECT 1 FROM said WHERE pass = ? AND kind = 'f' AND parent = ?"
        if self._database.execute("SELECT 1 FROM folder WHERE id = ? AND entry NOT NULL", (folder_id,)).fetchone() is not None:
            return True
        if self._database.execute(said, (self._said.round, folder_id)).fetchone() is not None:
            return True
        below = self._database.execute("SELECT id FROM folder WHERE parent = ? AND is_alive", (folder_id,)).fetchall()
        return any(self._matters(child) for (child,) in below if child != folder_id)

    def _number(self) -> None:
        new = self._database.execute(
            "SELECT id FROM folder WHERE depth NOT NULL AND number IS NULL ORDER BY parent NOT NULL, id"
        ).fetchall()
        for (folder_id,) in new:
            self._database.execute("UPDATE folder SET number = ? WHERE id = ?", (self._next_number, folder_id))
            self._next_number += 1

    def _fill_reach(self, query: str) -> None:
        self._database.execute("DELETE FROM reach")
        self._database.execute(query)

    def _ids(self, query: str) -> list[str]:
        values = {"pass": self._said.round} if ":pass" in query else {}
        return [str(row[0]) for row in self._database.execute(query, values).fetchall()]


def _row(row: tuple[t.Any, ...]) -> FolderRow:
    folder_id, number, parent, file, old_parent, old_file, old_path, entry, old, asked, subtree = row
    return FolderRow(
        id=folder_id,
        number=-1 if number is None else number,
        parent=parent,
        file=file,
        old_file=old_file,
        old_path=None if old_path is None else tuple(old_path.split("/")[1:]),
        entry=None if entry is None else Entry.from_dict(json.loads(entry)),
        old=None if old is None else json.loads(old),
        asked=asked,
        is_moved=(parent, file) != (old_parent, old_file),
        subtree=None if subtree is None else TreeId(subtree),
    )
