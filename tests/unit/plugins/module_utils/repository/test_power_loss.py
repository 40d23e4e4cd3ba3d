# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The log of all that a repository's life does to a disk, cut at every change, with what was not synced lost in part or whole."""

from __future__ import annotations

import contextlib
import copy
import os
import random
import re
import shutil
import subprocess
import sys
import typing as t
from datetime import datetime, timedelta
from pathlib import Path as FilePath

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.check import Severity, check
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.errors import RepositoryError, WrongPassphrase
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.prune import prune
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import (
    Repository,
    create_repository,
    open_repository,
    repository_exists,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_local import LocalStorage
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository import life
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.disk_calls import watched
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.life import (
    NEW_PASSPHRASE,
    RECOVERY,
    HastyClock,
    files,
    live,
    mend,
    number_of,
    run,
)
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.power_loss import (
    Change,
    Disk,
    DiskLog,
    after_everything,
    possible_disks,
)
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import CHEAP, PASSPHRASE, restore

SEEDS = range(int(os.environ.get("M365_TORTURE", "1")))
LONGER_LOOK = 0.1
EVERY_FOLDER = 64  # of the 256 for packs, which are made one after the other


class TomorrowsClock(HastyClock):
    """After the power is back."""

    def now(self) -> datetime:
        return super().now() + timedelta(days=1)


class Promises:
    """What must be there after all that was said."""

    def __init__(self) -> None:
        self.is_made = self.is_damaged = False
        self.stored: set[int] = set()
        self.going: set[int] = set()
        self.secrets = [PASSPHRASE]

    def hear(self, what: str, *rest: int) -> None:
        if what == "made":
            self.is_made = True
        elif what == "stored":
            self.stored.update(rest)
        elif what == "going":
            self.stored.difference_update(rest)
            self.going.update(rest)
        elif what == "rotating":
            self.secrets = [NEW_PASSPHRASE, PASSPHRASE]
        elif what == "rotated":
            self.secrets = [NEW_PASSPHRASE]
        elif what == "damaging":
            self.is_damaged = True
        elif what == "mended":
            self.is_damaged = False


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> DiskLog:
    folder = tmp_path_factory.mktemp("life")
    log = DiskLog(str(folder))
    with watched(log):
        live(str(folder / "repository"), log.say)
    found: Disk = {str(path.relative_to(folder)): None if path.is_dir() else path.read_bytes() for path in sorted(folder.rglob("*"))}
    assert after_everything(log.changes) == found, "the log of the disk is incomplete"
    return log


class Bench:
    """A folder that is made to look like one disk after the other; only what differs is touched."""

    def __init__(self, folder: FilePath) -> None:
        self.repository = folder / "repository"
        self._folder = folder
        self._disk: Disk = {}
        folder.mkdir()

    def put(self, disk: Disk) -> None:
        for path in sorted(self._disk, reverse=True):
            if path not in disk or disk[path] != self._disk[path]:
                (self._folder / path).rmdir() if self._disk[path] is None else (self._folder / path).unlink()
                del self._disk[path]
        for path, content in disk.items():
            if path not in self._disk:
                (self._folder / path).mkdir() if content is None else (self._folder / path).write_bytes(content)
                self._disk[path] = content

    def clear(self) -> None:
        """Forget a folder that somebody has changed."""
        shutil.rmtree(self._folder)
        self._folder.mkdir()
        self._disk = {}


def survey(changes: t.Sequence[Change], folder: FilePath, seed: int) -> int:
    """Cut the power after every change, look at every disk that this may leave, and say how many there were."""
    chance = random.Random(seed)
    bench = Bench(folder / "disk")
    promises = Promises()
    seen: set[int] = set()
    for length in range(1, len(changes) + 1):
        if changes[length - 1].said:
            promises.hear(*changes[length - 1].said)
        if makes_folder(changes[length - 1]) and length % EVERY_FOLDER:
            continue
        for disk in possible_disks(changes[:length], chance):
            fingerprint = hash((*promises.stored, *promises.secrets, promises.is_damaged, *disk.items()))
            if fingerprint in seen:
                continue
            seen.add(fingerprint)
            bench.put(disk)
            try:
                examine(bench.repository, promises)
                if promises.is_damaged or chance.random() < LONGER_LOOK:
                    go_on(bench.repository, promises, folder)
                    bench.clear()
            except (RepositoryError, AssertionError) as error:
                where = f"seed {seed}, after change {length} of {len(changes)}: {changes[length - 1]}"
                raise AssertionError(f"{where}: {error}") from error
    return len(seen)


def makes_folder(change: Change) -> bool:
    return any(inode is not None and inode.is_folder for _path, inode in change.names)


def examine(location: FilePath, promises: Promises) -> None:
    storage = LocalStorage(location)
    if not promises.is_made and not repository_exists(storage):
        return
    repository = open_by_one_of(storage, promises.secrets)
    found = repository.snapshots()
    numbers = set(map(number_of, found))
    assert promises.stored <= numbers <= promises.stored | promises.going | {len(promises.stored | promises.going)}
    if promises.is_damaged:
        return
    for snapshot in found:
        assert restore(repository, snapshot) == files(number_of(snapshot))
    assert [finding for finding in check(repository, read_data=True) if finding.severity is Severity.ERROR] == []


def open_by_one_of(storage: LocalStorage, secrets: t.Iterable[str]) -> Repository:
    """While a passphrase is exchanged the old one or the new one opens, the recovery key always."""
    open_repository(storage, RECOVERY)
    for secret in secrets:
        with contextlib.suppress(WrongPassphrase):
            return open_repository(storage, secret, clock=TomorrowsClock())
    raise AssertionError("no passphrase opens")


def go_on(location: FilePath, promises: Promises, home: FilePath) -> None:
    """Use the repository as if nothing had happened, and hear restic's opinion before and after."""
    storage = LocalStorage(location)
    if promises.is_damaged:
        mend(open_by_one_of(storage, promises.secrets))
        promises = copy.copy(promises)
        promises.is_damaged = False
        examine(location, promises)
    if repository_exists(storage):
        restic_finds_no_error(location, home)
        repository = open_by_one_of(storage, promises.secrets)
    else:
        repository = create_repository(storage, PASSPHRASE, recovery_passphrase=RECOVERY, kdf=CHEAP, clock=TomorrowsClock())
    snapshot = run(repository, 9)
    assert restore(open_repository(storage, RECOVERY), snapshot) == files(9)
    prune(repository, tolerated_waste=0.0)
    restic_finds_no_error(location, home)


def restic_finds_no_error(location: FilePath, home: FilePath) -> None:
    """The second opinion, where it is to be had."""
    if shutil.which("restic"):
        environment = {"PATH": os.environ["PATH"], "HOME": str(home), "RESTIC_PASSWORD": RECOVERY}
        command = ["restic", "--no-cache", "--no-lock", "-r", str(location), "check", "--read-data"]
        judged = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert judged.returncode == 0, judged.stdout + judged.stderr


@pytest.mark.parametrize("seed", SEEDS)
def test_inv02_whatever_a_power_loss_leaves_is_a_sound_repository(log: DiskLog, tmp_path: FilePath, seed: int) -> None:
    assert survey(log.changes, tmp_path, seed) > 200


@pytest.mark.parametrize("folders", [True, False], ids=["folders", "files"])
def test_a_storage_that_forgot_to_sync_would_be_found_out(log: DiskLog, tmp_path: FilePath, folders: bool) -> None:
    forgetful = [change for change in log.changes if not (change.synced and change.inode and change.inode.is_folder is folders)]
    with pytest.raises(AssertionError, match="after change"):
        survey(forgetful, tmp_path, seed=0)


def can_trace() -> bool:
    return shutil.which("strace") is not None and subprocess.run(["strace", "-o", os.devnull, "true"], check=False).returncode == 0


@pytest.mark.skipif(not can_trace(), reason="strace is not there or not allowed: it shows what reaches the kernel (apt-get install strace)")
def test_inv02_every_file_is_synced_before_it_gets_its_name_and_its_folder_after(tmp_path: FilePath) -> None:
    """As the kernel sees it, thread by thread: nothing else is published or deleted before the last name is synced."""
    location, trace = tmp_path / "repository", tmp_path / "trace"
    calls = "trace=write,pwrite64,writev,fsync,fdatasync,rename,renameat,renameat2,link,linkat,unlink,unlinkat"
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))
    command = [
        "strace",
        "-f",
        "--seccomp-bpf",
        "-y",
        "-s",
        "0",
        "-e",
        calls,
        "-o",
        str(trace),
        sys.executable,
        life.__file__,
        str(location),
    ]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    dirty: set[str] = set()
    owed: dict[str, str] = {}
    published = deleted = 0
    for thread, call, paths in kernel_calls(trace.read_text(), str(location)):
        if "write" in call:
            dirty.add(paths[0])
        elif "sync" in call:
            dirty.discard(paths[0])
            if owed.get(thread) == paths[0]:
                del owed[thread]
        elif "link" in call and paths[-1].rpartition("-tmp-")[1]:
            continue
        else:
            assert thread not in owed, f"{owed[thread]} was not synced before {call} {paths}"
            owed[thread] = os.path.dirname(paths[-1])
            published += len(paths) == 2
            deleted += len(paths) == 1
            assert paths[0] not in dirty, f"{paths[0]} was not synced before it was published"
    assert owed == {}
    assert published > 30
    assert deleted > 10


def kernel_calls(trace: str, location: str) -> t.Iterator[tuple[str, str, list[str]]]:
    """Thread, call, and the paths below C(location), of every call that concerns it and succeeded."""
    for line in whole_lines(trace):
        match = re.match(r"(\d+) +(\w+)\((.*)\) += (\d+)", line)
        if match:
            paths = re.findall(rf'["<]({re.escape(location)}(?:/[^">]*)?)[">]', match.group(3))
            if paths:
                yield match.group(1), match.group(2), paths


def whole_lines(trace: str) -> t.Iterator[str]:
    """A call during which another thread made one has two lines; they count where it ended."""
    begun: dict[str, str] = {}
    for line in trace.splitlines():
        thread = line.partition(" ")[0]
        if line.endswith("<unfinished ...>"):
            begun[thread] = line.removesuffix("<unfinished ...>")
        elif resumed := re.match(r"\d+ +<\.\.\. \w+ resumed>(.*)", line):
            yield begun.pop(thread, thread) + resumed.group(1)
        else:
            yield line


def test_a_call_that_the_trace_shows_in_two_lines_counts_once() -> None:
    trace = '7 fsync(3</r/locks> <unfinished ...>\n8 unlink("/r/locks/a") = 0\n7 <... fsync resumed>) = 0\n'
    assert list(kernel_calls(trace, "/r")) == [("8", "unlink", ["/r/locks/a"]), ("7", "fsync", ["/r/locks"])]
