# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The main job as an administrator does it: apply, run, run again, prune and restore, through ansible-playbook."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.tests.integration.backups import mail, mail_of, needs_restic
from ansible_collections.tenantvault.m365_backup.tests.integration.page_commands import commands_of
from ansible_collections.tenantvault.m365_backup.tests.integration.playbook import PASSPHRASE, Answer, Playbook, Task
from ansible_collections.tenantvault.m365_backup.tests.integration.walked_page import Session, without_settings_of
from tenant.harness import RunningTenant

ALICE, BOB = "alice@contoso.com", "bob@contoso.com"
PLAN = "sales"
ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
RECOVERY_TOOL = ROOT / "docs/recovery/m365_recover.py"


@pytest.fixture
def tenant(tenant: RunningTenant) -> RunningTenant:
    control = tenant.control
    control.reset()
    control.add_group("Sales")
    for user in (ALICE, BOB):
        control.add_user(user)
        control.add_member("Sales", user)
        control.deliver_generated(user, 30, folder=None, size_limit=30_000)
    return tenant


@pytest.fixture
def playbook(tenant: RunningTenant, tmp_path: Path) -> Playbook:
    return Playbook(tenant=tenant, folder=tmp_path)


def apply(playbook: Playbook, **options: t.Any) -> Task:
    declared = {"title": "Sales", "groups": ["Sales"], "backup_type": "mailbox", "repository": str(playbook.repository)}
    return playbook.task("m365_group_backup_plan", **{**declared, "retention": {"keep_last": 1}, **options})


def run(playbook: Playbook, **options: t.Any) -> Task:
    return playbook.task("m365_backup_run", plan=PLAN, **options)


def restore(playbook: Playbook, **options: t.Any) -> Task:
    return playbook.task("m365_backup_restore", plan=PLAN, **options)


def only(answers: list[Answer], *keys: str) -> list[tuple[t.Any, ...]]:
    return [tuple(answer.get(key) for key in keys) for answer in answers]


def look_into_the_repository(playbook: Playbook) -> str:
    """What restic says to the commands of the README."""
    (playbook.folder / "passphrase").write_text(PASSPHRASE, encoding="utf-8")
    replaced = {
        "/srv/m365_backup/sales": str(playbook.repository),
        "/etc/m365_backup/passphrase": str(playbook.folder / "passphrase"),
    }
    environment = {**without_settings_of("RESTIC_"), "XDG_CACHE_HOME": str(playbook.folder / "cache")}
    return Session(playbook.folder, replaced, environment).do(commands_of(README)["Looking into a repository"])


def test_a_first_run_logs_in_once_more_for_each_worker_process_that_it_was_given(playbook: Playbook) -> None:
    control = playbook.tenant.control
    playbook.run(apply(playbook))
    control.reset_log()
    (answer,) = playbook.run(run(playbook, workers=2)).answers
    assert (answer["outcome"], answer["counts"]["added"]) == ("complete", 66)
    assert control.stats()["by_operation"]["token"] == 3


@needs_restic
def test_the_main_job_from_apply_to_restore(playbook: Playbook) -> None:
    control = playbook.tenant.control
    first = playbook.run(
        apply(playbook, check_mode=True),
        apply(playbook),
        apply(playbook),
        run(playbook, check_mode=True),
        run(playbook),
        run(playbook, check_mode=True),
        run(playbook),
    ).answers
    assert [answer["changed"] for answer in first] == [True, True, False, True, True, False, False]
    assert [answer["outcome"] for answer in first[3:]] == ["complete"] * 4
    assert first[3]["counts"]["added"] == first[4]["counts"]["added"] == 66
    before = mail_of(playbook.tenant, ALICE, BOB)

    inbox = [message["id"] for message in control.messages(ALICE, "inbox")]
    control.deliver_many(ALICE, "inbox", [mail(f"new {number}") for number in range(3)])
    control.delete(ALICE, inbox[:2])
    second = playbook.run(
        run(playbook),
        playbook.task("m365_backup_prune", plan=PLAN, check_mode=True),
        playbook.task("m365_backup_prune", plan=PLAN),
        playbook.task("m365_backup_prune", plan=PLAN),
        restore(playbook, member=ALICE, target_path=str(playbook.folder / "out"), check_mode=True),
        restore(playbook, member=ALICE, target_path=str(playbook.folder / "out")),
        restore(playbook, member=ALICE, target_path=str(playbook.folder / "out")),
        restore(playbook, member=ALICE, folder="Inbox", target_mailbox=BOB, target_folder="From Alice"),
    ).answers
    assert [answer["changed"] for answer in second] == [True, True, True, False, True, True, False, True]
    counts = second[0]["counts"]
    assert (counts["added"], counts["removed"], counts["fetched"]) == (3, 2, 3)
    assert only(second[1:3], "snapshots_removed", "bytes_freed") == [(1, second[2]["bytes_freed"])] * 2
    assert second[2]["bytes_freed"] > 0
    restored = sorted(path.read_bytes() for path in (playbook.folder / "out").rglob("*.eml"))
    assert restored == mail_of(playbook.tenant, ALICE)
    assert restored != before
    in_mailbox = [message for message in control.messages(BOB) if message["folder_path"] == ["From Alice", "Inbox"]]
    alices = control.messages(ALICE, "inbox")
    assert sorted((m["subject"], m["received"], m["is_read"], m["is_draft"]) for m in in_mailbox) == sorted(
        (m["subject"], m["received"], m["is_read"], False) for m in alices
    )
    looked = look_into_the_repository(playbook)
    assert looked.count(".eml") == len(before) + counts["added"] - counts["removed"]
    assert "no errors were found" in looked
    recovered = subprocess.run(
        [sys.executable, RECOVERY_TOOL, "--repository", playbook.repository, "verify", "--read-data"],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "RESTIC_PASSWORD": PASSPHRASE},
    )
    assert (recovered.returncode, recovered.stderr) == (0, ""), recovered.stderr


def test_a_failing_mailbox_fails_the_task_names_it_and_keeps_the_others(playbook: Playbook) -> None:
    playbook.tenant.control.set_mailbox_state(BOB, "odata_disabled")
    answers = playbook.run(apply(playbook), run(playbook), run(playbook, fail_on_partial=False)).answers
    assert [answer["failed"] for answer in answers] == [False, True, False]
    assert answers[1]["outcome"] == "partial"
    for word in (BOB, "ErrorAccessDenied", "request id"):
        assert word in answers[1]["msg"]
    outcomes = {member["principal_name"]: member["outcome"] for member in answers[1]["members"]}
    assert outcomes == {ALICE: "complete", BOB: "failed"}


def test_inv07_no_secret_and_no_content_in_results_records_or_names(playbook: Playbook) -> None:
    playbook.tenant.control.deliver(ALICE, "inbox", mail("a very private subject"))
    report = playbook.run(apply(playbook), run(playbook), arguments=("-vvv",))
    secrets = (PASSPHRASE, playbook.tenant.client_secret)
    for text in (json.dumps(report.answers), report.output):
        assert not any(secret in text for secret in secrets)
    records = list((playbook.state_path / "runs").rglob("*.json"))
    assert len(records) == 1
    assert stat.S_IMODE(records[0].stat().st_mode) == 0o600
    for path in [*records, *playbook.repository.rglob("*")]:
        content = path.read_bytes() if path.is_file() else b""
        assert not any(secret.encode() in content for secret in secrets)
        assert b"a very private subject" not in content
        if path.is_relative_to(playbook.repository):
            assert b"alice" not in content.lower()
            assert "alice" not in path.name


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"passphrase": "too short for a passphrase that is to be trusted"[:44]}, ("45", "44")),
        ({"passphrase": "another passphrase, long enough and still the wrong one"}, ("passphrase",)),
        ({"client_secret": "wrong"}, ("secret",)),
        ({"proxy": "http://127.0.0.1:9"}, ("127.0.0.1:9",)),
        ({"plan": "nothing"}, ("nothing", "sales")),
    ],
)
def test_inv09_bad_input_to_a_run_is_one_clear_sentence_and_nothing_is_written(
    playbook: Playbook, options: dict[str, t.Any], words: tuple[str, ...]
) -> None:
    playbook.run(apply(playbook))
    before = {path: path.stat().st_mtime_ns for path in playbook.repository.rglob("*")}
    answer = playbook.run(playbook.task("m365_backup_run", **{"plan": PLAN, **options})).answers[0]
    assert answer["failed"]
    assert "Traceback" not in json.dumps(answer)
    for word in words:
        assert word in answer["msg"]
    assert {path: path.stat().st_mtime_ns for path in playbook.repository.rglob("*")} == before
    assert not list((playbook.state_path / "runs").rglob("*.json"))


def test_a_repository_that_cannot_be_written_is_named_before_mail_is_read(playbook: Playbook) -> None:
    playbook.run(apply(playbook))
    data = playbook.repository / "data"
    renamed = data.with_name("elsewhere")
    data.rename(renamed)
    data.write_text("in the way", encoding="utf-8")
    answer = playbook.run(run(playbook)).answers[0]
    assert answer["failed"]
    assert "Traceback" not in json.dumps(answer)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"member": "nobody@contoso.com"}, ("nobody@contoso.com", ALICE, BOB)),
        ({"member": ALICE, "folder": "Nowhere"}, ("Nowhere", "Inbox")),
        ({"member": ALICE, "snapshot": "00000000"}, ("00000000",)),
        ({"member": ALICE, "snapshot": "2001-01-01T00:00:00Z"}, ("2001-01-01",)),
        ({"member": ALICE, "snapshot": "yesterday"}, ("yesterday", "latest")),
    ],
)
def test_a_restore_of_what_is_not_there_says_what_there_is(playbook: Playbook, options: dict[str, t.Any], words: tuple[str, ...]) -> None:
    target = playbook.folder / "out"
    answers = playbook.run(apply(playbook), run(playbook), restore(playbook, target_path=str(target), **options)).answers
    assert answers[2]["failed"]
    for word in words:
        assert word in answers[2]["msg"]
    assert not target.exists()
