# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real processes on a real disk, killed with SIGKILL at random moments and at random system calls.

After every kill the repository is examined by us and by restic, which may prune it, too; what was killed is started again
until it gets through.
M365_TORTURE=10 in the environment multiplies the rounds.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import time
import typing as t
from pathlib import Path as FilePath

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.check import Severity, check
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.errors import WrongPassphrase
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.index_files import read_index
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.prune import plan_prune
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import (
    Repository,
    create_repository,
    open_repository,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage import FileKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_local import LocalStorage
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import IndexId
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository import crash_program
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.killable import Job, Warden
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.life import HELD, RECOVERY, files, number_of
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import CHEAP, PASSPHRASE, restore

SEEDS = range(8 * int(os.environ.get("M365_TORTURE", "1")))
KILLS = 30
MOMENTS = ("before", "amid", "after")
KEPT = 3
RESTIC_PRUNES = 0.1


@pytest.fixture(scope="module")
def warden() -> t.Iterator[Warden]:
    warden = Warden(crash_program.__file__)
    yield warden
    warden.close()


class Ordeal:
    """One repository; every other has a cache of its index. C(stored) are the numbers of the runs that it must hold, C(going) may be."""

    def __init__(self, warden: Warden, folder: FilePath, seed: int) -> None:
        self.kills = 0
        self._warden = warden
        self._folder = folder
        self._chance = random.Random(seed)
        self._storage = LocalStorage(folder / "repository")
        self._cache = folder / "cache" if seed % 2 else None
        self._secrets = [PASSPHRASE]
        self._stored: set[int] = set()
        self._going: set[int] = set()
        self._runs = 0
        self._calls: dict[str, int] = {}
        self._seconds: dict[str, float] = {}
        create_repository(self._storage, PASSPHRASE, recovery_passphrase=RECOVERY, kdf=CHEAP)

    def suffer(self) -> None:
        """Do one thing, killed up to three times, and then left alone until it is done."""
        if len(self._stored) <= KEPT:
            self._run()
        else:
            self._chance.choice((self._run, self._prune, self._prune, self._rotate, self._hold, self._repair))()

    def _run(self) -> None:
        number = self._runs = self._runs + 1
        if self._chance.random() < 0.3:
            self._runs += 1
            self._stored.add(self._runs)
            self._until_done("run", number, beside=self._job("run", self._runs))
        else:
            self._until_done("run", number)
        self._restic_restores(self._runs)

    def _prune(self) -> None:
        removed = set(self._chance.sample(sorted(self._stored), len(self._stored) - KEPT))
        self._stored -= removed
        self._going = removed
        self._until_done("prune", [snapshot.id for snapshot in self._open().snapshots() if number_of(snapshot) in removed])
        self._going = set()
        repository = self._open()
        assert check(repository, read_data=True) == []
        assert set(map(number_of, repository.snapshots())) == self._stored
        assert not plan_prune(repository, tolerated_waste=0.0).changes
        assert [path.name for path in self._folder.rglob("*-tmp-*")] == []

    def _rotate(self) -> None:
        old, new = self._secrets[0], f"passphrase {self._chance.random()}"
        self._secrets = [new, old]
        self._until_done("rotate", new)
        self._secrets = [new]
        assert len(self._open().key_files()) == 2
        with pytest.raises(WrongPassphrase):
            open_repository(self._storage, old)

    def _hold(self) -> None:
        self._until_done("hold", None)
        held = self._open().snapshots()
        assert {(number_of(snapshot), snapshot.tags) for snapshot in held} == {(number, HELD) for number in self._stored}
        assert not {snapshot.original for snapshot in held} & {snapshot.id for snapshot in held}

    def _repair(self) -> None:
        """The index is lost, in part or whole, by a disk rather than by us; nothing else changes while it is made again."""
        for index in [stored.name for stored in self._storage.list(FileKind.INDEX) if self._chance.random() < 0.7]:
            path = self._folder / "repository" / "index" / index
            path.write_bytes(path.read_bytes()[:-1]) if self._chance.random() < 0.5 else path.unlink()
        packs = set(self._storage.list(FileKind.DATA))
        self._until_done("repair", None, is_damaged=True)
        assert set(self._storage.list(FileKind.DATA)) >= packs

    def _until_done(self, what: str, argument: t.Any, *, is_damaged: bool = False, beside: Job | None = None) -> None:
        job = self._job(what, argument)
        number = argument if what == "run" else -1
        for _time in range(self._chance.randint(1, 3)):
            death = self._death(what)
            print(job, death, beside)
            ended = self._warden.do(job, **death, beside=beside)
            beside = None
            self.kills += ended.was_killed
            self._examine(number, is_damaged and ended.was_killed)
            if not ended.was_killed:
                break
            if not is_damaged and self._chance.random() < RESTIC_PRUNES:
                self._restic("unlock", takes_locks=True)
                self._restic("prune", "--max-unused", "0", takes_locks=True)
                self._examine(number, is_damaged=False)
        known, indexes = (set(), set()) if is_damaged else self._indexed(set())
        began = time.monotonic()
        ended = self._warden.do(job)
        self._seconds[what] = time.monotonic() - began
        self._calls[what] = max(self._calls.get(what, 1), int(ended.said["calls"][0]))
        self._examine(number, is_damaged=False)
        if what == "run":
            self._stored.add(number)
            stored_now, _indexes = self._indexed(indexes)
            assert not known & stored_now, "what was stored is stored again"

    def _job(self, what: str, argument: t.Any) -> Job:
        cache = None if self._cache is None else str(self._cache)
        return {"what": what, "with": argument, "location": self._storage.location, "secrets": self._secrets, "cache": cache}

    def _death(self, what: str) -> dict[str, t.Any]:
        if self._chance.random() < 0.4:
            return {"lives": self._chance.uniform(0, self._seconds.get(what, 0.05))}
        return {"dies_at": self._chance.randint(1, self._calls.get(what, 30)), "moment": self._chance.choice(MOMENTS)}

    def _examine(self, number: int, is_damaged: bool) -> None:
        """All that was stored is there and restores, and so does a snapshot that was published a moment before anybody could be told."""
        repository = self._open()
        found = repository.snapshots()
        numbers = set(map(number_of, found))
        assert self._stored <= numbers <= self._stored | self._going | {number}
        if is_damaged:
            return
        for snapshot in found:
            assert restore(repository, snapshot) == files(number_of(snapshot))
        assert [finding for finding in check(repository, read_data=True) if finding.severity is Severity.ERROR] == []
        self._restic("check", "--read-data")

    def _indexed(self, but: set[str]) -> tuple[set[t.Any], set[str]]:
        """The blobs that index files name, and these index files."""
        repository = self._open()
        names = {stored.name for stored in self._storage.list(FileKind.INDEX)} - but
        packs = [pack for name in names for pack in read_index(repository.files, IndexId(name))]
        return {(blob.kind, blob.id) for pack in packs for blob in pack.blobs}, names

    def _restic_restores(self, number: int) -> None:
        target = self._folder / "restored"
        (snapshot, *_copies) = [snapshot for snapshot in self._open().snapshots() if number_of(snapshot) == number]
        if self._restic("restore", snapshot.id, "--target", str(target)):
            found = {path.relative_to(target).parts: path.read_bytes() for path in target.rglob("*") if path.is_file()}
            assert found == files(number)
            shutil.rmtree(target)

    def _restic(self, *arguments: str, takes_locks: bool = False) -> bool:
        """The second opinion, where it is to be had. To check it takes no lock: that of the killed process is left to our next one."""
        if shutil.which("restic") is None:
            return False
        environment = {"PATH": os.environ["PATH"], "HOME": str(self._folder), "RESTIC_PASSWORD": RECOVERY}
        command = ["restic", "--no-cache", *([] if takes_locks else ["--no-lock"]), "-r", self._storage.location, *arguments]
        judged = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert judged.returncode == 0, judged.stdout + judged.stderr
        return True

    def _open(self) -> Repository:
        """By a passphrase; the recovery key opens at any time."""
        open_repository(self._storage, RECOVERY)
        for secret in self._secrets[:-1]:
            try:
                return open_repository(self._storage, secret, cache_folder=self._cache)
            except WrongPassphrase:
                continue
        return open_repository(self._storage, self._secrets[-1], cache_folder=self._cache)


@pytest.mark.parametrize("seed", SEEDS)
def test_inv02_kill_9_at_any_moment_loses_nothing_and_the_next_one_goes_on(warden: Warden, tmp_path: FilePath, seed: int) -> None:
    ordeal = Ordeal(warden, tmp_path, seed)
    while ordeal.kills < KILLS:
        ordeal.suffer()
