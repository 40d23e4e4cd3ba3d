# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Works on whole directory trees: find, walk, and change one at the cost of the directories that are touched."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from .types import Node, NodeKind, Path, TreeId, TreeReader, TreeStore

#: The time of every directory that is written here. A true time would say nothing that its files do not say, and costs
#: bytes in every small change, since it differs from entry to entry and does not compress.
DIRECTORY_TIME = datetime.datetime(2000, 1, 1, tzinfo=datetime.timezone.utc)


def edit_tree(store: TreeStore, base: TreeId | None, edits: t.Iterable[tuple[Path, Node | None]]) -> TreeId | None:
    """Apply edits to a tree; the new tree, or None when nothing is left.

    ``edits`` arrive in strictly ascending order of their paths and may be endless: memory holds the directories on the way
    to the current path only. A node replaces whatever is at its path (a directory node: the whole directory), None
    removes it. Directories appear as they are needed and vanish when they become empty. Directories that no edit changes
    keep their id; a changed one takes DIRECTORY_TIME.

    Raises ValueError for edits out of order, or below a path that was itself edited.
    """
    open_directories = [_Directory.load(store, "", base)]
    previous: Path = ()
    for path, node in edits:
        _refuse_disorder(previous, path, node)
        shared = _shared_folders(previous, path)
        while len(open_directories) - 1 > shared:
            _close_last(store, open_directories)
        for name in path[len(open_directories) - 1 : -1]:
            open_directories.append(open_directories[-1].load_child(store, name))
        open_directories[-1].put(path[-1], node)
        previous = path
    while len(open_directories) > 1:
        _close_last(store, open_directories)
    root = open_directories[0]
    if not root.nodes:
        return None
    return store.save_tree(root.nodes.values()) if root.is_changed else base


def find_node(store: TreeReader, tree: TreeId, path: Path) -> Node | None:
    """What is at a path, or None. The root has no node: an empty path raises ValueError."""
    if not path:
        raise ValueError("the root of a tree has no node")
    subtree: TreeId | None = tree
    node = None
    for name in path:
        if subtree is None:
            return None
        node = next((node for node in store.read_tree(subtree) if node.name == name), None)
        if node is None:
            return None
        subtree = node.subtree
    return node


def walk(store: TreeReader, tree: TreeId, prefix: Path = ()) -> t.Iterator[tuple[Path, Node]]:
    """Every entry below a tree, by name, a directory before its content. Paths start with ``prefix``."""
    pending = [(prefix, iter(store.read_tree(tree)))]
    while pending:
        parent, nodes = pending[-1]
        node = next(nodes, None)
        if node is None:
            pending.pop()
            continue
        path = (*parent, node.name)
        yield path, node
        if node.subtree is not None:
            pending.append((path, iter(store.read_tree(node.subtree))))


@dataclasses.dataclass(slots=True)
class _Directory:
    """A directory while edits below it arrive. ``replaces`` is what its parent has at that name."""

    name: str
    replaces: Node | None
    nodes: dict[str, Node]
    is_changed: bool = False

    @classmethod
    def load(cls, store: TreeReader, name: str, tree: TreeId | None, replaces: Node | None = None) -> _Directory:
        nodes = {} if tree is None else {node.name: node for node in store.read_tree(tree)}
        return cls(name, replaces, nodes)

    def load_child(self, store: TreeReader, name: str) -> _Directory:
        node = self.nodes.get(name)
        return self.load(store, name, None if node is None else node.subtree, node)

    def put(self, name: str, node: Node | None) -> None:
        if self.nodes.get(name) == node:
            return
        self.is_changed = True
        if node is None:
            del self.nodes[name]
        else:
            self.nodes[name] = node


def _close_last(store: TreeStore, open_directories: list[_Directory]) -> None:
    directory = open_directories.pop()
    if not directory.is_changed:
        return
    parent = open_directories[-1]
    if directory.nodes:
        parent.put(directory.name, Node.directory(directory.name, DIRECTORY_TIME, store.save_tree(directory.nodes.values())))
    elif directory.replaces is not None and directory.replaces.kind is NodeKind.DIRECTORY:
        parent.put(directory.name, None)


def _shared_folders(previous: Path, path: Path) -> int:
    """How many folders both paths have in common."""
    shared = 0
    for ours, theirs in zip(previous[:-1], path[:-1], strict=False):
        if ours != theirs:
            break
        shared += 1
    return shared


def _refuse_disorder(previous: Path, path: Path, node: Node | None) -> None:
    if not path:
        raise ValueError("the root of a tree cannot be edited")
    if previous and path <= previous:
        raise ValueError(f"edits are out of order: {path} after {previous}")
    if previous and path[: len(previous)] == previous:
        raise ValueError(f"an edit of {path} below one of {previous}")
    if node is not None and node.name != path[-1]:
        raise ValueError(f"a node named {node.name!r} at {path}")
