# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Small JSON files inside a tree.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import json
import typing as t

from ..repository.trees import find_node
from ..repository.types import Node, Path, TreeId, TreeReader

# One encoder for all: json.dumps makes a new one at every call with options.
_ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class FileReader(TreeReader, t.Protocol):
    """A repository, a writer, or what keeps something of them in memory."""

    def read_file(self, node: Node, /) -> t.Iterator[bytes]: ...


def to_json(document: t.Any) -> bytes:
    """Compact JSON in UTF-8; what Graph sends with lone surrogates survives."""
    return _ENCODE(document).encode("utf-8", "surrogatepass")


def read_file(store: FileReader, tree: TreeId, path: Path) -> bytes | None:
    """A small file of a tree, whole; None when it is not there."""
    node = find_node(store, tree, path)
    return None if node is None else b"".join(store.read_file(node))
