# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The drive as the last run left it.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

from ..repository.trees import find_node
from ..repository.types import Node, Path, TreeId
from .catalogue import FOLDERS, Catalogue, Record
from .drive_answers import Body, Version
from .item_state import DriveFacts
from .recent_trees import RecentTrees
from .scan_marks import SCAN
from .small_files import FileReader


class OldTree:
    """C(tree) is None for a drive that was never read. For one thread."""

    def __init__(self, store: FileReader, tree: TreeId | None, facts: DriveFacts) -> None:
        self.tree = tree
        self.facts = facts
        # One for all: each keeps the top directory of the drive, which may have many entries.
        self._store = RecentTrees(store)
        self.files = Catalogue(self._store, tree, facts.lines)
        self.folders = Catalogue(self._store, tree, facts.folder_lines, where=FOLDERS)

    def node(self, path: Path) -> Node | None:
        return None if self.tree is None else find_node(self._store, self.tree, path)

    def directory(self, path: Path) -> tuple[Node, ...]:
        """What was in a directory; the empty path is the top."""
        if not path:
            return () if self.tree is None else self._store.read_tree(self.tree)
        node = self.node(path)
        return () if node is None or node.subtree is None else self._store.read_tree(node.subtree)

    def versions_of(self, record: Record) -> dict[str, Version]:
        """The earlier contents of a file that are stored, by the names that Graph gives them."""
        versions: dict[str, Version] = {}
        for one in record.get("versions", ()):
            node = self.node(tuple(one["file"].split("/")))
            if node is not None:
                versions[one["id"]] = Version(one["id"], one["modified"], Body.of_node(node), one.get(SCAN))
        return versions
