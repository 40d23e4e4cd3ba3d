# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What there is to do for a source of JSON items: ask its folders, hear every delta, decide item by item.

Nothing is written here, so that a preview and a run decide with the same code.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import threading
import typing as t
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from .._errors import BackupError
from ..graph.errors import AccessDenied, BadAnswer, CursorLost, DeltaUnavailable, NotFound, RequestRefused, ServiceUnavailable
from ..graph.ids import Cursor
from .catalogue import Catalogue, Record
from .folder_places import FolderRound
from .item_decide import Step, decide, is_due
from .item_failures import ONE_OBJECT
from .item_source import ItemSource
from .item_state import Folder, ItemState, Retry
from .mail_pending import PendingChanges, Said
from .results import Finding, finding_of

if t.TYPE_CHECKING:
    from ..graph.delta import Page

FOLDERS_AT_ONCE = 4
_BATCH = 500

#: Answers to a delta query after which plain listing may still work.
_NO_DELTA = (AccessDenied, BadAnswer, DeltaUnavailable, NotFound, RequestRefused, ServiceUnavailable)
#: Errors that concern one folder as long as there are others.
_ONE_FOLDER = (*ONE_OBJECT, AccessDenied)


@dataclass(frozen=True, slots=True)
class Look:
    """Ask for the item in these folders (anywhere if none).

    C(is_forced): read everything, whatever we have of it. C(is_certain): one folder named it as there, and none spoke against.
    C(is_missed): a plain listing did not name it.
    """

    id: str
    old: Record | None
    folder_ids: tuple[str, ...]
    is_forced: bool = False
    is_certain: bool = False
    is_missed: bool = False


@dataclass(frozen=True, slots=True)
class Remove:
    old: Record


class ItemChanges:
    """C(findings) and C(retries) grow while L(actions) is consumed, and with L(fail).

    C(cursors) holds for each folder that was heard to its end the cursor for the next time; C(renewed) the numbers of
    those whose old cursor names nothing any more.
    """

    def __init__(self, source: ItemSource, state: ItemState, catalogue: Catalogue, watched: t.Mapping[str, str], now: datetime) -> None:
        self._source = source
        self._state = state
        self._catalogue = catalogue
        self._now = now
        self._lock = threading.Lock()
        self._pending: PendingChanges | None = None
        self._seen: FolderRound | None = None
        self._due = {item_id for item_id, until in watched.items() if is_due(item_id, until, now)}
        self._listed: set[int] = set()
        self._heard_in_full: set[int] = set()
        self.findings: list[Finding] = []
        self.retries: dict[str, Retry] = {}
        self.cursors: dict[str, str | None] = {}
        self.renewed: set[int] = set()

    def close(self) -> None:
        if self._pending is not None:
            self._pending.close()

    def hear(self) -> FolderRound:
        """Ask for the folders and for what each has to say; everything else needs that.

        Raises BadAnswer when all folders are gone at once: every mailbox has one that nobody can delete.
        """
        self._seen = self._source.folders(self._state)
        if self._state.folders and not self._seen.folders:
            raise BadAnswer(
                f"Of {len(self._state.folders)} folders with {self._source.word}s in the backup, Microsoft Graph names none any more.",
                hint="Nothing is lost: what is stored stays, and the next run asks again.",
            )
        self._hear_folders()
        for item_id in self._state.retries.keys() | self._due:
            self._heard().ask_for(item_id)
        return self._seen

    @property
    def is_quiet(self) -> bool:
        """Whether there is nothing to do."""
        return self._pending is None and not self._gone() and not self._listed

    def actions(self) -> t.Iterator[Look | Remove]:
        """Everything there is to do, decided but not done."""
        pending, gone = self._heard(), self._gone()
        ids = {folder.number: folder.id for folder in self._round.folders.values()}
        for batch in pending.batches(_BATCH):
            old_records = self._catalogue.find([item_id for item_id, _statements in batch])
            for item_id, statements in batch:
                old = old_records.get(item_id)
                decision = decide(old, statements, self._source.key, gone)
                is_retried = item_id in self._state.retries
                if decision.step is Step.LOOK and (decision.folders or is_retried):
                    folder_ids = tuple(ids[number] for number in decision.folders if number in ids)
                    yield Look(item_id, old, folder_ids, is_retried, is_certain=[said.said for said in statements] == [Said.CHANGED])
                elif decision.step is Step.REMOVE and old is not None:
                    yield Remove(old)
        if gone or self._listed:
            for record in self._catalogue.live():
                if record["id"] in pending:
                    continue
                if record["folder"] in gone:
                    yield Remove(record)
                elif record["folder"] in self._listed:
                    # Places shift while a listing goes on, so what it lacks may be there all the same.
                    yield Look(record["id"], record, (ids[record["folder"]],), is_missed=True)

    def fail(self, item_id: str, name: str, error: BackupError) -> None:
        """An item that could not be read in full: a finding now, and asked for again by the next run."""
        self.findings.append(finding_of(error, name))
        self.try_again(item_id)

    def try_again(self, item_id: str) -> None:
        before = self._state.retries.get(item_id)
        self.retries[item_id] = before or Retry(id=item_id, since=self._now.isoformat(timespec="seconds"))

    def number_of(self, folder_id: str) -> int | None:
        """None for a folder that is not backed up."""
        folder = self._round.folders.get(folder_id)
        return None if folder is None else folder.number

    def touched_folders(self) -> set[int]:
        """Folders whose old cursor would name again what this run has settled, or names nothing any more."""
        heard = self._heard()
        return self.renewed | {folder.number for folder in self._round.folders.values() if heard.has_folder(folder.number)}

    @property
    def _round(self) -> FolderRound:
        if self._seen is None:
            raise BackupError("The folders of a source were not listed first.", hint="This is a defect; please report it.")
        return self._seen

    def _heard(self) -> PendingChanges:
        """Made when the first thing is said: in most runs there is nothing."""
        with self._lock:
            if self._pending is None:
                self._pending = PendingChanges()
            return self._pending

    def _forget(self, folder: Folder) -> None:
        if self._pending is not None:
            self._pending.forget(folder.number)

    def _gone(self) -> set[int]:
        """Numbers of folders that went, or told everything that is in them: what they did not name is not there."""
        before = {folder.number for folder in self._state.folders.values()} | set(self._state.facts.leaving)
        return before - ({folder.number for folder in self._round.folders.values()} - self._heard_in_full)

    def _hear_folders(self) -> None:
        folders = list(self._round.folders.values())
        failures: list[BackupError] = []
        missing: list[tuple[Folder, BackupError]] = []
        with ThreadPoolExecutor(FOLDERS_AT_ONCE, thread_name_prefix="folder") as pool:
            # One folder needs no thread of its own, and most users have one calendar and one folder of contacts.
            hear = _at_once if len(folders) == 1 else pool.submit
            try:
                for folder, heard in [(folder, hear(self._hear, folder)) for folder in folders]:
                    try:
                        self.cursors[folder.id] = heard.result()
                    except NotFound as error:
                        self._unheard(folder)
                        missing.append((folder, error))
                    except _ONE_FOLDER as error:
                        self._unheard(folder)
                        failures.append(error)
                        self.findings.append(finding_of(error, f"folder {folder.name}"))
            finally:
                pool.shutdown(cancel_futures=True)
        if missing:
            # Deleted since the folders were listed, unless they are listed all the same.
            still = self._source.folders(self._state).folders
            self.findings.extend(finding_of(error, f"folder {folder.name}") for folder, error in missing if folder.id in still)
        if failures and len(failures) == len(folders):
            raise failures[-1]

    def _unheard(self, folder: Folder) -> None:
        """Half of what a folder says is worse than nothing: the next run asks it again with the old cursor."""
        self._forget(folder)
        self._listed.discard(folder.number)
        self._heard_in_full.discard(folder.number)
        self.renewed.discard(folder.number)

    def _hear(self, folder: Folder) -> str | None:
        """Collect what a folder says; the cursor for the next time."""
        try:
            if folder.cursor is not None:
                try:
                    return self._collect(folder, folder.cursor)
                except CursorLost:
                    self._forget(folder)
            return self._hear_all(folder)
        except _NO_DELTA:
            self._list(folder)
            # What it stands for is settled, but it may name more than a listing when delta works again.
            return folder.cursor

    def _hear_all(self, folder: Folder) -> str | None:
        try:
            cursor = self._collect(folder, None)
        except CursorLost:
            # Lost in the middle of a first listing: once more from the start.
            self._forget(folder)
            try:
                cursor = self._collect(folder, None)
            except CursorLost as error:
                raise DeltaUnavailable(str(error), status=error.status, code=error.code, request_id=error.request_id) from error
        if folder.id in self._state.folders and not self._source.is_keyed:
            # One listing with change keys is cheaper than reading everything that we have again.
            for page in self._source.listing(folder.id):
                self._add(folder, page)
        self._heard_in_full.add(folder.number)
        self.renewed.add(folder.number)
        return cursor

    def _collect(self, folder: Folder, cursor: str | None) -> str | None:
        last: str | None = None
        for page in self._source.changes(folder.id, None if cursor is None else Cursor(cursor)):
            self._add(folder, page)
            last = page.cursor or last
        return last

    def _add(self, folder: Folder, page: Page) -> None:
        if page.entries:
            self._heard().add_page(folder.number, page)

    def _list(self, folder: Folder) -> None:
        self._forget(folder)
        for page in self._source.listing(folder.id):
            self._add(folder, page)
        self._listed.add(folder.number)


def _at_once(hear: t.Callable[[Folder], str | None], folder: Folder) -> Future[str | None]:
    """Like a pool, but here and now."""
    done: Future[str | None] = Future()
    try:
        done.set_result(hear(folder))
    except BackupError as error:
        done.set_exception(error)
    return done
