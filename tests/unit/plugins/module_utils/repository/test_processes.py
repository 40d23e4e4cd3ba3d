# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real processes on a real disk: beside one another, and killed."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.check import Severity, check
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.prune import prune
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import create_repository, open_repository
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_local import LocalStorage
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository import busy_program
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import CHEAP, PASSPHRASE, restore

ROUNDS = 6


def start(path: Path, *arguments: str) -> subprocess.Popen[str]:
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))
    command = [sys.executable, busy_program.__file__, str(path), *arguments]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def run_and_kill(path: Path, seconds: float) -> tuple[set[str], set[str]]:
    """What the program said it had stored, and what it may have removed."""
    with start(path) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        timer = threading.Timer(seconds, process.kill)
        timer.start()
        lines = [first, *process.stdout]
        timer.join()
    assert process.returncode == -signal.SIGKILL
    words = [line.split() for line in lines if line.endswith("\n")]
    return {name for word, name in words if word == "stored"}, {name for word, name in words if word == "pruning"}


def test_inv08_several_processes_write_at_the_same_time(tmp_path: Path) -> None:
    path = tmp_path / "repository"
    create_repository(LocalStorage(path), PASSPHRASE, kdf=CHEAP)
    processes = [start(path, "4") for _round in range(3)]
    stored = {line.split()[1] for process in processes for line in process.communicate()[0].splitlines()}
    assert [process.returncode for process in processes] == [0, 0, 0]
    repository = open_repository(LocalStorage(path), PASSPHRASE)
    snapshots = repository.snapshots()
    assert {snapshot.id for snapshot in snapshots} == stored
    assert len(stored) == 12
    assert all(len(restore(repository, snapshot)) == 10 for snapshot in snapshots)
    assert check(repository, read_data=True) == []
    restic_finds_no_error(tmp_path, path)
    prune(repository, [snapshot.id for snapshot in snapshots[1:]], tolerated_waste=0)
    assert len(restore(repository, snapshots[0])) == 10
    restic_finds_no_error(tmp_path, path)


def test_inv02_after_kill_9_everything_that_was_stored_is_there(tmp_path: Path) -> None:
    path = tmp_path / "repository"
    create_repository(LocalStorage(path), PASSPHRASE, kdf=CHEAP)
    chance = random.Random(2)
    expected: set[str] = set()
    for _round in range(ROUNDS):
        stored, pruned = run_and_kill(path, chance.uniform(0, 0.9))
        expected = (expected | stored) - pruned
        repository = open_repository(LocalStorage(path), PASSPHRASE)
        snapshots = repository.snapshots()
        assert expected <= {snapshot.id for snapshot in snapshots}
        assert all(len(restore(repository, snapshot)) == 10 for snapshot in snapshots)
        assert [finding for finding in check(repository, read_data=True) if finding.severity is Severity.ERROR] == []
    restic_finds_no_error(tmp_path, path)
    prune(repository)
    assert check(repository, read_data=True) == []
    assert list(path.rglob("*-tmp-*")) == []
    restic_finds_no_error(tmp_path, path)


def restic_finds_no_error(home: Path, path: Path) -> None:
    """The second opinion, where it is to be had; the lock of the killed program is removed as an administrator would."""
    if shutil.which("restic") is None:
        return
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "RESTIC_PASSWORD": PASSPHRASE}
    for command in (["unlock"], ["check", "--read-data"]):
        subprocess.run(["restic", "--no-cache", "-r", path, *command], env=environment, check=True, capture_output=True)
