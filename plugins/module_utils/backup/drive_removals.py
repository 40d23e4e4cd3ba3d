# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is gone from a drive without a word: what a full listing does not name, and what was in a folder that is gone.

Microsoft sends a tombstone for everything below a deleted folder, mostly. So the directories of folders that are gone are
looked at, and only where something is left in them that nobody spoke of, the catalogue is read from end to end.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

from ..repository.trees import find_node
from ..repository.types import TreeId
from .catalogue import Catalogue, Record
from .drive_places import FolderRow, Places
from .drive_record import Entry, What
from .drive_said import Said, Statement
from .recent_trees import RecentTrees
from .small_files import FileReader

#: Names in the directory of a folder that is gone of which is known what became of them.
_EXPLAINED = """
SELECT old_file FROM said WHERE pass = ? AND old_parent = ? AND (kind = 'r' OR parent IS NOT old_parent)
UNION SELECT old_file FROM folder WHERE old_parent = ? AND (NOT is_alive OR parent IS NOT old_parent)
"""
#: Files that are said to be in a folder that is not there.
_ORPHANS = """
SELECT id FROM said WHERE pass = ? AND kind = 'f' AND (
    (NOT is_same AND parent NOT IN (SELECT id FROM folder WHERE depth NOT NULL))
    OR (is_same AND parent IN (SELECT id FROM folder WHERE NOT is_alive))
) LIMIT 500
"""
#: The catalogue may name a folder's folder later than the folder, so all are gathered before the tree is followed.
_BELOW = """
WITH RECURSIVE gone (id) AS (
    SELECT id FROM folder WHERE NOT is_alive AND old NOT NULL
    UNION SELECT held.id FROM held JOIN gone ON held.parent = gone.id WHERE held.id NOT IN (SELECT id FROM folder)
) SELECT held.id FROM held JOIN gone USING (id) WHERE held.id NOT IN (SELECT id FROM folder)
"""


class Removals:
    """C(orphans) are files that are there in folders that are not, for the next run to ask for."""

    def __init__(self, said: Said, places: Places, files: Catalogue, folders: Catalogue) -> None:
        self.orphans: set[str] = set()
        self._said = said
        self._places = places
        self._files = files
        self._folders = folders
        self._database = said.database

    def settle(self, store: FileReader, tree: TreeId | None, *, is_full: bool) -> None:
        """Have everything that is gone said to be removed."""
        self._set_orphans_apart()
        if not is_full and tree is not None and self._has_untold(RecentTrees(store), tree):
            self._remove_untold()

    def _set_orphans_apart(self) -> None:
        """A file in a folder that does not exist was caught half way. What we have of it goes with its old folder or stays."""
        while rows := self._database.execute(_ORPHANS, (self._said.round,)).fetchall():
            old = self._files.find([item_id for (item_id,) in rows])
            for (item_id,) in rows:
                self.orphans.add(item_id)
                if item_id in old and self._is_gone(old[item_id]["parent"]):
                    _remove(self._said, old[item_id])
                else:
                    self._database.execute("DELETE FROM said WHERE id = ?", (item_id,))

    def _is_gone(self, folder_id: str) -> bool:
        return self._database.execute("SELECT 1 FROM folder WHERE id = ? AND NOT is_alive", (folder_id,)).fetchone() is not None

    def _has_untold(self, store: RecentTrees, tree: TreeId) -> bool:
        return any(self._is_untold(store, tree, row) for row in self._places.rows("NOT is_alive AND old NOT NULL"))

    def _is_untold(self, store: RecentTrees, tree: TreeId, row: FolderRow) -> bool:
        node = find_node(store, tree, row.old_path) if row.old_path else None
        if node is None or node.subtree is None:
            return False
        explained = {name for (name,) in self._database.execute(_EXPLAINED, (self._said.round, row.id, row.id))}
        return any(child.name not in explained for child in store.read_tree(node.subtree))

    def _remove_untold(self) -> None:
        self._database.execute("CREATE TABLE held (id TEXT PRIMARY KEY, parent TEXT) WITHOUT ROWID")
        for record in self._folders.live():
            self._database.execute("INSERT INTO held VALUES (?, ?)", (record["id"], record["parent"]))
        ids = [str(row[0]) for row in self._database.execute(_BELOW)]
        for start in range(0, len(ids), 500):
            for old in self._folders.find(ids[start : start + 500]).values():
                self._places.bury(old)
        for record in self._files.live():
            if self._is_gone(record["parent"]) and not self._said.has(record["id"]):
                _remove(self._said, record)


def remove_unnamed(said: Said, files: Catalogue) -> None:
    """After a full listing: what it does not name is gone. Folders see to themselves."""
    for record in files.live():
        if not said.has(record["id"]):
            _remove(said, record)


def _remove(said: Said, old: Record) -> None:
    said.put(Statement(entry=Entry(id=old["id"], what=What.REMOVED), old=old))
