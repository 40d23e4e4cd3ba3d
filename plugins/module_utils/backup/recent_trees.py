# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A store whose directories are kept for a while after they were read.

Looking up one path after the other reads the upper directories again and again, and each time they are decrypted and
parsed. A tree is named by its content, so what was read once stays true.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from collections import OrderedDict

from ..repository.types import Node, TreeId
from .small_files import FileReader

_KEPT = 256
#: So many are kept whatever their size, since each path is looked up from the top; more only while all have few entries (of 400 bytes).
_ALWAYS_KEPT = 32
_ENTRIES_KEPT = 20_000


class RecentTrees:
    """Reads like the store below it, and keeps the directories used last. For one thread."""

    def __init__(self, store: FileReader) -> None:
        self._store = store
        self._trees: OrderedDict[TreeId, tuple[Node, ...]] = OrderedDict()
        self._entries = 0

    def read_tree(self, tree: TreeId) -> tuple[Node, ...]:
        nodes = self._trees.get(tree)
        if nodes is None:
            nodes = self._trees[tree] = self._store.read_tree(tree)
            self._entries += len(nodes)
            while len(self._trees) > (_KEPT if self._entries <= _ENTRIES_KEPT else _ALWAYS_KEPT):
                _oldest, dropped = self._trees.popitem(last=False)
                self._entries -= len(dropped)
        else:
            self._trees.move_to_end(tree)
        return nodes

    def read_file(self, node: Node) -> t.Iterator[bytes]:
        return self._store.read_file(node)
