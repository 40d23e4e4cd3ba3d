# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Has stored snapshots scanned by today's engine and database: every content that these have not judged yet, once.

Verdicts are saved every few minutes, so whoever comes after a scan that was killed goes on where it was.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import collections
import concurrent.futures
import contextlib
import dataclasses
import typing as t
from dataclasses import dataclass
from datetime import datetime

from ..repository.advance import UNHEARD, Advance
from ..repository.errors import RepositoryDamaged
from ..repository.types import Snapshot
from ..scan.open_scanner import open_scanner
from ..scan.scanner import Scanner, ScannerDown, ScanSettings
from ..scan.verdict import Engine, Verdict
from .flagged_items import FlaggedItem, name_contents
from .listed_snapshots import ListedSnapshots, SnapshotLister
from .results import Finding
from .scan_contents import ScanContents, State, StoredFile, Total
from .scan_places import ScanPlaces
from .scan_setup import scan_settings, weaknesses
from .scan_views import ScanAs, judge, was_too_large
from .scan_walk import Walk, walk_snapshots
from .stopping import Stop, Stopped
from .stored_contents import read_contents
from .temporary_databases import temporary_databases
from .verdict_heads import verdict_heads
from .verdict_log import VerdictLog
from .verdict_store import VerdictStore

if t.TYPE_CHECKING:
    from ..plan.model import MalwareScan
    from ..repository.repository import Repository
    from ..repository.writer import Writer
    from ..scan.scanner import Content

LISTED = 100
SAVED_EVERY = 300.0
_WAITING_EACH = 2

Warn = t.Callable[[str], None]
Chooser = t.Callable[[SnapshotLister, Warn], list[Snapshot]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """The circumstances of a scan. After C(seconds) no further content is begun.

    C(clock) counts seconds from anywhere, C(now) is the time of day.
    """

    plan: str
    members: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    seconds: float | None = None
    hostname: str
    now: t.Callable[[], datetime]
    clock: t.Callable[[], float]
    lock_timeout: float
    is_check: bool
    advance: Advance = UNHEARD


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """What came of a scan. C(flagged) are the first that are not clean, C(cleared) those that were infected and are so no longer,
    C(unreadable) those of which the repository has lost the bytes.

    C(down) is why the engine gave no more answers: also because the task was asked to end, which C(stopped) tells then. What
    waits without that had no time any more.
    """

    engine: Engine
    snapshots: list[Snapshot]
    totals: list[Total]
    flagged: list[FlaggedItem]
    cleared: list[FlaggedItem]
    unreadable: list[FlaggedItem]
    findings: list[Finding]
    warnings: list[str]
    is_changed: bool
    down: ScannerDown | None
    stopped: Stopped | None


def open_and_scan(repository: Repository, declared: MalwareScan, task: Task, choose: Chooser) -> Scanned:
    """As L(scan_again), with the engine that is declared, after it found the test virus. Raises ScannerUnusable, ScannerDown."""
    settings = scan_settings(declared)
    with contextlib.closing(open_scanner(settings, now=task.now)) as scanner:
        found = scan_again(repository, scanner, settings, task, choose)
        return dataclasses.replace(found, warnings=[*weaknesses(scanner), *found.warnings])


def scan_again(repository: Repository, scanner: Scanner, settings: ScanSettings, task: Task, choose: Chooser) -> Scanned:
    """C(choose) says which snapshots, oldest first, once nobody can take them away. In check mode nothing is written, not even a lock.

    A signal that comes while contents are scanned ends that, and closes the scanner; what was judged by then is saved.
    Raises InputError for a member that none of them has, RepositoryLocked, LockLost, StorageError, RepositoryDamaged for an index.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(temporary_databases())
        writer = None
        if not task.is_check:
            writer = stack.enter_context(repository.writing(hostname=task.hostname, lock_timeout=task.lock_timeout))
        places, contents = stack.enter_context(ScanPlaces()), stack.enter_context(ScanContents())
        warnings: list[str] = []
        listed = ListedSnapshots(repository)
        walk = Walk(snapshots=choose(listed, warnings.append), members=task.members, sources=task.sources)
        task.advance.phase("listing contents")
        walk_snapshots(repository, walk, places, contents)
        heads = verdict_heads(listed.snapshots(on_damage=lambda _damage: None))
        store = VerdictStore(writer or repository, heads, now=task.now(), warn=warnings.append)
        log = stack.enter_context(VerdictLog(store, task.plan))
        _sort_out(store, contents, scanner.engine, settings.size_limit)
        scan, stop = None, Stop(task.now)
        if writer is not None:
            waiting = [total for total in contents.totals() if total.state is State.WAITING]
            task.advance.phase(
                "scanning",
                unit="contents",
                total=sum(total.contents for total in waiting),
                bytes_total=sum(total.size for total in waiting),
            )
            scan = _Scan(_Stock(repository, writer, contents, log), scanner, settings, task)
            with stop.watching(), stop.calling(scanner.close):  # so that nobody waits for an engine that hangs
                scan.run()
        lists = (contents.flagged(LISTED), contents.cleared(LISTED), contents.damaged(LISTED))
        flagged, cleared, unreadable = name_contents(repository, walk, places, lists, LISTED)
        totals = contents.totals()
        return Scanned(
            engine=scanner.engine,
            snapshots=walk.snapshots,
            totals=totals,
            flagged=flagged,
            cleared=cleared,
            unreadable=unreadable,
            findings=walk.findings,
            warnings=warnings,
            is_changed=scan.has_saved if scan is not None else log.has_news or any(total.state is State.WAITING for total in totals),
            down=None if scan is None else scan.down,
            stopped=None if scan is None or scan.down is None else stop.stopped,
        )


def _sort_out(store: VerdictStore, contents: ScanContents, engine: Engine, size_limit: int) -> None:
    """What needs a verdict, and what the engine has judged with the database of today."""
    for files in contents.files(State.UNKNOWN):
        keys = {file.number: file.key for file in files}
        found = {} if store.is_empty else store.find_each(keys.values())
        for file in files:
            verdicts = found.get(keys[file.number], ())
            if any(_is_of_today(verdict, engine, file.size <= size_limit) for verdict in verdicts):
                contents.know(file.number, verdicts[0])
            else:
                contents.wait(file.number, next(iter(verdicts), None))


def _is_of_today(verdict: Verdict, engine: Engine, is_small_enough: bool) -> bool:
    is_same = (verdict.engine, verdict.database) == (engine.name, engine.database)
    return is_same and not (was_too_large(verdict) and is_small_enough)


@dataclass(frozen=True, slots=True)
class _Stock:
    """What is scanned, and where verdicts go."""

    repository: Repository
    writer: Writer
    contents: ScanContents
    log: VerdictLog


class _Scan:
    """Reads, has several contents scanned at a time, and saves. All but the scanning is done by one thread."""

    def __init__(self, stock: _Stock, scanner: Scanner, settings: ScanSettings, task: Task) -> None:
        self.down: ScannerDown | None = None
        self.has_saved = False
        self._stock = stock
        self._scanner = scanner
        self._settings = settings
        self._task = task
        self._end = None if task.seconds is None else task.clock() + task.seconds
        self._next_save = task.clock() + SAVED_EVERY
        self._under_way: collections.deque[tuple[StoredFile, concurrent.futures.Future[Verdict]]] = collections.deque()

    def run(self) -> None:
        """Scan what waits, until all is done, the time is up, or the engine gives no more answers. Then save."""
        pool = concurrent.futures.ThreadPoolExecutor(self._settings.at_once, thread_name_prefix="scan")
        try:
            self._submit_all(pool)
            while self._under_way:
                self._take()
        except ScannerDown as down:
            self.down = down
            self._take_what_is_done()
        finally:
            pool.shutdown(cancel_futures=True)
        self._save()

    def _submit_all(self, pool: concurrent.futures.Executor) -> None:
        for files in self._stock.contents.files(State.WAITING):
            for file, content in read_contents(self._stock.repository, files, self._give_up, size_limit=self._settings.size_limit):
                moment = self._task.clock()
                if self._end is not None and moment >= self._end:
                    return
                if moment >= self._next_save:
                    self._save()
                    self._next_save = self._task.clock() + SAVED_EVERY
                if len(self._under_way) >= _WAITING_EACH * self._settings.at_once:
                    self._take()
                self._under_way.append((file, pool.submit(self._judge, file, content)))

    def _judge(self, file: StoredFile, content: Content) -> Verdict:
        return judge(self._scanner, content, ScanAs(file.how), size_limit=self._settings.size_limit, now=self._task.now)

    def _take(self) -> None:
        """Wait for the scan that was begun first."""
        file, future = self._under_way.popleft()
        try:
            verdict = future.result()
        except RepositoryDamaged as damage:
            self._give_up(file, damage)
            return
        self._task.advance.add(1, file.size)
        self._stock.contents.judge(file.number, verdict)
        self._stock.log.add(file.key, verdict)

    def _take_what_is_done(self) -> None:
        """Verdicts from before the engine went away count."""
        while self._under_way:
            if self._under_way[0][1].cancel():
                self._under_way.popleft()
                continue
            with contextlib.suppress(ScannerDown):
                self._take()

    def _give_up(self, file: StoredFile, _damage: RepositoryDamaged) -> None:
        self._task.advance.add(1, file.size)
        self._stock.contents.give_up(file.number)

    def _save(self) -> None:
        if self._stock.log.has_news:
            self.has_saved = self._stock.log.save(self._stock.writer, self._task.now()) is not None or self.has_saved
