# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The prune module as an administrator uses it, on repositories with a past."""

from __future__ import annotations

import datetime
import os
import random
import shutil
import subprocess
import typing as t
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.layout import (
    MEMBERS_FILE,
    META,
    META_TIME,
    snapshot_tags,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.members import (
    MemberState,
    SourceState,
    SourceStatus,
    members_as_json,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.keys import KdfParameters
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import (
    Repository,
    create_repository,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_local import LocalStorage
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import Node
from ansible_collections.tenantvault.m365_backup.tests.integration.playbook import PASSPHRASE, Answer, Playbook, Task
from ansible_collections.tenantvault.m365_backup.tests.integration.stored_plan import declare
from tenant.harness import RunningTenant, running_tenant

UTC = datetime.timezone.utc
DAYS = [datetime.datetime(2026, 9, day, 20, 0, tzinfo=UTC) for day in range(1, 7)]


@pytest.fixture(scope="module")
def tenant() -> t.Iterator[RunningTenant]:
    with running_tenant() as running:
        alice = f"alice@{running.domain}"
        running.control.add_user(alice)
        running.control.add_group("Sales")
        running.control.add_member("Sales", alice)
        yield running


@pytest.fixture
def playbook(tenant: RunningTenant, tmp_path: Path) -> Playbook:
    return Playbook(tenant=tenant, folder=tmp_path)


def prune_task(playbook: Playbook, plan: str = "sales", **options: t.Any) -> Task:
    return playbook.task("m365_backup_prune", plan=plan, **options)


def write_snapshot(repository: Repository, plan: str, time: datetime.datetime, *, good: str = "alice", outcome: str = "complete") -> str:
    """A snapshot with 200 KiB of its own, in which each member of ``good`` was backed up well."""
    source = {"mail": SourceState(status=SourceStatus.GOOD)}
    members = [MemberState(id=name, principal_name=name, display_name=name, directory=name, sources=source) for name in good.split()]
    content = random.Random(f"{plan} {time}").randbytes(200 << 10)
    with repository.writing() as writer:
        meta = writer.save_tree([Node.file(MEMBERS_FILE, META_TIME, writer.save_file([members_as_json(members)]))])
        group = writer.save_tree([Node.directory(META, META_TIME, meta), Node.file("content", time, writer.save_file([content]))])
        root = writer.save_tree([Node.directory(plan.capitalize(), time, group)])
        tags = snapshot_tags(plan, f"run-{time:%d}", outcome)
        return writer.save_snapshot(root, time=time, paths=["/"], tags=tags).id


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def restic(playbook: Playbook, *arguments: str) -> str:
    environment = {**os.environ, "RESTIC_PASSWORD": PASSPHRASE, "RESTIC_CACHE_DIR": str(playbook.folder / "cache")}
    command = ["restic", "-r", str(playbook.repository), "--no-lock", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout


needs_restic = pytest.mark.skipif(shutil.which("restic") is None, reason="restic is not installed")


def decisions(answer: Answer) -> dict[str, bool]:
    return {snapshot["id"]: snapshot["kept"] for snapshot in answer["snapshots"]}


@needs_restic
def test_inv09_check_mode_lists_exactly_what_the_real_run_removes(playbook: Playbook) -> None:
    repository = declare(playbook, retention={"keep_last": 2})
    ids = [write_snapshot(repository, "sales", day) for day in DAYS]
    other = write_snapshot(repository, "other", DAYS[0])
    before, data_before = size(playbook.repository), size(playbook.repository / "data")
    report = playbook.run(prune_task(playbook, check_mode=True, diff=True), arguments=["-vvvv"])
    assert PASSPHRASE not in report.output
    preview = report.answers[0]
    assert size(playbook.repository) == before
    removed, again = playbook.run(prune_task(playbook, diff=True), prune_task(playbook)).answers
    assert decisions(preview) == {**dict.fromkeys(ids[:4], False), **dict.fromkeys(ids[4:], True)}
    for fact in ("changed", "snapshots", "snapshots_kept", "snapshots_removed", "bytes_freed", "bytes_rewritten", "diff"):
        assert preview[fact] == removed[fact], fact
    assert (removed["snapshots_removed"], removed["snapshots_kept"]) == (4, 2)
    assert removed["bytes_freed"] > 4 * 200 << 10
    assert data_before - size(playbook.repository / "data") == removed["bytes_freed"]
    assert (again["changed"], again["bytes_freed"], decisions(again)) == (False, 0, dict.fromkeys(ids[4:], True))
    listed = restic(playbook, "snapshots", "--json")
    assert [snapshot in listed for snapshot in (*ids, other)] == [False] * 4 + [True] * 3
    restic(playbook, "check", "--read-data")


def test_inv06_the_last_good_state_of_a_member_that_left_stays(playbook: Playbook) -> None:
    repository = declare(playbook, retention={"keep_last": 1})
    first = write_snapshot(repository, "sales", DAYS[0], good="alice leaver")
    second = write_snapshot(repository, "sales", DAYS[1])
    third = write_snapshot(repository, "sales", DAYS[2])
    answer = playbook.run(prune_task(playbook)).answers[0]
    assert decisions(answer) == {first: True, second: False, third: True}
    assert answer["snapshots"][0]["reasons"] == ["last good state of 1 member"]
    assert [snapshot.id for snapshot in repository.snapshots()] == [first, third]


def test_checkpoints_go_once_a_later_run_has_finished_and_everything_else_stays(playbook: Playbook) -> None:
    repository = declare(playbook, schedule={"every": "daily", "timezone": "Asia/Kathmandu"})
    outcomes = ("complete", "checkpoint", "partial", "checkpoint")
    ids = [write_snapshot(repository, "sales", day, outcome=outcome) for day, outcome in zip(DAYS, outcomes, strict=False)]
    answer = playbook.run(prune_task(playbook, plan="Sales")).answers[0]
    assert decisions(answer) == dict(zip(ids, (True, False, True, True), strict=True))
    assert [snapshot["is_checkpoint"] for snapshot in answer["snapshots"]] == [False, True, False, True]
    assert answer["snapshots"][0]["time"] == "2026-09-02T01:45:00+05:45"


def test_what_an_interrupted_run_left_is_cleaned_without_removing_a_restore_point(playbook: Playbook) -> None:
    repository = declare(playbook)
    kept = write_snapshot(repository, "sales", DAYS[0])
    with repository.writing() as writer:
        writer.save_file([random.Random(7).randbytes(100 << 10)])
    preview, cleaned, again = playbook.run(prune_task(playbook, check_mode=True), prune_task(playbook), prune_task(playbook)).answers
    assert [preview["changed"], cleaned["changed"], again["changed"]] == [True, True, False]
    assert preview["bytes_freed"] == cleaned["bytes_freed"] >= 100 << 10
    assert decisions(again) == {kept: True}


def test_a_prune_that_cannot_be_done_says_why_and_removes_nothing(playbook: Playbook) -> None:
    repository = declare(playbook, retention={"keep_last": 1})
    for day in DAYS[:2]:
        write_snapshot(repository, "sales", day)
    tasks = (
        prune_task(playbook, plan="purchasing"),
        prune_task(playbook, passphrase="x" * 44),
        prune_task(playbook, passphrase="y" * 45),
        prune_task(playbook, lock_timeout=0),
    )
    with repository.writing():
        unknown, short, wrong, locked = playbook.run(*tasks).answers
    assert "No plan is called 'purchasing'" in unknown["msg"]
    assert "sales (Sales)" in unknown["msg"]
    assert "has 44 characters" in short["msg"]
    assert "passphrase" in wrong["msg"]
    assert "lock" in locked["msg"]
    assert [answer["failed"] for answer in (unknown, short, wrong, locked)] == [True] * 4
    assert len(repository.snapshots()) == 2


def test_a_prune_that_would_take_most_of_the_history_needs_to_be_asked_for(playbook: Playbook) -> None:
    repository = declare(playbook, retention={"keep_last": 1})
    days = [DAYS[0] + datetime.timedelta(days=day) for day in range(8)]
    ids = [write_snapshot(repository, "sales", day) for day in days]
    before = size(playbook.repository)
    preview, refused = playbook.run(prune_task(playbook, check_mode=True), prune_task(playbook)).answers
    assert size(playbook.repository) == before
    for answer in (preview, refused):
        assert "7 of 8 days of its history (87.5 %; max_delete_percent is 50)" in answer["msg"]
        assert (answer["failed"], answer["changed"], answer["snapshots_removed"]) == (True, False, 7)
        assert decisions(answer) == {**dict.fromkeys(ids[:7], False), ids[7]: True}
    (done,) = playbook.run(prune_task(playbook, max_delete_percent=90)).answers
    assert (done["changed"], done["snapshots_removed"], done["bytes_freed"]) == (True, 7, refused["bytes_freed"])


def test_a_repository_that_was_exchanged_is_not_pruned(playbook: Playbook) -> None:
    declare(playbook)
    shutil.rmtree(playbook.repository)
    gone = playbook.run(prune_task(playbook)).answers[0]
    create_repository(LocalStorage(playbook.repository), PASSPHRASE, kdf=KdfParameters(n=2**10))
    exchanged = playbook.run(prune_task(playbook)).answers[0]
    assert "there is none now" in gone["msg"]
    assert "holds another one" in exchanged["msg"]


def test_restore_points_of_real_runs_are_pruned(playbook: Playbook, tenant: RunningTenant) -> None:
    alice = f"alice@{tenant.domain}"
    declared: Task = {"title": "Sales", "groups": ["Sales"], "backup_type": "mailbox", "repository": str(playbook.repository)}
    apply = playbook.task("m365_group_backup_plan", retention={"keep_last": 1}, **declared)
    run = playbook.task("m365_backup_run", plan="sales")
    tenant.control.deliver_generated(alice, 5, seed=1)
    first = playbook.run(apply, run, run).answers
    assert [answer["changed"] for answer in first] == [True, True, False], first
    tenant.control.deliver_generated(alice, 2, seed=2)
    ran, pruned, again = playbook.run(run, prune_task(playbook), run).answers
    assert ran["changed"]
    assert (pruned["snapshots_removed"], pruned["snapshots_kept"]) == (1, 1)
    assert not again["changed"]
