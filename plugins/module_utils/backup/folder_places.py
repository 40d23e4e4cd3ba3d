# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the folders of a source lie in its tree, and how they get there when they are moved or renamed.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from ..repository.trees import edit_tree, find_node
from ..repository.types import Node, NodeKind, Path, TreeId
from .item_state import Folder, ItemState
from .layout import distinct_names, is_shard

if t.TYPE_CHECKING:
    from ..repository.writer import Writer


@dataclass(frozen=True, slots=True)
class FolderRound:
    """The folders as they are now: paths set, cursors as they were. C(left_out) names those that are not backed up.

    C(ignored) are their names by id, for the next run to remember. C(is_due): to be written though nothing else has changed.
    """

    folders: dict[str, Folder]
    cursor: str | None
    next_folder: int
    well_known: dict[str, str]
    left_out: tuple[str, ...]
    ignored: t.Mapping[str, str] = field(default_factory=dict)
    is_due: bool = False

    def path_of(self, number: int) -> str:
        """Where a folder is, for people; empty for one that is not among them."""
        return next(("/".join(folder.path) for folder in self.folders.values() if folder.number == number), "")


class SeenFolder(t.NamedTuple):
    """A folder as Graph names it: mail folder, calendar, contact folder or task list."""

    id: str
    name: str
    parent: str | None = None
    is_hidden: bool = False


def placed_folders(seen: t.Iterable[SeenFolder], state: ItemState) -> tuple[dict[str, Folder], int]:
    """The folders by id, each with its number, its path and the cursor it had; and the next free number."""
    by_id = {folder.id: folder for folder in seen}
    paths = folder_paths({folder.id: (folder.name, folder.parent) for folder in by_id.values()})
    next_folder = state.facts.next_folder
    folders: dict[str, Folder] = {}
    for folder_id in sorted(by_id):
        old, new = state.folders.get(folder_id), by_id[folder_id]
        if old is None:
            number, next_folder = next_folder, next_folder + 1
        else:
            number = old.number
        folders[folder_id] = Folder(
            id=folder_id,
            number=number,
            name=new.name,
            parent=new.parent,
            is_hidden=new.is_hidden,
            cursor=None if old is None else old.cursor,
            path=paths[folder_id],
        )
    return folders, next_folder


def without_folders(found: FolderRound, gone: t.Collection[str]) -> FolderRound:
    """The folders without some of them, the others where they belong then."""
    if not gone:
        return found
    left = {folder_id: folder for folder_id, folder in found.folders.items() if folder_id not in gone}
    paths = folder_paths({folder_id: (folder.name, folder.parent) for folder_id, folder in left.items()})
    return replace(found, folders={folder_id: replace(folder, path=paths[folder_id]) for folder_id, folder in left.items()})


def folder_paths(folders: t.Mapping[str, tuple[str, str | None]]) -> dict[str, Path]:
    """{id: (name, parent id)} -> {id: path in the tree}. A folder whose parent is not in the mapping lies at the top.

    Duplicate names among siblings get names of their own; a ring of parents (a change caught half way) is cut.
    """
    parents = {folder_id: parent if parent in folders else None for folder_id, (_name, parent) in folders.items()}
    for folder_id in _ring_cuts(parents):
        parents[folder_id] = None
    children: dict[str | None, dict[str, str]] = {}
    for folder_id, parent in parents.items():
        children.setdefault(parent, {})[folder_id] = folders[folder_id][0]
    paths: dict[str, Path] = {}
    waiting: list[tuple[str | None, Path]] = [(None, ())]
    while waiting:
        above, path = waiting.pop()
        for folder_id, name in distinct_names(children.get(above, {})).items():
            paths[folder_id] = (*path, name)
            waiting.append((folder_id, paths[folder_id]))
    return paths


def move_folders(writer: Writer, tree: TreeId | None, old: t.Mapping[str, Folder], new: t.Mapping[str, Folder]) -> TreeId | None:
    """Give every folder its new place. Years move by the id of their subtree: nothing is read but folder nodes."""
    moved = {folder_id for folder_id in old if folder_id not in new or new[folder_id].path != old[folder_id].path}
    if tree is None or not moved:
        return tree
    tops = _tops({old[folder_id].path for folder_id in moved})
    # A folder that stays where it is, but below one that goes, is lifted out and put back.
    moved |= {folder_id for folder_id in old if any(old[folder_id].path[: len(top)] == top for top in tops)}
    own = {folder_id: _own_nodes(writer, tree, old[folder_id].path) for folder_id in moved if folder_id in new}
    tree = edit_tree(writer, tree, ((top, None) for top in sorted(tops)))
    edits = {(*new[folder_id].path, node.name): node for folder_id, nodes in own.items() for node in nodes}
    return edit_tree(writer, tree, sorted(edits.items()))


def _ring_cuts(parents: t.Mapping[str, str | None]) -> list[str]:
    """One folder of each ring, the first by id: it goes to the top."""
    cuts: list[str] = []
    done: set[str] = set()
    for start in parents:
        trail: list[str] = []
        on_trail: set[str] = set()
        folder: str | None = start
        while folder is not None and folder not in done and folder not in on_trail:
            trail.append(folder)
            on_trail.add(folder)
            folder = parents[folder]
        if folder in on_trail:
            cuts.append(min(trail[trail.index(folder) :]))
        done |= on_trail
    return cuts


def _own_nodes(writer: Writer, tree: TreeId, path: Path) -> list[Node]:
    node = find_node(writer, tree, path)
    if node is None or node.subtree is None:
        return []
    return [child for child in writer.read_tree(node.subtree) if child.kind is NodeKind.FILE or is_shard(child.name)]


def _tops(paths: t.Iterable[Path]) -> set[Path]:
    tops: set[Path] = set()
    for path in sorted(paths):
        if not any(path[: len(top)] == top for top in tops):
            tops.add(path)
    return tops
