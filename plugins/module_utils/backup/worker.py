# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A worker process of a run: it reads members that its parent gives it into the plan's repository, by a writer of its own.

Nothing is shared with the parent but a pipe, and an account of what drives may be asked for. The worker has its own login,
its own lock on the repository and its own index. It tells the parent of a source only what is durable and indexed, so the
parent may put it into a snapshot at once.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import contextlib
import signal
import threading
import traceback
import typing as t
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from multiprocessing.connection import Connection

from .._errors import BackupError
from .._process import limit_memory_pools
from ..graph.client import connect
from ..graph.errors import Cancelled
from ..graph.limits import Budgets
from ..report.progress import TOLD_EVERY_SECONDS, Counted, Meter, silent_meter
from .group_tree import is_checkpoint_due
from .member_backup import back_up_member
from .member_task import MemberTask, SourceReport
from .scan_setup import ScanSetup, opened_engine, opened_scan
from .sources import sources_of
from .usage import Usage, usage_of
from .verdict_log import NewParts

if t.TYPE_CHECKING:
    from ..graph.client import GraphClient
    from ..graph.common_cells import CommonCells
    from ..graph.settings import ConnectionSettings
    from ..plan.model import Plan
    from ..repository.repository import Repository
    from ..repository.writer import Writer
    from .content_scan import ContentScan

#: Answers take a tenth of a second, and a mailbox gives four at a time: fewer would leave cores idle (C(make bench), part delayed).
MEMBERS_AT_ONCE = 25
#: The parent holds a lock, so somebody who wants the repository alone is in the way for a moment only, until he sees that.
_LOCK_PATIENCE_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSetup:
    """Everything that a worker needs, picklable. It holds secrets, so it goes through the pipe and nowhere else."""

    plan: Plan
    settings: ConnectionSettings = field(repr=False)
    open_repository: t.Callable[[], Repository] = field(repr=False)
    now: t.Callable[[], datetime]
    hostname: str
    lock_timeout: float = 0.0
    budgets: Budgets | None = None
    scan: ScanSetup | None = None


@dataclass(frozen=True, slots=True)
class StopReading:
    """The parent wants no more: what is being read is left where it is, and what was read is handed in."""


@dataclass(frozen=True, slots=True)
class Stored:
    """Reports whose content is in the repository, as are their verdicts, and how many bytes this worker has stored in all."""

    reports: tuple[SourceReport, ...]
    stored_bytes: int
    verdicts: NewParts


@dataclass(frozen=True, slots=True)
class Counting:
    """What this worker has counted so far. It is told once a second at most, and only of what changes."""

    counted: Counted


@dataclass(frozen=True, slots=True)
class Finished:
    """A member was read to its end; there is room for another."""

    member_id: str


@dataclass(frozen=True, slots=True)
class Broken:
    """The run cannot go on."""

    error: Exception


@dataclass(frozen=True, slots=True)
class Done:
    """All is stored and the lock is given back."""

    usage: Usage


Message = t.Union[Stored, Counting, Finished, Broken, Done]


def work(pipe: Connection, common: CommonCells) -> None:
    """What a worker process does: back up the tasks that come after its setup, until None comes. When the parent is gone, it stops.

    All workers of a run have ``common``: Microsoft counts what an app asks of the drives of a tenant, whoever asks.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # Ctrl-C and systemd tell everybody, and the parent decides
    limit_memory_pools()
    parent = _Parent(pipe)
    try:
        setup: WorkerSetup = parent.receive()
        with connect(setup.settings, budgets=setup.budgets, common=common) as client:
            repository = setup.open_repository()
            lock_timeout = max(setup.lock_timeout, _LOCK_PATIENCE_SECONDS)
            with (
                repository.writing(hostname=setup.hostname, lock_timeout=lock_timeout, caches_index=False) as writer,
                _opened_scan(setup, writer) as scan,
            ):
                meter = silent_meter()
                with _telling(parent, client, meter):
                    _Work(setup, client, writer, parent, scan, meter).run()
                usage = usage_of(client, writer)
        parent.tell(Done(usage))
    except _ParentGone:
        return
    except BackupError as error:
        parent.tell(Broken(error))


@contextlib.contextmanager
def _opened_scan(setup: WorkerSetup, writer: Writer) -> t.Iterator[ContentScan | None]:
    """An engine that stopped to answer since the parent asked it is a matter of the sources. The parent warns of damage."""
    if setup.scan is None:
        yield None
        return
    with (
        opened_engine(setup.scan, setup.now, may_be_down=True) as scanner,
        opened_scan(setup.scan, scanner, writer, setup.now, _pass_over) as scan,
    ):
        yield scan


def _pass_over(warning: str) -> None:
    del warning


class _ParentGone(Exception):
    """There is nobody to work for."""


class _Parent:
    """The other end of the pipe. Thread-safe."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._lock = threading.Lock()

    def receive(self) -> t.Any:
        """The setup, then tasks or StopReading, and None when there will be no more. Raises _ParentGone."""
        try:
            return self._pipe.recv()
        except (EOFError, OSError):
            raise _ParentGone from None

    def tell(self, message: Message) -> None:
        """That the parent is gone is noticed where tasks are received."""
        with self._lock:
            try:
                self._pipe.send(message)
            except OSError:
                return


@contextlib.contextmanager
def _telling(parent: _Parent, client: GraphClient, meter: Meter) -> t.Iterator[None]:
    """Inside the block the parent hears what the worker counts."""
    is_over = threading.Event()

    def tell() -> None:
        told = Counted()
        is_last = False
        while not is_last:
            is_last = is_over.wait(TOLD_EVERY_SECONDS)
            progress = meter.progress()
            throttled = client.traffic().throttled_seconds
            counted = Counted(done=progress.done, size=progress.bytes_done, throttled_seconds=throttled)
            if counted != told:
                parent.tell(Counting(counted))
                told = counted

    teller = threading.Thread(target=tell, name="progress", daemon=True)
    teller.start()
    try:
        yield
    finally:
        is_over.set()
        teller.join()


class _Work:
    """The tasks of this worker, some of them at a time."""

    def __init__(
        self, setup: WorkerSetup, client: GraphClient, writer: Writer, parent: _Parent, scan: ContentScan | None, meter: Meter
    ) -> None:
        self._setup = setup
        self._scan = scan
        self._meter = meter
        self._sources = sources_of(setup.plan)
        self._client = client
        self._writer = writer
        self._parent = parent
        self._lock = threading.Lock()
        self._reports: list[SourceReport] = []
        self._told_bytes = 0
        self._is_stopping = False

    def run(self) -> None:
        with ThreadPoolExecutor(MEMBERS_AT_ONCE, thread_name_prefix="member") as pool:
            try:
                while (task := self._parent.receive()) is not None:
                    if isinstance(task, StopReading):
                        self._is_stopping = True
                        self._client.cancel()
                    else:
                        pool.submit(self._back_up, task).add_done_callback(self._tell_of_end)
            except BaseException:
                self._client.cancel()
                raise
        self._tell_stored()

    def _back_up(self, task: MemberTask) -> str:
        try:
            back_up_member(
                task,
                self._sources,
                self._client,
                self._writer,
                now=self._setup.now,
                report=self._report,
                scan=self._scan,
                meter=self._meter,
            )
        except Cancelled:
            if not self._is_stopping:
                raise
        return task.member.id

    def _tell_of_end(self, member: Future[str]) -> None:
        error = member.exception()
        if error is None:
            self._parent.tell(Finished(member.result()))
        elif isinstance(error, BackupError):
            self._parent.tell(Broken(error))
        else:
            self._parent.tell(Broken(RuntimeError("".join(traceback.format_exception(error.__class__, error, error.__traceback__)))))

    def _report(self, report: SourceReport) -> None:
        with self._lock:
            self._reports.append(report)
            if is_checkpoint_due(self._writer.stats.stored_bytes, self._told_bytes):
                self._tell_stored()

    def _tell_stored(self) -> None:
        """Flush first: what a report names may be in a snapshot of the parent a moment later."""
        verdicts = NewParts() if self._scan is None else self._scan.log.save_parts(self._writer)
        self._writer.flush()
        self._told_bytes = self._writer.stats.stored_bytes
        self._parent.tell(Stored(tuple(self._reports), self._told_bytes, verdicts))
        self._reports.clear()
