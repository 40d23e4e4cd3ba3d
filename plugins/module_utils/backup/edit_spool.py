# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A sorted heap of pending tree edits that does not grow in memory.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import json
import typing as t
from datetime import datetime

from ..repository.types import BlobId, Node, NodeKind, Path, TreeId
from .temporary_databases import open_temporary_database

# Sorts below every character of a name, so that paths sort as their tuples do.
_SEPARATOR = "\x00"


class EditSpool:
    """Edits for L(edit_tree), the last one of a path counts.

    SQLite keeps a temporary database in memory while it is small and moves it to an unlinked file when it grows; the
    file is gone with the process, however that ends.
    """

    def __init__(self) -> None:
        self._database = open_temporary_database()
        self._database.execute("CREATE TABLE edit (path TEXT PRIMARY KEY, node TEXT) WITHOUT ROWID")
        # One transaction for all: nothing in here outlives the process, so nothing needs a journal of its own.
        self._database.execute("BEGIN")

    def __len__(self) -> int:
        return int(self._database.execute("SELECT count(*) FROM edit").fetchone()[0])

    def put(self, path: Path, node: Node | None) -> None:
        """Set the node at a path; None removes whatever is there."""
        self._database.execute("INSERT OR REPLACE INTO edit VALUES (?, ?)", (_SEPARATOR.join(path), None if node is None else _dump(node)))

    def sorted(self) -> t.Iterator[tuple[Path, Node | None]]:
        for path, node in self._database.execute("SELECT path, node FROM edit ORDER BY path"):
            yield tuple(path.split(_SEPARATOR)), None if node is None else _load(node)

    def clear(self) -> None:
        self._database.execute("DELETE FROM edit")

    def close(self) -> None:
        self._database.close()


def _dump(node: Node) -> str:
    return json.dumps([node.name, node.kind.value, node.modified.isoformat(), node.size, node.content, node.subtree])


def _load(text: str) -> Node:
    name, kind, modified, size, content, subtree = json.loads(text)
    return Node(
        name=name,
        kind=NodeKind(kind),
        modified=datetime.fromisoformat(modified),
        size=size,
        content=tuple(BlobId(blob) for blob in content),
        subtree=None if subtree is None else TreeId(subtree),
    )
