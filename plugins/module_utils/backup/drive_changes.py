# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hear what has changed in a drive, and have fetched what has to be, while the addresses that came with it are fresh.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .._errors import BackupError
from ..graph.delta import Removed
from ..graph.errors import BadAnswer, CursorLost, NotFound
from ..graph.ids import Cursor, Fields
from .catalogue import Record
from .drive_answers import Answer, content_key
from .drive_decide import Options, Wanted, is_same, wanted
from .drive_fetch import ONE_FILE, DriveService, Files, Order
from .drive_fetched import FetchedLog
from .drive_places import Places
from .drive_record import Entry, What, entry_of
from .drive_removals import Removals, remove_unnamed
from .drive_said import Said, Statement
from .results import Counts, Finding, finding_of

if t.TYPE_CHECKING:
    from ..repository.repository import Repository
    from ..repository.writer import Writer
    from .drive_old import OldTree

_AHEAD = 64
_PASSES = 3


class DriveChanges:
    """One pass over a drive and what follows from it. C(is_full): the drive was listed from end to end.

    C(troubled) are items that the next run asks for again.
    """

    def __init__(
        self,
        drive: DriveService,
        store: Repository | Writer,
        old: OldTree,
        retries: t.Collection[str],
        options: Options,
        files: Files | None,
        fetched: FetchedLog,
        on_progress: t.Callable[[], None],
    ) -> None:
        self.said = Said()
        self.is_full = False
        self.cursor: str | None = None
        self.root = old.facts.root
        self.findings: list[Finding] = []
        self.troubled: set[str] = set()
        self.fetched = Counts()
        self._drive = drive
        self._store = store
        self._old = old
        self._retries = retries
        self._options = options
        self._files = files
        self._fetched = fetched
        self._on_progress = on_progress
        self._unknown_removals = 0

    def close(self) -> None:
        self.said.close()

    @property
    def has_heard(self) -> bool:
        """Whether the service said more than that there are folders on the way to something."""
        return self._unknown_removals > 0 or self.said.count("kind != 'd' OR NOT is_same") > 0

    def hear(self, cursor: str | None) -> None:
        """Hear everything since a cursor, all there is without one or when it is lost, then ask for what failed before.

        Raises GraphError when the drive cannot be heard to its end.
        """
        self._hear_pass(cursor)
        for item_id in sorted(self._retries):
            if not self.said.has(item_id):
                self._ask_again(item_id)
        self._take_answers(leave=0)
        if not self.root:
            self.root = str(self._drive.item("root")["id"])

    def settle(self) -> tuple[Places, int]:
        """Where everything is, and the next free number of a folder."""
        if self.is_full:
            remove_unnamed(self.said, self._old.files)
        places = Places(self.said, self._old.folders, self.root, self._ask, self._old.facts.next_folder)
        next_number = places.settle(is_full=self.is_full)
        removals = Removals(self.said, places, self._old.files, self._old.folders)
        removals.settle(self._store, self._old.tree, is_full=self.is_full)
        self._take_answers(leave=0)
        self.troubled |= places.doubtful | removals.orphans
        return places, next_number

    def _hear_pass(self, cursor: str | None) -> None:
        for left in reversed(range(_PASSES)):
            self.said.start_over()
            self.is_full = self.is_full or cursor is None
            try:
                for page in self._drive.delta(None if cursor is None else Cursor(cursor), permissions=self._options.permissions):
                    self._take([{"id": one.id, "deleted": {}} if isinstance(one, Removed) else one.fields for one in page.entries])
                    self.cursor = page.cursor or self.cursor
                    del page  # not to be held while the next one is read
                break
            except (CursorLost, NotFound):
                # An enumeration that names what has gone meanwhile ends with 404 (OneDrive/onedrive-api-docs issue 1476).
                if not left:
                    raise
                cursor = self.cursor = None
        if self.cursor is None:
            raise BadAnswer("Listing the drive ended without a cursor.", hint="Nothing is lost: the next run tries it again.")

    def _take(self, page: t.Sequence[Fields]) -> None:
        entries = [(entry_of(fields), fields) for fields in page]
        if all(entry.what is What.ROOT and entry.id == self.root for entry, _fields in entries):
            # The usual case of a run without changes.
            return
        files = self._old.files.find([entry.id for entry, _fields in entries if entry.is_file or entry.what is What.REMOVED])
        folders = self._old.folders.find([entry.id for entry, _fields in entries if not entry.is_file and entry.what is not What.ROOT])
        before = self._fetched.find([entry.id for entry, _fields in entries if entry.is_file])
        for entry, fields in entries:
            if entry.what is What.ROOT:
                self._take_root(entry)
            else:
                placed = entry if entry.parent else dataclasses.replace(entry, parent=self.root)
                old = folders.get(entry.id) or files.get(entry.id)
                self._take_entry(placed, fields, old, entry.id in folders, before.get(entry.id))
        self._take_answers(leave=_AHEAD)

    def _take_root(self, entry: Entry) -> None:
        if self.root and entry.id != self.root:
            raise OtherDrive("The OneDrive of the user is another one than before.", hint="The next run reads it in full.")
        self.root = entry.id

    def _take_entry(self, entry: Entry, fields: Fields, old: Record | None, is_old_folder: bool, before: Record | None) -> None:
        if entry.what is What.REMOVED:
            if old is not None or self.said.has(entry.id):
                self.said.put(Statement(entry=entry, old=old, is_old_folder=is_old_folder))
            else:
                self._unknown_removals += 1
            return
        is_forced = entry.id in self._retries
        want = wanted(old, entry, self._options, is_forced=is_forced, is_full=self.is_full)
        repeats = old is not None and not is_forced and not want.any and is_same(old, entry)
        if repeats and not entry.is_file:
            if self.is_full or self.said.has(entry.id):
                self.said.put(Statement(entry=entry, old=old, is_old_folder=True, is_same=True))
            return
        asked = _asked(entry, want) if want.any else ""
        self.said.put(Statement(entry=entry, old=old, is_old_folder=is_old_folder, is_same=repeats, is_forced=is_forced, asked=asked))
        if not asked or self.said.is_asked(entry.id, asked):
            return
        self.said.expect(entry.id, asked)
        if before is not None and before["asked"] == asked:
            self.said.take(entry.id, asked, Answer.from_dict(before["answer"]))
        elif self._files is not None:
            # What is asked for once more may be what the repository has lost.
            known = self._old.versions_of(old) if old is not None and want.versions and not is_forced else {}
            self._files.ask(Order(entry=entry, fields=fields, wanted=want, key=asked, versions=self._options.versions, known=known))

    def take_rest(self) -> None:
        """After Cancelled: keep what was fetched until then."""
        if self._files is not None:
            self._keep(self._files.answers_so_far())

    def _take_answers(self, leave: int) -> None:
        if self._files is not None:
            self._keep(self._files.answers(leave))

    def _keep(self, answers: t.Iterable[tuple[Order, Answer]]) -> None:
        for order, answer in answers:
            self.said.take(order.entry.id, order.key, answer)
            self.fetched.fetched += answer.body is not None
            self.fetched.fetched_bytes += 0 if answer.body is None else answer.body.size
            self.fetched.stored_bytes += answer.stored_bytes
            if not answer.has_failed:
                self._fetched.add(order.entry.id, order.key, answer)
            self._on_progress()

    def _ask_again(self, item_id: str) -> None:
        """For an item that failed before, and of which nothing was said. Who asks about one that does not exist has an answer."""
        try:
            self._take([self._drive.item(item_id)])
        except NotFound:
            return
        except ONE_FILE as error:
            self.findings.append(finding_of(error, f"item {item_id}"))
            self.troubled.add(item_id)

    def _ask(self, item_id: str) -> Entry | None:
        try:
            return entry_of(self._drive.item(item_id))
        except NotFound:
            return None


class OtherDrive(BackupError):
    """The user has another drive than before: what we know is of no use."""


def _asked(entry: Entry, want: Wanted) -> str:
    """What an answer is good for: the same wish about the same content."""
    of = content_key(entry) if want.content else entry.etag
    return f"{of} {'c' * want.content}{'v' * want.versions}{'p' * want.permissions}"
