# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a backup host tells after real runs and tasks: records, metrics, the page, and mails."""

from __future__ import annotations

import json
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.report.task_records import TaskRecord, past_tasks
from ansible_collections.tenantvault.m365_backup.tests.integration.playbook import PASSPHRASE, Answer, Playbook
from ansible_collections.tenantvault.m365_backup.tests.integration.stored_plan import declare
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.report.promtool import promtool
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.report.receivers import mail_server, web_server
from tenant.harness import RunningTenant

ALICE, BOB = "alice@contoso.com", "bob@contoso.com"
SUBJECT = "A subject that belongs to Alice"


class Told(t.NamedTuple):
    """The answers of the report and of those that tell people, and what stood in the files after each."""

    tasks: list[Answer]
    checked: Answer
    first: Answer
    again: Answer
    sick: Answer
    metrics: dict[str, str]
    page: str


@pytest.fixture(scope="module")
def playbook(tenant: RunningTenant, tmp_path_factory: pytest.TempPathFactory) -> Playbook:
    """Two people with a little mail."""
    control = tenant.control
    control.reset()
    control.add_group("Sales")
    for user in (ALICE, BOB):
        control.add_user(user)
        control.add_member("Sales", user)
        control.deliver_generated(user, 2, folder=None, size_limit=20_000)
    control.deliver(ALICE, "inbox", f"From: a@contoso.com\r\nSubject: {SUBJECT}\r\n\r\nText\r\n".encode())
    playbook = Playbook(tenant=tenant, folder=tmp_path_factory.mktemp("report"))
    declare(playbook, schedule={"every": "daily", "at": "22:30"}, retention={"keep_last": 1}, sources=["mail"])
    return playbook


@pytest.fixture(scope="module")
def told(playbook: Playbook) -> Told:
    folder = playbook.folder / "told"
    folder.mkdir()
    metrics, page = folder / "m365_backup.prom", folder / "index.html"
    wish: dict[str, t.Any] = {"metrics_file": str(metrics), "html_file": str(page), "return_summary": True}
    report = playbook.task("m365_backup_report", diff=True, **wish)
    tasks = [
        playbook.task("m365_backup_prune", plan="sales", check_mode=True),
        playbook.task("m365_backup_run", plan="sales"),
        playbook.task("m365_backup_prune", plan="sales"),
        playbook.task("m365_backup_verify", plan="sales"),
        playbook.task("m365_backup_verify", plan="sales", level="drill"),
        playbook.task("m365_backup_restore", plan="sales", member=ALICE, target_path=str(playbook.folder / "restored")),
    ]
    answers = playbook.run(*tasks, playbook.task("m365_backup_report", check_mode=True, **wish)).answers
    assert not metrics.exists()
    assert not page.exists()
    first, again = playbook.run(report, report).answers
    texts = {"well": metrics.read_text()}
    html = page.read_text()
    playbook.tenant.control.set_mailbox_state(BOB, "access_denied")
    wrong = playbook.task("m365_backup_run", plan="sales", passphrase="another passphrase of the tests that is long enough to be one")
    *runs, sick = playbook.run(playbook.task("m365_backup_run", plan="sales"), wrong, report).answers
    assert [answer["failed"] for answer in runs] == [True, True]
    texts["sick"] = metrics.read_text()
    return Told(tasks=answers[:-1], checked=answers[-1], first=first, again=again, sick=sick, metrics=texts, page=html)


def _records(playbook: Playbook) -> list[TaskRecord]:
    return list(past_tasks(playbook.state_path, "sales"))


def test_tasks_have_left_records_and_the_one_in_check_mode_has_not(playbook: Playbook, told: Told) -> None:
    assert not any(answer.get("failed") for answer in told.tasks)
    assert [(record.verb, record.outcome) for record in _records(playbook)][::-1] == [
        ("prune", "complete"),
        ("verify", "complete"),
        ("drill", "complete"),
        ("restore", "complete"),
        ("run", "failed"),
    ]
    restored = next(record for record in _records(playbook) if record.verb == "restore")
    assert restored.numbers["restored"] == 3


def test_no_record_and_no_report_has_a_secret_or_what_a_mail_says(playbook: Playbook, told: Told) -> None:
    folders = (playbook.state_path / "tasks", playbook.state_path / "runs", playbook.folder / "told")
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert len(files) >= 9
    texts = "".join(path.read_text() for path in files)
    for secret in (PASSPHRASE, playbook.tenant.client_secret, "another passphrase", SUBJECT):
        assert secret not in texts


def test_the_report_says_the_same_twice_and_in_check_mode(told: Told) -> None:
    assert (told.checked["changed"], told.first["changed"], told.again["changed"], told.sick["changed"]) == (True, True, False, True)
    assert told.first["msg"] == told.checked["msg"] == "2 of 2 members of 1 plan are protected."
    assert "m365_backup_members" in told.first["diff"]["after"]
    assert "diff" not in told.again
    (plan,) = told.sick["plans"]
    assert (plan["outcome"], plan["members"], plan["members_protected"]) == ("failed", 2, 2)


def test_the_metrics_are_what_prometheus_reads(playbook: Playbook, told: Told) -> None:
    for text in told.metrics.values():
        promtool("check", "metrics", stdin=text)
    assert 'm365_backup_run_outcome{plan="sales",outcome="complete"} 1' in told.metrics["well"]
    assert 'm365_backup_run_outcome{plan="sales",outcome="failed"} 1' in told.metrics["sick"]
    assert 'm365_backup_members_with_problem{plan="sales",problem="stale"} 1' in told.metrics["sick"]
    modes = {path.name: path.stat().st_mode & 0o777 for path in (playbook.folder / "told").iterdir()}
    assert modes == {"m365_backup.prom": 0o644, "index.html": 0o640}


def test_the_page_names_everybody(told: Told) -> None:
    assert ALICE in told.page
    assert BOB in told.page


def test_the_summary_of_another_host_comes_onto_the_page_and_other_things_do_not(playbook: Playbook, told: Told) -> None:
    page = playbook.folder / "fleet.html"
    other = json.loads(json.dumps(told.first["summary"]))
    other["host"] = "backup-elsewhere"
    both = playbook.task("m365_backup_report", html_file=str(page), fleet=[other, told.first["summary"]], title="Two hosts")
    strange = playbook.task("m365_backup_report", html_file=str(page), fleet=[{"version": 1, "host": 7}])
    nowhere = playbook.task("m365_backup_report", metrics_file=str(playbook.folder / "none" / "x.prom"))
    good, refused, lost = playbook.run(both, strange, nowhere).answers
    assert good["changed"]
    assert page.read_text().count("backup-elsewhere") > 0
    assert refused["failed"]
    assert "summary of a host is damaged" in refused["msg"]
    assert lost["msg"].startswith(f"The folder of {playbook.folder / 'none' / 'x.prom'} is not there.")


def test_a_damaged_plan_is_a_warning_and_the_others_are_told_of(playbook: Playbook) -> None:
    damaged = playbook.state_path / "plans" / "broken.json"
    damaged.write_text("{")
    try:
        (answer,) = playbook.run(playbook.task("m365_backup_report")).answers
    finally:
        damaged.unlink()
    assert [plan["name"] for plan in answer["plans"]] == ["sales"]
    assert any("broken.json" in warning for warning in answer["warnings"])


def test_people_are_told_by_mail_and_webhook_what_the_environment_says(playbook: Playbook, told: Told) -> None:
    notify = playbook.task("m365_backup_notify", plan="Sales")
    checked = playbook.task("m365_backup_notify", plan="sales", task="verify", failed=False, check_mode=True)
    secret = playbook.folder / "webhook_url"
    with mail_server() as mails, web_server() as hook:
        secret.write_text(f"{hook.url}\n")
        environment = {
            "M365_NOTIFY_MAIL_TO": "it@contoso.com,ops@contoso.com",
            "M365_NOTIFY_MAIL_FROM": "backup@contoso.com",
            "M365_NOTIFY_SMTP_HOST": "127.0.0.1",
            "M365_NOTIFY_SMTP_PORT": str(mails.port),
            "M365_NOTIFY_SMTP_SECURITY": "none",
            "M365_NOTIFY_WEBHOOK_URL_FILE": str(secret),
        }
        ran = playbook.run(checked, notify, environment=environment, arguments=["-vvv"])
        (mail,) = mails.mails
        ((_path, _headers, document),) = hook.posts
    assert [answer["sent_to"] for answer in ran.answers] == [["mail", "webhook"]] * 2
    assert ran.answers[0]["msg"].startswith("Would be sent by mail to it@contoso.com, ops@contoso.com and to the webhook at 127.0.0.1")
    assert mail["To"] == "it@contoso.com, ops@contoso.com"
    assert document["outcome"] == "failed"
    assert document["sentence"] in mail.get_content()
    assert "secret-path" not in ran.output


def test_the_playbook_tells_nobody_where_nobody_is_to_be_told(playbook: Playbook, told: Told) -> None:
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("ansible-playbook")),
            *("-i", "localhost,", "-c", "local", "tenantvault.m365_backup.notify", "-e", "m365_backup_plan=sales"),
            *("-e", "m365_backup_task=verify", "-e", f"m365_backup_state_path={playbook.state_path}"),
            *("-e", f"ansible_python_interpreter={sys.executable}"),
        ],
        check=False,
        capture_output=True,
        text=True,
        env=playbook.environment({}),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Nobody was told, because neither mail_to nor a webhook is given" in done.stdout
