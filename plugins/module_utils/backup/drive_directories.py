# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build the tree of a drive after a pass: directories that something has changed in, from the deepest up, by id.

A folder that merely moved keeps its tree; what is renamed twice or swaps its name with another is taken out of its directory
before anything is put in. So each directory is read and written once, however much has changed in it.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import json
import typing as t

from ..repository.types import Node
from .catalogue import Record
from .drive_answers import Body
from .drive_old import OldTree
from .drive_places import FolderRow, Places
from .drive_record import modified, other_name
from .drive_said import Said
from .edit_spool import EditSpool

if t.TYPE_CHECKING:
    from ..repository.writer import Writer

#: Files that get a node: C(body) is empty where the node of before goes on. C(old_dir), C(old_file): where that is.
_TABLES = """
CREATE TABLE put (
    dir TEXT, id TEXT, file TEXT, record TEXT, body TEXT, old TEXT, old_dir TEXT, old_file TEXT, PRIMARY KEY (dir, id)
) WITHOUT ROWID;
CREATE INDEX put_by_old_dir ON put (old_dir);
"""
_DIRTY = """
UPDATE folder SET is_dirty = 1 WHERE id IN (
    SELECT dir FROM put UNION SELECT old_dir FROM put
    UNION SELECT old_parent FROM said WHERE pass = :pass AND kind = 'r' AND old_kind = 'f'
    UNION SELECT id FROM folder WHERE old IS NULL
    UNION SELECT parent FROM folder WHERE entry NOT NULL OR parent IS NOT old_parent
    UNION SELECT old_parent FROM folder WHERE entry NOT NULL OR NOT is_alive OR parent IS NOT old_parent
)
"""
#: What leaves a directory, or is put into it again.
_LEAVING = """
SELECT old_file FROM put WHERE old_dir = :id
UNION SELECT old_file FROM said WHERE pass = :pass AND old_parent = :id AND kind = 'r' AND old_kind = 'f'
UNION SELECT old_file FROM folder WHERE old_parent = :id AND (NOT is_alive OR (parent, file) IS NOT (old_parent, old_file))
"""
_PUT = "SELECT id, file, record, body, old, old_dir IS dir AND old_file IS file AS is_own FROM put WHERE dir = ? ORDER BY NOT is_own, id"

#: Told of each file and each folder that has come to its place: the record as it is now, and the one before.
OnFile = t.Callable[[Record, t.Union[Record, None]], None]  # not with |, which the pylint of ansible-test takes for arithmetic
OnFolder = t.Callable[[FolderRow, str], None]


class Directories:
    """C(clashes) are items whose name was taken, so that they carry another one until the next run has asked for them."""

    def __init__(self, writer: Writer, old: OldTree, said: Said, places: Places) -> None:
        self.clashes: set[str] = set()
        self._writer = writer
        self._old = old
        self._said = said
        self._places = places
        self._database = said.database
        said.create(_TABLES)

    def put(self, record: Record, file: str, body: Body | None, old: Record | None) -> None:
        """Have a file in the directory of its folder. Without a body it is the one that we have."""
        self._database.execute(
            "INSERT OR REPLACE INTO put VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                record["parent"],
                record["id"],
                file,
                json.dumps(record),
                None if body is None else json.dumps([body.size, body.blobs]),
                None if old is None else json.dumps(old),
                None if old is None else old["parent"],
                None if old is None else old["file"],
            ),
        )

    def fill(self) -> list[str]:
        """Find the contents that go on. The ids of files whose content is not where it should be; those are not put."""
        lost: list[str] = []
        directories = self._database.execute("SELECT DISTINCT old_dir FROM put WHERE body IS NULL").fetchall()
        for (folder_id,) in directories:
            row = next(self._places.rows("id = ?", (folder_id,)), None)
            nodes = {} if row is None or row.old_path is None else {node.name: node for node in self._old.directory(row.old_path)}
            rows = self._database.execute("SELECT dir, id, old_file FROM put WHERE body IS NULL AND old_dir = ?", (folder_id,)).fetchall()
            for directory, item_id, old_file in rows:
                node = nodes.get(old_file)
                if node is None or node.subtree is not None:
                    lost.append(item_id)
                    self._database.execute("DELETE FROM put WHERE dir = ? AND id = ?", (directory, item_id))
                else:
                    values = (json.dumps([node.size, node.content]), directory, item_id)
                    self._database.execute("UPDATE put SET body = ? WHERE dir = ? AND id = ?", values)
        return lost

    def build(self, edits: EditSpool, on_file: OnFile, on_folder: OnFolder) -> None:
        """Write every directory that has changed, but for the top: what has changed in that goes into C(edits), since more will."""
        self._database.execute(_DIRTY, {"pass": self._said.round})
        deepest = self._database.execute("SELECT max(depth) FROM folder").fetchone()[0]
        for depth in range(deepest, 0, -1):
            for row in self._places.rows("depth = ? AND is_dirty", (depth,)):
                before, nodes = self._nodes(row, on_file, on_folder)
                if nodes != before or row.old_path is None or self._old.tree is None:
                    tree = self._writer.save_tree(nodes.values())
                    self._database.execute("UPDATE folder SET subtree = ? WHERE id = ?", (tree, row.id))
                    self._database.execute("UPDATE folder SET is_dirty = 1 WHERE id = ?", (row.parent,))
        for row in self._places.rows("depth = 0 AND is_dirty"):
            before, nodes = self._nodes(row, on_file, on_folder)
            for name in before.keys() | nodes.keys():
                if before.get(name) != nodes.get(name):
                    edits.put((name,), nodes.get(name))

    def _nodes(self, row: FolderRow, on_file: OnFile, on_folder: OnFolder) -> tuple[dict[str, Node], dict[str, Node]]:
        """What a directory held, and what it holds."""
        before = {} if row.old_path is None else {node.name: node for node in self._old.directory(row.old_path)}
        nodes = dict(before)
        for (name,) in self._database.execute(_LEAVING, {"id": row.id, "pass": self._said.round}):
            nodes.pop(name, None)
        children = (
            "parent = ? AND depth NOT NULL AND (entry NOT NULL OR subtree NOT NULL OR parent IS NOT old_parent OR file IS NOT old_file)"
        )
        for is_moved in (False, True):
            for child in self._places.rows(children, (row.id,)):
                if child.is_moved is is_moved:
                    self._put_folder(child, nodes, on_folder)
        for item_id, file, record, body, old, _is_own in self._database.execute(_PUT, (row.id,)):
            name = self._free_name(nodes, file, item_id)
            final = {**json.loads(record), "folder": row.number, "file": name}
            size, blobs = json.loads(body)
            nodes[name] = Body(size, tuple(blobs)).node(name, final)
            on_file(final, None if old is None else json.loads(old))
        return before, nodes

    def _put_folder(self, child: FolderRow, nodes: dict[str, Node], on_folder: OnFolder) -> None:
        name = self._free_name(nodes, child.file, child.id) if child.is_moved else child.file
        subtree = child.subtree
        if subtree is None and child.old_path is not None:
            node = self._old.node(child.old_path)
            subtree = None if node is None else node.subtree
        known: Record = child.old or {} if child.entry is None else child.entry.known
        nodes[name] = Node.directory(name, modified(known), self._writer.save_tree([]) if subtree is None else subtree)
        on_folder(child, name)

    def _free_name(self, nodes: t.Mapping[str, Node], name: str, item_id: str) -> str:
        """Two of a name in one folder are no state of a drive, but a listing may catch it between two renames."""
        if name not in nodes:
            return name
        self.clashes.add(item_id)
        key = item_id
        while (free := other_name(name, key)) in nodes:
            key += "+"
        return free
