# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A row of integers that processes of one host have in common, and a lock that dies with who holds it.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import tempfile
import threading
import typing as t
from multiprocessing.reduction import DupFd

from .windows import Cells


class CommonCells:
    """Give it to a process as an argument when the process is started. Close it, or use it as a context manager.

    ``processes`` is how many work at the same time. As a lock it excludes threads and processes: the system's lock on the
    file, because it is released when its holder is killed, as a semaphore is not.
    """

    def __init__(self, size: int, processes: int, descriptor: int | None = None) -> None:
        self.processes = processes
        self.lock = _Lock(_new_file(8 * size) if descriptor is None else descriptor)
        self._size = size
        self._memory = mmap.mmap(self.lock.descriptor, 8 * size)
        self._view = memoryview(self._memory).cast("q")

    @property
    def cells(self) -> Cells:
        return self._view

    def close(self) -> None:
        self._view.release()
        self._memory.close()
        os.close(self.lock.descriptor)

    def __enter__(self) -> CommonCells:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def __reduce__(self) -> tuple[t.Any, ...]:
        return _received, (self._size, self.processes, DupFd(self.lock.descriptor))


class _Lock:
    """The lock of the system belongs to the process, so that of the threads comes first."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._threads = threading.Lock()

    def __enter__(self) -> None:
        self._threads.acquire()
        try:
            fcntl.lockf(self.descriptor, fcntl.LOCK_EX)
        except BaseException:
            self._threads.release()
            raise

    def __exit__(self, *_exception: object) -> None:
        try:
            fcntl.lockf(self.descriptor, fcntl.LOCK_UN)
        finally:
            self._threads.release()


def _new_file(size: int) -> int:
    """Without a name, in memory where the system offers that."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("m365-backup-limits")
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    os.truncate(descriptor, size)
    return descriptor


def _received(size: int, processes: int, descriptor: t.Any) -> CommonCells:
    return CommonCells(size, processes, descriptor.detach())
