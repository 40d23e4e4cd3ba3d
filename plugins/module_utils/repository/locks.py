# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""restic's locks: shared ones for writers, an exclusive one for whoever deletes.

A lock is a small sealed file. It is written, a moment later the others are read again, and from then on it is replaced
every five minutes. Whoever finds its own lock gone, or too old, must not write any more: its packs may be pruned. The
moment is for storages whose listings lag; where they do not, whoever lists second sees the lock of the other.
Facts: restic's C(doc/design.rst), "Locks"; C(internal/repository/lock.go) for its waiting time of 200 ms, its limits,
and C(lock_file_unix.go) for the SIGHUP by which it asks whether the owner of a lock is alive.
"""

from __future__ import annotations

import contextlib
import random
import signal
import socket
import threading
import typing as t
from datetime import datetime

from .clock import Clock
from .errors import LockLost, ObjectMissing, RepositoryDamaged, RepositoryError, RepositoryLocked, StorageError
from .lock_files import LockInfo, find_conflict, is_stale, lock_content, read_locks
from .object_files import ObjectFiles
from .storage import FileKind

REFRESH_SECONDS = 300.0
RETRY_REFRESH_SECONDS = 30.0
TRUSTED_SECONDS = 20 * 60.0
SETTLE_SECONDS = 0.2
UNREADABLE_SECONDS = 10.0
_POLL_SECONDS = (1.0, 5.0)


@contextlib.contextmanager
def hold_lock(
    files: ObjectFiles,
    clock: Clock,
    *,
    exclusive: bool,
    lock_timeout: float = 0.0,
    while_settling: t.Callable[[], object] | None = None,
) -> t.Iterator[HeldLock]:
    """Take a lock, keep it fresh while the body runs, and remove it.

    ``while_settling`` is called in the time that has to pass between writing the lock and looking for others again. Raises
    RepositoryLocked when somebody else's lock is still in the way after ``lock_timeout`` seconds, RepositoryDamaged when
    a lock cannot be read, StorageError.
    """
    lock = HeldLock(files, clock, exclusive)
    with _deaf_to_hangups():
        lock.acquire(lock_timeout, while_settling)
        try:
            stop = threading.Event()
            keeper = threading.Thread(target=lock.keep_fresh, args=(stop,), name="repository-lock", daemon=True)
            keeper.start()
            try:
                yield lock
            finally:
                stop.set()
                keeper.join()
        finally:
            lock.release()


class HeldLock:
    """Our own lock. Thread-safe once it is acquired."""

    def __init__(self, files: ObjectFiles, clock: Clock, exclusive: bool) -> None:
        self._files = files
        self._clock = clock
        self._exclusive = exclusive
        self._machine = socket.gethostname()
        self._name = ""
        self._outdated: set[str] = set()
        self._refreshed = 0.0
        self._refreshed_at = clock.now()
        self._lost = ""

    def acquire(self, lock_timeout: float, while_settling: t.Callable[[], object] | None = None) -> None:
        """See L(hold_lock). A lock that cannot be read may still be on its way, so it is read again for some seconds."""
        start = self._clock.elapsed()
        while True:
            try:
                conflict = self._try_once(while_settling)
                if conflict is None:
                    return
                obstacle: RepositoryError = _locked(conflict, self._clock.now())
                patience = lock_timeout
            except RepositoryDamaged as error:
                obstacle, patience = error, max(lock_timeout, UNREADABLE_SECONDS)
            if self._clock.elapsed() - start >= patience:
                raise obstacle
            self._clock.sleep(random.uniform(*_POLL_SECONDS))

    def check(self) -> None:
        """Raise LockLost unless the lock may be relied on. Costs no request: call it before every write.

        Both clocks count: not every suspended virtual machine sees that time has passed, but then its time of day is set.
        """
        passed = max(self._clock.elapsed() - self._refreshed, (self._clock.now() - self._refreshed_at).total_seconds())
        if not self._lost and passed > TRUSTED_SECONDS:
            self._lost = "it could not be refreshed in time (was this machine suspended, its clock set, or the storage unreachable?)"
        if self._lost:
            raise LockLost(
                f"The lock of this task on the repository at {self._files.storage.location} is lost: {self._lost}.",
                hint="Nothing further was written. Start the task again; it continues with what was stored before.",
            )

    def confirm(self) -> None:
        """L(check), and look whether the lock's file is still there: before others are told of new packs.

        Another thread may refresh the lock while we look; then we look again, for the new file.
        """
        self.check()
        name = ""
        while name != self._name:
            name = self._name
            if self._files.storage.stat(FileKind.LOCK, name) is not None:
                return
        self._lost = "somebody removed it (restic unlock, or a host whose clock is half an hour ahead)"
        self.check()

    def refresh(self) -> None:
        """Replace the lock's file by one with today's time. Raises LockLost, StorageError."""
        self.confirm()
        self._write()
        self._remove_outdated()

    def keep_fresh(self, stop: threading.Event) -> None:
        """Refresh until C(stop) is set. A storage that fails is asked again, until L(check) gives the lock up."""
        pause = REFRESH_SECONDS
        while not self._clock.wait(stop, pause):
            try:
                self.refresh()
                pause = REFRESH_SECONDS
            except StorageError:
                pause = RETRY_REFRESH_SECONDS
            except LockLost:
                return

    def release(self) -> None:
        """Remove the lock. If the storage refuses, what was written stays a success all the same."""
        self._outdated.add(self._name)
        try:
            self._remove_outdated()
        except BaseException:
            self._remove_outdated()  # a signal that ends the task came just now
            raise

    def _try_once(self, while_settling: t.Callable[[], object] | None) -> LockInfo | None:
        conflict = find_conflict(self._others(), self._exclusive)
        if conflict is not None:
            return conflict
        self._write()
        try:
            settled = self._clock.elapsed() + SETTLE_SECONDS
            if while_settling is not None:
                while_settling()
            if not self._files.storage.lists_at_once:
                self._clock.sleep(max(0.0, settled - self._clock.elapsed()))
            conflict = find_conflict(self._others(), self._exclusive)
        except BaseException:
            self.release()
            raise
        if conflict is not None:
            self.release()
        return conflict

    def _others(self) -> list[LockInfo]:
        """The locks of others. Stale ones are removed on the way; where the storage does not allow that, they count for nothing."""
        now = self._clock.now()
        others = []
        for lock in read_locks(self._files):
            if lock.name == self._name or lock.name in self._outdated:
                continue
            if is_stale(lock, now, self._machine):
                with contextlib.suppress(StorageError):
                    self._files.storage.delete(FileKind.LOCK, lock.name)
            else:
                others.append(lock)
        return others

    def _write(self) -> None:
        moment, now = self._clock.elapsed(), self._clock.now()
        name, data = self._files.seal(lock_content(now, self._machine, exclusive=self._exclusive))
        try:
            self._files.storage.put(FileKind.LOCK, name, data)
        except StorageError:
            # It may have arrived all the same.
            self._outdated.add(name)
            self._remove_outdated()
            raise
        if self._name:
            self._outdated.add(self._name)
        self._name = name
        self._refreshed, self._refreshed_at = moment, now

    def _remove_outdated(self) -> None:
        """Remove our files of which we have no further use. One that the storage does not let go is tried again later."""
        for name in sorted(self._outdated):
            try:
                self._files.storage.delete(FileKind.LOCK, name)
            except ObjectMissing:
                pass
            except StorageError:
                continue
            self._outdated.discard(name)


def _locked(lock: LockInfo, now: datetime) -> RepositoryLocked:
    kind = "exclusively " if lock.exclusive else ""
    since = lock.time.strftime("%Y-%m-%d %H:%M:%S UTC")
    hint = "Wait until that task has ended. If it died, its lock is ignored after 30 minutes; restic unlock removes it at once."
    if (lock.time - now).total_seconds() > TRUSTED_SECONDS:
        hint = f"Here it is {now:%Y-%m-%d %H:%M:%S} UTC: correct the clock of {lock.hostname} or of this machine. {hint}"
    return RepositoryLocked(
        f"The repository is locked {kind}by process {lock.pid} of {lock.username or 'unknown'} on {lock.hostname}, last seen {since}.",
        hint=hint,
        facts={"lock": lock.name, "hostname": lock.hostname, "pid": lock.pid, "exclusive": lock.exclusive, "time": since},
    )


@contextlib.contextmanager
def _deaf_to_hangups() -> t.Iterator[None]:
    """Ignore SIGHUP, as restic does: C(restic unlock) sends it to the owner of a lock, and must not end a backup."""
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGHUP) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
