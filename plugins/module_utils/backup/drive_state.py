# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tree of a drive says of the drive: its facts, and its folders out of their catalogue.

A run reads the facts and looks up the few folders that it needs. Whoever chooses or searches loads all folders.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t

from .._errors import BackupError
from ..repository.types import Path, TreeId
from .catalogue import FOLDERS, Catalogue, Record
from .item_state import DriveFacts, Folder, ItemState, load_facts, load_retries, load_state
from .layout import ONEDRIVE
from .recent_trees import RecentTrees
from .small_files import FileReader


def state_of(store: FileReader, source: str, tree: TreeId | None) -> ItemState:
    """The state of any source, for readers of what is stored."""
    return load_drive_state(store, tree) if source == ONEDRIVE and tree is not None else load_state(store, tree)


def load_drive_state(store: FileReader, tree: TreeId) -> ItemState:
    """The state of a drive with all its folders; that of the top has no name, no parent and the empty path.

    Raises BackupError for a layout that this version does not know.
    """
    recent = RecentTrees(store)
    facts = load_drive_facts(recent, tree)
    return ItemState(tree=tree, facts=facts, folders=folders_of(_live(recent, tree, facts)), retries=load_retries(recent, tree))


def load_drive_facts(store: FileReader, tree: TreeId) -> DriveFacts:
    """Raises BackupError for a layout that this version does not know, and for the tree of another source."""
    facts = load_facts(store, tree)
    if not isinstance(facts, DriveFacts):
        raise BackupError("A drive in the repository has the facts of another source.", hint="Verify the repository.")
    return facts


def folder_records(store: FileReader, tree: TreeId) -> t.Iterator[Record]:
    """The records of all folders, the newest first: C(id), C(number), C(parent), C(file), C(name), and what else is known."""
    return _live(store, tree, load_drive_facts(store, tree))


def _live(store: FileReader, tree: TreeId, facts: DriveFacts) -> t.Iterator[Record]:
    return Catalogue(store, tree, facts.folder_lines, where=FOLDERS).live()


def folders_of(records: t.Iterable[Record]) -> dict[str, Folder]:
    """By id. A folder that is said to be below itself, or below one that is not there, has no path and is left out."""
    by_id = {record["id"]: record for record in records}
    paths: dict[str, Path] = {folder_id: () for folder_id, record in by_id.items() if record["parent"] is None}
    for folder_id in by_id:
        trail: list[str] = []
        above = folder_id
        while above in by_id and above not in paths and len(trail) < len(by_id):
            trail.append(above)
            above = by_id[above]["parent"]
        for below in reversed(trail if above in paths else ()):
            above = by_id[below]["parent"]
            paths[below] = (*paths[above], by_id[below]["file"])
    return {
        folder_id: Folder(
            id=folder_id, number=by_id[folder_id]["number"], name=by_id[folder_id]["name"], parent=by_id[folder_id]["parent"], path=path
        )
        for folder_id, path in paths.items()
    }
