# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two tasks that go for a lock at the same time, in every order in which the storage can see their steps."""

from __future__ import annotations

import contextlib
import functools
import itertools
import threading
import typing as t

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.errors import RepositoryLocked
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.locks import HeldLock
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.object_files import ObjectFiles
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage import FileKind, StoredFile
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import (
    FakeClock,
    MemoryStorage,
    new_place,
)

STEPS = 5
"""Of each task in a given order; what comes after that runs freely."""

Names = t.Iterator[StoredFile]


class TurnsStorage(MemoryStorage):
    """Lets two threads touch the locks in a given order, and tells no listing that lags."""

    lists_at_once = True

    def __init__(self) -> None:
        super().__init__()
        self.order: list[str] = []
        self._turn = threading.Condition()

    def leave(self) -> None:
        """The calling thread has finished; nobody waits for it any more."""
        name = threading.current_thread().name
        with self._turn:
            self.order = [each for each in self.order if each != name]
            self._turn.notify_all()

    def _step(self, kind: FileKind) -> None:
        name = threading.current_thread().name
        if kind is not FileKind.LOCK:
            return
        with self._turn:
            while name in self.order and self.order[0] != name:
                self._turn.wait()
            if name in self.order:
                self.order.pop(0)
            self._turn.notify_all()

    def put(self, kind: FileKind, name: str, data: bytes | memoryview) -> None:
        self._step(kind)
        super().put(kind, name, data)

    def get_range(self, kind: FileKind, name: str, offset: int, length: int) -> bytes:
        self._step(kind)
        return super().get_range(kind, name, offset, length)

    def list(self, kind: FileKind) -> Names:
        self._step(kind)
        return super().list(kind)

    def delete(self, kind: FileKind, name: str) -> None:
        self._step(kind)
        super().delete(kind, name)


ORDERS = [
    "".join("a" if position in chosen else "b" for position in range(2 * STEPS))
    for chosen in itertools.combinations(range(2 * STEPS), STEPS)
]


def run_both(storage: TurnsStorage, order: str, tasks: dict[str, t.Callable[[], None]]) -> None:
    storage.order = list(order)

    def run(task: t.Callable[[], None]) -> None:
        try:
            task()
        finally:
            storage.leave()

    threads = [threading.Thread(target=run, args=(task,), name=name) for name, task in tasks.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def try_to_lock(files: ObjectFiles, held: dict[str, HeldLock], name: str, exclusive: bool) -> None:
    lock = HeldLock(files, FakeClock(), exclusive)
    with contextlib.suppress(RepositoryLocked):
        lock.acquire(0)
        held[name] = lock


@pytest.mark.parametrize(("first", "second"), [(True, True), (True, False)])
def test_inv08_of_two_that_exclude_each_other_never_both_get_the_lock(first: bool, second: bool) -> None:
    storage = TurnsStorage()
    files = new_place(storage).repository.files
    outcomes = set()
    for order in ORDERS:
        held: dict[str, HeldLock] = {}
        take = functools.partial(try_to_lock, files, held)
        run_both(storage, order, {"a": functools.partial(take, "a", first), "b": functools.partial(take, "b", second)})
        assert len(held) < 2, order
        outcomes.add(tuple(held))
        for lock in held.values():
            lock.release()
        assert storage.names(FileKind.LOCK) == []
    assert outcomes == {(), ("a",), ("b",)}


def test_inv08_a_lock_that_is_being_refreshed_is_never_overlooked() -> None:
    storage = TurnsStorage()
    files = new_place(storage).repository.files
    for order in ORDERS:
        ours = HeldLock(files, FakeClock(), True)
        ours.acquire(0)
        theirs: dict[str, HeldLock] = {}
        run_both(storage, order, {"a": ours.refresh, "b": functools.partial(try_to_lock, files, theirs, "b", False)})
        assert not theirs, order
        ours.confirm()
        ours.release()
        assert storage.names(FileKind.LOCK) == []
