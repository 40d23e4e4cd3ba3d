# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tree of a source with items while a run changes it.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .._errors import BackupError
from ..repository.trees import edit_tree, find_node
from ..repository.types import Node, Path, TreeId
from .catalogue import Catalogue, CatalogueAppender, Record
from .edit_spool import EditSpool
from .folder_places import FolderRound, move_folders
from .item_state import (
    RETRY_PATH,
    SOURCE_PATH,
    Folder,
    ItemState,
    Retry,
    SourceFacts,
    facts_as_json,
    retries_as_json,
)
from .layout import FOLDER_FILE, META_TIME, parts_path
from .recent_trees import RecentTrees

if t.TYPE_CHECKING:
    from ..repository.writer import Writer


class ItemTree:
    """What the last run left, the folders as they are now, and the edits in between."""

    def __init__(self, writer: Writer, state: ItemState, catalogue: Catalogue, folders: FolderRound) -> None:
        self._writer = writer
        self._state = state
        self._round = folders
        self._by_number = {folder.number: folder for folder in folders.folders.values()}
        self._old_folders = {folder.number: folder for folder in state.folders.values()}
        self._recent_trees = RecentTrees(writer)
        self._edits = EditSpool()
        self._appender = CatalogueAppender(catalogue, writer, self._edits)
        self._tree = move_folders(writer, state.tree, state.folders, folders.folders)

    def close(self) -> None:
        self._edits.close()

    @property
    def unchanged(self) -> TreeId | None:
        """The tree of the last run, when no edit and no moved folder differs from it."""
        return self._state.tree if self._tree == self._state.tree and len(self._edits) == 0 else None

    def keep(self, old: Record | None, new: Record, body: Node, parts: Node | None = None) -> None:
        """Have the item under its new record: its content C(body) at C(new["file"]), a directory with files beside it."""
        path = self._path(new)
        if old is not None and (old_path := self._path(old)) not in ((), path):
            self._drop(old_path, old)
        self._edits.put(path, dataclasses.replace(body, name=path[-1]))
        beside = parts_path(path)
        if parts is not None:
            self._edits.put(beside, dataclasses.replace(parts, name=beside[-1]))
        elif old is not None and old.get("parts"):
            self._edits.put(beside, None)
        self._appender.append(new)

    def remove(self, old: Record) -> None:
        if path := self._path(old):
            self._drop(path, old)
        self._appender.remove(old["id"])

    def old_body(self, record: Record) -> Node | None:
        """The content that we have; None when it went with its folder in a run that had not ended, and has to be read again."""
        path = self._old_path(record)
        return None if self._state.tree is None or not path else find_node(self._recent_trees, self._state.tree, path)

    def old_parts(self, record: Record) -> Node | None:
        """The directory with the files beside the content that we have."""
        path = self._old_path(record)
        return None if self._state.tree is None or not path else find_node(self._recent_trees, self._state.tree, parts_path(path))

    def save(
        self,
        *,
        items: int,
        cursor: str | None,
        cursors: t.Mapping[str, str | None],
        due: t.Collection[int],
        retries: t.Mapping[str, Retry],
        leaving: t.Collection[int] = (),
        files: t.Mapping[Path, bytes | None] | None = None,
    ) -> TreeId:
        """Write everything so far as a tree that is complete in itself.

        C(cursors) are the folders' new ones by id. Only folders whose number is C(due), or that have none yet, take
        theirs: a cursor that only grew older names the same changes, and rewriting it for every folder would cost more
        than the changes themselves. C(leaving) are the numbers of folders whose items are not all removed yet, C(files)
        small ones of the source's own.
        """
        self._appender.save_tail()
        for folder in self._round.folders.values():
            before = self._state.folders.get(folder.id)
            takes_new = folder.number in due or before is None or before.cursor is None
            after = dataclasses.replace(folder, cursor=cursors.get(folder.id, folder.cursor) if takes_new else folder.cursor)
            if before is None or after != before:
                self._put_file((*folder.path, FOLDER_FILE), after.as_json())
        facts = SourceFacts(
            lines=self._appender.lines,
            items=items,
            next_folder=self._round.next_folder,
            cursor=cursor,
            well_known=self._round.well_known,
            leaving=sorted(leaving),
            left_out=dict(sorted(self._round.ignored.items())),
        )
        self._put_file(SOURCE_PATH, facts_as_json(facts))
        for path, content in (files or {}).items():
            if content is None:
                self._edits.put(path, None)
            else:
                self._put_file(path, content)
        if retries:
            self._put_file(RETRY_PATH, retries_as_json(retries.values()))
        else:
            self._edits.put(RETRY_PATH, None)
        tree = edit_tree(self._writer, self._tree, self._edits.sorted())
        self._edits.clear()
        if tree is None:
            raise BackupError("The tree of a source came out empty.", hint="This is a defect; please report it.")
        self._tree = tree
        return tree

    def _path(self, record: Record) -> Path:
        """The path of an item now; empty when its folder is gone."""
        folder = self._by_number.get(record["folder"])
        return () if folder is None else (*folder.path, *record["file"].split("/"))

    def _old_path(self, record: Record) -> Path:
        folder = self._old_folders.get(record["folder"])
        return () if folder is None else (*folder.path, *record["file"].split("/"))

    def _drop(self, path: Path, record: Record) -> None:
        self._edits.put(path, None)
        if record.get("parts"):
            self._edits.put(parts_path(path), None)

    def _put_file(self, path: Path, content: bytes) -> None:
        self._edits.put(path, Node.file(path[-1], META_TIME, self._writer.save_file([content])))


def same_folders(one: t.Mapping[str, Folder], other: t.Mapping[str, Folder]) -> bool:
    """Whether the folders are the same ones at the same places; their cursors do not count."""
    return _without_cursors(one) == _without_cursors(other)


def _without_cursors(folders: t.Mapping[str, Folder]) -> dict[str, Folder]:
    return {folder_id: dataclasses.replace(folder, cursor=None) for folder_id, folder in folders.items()}
