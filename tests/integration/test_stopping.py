# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tasks that are asked to end: what was read is kept, locks are given back, and the next task goes on from there."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import signal
import threading
import time
import typing as t
from datetime import timedelta
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._signals import listen
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.layout import CHECKPOINT, outcome_of
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.results import Outcome, RunResult
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.stopping import Deadline, Stop, Stopped, StopReason
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.locks import hold_lock
from ansible_collections.tenantvault.m365_backup.tests.integration.backups import Backup, mail_of, needs_restic, now
from ansible_collections.tenantvault.m365_backup.tests.integration.playbook import Answer, Playbook, Task
from ansible_collections.tenantvault.m365_backup.tests.integration.stored_plan import declare
from tenant.harness import RunningTenant, running_tenant

ALICE, BOB = "alice@contoso.com", "bob@contoso.com"
PATIENCE = 60.0
ON_THEIR_WAY = 8
"""So many items may be asked for when the signal comes, and are asked for again."""


@pytest.fixture
def tenant() -> t.Iterator[RunningTenant]:
    with running_tenant() as running:
        for user in (ALICE, BOB):
            running.control.add_user(user)
        yield running


@pytest.fixture(autouse=True)
def listening() -> t.Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    listen()
    yield
    signal.signal(signal.SIGTERM, before)


def until(condition: t.Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)


def asked(tenant: RunningTenant, operation: str) -> int:
    """How often this was asked for since the log began."""
    return int(tenant.control.stats()["by_operation"].get(operation, 0))


def stopped_run(backup: Backup, operation: str, number: int, *, workers: int = 1) -> RunResult:
    """What a run says that gets SIGTERM when it has asked for so many items."""

    def end_it() -> None:
        until(lambda: asked(backup.tenant, operation) >= number)
        os.kill(os.getpid(), signal.SIGTERM)

    backup.tenant.control.reset_log()
    backup.tenant.control.set_latency(30)
    killer = threading.Thread(target=end_it)
    killer.start()
    with Stop(now).watching() as stop:
        result = backup.run(workers=workers, stop=stop)
    killer.join()
    backup.tenant.control.set_latency(0)
    assert not multiprocessing.active_children()
    assert not list((backup.location / "locks").iterdir())
    backup.restic("check", "--read-data")
    return result


def left_of(result: RunResult) -> list[str]:
    """Members with a source that the run did not come to the end of."""
    return [member.principal_name for member in result.members if any(source.is_left for source in member.sources)]


@needs_restic
@pytest.mark.parametrize("workers", [1, 2])
def test_inv04_a_run_that_is_stopped_keeps_what_it_has_read_and_the_next_one_reads_the_rest(
    tenant: RunningTenant, tmp_path: Path, workers: int
) -> None:
    control = tenant.control
    control.deliver_generated(ALICE, 20, folder=None, size_limit=20_000)
    first = Backup(tenant=tenant, folder=tmp_path, users=(ALICE,)).run()
    before = mail_of(tenant, ALICE)
    control.deliver_generated(ALICE, 60, folder="inbox", first=1_000, size_limit=20_000)
    control.deliver_generated(BOB, 60, folder=None, first=2_000, size_limit=20_000)
    backup = Backup(tenant=tenant, folder=tmp_path, users=(ALICE, BOB))

    result = stopped_run(backup, "message_mime", 40, workers=workers)
    assert result.stopped == Stopped(StopReason.SIGNAL, "it got the signal SIGTERM")
    assert (result.outcome, result.is_changed, left_of(result)) == (Outcome.PARTIAL, True, [ALICE, BOB])
    snapshots = backup.repository().snapshots()
    assert (snapshots[-1].id, outcome_of(snapshots[-1].tags)) == (result.snapshot_id, CHECKPOINT)
    assert first.snapshot_id is not None
    assert sorted(backup.restored_by_restic(first.snapshot_id).values()) == before

    had = asked(tenant, "message_mime")
    assert 40 <= had < 120 - ON_THEIR_WAY
    control.reset_log()
    again = backup.run(workers=workers)
    assert (again.outcome, again.stopped) == (Outcome.COMPLETE, None)
    assert asked(tenant, "message_mime") <= 120 - had + ON_THEIR_WAY
    assert sorted(backup.restored_by_restic().values()) == mail_of(tenant, ALICE, BOB)


@needs_restic
@pytest.mark.parametrize("kind", ["onedrive", "archive"])
def test_what_was_read_of_drives_and_archives_is_kept_too(tenant: RunningTenant, tmp_path: Path, kind: str) -> None:
    control, operation, items = tenant.control, "export_items", 120
    if kind == "onedrive":
        operation = "drive_download"
        control.create_drive(ALICE)
        for number in range(items):
            control.put_file(ALICE, f"/Files/{number}.bin", seed=number, size=2_000)
        backup = Backup(tenant=tenant, folder=tmp_path, users=(ALICE,), backup_type="onedrive")
    else:
        archive = control.create_archive(ALICE)["archive"]
        control.create_folder(archive, "Old mail")
        control.deliver_generated(archive, items, folder=["Old mail"], size_limit=3_000)
        backup = Backup(tenant=tenant, folder=tmp_path, users=(ALICE,), archives=True)

    result = stopped_run(backup, operation, 6)
    assert (result.outcome, result.is_changed, left_of(result)) == (Outcome.PARTIAL, True, [ALICE])
    had = asked(tenant, operation)
    control.reset_log()
    again = backup.run()
    assert again.outcome is Outcome.COMPLETE
    assert again.counts.total == items
    assert 0 < again.counts.fetched < items
    whole = items if kind == "onedrive" else items // 10
    assert asked(tenant, operation) <= whole - had + ON_THEIR_WAY


def test_a_run_whose_time_is_over_before_it_reads_changes_nothing(tenant: RunningTenant, tmp_path: Path) -> None:
    control = tenant.control
    control.deliver_generated(ALICE, 3, folder=None)
    backup = Backup(tenant=tenant, folder=tmp_path, users=(ALICE,))
    over = Deadline(now() - timedelta(seconds=1), Stopped(StopReason.WINDOW, "the window of its plan closed at 06:00 CET"))
    with Stop(now, over).watching() as stop:
        until(lambda: stop.is_asked)
        result = backup.run(stop=stop)
    assert (result.outcome, result.is_changed, result.snapshot_id, left_of(result)) == (Outcome.PARTIAL, False, None, [ALICE])
    assert result.as_dict()["stopped"] == "window"
    assert not backup.repository().snapshots()
    assert not list((backup.location / "locks").iterdir())


def children() -> dict[int, list[str]]:
    """{process: its arguments} of all below this process."""
    found: dict[int, list[str]] = {}
    waiting = [os.getpid()]
    while waiting:
        parent = waiting.pop()
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{parent}/task").iterdir():
                for child in map(int, (task / "children").read_text(encoding="ascii").split()):
                    found[child] = Path(f"/proc/{child}/cmdline").read_text(encoding="utf-8").split("\0")
                    waiting.append(child)
    return found


def process_of(program: str) -> int | None:
    """The process below this one that Python runs with that program."""
    return next((pid for pid, arguments in children().items() if any(program in each for each in arguments[1:2])), None)


def listens(pid: int | None) -> bool:
    """Whether a process does something of its own when it gets SIGTERM, see C(proc_pid_status(5))."""
    if pid is None:
        return False
    caught = next(line for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1)


def run_and_end(playbook: Playbook, *tasks: Task, when: t.Callable[[], object], program: str, locks: int = 0) -> list[Answer]:
    """The answers of tasks, none if ansible-playbook gave none, after the C(program) of the last got SIGTERM as soon as C(when) held.

    C(locks) are those that others hold.
    """
    answers: list[Answer] = []

    def run() -> None:
        with contextlib.suppress(AssertionError):
            answers.extend(playbook.run(*tasks).answers)

    thread = threading.Thread(target=run)
    thread.start()
    until(when)
    module = process_of("AnsiballZ_")
    victim = process_of(program)
    assert module is not None
    assert victim is not None
    os.kill(victim, signal.SIGTERM)
    thread.join()
    until(lambda: not Path(f"/proc/{module}").exists())
    assert len(list((playbook.repository / "locks").iterdir())) == locks
    return answers


def test_a_run_that_its_service_or_ansible_ends_says_so_and_leaves_a_checkpoint(tenant: RunningTenant, tmp_path: Path) -> None:
    playbook, control = Playbook(tenant=tenant, folder=tmp_path), tenant.control
    control.add_group("Sales")
    for user in (ALICE, BOB):
        control.add_member("Sales", user)
        control.deliver_generated(user, 100, folder=None, size_limit=10_000)
    repository = declare(playbook, sources=["mail"])
    task = playbook.task("m365_backup_run", plan="sales", fail_on_partial=False)
    control.set_latency(40)

    wrong = playbook.task("m365_backup_run", plan="sales", max_minutes=0)
    refused, answer = run_and_end(
        playbook, wrong, task, when=lambda: asked(tenant, "message_mime") >= 20, program="AnsiballZ_m365_backup_run"
    )
    assert "max_minutes must be 1 or more, not 0" in refused["msg"]
    assert (answer["failed"], answer["stopped"], answer["outcome"], answer["changed"]) == (True, "signal", "partial", True)
    assert "was stopped because it got the signal SIGTERM; 0 of 2 members had been read to their end" in answer["msg"]
    assert [outcome_of(snapshot.tags) for snapshot in repository.snapshots()] == [CHECKPOINT]
    had = asked(tenant, "message_mime")

    assert not run_and_end(playbook, task, when=lambda: asked(tenant, "message_mime") >= had + 20, program="ansible-playbook")
    records = [json.loads(path.read_text(encoding="utf-8")) for path in sorted((playbook.state_path / "runs" / "sales").glob("*.json"))]
    assert [(record["stopped"], record["outcome"]) for record in records] == [("signal", "partial")] * 2
    assert [outcome_of(snapshot.tags) for snapshot in repository.snapshots()] == [CHECKPOINT] * 2


def test_a_restore_and_a_prune_that_are_ended_give_their_locks_back(tenant: RunningTenant, tmp_path: Path) -> None:
    playbook, control = Playbook(tenant=tenant, folder=tmp_path), tenant.control
    control.add_group("Sales")
    control.add_member("Sales", ALICE)
    control.deliver_generated(ALICE, 60, folder="inbox", size_limit=10_000)
    repository = declare(playbook, sources=["mail"], retention={"keep_last": 1})
    control.set_latency(30)
    run = playbook.task("m365_backup_run", plan="sales")
    restore = playbook.task("m365_backup_restore", plan="sales", member=ALICE, target_mailbox=BOB, sources=["mail"])
    answers = run_and_end(playbook, run, restore, when=lambda: len(control.messages(BOB)) >= 8, program="AnsiballZ_m365_backup_restore")
    assert [answer["failed"] for answer in answers] == [False, True]
    assert answers[1]["msg"].startswith("The task was stopped by SIGTERM before it was through.")
    assert len(control.messages(BOB)) < 60

    control.set_latency(0)
    prune = playbook.task("m365_backup_prune", plan="sales", lock_timeout=600)
    program = "AnsiballZ_m365_backup_prune"
    with hold_lock(repository.files, repository.clock, exclusive=False):  # for which it waits
        answers = run_and_end(playbook, restore, prune, when=lambda: listens(process_of(program)), program=program, locks=1)
    assert [answer["failed"] for answer in answers] == [False, True]
    assert answers[1]["msg"].startswith("The task was stopped by SIGTERM before it was through.")
    subjects = sorted(message["subject"] for message in control.messages(ALICE))
    assert sorted(message["subject"] for message in control.messages(BOB)) == subjects
