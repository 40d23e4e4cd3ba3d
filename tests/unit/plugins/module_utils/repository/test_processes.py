# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real processes on a real disk, beside one another."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.check import check
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.prune import prune
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import create_repository, open_repository
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_local import LocalStorage
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository import busy_program
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import CHEAP, PASSPHRASE, restore


def start(path: Path, times: int) -> subprocess.Popen[str]:
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))
    command = [sys.executable, busy_program.__file__, str(path), str(times)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def test_inv08_several_processes_write_at_the_same_time(tmp_path: Path) -> None:
    path = tmp_path / "repository"
    create_repository(LocalStorage(path), PASSPHRASE, kdf=CHEAP)
    processes = [start(path, 4) for _round in range(3)]
    stored = {line for process in processes for line in process.communicate()[0].splitlines()}
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


def restic_finds_no_error(home: Path, path: Path) -> None:
    """The second opinion, where it is to be had."""
    if shutil.which("restic"):
        environment = {"PATH": os.environ["PATH"], "HOME": str(home), "RESTIC_PASSWORD": PASSPHRASE}
        command = ["restic", "--no-cache", "-r", str(path), "check", "--read-data"]
        subprocess.run(command, env=environment, check=True, capture_output=True)
