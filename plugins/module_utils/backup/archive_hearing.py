# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the folders of an archive say: those that were modified since the last time, or all of it where that does not tell
everything.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import collections
import dataclasses
import typing as t
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone

from .._errors import BackupError
from ..graph.errors import BadAnswer, LinkRefused, NotFound, RequestRefused, ServiceUnavailable
from ..graph.exchange_items import list_exchange_items
from ..graph.ids import FolderId
from .archive_folders import ArchiveFolders
from .archive_listed import ListedItems
from .archive_marks import SMALL_FOLDER, FolderMark, is_sweep_due, latest, must_sweep, parse_mark
from .item_failures import MAYBE_ALL
from .item_state import Folder, ItemState
from .results import Finding, finding_of

if t.TYPE_CHECKING:
    from ..graph.exchange_redirects import ExchangeMailbox

FOLDERS_AT_ONCE = 4
_PAGE_SIZES = (500, 100, 20)
_MANY_PAGES = 2
#: Errors that concern one folder; everything else ends the source.
_ONE_FOLDER = (*MAYBE_ALL, LinkRefused, RequestRefused)


class ArchiveHearing:
    """Call L(listen) once. Then, by folder number: C(unheard) did not answer, C(sweeps) were listed in full and are not as they
    were, C(unclear) are to be listed in full by the next run, whoever finds that out. C(listed) has the items of folders in
    which something changed. C(swept) is the time of the last list of everything.
    """

    def __init__(self, mailbox: ExchangeMailbox, folders: ArchiveFolders, state: ItemState, now: datetime) -> None:
        self._mailbox = mailbox
        self._folders = list(folders.round.folders.values())
        self._counts = folders.counts
        self._now = now
        self._is_sweep_due = is_sweep_due(state.facts.cursor, now)
        self._marks = {folder.number: parse_mark(folder.cursor) for folder in self._folders}
        self._new_marks: dict[int, FolderMark] = {}
        self._failure: BackupError | None = None
        self.listed = ListedItems()
        self.unheard: set[int] = set()
        self.sweeps: set[int] = set()
        self.unclear: set[int] = set()
        self.swept = state.facts.cursor
        self.findings: list[Finding] = []

    def close(self) -> None:
        self.listed.close()

    def listen(self, new_items: t.Callable[[int], int]) -> None:
        """Ask every folder. C(new_items) says how many of the items that a folder names are not known there.

        Raises the last error when no folder answers.
        """
        pages = dict(self._ask_all([folder for folder in self._folders if not self._is_swept_anyway(folder)], self._list_modified))
        for folder in self._folders:
            if self._is_swept_anyway(folder) if folder.number not in pages else self._must_sweep(folder, pages[folder.number], new_items):
                self.sweeps.add(folder.number)
        collections.deque(self._ask_all([folder for folder in self._folders if folder.number in self.sweeps], self._sweep), maxlen=0)
        if self._failure is not None and len(self.unheard) == len(self._folders):
            raise self._failure
        if self._is_sweep_due and not self.unheard:
            self.swept = self._now.astimezone(timezone.utc).isoformat(timespec="seconds")
        for folder in self._folders:
            if folder.number not in self.unheard:
                self._settle(folder)

    def held_before(self, folder: Folder) -> int | None:
        """How many items the catalogue has in a folder; None when the last run did not settle that."""
        mark = self._marks[folder.number]
        return None if mark is None else mark.held

    def new_mark(self, folder: Folder, held: int | None) -> str | None:
        """What to keep of a folder that answered; None to list it in full next time."""
        return None if folder.number in self.unclear else dataclasses.replace(self._new_marks[folder.number], held=held).as_text()

    def _settle(self, folder: Folder) -> None:
        """Take the new mark, and forget the list of a folder in which all is as it was: nothing has to be looked up for it."""
        self._new_marks[folder.number] = self._mark_now(folder)
        if self._is_as_before(folder):
            self.listed.forget(folder.number)
            self.sweeps.discard(folder.number)

    def _is_as_before(self, folder: Folder) -> bool:
        mark = self._marks[folder.number]
        if mark is None or mark.count is None or mark.held != mark.count or folder.number in self.unclear:
            return False
        is_proof = folder.number not in self.sweeps or self._is_small(folder)
        return is_proof and self._mark_now(folder) == mark

    def _mark_now(self, folder: Folder) -> FolderMark:
        """After the last list of the folder; what it will hold is not known yet."""
        number, mark = folder.number, self._marks[folder.number]
        modified = latest(None if number in self.sweeps else mark, [self.listed.last_modified(number)], self._now)
        seen = self.listed.fingerprint(number, None if self._is_small(folder) else modified)
        return FolderMark(modified, self._counts[folder.id], None if mark is None else mark.held, seen)

    def _is_swept_anyway(self, folder: Folder) -> bool:
        return self._is_sweep_due or self._marks[folder.number] is None or self._is_small(folder)

    def _is_small(self, folder: Folder) -> bool:
        count = self._counts[folder.id]
        return count is not None and count <= SMALL_FOLDER

    def _must_sweep(self, folder: Folder, pages: int, new_items: t.Callable[[int], int]) -> bool:
        if self._is_as_before(folder):
            return False
        return must_sweep(self._marks[folder.number], self._counts[folder.id], new_items(folder.number), pages)

    def _ask_all(self, folders: t.Sequence[Folder], ask: t.Callable[[Folder], int]) -> t.Iterator[tuple[int, int]]:
        """(number, answer) of each folder that answers."""
        with ThreadPoolExecutor(FOLDERS_AT_ONCE, thread_name_prefix="folder") as pool:
            asked = [(folder, pool.submit(ask, folder)) for folder in folders]
            try:
                for folder, answer in asked:
                    try:
                        yield folder.number, answer.result()
                    except NotFound:
                        # Deleted since the folders were listed; the next run's list says so.
                        self._lose(folder)
                    except _ONE_FOLDER as error:
                        self._failure = error
                        self._lose(folder)
                        self.findings.append(finding_of(error, f"archive folder {folder.name}"))
            finally:
                pool.shutdown(cancel_futures=True)

    def _lose(self, folder: Folder) -> None:
        """Half of what a folder says is worse than nothing: the next run asks it again with the old mark."""
        self.listed.forget(folder.number)
        self.unheard.add(folder.number)
        self.sweeps.discard(folder.number)

    def _list_modified(self, folder: Folder) -> int:
        mark = self._marks[folder.number]
        try:
            return self._list(folder, None if mark is None else mark.modified)
        except RequestRefused:
            # Where the filter is not taken, the folder is listed in full.
            return _MANY_PAGES

    def _sweep(self, folder: Folder) -> int:
        """List a folder in full; twice when the first list has fewer items than the service counts, and again by the next run
        when the second one has, too."""
        self.listed.forget(folder.number)
        pages = self._list(folder, None)
        count = self._counts[folder.id]
        if count is not None and self.listed.count(folder.number) < count:
            self._list(folder, None)
            if self.listed.count(folder.number) < count:
                self.unclear.add(folder.number)
        return pages

    def _list(self, folder: Folder, since: str | None) -> int:
        """The number of pages. Smaller ones are tried when they break off."""
        for size in _PAGE_SIZES:
            pages = 0
            try:
                for page in list_exchange_items(self._mailbox, FolderId(folder.id), since, page_size=size):
                    self.listed.add_page(folder.number, page)
                    pages += 1
                return pages
            except (BadAnswer, ServiceUnavailable):
                if size == _PAGE_SIZES[-1]:
                    raise
        return 0
