# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two long-open programs store, prune, change keys, fail and die at random, against a model in a dict.

Each has a clock of its own; they share a cache. M365_TORTURE=10 in the environment multiplies the rounds.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import subprocess
import tempfile
import threading
import typing as t
from datetime import datetime, timedelta
from pathlib import Path as FilePath

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.check import Severity, check
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.errors import (
    LockLost,
    RepositoryError,
    RepositoryLocked,
    StorageError,
    WrongPassphrase,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.key_changes import KeyWishes, RoleWish, change_keys
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.prune import plan_prune, prune
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import Repository, open_repository
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage import Storage
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_local import LocalStorage
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import Path, Snapshot, SnapshotId, TreeId
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.writer import Writer
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import (
    CHEAP,
    NOON,
    PASSPHRASE,
    FakeClock,
    MemoryStorage,
    disk_full,
    new_place,
    restore,
    save_files,
)

PROGRAMS = st.integers(0, 1)
FILES = st.dictionaries(
    st.tuples(st.sampled_from("ab"), st.sampled_from("xyz")),
    st.integers(0, 6).map(lambda number: b"content %d" % number * 50),
    min_size=1,
)
HOUR = 3600.0
TROUBLE: st.SearchStrategy[tuple[str, t.Any]] = st.one_of(
    st.tuples(st.just("a change fails"), st.tuples(st.integers(1, 8), st.booleans())),
    st.tuples(st.just("time passes"), st.sampled_from([60.0, HOUR])),
    st.tuples(st.just("the clock is wrong"), st.sampled_from([-2, 0, 2])),
    st.tuples(st.just("the passphrase changes"), st.none()),
    st.tuples(st.just("it dies"), st.none()),
)
THEN = st.sampled_from(("end", "publish", "end", "flush", "go on", "die"))
GIVES_UP = (StorageError, LockLost)


class OwnClock(FakeClock):
    """The common time, on a clock that is wrong by C(skew)."""

    def __init__(self, common: FakeClock) -> None:
        self._common = common
        self.skew = timedelta(0)

    def now(self) -> datetime:
        return self._common.now() + self.skew

    def elapsed(self) -> float:
        return self._common.elapsed()

    def move(self, seconds: float) -> None:
        self._common.move(seconds)

    def wait(self, event: threading.Event, seconds: float) -> bool:
        return self._common.wait(event, seconds)


class Line:
    """A program's way to the storage: it can be cut, and one change that comes over it can fail, before or after it is made.

    What the keeper of a lock does over it never fails: it works at moments of its own, and a run must be repeatable.
    """

    def __init__(self, storage: MemoryStorage) -> None:
        self.is_cut = False
        self.fails_in = 0
        self.fails_late = False
        self._storage = storage

    def __getattr__(self, name: str) -> t.Any:
        value = getattr(self._storage, name)
        if not callable(value):
            return value
        is_change = name in ("put", "delete", "quarantine")

        def call(*arguments: t.Any) -> t.Any:
            fails = is_change and threading.current_thread().name != "repository-lock" and self._count_down()
            if self.is_cut or (fails and not self.fails_late):
                raise disk_full()
            result = value(*arguments)
            if fails:
                raise disk_full()
            return result

        return call

    def _count_down(self) -> bool:
        self.fails_in -= 1
        return self.fails_in == 0


@dataclasses.dataclass(slots=True)
class Run:
    """A writer that is open, and what it will publish."""

    ending: contextlib.ExitStack
    writer: Writer
    tree: TreeId | None
    files: dict[Path, bytes]


@dataclasses.dataclass(slots=True)
class Program:
    line: Line
    clock: OwnClock
    repository: Repository
    run: Run | None = None


class SharedRepository(RuleBasedStateMachine):
    """C(expected) holds every snapshot that somebody was told of and nobody asked to remove; C(unsure) what may be there."""

    @initialize()
    def create(self) -> None:
        self.storage = MemoryStorage()
        self.place = new_place(self.storage)
        self.expected: dict[SnapshotId, tuple[Snapshot, dict[Path, bytes]]] = {}
        self.cache = tempfile.TemporaryDirectory()
        self.secrets = [PASSPHRASE]
        self.hours = 0
        self.programs = [self._new_program(OwnClock(self.place.clock)) for _number in range(2)]

    @rule(files=FILES, on_top=st.booleans(), then=THEN)
    def one_works(self, files: dict[Path, bytes], on_top: bool, then: str) -> None:
        self._work(0, files, on_top, then)

    @rule(files=FILES, on_top=st.booleans(), then=THEN)
    def the_other_works(self, files: dict[Path, bytes], on_top: bool, then: str) -> None:
        self._work(1, files, on_top, then)

    def _work(self, number: int, files: dict[Path, bytes], on_top: bool, then: str) -> None:
        program = self.programs[number]
        with contextlib.suppress(*GIVES_UP, RepositoryLocked):
            run = program.run = program.run or self._start(program.repository, on_top)
            run.tree = save_files(run.writer, files, run.tree)
            run.files |= files
            if then == "flush":
                run.writer.flush()
            elif then in ("publish", "end"):
                self._publish(run.writer, run.tree, run.files)
        if then == "die":
            self._die(number)
        elif then == "end" and program.run is not None:
            ending, program.run = program.run.ending, None
            with contextlib.suppress(*GIVES_UP):
                ending.close()

    @precondition(lambda self: self.expected)
    @rule(
        number=PROGRAMS,
        choice=st.randoms(use_true_random=False),
        share=st.sampled_from([0.5, 0.2, 0.0]),
        waste=st.sampled_from([0.0, 0.05]),
    )
    def prune(self, number: int, choice: t.Any, share: float, waste: float) -> None:
        removed = [name for name in self.expected if choice.random() < share]
        going = [self.expected.pop(name) for name in removed]
        try:
            prune(self.programs[number].repository, [snapshot.id for snapshot, _files in going], tolerated_waste=waste)
        except RepositoryLocked:
            self.expected |= {snapshot.id: (snapshot, files) for snapshot, files in going}
        except GIVES_UP:
            pass

    @rule(number=PROGRAMS, trouble=TROUBLE)
    def suffer(self, number: int, trouble: tuple[str, t.Any]) -> None:
        program = self.programs[number]
        what, how = trouble
        if what == "a change fails":
            program.line.fails_in, program.line.fails_late = how
        elif what == "time passes":
            self.place.clock.move(how)
        elif what == "the clock is wrong":
            program.clock.skew = timedelta(hours=how)
        elif what == "the passphrase changes":
            self._change_the_passphrase(program.repository)
        else:
            self._die(number)

    @invariant()
    def every_snapshot_restores_and_nobody_finds_an_error(self) -> None:
        repository = self._open(self.storage, self.place.clock)
        found = {snapshot.id: snapshot for snapshot in repository.snapshots()}
        for name, (snapshot, files) in self.expected.items():
            assert restore(repository, found[name]) == files
            newest = snapshot
        assert [finding for finding in check(repository, read_data=True) if finding.severity is Severity.ERROR] == []
        plan_prune(repository)
        for program in self.programs:
            if self.expected:
                assert restore(program.repository, newest) == files

    def teardown(self) -> None:
        for program in self.programs:
            if program.run is not None:
                with contextlib.suppress(*GIVES_UP):
                    program.run.ending.close()
        self.cache.cleanup()
        if shutil.which("restic"):
            with tempfile.TemporaryDirectory() as folder:
                self._restic_finds_no_error(folder)

    def _restic_finds_no_error(self, folder: str) -> None:
        self._open(self.storage, self.place.clock)
        disk = LocalStorage(FilePath(folder) / "repository")
        disk.prepare()
        for (kind, name), data in self.storage.files.items():
            disk.put(kind, name, data)
        environment = {"PATH": os.environ["PATH"], "HOME": folder, "RESTIC_PASSWORD": self.opens}
        command = ["restic", "--no-cache", "--no-lock", "-r", disk.location, "check", "--read-data"]
        judged = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert judged.returncode == 0, judged.stdout + judged.stderr

    def _start(self, repository: Repository, on_top: bool) -> Run:
        base, files = next(reversed(self.expected.values()), (None, {})) if on_top else (None, {})
        ending = contextlib.ExitStack()
        writer = ending.enter_context(repository.writing())
        return Run(ending, writer, None if base is None else base.tree, dict(files))

    def _publish(self, writer: Writer, tree: TreeId, files: dict[Path, bytes]) -> None:
        self.hours += 1
        snapshot = writer.save_snapshot(tree, time=NOON + timedelta(hours=self.hours), paths=["/"])
        self.expected[snapshot.id] = (snapshot, dict(files))

    def _change_the_passphrase(self, repository: Repository) -> None:
        """Unless it succeeds, the old one or the new one opens."""
        new = f"passphrase {len(self.secrets)} {self.secrets[0]}"
        before, self.secrets = self.secrets, [new, *self.secrets]
        try:
            change_keys(repository, KeyWishes(passphrase=RoleWish(secret=new, is_only=True)), kdf=CHEAP)
            self.secrets = [new]
        except RepositoryLocked:
            self.secrets = before
        except RepositoryError:
            return

    def _die(self, number: int) -> None:
        """Nothing comes over the line any more: what was not flushed is lost, the lock stays behind. Then another program starts."""
        program = self.programs[number]
        program.line.is_cut = True
        if program.run is not None:
            with contextlib.suppress(*GIVES_UP, KeyboardInterrupt), program.run.ending:
                raise KeyboardInterrupt
        self.programs[number] = self._new_program(program.clock)

    def _new_program(self, clock: OwnClock) -> Program:
        line = Line(self.storage)
        return Program(line, clock, self._open(t.cast(Storage, line), clock, FilePath(self.cache.name)))

    def _open(self, storage: Storage, clock: FakeClock, cache: FilePath | None = None) -> Repository:
        for secret in self.secrets:
            with contextlib.suppress(WrongPassphrase):
                repository = open_repository(storage, secret, clock=clock, cache_folder=cache)
                self.opens = secret
                return repository
        raise AssertionError("no passphrase opens")


TestSharedRepository = SharedRepository.TestCase
TestSharedRepository.settings = settings(max_examples=20 * int(os.environ.get("M365_TORTURE", "1")), stateful_step_count=40, deadline=None)
