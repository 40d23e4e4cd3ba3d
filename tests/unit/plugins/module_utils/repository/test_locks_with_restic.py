# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Locks, with the restic binary and other processes of ours on the other side: who waits for whom, and who gives way."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
import typing as t
from datetime import datetime, timedelta
from pathlib import Path as FilePath

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.check import check
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.clock import SystemClock
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.errors import LockLost, RepositoryLocked
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.lock_files import read_locks
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.prune import prune
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import (
    Repository,
    create_repository,
    open_repository,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_local import LocalStorage
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import Path
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository import obedient_program
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.other_processes import python_environment
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.restic_program import Restic, needs_restic
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import (
    CHEAP,
    NOON,
    PASSPHRASE,
    back_up,
    restore,
    save_files,
)

pytestmark = needs_restic

OLD: dict[Path, bytes] = {("old", str(number)): b"%d" % number * 5000 for number in range(20)}
NEW: dict[Path, bytes] = {("new", str(number)): b"%d" % number * 7000 for number in range(20)}


@pytest.fixture
def restic(tmp_path: FilePath) -> Restic:
    return Restic(tmp_path)


@pytest.fixture
def ours(restic: Restic) -> Repository:
    return create_repository(LocalStorage(restic.repository), PASSPHRASE, kdf=CHEAP)


def reopen(restic: Restic, clock: SystemClock | None = None) -> Repository:
    return open_repository(LocalStorage(restic.repository), PASSPHRASE, clock=clock or SystemClock())


def locks(restic: Restic) -> set[str]:
    """Without those that are still being written, under a longer name."""
    return {path.name for path in (restic.repository / "locks").iterdir() if len(path.name) == 64}


@contextlib.contextmanager
def running_backup(restic: Restic, content: str = "from restic") -> t.Iterator[subprocess.Popen[str]]:
    """A backup of restic's that holds its lock and waits for its input to end."""
    before = locks(restic)
    with restic.start("backup", "--stdin", "--stdin-filename", "theirs") as process:
        try:
            assert process.stdin is not None
            process.stdin.write(content)
            process.stdin.flush()
            wait_until(lambda: locks(restic) - before, process)
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def finish(process: subprocess.Popen[str]) -> None:
    printed = "".join(process.communicate())
    assert process.returncode == 0, printed


def wait_until(condition: t.Callable[[], object], process: subprocess.Popen[str]) -> None:
    while not condition():
        assert process.poll() is None, process.communicate()
        time.sleep(0.002)


@contextlib.contextmanager
def stopped_prune(restic: Restic) -> t.Iterator[subprocess.Popen[str]]:
    """A prune of restic's that was put to sleep while it has its lock. One that is too fast to be caught is followed by another."""
    while True:
        with restic.start("prune", "--max-unused", "0") as process:
            try:
                while process.poll() is None and not locks(restic):
                    time.sleep(0.002)
                process.send_signal(signal.SIGSTOP)
                if process.poll() is None and locks(restic):
                    yield process
                    return
            finally:
                process.send_signal(signal.SIGCONT)


class Program:
    """A process of ours with a writer; see L(obedient_program)."""

    def __init__(self, restic: Restic, name: str) -> None:
        command = [sys.executable, obedient_program.__file__, str(restic.repository), name]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=python_environment())

    def __enter__(self) -> Program:
        assert self.answer() == "ready"
        return self

    def __exit__(self, *_error: object) -> None:
        self.process.kill()
        self.process.communicate()

    def answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def tell(self, word: str) -> str:
        assert self.process.stdin is not None
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        return self.answer()


def test_inv08_restic_and_we_back_up_at_the_same_time(restic: Restic, ours: Repository) -> None:
    with running_backup(restic) as theirs:
        snapshot = back_up(ours, NEW)
        finish(theirs)
    restic.check()
    assert check(reopen(restic), read_data=True) == []
    assert restic.restore(snapshot.id) == NEW
    (other,) = (each for each in reopen(restic).snapshots() if each.id != snapshot.id)
    assert restore(reopen(restic), other) == {("theirs",): b"from restic"}


def test_inv08_our_prune_waits_for_no_backup_of_restics_and_removes_nothing_of_it(restic: Restic, ours: Repository) -> None:
    first = back_up(ours, OLD)
    with running_backup(restic) as theirs:
        with pytest.raises(RepositoryLocked, match=f"process {theirs.pid} "):
            prune(ours, [first.id])
        finish(theirs)
    result = prune(ours, [first.id], tolerated_waste=0.0)
    assert result.bytes_freed > 0
    (theirs_now,) = ours.snapshots()
    restic.check()
    assert restic.restore(theirs_now.id) == {("theirs",): b"from restic"}


def test_inv08_our_run_waits_until_the_prune_of_restic_has_ended(restic: Restic, ours: Repository) -> None:
    first = back_up(ours, OLD)
    kept = back_up(ours, NEW)
    restic.run("forget", first.id)
    with stopped_prune(restic) as pruning:
        assert [lock.exclusive for lock in read_locks(ours.files)] == [True]

        class Clock(SystemClock):
            def sleep(self, seconds: float) -> None:
                if seconds < 1:
                    super().sleep(seconds)
                else:
                    pruning.send_signal(signal.SIGCONT)
                    finish(pruning)

        repository = reopen(restic, Clock())
        with pytest.raises(RepositoryLocked, match="locked exclusively"), repository.writing():
            pass
        with repository.writing(lock_timeout=600) as writer:
            snapshot = writer.save_snapshot(save_files(writer, OLD), time=NOON, paths=["/"])
        assert pruning.returncode == 0
    restic.check()
    assert restic.restore(snapshot.id) == OLD
    assert restic.restore(kept.id) == NEW


def test_a_restic_that_was_killed_blocks_our_prune_for_half_an_hour_at_most(restic: Restic, ours: Repository) -> None:
    first = back_up(ours, OLD)
    with running_backup(restic) as theirs:
        theirs.kill()
        theirs.communicate()
    second = back_up(ours, NEW)
    with pytest.raises(RepositoryLocked, match="restic unlock removes it at once"):
        prune(ours, [first.id])

    class HalfAnHourLater(SystemClock):
        def now(self) -> datetime:
            return super().now() + timedelta(minutes=31)

    prune(reopen(restic, HalfAnHourLater()), [first.id])
    assert locks(restic) == set()
    restic.check()
    assert [snapshot.id for snapshot in ours.snapshots()] == [second.id]


def test_restic_unlock_removes_the_lock_of_a_dead_process_of_ours_and_leaves_that_of_a_living_one_alone(
    restic: Restic, ours: Repository
) -> None:
    with Program(restic, "dead") as dead:
        assert dead.tell("store") == "stored"
    left_behind = locks(restic)
    assert left_behind
    with Program(restic, "living") as living:
        assert living.tell("store") == "stored"
        restic.run("unlock")
        assert locks(restic).isdisjoint(left_behind)
        snapshot = living.tell("publish")
        assert living.tell("end") == "ended"
    assert locks(restic) == set()
    restic.check()
    assert len(restic.restore(snapshot)) == 21
    assert [each.id for each in ours.snapshots()] == [snapshot]


def test_inv08_a_lock_that_restic_took_away_ends_our_run_and_nothing_of_it_is_published(restic: Restic, ours: Repository) -> None:
    old = back_up(ours, OLD)
    kept = back_up(ours, NEW)

    def run() -> None:
        with ours.writing() as writer:
            tree = save_files(writer, OLD | {("more",): b"more"})
            writer.flush()
            restic.run("unlock", "--remove-all")
            restic.run("forget", old.id, "--prune", "--max-unused", "0")
            writer.save_snapshot(tree, time=NOON, paths=["/"])

    with pytest.raises(LockLost, match="somebody removed it"):
        run()
    assert [snapshot.id for snapshot in ours.snapshots()] == [kept.id]
    restic.check()
    assert check(reopen(restic), read_data=True) == []
    again = back_up(reopen(restic), OLD | {("more",): b"more"})
    restic.check()
    assert restic.restore(again.id) == OLD | {("more",): b"more"}


def test_inv08_two_processes_of_ours_write_and_nobody_prunes_between(restic: Restic, ours: Repository) -> None:
    old = back_up(ours, OLD)
    with Program(restic, "one") as one, Program(restic, "two") as two:
        assert [one.tell("store"), two.tell("store")] == ["stored", "stored"]
        with pytest.raises(RepositoryLocked):
            prune(ours, [old.id])
        assert "already locked" in restic.run("prune", fails=True)
        first = one.tell("publish")
        assert one.tell("end") == "ended"
        with pytest.raises(RepositoryLocked):
            prune(ours, [old.id])
        second = two.tell("publish")
        assert two.tell("end") == "ended"
    restic.check()
    prune(ours, [old.id], tolerated_waste=0.0)
    restic.check()
    assert check(reopen(restic), read_data=True) == []
    assert {snapshot.id for snapshot in ours.snapshots()} == {first, second}
    assert [len(restic.restore(name)) for name in (first, second)] == [21, 21]
