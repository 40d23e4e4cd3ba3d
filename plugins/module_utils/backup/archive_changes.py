# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What there is to do for the archive of a member, decided item by item from what its folders list.

Nothing is written here, so that a preview and a run decide with the same code.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import collections
import typing as t
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from .._errors import BackupError
from .archive_folders import ArchiveFolders
from .archive_hearing import ArchiveHearing
from .archive_marks import FolderMark, parse_mark
from .archive_record import Need, moved_record, need
from .catalogue import Catalogue, Record
from .item_state import ItemState, Retry
from .results import Finding, finding_of

if t.TYPE_CHECKING:
    from ..graph.exchange_redirects import ExchangeMailbox

_BATCH = 500


class Do(Enum):
    EXPORT = "export"
    KEEP = "keep"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Action:
    """EXPORT the item and keep it; KEEP the stream that we have under a changed record; REMOVE the item."""

    what: Do
    old: Record | None
    new: Record
    folder_id: str = ""


class ArchiveChanges:
    """C(findings) and C(retries) grow while L(actions) is consumed, and with L(fail); L(done) takes each action that was carried
    out. Call L(listen) first.
    """

    def __init__(self, mailbox: ExchangeMailbox, folders: ArchiveFolders, state: ItemState, catalogue: Catalogue, now: datetime) -> None:
        self._folders = {folder.number: folder for folder in folders.round.folders.values()}
        self._hearing = ArchiveHearing(mailbox, folders, state, now)
        self._state = state
        self._catalogue = catalogue
        self._now = now
        self._held = {
            number: 0 if folder.id not in state.folders else self._hearing.held_before(folder) for number, folder in self._folders.items()
        }
        self._matched: collections.Counter[int] = collections.Counter()
        self._growth: collections.Counter[int] = collections.Counter()
        self.retries: dict[str, Retry] = {}

    def close(self) -> None:
        self._hearing.close()

    @property
    def findings(self) -> list[Finding]:
        return self._hearing.findings

    @property
    def swept(self) -> str | None:
        """When everything was listed in full."""
        return self._hearing.swept

    def listen(self) -> None:
        """Ask every folder. Raises the last error when none of them answers."""
        self._hearing.listen(self._new_items)

    def actions(self) -> t.Iterator[Action]:
        """Everything there is to do, decided but not done."""
        for batch in self._hearing.listed.batches(_BATCH):
            old_records = self._catalogue.find([records[0]["id"] for records in batch])
            self._matched.update(old["folder"] for old in old_records.values())
            for records in batch:
                yield from self._settle(records, old_records.get(records[0]["id"]))
        yield from self._unlisted()
        yield from self._untold_retries()

    def done(self, action: Action) -> None:
        """Keep count of what each folder holds."""
        if action.old is not None:
            self._growth[action.old["folder"]] -= 1
        if action.what is not Do.REMOVE:
            self._growth[action.new["folder"]] += 1

    def fail(self, action: Action, name: str, error: BackupError) -> None:
        """An item that could not be exported: a finding now, and its folder is listed in full by the next run."""
        item_id = action.new["id"]
        self.findings.append(finding_of(error, name))
        before = self._state.retries.get(item_id)
        self.retries[item_id] = before or Retry(id=item_id, since=self._now.isoformat(timespec="seconds"))
        self._hearing.unclear.add(action.new["folder"])

    def vanish(self, action: Action) -> None:
        """An item that is said to be gone though it was listed; the next run looks whether it is."""
        self._hearing.unclear.add(action.new["folder"])

    @property
    def cursors(self) -> dict[str, str | None]:
        """The mark of each folder that was heard, None to list it in full next time."""
        return {
            self._folders[number].id: self._hearing.new_mark(self._folders[number], self._held_now(number)) for number in self.due_folders()
        }

    def interim_cursors(self) -> dict[str, str | None]:
        """The old marks, for a tree in the middle of a run: they do not say what the folders hold."""
        marks = {folder.id: parse_mark(folder.cursor) for folder in self._state.folders.values()}
        return {key: None if mark is None else FolderMark(mark.modified, mark.count).as_text() for key, mark in marks.items()}

    def due_folders(self) -> set[int]:
        """Folders that were heard: their old mark is to be replaced."""
        return self._folders.keys() - self._hearing.unheard

    def gone_folders(self) -> set[int]:
        """Numbers of folders that were there before, or that a run which did not end had begun to remove."""
        before = {folder.number for folder in self._state.folders.values()} | set(self._state.facts.leaving)
        return before - self._folders.keys()

    def _held_now(self, number: int) -> int | None:
        held = self._held[number]
        return None if held is None else held + self._growth[number]

    def _new_items(self, folder: int) -> int:
        """How many items a folder names that we do not have there."""
        new = 0
        for ids in self._hearing.listed.ids(folder, _BATCH):
            found = self._catalogue.find(ids)
            new += sum(item_id not in found or found[item_id]["folder"] != folder for item_id in ids)
        return new

    def _settle(self, records: t.Sequence[Record], old: Record | None) -> t.Iterator[Action]:
        new = self._where_it_is(records, old)
        folder_id = self._folders[new["folder"]].id
        what = need(old, new)
        if what is Need.EXPORT or new["id"] in self._state.retries:
            yield Action(Do.EXPORT, old, new, folder_id)
        elif what is Need.RECORD and old is not None:
            yield Action(Do.KEEP, old, moved_record(old, new), folder_id)

    def _where_it_is(self, records: t.Sequence[Record], old: Record | None) -> Record:
        """One record of an item that several folders name, or another one than where we have it while it may still be there: it moves
        while the folders are listed, or one of them is a search folder. All of them are listed in full by the next run."""
        places = {record["folder"]: record for record in records}
        if old is None or not self._may_be(old["folder"], places):
            if len(places) > 1:
                self._hearing.unclear.update(places)
            return records[0]
        if places.keys() != {old["folder"]}:
            self._hearing.unclear.update(places, (old["folder"],))
        return places.get(old["folder"]) or {**records[0], "folder": old["folder"]}

    def _may_be(self, place: int, named_by: t.Collection[int]) -> bool:
        """Whether an item may be in a folder: that names it, or was not listed in full."""
        return place in named_by or (place in self._folders and place not in self._hearing.sweeps)

    def _unlisted(self) -> t.Iterator[Action]:
        """Items of folders that are gone, or that were listed in full without them. Only those folders are looked through whose
        items are not all accounted for: that costs a pass over the whole catalogue."""
        swept = self._hearing.sweeps & {folder.number for folder in self._state.folders.values()}
        unlisted = self.gone_folders() | {number for number in swept if self._matched[number] != self._held[number]}
        if not unlisted:
            return
        held: collections.Counter[int] = collections.Counter()
        for record in self._catalogue.live():
            if record["folder"] in unlisted:
                held[record["folder"]] += 1
                if record["id"] not in self._hearing.listed:
                    yield Action(Do.REMOVE, record, record)
        self._held.update({number: held[number] for number in unlisted & swept})

    def _untold_retries(self) -> t.Iterator[Action]:
        """Items to try again that no folder named: those that are to be read again after damage to the repository."""
        untold = [item_id for item_id in self._state.retries if item_id not in self._hearing.listed]
        for start in range(0, len(untold), _BATCH):
            found = self._catalogue.find(untold[start : start + _BATCH])
            for item_id in untold[start : start + _BATCH]:
                record = found.get(item_id)
                folder = None if record is None else self._folders.get(record["folder"])
                if record is not None and folder is not None and folder.number not in self._hearing.sweeps:
                    yield Action(Do.EXPORT, record, {**record}, folder.id)
                elif record is None and self._hearing.unheard:
                    # Its folder may be one of those that did not answer.
                    self.retries[item_id] = self._state.retries[item_id]
