# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The folders of a mailbox: which there are now, where each lies in the tree, and moving them there.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t
from dataclasses import dataclass

from ..graph.delta import Removed
from ..graph.errors import CursorLost, DeltaUnavailable, NotFound
from ..graph.ids import Cursor, FolderId, UserId
from ..graph.mail_folders import MailFolder, folder_changes, folder_from, list_folders, read_folder, well_known_folders
from ..repository.trees import edit_tree, find_node
from ..repository.types import Node, NodeKind, Path, TreeId
from .layout import distinct_names, is_shard
from .mail_state import Folder, MailState

if t.TYPE_CHECKING:
    from ..graph.client import GraphClient
    from ..repository.writer import Writer

#: Folders whose content is not mail of the user, or lies elsewhere too (graph-mailbox facts, section 1.3).
LEFT_OUT = ("outbox", "syncissues", "conflicts", "localfailures", "serverfailures", "searchfolders")
WELL_KNOWN = (
    "inbox",
    "sentitems",
    "drafts",
    "archive",
    "deleteditems",
    "junkemail",
    "conversationhistory",
    *LEFT_OUT,
)


@dataclass(frozen=True, slots=True)
class FolderRound:
    """The folders as they are now: paths set, cursors as they were. C(left_out) names those that are not backed up."""

    folders: dict[str, Folder]
    cursor: str | None
    next_folder: int
    well_known: dict[str, str]
    left_out: tuple[str, ...]


def read_folders(client: GraphClient, user: UserId, state: MailState) -> FolderRound:
    """Ask for changed folders, or for all of them where there is no cursor or it is lost."""
    known, cursor = _current_folders(client, user, state)
    well_known = state.facts.well_known
    if not well_known:
        well_known = {alias: str(folder) for alias, folder in well_known_folders(client, user, WELL_KNOWN).items()}
    left_out = _left_out(known, {well_known[alias] for alias in LEFT_OUT if alias in well_known})
    kept = {folder_id: folder for folder_id, folder in known.items() if folder_id not in left_out}
    paths = folder_paths({folder.id: (folder.display_name, folder.parent_id) for folder in kept.values()})
    next_folder = state.facts.next_folder
    folders: dict[str, Folder] = {}
    for folder_id in sorted(kept):
        old, new = state.folders.get(folder_id), kept[folder_id]
        if old is None:
            number, next_folder = next_folder, next_folder + 1
        else:
            number = old.number
        folders[folder_id] = Folder(
            id=folder_id,
            number=number,
            name=new.display_name,
            parent=new.parent_id,
            is_hidden=new.is_hidden,
            cursor=None if old is None else old.cursor,
            path=paths[folder_id],
        )
    names = tuple(sorted(known[folder_id].display_name for folder_id in left_out))
    return FolderRound(folders, cursor, next_folder, well_known, names)


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


def _current_folders(client: GraphClient, user: UserId, state: MailState) -> tuple[dict[str, MailFolder], str | None]:
    """Every folder there is, and the cursor for the next time; None where the mailbox refuses delta."""
    try:
        if state.facts.cursor is not None:
            try:
                known = {folder.id: _as_mail_folder(folder) for folder in state.folders.values()}
                return known, _merge_changes(client, user, state.facts.cursor, known)
            except CursorLost:
                pass
        known = {}
        return known, _merge_changes(client, user, None, known)
    except DeltaUnavailable:
        return {str(folder.id): folder for folder in list_folders(client, user)}, None


def _merge_changes(client: GraphClient, user: UserId, cursor: str | None, known: dict[str, MailFolder]) -> str | None:
    last: str | None = None
    partial: dict[str, dict[str, t.Any]] = {}
    removed: set[str] = set()
    for page in folder_changes(client, user, None if cursor is None else Cursor(cursor)):
        for entry in page.entries:
            if isinstance(entry, Removed):
                removed.add(entry.id)
            else:
                partial.setdefault(entry.id, {}).update(entry.fields)
        last = page.cursor or last
    for folder_id in removed - partial.keys():
        known.pop(folder_id, None)
    for folder_id, fields in partial.items():
        try:
            # The order of entries is not promised: a folder that is both changed and removed is asked for.
            is_unclear = folder_id in removed
            known[folder_id] = (
                read_folder(client, user, FolderId(folder_id))
                if is_unclear
                else _merged(client, user, known.get(folder_id), {"id": folder_id, **fields})
            )
        except NotFound:
            known.pop(folder_id, None)
    return last


def _merged(client: GraphClient, user: UserId, old: MailFolder | None, fields: dict[str, t.Any]) -> MailFolder:
    if old is None:
        if not fields.get("displayName") or "parentFolderId" not in fields:
            return read_folder(client, user, FolderId(fields["id"]))
        return folder_from(fields)
    new = folder_from(fields)
    return dataclasses.replace(
        new,
        display_name=new.display_name or old.display_name,
        parent_id=new.parent_id if "parentFolderId" in fields else old.parent_id,
        is_hidden=new.is_hidden if "isHidden" in fields else old.is_hidden,
        is_search=new.is_search or old.is_search,
    )


def _as_mail_folder(folder: Folder) -> MailFolder:
    return MailFolder(
        id=FolderId(folder.id),
        display_name=folder.name,
        parent_id=None if folder.parent is None else FolderId(folder.parent),
        total_count=0,
        is_hidden=folder.is_hidden,
        is_search=False,
    )


def _left_out(known: t.Mapping[str, MailFolder], roots: t.Collection[str]) -> set[str]:
    left_out = {folder_id for folder_id, folder in known.items() if folder_id in roots or folder.is_search}
    while True:
        below = {
            folder_id
            for folder_id, folder in known.items()
            if folder_id not in left_out and (folder.parent_id in left_out or folder.parent_id in roots)
        }
        if not below:
            return left_out
        left_out |= below


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
