# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""restic's locks: shared ones for writers, an exclusive one for whoever deletes.

A lock is a small sealed file. It is written, a moment later the others are read again, and from then on it is replaced
every five minutes. Whoever finds its own lock gone, or too old, must not write any more: its packs may be pruned.
Facts: restic's C(doc/design.rst), "Locks"; its waiting time of 200 ms and its limit of 30 minutes.
"""

from __future__ import annotations

import contextlib
import dataclasses
import getpass
import os
import random
import socket
import threading
import typing as t
from datetime import datetime, timedelta

from . import go_text
from .clock import Clock
from .errors import LockLost, Malformed, ObjectMissing, RepositoryDamaged, RepositoryLocked, StorageError
from .object_files import ObjectFiles, object_name
from .storage import FileKind

REFRESH_SECONDS = 300.0
RETRY_REFRESH_SECONDS = 30.0
TRUSTED_SECONDS = 20 * 60.0
STALE_AFTER = timedelta(minutes=30)
SETTLE_SECONDS = 0.2
_POLL_SECONDS = (1.0, 5.0)


@dataclasses.dataclass(frozen=True, slots=True)
class LockInfo:
    """A lock as stored. ``name`` is the name of its file."""

    name: str
    time: datetime
    exclusive: bool
    hostname: str
    username: str
    pid: int


def find_conflict(others: t.Iterable[LockInfo], exclusive: bool) -> LockInfo | None:
    """The lock that forbids ours: any other for an exclusive lock, an exclusive one for a shared lock."""
    return next((lock for lock in others if exclusive or lock.exclusive), None)


def is_stale(lock: LockInfo, now: datetime, machine: str, process_exists: t.Callable[[int], bool]) -> bool:
    """Whether its owner cannot be alive: not refreshed for 30 minutes, or a process of this machine that is gone."""
    if now - lock.time > STALE_AFTER:
        return True
    return lock.hostname == machine and not process_exists(lock.pid)


def read_locks(files: ObjectFiles) -> list[LockInfo]:
    """All locks. One that vanishes while we look is none. Raises RepositoryDamaged for one that cannot be read."""
    found = (_read_lock(files, stored.name) for stored in list(files.storage.list(FileKind.LOCK)))
    return [lock for lock in found if lock is not None]


@contextlib.contextmanager
def hold_lock(files: ObjectFiles, clock: Clock, *, exclusive: bool, lock_timeout: float = 0.0) -> t.Iterator[HeldLock]:
    """Take a lock, keep it fresh while the body runs, and remove it.

    Raises RepositoryLocked when somebody else's lock is still in the way after ``lock_timeout`` seconds.
    """
    lock = HeldLock(files, clock, exclusive)
    lock.acquire(lock_timeout)
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
        self._refreshed = 0.0
        self._lost = ""

    def acquire(self, lock_timeout: float) -> None:
        deadline = self._clock.elapsed() + lock_timeout
        while True:
            conflict = self._try_once()
            if conflict is None:
                return
            if self._clock.elapsed() >= deadline:
                raise _locked(conflict)
            self._clock.sleep(random.uniform(*_POLL_SECONDS))

    def check(self) -> None:
        """Raise LockLost unless the lock may be relied on. Costs no request: call it before every write."""
        if not self._lost and self._clock.elapsed() - self._refreshed > TRUSTED_SECONDS:
            self._lost = "it could not be refreshed in time (was this machine suspended, or the storage unreachable?)"
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
        self._lost = "somebody removed it"
        self.check()

    def refresh(self) -> None:
        """Replace the lock's file by one with today's time. Raises LockLost, StorageError."""
        self.confirm()
        old = self._name
        self._write()
        self._delete(old)

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
        self._delete(self._name)

    def _try_once(self) -> LockInfo | None:
        conflict = find_conflict(self._others(), self._exclusive)
        if conflict is not None:
            return conflict
        self._write()
        try:
            self._clock.sleep(SETTLE_SECONDS)
            conflict = find_conflict(self._others(), self._exclusive)
        except BaseException:
            self.release()
            raise
        if conflict is not None:
            self.release()
        return conflict

    def _others(self) -> list[LockInfo]:
        """The locks of others; stale ones are removed on the way."""
        now = self._clock.now()
        others = []
        for lock in read_locks(self._files):
            if lock.name == self._name:
                continue
            if is_stale(lock, now, self._machine, process_exists):
                self._delete(lock.name)
            else:
                others.append(lock)
        return others

    def _write(self) -> None:
        moment = self._clock.elapsed()
        content = {
            "time": go_text.format_time(self._clock.now()),
            "exclusive": self._exclusive,
            "hostname": self._machine,
            "username": _user_name(),
            "pid": os.getpid(),
            "uid": os.getuid(),
            "gid": os.getgid(),
        }
        name, data = self._files.seal(content)
        try:
            self._files.storage.put(FileKind.LOCK, name, data)
        except StorageError:
            self._delete(name)
            raise
        self._name = name
        self._refreshed = moment

    def _delete(self, name: str) -> None:
        """A lock that the storage does not let go expires by itself."""
        with contextlib.suppress(StorageError):
            self._files.storage.delete(FileKind.LOCK, name)


def _read_lock(files: ObjectFiles, name: str) -> LockInfo | None:
    """None when it has vanished."""
    hint = f"If no backup and no prune is running anywhere, remove the file {FileKind.LOCK.value}/{name} from the repository."
    try:
        return _decode_lock(name, files.read(FileKind.LOCK, name))
    except Malformed as error:
        raise RepositoryDamaged(object_name(FileKind.LOCK, name), str(error), hint=hint) from error
    except RepositoryDamaged as error:
        if isinstance(error.__cause__, ObjectMissing):
            return None
        raise RepositoryDamaged(error.obj, error.problem, hint=hint) from error


def _decode_lock(name: str, content: t.Mapping[str, t.Any]) -> LockInfo:
    pid = content.get("pid")
    return LockInfo(
        name=name,
        time=go_text.parse_time(content.get("time")),
        exclusive=bool(content.get("exclusive")),
        hostname=str(content.get("hostname", "")),
        username=str(content.get("username", "")),
        pid=pid if go_text.is_integer(pid) else 0,
    )


def _locked(lock: LockInfo) -> RepositoryLocked:
    kind = "exclusively " if lock.exclusive else ""
    since = lock.time.strftime("%Y-%m-%d %H:%M:%S UTC")
    return RepositoryLocked(
        f"The repository is locked {kind}by process {lock.pid} of {lock.username or 'unknown'} on {lock.hostname}, last seen {since}.",
        hint="Wait until that task has ended. The lock of a task that died is ignored after 30 minutes.",
        facts={"lock": lock.name, "hostname": lock.hostname, "pid": lock.pid, "exclusive": lock.exclusive, "time": since},
    )


def process_exists(pid: int) -> bool:
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _user_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""
