# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What there is to do for the mail of a member: ask the folders, hear every delta, decide message by message.

Nothing is written here, so that a preview and a run decide with the same code.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from .._errors import BackupError
from ..graph.errors import (
    BadAnswer,
    CursorLost,
    DeltaUnavailable,
    ItemUnreadable,
    NotFound,
    RequestRefused,
    ServiceUnavailable,
    Throttled,
)
from ..graph.ids import Cursor, FolderId, MessageId, UserId
from ..graph.mail_messages import list_messages, message_changes, read_message
from .catalogue import Catalogue, Record
from .mail_decide import Decision, Step, decide
from .mail_folders import FolderRound, read_folders
from .mail_pending import PendingChanges, Statement
from .mail_record import SELECT, Need, need, updated
from .mail_state import Folder, MailState, Retry
from .results import Finding, finding_of

if t.TYPE_CHECKING:
    from ..graph.client import GraphClient

FOLDERS_AT_ONCE = 4
_BATCH = 500
_SICK_AFTER = 8

#: Errors that concern one message or folder; everything else ends the source.
ONE_OBJECT = (BadAnswer, ItemUnreadable, NotFound, RequestRefused, ServiceUnavailable, Throttled)
#: Of these, the ones that a sick mailbox gives for every object.
MAYBE_ALL = (BadAnswer, ServiceUnavailable, Throttled)


class Do(Enum):
    READ = "read"
    KEEP = "keep"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Action:
    """READ the MIME and keep it; KEEP the MIME that we have under a changed record; REMOVE the message."""

    what: Do
    old: Record | None
    new: Record


class Sickness:
    """Counts failures in a row: single objects may fail, a mailbox that fails with every object is sick."""

    def __init__(self) -> None:
        self._in_a_row = 0

    def passed(self) -> None:
        self._in_a_row = 0

    def failed(self, error: BackupError) -> None:
        """Raises the error when it is one too many."""
        self._in_a_row += isinstance(error, MAYBE_ALL)
        if self._in_a_row >= _SICK_AFTER:
            raise error


class MailChanges:
    """C(findings) and C(retries) grow while L(actions) is consumed, and with L(fail).

    C(cursors) holds for each folder that was heard to its end the cursor for the next time, None to list it again;
    C(relisted) the numbers of those that were listed in full.
    """

    def __init__(self, client: GraphClient, user: UserId, state: MailState, catalogue: Catalogue, now: datetime) -> None:
        self._client = client
        self._user = user
        self._state = state
        self._catalogue = catalogue
        self._now = now
        self._pending = PendingChanges()
        self._sickness = Sickness()
        self._round: FolderRound | None = None
        self.findings: list[Finding] = []
        self.retries: dict[str, Retry] = {}
        self.cursors: dict[str, str | None] = {}
        self.relisted: set[int] = set()

    def close(self) -> None:
        self._pending.close()

    def list_folders(self) -> FolderRound:
        """Ask for the folders; everything else needs them."""
        self._round = read_folders(self._client, self._user, self._state)
        return self._round

    def actions(self) -> t.Iterator[Action]:
        """Everything there is to do, decided but not done."""
        self._read_changes()
        for message_id in self._state.retries:
            self._pending.ask_for(message_id)
        for batch in self._pending.batches(_BATCH):
            old_records = self._catalogue.find([message_id for message_id, _statements in batch])
            for message_id, statements in batch:
                yield from self._settle(message_id, statements, old_records.get(message_id))
        yield from self._unlisted()

    def fail(self, message_id: str, name: str, error: BackupError) -> None:
        """A message that could not be read: a finding now, and asked for again by the next run."""
        self.findings.append(finding_of(error, name))
        before = self._state.retries.get(message_id)
        self.retries[message_id] = Retry(
            id=message_id,
            since=before.since if before else self._now.isoformat(timespec="seconds"),
        )

    def touched_folders(self) -> set[int]:
        """Folders whose old cursor would name again what this run has settled."""
        return {folder.number for folder in self._folders.values() if self._pending.has_folder(folder.number)}

    def gone_folders(self) -> set[int]:
        """Numbers of folders that were there before, or that a run which did not end had begun to remove."""
        before = {folder.number for folder in self._state.folders.values()} | set(self._state.facts.leaving)
        return before - {folder.number for folder in self._folders.values()}

    @property
    def _folders(self) -> dict[str, Folder]:
        return self._round.folders if self._round else {}

    def _read_changes(self) -> None:
        folders = list(self._folders.values())
        failures: list[BackupError] = []
        with ThreadPoolExecutor(FOLDERS_AT_ONCE, thread_name_prefix="folder") as pool:
            rounds = [(folder, pool.submit(self._read_folder_changes, folder)) for folder in folders]
            try:
                for folder, heard in rounds:
                    try:
                        self.cursors[folder.id] = heard.result()
                    except NotFound:
                        # Deleted since the folders were listed; the next run's folder list says so.
                        self._unheard(folder)
                    except MAYBE_ALL as error:
                        self._unheard(folder)
                        failures.append(error)
                        self.findings.append(finding_of(error, f"folder {folder.name}"))
            finally:
                pool.shutdown(cancel_futures=True)
        if failures and len(failures) == len(folders):
            raise failures[-1]

    def _unheard(self, folder: Folder) -> None:
        """Half of what a folder says is worse than nothing: the next run asks it again with the old cursor."""
        self._pending.forget(folder.number)
        self.relisted.discard(folder.number)

    def _read_folder_changes(self, folder: Folder) -> str | None:
        """Collect what a folder says; the cursor to keep, None to go on listing it in full."""
        if folder.cursor is not None:
            try:
                return self._collect(folder, folder.cursor)
            except CursorLost:
                self._pending.forget(folder.number)
            except DeltaUnavailable:
                self._list(folder)
                return None
        self.relisted.add(folder.number)
        try:
            return self._collect(folder, None)
        except CursorLost:
            # Lost in the middle of a first listing: once more from the start, then it is an error.
            self._pending.forget(folder.number)
            return self._collect(folder, None)
        except DeltaUnavailable:
            self._list(folder)
            return None

    def _collect(self, folder: Folder, cursor: str | None) -> str | None:
        last: str | None = None
        for page in message_changes(self._client, self._user, FolderId(folder.id), None if cursor is None else Cursor(cursor), SELECT):
            self._pending.add_page(folder.number, page)
            last = page.cursor or last
        return last

    def _list(self, folder: Folder) -> None:
        self._pending.forget(folder.number)
        self.relisted.add(folder.number)
        for page in list_messages(self._client, self._user, FolderId(folder.id), SELECT):
            self._pending.add_page(folder.number, page)

    def _settle(self, message_id: str, statements: t.Sequence[Statement], old: Record | None) -> t.Iterator[Action]:
        decision = decide(old, statements)
        if decision.step is Step.ASK or self._contradicts_itself(old, decision):
            yield from self._ask(message_id, old)
        elif decision.step is Step.STORE:
            yield from self._store(old, updated(old, {"id": message_id, **(decision.fields or {})}, decision.folder))
        elif old is not None and (decision.step is Step.REMOVE or old["folder"] in self._unlisted_folders()):
            yield Action(Do.REMOVE, old, old)

    def _contradicts_itself(self, old: Record | None, decision: Decision) -> bool:
        """A replay of what the old folder said before a move would move the message back."""
        parent = (decision.fields or {}).get("parentFolderId")
        if old is None or parent is None or decision.folder == old["folder"]:
            return False
        folder = self._folders.get(parent)
        return folder is None or folder.number != decision.folder

    def _ask(self, message_id: str, old: Record | None) -> t.Iterator[Action]:
        try:
            fields = read_message(self._client, self._user, MessageId(message_id), SELECT)
            self._sickness.passed()
        except NotFound:
            fields = {}
        except ONE_OBJECT as error:
            self._sickness.failed(error)
            self.fail(message_id, f"message {message_id}", error)
            return
        folder = self._folders.get(fields.get("parentFolderId") or "")
        if folder is not None:
            yield from self._store(old, updated(old, {"id": message_id, **fields}, folder.number))
        elif old is not None:
            yield Action(Do.REMOVE, old, old)

    def _store(self, old: Record | None, new: Record) -> t.Iterator[Action]:
        what = need(old, new)
        if what is Need.BODY or new["id"] in self._state.retries:
            yield Action(Do.READ, old, new)
        elif what is Need.RECORD:
            yield Action(Do.KEEP, old, new)

    def _unlisted(self) -> t.Iterator[Action]:
        """Messages of folders that are gone, or that were listed anew without them."""
        unlisted = self._unlisted_folders()
        if unlisted:
            for record in self._catalogue.live():
                if record["folder"] in unlisted and record["id"] not in self._pending:
                    yield Action(Do.REMOVE, record, record)

    def _unlisted_folders(self) -> set[int]:
        return self.gone_folders() | (self.relisted & {folder.number for folder in self._state.folders.values()})
