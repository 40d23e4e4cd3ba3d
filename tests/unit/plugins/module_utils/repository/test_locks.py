# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
import signal
import socket
import threading
import time
import typing as t
from datetime import datetime, timedelta

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.clock import SystemClock
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.errors import (
    LockLost,
    RepositoryDamaged,
    RepositoryLocked,
    StorageError,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.go_text import format_time
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.lock_files import (
    LockInfo,
    find_conflict,
    is_stale,
    read_locks,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.locks import (
    REFRESH_SECONDS,
    TRUSTED_SECONDS,
    UNREADABLE_SECONDS,
    HeldLock,
    hold_lock,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.processes import process_mark
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage import FileKind, StoredFile
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.other_processes import dead_process
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import (
    NOON,
    FakeClock,
    MemoryStorage,
    Place,
    RecordingStorage,
    disk_full,
    new_place,
)


def refuse_deletes(action: str, _kind: FileKind) -> None:
    if action == "delete":
        raise disk_full()


def lock(*, exclusive: bool = False, age: float = 0, hostname: str = "elsewhere", pid: int = 4711) -> LockInfo:
    return LockInfo("ab" * 32, NOON - timedelta(seconds=age), exclusive, hostname, "root", pid)


def put_lock(place: Place, info: LockInfo) -> str:
    content = {
        "time": format_time(info.time),
        "exclusive": info.exclusive,
        "hostname": info.hostname,
        "username": info.username,
        "pid": info.pid,
        "process": info.process,
    }
    name, _size = place.repository.files.write(FileKind.LOCK, content)
    return name


@pytest.fixture
def storage() -> RecordingStorage:
    return RecordingStorage()


@pytest.fixture
def place(storage: RecordingStorage) -> Place:
    return new_place(storage)


@contextlib.contextmanager
def held(place: Place, *, exclusive: bool = False, lock_timeout: float = 0.0) -> t.Iterator[HeldLock]:
    with hold_lock(place.repository.files, place.clock, exclusive=exclusive, lock_timeout=lock_timeout) as lock:
        yield lock


@pytest.mark.parametrize(
    ("others", "exclusive", "conflicts"),
    [
        ([], True, False),
        ([lock()], False, False),
        ([lock()], True, True),
        ([lock(exclusive=True)], False, True),
        ([lock(), lock(exclusive=True)], False, True),
    ],
)
def test_only_shared_locks_go_together(others: list[LockInfo], exclusive: bool, conflicts: bool) -> None:
    assert (find_conflict(others, exclusive) is not None) == conflicts


@pytest.mark.parametrize(
    ("age", "hostname", "dead", "stale"),
    [
        (0, "here", False, False),
        (0, "here", True, True),
        (0, "elsewhere", True, False),
        (29 * 60, "elsewhere", False, False),
        (31 * 60, "elsewhere", False, True),
        (31 * 60, "here", False, True),
        (-3600, "elsewhere", False, False),
        (-365 * 86400, "elsewhere", True, False),
    ],
)
def test_a_lock_is_stale_when_its_owner_has_left_it_behind(age: float, hostname: str, dead: bool, stale: bool) -> None:
    assert is_stale(lock(age=age, hostname=hostname), NOON, "here", lambda _pid, _mark: dead) == stale


def test_a_lock_of_another_program_is_not_judged_by_its_process_number(place: Place, storage: RecordingStorage) -> None:
    """It may be of a container with the same host name: restic would take such a lock for left behind."""
    name = put_lock(place, lock(hostname=socket.gethostname(), pid=dead_process()[0]))
    with pytest.raises(RepositoryLocked, match="restic unlock"), held(place, exclusive=True):
        pass
    assert storage.names(FileKind.LOCK) == [name]


def test_a_lock_says_whose_it_is_and_goes_away(place: Place) -> None:
    with held(place):
        (info,) = read_locks(place.repository.files)
        assert (info.exclusive, info.hostname, info.pid) == (False, socket.gethostname(), os.getpid())
        assert info.time == NOON
    assert read_locks(place.repository.files) == []


def test_a_lock_goes_away_after_an_exception_too(place: Place) -> None:
    with pytest.raises(KeyError), held(place):
        raise KeyError
    assert read_locks(place.repository.files) == []


def test_a_lock_whose_keeper_cannot_start_is_given_back(place: Place, storage: RecordingStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_thread: threading.Thread) -> t.NoReturn:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(RuntimeError), held(place):
        pass
    assert storage.names(FileKind.LOCK) == []


def test_inv08_any_number_of_writers_go_together(place: Place) -> None:
    with held(place), held(place), held(place):
        assert len(read_locks(place.repository.files)) == 3


@pytest.mark.parametrize(("first", "second"), [(True, False), (False, True), (True, True)])
def test_inv08_an_exclusive_lock_goes_with_no_other(place: Place, first: bool, second: bool) -> None:
    with held(place, exclusive=first), pytest.raises(RepositoryLocked) as caught, held(place, exclusive=second):
        pass
    assert socket.gethostname() in caught.value.what
    assert str(os.getpid()) in caught.value.what
    assert "2026-11-23 12:00:00 UTC" in caught.value.what


def test_inv08_of_two_that_come_at_the_same_moment_none_is_wrongly_let_in(place: Place, storage: RecordingStorage) -> None:
    """The other's lock appears after we looked, and before we wrote ours."""
    foreign: list[str] = []

    def come_between(action: str, kind: FileKind) -> None:
        if (action, kind, foreign) == ("put", FileKind.LOCK, []):
            foreign.append("")
            foreign[0] = put_lock(place, lock(exclusive=True))

    storage.before_change = come_between
    with pytest.raises(RepositoryLocked), held(place):
        pass
    assert storage.names(FileKind.LOCK) == foreign


def test_leftovers_of_our_dead_processes_here_and_old_ones_of_anybody_are_removed(place: Place, storage: RecordingStorage) -> None:
    pid, mark = dead_process()
    put_lock(place, dataclasses.replace(lock(exclusive=True, hostname=socket.gethostname(), pid=pid), process=mark))
    put_lock(place, lock(exclusive=True, age=31 * 60))
    with held(place, exclusive=True):
        assert len(storage.names(FileKind.LOCK)) == 1


def test_the_lock_of_a_process_of_ours_that_lives_is_respected(place: Place) -> None:
    put_lock(place, dataclasses.replace(lock(hostname=socket.gethostname(), pid=os.getpid()), process=process_mark()))
    with pytest.raises(RepositoryLocked), held(place, exclusive=True):
        pass


def test_a_lock_from_the_future_is_respected_and_the_clocks_are_named(place: Place) -> None:
    put_lock(place, lock(exclusive=True, age=-7200))
    with pytest.raises(RepositoryLocked, match="last seen 2026-11-23 14:00:00 UTC") as caught, held(place):
        pass
    assert "Here it is 2026-11-23 12:00:00 UTC: correct the clock of elsewhere" in caught.value.hint


def test_a_stale_lock_that_the_storage_does_not_let_go_blocks_nobody(place: Place, storage: RecordingStorage) -> None:
    """A bucket with Object Lock keeps every file until its retention ends."""
    put_lock(place, lock(exclusive=True, age=31 * 60))

    def forbid(action: str, kind: FileKind) -> None:
        if (action, kind) == ("delete", FileKind.LOCK):
            raise StorageError("Could not delete: the object is locked.")

    storage.before_change = forbid
    with held(place) as ours:
        ours.refresh()
        ours.confirm()
        assert len(storage.names(FileKind.LOCK)) == 3
    with pytest.raises(RepositoryLocked), held(place, exclusive=True):
        pass
    place.clock.move(31 * 60)
    with held(place, exclusive=True) as exclusive:
        exclusive.confirm()


def test_an_outdated_file_of_our_lock_is_removed_as_soon_as_the_storage_allows(place: Place, storage: RecordingStorage) -> None:
    with held(place) as ours:
        storage.before_change = refuse_deletes
        ours.refresh()
        assert len(storage.names(FileKind.LOCK)) == 2
        storage.before_change = lambda _action, _kind: None
        ours.refresh()
        assert len(storage.names(FileKind.LOCK)) == 1
    assert storage.names(FileKind.LOCK) == []


def test_young_locks_of_others_are_respected(place: Place, storage: RecordingStorage) -> None:
    name = put_lock(place, lock(exclusive=True, age=29 * 60))
    with pytest.raises(RepositoryLocked, match="elsewhere"), held(place):
        pass
    assert storage.names(FileKind.LOCK) == [name]


def test_waiting_ends_when_the_other_lock_goes(place: Place, storage: RecordingStorage) -> None:
    name = put_lock(place, lock(exclusive=True))
    waited: list[float] = []

    class Clock(FakeClock):
        def sleep(self, seconds: float) -> None:
            waited.append(seconds)
            if len(waited) == 3:
                storage.delete(FileKind.LOCK, name)
            super().sleep(seconds)

    with hold_lock(place.repository.files, Clock(), exclusive=False, lock_timeout=600):
        assert len(waited) == 4
        assert len({*waited[:3]}) == 3


def test_waiting_ends_with_the_time_that_was_given(place: Place) -> None:
    put_lock(place, lock(exclusive=True))
    with pytest.raises(RepositoryLocked), held(place, lock_timeout=60):
        pass
    assert 60 <= place.clock.elapsed() < 70


def eventually(condition: t.Callable[[], bool]) -> None:
    for _round in range(2000):
        if condition():
            return
        time.sleep(0.005)
    raise AssertionError("it never happened")


def test_a_lock_is_refreshed_every_five_minutes(place: Place, storage: RecordingStorage) -> None:
    def was_replaced(before: list[str]) -> bool:
        now = storage.names(FileKind.LOCK)
        return len(now) == 1 and now != before

    with held(place) as ours:
        for minutes in (5, 10, 15, 20, 25, 30, 35):
            before = storage.names(FileKind.LOCK)
            place.clock.move(REFRESH_SECONDS)
            eventually(functools.partial(was_replaced, before))
            (info,) = read_locks(place.repository.files)
            assert info.time.replace(microsecond=0) == NOON + timedelta(minutes=minutes)
            ours.confirm()


def test_a_refresh_never_leaves_a_moment_without_a_lock(place: Place, storage: RecordingStorage) -> None:
    with held(place) as ours:
        counts: list[int] = []
        storage.before_change = lambda _action, _kind: counts.append(len(storage.names(FileKind.LOCK)))
        ours.refresh()
        storage.before_change = lambda _action, _kind: None
    assert counts == [1, 2]


def test_a_lock_that_somebody_removed_is_lost(place: Place, storage: RecordingStorage) -> None:
    with held(place) as ours:
        for name in storage.names(FileKind.LOCK):
            storage.delete(FileKind.LOCK, name)
        with pytest.raises(LockLost, match="somebody removed it"):
            ours.confirm()
        with pytest.raises(LockLost):
            ours.check()
        with pytest.raises(LockLost):
            ours.refresh()
    assert storage.names(FileKind.LOCK) == []


def test_a_lock_that_is_refreshed_while_somebody_looks_at_it_is_not_lost(place: Place) -> None:
    class Refreshing(MemoryStorage):
        def stat(self, kind: FileKind, name: str) -> StoredFile | None:
            if refreshes:
                refreshes.pop()()
            return super().stat(kind, name)

    storage = Refreshing()
    place.repository.files.storage = storage
    refreshes: list[t.Callable[[], None]] = []
    with held(place) as ours:
        refreshes.append(ours.refresh)
        ours.confirm()
        ours.check()
    assert refreshes == []


def test_a_lock_is_lost_after_a_long_suspend(place: Place) -> None:
    ours = HeldLock(place.repository.files, place.clock, False)
    ours.acquire(0)
    ours.check()
    place.clock.move(TRUSTED_SECONDS + 1)
    with pytest.raises(LockLost, match="suspended"):
        ours.check()


def test_a_lock_is_lost_when_only_the_time_of_day_tells_of_a_suspend(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A virtual machine that its host paused: it counts no seconds, and is given the right time afterwards."""
    ours = HeldLock(place.repository.files, place.clock, False)
    ours.acquire(0)
    monkeypatch.setattr(place.clock, "now", lambda: NOON + timedelta(seconds=TRUSTED_SECONDS + 1))
    with pytest.raises(LockLost, match="its clock set"):
        ours.check()


def test_a_hangup_does_not_end_who_holds_a_lock(place: Place) -> None:
    """restic unlock sends it to see whether the owner of a lock is alive."""
    before = signal.getsignal(signal.SIGHUP)
    with held(place):
        os.kill(os.getpid(), signal.SIGHUP)
    assert signal.getsignal(signal.SIGHUP) is before


def test_something_useful_is_done_while_the_lock_settles(place: Place, storage: RecordingStorage) -> None:
    seen: list[tuple[int, float]] = []

    def look() -> None:
        seen.append((len(storage.names(FileKind.LOCK)), place.clock.elapsed()))
        place.clock.move(0.15)

    with hold_lock(place.repository.files, place.clock, exclusive=True, while_settling=look):
        assert place.clock.elapsed() == pytest.approx(0.2)
    assert seen == [(1, 0.0)]


def test_a_storage_whose_listings_never_lag_is_not_waited_for() -> None:
    class Prompt(RecordingStorage):
        lists_at_once = True

    place = new_place(Prompt())
    with held(place):
        assert place.clock.elapsed() == 0


def test_what_fails_while_the_lock_settles_gives_it_back(place: Place, storage: RecordingStorage) -> None:
    def fail() -> t.NoReturn:
        raise KeyError

    with pytest.raises(KeyError), hold_lock(place.repository.files, place.clock, exclusive=True, while_settling=fail):
        pass
    assert storage.names(FileKind.LOCK) == []


def test_a_storage_that_fails_for_a_while_costs_no_lock(place: Place, storage: RecordingStorage) -> None:
    attempts: list[int] = []

    def fail_twice(action: str, _kind: FileKind) -> None:
        if action == "put":
            attempts.append(1)
            if len(attempts) <= 2:
                raise disk_full()

    waits: list[float] = []

    def hurry(_event: threading.Event, seconds: float) -> bool:
        waits.append(seconds)
        place.clock.move(seconds)
        return len(waits) > 3

    ours = HeldLock(place.repository.files, place.clock, False)
    ours.acquire(0)
    before = storage.names(FileKind.LOCK)
    storage.before_change = fail_twice
    place.clock.wait = hurry  # type: ignore[method-assign, assignment]
    ours.keep_fresh(threading.Event())
    ours.confirm()
    assert waits == [300.0, 30.0, 30.0, 300.0]
    assert len(storage.names(FileKind.LOCK)) == 1
    assert storage.names(FileKind.LOCK) != before


def test_a_storage_that_fails_for_long_costs_the_lock(place: Place, storage: RecordingStorage) -> None:
    def fail(_action: str, _kind: FileKind) -> None:
        raise disk_full()

    ours = HeldLock(place.repository.files, place.clock, False)
    ours.acquire(0)
    storage.before_change = fail

    def hurry(_event: threading.Event, seconds: float) -> bool:
        place.clock.move(seconds)
        return False

    place.clock.wait = hurry  # type: ignore[method-assign, assignment]
    ours.keep_fresh(threading.Event())
    with pytest.raises(LockLost):
        ours.check()


def test_an_empty_lock_is_none(place: Place, storage: RecordingStorage) -> None:
    storage.put(FileKind.LOCK, "ab" * 32, b"")
    with held(place, exclusive=True):
        assert len(read_locks(place.repository.files)) == 1


def test_a_lock_that_cannot_be_read_is_named_and_respected(place: Place, storage: RecordingStorage) -> None:
    storage.put(FileKind.LOCK, "ab" * 32, b"half a lock")
    with pytest.raises(RepositoryDamaged, match="lock abab") as caught, held(place):
        pass
    assert "remove the file locks/abab" in caught.value.hint
    assert UNREADABLE_SECONDS <= place.clock.elapsed() < 2 * UNREADABLE_SECONDS


def test_a_lock_that_is_still_being_uploaded_is_read_again(place: Place, storage: RecordingStorage) -> None:
    name = put_lock(place, lock())
    whole = storage.files[(FileKind.LOCK, name)]
    storage.files[(FileKind.LOCK, name)] = whole[:50]

    class Clock(FakeClock):
        def sleep(self, seconds: float) -> None:
            storage.files[(FileKind.LOCK, name)] = whole
            super().sleep(seconds)

    with hold_lock(place.repository.files, Clock(), exclusive=False):
        assert len(storage.names(FileKind.LOCK)) == 2


def test_a_lock_that_says_nothing_sensible_is_named_and_respected(place: Place) -> None:
    name, _size = place.repository.files.write(FileKind.LOCK, {"time": "yesterday"})
    with pytest.raises(RepositoryDamaged, match=f"lock {name}"), held(place, exclusive=True):
        pass


def test_a_lock_that_vanishes_while_we_look_is_none(place: Place) -> None:
    class Vanishing(MemoryStorage):
        def get_range(self, kind: FileKind, name: str, offset: int, length: int) -> bytes:
            self.delete(kind, name)
            return super().get_range(kind, name, offset, length)

    vanishing = Vanishing()
    put_lock(place, lock(exclusive=True))
    vanishing.files = t.cast(MemoryStorage, place.storage).files
    place.repository.files.storage = vanishing
    assert read_locks(place.repository.files) == []


def test_the_real_clock_goes_forward_and_waits() -> None:
    clock = SystemClock()
    before, event = clock.elapsed(), threading.Event()
    clock.sleep(0.001)
    assert not clock.wait(event, 0.001)
    event.set()
    assert clock.wait(event, 60)
    assert clock.elapsed() > before
    assert abs(clock.now() - datetime.now(NOON.tzinfo)) < timedelta(minutes=1)
