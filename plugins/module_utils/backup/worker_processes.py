# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read the members of a run in several processes, because the threads of one leave the other cores idle.

Each worker gets its members one by one, as it gets along with them. What it has stored durably it reports, and this
process alone saves snapshots.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import collections
import multiprocessing
import multiprocessing.connection
import signal
import typing as t

from .._errors import BackupError
from ..graph.common_cells import CommonCells
from ..graph.ledger import LEDGER_CELLS
from ..report.progress import Counted, Meter
from .member_backup import report_of_loss
from .member_task import MemberTask
from .usage import Usage
from .worker import MEMBERS_AT_ONCE, Broken, Counting, Done, Finished, Message, StopReading, Stored, WorkerSetup, work

if t.TYPE_CHECKING:
    from multiprocessing.context import SpawnContext

    from .run_state import RunState
    from .stopping import Stop

_KNOWN_MEMBERS_A_WORKER = 16
_PATIENCE_SECONDS = 60.0


class WorkerLost(BackupError):
    """A worker process ended without a word, as when the system kills it for want of memory."""


def workers_worth_it(tasks: t.Collection[MemberTask], cores: int) -> int:
    """How many worker processes help; 1 means none besides the run's own.

    A worker costs half a second of CPU before it begins. A member that was never read to its end may bring any amount of
    work; of the others it takes some before a process pays.
    """
    new = sum(1 for task in tasks if not any(state.is_good for state in task.states.values()))
    return max(1, min(cores, new + (len(tasks) - new) // _KNOWN_MEMBERS_A_WORKER))


def read_in_processes(run: RunState, setup: WorkerSetup, number: int, stop: Stop, meter: Meter) -> Usage:
    """Back up every task of the run with so many workers, and hand in their reports. Returns what the workers did.

    Members of a worker that dies are reported as failed. A run that has to stop leaves without reports what was not read to its
    end. Raises what ends the run, such as RepositoryError.
    """
    context = multiprocessing.get_context("spawn")
    waiting = collections.deque(run.tasks)
    workers: list[_Worker] = []
    common = _common_cells(number)
    try:
        for _number in range(number):
            workers.append(_start(context, setup, common))
        with meter.pull(lambda: _counted(workers)):
            _serve(workers, waiting, run, stop, meter)
        if not stop.is_asked:
            for worker in workers:
                _report_losses(run, worker.tasks, worker.loss)
            _report_losses(run, waiting, next((worker.loss for worker in workers if worker.loss), None))
    finally:
        for worker in workers:
            worker.pipe.close()
        for worker in workers:
            worker.stop()
        common.close()
    return sum((worker.usage for worker in workers), Usage())


def _counted(workers: t.Collection[_Worker]) -> Counted:
    parts = [worker.counted for worker in workers]
    return Counted(
        done=sum(part.done for part in parts),
        size=sum(part.size for part in parts),
        throttled_seconds=sum(part.throttled_seconds for part in parts),
    )


def _common_cells(processes: int) -> CommonCells:
    try:
        return CommonCells(LEDGER_CELLS, processes)
    except OSError as error:
        raise _not_started(error) from error


def _start(context: SpawnContext, setup: WorkerSetup, common: CommonCells) -> _Worker:
    try:
        return _Worker(context, setup, common)
    except OSError as error:
        raise _not_started(error) from error


def _not_started(error: OSError) -> WorkerLost:
    return WorkerLost(f"No worker process could be started: {error.strerror}.", hint="Let the run have fewer workers.")


class _Worker:
    """A worker process as its parent sees it. C(tasks) are all that it was given, C(reading) those it has not finished."""

    def __init__(self, context: SpawnContext, setup: WorkerSetup, common: CommonCells) -> None:
        self.tasks: list[MemberTask] = []
        self.reading: set[str] = set()
        self.stored_bytes = 0
        self.usage = Usage()
        self.counted = Counted()
        self.is_done = False
        self.loss: WorkerLost | None = None
        self.pipe, theirs = context.Pipe()
        self._has_heard_the_end = False
        self._process = context.Process(target=work, args=(theirs, common), name="m365-backup-worker", daemon=True)
        self._process.start()
        theirs.close()
        # Not as an argument: what is larger than a pipe holds would wait for ever for a process that does not get to reading it.
        self._send(setup)

    @property
    def is_active(self) -> bool:
        return not self.is_done and self.loss is None

    def give(self, waiting: collections.deque[MemberTask]) -> None:
        """One more task, if there is one and room for it; when all are done, that it may end."""
        if waiting:
            if len(self.reading) < MEMBERS_AT_ONCE and self._send(waiting[0]):
                self.tasks.append(waiting.popleft())
                self.reading.add(self.tasks[-1].member.id)
        elif not self.reading and not self._has_heard_the_end:
            self._has_heard_the_end = self._send(None)

    def interrupt(self) -> None:
        """Have it leave what it is reading, and hand in what it has read."""
        self._send(StopReading())

    def receive(self) -> Message | None:
        """None when the worker is gone. A defect of ours in it raises RuntimeError."""
        try:
            message: Message = self.pipe.recv()
        except (EOFError, OSError):
            self._process.join(_PATIENCE_SECONDS)
            self.loss = _loss(self._process.exitcode)
            self.usage = Usage(stored_bytes=self.stored_bytes)
            return None
        return message

    def stop(self) -> None:
        """Have it end, which it does by itself when the pipe is closed, whatever it is doing."""
        self._process.join(_PATIENCE_SECONDS)
        if self._process.exitcode is None:
            self._process.kill()
        self._process.join()

    def _send(self, what: WorkerSetup | MemberTask | StopReading | None) -> bool:
        """False when the worker is gone, which is noticed where its messages are received."""
        try:
            self.pipe.send(what)
        except OSError:
            return False
        return True


def _serve(workers: t.Sequence[_Worker], waiting: collections.deque[MemberTask], run: RunState, stop: Stop, meter: Meter) -> None:
    for _place in range(MEMBERS_AT_ONCE):
        for worker in workers:
            worker.give(waiting)
    is_stopping = False
    while active := {worker.pipe: worker for worker in workers if worker.is_active}:
        if stop.is_asked and not is_stopping:
            is_stopping = True
            waiting.clear()
            for worker in active.values():
                worker.interrupt()
                worker.give(waiting)
        for pipe in multiprocessing.connection.wait([*active, *(() if is_stopping else stop.readable)]):
            if isinstance(pipe, int):
                break
            worker = active[t.cast("multiprocessing.connection.Connection", pipe)]
            message = worker.receive()
            if message is not None:
                _heed(message, worker, run)
            if isinstance(message, Finished):
                meter.member_done()
                worker.give(waiting)
            if isinstance(message, Stored):
                run.save_checkpoint(sum(one.stored_bytes for one in workers))


def _heed(message: Message, worker: _Worker, run: RunState) -> None:
    if isinstance(message, Broken):
        raise message.error
    if isinstance(message, Done):
        worker.is_done = True
        worker.usage = message.usage
    elif isinstance(message, Finished):
        worker.reading.discard(message.member_id)
    elif isinstance(message, Counting):
        worker.counted = message.counted
    else:
        worker.stored_bytes = message.stored_bytes
        if run.verdicts is not None:
            run.verdicts.adopt(message.verdicts)
        for report in message.reports:
            run.take(report)


def _report_losses(run: RunState, tasks: t.Iterable[MemberTask], loss: WorkerLost | None) -> None:
    for task in tasks if loss is not None else ():
        for source in run.sources:
            if not run.has_reported(task.member.id, source.name):
                offered = run.group.offered_tree(task.member.id, source.name)
                run.take(report_of_loss(task, source, run.group.store, offered, t.cast("WorkerLost", loss)))


def _loss(exit_code: int | None) -> WorkerLost:
    if exit_code is not None and exit_code >= 0:
        raise RuntimeError(f"A worker process ended with the exit code {exit_code}; its standard error says why.")
    how = "does not end" if exit_code is None else f"was killed by the signal {signal.Signals(-exit_code).name}"
    return WorkerLost(
        f"The worker process that read it {how}.",
        hint="If memory is short on this host, let the run have fewer workers. What was stored is used by the next run.",
    )
