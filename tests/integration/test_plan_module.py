# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan module as an administrator uses it: real tasks, a real tenant, a real repository."""

from __future__ import annotations

import datetime
import json
import os
import re
import stat
import subprocess
import typing as t
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.tests.integration.playbook import PASSPHRASE, Answer, Playbook, Task
from tenant.harness import RunningTenant, running_tenant

MODULE = "m365_group_backup_plan"


@pytest.fixture(scope="module")
def tenant() -> t.Iterator[RunningTenant]:
    with running_tenant() as running:
        control = running.control
        for name in ("alice", "bob", "carol"):
            control.add_user(f"{name}@{running.domain}", display_name=name.capitalize())
        control.add_user(f"gil#EXT#@{running.domain}", display_name="Gil", mailbox=False, user_type="Guest")
        for group in ("Sales", "Sales Field", "Empty", "Company", "Twins"):
            control.add_group(group)
        control.add_group("Twins")
        control.add_member("Sales", f"alice@{running.domain}")
        control.add_member("Sales Field", f"bob@{running.domain}")
        control.add_member("Company", "Sales")
        control.add_member("Company", f"carol@{running.domain}")
        control.add_member("Company", f"gil#EXT#@{running.domain}")
        yield running


@pytest.fixture
def playbook(tenant: RunningTenant, tmp_path: Path) -> Playbook:
    return Playbook(tenant=tenant, folder=tmp_path)


def plan_task(playbook: Playbook, *, check_mode: bool = False, diff: bool = False, **options: t.Any) -> Task:
    declared = {"title": "Sales & Co", "groups": ["Sales"], "backup_type": "mailbox", "repository": str(playbook.repository), **options}
    given = {option: value for option, value in declared.items() if value is not None}
    return playbook.task(MODULE, check_mode=check_mode, diff=diff, **given)


def apply(playbook: Playbook, *, defaults: Task | None = None, environment: t.Mapping[str, str] | None = None, **options: t.Any) -> Answer:
    return playbook.run(plan_task(playbook, **options), defaults=defaults, environment=environment).answers[0]


def nothing_was_written(playbook: Playbook) -> bool:
    return not playbook.state_path.exists() and not playbook.repository.exists()


def test_inv09_check_mode_predicts_and_the_second_task_changes_nothing(playbook: Playbook) -> None:
    preview = apply(playbook, check_mode=True)
    assert preview["changed"]
    assert nothing_was_written(playbook)
    first, again, previewed_again = playbook.run(plan_task(playbook), plan_task(playbook), plan_task(playbook, check_mode=True)).answers
    assert [first["changed"], again["changed"], previewed_again["changed"]] == [True, False, False]
    for result in (preview, first, again, previewed_again):
        assert result["plan"] == first["plan"]
        assert result["members"] == first["members"]
    assert (preview["repository"]["created"], first["repository"]["created"], again["repository"]["created"]) == (True, True, False)
    assert again["repository"]["id"] == first["repository"]["id"]
    assert "id" not in preview["repository"]
    assert preview["changes"] == first["changes"]
    assert again["changes"] == []


def test_members_of_nested_groups_are_covered_once_and_guests_are_left_out(playbook: Playbook, tenant: RunningTenant) -> None:
    result = apply(playbook, groups=["company", "Sales Field"], users=[f"ALICE@{tenant.domain}"], check_mode=True)
    assert [(member["display_name"], member["via"]) for member in result["members"]] == [
        ("Alice", [f"user alice@{tenant.domain}", "group Company"]),
        ("Bob", ["group Sales Field"]),
        ("Carol", ["group Company"]),
    ]
    assert result["seats"]["used"] == 3
    assert any("gil#EXT#" in warning and "left out" in warning for warning in result["warnings"])


def test_a_group_without_users_is_a_warning_beside_others_and_an_error_alone(playbook: Playbook) -> None:
    beside, alone = playbook.run(
        plan_task(playbook, groups=["Sales", "Empty"], check_mode=True), plan_task(playbook, groups=["Empty"], check_mode=True)
    ).answers
    assert any("'Empty' has no users" in warning for warning in beside["warnings"])
    assert "covers nobody: group 'Empty' has no users" in alone["msg"]


def test_the_stored_plan_is_private_and_says_what_was_declared(playbook: Playbook) -> None:
    result = apply(playbook, schedule={"every": "weekly", "weekday": ["friday"], "timezone": "Europe/Berlin"}, retention={"keep_daily": 14})
    path = playbook.state_path / "plans" / "sales-co.json"
    stored = json.loads(path.read_text(encoding="utf-8"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stored["plan"] == result["plan"]
    assert stored["repository_id"] == result["repository"]["id"]
    assert result["schedule"]["explanation"] == "every week on Friday at 23:00 Europe/Berlin"
    assert result["schedule"]["on_calendar"] == ["Fri *-*-* 23:00:00 Europe/Berlin"]
    runs = [datetime.datetime.fromisoformat(run) for run in result["schedule"]["next"]]
    assert [(run.isoweekday(), f"{run:%H:%M}") for run in runs] == [(5, "23:00")] * 5


def test_inv07_the_passphrase_and_the_secret_are_nowhere(playbook: Playbook, tenant: RunningTenant) -> None:
    report = playbook.run(plan_task(playbook, diff=True), plan_task(playbook, encryption={"enabled": False}), arguments=["-vvvv"])
    (playbook.folder / "playbook.json").unlink()
    shown = report.output + json.dumps(report.answers)
    written = b"".join(path.read_bytes() for path in playbook.folder.rglob("*") if path.is_file())
    names = " ".join(str(path) for path in playbook.folder.rglob("*"))
    for secret in (PASSPHRASE, tenant.client_secret):
        assert secret not in shown
        assert secret.encode() not in written
        assert secret not in names


def test_restic_opens_the_repository_with_the_passphrase(playbook: Playbook) -> None:
    result = apply(playbook)
    environment = {**os.environ, "RESTIC_PASSWORD": PASSPHRASE, "RESTIC_CACHE_DIR": str(playbook.folder / "cache")}
    finished = subprocess.run(
        ["restic", "-r", str(playbook.repository), "cat", "config"], check=True, capture_output=True, text=True, env=environment
    )
    assert json.loads(finished.stdout)["id"] == result["repository"]["id"]


def test_a_change_is_shown_as_a_difference_and_made_once(playbook: Playbook) -> None:
    wanted: Task = {"retention": {"keep_daily": 7}, "users": [f"bob@{playbook.tenant.domain}"]}
    answers = playbook.run(
        plan_task(playbook),
        plan_task(playbook, diff=True, check_mode=True, **wanted),
        plan_task(playbook, diff=True, **wanted),
        plan_task(playbook, diff=True, **wanted),
    ).answers
    preview, changed, again = answers[1:]
    assert preview["diff"] == changed["diff"]
    assert changed["diff"]["before"]["plan"]["retention"] == {"forever": True}
    assert changed["diff"]["after"]["plan"]["retention"] == {"keep_daily": 7}
    assert [change["option"] for change in changed["changes"]] == ["users", "retention"]
    assert [preview["changed"], changed["changed"], again["changed"]] == [True, True, False]
    assert again["diff"]["before"] == again["diff"]["after"]


def test_a_removed_plan_leaves_its_repository(playbook: Playbook) -> None:
    absent: Task = {"title": "Sales & Co", "state": "absent"}
    answers = playbook.run(
        plan_task(playbook),
        playbook.task(MODULE, check_mode=True, **absent),
        playbook.task(MODULE, diff=True, **absent),
        playbook.task(MODULE, **absent),
        playbook.task(MODULE, name="sales-co", state="absent"),
    ).answers
    assert [answer["changed"] for answer in answers] == [True, True, True, False, False]
    assert "all backups in it stay" in answers[2]["msg"]
    warned = [any("runs or prunes the plan 'sales-co'" in each for each in answer.get("warnings", ())) for answer in answers]
    assert warned == [False, True, True, False, False]
    assert (playbook.repository / "config").exists()
    assert list((playbook.state_path / "plans").iterdir()) == []


def test_a_plan_keeps_its_name_when_it_gets_a_new_title(playbook: Playbook) -> None:
    answers = playbook.run(
        plan_task(playbook),
        plan_task(playbook, title="Sales + Co"),
        plan_task(playbook, title="Growth", name="sales-co"),
        plan_task(playbook, title="Growth"),
    ).answers
    assert answers[1]["failed"]
    assert "declare name: sales-co" in answers[1]["msg"]
    assert answers[2]["changes"] == [{"option": "title", "before": "Sales & Co", "after": "Growth"}]
    assert "The plan 'sales-co' on this host has the title 'Growth' already." in answers[3]["msg"]


def test_a_plan_without_encryption_is_said_to_be_open(playbook: Playbook) -> None:
    off: Task = {"encryption": {"enabled": False}}
    first, again, switched = playbook.run(plan_task(playbook, **off), plan_task(playbook, **off), plan_task(playbook)).answers
    assert any("is not encrypted" in warning for warning in first["warnings"])
    assert not again["changed"]
    assert "cannot be switched on" in switched["msg"]


def test_the_environment_and_a_certificate_log_in_as_well(playbook: Playbook, tenant: RunningTenant) -> None:
    secretless = {
        name: value for name, value in playbook.defaults().items() if name not in ("client_secret", "proxy", "ca_bundle", "tenant_id")
    }
    environment = tenant.environment({**os.environ, "AZURE_TENANT": tenant.domain, "AZURE_SECRET": tenant.client_secret})
    wanted = plan_task(playbook, check_mode=True)
    by_environment = playbook.run(wanted, defaults=secretless, environment=environment).answers[0]
    with_certificate = {**playbook.defaults(), "certificate_path": str(tenant.certificate_path)}
    del with_certificate["client_secret"]
    by_certificate = playbook.run(wanted, defaults=with_certificate, environment={"AZURE_SECRET": "wrong"}).answers[0]
    assert by_environment["members"] == by_certificate["members"]


BAD_DECLARATIONS: list[tuple[Task, str]] = [
    ({"passphrase": "x" * 44}, r"The passphrase has 44 characters; it needs at least 45\."),
    ({"backup_type": "both"}, r"exactly one backup type.*a second plan"),
    ({"backup_type": ["mailbox", "onedrive"]}, r"exactly one backup type.*a second plan"),
    ({"backup_type": None}, r"Option backup_type is missing"),
    ({"versions": 3}, r"Option versions can only be given with backup_type: onedrive"),
    ({"backup_type": "onedrive", "permissions": "x"}, r"convert to bool"),
    ({"sources": []}, r"Option sources must be a list of one or more of mail, calendar, contacts, tasks, settings"),
    ({"backup_type": "onedrive", "sources": ["mail"]}, r"Option sources can only be given with backup_type: mailbox"),
    ({"malware_scan": {"engine": "yara"}}, r"Option malware_scan\.rules is missing"),
    ({"backup_type": "onedrive", "archive_mailboxes": True}, r"Option archive_mailboxes can only be true with backup_type: mailbox"),
    ({"groups": ["Sale"]}, r"The directory has no group 'Sale'\. Did you mean .*Sales \("),
    ({"users": ["alicia@contoso.example"], "groups": ["Marketing"]}, r"no user 'alicia@contoso\.example'.*no group 'Marketing'"),
    ({"groups": ["Twins"]}, r"The group 'Twins' is ambiguous: it means Twins \(.*\), Twins \(.*\)\. Give the object id"),
    ({"groups": []}, r"The plan names nobody"),
    ({"repository": "sftp://host/path"}, r"sftp:// is not supported"),
    ({"s3": {"region": "eu-central-1"}}, r"Option s3 can only be given with repository: s3://"),
    ({"repository": "/dev/null/repository"}, r"/dev/null is not a folder"),
    ({"client_secret": "wrong"}, r"secret"),
    ({"proxy": "http://127.0.0.1:9"}, r"127\.0\.0\.1"),
    ({"schedule": {"every": "daily", "at": "25:00"}}, r"Option schedule\.at must be a time of day"),
]


def test_bad_input_gets_one_clear_sentence_and_nothing_is_written(playbook: Playbook) -> None:
    answers = playbook.run(*(plan_task(playbook, **options) for options, _sentence in BAD_DECLARATIONS)).answers
    for answer, (_options, sentence) in zip(answers, BAD_DECLARATIONS, strict=True):
        assert answer["failed"], sentence
        assert re.search(sentence, answer["msg"]), answer["msg"]
        assert not answer["changed"]
    assert nothing_was_written(playbook)


def test_a_repository_with_another_passphrase_is_refused_before_the_plan_is_stored(playbook: Playbook) -> None:
    first, other = playbook.run(
        plan_task(playbook), plan_task(playbook, title="Other", passphrase="another passphrase that is long enough to be one, too")
    ).answers
    assert first["changed"]
    assert other["failed"]
    assert "passphrase" in other["msg"]
    assert [path.name for path in (playbook.state_path / "plans").iterdir()] == ["sales-co.json"]


def test_a_repository_that_vanished_or_was_replaced_is_not_made_anew(playbook: Playbook) -> None:
    apply(playbook)
    playbook.repository.rename(playbook.folder / "unmounted")
    vanished, removed, other, replaced = playbook.run(
        plan_task(playbook),
        playbook.task(MODULE, name="sales-co", state="absent", check_mode=True),
        plan_task(playbook, title="Other"),
        plan_task(playbook),
    ).answers
    assert "Is the disk mounted?" in vanished["msg"]
    assert removed["changed"]
    assert other["repository"]["created"]
    assert "holds another one" in replaced["msg"]


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a read-only file system needs root")
def test_a_read_only_disk_is_named_before_anything_is_written(playbook: Playbook) -> None:
    mount = playbook.folder / "disk"
    mount.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "none", str(mount)], check=False).returncode:
        pytest.skip("this machine does not allow to mount a file system")
    try:
        for_repository, for_state = playbook.run(
            plan_task(playbook, repository=str(mount / "repository")), plan_task(playbook, state_path=str(mount / "state"))
        ).answers
    finally:
        subprocess.run(["umount", str(mount)], check=True)
    assert f"The repository at {mount}/repository cannot be written" in for_repository["msg"]
    assert f"Plans cannot be stored: {mount} cannot be written" in for_state["msg"]
    assert nothing_was_written(playbook)


def test_a_damaged_stored_plan_is_named(playbook: Playbook) -> None:
    apply(playbook)
    path = playbook.state_path / "plans" / "sales-co.json"
    path.write_text(path.read_text(encoding="utf-8")[:100], encoding="utf-8")
    answer = apply(playbook)
    assert answer["failed"]
    assert str(path) in answer["msg"]


def test_a_plan_that_moves_to_another_repository_is_warned_about(playbook: Playbook) -> None:
    answers = playbook.run(plan_task(playbook), plan_task(playbook, repository=str(playbook.folder / "elsewhere"))).answers
    assert answers[1]["repository"]["created"]
    assert any("the earlier backups stay in" in warning for warning in answers[1]["warnings"])
