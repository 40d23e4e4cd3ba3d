# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs whose members are read by several processes: the same backup, whoever of them dies."""

from __future__ import annotations

import contextlib
import errno
import json
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import threading
import time
import typing as t
from datetime import datetime, timezone
from multiprocessing import popen_spawn_posix, spawn
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.results import Outcome
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.worker_processes import WorkerLost
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.errors import RepositoryDamaged, StorageError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.lock_files import lock_content
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage import FileKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.trees import walk
from ansible_collections.tenantvault.m365_backup.tests.integration import backups, killed_run
from ansible_collections.tenantvault.m365_backup.tests.integration.backups import Backup, mail_of, needs_restic
from ansible_collections.tenantvault.m365_backup.tests.integration.graph_tenant import settings_for
from tenant.harness import RunningTenant, running_tenant

USERS = tuple(f"user{number:02}@contoso.com" for number in range(12))
MESSAGES = 40
PATIENCE = 60.0


@pytest.fixture(scope="module")
def tenant() -> t.Iterator[RunningTenant]:
    with running_tenant() as running:
        for user in USERS:
            running.control.add_user(user)
            running.control.deliver_generated(user, MESSAGES, folder=None, size_limit=30_000)
        yield running


def tree_of(backup: Backup) -> dict[str, object]:
    """What the latest snapshot holds of members, by path: contents of files but for what tells runs apart."""
    repository = backup.repository()
    files = walk(repository, repository.snapshots()[-1].tree)
    return {"/".join(path): node.content for path, node in files if node.subtree is None and path[1] != ".m365"}


def until(condition: t.Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)


def workers_now() -> list[int]:
    return [child.pid for child in multiprocessing.active_children() if child.name == "m365-backup-worker" and child.pid]


@contextlib.contextmanager
def in_the_middle(tenant: RunningTenant, *, bodies: int) -> t.Iterator[None]:
    """Slow enough that the block is entered while a run, which somebody has just started, has read so many bodies."""
    until(lambda: tenant.control.stats()["by_operation"].get("message_mime", 0) >= bodies)
    yield


@needs_restic
def test_three_workers_leave_the_tree_that_one_process_leaves(tenant: RunningTenant, tmp_path: Path) -> None:
    alone = Backup(tenant=tenant, folder=tmp_path / "alone", users=USERS)
    together = Backup(tenant=tenant, folder=tmp_path / "together", users=USERS)
    one, three = alone.run(), together.run(workers=3)
    assert (three.outcome, three.counts, three.is_changed) == (Outcome.COMPLETE, one.counts, True)
    assert three.requests == one.requests + 3  # each worker logs in
    assert three.stored_bytes == sum(
        path.stat().st_size for kind in ("data", "index") for path in (together.location / kind).rglob("*") if path.is_file()
    )
    assert tree_of(together) == tree_of(alone)
    together.restic("check", "--read-data")
    assert not list((together.location / "locks").iterdir())

    again = together.run(workers=3)
    assert (again.outcome, again.is_changed, again.stored_bytes, again.snapshot_id) == (Outcome.COMPLETE, False, 0, None)


@needs_restic
def test_inv04_members_of_a_worker_that_is_killed_are_named_and_the_next_run_completes_them(tenant: RunningTenant, tmp_path: Path) -> None:
    backup = Backup(tenant=tenant, folder=tmp_path, users=USERS)
    backup.repository()
    tenant.control.reset_log()
    tenant.control.set_latency(40)

    def kill_one() -> None:
        with in_the_middle(tenant, bodies=30):
            os.kill(workers_now()[0], signal.SIGKILL)

    killer = threading.Thread(target=kill_one)
    killer.start()
    result = backup.run(workers=2)
    killer.join()
    tenant.control.set_latency(0)
    failed = [member for member in result.members if member.outcome is Outcome.FAILED]
    assert result.outcome is Outcome.PARTIAL
    assert 0 < len(failed) <= len(USERS) // 2  # they were dealt out evenly
    findings = [finding for member in failed for source in member.sources for finding in source.findings]
    assert all("was killed by the signal SIGKILL" in finding.reason for finding in findings)
    assert {finding.object.rsplit(" ", 1)[-1] for finding in findings} == {member.principal_name for member in failed}
    backup.restic("unlock")
    backup.restic("check", "--read-data")

    assert backup.run(workers=2).outcome is Outcome.COMPLETE
    assert sorted(backup.restored_by_restic().values()) == mail_of(tenant, *USERS)


@needs_restic
@pytest.mark.parametrize(("number", "locks"), [(signal.SIGKILL, 1), (signal.SIGINT, 0)])
def test_inv02_workers_end_with_their_parent_and_the_next_run_goes_on_from_its_checkpoint(
    tenant: RunningTenant, tmp_path: Path, number: signal.Signals, locks: int
) -> None:
    backup = Backup(tenant=tenant, folder=tmp_path, users=USERS)
    backup.repository()
    tenant.control.reset_log()
    tenant.control.set_latency(40)
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))
    command = [sys.executable, killed_run.__file__, json.dumps(killed_run.job_of(backup, workers=2))]
    parent = subprocess.Popen(command, env=environment, start_new_session=True, stderr=subprocess.PIPE, text=True)
    until(backup.repository().snapshots)  # its first checkpoint, less than halfway; the file alone may still be being written
    workers = [int(pid) for pid in Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text(encoding="ascii").split()]
    (os.kill if number is signal.SIGKILL else os.killpg)(parent.pid, number)
    _output, errors = parent.communicate()
    assert (parent.returncode, errors.count("Traceback")) == (-number, number is signal.SIGINT)
    assert len(workers) >= 2
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))
    tenant.control.set_latency(0)
    # The workers gave their locks back; the one of a parent that was killed is known to be dead on this host.
    assert len(list((backup.location / "locks").iterdir())) == locks
    backup.restic("--no-lock", "check", "--read-data")
    tenant.control.reset_log()
    assert backup.run(workers=2).outcome is Outcome.COMPLETE
    assert tenant.control.stats()["by_operation"]["message_mime"] < len(USERS) * MESSAGES
    assert sorted(backup.restored_by_restic().values()) == mail_of(tenant, *USERS)


@pytest.fixture
def in_seconds() -> t.Iterator[None]:
    """What hangs is interrupted."""

    def interrupt(_number: int, _frame: object) -> t.NoReturn:
        raise AssertionError("it hangs")

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.alarm(20)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.usefixtures("in_seconds")
def test_workers_that_end_before_they_listen_hang_nobody_up(tenant: RunningTenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    large = settings_for(tenant, environment={"LARGE": "x" * 400_000})  # workers are told of it, and it is more than a pipe holds
    monkeypatch.setattr(backups, "settings_for", lambda _tenant: large)
    monkeypatch.setattr(spawn, "_python_exe", spawn.get_executable())
    spawn.set_executable("/bin/false")
    backup = Backup(tenant=tenant, folder=tmp_path, users=USERS)
    with pytest.raises(RuntimeError, match="exit code 1"):
        backup.run(workers=2)
    assert not list((backup.location / "locks").iterdir())


def test_a_system_that_lets_no_process_start_is_told_of_in_a_sentence(
    tenant: RunningTenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spawn, "_python_exe", spawn.get_executable())
    monkeypatch.setattr(popen_spawn_posix.util, "spawnv_passfds", no_more_processes)
    with pytest.raises(WorkerLost, match=r"Resource temporarily unavailable\. Let the run have fewer workers"):
        Backup(tenant=tenant, folder=tmp_path, users=USERS).run(workers=2)


def no_more_processes(*_arguments: object) -> t.NoReturn:
    raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))


def test_inv08_a_worker_waits_while_somebody_sees_that_the_repository_is_in_use(tenant: RunningTenant, tmp_path: Path) -> None:
    backup = Backup(tenant=tenant, folder=tmp_path, users=USERS[:2])
    repository = backup.repository()
    name, lock = repository.files.seal(lock_content(datetime.now(timezone.utc), "elsewhere", exclusive=True))

    def want_it_alone() -> None:
        until(workers_now)
        repository.storage.put(FileKind.LOCK, name, lock)
        time.sleep(2)
        repository.storage.delete(FileKind.LOCK, name)

    other = threading.Thread(target=want_it_alone)
    other.start()
    result = backup.run(workers=2)
    other.join()
    assert result.outcome is Outcome.COMPLETE


@pytest.fixture
def files_stay_small() -> t.Iterator[None]:
    """No file of this process and its children may grow beyond 1 MB, as if the disk were full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("files_stay_small")
def test_a_repository_that_takes_no_more_from_a_worker_ends_the_run_with_its_own_words(tenant: RunningTenant, tmp_path: Path) -> None:
    backup = Backup(tenant=tenant, folder=tmp_path, users=USERS)
    with pytest.raises(StorageError, match="File too large"):
        backup.run(workers=2)
    assert not backup.repository().snapshots()
    assert not workers_now()
    assert not list((backup.location / "locks").iterdir())


def test_damage_that_a_worker_finds_arrives_as_the_error_that_it_is(tenant: RunningTenant, tmp_path: Path) -> None:
    backup = Backup(tenant=tenant, folder=tmp_path, users=USERS)
    backup.run()
    key = next(iter(backup.repository().storage.list(FileKind.INDEX)))
    path = backup.location / "index" / key.name
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(RepositoryDamaged):
        backup.run(workers=2)
    assert not workers_now()
