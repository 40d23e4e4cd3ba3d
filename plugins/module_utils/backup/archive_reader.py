# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read the archive mailbox of one member: from the old tree of the source and what the archive lists to the new tree.

The order is: is there an archive, its folders, what each lists, item by item the decision, then the exports, some items in a
request and four requests at a time. Marks enter the tree with the changes they stand for, so neither can be ahead of the other.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t
from datetime import datetime

from ..graph.errors import Cancelled, NotFound
from ..graph.exchange_redirects import ExchangeMailbox
from ..graph.ids import UserId
from ..repository.types import Node, TreeId
from .archive_access import BACKED_UP, REFUSALS, Unreachable, find_archive, kept, refused
from .archive_changes import Action, ArchiveChanges, Do
from .archive_exports import Answer, Exported, Exports
from .archive_folders import ArchiveFolders, read_archive_folders
from .archive_record import title_of, when
from .catalogue import Catalogue
from .compaction import compacted
from .contents import About, Contents
from .item_state import ItemState, load_facts, load_state
from .item_tree import ItemTree, same_folders
from .results import Counts
from .source_read import SourcePreview, SourceRead
from .temporary_databases import temporary_databases

if t.TYPE_CHECKING:
    from ..graph.client import GraphClient
    from ..repository.repository import Repository
    from ..repository.writer import Writer

_AHEAD = 8
_OFFER_BYTES = 16 * 1024 * 1024
_UNPARSED = (
    "{:,} items of the archive were stored whole, but not every part of their content was understood: "
    "searching may not find them by everything that is in them."
)


def read_archive(
    client: GraphClient,
    user: UserId,
    writer: Writer,
    base: TreeId | None,
    *,
    now: datetime,
    offer: t.Callable[[TreeId], None],
    contents: Contents | None = None,
) -> SourceRead:
    """Bring the tree of a member's archive up to date.

    C(offer) is given an intermediate tree from time to time: complete in itself, with the marks of C(base), so that a run
    that goes on from it lists the same items but does not export them again.

    An archive that is not there, or that we may not read, is no error: C(availability) says so, and a tree that was
    backed up before stays. Raises BackupError when the archive cannot be read for reasons of the moment.
    """
    mailbox = find_archive(client, user)
    if isinstance(mailbox, Unreachable):
        return _without(writer, base, mailbox)
    try:
        read = _read(mailbox, writer, base, now, offer, contents or Contents(writer))
    except REFUSALS as error:
        return _without(writer, base, refused(client, error))
    return read if read.tree is None or read.tree == base else dataclasses.replace(read, tree=compacted(writer, read.tree))


def preview_archive(client: GraphClient, user: UserId, store: Repository | Writer, base: TreeId | None, *, now: datetime) -> SourcePreview:
    """Ask what has changed and decide, as L(read_archive) would. Costs the listing, no exports, and writes nothing."""
    mailbox = find_archive(client, user)
    if not isinstance(mailbox, Unreachable):
        try:
            return _preview(mailbox, store, base, now)
        except REFUSALS as error:
            mailbox = refused(client, error)
    left = _without(store, base, mailbox)
    return SourcePreview(is_changed=False, counts=left.counts, findings=left.findings, availability=left.availability)


def _without(store: Repository | Writer, base: TreeId | None, unreachable: Unreachable) -> SourceRead:
    """What was backed up before is never dropped because it cannot be reached."""
    if base is None:
        findings = () if unreachable.finding is None else (unreachable.finding,)
        return SourceRead(tree=None, counts=Counts(), findings=findings, availability=unreachable.availability)
    counts = Counts(total=load_facts(store, base).items)
    return SourceRead(tree=base, counts=counts, findings=(kept(unreachable),), availability=unreachable.availability)


def _read(
    mailbox: ExchangeMailbox,
    writer: Writer,
    base: TreeId | None,
    now: datetime,
    offer: t.Callable[[TreeId], None],
    contents: Contents,
) -> SourceRead:
    state = load_state(writer, base)
    folders = read_archive_folders(mailbox, state)
    catalogue = Catalogue(writer, state.tree, state.facts.lines)
    with (
        temporary_databases(),
        contextlib.closing(ArchiveChanges(mailbox, folders, state, catalogue, now)) as changes,
        contextlib.closing(Exports(mailbox, contents)) as exports,
    ):
        changes.listen()
        with contextlib.closing(ItemTree(writer, state, catalogue, folders.round)) as tree:
            return _Reading(state, changes, folders, exports, contents, tree, offer).run()


def _preview(mailbox: ExchangeMailbox, store: Repository | Writer, base: TreeId | None, now: datetime) -> SourcePreview:
    state = load_state(store, base)
    counts = Counts(total=state.facts.items)
    folders = read_archive_folders(mailbox, state)
    catalogue = Catalogue(store, state.tree, state.facts.lines)
    with temporary_databases(), contextlib.closing(ArchiveChanges(mailbox, folders, state, catalogue, now)) as changes:
        changes.listen()
        for action in changes.actions():
            counts.fetched += action.what is Do.EXPORT
            changes.done(action)
            _count(counts, action)
        is_changed = base is None or counts != Counts(total=state.facts.items) or not _is_same(state, changes, folders)
        return SourcePreview(
            is_changed=is_changed,
            counts=counts,
            findings=tuple(changes.findings),
            left_out=folders.round.left_out,
            availability=BACKED_UP,
        )


class _Reading:
    """Does what L(ArchiveChanges) decides."""

    def __init__(
        self,
        state: ItemState,
        changes: ArchiveChanges,
        folders: ArchiveFolders,
        exports: Exports,
        contents: Contents,
        tree: ItemTree,
        offer: t.Callable[[TreeId], None],
    ) -> None:
        self._state = state
        self._changes = changes
        self._folders = folders
        self._exports = exports
        self._contents = contents
        self._tree = tree
        self._offer = offer
        self._counts = Counts(total=state.facts.items)
        self._offered_bytes = 0
        self._unparsed = 0

    def run(self) -> SourceRead:
        try:
            self._read_all()
        except Cancelled:
            self._take_exports(self._exports.answers_so_far())
            if self._counts.fetched_bytes > self._offered_bytes:
                self._offer_progress()
            raise
        return SourceRead(
            tree=self._finish(),
            counts=self._counts,
            findings=tuple(self._changes.findings),
            left_out=self._folders.round.left_out,
            warnings=(_UNPARSED.format(self._unparsed),) if self._unparsed else (),
            availability=BACKED_UP,
        )

    def _read_all(self) -> None:
        for action in self._changes.actions():
            body = self._tree.old_body(action.old) if action.what is Do.KEEP and action.old is not None else None
            if action.what is Do.REMOVE:
                self._remove(action)
            elif body is not None:
                self._keep(action, body)
            else:
                self._exports.ask(action)
                self._take_exports(self._exports.answers(_AHEAD))
        self._take_exports(self._exports.answers(0))

    def _take_exports(self, answers: t.Iterable[tuple[Action, Answer]]) -> None:
        for action, answer in answers:
            if isinstance(answer, NotFound):
                # Deleted between the list and the export: gone, which is no finding.
                self._changes.vanish(action)
                if action.old is not None:
                    self._remove(Action(Do.REMOVE, action.old, action.old))
            elif isinstance(answer, Exported):
                self._counts.fetched += 1
                self._counts.fetched_bytes += answer.saved.size
                self._counts.stored_bytes += answer.saved.stored_bytes
                self._unparsed += "unparsed" in answer.record
                node = Node.file("stream", when(answer.record), answer.saved)
                self._keep(dataclasses.replace(action, new=answer.record), node)
                if answer.kept.flag is not None:
                    about = About(answer.record.get("subject") or answer.record["id"], self._folders.round.path_of(answer.record["folder"]))
                    self._contents.report(about, [answer.kept.flag])
            else:
                self._changes.fail(action, title_of(action.old or action.new), answer)
            # Every time the streams have grown by half (16 MiB at least), so that all offers together cost little.
            if self._counts.fetched_bytes - self._offered_bytes >= max(_OFFER_BYTES, self._offered_bytes // 2):
                self._offer_progress()

    def _keep(self, action: Action, body: Node) -> None:
        self._tree.keep(action.old, action.new, body)
        self._changes.done(action)
        _count(self._counts, action)

    def _remove(self, action: Action) -> None:
        self._tree.remove(action.new)
        self._changes.done(action)
        _count(self._counts, action)

    def _offer_progress(self) -> None:
        self._offered_bytes = self._counts.fetched_bytes
        tree = self._tree.save(
            items=self._counts.total,
            cursor=self._state.facts.cursor,
            cursors=self._changes.interim_cursors(),
            due={folder.number for folder in self._state.folders.values()},
            retries={**self._state.retries, **self._changes.retries},
            leaving=self._changes.gone_folders(),
        )
        self._offer(tree)

    def _finish(self) -> TreeId:
        unchanged = self._tree.unchanged
        if unchanged is not None and _is_same(self._state, self._changes, self._folders):
            return unchanged
        return self._tree.save(
            items=self._counts.total,
            cursor=self._changes.swept,
            cursors=self._changes.cursors,
            due=self._changes.due_folders(),
            retries=self._changes.retries,
        )


def _is_same(state: ItemState, changes: ArchiveChanges, folders: ArchiveFolders) -> bool:
    """Whether nothing but items may differ from the old tree."""
    return (
        same_folders(folders.round.folders, state.folders)
        and all(state.folders[folder_id].cursor == mark for folder_id, mark in changes.cursors.items())
        and changes.swept == state.facts.cursor
        and changes.retries == state.retries
        and not state.facts.leaving
    )


def _count(counts: Counts, action: Action) -> None:
    if action.what is Do.REMOVE:
        counts.remove()
    else:
        counts.keep(None if action.old is None else action.old["folder"], action.new["folder"])
