# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lock files: what they say, which of them forbid another one, and which of them their owner has left behind.

Facts: restic's C(doc/design.rst), "Locks", and its C(internal/repository/lock_file.go).
"""

from __future__ import annotations

import contextlib
import dataclasses
import getpass
import os
import typing as t
from datetime import datetime, timedelta

from . import go_text
from .errors import Malformed, ObjectMissing, RepositoryDamaged
from .object_files import ObjectFiles, object_name
from .processes import is_certainly_dead, process_mark
from .storage import FileKind

STALE_AFTER = timedelta(minutes=30)


@dataclasses.dataclass(frozen=True, slots=True)
class LockInfo:
    """A lock as stored. ``name`` is the name of its file; ``process`` is our own addition, a mark of the process."""

    name: str
    time: datetime
    exclusive: bool
    hostname: str
    username: str
    pid: int
    process: str = ""


def find_conflict(others: t.Iterable[LockInfo], exclusive: bool) -> LockInfo | None:
    """The lock that forbids ours: any other for an exclusive lock, an exclusive one for a shared lock."""
    return next((lock for lock in others if exclusive or lock.exclusive), None)


def is_stale(lock: LockInfo, now: datetime, machine: str, is_dead: t.Callable[[int, str], bool] = is_certainly_dead) -> bool:
    """Whether its owner has left it behind: not refreshed for 30 minutes, or certainly a dead process of this machine.

    Stricter than restic, which believes a process number of any container that has our host name. Its own locks carry no
    mark of the process, so those of a restic that died here wait for their 30 minutes, or for C(restic unlock). A lock
    that is dated in the future is never stale: one of two clocks is wrong, and its owner may be alive.
    """
    return now - lock.time > STALE_AFTER or (lock.hostname == machine and is_dead(lock.pid, lock.process))


def read_locks(files: ObjectFiles) -> list[LockInfo]:
    """All locks. One that vanishes while we look is none, and neither is an empty file, which an interrupted upload leaves.

    Raises RepositoryDamaged for one that cannot be read.
    """
    found = (read_lock(files, stored.name) for stored in list(files.storage.list(FileKind.LOCK)) if stored.size)
    return [lock for lock in found if lock is not None]


def read_lock(files: ObjectFiles, name: str) -> LockInfo | None:
    """None when it has vanished. Raises RepositoryDamaged when it cannot be read."""
    hint = f"If no backup and no prune is running anywhere, remove the file {FileKind.LOCK.value}/{name} from the repository."
    try:
        return _decode_lock(name, files.read(FileKind.LOCK, name))
    except Malformed as error:
        raise RepositoryDamaged(object_name(FileKind.LOCK, name), str(error), hint=hint) from error
    except RepositoryDamaged as error:
        if isinstance(error.__cause__, ObjectMissing):
            return None
        raise RepositoryDamaged(error.obj, error.problem, hint=hint) from error


def lock_content(now: datetime, machine: str, *, exclusive: bool) -> dict[str, t.Any]:
    """A lock of this process."""
    return {
        "time": go_text.format_time(now),
        "exclusive": exclusive,
        "hostname": machine,
        "username": _user_name(),
        "pid": os.getpid(),
        "uid": os.getuid(),
        "gid": os.getgid(),
        "process": process_mark(),
    }


def _decode_lock(name: str, content: t.Mapping[str, t.Any]) -> LockInfo:
    pid = content.get("pid")
    return LockInfo(
        name=name,
        time=go_text.parse_time(content.get("time")),
        exclusive=bool(content.get("exclusive")),
        hostname=str(content.get("hostname", "")),
        username=str(content.get("username", "")),
        pid=pid if go_text.is_integer(pid) else 0,
        process=str(content.get("process", "")),
    )


def _user_name() -> str:
    with contextlib.suppress(KeyError, OSError):
        return getpass.getuser()
    return ""
