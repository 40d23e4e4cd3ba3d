# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hear what every folder of a mailbox says of its messages.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import collections
import typing as t
from concurrent.futures import ThreadPoolExecutor

from .._errors import BackupError
from ..graph.errors import AccessDenied, BadAnswer, CursorLost, DeltaUnavailable, GraphError, NotFound, RequestRefused, ServiceUnavailable
from ..graph.ids import Cursor, FolderId, UserId
from ..graph.mail_folders import read_folder
from ..graph.mail_messages import list_messages, message_changes
from .item_failures import ONE_OBJECT
from .item_state import Folder
from .mail_pending import PendingChanges
from .mail_record import SELECT, THIN_SELECT
from .results import Finding, finding_of

if t.TYPE_CHECKING:
    from ..graph.client import GraphClient

FOLDERS_AT_ONCE = 4
_MOST_PASSED_OVER = 20
_WITHOUT_DELTA = (DeltaUnavailable, RequestRefused)
_ONE_FOLDER = (*ONE_OBJECT, AccessDenied)


class Hearing:
    """Collects statements in C(pending).

    C(cursors) holds for each folder that was heard to its end the cursor for the next time, None to list it again;
    C(relisted) the numbers of those that were listed in full, C(plain) of those among them that were listed without
    delta: such a listing counts places, so what is deleted meanwhile shifts messages past its page boundaries.
    C(gone) are the ids of folders that do not exist, whatever the list of folders said.
    """

    def __init__(self, client: GraphClient, user: UserId, pending: PendingChanges) -> None:
        self._client = client
        self._user = user
        self._pending = pending
        self.findings: list[Finding] = []
        self.cursors: dict[str, str | None] = {}
        self.relisted: set[int] = set()
        self.plain: set[int] = set()
        self.gone: set[str] = set()

    def hear(self, folders: t.Sequence[Folder]) -> None:
        """Ask all folders, a few at a time. Raises GraphError when none of them answers."""
        waiting = collections.deque(folders)
        failures: dict[str, BackupError] = {}

        def hear_next_ones() -> None:
            try:
                while (folder := _next(waiting)) is not None:
                    try:
                        self.cursors[folder.id] = self._hear_folder(folder)
                    except _ONE_FOLDER as error:
                        self._forget(folder)
                        if not (isinstance(error, NotFound) and self._is_gone(folder)):
                            failures[folder.id] = error
            finally:
                # What ends one of them ends all.
                waiting.clear()

        with ThreadPoolExecutor(FOLDERS_AT_ONCE - 1, thread_name_prefix="folder") as pool:
            helpers = [pool.submit(hear_next_ones) for _helper in folders[1:FOLDERS_AT_ONCE]]
            hear_next_ones()
            for helper in helpers:
                helper.result()
        self.findings += [finding_of(failures[folder.id], f"folder {folder.name}") for folder in folders if folder.id in failures]
        if failures and len(failures) == len(folders):
            raise failures[folders[-1].id]

    def _is_gone(self, folder: Folder) -> bool:
        """Deleted since the folders were listed, or a hidden one, of which no delta told. Messages of a folder are not given
        up on the word of one answer."""
        try:
            read_folder(self._client, self._user, FolderId(folder.id))
        except NotFound:
            self.gone.add(folder.id)
        except _ONE_FOLDER:
            return False
        return folder.id in self.gone

    def _forget(self, folder: Folder) -> None:
        """Half of what a folder says is worse than nothing: the next run asks it again with the old cursor."""
        self._pending.forget(folder.number)
        self.relisted.discard(folder.number)
        self.plain.discard(folder.number)

    def _hear_folder(self, folder: Folder) -> str | None:
        """Collect what a folder says; the cursor to keep, None to go on listing it in full."""
        try:
            if folder.cursor is not None:
                try:
                    return self._collect(folder, folder.cursor)
                except CursorLost:
                    self._pending.forget(folder.number)
            self.relisted.add(folder.number)
            try:
                return self._collect(folder, None)
            except CursorLost:
                # Lost in the middle of a first listing: once more from the start, then it is an error.
                self._pending.forget(folder.number)
                return self._collect(folder, None)
        except _WITHOUT_DELTA:
            self._list(folder)
        except (BadAnswer, ServiceUnavailable) as error:
            if not _is_about_page(error):
                raise
            self._list_thinly(folder)
        return None

    def _collect(self, folder: Folder, cursor: str | None) -> str | None:
        last: str | None = None
        for page in message_changes(self._client, self._user, FolderId(folder.id), None if cursor is None else Cursor(cursor), SELECT):
            self._pending.add_page(folder.number, page)
            last = page.cursor or last
        return last

    def _list_thinly(self, folder: Folder) -> None:
        """One message that the service cannot write down makes every page fail that it is on, however small. So pages with
        next to nothing in them are tried, and a message that no page comes with is passed over."""
        self._begin_list(folder)
        place, passed_over = 0, 0
        while True:
            try:
                for page in list_messages(self._client, self._user, FolderId(folder.id), THIN_SELECT, skip=place):
                    self._pending.add_page(folder.number, page)
                    place += len(page.entries)
                return
            except (BadAnswer, ServiceUnavailable) as error:
                place, passed_over = place + 1, passed_over + 1
                if passed_over > _MOST_PASSED_OVER or not _is_about_page(error):
                    raise
                self.findings.append(finding_of(error, f"a message in folder {folder.name}"))

    def _begin_list(self, folder: Folder) -> None:
        self._pending.forget(folder.number)
        self.relisted.add(folder.number)
        self.plain.add(folder.number)

    def _list(self, folder: Folder) -> None:
        self._begin_list(folder)
        for page in list_messages(self._client, self._user, FolderId(folder.id), SELECT):
            self._pending.add_page(folder.number, page)


def _next(waiting: collections.deque[Folder]) -> Folder | None:
    try:
        return waiting.popleft()
    except IndexError:
        return None


def _is_about_page(error: GraphError) -> bool:
    """Whether the service has failed to build a page of the smallest size, rather than to answer at all."""
    return isinstance(error, BadAnswer) or error.status == 504
