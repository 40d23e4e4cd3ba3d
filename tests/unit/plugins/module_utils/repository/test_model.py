# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A repository under several long-open programs that back up, prune and die at random, against a model in a dict."""

from __future__ import annotations

import contextlib
import typing as t
from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.check import Severity, check
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.errors import RepositoryLocked, StorageError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.prune import plan_prune, prune
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import Repository
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import Path, Snapshot
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import (
    NOON,
    RecordingStorage,
    new_place,
    restore,
    save_files,
)

PROGRAMS = st.integers(0, 2)
FILES = st.dictionaries(
    st.tuples(st.sampled_from("ab"), st.sampled_from("xyz")),
    st.integers(0, 6).map(lambda number: b"content %d" % number * 50),
    min_size=1,
)
SUDDEN_DEATH = st.none() | st.tuples(st.integers(0, 12), st.booleans())


class SharedRepository(RuleBasedStateMachine):
    """``expected`` holds every snapshot that somebody was told of and nobody asked to remove."""

    @initialize()
    def create(self) -> None:
        self.storage = RecordingStorage()
        self.place = new_place(self.storage)
        self.programs: list[Repository] = [self.place.reopen() for _round in range(3)]
        self.expected: dict[Snapshot, dict[Path, bytes]] = {}
        self.hours = 0

    @rule(program=PROGRAMS, files=FILES, on_top=st.booleans(), death=SUDDEN_DEATH)
    def back_up(self, program: int, files: dict[Path, bytes], on_top: bool, death: tuple[int, bool] | None) -> None:
        base, before = next(reversed(self.expected.items()), (None, {})) if on_top else (None, {})
        self.hours += 1
        with self._dying(death), self.programs[program].writing() as writer:
            tree = save_files(writer, files, None if base is None else base.tree)
            snapshot = writer.save_snapshot(tree, time=NOON + timedelta(hours=self.hours), paths=["/"])
            self.expected[snapshot] = before | files

    @rule(program=PROGRAMS, choice=st.randoms(use_true_random=False), waste=st.sampled_from([0.0, 0.05]), death=SUDDEN_DEATH)
    def prune(self, program: int, choice: t.Any, waste: float, death: tuple[int, bool] | None) -> None:
        removed = [snapshot for snapshot in self.expected if choice.random() < 0.4]
        for snapshot in removed:
            del self.expected[snapshot]
        with self._dying(death):
            prune(self.programs[program], [snapshot.id for snapshot in removed], tolerated_waste=waste)

    @rule(program=PROGRAMS)
    def restart(self, program: int) -> None:
        self.programs[program] = self.place.reopen()

    @rule(writer=PROGRAMS, pruner=PROGRAMS, files=FILES)
    def prune_beside_a_run(self, writer: int, pruner: int, files: dict[Path, bytes]) -> None:
        self.hours += 1
        with self.programs[writer].writing() as run:
            tree = save_files(run, files)
            run.flush()
            with contextlib.suppress(RepositoryLocked):
                prune(self.programs[pruner])
                raise AssertionError("a prune went beside a run")
            self.expected[run.save_snapshot(tree, time=NOON + timedelta(hours=self.hours), paths=["/"])] = files

    @invariant()
    def every_snapshot_restores(self) -> None:
        found = {snapshot: restore(self.programs[0], snapshot) for snapshot in self.programs[0].snapshots() if snapshot in self.expected}
        assert found == self.expected

    @invariant()
    def every_program_finds_no_error(self) -> None:
        for repository in self.programs:
            assert [finding for finding in check(repository, read_data=True) if finding.severity is Severity.ERROR] == []
            plan_prune(repository)

    @contextlib.contextmanager
    def _dying(self, death: tuple[int, bool] | None) -> t.Iterator[None]:
        """Break the storage after so many writes; an hour later the locks that were left have expired."""
        if death is not None:
            after, self.storage.breaks_after_success = death
            self.storage.break_at = len(self.storage.changes) + after
        with contextlib.suppress(StorageError):
            yield
        self.storage.break_at = None
        self.place.clock.move(3600)


TestSharedRepository = SharedRepository.TestCase
TestSharedRepository.settings = settings(max_examples=30, stateful_step_count=12, deadline=None)
