# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Exporting archived items into the repository, a few requests at a time.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import contextlib
import typing as t
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from .._errors import BackupError
from ..graph.errors import BadAnswer, LinkRefused
from ..graph.exchange_export import export_items
from ..graph.exchange_redirects import ExchangeItemId, MailboxId
from ..repository.types import SavedFile
from .archive_changes import Action
from .archive_record import exported_record
from .catalogue import Record
from .contents import Contents, Kept
from .fts_record import summary_of
from .item_failures import ONE_OBJECT, Sickness
from .scan_marks import SCAN
from .scan_views import ScanAs

if t.TYPE_CHECKING:
    from ..graph.bodies import Body
    from ..graph.exchange_redirects import ExchangeMailbox

REQUESTS_AT_ONCE = 4
#: One request asks for so many items at most, and for so many bytes as the mailbox counts them. Exports are up to forty
#: times as large (graph-mailbox facts, 8.5), and large groups come back with items missing.
GROUP_ITEMS = 10
GROUP_BYTES = 2_000_000
_ALONE_FROM = 1_000_000
_ONE_ITEM = (*ONE_OBJECT, LinkRefused)


@dataclass(frozen=True, slots=True)
class Exported:
    """A stream that was found whole, in the repository, and its record."""

    kept: Kept
    record: Record

    @property
    def saved(self) -> SavedFile:
        return self.kept.file


Answer = t.Union[Exported, BackupError]


class Exports:
    """Groups what is asked for, and gives the results back group by group."""

    def __init__(self, mailbox: ExchangeMailbox, contents: Contents) -> None:
        self._mailbox = mailbox
        self._contents = contents
        self._pool: ThreadPoolExecutor | None = None
        self._waiting: dict[MailboxId, list[Action]] = {}
        self._running: deque[Future[list[tuple[Action, Answer]]]] = deque()
        self._sickness = Sickness()

    def ask(self, action: Action) -> None:
        place = self._mailbox.mailbox_of(action.folder_id)
        size = _reported(action)
        if size >= _ALONE_FROM:
            self._start(place, [action])
            return
        group = self._waiting.setdefault(place, [])
        if group and sum(map(_reported, group)) + size > GROUP_BYTES:
            self._start(place, self._waiting.pop(place))
            group = self._waiting.setdefault(place, [])
        group.append(action)
        if len(group) == GROUP_ITEMS:
            self._start(place, self._waiting.pop(place))

    def answers(self, leave: int) -> t.Iterator[tuple[Action, Answer]]:
        """Wait for the oldest until no more than C(leave) requests are under way. Raises what ends the whole source."""
        if leave == 0:
            for place in list(self._waiting):
                self._start(place, self._waiting.pop(place))
        while len(self._running) > leave:
            for action, answer in self._running.popleft().result():
                if isinstance(answer, _ONE_ITEM):
                    self._sickness.failed(answer)
                elif isinstance(answer, BackupError):
                    raise answer
                else:
                    self._sickness.passed()
                yield action, answer

    def answers_so_far(self) -> t.Iterator[tuple[Action, Answer]]:
        """After Cancelled: what had come until then."""
        self.close()
        for future in self._running:
            if not future.cancelled() and future.exception() is None:
                yield from future.result()

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def _start(self, place: MailboxId, group: list[Action]) -> None:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(REQUESTS_AT_ONCE, thread_name_prefix="export")
        self._running.append(self._pool.submit(self._export, place, group))

    def _export(self, place: MailboxId, group: list[Action]) -> list[tuple[Action, Answer]]:
        by_id = {ExchangeItemId(action.new["id"]): action for action in group}
        answers: list[tuple[Action, Answer]] = []
        with contextlib.closing(export_items(self._mailbox, list(by_id), place)) as exports:
            for item_id, found in exports:
                action = by_id[item_id]
                if isinstance(found, BackupError):
                    answers.append((action, found))
                else:
                    with found:
                        answers.append((action, self._save(action, found)))
        return answers

    def _save(self, action: Action, body: Body) -> Answer:
        summary = summary_of(body.chunks())
        if summary.damage:
            return BadAnswer(
                f"The export of item {action.new['id']} of mailbox {self._mailbox.mailbox} is damaged: {summary.damage}.",
                hint="Nothing is lost: the next run tries it again.",
            )
        kept = self._contents.save_content(body, ScanAs.STREAM)
        record = exported_record(action.new, summary.fields, kept.file.size)
        return Exported(kept, record if kept.mark is None else {**record, SCAN: kept.mark})


def _reported(action: Action) -> int:
    return int(action.new.get("reported") or 0)
