# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recovery keys, rotation and the policy for passphrases, as an administrator meets them."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.recovery_key import (
    canonical_recovery_key,
    generate_recovery_key,
)
from ansible_collections.tenantvault.m365_backup.tests.integration.playbook import NAMESPACE, PASSPHRASE, Playbook, Task
from ansible_collections.tenantvault.m365_backup.tests.integration.stored_plan import declare
from tenant.harness import RunningTenant, running_tenant

NEW = "seven zebras quietly paint the harbour at noon, unseen"

needs_restic = pytest.mark.skipif(shutil.which("restic") is None, reason="restic is not installed")


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


def apply_task(playbook: Playbook, **options: t.Any) -> Task:
    return playbook.task(
        "m365_group_backup_plan",
        **{"title": "Sales", "groups": ["Sales"], "backup_type": "mailbox", "repository": str(playbook.repository), **options},
    )


def key_task(playbook: Playbook, **options: t.Any) -> Task:
    return playbook.task("m365_backup_key", plan="sales", **options)


def restic_opens(playbook: Playbook, secret: str) -> bool:
    environment = {**os.environ, "RESTIC_PASSWORD": secret, "RESTIC_CACHE_DIR": str(playbook.folder / "cache")}
    command = ["restic", "-r", str(playbook.repository), "--no-lock", "cat", "config"]
    return subprocess.run(command, check=False, capture_output=True, env=environment).returncode == 0


def recovery_key_in(path: Path) -> str:
    key = canonical_recovery_key(path.read_text(encoding="utf-8"))
    assert key is not None
    return key


@needs_restic
def test_a_new_repository_gets_a_recovery_key_that_restic_takes_and_that_is_nowhere_else(playbook: Playbook) -> None:
    file = playbook.folder / "recovery-key"
    options: Task = {"recovery_key_file": str(file)}
    report = playbook.run(
        apply_task(playbook, check_mode=True, **options),
        apply_task(playbook, diff=True, **options),
        apply_task(playbook, **options),
        key_task(playbook, **options),
        arguments=["-vvv"],
    )
    preview, applied, again, proven = report.answers
    assert [answer["changed"] for answer in report.answers] == [True, True, False, False]
    assert preview["recovery_key_file"] == applied["recovery_key_file"] == str(file)
    assert "recovery_key_file" not in again
    assert not any("warnings" in answer for answer in report.answers)
    key = recovery_key_in(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert {each["role"]: each["opened_by"] for each in proven["key_files"]} == {"passphrase": ["passphrase"], "recovery": ["recovery_key"]}
    assert restic_opens(playbook, key)
    file.rename(playbook.folder.parent / "the-safe")
    assert not apply_is_changed(playbook, options)
    assert key not in report.output + json.dumps(report.answers)
    assert not any(key.encode() in path.read_bytes() for path in playbook.folder.rglob("*") if path.is_file())


def apply_is_changed(playbook: Playbook, options: Task) -> bool:
    return bool(playbook.run(apply_task(playbook, **options)).answers[0]["changed"])


def test_a_recovery_key_is_returned_only_by_a_task_that_logs_nothing(playbook: Playbook) -> None:
    wanted = apply_task(playbook, return_recovery_key=True)
    keep = {
        "copy": {"content": "{{ answer_1.recovery_key }}", "dest": str(playbook.folder / "kept"), "mode": "0600"},
        "no_log": True,
    }
    report = playbook.run(wanted, {**wanted, "no_log": True}, keep, key_task(playbook), arguments=["-vvv"])
    assert "no_log: true" in report.answers[0]["msg"]
    key = recovery_key_in(playbook.folder / "kept")
    assert key not in report.output
    assert [each["role"] for each in report.answers[3]["key_files"]] == ["passphrase", "recovery"]
    shutil.rmtree(playbook.folder / "state")
    lost, again = playbook.run(*[{**wanted, "no_log": True}] * 2).answers
    assert any("no recovery key was made" in warning for warning in lost["warnings"])
    assert "recovery_key" not in lost
    assert "warnings" not in again


def test_without_a_place_for_it_there_is_no_recovery_key_and_a_warning_says_so(playbook: Playbook) -> None:
    preview, applied, again = playbook.run(apply_task(playbook, check_mode=True), apply_task(playbook), apply_task(playbook)).answers
    for answer in (preview, applied):
        assert any("gets no recovery key" in warning for warning in answer["warnings"])
    assert "warnings" not in again
    off = playbook.run(
        apply_task(
            playbook, title="Open", repository=str(playbook.folder / "open"), encryption={"enabled": False}, recovery_key_file="/x/y"
        )
    ).answers[0]
    assert "recovery_key_file" not in off
    assert len(list((playbook.folder / "open" / "keys").iterdir())) == 1


def test_inv02_an_application_that_was_interrupted_after_the_recovery_key_was_written_ends_with_that_key(playbook: Playbook) -> None:
    file = playbook.folder / "recovery-key"
    file.parent.mkdir(exist_ok=True)
    file.touch(mode=0o600)
    file.write_text(generate_recovery_key(os.urandom), encoding="utf-8")
    before = file.read_bytes()
    options: Task = {"recovery_key_file": str(file)}
    applied, proven = playbook.run(apply_task(playbook, **options), key_task(playbook, **options)).answers
    assert applied["repository"]["created"]
    assert file.read_bytes() == before
    assert ["recovery_key"] in [each["opened_by"] for each in proven["key_files"]]


def test_weak_passphrases_are_refused_for_a_new_repository_and_nothing_is_written(playbook: Playbook) -> None:
    unsafe = playbook.folder / "unsafe"
    unsafe.parent.mkdir(exist_ok=True)
    unsafe.write_text("something else", encoding="utf-8")
    unsafe.chmod(0o600)
    attempts: list[tuple[Task, str]] = [
        ({"passphrase": "password" * 6}, "can be guessed"),
        ({"passphrase": "password" * 6, "check_mode": True}, "can be guessed"),
        ({"recovery_key_file": str(unsafe)}, "holds no recovery key"),
        ({"recovery_key_file": str(playbook.folder / "nowhere" / "file")}, "is no folder that this user may write"),
    ]
    answers = playbook.run(*(apply_task(playbook, **options) for options, _words in attempts)).answers
    for answer, (_options, words) in zip(answers, attempts, strict=True):
        assert answer["failed"]
        assert words in answer["msg"]
    assert not playbook.repository.exists()
    assert not playbook.state_path.exists()


@needs_restic
def test_inv09_the_passphrase_is_rotated_once_and_the_recovery_key_stays_the_way_in(playbook: Playbook) -> None:
    declare(playbook)
    file, later = playbook.folder / "recovery-key", playbook.folder / "later"
    rotate: Task = {"new_passphrase": NEW, "rotate": True}
    report = playbook.run(
        key_task(playbook, recovery_key_state="present", recovery_key_file=str(file)),
        key_task(playbook, check_mode=True, diff=True, **rotate),
        key_task(playbook, diff=True, **rotate),
        key_task(playbook, **rotate),
        key_task(playbook),
        key_task(playbook, passphrase=f"{{{{ lookup('file', '{file}') | lower }}}}", new_passphrase=f"{NEW}, and more", rotate=True),
        key_task(playbook, passphrase=f"{NEW}, and more", recovery_key_state="renewed", recovery_key_file=str(later)),
        arguments=["-vvv"],
    )
    made, preview, rotated, _again, wrong, recovered, renewed = report.answers
    assert [answer["changed"] for answer in report.answers[:4]] == [True, True, True, False]
    assert made["added"] == ["recovery"]
    assert preview["diff"] == rotated["diff"]
    assert preview["removed"] == rotated["removed"]
    assert "opens no key" in wrong["msg"]
    assert recovered["changed"], recovered["msg"]
    assert renewed["changed"]
    first, second = recovery_key_in(file), recovery_key_in(later)
    assert [restic_opens(playbook, secret) for secret in (PASSPHRASE, NEW, f"{NEW}, and more", first, second)] == [
        *(False, False, True, False, True),
    ]
    shown = report.output + json.dumps(report.answers)
    assert not any(secret in shown for secret in (PASSPHRASE, NEW, first, second))


def test_the_playbook_rotates_with_files(playbook: Playbook) -> None:
    declare(playbook)
    old, new = playbook.folder / "old", playbook.folder / "new"
    old.write_text(PASSPHRASE, encoding="utf-8")
    new.write_text(NEW, encoding="utf-8")
    variables = {
        "m365_backup_plan": "Sales",
        "m365_backup_new_passphrase_file": str(new),
        "m365_backup_recovery_key_file": str(playbook.folder / "recovery-key"),
        "m365_backup_state_path": str(playbook.state_path),
    }
    environment = playbook.environment({"M365_BACKUP_PASSPHRASE_FILE": str(old)})
    command = [str(Path(sys.executable).with_name("ansible-playbook")), f"{NAMESPACE}.rotate_key", "-e", json.dumps(variables)]
    finished = subprocess.run(command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)
    assert "changed=1" in finished.stdout, finished.stdout
    environment["M365_BACKUP_PASSPHRASE_FILE"] = str(new)
    finished = subprocess.run(command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)
    assert "changed=0" in finished.stdout, finished.stdout


def test_bad_wishes_about_keys_get_one_clear_sentence_and_change_nothing(playbook: Playbook) -> None:
    declare(playbook)
    before = sorted(path.name for path in (playbook.repository / "keys").iterdir())
    attempts: list[tuple[Task, str]] = [
        ({"rotate": True}, "rotate is True but any of the following are missing"),
        ({"remove_keys": [before[0][:8]]}, "known to open the repository would be removed"),
        ({"recovery_key_state": "present"}, "does not say where it goes"),
        ({"recovery_key_state": "present", "return_recovery_key": True}, "no_log: true"),
    ]
    answers = playbook.run(*(key_task(playbook, **options) for options, _words in attempts)).answers
    for answer, (_options, words) in zip(answers, attempts, strict=True):
        assert answer["failed"]
        assert words in answer["msg"]
        assert "Traceback" not in json.dumps(answer)
    assert sorted(path.name for path in (playbook.repository / "keys").iterdir()) == before
