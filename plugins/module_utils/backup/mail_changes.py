# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What there is to do for the mail of a member: ask the folders, hear every delta, decide message by message.

Nothing is written here, so that a preview and a run decide with the same code.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

from .._errors import BackupError
from ..graph.errors import NotFound
from ..graph.ids import MessageId, UserId
from ..graph.mail_messages import read_message
from .catalogue import Catalogue, Record
from .folder_places import FolderRound, without_folders
from .item_failures import ONE_OBJECT, Sickness
from .item_state import Folder, ItemState, Retry
from .mail_decide import Decision, Step, decide
from .mail_folders import read_folders
from .mail_hearing import Hearing
from .mail_pending import PendingChanges, Said, Statement
from .mail_record import SELECT, Need, need, updated
from .results import Finding, FindingKind, finding_of

if t.TYPE_CHECKING:
    from ..graph.client import GraphClient

_BATCH = 500


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


class MailChanges:
    """C(findings) and C(retries) grow while L(actions) is consumed, and with L(fail)."""

    def __init__(
        self,
        client: GraphClient,
        user: UserId,
        state: ItemState,
        catalogue: Catalogue,
        *,
        now: datetime,
        recoverable_items: bool = False,
    ) -> None:
        self._client = client
        self._user = user
        self._state = state
        self._catalogue = catalogue
        self._now = now
        self._recoverable_items = recoverable_items
        self._pending = PendingChanges()
        self._hearing = Hearing(client, user, self._pending)
        self._sickness = Sickness()
        self._round: FolderRound | None = None
        self.findings: list[Finding] = []
        self.retries: dict[str, Retry] = {}

    def close(self) -> None:
        self._pending.close()

    @property
    def cursors(self) -> dict[str, str | None]:
        """For each folder that was heard to its end the cursor for the next time, None to list it again."""
        return self._hearing.cursors

    @property
    def relisted(self) -> set[int]:
        """The numbers of folders that were listed in full."""
        return self._hearing.relisted

    def hear(self) -> FolderRound:
        """Ask for the folders, and every folder for what has changed in it; everything else needs that."""
        found, findings = read_folders(self._client, self._user, self._state, now=self._now, recoverable_items=self._recoverable_items)
        self._hearing.hear(list(found.folders.values()))
        self.findings += [*findings, *self._hearing.findings]
        self._round = without_folders(found, self._hearing.gone)
        return self._round

    def actions(self) -> t.Iterator[Action]:
        """Everything there is to do, decided but not done."""
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
        self.ask_again(message_id)

    def skip(self, name: str, error: BackupError) -> None:
        """What the service can never tell: a finding once."""
        self.findings.append(replace(finding_of(error, name), kind=FindingKind.SKIPPED))

    def ask_again(self, message_id: str) -> None:
        """Have the next run look at a message, though the cursor moves on."""
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

    def _settle(self, message_id: str, statements: t.Sequence[Statement], old: Record | None) -> t.Iterator[Action]:
        decision = decide(old, statements)
        if decision.step is Step.ASK or self._contradicts_itself(old, decision):
            is_named = any(statement.said is not Said.REMOVED and statement.folder >= 0 for statement in statements)
            yield from self._ask(message_id, old, is_named=is_named)
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

    def _ask(self, message_id: str, old: Record | None, *, is_named: bool = False) -> t.Iterator[Action]:
        """Look at the message itself. One that a folder names and that is not there is looked for by the next run, too."""
        try:
            fields = read_message(self._client, self._user, MessageId(message_id), SELECT)
            self._sickness.passed()
        except NotFound:
            fields = {}
            if is_named:
                self.ask_again(message_id)
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
                    if record["folder"] in self._hearing.plain:
                        yield from self._ask(record["id"], record)
                    else:
                        yield Action(Do.REMOVE, record, record)

    def _unlisted_folders(self) -> set[int]:
        return self.gone_folders() | (self.relisted & {folder.number for folder in self._state.folders.values()})
