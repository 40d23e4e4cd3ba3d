# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read a source of JSON items of one member: from its old tree and what Graph says has changed to the new tree.

The model is the reader of mail: folders, what every folder's delta says, item by item the decision, then the items, four
at a time. Cursors enter the tree with the changes they stand for, so neither can be ahead of the other.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t
from datetime import datetime

from .._errors import BackupError
from ..graph.errors import NotFound
from ..repository.types import Node, TreeId
from .catalogue import Catalogue, Record
from .compaction import compacted
from .contents import About, Contents
from .folder_places import FolderRound
from .item_changes import ItemChanges, Look, Remove
from .item_fetch import Fetched, Items
from .item_source import ItemSource
from .item_state import ItemState, load_state
from .item_tree import ItemTree, same_folders
from .item_watch import Watched
from .layout import META_TIME
from .results import Counts
from .source_read import SourcePreview, SourceRead
from .temporary_databases import temporary_databases

if t.TYPE_CHECKING:
    from ..repository.repository import Repository
    from ..repository.writer import Writer

_AHEAD = 32


def read_items(source: ItemSource, writer: Writer, base: TreeId | None, *, now: datetime, contents: Contents | None = None) -> SourceRead:
    """Bring the tree of a source up to date.

    Raises BackupError when the source as a whole cannot be read.
    """
    state = load_state(writer, base)
    watched = Watched(source, writer, base)
    catalogue = Catalogue(writer, state.tree, state.facts.lines)
    contents = contents or Contents(writer)
    with (
        temporary_databases(),
        contextlib.closing(ItemChanges(source, state, catalogue, watched.ids, now)) as changes,
        contextlib.closing(Items(source, contents)) as items,
    ):
        seen = changes.hear()
        if changes.is_quiet and base is not None and _is_same(state, changes, seen):
            return SourceRead(
                tree=base,
                counts=Counts(total=state.facts.items),
                findings=tuple(changes.findings),
                left_out=(*seen.left_out, *source.left_out()),
            )
        with contextlib.closing(ItemTree(writer, state, catalogue, seen)) as tree:
            run = _Run(source, state, changes, items)
            run.do(_Storing(writer, contents, tree, seen, watched))
            new = _saved(tree, state, changes, seen, run.counts, watched)
        return SourceRead(
            tree=new if new == base else compacted(writer, new),
            counts=run.counts,
            findings=tuple(changes.findings),
            left_out=(*seen.left_out, *source.left_out()),
        )


def preview_items(source: ItemSource, store: Repository | Writer, base: TreeId | None, *, now: datetime) -> SourcePreview:
    """Ask Graph what has changed and decide, as L(read_items) would. Reads no new item in full, and writes nothing."""
    state = load_state(store, base)
    watched = Watched(source, store, base)
    catalogue = Catalogue(store, state.tree, state.facts.lines)
    with (
        temporary_databases(),
        contextlib.closing(ItemChanges(source, state, catalogue, watched.ids, now)) as changes,
        contextlib.closing(Items(source, None)) as items,
    ):
        seen = changes.hear()
        run = _Run(source, state, changes, items)
        run.do(None)
        is_changed = base is None or run.counts != Counts(total=state.facts.items) or not _is_same(state, changes, seen)
        return SourcePreview(
            is_changed=is_changed,
            counts=run.counts,
            findings=tuple(changes.findings),
            left_out=(*seen.left_out, *source.left_out()),
        )


class _Storing:
    """Where a run puts what it has read."""

    def __init__(self, writer: Writer, contents: Contents, tree: ItemTree, seen: FolderRound, watched: Watched) -> None:
        self._writer = writer
        self._contents = contents
        self._tree = tree
        self._seen = seen
        self._watched = watched

    def keep(self, old: Record | None, answer: Fetched) -> bool:
        """False when the content that we have is gone, so that it has to be read again."""
        body, parts = answer.body, self._directory(answer.parts)
        if body is None and old is not None:
            body, parts = self._tree.old_body(old), self._tree.old_parts(old)
        if body is None:
            return False
        self._tree.keep(old, answer.new, body, parts)
        self._watched.keep(answer.new)
        if answer.flags:
            about = About(answer.new.get("subject") or answer.new["id"], self._seen.path_of(answer.new["folder"]))
            self._contents.report(about, answer.flags)
        return True

    def has(self, answer: Fetched) -> bool:
        """Whether the tree has this very content: what was read once more may replace what the repository has lost."""
        body, parts = self._tree.old_body(answer.new), self._tree.old_parts(answer.new)
        if body is None or answer.body is None or body.content != answer.body.content:
            return False
        directory = self._directory(answer.parts)
        return (None if parts is None else parts.subtree) == (None if directory is None else directory.subtree)

    def remove(self, old: Record) -> None:
        self._tree.remove(old)
        self._watched.remove(old["id"])

    def _directory(self, nodes: tuple[Node, ...]) -> Node | None:
        return Node.directory("parts", META_TIME, self._writer.save_tree(nodes)) if nodes else None


class _Run:
    """Does what L(ItemChanges) decides, or counts it when there is nowhere to put it."""

    def __init__(self, source: ItemSource, state: ItemState, changes: ItemChanges, items: Items) -> None:
        self.counts = Counts(total=state.facts.items)
        self._source = source
        self._changes = changes
        self._items = items

    def do(self, storing: _Storing | None) -> None:
        for action in self._changes.actions():
            if isinstance(action, Remove):
                self._remove(storing, action.old)
            elif storing is None and action.old is None and action.is_certain:
                self.counts.keep(None, 0)
                self.counts.fetched += 1
            else:
                self._items.ask(action)
                self._take(storing, leave=_AHEAD)
        self._take(storing, leave=0)

    def _take(self, storing: _Storing | None, leave: int) -> None:
        for look, answer in self._items.answers(leave):
            if isinstance(answer, NotFound):
                # Deleted since it was named, which is no finding. The next run makes sure of it.
                if not look.is_forced and not look.is_missed:
                    self._changes.try_again(look.id)
                if look.old is not None:
                    self._remove(storing, look.old)
            elif isinstance(answer, BackupError):
                self._changes.fail(look.id, f"{self._source.word} {(look.old or {}).get('subject') or look.id}", answer)
            else:
                self._settle(storing, look, answer)

    def _settle(self, storing: _Storing | None, look: Look, answer: Fetched) -> None:
        number = self._changes.number_of(answer.folder_id)
        if number is None:
            # It lies in a folder that is not backed up.
            if look.old is not None:
                self._remove(storing, look.old)
            return
        for problem in answer.problems:
            name = f"{self._source.word} {answer.new.get('subject') or look.id}"
            self._changes.fail(look.id, f"{name}, {problem.name}" if problem.name else name, problem.error)
        answer.new["folder"] = number
        if answer.body is not None:
            self.counts.fetched += 1
            self.counts.fetched_bytes += answer.new["size"]
            self.counts.stored_bytes += answer.stored_bytes
        elif not answer.is_known:
            self.counts.fetched += 1
        if answer.new == look.old and (answer.is_known or (storing is not None and storing.has(answer))):
            return
        if storing is not None and not storing.keep(look.old, answer):
            self._items.ask(dataclasses.replace(look, is_forced=True))
            return
        self.counts.keep(None if look.old is None else look.old["folder"], number)

    def _remove(self, storing: _Storing | None, old: Record) -> None:
        if storing is not None:
            storing.remove(old)
        self.counts.remove()


def _saved(tree: ItemTree, state: ItemState, changes: ItemChanges, seen: FolderRound, counts: Counts, watched: Watched) -> TreeId:
    """A tree that would differ in nothing but cursors is not written: the old cursors serve as well."""
    unchanged = tree.unchanged
    if unchanged is not None and _is_same(state, changes, seen):
        return unchanged
    return tree.save(
        items=counts.total,
        cursor=seen.cursor,
        cursors=changes.cursors,
        due=changes.touched_folders(),
        retries=changes.retries,
        files=watched.files(),
    )


def _is_same(state: ItemState, changes: ItemChanges, seen: FolderRound) -> bool:
    """Whether nothing but cursors and items may differ from the old tree."""
    return (
        same_folders(seen.folders, state.folders)
        and changes.retries == state.retries
        and not changes.renewed
        and not seen.is_due
        and not state.facts.leaving
    )
