# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hidden mail folders: found by asking folder after folder for what lies below it.

Asking every folder in every run would double the requests of a run without changes. So three kinds are asked: the top,
where programs put their hidden folders; folders that the delta has just named, which are all of them in the first run;
and one of the others, chosen by the minute of the run, so that each gets its turn.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import hashlib
import typing as t
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from .._errors import BackupError
from ..graph.errors import NotFound
from ..graph.ids import FolderId, UserId
from ..graph.mail_folders import MailFolder, list_children, read_folder
from .item_failures import MAYBE_ALL, ONE_OBJECT
from .results import Finding, finding_of

if t.TYPE_CHECKING:
    from ..graph.client import GraphClient


_AT_ONCE = 4
_WITHOUT_THREADS = 2
"""Requests of a run without changes: threads would cost more CPU than they save time."""


class HiddenFolders:
    """Brings C(known), the folders by id, up to date. Folders whose ids are C(ignored) are not asked."""

    def __init__(self, client: GraphClient, user: UserId, known: dict[str, MailFolder], *, ignored: t.Collection[str]) -> None:
        self._client = client
        self._user = user
        self._known = known
        self._ignored = ignored

    def find(self, named: t.Collection[str], now: datetime, findings: list[Finding]) -> bool:
        """Whether every folder that was to be asked has answered."""
        waiting: list[FolderId | None] = [None]
        waiting += [self._known[folder_id].id for folder_id in sorted(named) if self._may_be_asked(folder_id)]
        waiting += self._in_turn(named, now)
        asked: set[FolderId | None] = set()
        while waiting:
            asked.update(waiting)
            answers = self._ask_for_children(waiting)
            waiting = []
            for parent, answer in answers:
                if isinstance(answer, BackupError):
                    name = "the mailbox" if parent is None else f"folder {self._known[parent].display_name}"
                    findings.append(finding_of(answer, f"hidden folders of {name}"))
                else:
                    new = [self._known[folder_id].id for folder_id in self._take(parent, answer) if self._may_be_asked(folder_id)]
                    waiting += [folder_id for folder_id in new if folder_id not in asked]
            if any(isinstance(answer, MAYBE_ALL) for _parent, answer in answers):
                return False
        return True

    def keep(self, before: t.Iterable[MailFolder]) -> None:
        """Where not every folder has answered, the hidden folders that there were are not taken to be gone."""
        stored = {str(folder.id): folder for folder in before}
        for folder_id in _below_hidden(stored):
            self._known.setdefault(folder_id, stored[folder_id])

    def _ask_for_children(self, parents: t.Sequence[FolderId | None]) -> list[tuple[FolderId | None, dict[str, MailFolder] | BackupError]]:
        """What lies below each folder, those that are gone left out."""

        def ask(parent: FolderId | None) -> tuple[FolderId | None, dict[str, MailFolder] | BackupError | None]:
            try:
                return parent, {str(folder.id): folder for folder in list_children(self._client, self._user, parent)}
            except NotFound:
                return parent, None
            except ONE_OBJECT as error:
                return parent, error

        if len(parents) <= _WITHOUT_THREADS:
            answers = [ask(parent) for parent in parents]
        else:
            with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="hidden") as pool:
                answers = list(pool.map(ask, parents))
        return [(parent, answer) for parent, answer in answers if answer is not None]

    def _take(self, parent: FolderId | None, children: dict[str, MailFolder]) -> list[str]:
        """Merge what lies below a folder; the ids of those that were not known."""
        hidden = _below_hidden(self._known)
        new = [folder_id for folder_id in children if folder_id not in self._known]
        for folder_id, folder in children.items():
            if folder_id in new or folder_id in hidden or folder.is_hidden:
                self._known[folder_id] = folder
        for folder_id in hidden - children.keys():
            above = self._known[folder_id].parent_id
            if above == parent or (parent is None and above not in self._known):
                self._ask(folder_id)
        return new

    def _ask(self, folder_id: str) -> None:
        """A hidden folder that is not where it was."""
        try:
            self._known[folder_id] = read_folder(self._client, self._user, FolderId(folder_id))
        except NotFound:
            del self._known[folder_id]

    def _may_be_asked(self, folder_id: str) -> bool:
        return folder_id in self._known and folder_id not in self._ignored and not self._known[folder_id].is_search

    def _in_turn(self, named: t.Collection[str], now: datetime) -> list[FolderId]:
        others = sorted(folder_id for folder_id in self._known if folder_id not in named and self._may_be_asked(folder_id))
        if not others:
            return []
        turn = hashlib.sha256(f"{self._user} {now:%Y-%m-%d %H:%M}".encode()).digest()
        return [self._known[others[int.from_bytes(turn[:8], "big") % len(others)]].id]


def _below_hidden(folders: t.Mapping[str, MailFolder]) -> set[str]:
    """The hidden folders and all below them, of which the delta may say nothing."""
    found = {folder_id for folder_id, folder in folders.items() if folder.is_hidden}
    while True:
        below = {folder_id for folder_id, folder in folders.items() if folder_id not in found and folder.parent_id in found}
        if not below:
            return found
        found |= below
