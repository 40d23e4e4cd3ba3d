# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restore the items of one source into a mailbox, each once, however often the service loses an answer or we are killed.

What is in a place is listed once before the first item goes there, and each item is decided on by that listing
(L(decide)). An item whose creation ended without an answer is not created again: when all others are done, its place is
listed again and it is decided anew, until a listing shows it once. A restore that was killed and is started again is
the same thing from the beginning.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import contextlib
import threading
import typing as t
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

from .._errors import BackupError
from .._text import count_text
from ..backup.results import finding_of
from ..backup.source_words import item_word
from ..backup.temporary_databases import temporary_databases
from ..graph.errors import (
    AmbiguousOutcome,
    AuthenticationFailed,
    BadAnswer,
    GraphError,
    NetworkUnreachable,
)
from .conflict import Decision, Policy, Wanted, decide
from .existing_items import ExistingItems
from .failures import HOPELESS_AFTER, ONE_ITEM
from .marks import Mark
from .results import Restored, SourceRestore
from .writer import PartlyRestored

if t.TYPE_CHECKING:
    from .choice import ChosenItem
    from .writer import SourceWriter

_AT_ONCE = 4
#: Items whose creation had no answer. So many in one restore are an outage.
_MOST_OPEN = 1000
_ROUNDS = 4
_LARGE = 16 << 20


@dataclass(frozen=True, slots=True)
class _Task:
    """An item that something is to be done for. C(outcome) is what it counts as when it is done."""

    item: ChosenItem
    mark: Mark
    place: str
    decision: Decision
    outcome: Restored


def restore_items(
    writer: SourceWriter, items: t.Iterable[ChosenItem], policy: Policy, restore: str, result: SourceRestore, *, is_check: bool
) -> None:
    """Restore them and tell C(result). An item that is refused becomes a finding; an error that concerns the whole source
    ends it, with a finding that says how far it came.

    Raises AuthenticationFailed and NetworkUnreachable, which concern every source.
    """
    with temporary_databases(), ExistingItems(restore) as existing:
        run = _Run(writer, existing, policy, restore, result)
        try:
            if is_check:
                run.predict(items)
            else:
                run.restore(items)
        except (AuthenticationFailed, NetworkUnreachable):
            raise
        except GraphError as error:
            result.stop(_stopped(result, error))


def item_name(item: ChosenItem) -> str:
    return f"{item_word(item.source)} {item.record.get('subject') or item.record['id']}"


class _Run:
    def __init__(self, writer: SourceWriter, existing: ExistingItems, policy: Policy, restore: str, result: SourceRestore) -> None:
        self._writer = writer
        self._existing = existing
        self._policy = policy
        self._restore = restore
        self._result = result
        self._open: list[_Task] = []
        self._large = threading.Lock()
        self._places: dict[int, str | None] = {}

    def predict(self, items: t.Iterable[ChosenItem]) -> None:
        for item in items:
            try:
                mark = self._mark(item)
                place = self._place(item, make=False)
                decision = decide(Wanted(mark), (), self._policy) if place is None else self._decide(item, mark, place)
            except ONE_ITEM as error:
                self._fail(item, error)
            else:
                if decision.creates:
                    self._result.estimate += self._writer.cost(item)
                self._count(item, decision, decision.outcome)

    def restore(self, items: t.Iterable[ChosenItem]) -> None:
        for task, work in self._ahead(self._tasks(items)):
            if self._is_done(task, work):
                self._count(task.item, task.decision, task.outcome)
        rounds = 0
        while self._open and rounds < _ROUNDS:
            self._settle_open(is_last=(rounds := rounds + 1) == _ROUNDS)

    def _tasks(self, items: t.Iterable[ChosenItem]) -> t.Iterator[_Task]:
        """What is to be done; items for which nothing is are counted on the way."""
        for item in items:
            try:
                mark = self._mark(item)
                place = self._place(item, make=True)
                if place is None:
                    raise BadAnswer("The folder to restore into was not made.", hint="Repeat the restore.")
                decision = self._decide(item, mark, place)
            except ONE_ITEM as error:
                self._fail(item, error)
            else:
                if decision.is_settled:
                    self._count(item, decision, decision.outcome)
                else:
                    yield _Task(item, mark, place, decision, decision.outcome)

    def _place(self, item: ChosenItem, *, make: bool) -> str | None:
        """The items of a folder go to one place. That there is none is remembered, too: nobody makes it while a check goes on."""
        folder = item.record["folder"]
        if folder not in self._places:
            self._places[folder] = self._writer.place_of(item, make=make)
        return self._places[folder]

    def _decide(self, item: ChosenItem, mark: Mark, place: str) -> Decision:
        if not self._existing.knows(place):
            self._existing.load(place, self._writer.existing(place))
        key = self._writer.key(item) if self._existing.has_others(place) else ""
        wanted = Wanted(mark, key)
        return decide(wanted, self._existing.matches(place, wanted), self._policy)

    def _ahead(self, tasks: t.Iterable[_Task]) -> t.Iterator[tuple[_Task, Future[None]]]:
        """Do some at a time, as many as the service takes from one mailbox; results in their order."""
        waiting: deque[tuple[_Task, Future[None]]] = deque()
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="restore") as pool:
            try:
                for task in tasks:
                    waiting.append((task, pool.submit(self._act, task)))
                    if len(waiting) >= 2 * _AT_ONCE:
                        yield waiting.popleft()
                while waiting:
                    yield waiting.popleft()
            finally:
                for _task, future in waiting:
                    future.cancel()

    def _act(self, task: _Task) -> None:
        # A large item is in memory several times while it is sent.
        with self._large if task.item.node.size > _LARGE else contextlib.nullcontext():
            self._carry_out(task)

    def _carry_out(self, task: _Task) -> None:
        for item_id in task.decision.half_built:
            self._writer.remove(task.place, item_id)
        if task.decision.creates:
            self._writer.write(task.item, task.place, task.mark)
        for item_id in task.decision.surplus:
            self._writer.remove(task.place, item_id)

    def _is_done(self, task: _Task, work: Future[None]) -> bool:
        try:
            work.result()
        except AmbiguousOutcome:
            if len(self._open) >= _MOST_OPEN:
                raise
            self._open.append(task)
            return False
        except PartlyRestored as error:
            self._result.findings.append(finding_of(error, item_name(task.item)))
        except ONE_ITEM as error:
            self._fail(task.item, error)
            return False
        return True

    def _settle_open(self, *, is_last: bool) -> None:
        """List the places of what is open again, and act on what they show; what was acted on is looked at once more."""
        tasks, self._open = self._open, []
        for place in {task.place for task in tasks}:
            self._existing.load(place, self._writer.existing(place))
        for task in tasks:
            decision = self._decide(task.item, task.mark, task.place)
            if decision.is_settled:
                self._count(task.item, task.decision, task.outcome)
                continue
            try:
                self._act(replace(task, decision=decision))
            except PartlyRestored as error:
                self._result.findings.append(finding_of(error, item_name(task.item)))
            except (AmbiguousOutcome, *ONE_ITEM) as error:
                if is_last or not isinstance(error, AmbiguousOutcome):
                    self._fail(task.item, error)
                    continue
            if is_last:
                self._count(task.item, task.decision, task.outcome)
            else:
                self._open.append(task)

    def _count(self, item: ChosenItem, decision: Decision, outcome: Restored) -> None:
        self._result.add(item.folder, item.node.size, outcome)
        self._result.bound += decision.is_bound

    def _fail(self, item: ChosenItem, error: BackupError) -> None:
        self._result.findings.append(finding_of(error, item_name(item)))
        if self._result.written == 0 and self._result.failures >= HOPELESS_AFTER and isinstance(error, GraphError):
            raise error

    def _mark(self, item: ChosenItem) -> Mark:
        return Mark(self._restore, self._writer.origin(item))


def _stopped(result: SourceRestore, error: GraphError) -> BackupError:
    done = count_text(result.written, item_word(result.source))
    return BackupError(f"The restore stopped after {done}. {error.what}", hint=error.hint, facts=error.facts)
