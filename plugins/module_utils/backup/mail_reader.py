# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read the mail of one member: from the old tree of the source and what Graph says has changed to the new tree.

The order is: folders, then what every folder's delta says, then message by message the decision, then the bodies, four
at a time. Cursors enter the tree with the changes they stand for, so neither can be ahead of the other.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t
from datetime import datetime

from .._errors import BackupError
from ..graph.errors import Cancelled, NotFound
from ..graph.ids import UserId
from ..repository.types import Node, TreeId
from .catalogue import Catalogue
from .compaction import compacted
from .contents import About, Contents
from .folder_places import FolderRound
from .item_failures import MAYBE_ALL
from .item_state import ItemState, load_state
from .item_tree import ItemTree, same_folders
from .mail_bodies import Bodies, Content
from .mail_changes import Action, Do, MailChanges
from .mail_record import file_of, received
from .results import Counts
from .source_read import SourcePreview, SourceRead
from .temporary_databases import temporary_databases

if t.TYPE_CHECKING:
    from ..graph.client import GraphClient
    from ..repository.repository import Repository
    from ..repository.writer import Writer

_AHEAD = 32
_OFFER_BYTES = 16 * 1024 * 1024


def read_mail(
    client: GraphClient,
    user: UserId,
    writer: Writer,
    base: TreeId | None,
    *,
    now: datetime,
    offer: t.Callable[[TreeId], None],
    contents: Contents | None = None,
    recoverable_items: bool = False,
) -> SourceRead:
    """Bring the tree of a member's mail up to date, with C(recoverable_items) that of what users deleted for good, too.

    C(offer) is given an intermediate tree from time to time: complete in itself, with the cursors of C(base), so that
    a run that goes on from it asks for the same changes but not for the same bodies.

    Raises BackupError when the mailbox as a whole cannot be read.
    """
    state = load_state(writer, base)
    catalogue = Catalogue(writer, state.tree, state.facts.lines)
    contents = contents or Contents(writer)
    with (
        temporary_databases(),
        contextlib.closing(MailChanges(client, user, state, catalogue, now=now, recoverable_items=recoverable_items)) as changes,
        contextlib.closing(Bodies(client, user, contents)) as bodies,
    ):
        folders = changes.hear()
        with contextlib.closing(ItemTree(writer, state, catalogue, folders)) as tree:
            read = _Reading(state, changes, folders, bodies, contents, tree, offer).run()
        return read if read.tree is None or read.tree == base else dataclasses.replace(read, tree=compacted(writer, read.tree))


def preview_mail(
    client: GraphClient,
    user: UserId,
    store: Repository | Writer,
    base: TreeId | None,
    *,
    now: datetime,
    recoverable_items: bool = False,
) -> SourcePreview:
    """Ask Graph what has changed and decide, as L(read_mail) would. Costs the listing, no bodies, and writes nothing."""
    state = load_state(store, base)
    counts = Counts(total=state.facts.items)
    catalogue = Catalogue(store, state.tree, state.facts.lines)
    with (
        temporary_databases(),
        contextlib.closing(MailChanges(client, user, state, catalogue, now=now, recoverable_items=recoverable_items)) as changes,
    ):
        folders = changes.hear()
        for action in changes.actions():
            counts.fetched += action.what is Do.READ
            _count(counts, action)
        is_changed = base is None or counts != Counts(total=state.facts.items) or not _is_same(state, changes, folders)
        return SourcePreview(is_changed=is_changed, counts=counts, findings=tuple(changes.findings), left_out=folders.left_out)


class _Reading:
    """Does what L(MailChanges) decides."""

    def __init__(
        self,
        state: ItemState,
        changes: MailChanges,
        folders: FolderRound,
        bodies: Bodies,
        contents: Contents,
        tree: ItemTree,
        offer: t.Callable[[TreeId], None],
    ) -> None:
        self._state = state
        self._changes = changes
        self._folders = folders
        self._bodies = bodies
        self._contents = contents
        self._tree = tree
        self._offer = offer
        self._counts = Counts(total=state.facts.items)
        self._offered_bytes = 0

    def run(self) -> SourceRead:
        try:
            self._read_all()
        except Cancelled:
            self._take_bodies(self._bodies.answers_so_far())
            if self._counts.fetched_bytes > self._offered_bytes:
                self._offer_progress()
            raise
        return SourceRead(tree=self._finish(), counts=self._counts, findings=tuple(self._changes.findings), left_out=self._folders.left_out)

    def _read_all(self) -> None:
        for action in self._changes.actions():
            body = self._tree.old_body(action.old or action.new) if action.what is Do.KEEP else None
            if action.what is Do.REMOVE:
                self._remove(action)
            elif body is not None:
                self._keep(action, body)
            else:
                self._bodies.ask(action)
                self._take_bodies(self._bodies.answers(_AHEAD))
            # Every time the bodies have grown by half (16 MiB at least), so that all offers together cost little.
            if self._counts.fetched_bytes - self._offered_bytes >= max(_OFFER_BYTES, self._offered_bytes // 2):
                self._offer_progress()
        self._take_bodies(self._bodies.answers(0))

    def _take_bodies(self, answers: t.Iterable[tuple[Action, Content | BackupError]]) -> None:
        for action, answer in answers:
            name = f"message {action.new.get('subject') or action.new['id']}"
            if isinstance(answer, NotFound):
                # Deleted between the delta and the read, which is no finding. The next run makes sure of it.
                self._changes.ask_again(action.new["id"])
                if action.old is not None:
                    self._remove(Action(Do.REMOVE, action.old, action.old))
            elif isinstance(answer, BackupError):
                self._changes.fail(action.new["id"], name, answer)
            else:
                self._counts.fetched += 1
                self._counts.fetched_bytes += answer.mime.size
                self._counts.stored_bytes += answer.mime.stored_bytes
                answer.describe(action.new)
                self._keep(action, Node.file("body", received(action.new), answer.mime))
                if answer.kept.flag is not None:
                    about = About(action.new.get("subject") or action.new["id"], self._folders.path_of(action.new["folder"]))
                    self._contents.report(about, [answer.kept.flag])
                self._tell_of_links(action.new["id"], name, answer.trouble)

    def _tell_of_links(self, message_id: str, name: str, trouble: BackupError | None) -> None:
        """The message is stored, and only its links to files in the cloud are not known."""
        if isinstance(trouble, MAYBE_ALL):
            self._changes.fail(message_id, f"attachments of {name}", trouble)
        elif trouble is not None and not isinstance(trouble, NotFound):
            self._changes.skip(f"links to files in the cloud that {name} may have", trouble)

    def _keep(self, action: Action, body: Node) -> None:
        action.new["file"] = file_of(action.new)
        self._tree.keep(action.old, action.new, body)
        _count(self._counts, action)

    def _remove(self, action: Action) -> None:
        self._tree.remove(action.new)
        _count(self._counts, action)

    def _offer_progress(self) -> None:
        self._offered_bytes = self._counts.fetched_bytes
        tree = self._tree.save(
            items=self._counts.total,
            cursor=self._state.facts.cursor,
            cursors={folder_id: folder.cursor for folder_id, folder in self._state.folders.items()},
            due=(),
            retries={**self._state.retries, **self._changes.retries},
            leaving=self._changes.gone_folders(),
        )
        self._offer(tree)

    def _finish(self) -> TreeId:
        """A tree that would differ in nothing but cursors is not written: the old cursors serve as well."""
        unchanged = self._tree.unchanged
        if unchanged is not None and _is_same(self._state, self._changes, self._folders):
            return unchanged
        return self._tree.save(
            items=self._counts.total,
            cursor=self._folders.cursor,
            cursors=self._changes.cursors,
            due=self._changes.touched_folders() | self._changes.relisted,
            retries=self._changes.retries,
        )


def _is_same(state: ItemState, changes: MailChanges, folders: FolderRound) -> bool:
    """Whether nothing but cursors and messages may differ from the old tree."""
    return (
        same_folders(folders.folders, state.folders)
        and changes.retries == state.retries
        and not changes.relisted
        and not state.facts.leaving
        and not folders.is_due
        and dict(folders.ignored) == state.facts.left_out
    )


def _count(counts: Counts, action: Action) -> None:
    if action.what is Do.REMOVE:
        counts.remove()
    else:
        counts.keep(None if action.old is None else action.old["folder"], action.new["folder"])
