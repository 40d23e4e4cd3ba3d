# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read the OneDrive of one member: from the old tree of the source and what Graph says has changed to the new tree.

The order is: the changes, and while they come the contents of new and changed files, eight at a time; then the places by id;
then the tree. The cursor enters the tree with the changes it stands for, so neither can be ahead of the other.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t
from datetime import datetime

from ..graph.drive import drive_of
from ..graph.drive_errors import DriveLocked, DriveMissing
from ..graph.drive_read import DriveReader
from ..graph.errors import Cancelled, NotFound
from ..graph.ids import DriveId, UserId
from ..repository.types import TreeId
from .compaction import compacted_drive
from .contents import Contents
from .drive_changes import DriveChanges, OtherDrive
from .drive_decide import Options
from .drive_fetch import DriveService, Files
from .drive_fetched import FetchedLog
from .drive_old import OldTree
from .drive_state import load_drive_facts
from .drive_tree import DriveTree, foreseen
from .item_state import DriveFacts, Retry, load_retries
from .results import Counts
from .source_read import DRIVE_LOCKED, SourcePreview, SourceRead
from .temporary_databases import temporary_databases

if t.TYPE_CHECKING:
    from ..graph.client import GraphClient
    from ..repository.repository import Repository
    from ..repository.writer import Writer

Offer = t.Callable[[TreeId], None]


def read_drive(
    client: GraphClient,
    user: UserId,
    writer: Writer,
    base: TreeId | None,
    *,
    now: datetime,
    offer: Offer,
    contents: Contents | None = None,
    versions: int = 0,
    permissions: bool = False,
) -> SourceRead:
    """Bring the tree of a member's OneDrive up to date, with so many earlier C(versions) of each file that is fetched, and with
    the C(permissions) of what is shared.

    C(offer) is given an intermediate tree from time to time: that of before, with what was fetched since.

    Raises BackupError when the drive as a whole cannot be read. A user who never had a drive that could be read is no error; one
    whose drive is stored is: DriveMissing, DriveLocked.
    """

    def read(drive: DriveService, drive_id: str, tree: TreeId | None) -> SourceRead:
        return read_from(drive, drive_id, writer, tree, now=now, offer=offer, contents=contents, versions=versions, permissions=permissions)

    try:
        return _with_drive(client, user, writer, base, read)
    except (DriveMissing, DriveLocked) as error:
        if base is not None:
            raise
        return SourceRead(tree=None, counts=Counts(), availability=_availability(error))


def preview_drive(
    client: GraphClient,
    user: UserId,
    store: Repository | Writer,
    base: TreeId | None,
    *,
    now: datetime,
    versions: int = 0,
    permissions: bool = False,
) -> SourcePreview:
    """Ask Graph what has changed and decide, as L(read_drive) would. Costs the listing, no contents, and writes nothing."""
    del now

    def preview(drive: DriveService, drive_id: str, tree: TreeId | None) -> SourcePreview:
        return preview_from(drive, drive_id, store, tree, versions=versions, permissions=permissions)

    try:
        return _with_drive(client, user, store, base, preview)
    except (DriveMissing, DriveLocked) as error:
        if base is not None:
            raise
        return SourcePreview(is_changed=False, counts=Counts(), availability=_availability(error))


def read_from(
    drive: DriveService,
    drive_id: str,
    writer: Writer,
    base: TreeId | None,
    *,
    now: datetime,
    offer: Offer,
    contents: Contents | None = None,
    versions: int = 0,
    permissions: bool = False,
) -> SourceRead:
    """L(read_drive) for a drive that is there. Raises OtherDrive, for which the base is of no use."""
    state = _State(writer, base, drive_id, versions, permissions)
    contents = contents or Contents(writer)
    with (
        temporary_databases(),
        contextlib.closing(Files(drive, contents)) as files,
        contextlib.closing(FetchedLog(writer, base, state.facts, writer)) as fetched,
        contextlib.closing(state.changes(drive, writer, files, fetched, lambda: _offer(fetched, offer))) as changes,
    ):
        with _offering_rest(changes, fetched, offer):
            changes.hear(state.cursor)
        if base is not None and state.is_quiet(changes):
            return SourceRead(tree=base, counts=Counts(total=state.facts.items))
        with _offering_rest(changes, fetched, offer):
            places, next_folder = changes.settle()
        with contextlib.closing(DriveTree(writer, contents, state.old, changes, places)) as tree:
            tree.build()
            findings = (*changes.findings, *tree.findings)
            retries = state.retries_after(changes.troubled | tree.troubled, now)
            counts = tree.counts + dataclasses.replace(changes.fetched, total=0)
            if base is not None and not state.is_news(changes) and tree.is_same and retries == state.retries:
                return SourceRead(tree=base, counts=counts, findings=findings)
            saved = tree.save(state.facts_after(changes, next_folder), retries)
        return SourceRead(tree=compacted_drive(writer, saved), counts=counts, findings=findings)


def preview_from(
    drive: DriveService, drive_id: str, store: Repository | Writer, base: TreeId | None, *, versions: int = 0, permissions: bool = False
) -> SourcePreview:
    """L(preview_drive) for a drive that is there. Raises OtherDrive."""
    state = _State(store, base, drive_id, versions, permissions)
    with (
        temporary_databases(),
        contextlib.closing(FetchedLog(store, base, state.facts, None)) as fetched,
        contextlib.closing(state.changes(drive, store, None, fetched, _do_nothing)) as changes,
    ):
        changes.hear(state.cursor)
        if base is not None and state.is_quiet(changes):
            return SourcePreview(is_changed=False, counts=Counts(total=state.facts.items))
        places, next_folder = changes.settle()
        counts = foreseen(changes, places, state.old)
        is_news = state.is_news(changes) and state.facts_after(changes, next_folder) != state.facts
        is_changed = base is None or is_news or counts != Counts(total=state.facts.items) or _has_cured(state, changes)
        return SourcePreview(is_changed=is_changed, counts=counts, findings=tuple(changes.findings))


class _State:
    """What the tree says, and which cursor still tells everything that the plan asks for."""

    def __init__(self, store: Repository | Writer, base: TreeId | None, drive_id: str, versions: int, permissions: bool) -> None:
        self.facts = DriveFacts(drive=drive_id) if base is None else load_drive_facts(store, base)
        self.retries = {} if base is None else load_retries(store, base)
        self.old = OldTree(store, base, self.facts)
        self.options = Options(
            versions=versions,
            permissions=permissions,
            new_versions=versions > self.facts.versions,
            new_permissions=permissions and not self.facts.permissions,
        )
        is_enough = not self.options.new_versions and not self.options.new_permissions
        self.cursor = self.facts.cursor if is_enough else None

    def changes(
        self, drive: DriveService, store: Repository | Writer, files: Files | None, fetched: FetchedLog, on_progress: t.Callable[[], None]
    ) -> DriveChanges:
        return DriveChanges(drive, store, self.old, self.retries, self.options, files, fetched, on_progress)

    def is_quiet(self, changes: DriveChanges) -> bool:
        """Whether there is nothing to do at all, and nothing was asked again."""
        return not self.is_news(changes) and not self.retries and not changes.troubled

    def is_news(self, changes: DriveChanges) -> bool:
        """Whether the old cursor would name again what this run settles, or names nothing any more."""
        return changes.is_full or changes.has_heard or self.facts.fetched > 0

    def retries_after(self, troubled: t.Collection[str], now: datetime) -> dict[str, Retry]:
        since = now.isoformat(timespec="seconds")
        return {item_id: self.retries.get(item_id) or Retry(id=item_id, since=since) for item_id in sorted(troubled)}

    def facts_after(self, changes: DriveChanges, next_folder: int) -> DriveFacts:
        return dataclasses.replace(
            self.facts,
            root=changes.root,
            cursor=changes.cursor,
            next_folder=next_folder,
            versions=self.options.versions,
            permissions=self.options.permissions,
            fetched=0,
        )


Done = t.TypeVar("Done", SourceRead, SourcePreview)


def _with_drive(
    client: GraphClient,
    user: UserId,
    store: Repository | Writer,
    base: TreeId | None,
    do: t.Callable[[DriveService, str, TreeId | None], Done],
) -> Done:
    """Straight to the drive that we know, which costs no request; anew where the user has another one by now."""
    known = DriveId("" if base is None else load_drive_facts(store, base).drive)
    found = known
    if known:
        try:
            return do(DriveReader(client, known), known, base)
        except NotFound:
            found = drive_of(client, user).id
            if found == known:
                raise
        except OtherDrive:
            pass
    else:
        found = drive_of(client, user).id
    return do(DriveReader(client, found), found, None)


def _availability(error: DriveMissing | DriveLocked) -> str:
    return DRIVE_LOCKED if isinstance(error, DriveLocked) else error.availability


def _offer(fetched: FetchedLog, offer: Offer) -> None:
    if fetched.is_due:
        offer(fetched.save())


@contextlib.contextmanager
def _offering_rest(changes: DriveChanges, fetched: FetchedLog, offer: Offer) -> t.Iterator[None]:
    """A run that is asked to stop leaves what was fetched until then."""
    try:
        yield
    except Cancelled:
        changes.take_rest()
        if fetched.has_news:
            offer(fetched.save())
        raise


def _do_nothing() -> None:
    """A preview makes no progress that could be kept."""


def _has_cured(state: _State, changes: DriveChanges) -> bool:
    """Whether something is no longer to be tried again."""
    still = {statement.entry.id for statement in changes.said.statements("is_forced") if statement.entry.is_malware}
    return (changes.troubled | still) != state.retries.keys()
