# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every playbook of the pattern as a job of AWX: answers of a survey, credentials of AWX, and artifacts that a workflow goes on with."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.tests.integration.awx_job import COLLECTION, PLAYBOOKS, Awx, Job
from ansible_collections.tenantvault.m365_backup.tests.integration.backups import needs_restic
from ansible_collections.tenantvault.m365_backup.tests.integration.playbook import PASSPHRASE
from tenant.harness import RunningTenant, running_tenant

HOST = "localhost"


@pytest.fixture(scope="module")
def tenant() -> t.Iterator[RunningTenant]:
    with running_tenant() as running:
        for name in ("alice", "bob"):
            running.control.add_user(f"{name}@{running.domain}")
            running.control.deliver_generated(f"{name}@{running.domain}", 5, size_limit=20_000)
        running.control.add_group("Sales, north")
        running.control.add_member("Sales, north", f"alice@{running.domain}")
        yield running


@pytest.fixture
def awx(tenant: RunningTenant, tmp_path: Path) -> Awx:
    """With the variables of AWX's own credential for Azure, and of our type for repositories."""
    settings = tenant.environment({})
    credentials = {
        "AZURE_CLIENT_ID": tenant.client_id,
        "AZURE_SECRET": tenant.client_secret,
        "AZURE_TENANT": tenant.tenant_id,
        "M365_BACKUP_PASSPHRASE": PASSPHRASE,
    }
    host = {"ansible_connection": "local"}
    return Awx(folder=tmp_path, credentials={**settings, **credentials}, hosts={HOST: host})


def answers(awx: Awx, tenant: RunningTenant) -> dict[str, t.Any]:
    """As AWX's form sends them: lists as lines, and empty texts for what nobody answered."""
    return {
        "m365_backup_title": "Sales",
        "m365_backup_type": "mailbox",
        "m365_backup_survey_groups": "Sales, north\n",
        "m365_backup_survey_users": f"bob@{tenant.domain}\n",
        "m365_backup_repository": str(awx.folder / "repository"),
        "m365_backup_survey_every": "daily",
        "m365_backup_survey_at": "22:30",
        "m365_backup_survey_timezone": "",
        "m365_backup_survey_keep_daily": "7",
        "m365_backup_survey_keep_weekly": "",
        "m365_backup_state_path": str(awx.folder / "state"),
        "m365_backup_recovery_key_file": str(awx.folder / "recovery_key"),
    }


def good(job: Job) -> Job:
    assert (job.code, job.status) == (0, "successful"), job.output
    return job


@needs_restic
def test_the_life_of_a_plan_as_jobs_of_awx(awx: Awx, tenant: RunningTenant) -> None:
    survey = answers(awx, tenant)
    previewed = good(awx.launch("apply", check=True, **survey))
    assert not (awx.folder / "state").exists()
    applied = good(awx.launch("apply", **survey)).results("apply")[HOST]
    assert previewed.results("apply")[HOST]["plan"] == applied["plan"] == "sales"
    stored = json.loads((awx.folder / "state/plans/sales.json").read_text(encoding="utf-8"))["plan"]
    assert (stored["groups"], stored["retention"]) == (["Sales, north"], {"keep_daily": 7})
    assert applied["schedule"]["rrule"] == "DTSTART:20260101T223000Z RRULE:FREQ=DAILY;INTERVAL=1"

    plan = {"m365_backup_plan": "sales", "m365_backup_state_path": str(awx.folder / "state")}
    ran = good(awx.launch("run", m365_backup_fail_on_partial="true", m365_backup_max_minutes="", **plan))
    assert (ran.results("run")[HOST]["outcome"], ran.results("run")[HOST]["failed"]) == ("complete", False)
    assert len([event for event in ran.events if event["event"] == "runner_on_ok"]) >= 3

    target = awx.folder / "restored"
    into_files = {"m365_backup_member": f"alice@{tenant.domain}", "m365_backup_target_path": str(target), "m365_backup_sources": ["mail"]}
    unanswered = dict.fromkeys(("m365_backup_snapshot", "m365_backup_folder", "m365_backup_subject", "m365_backup_target_mailbox"), "")
    restored = good(awx.launch("restore", **into_files, **unanswered, **plan)).results("restore")[HOST]
    assert restored["restored"] == len(list(target.rglob("*.eml"))) == 5

    key = (awx.folder / "recovery_key").read_text(encoding="utf-8").strip()
    drilled = good(
        awx.launch(
            "drill",
            credentials={"M365_BACKUP_RECOVERY_KEY": key},
            m365_backup_drill_member=f"alice@{tenant.domain}",
            m365_backup_drill_sources=["mail"],
            **plan,
        )
    )
    proven = drilled.results("drill")[HOST]
    assert (proven["outcome"], proven["opened_with"], proven["full_items"]) == ("sound", "recovery key", 5)
    assert proven["restic"] == "restic restores the same 5 messages and files"

    assert good(awx.launch("verify", m365_backup_verify_level="structure", **plan)).results("verify")[HOST]["outcome"] == "sound"
    assert good(awx.launch("prune", **plan)).results("prune")[HOST]["snapshots_kept"] == 1
    assert good(awx.launch("coverage", m365_backup_state_path=plan["m365_backup_state_path"])).artifacts == {}
    page = awx.folder / "report.html"
    reported = good(awx.launch("report", m365_backup_html_file=str(page), m365_backup_state_path=plan["m365_backup_state_path"]))
    assert "Sales" in page.read_text(encoding="utf-8")
    assert reported.results("report")[HOST]["changed"]
    new = awx.folder / "new_passphrase"
    new.write_text("another passphrase of the tests that is quite long enough to be one", encoding="utf-8")
    assert good(awx.launch("rotate_key", m365_backup_new_passphrase_file=str(new), **plan)).results("rotate_key")[HOST]["changed"]

    # The file "command" is ansible-runner's own copy of the environment that it was given.
    files = [path for path in awx.folder.glob("job-*/artifacts/**/*") if path.is_file() and path.name != "command"]
    written = b"".join(path.read_bytes() for path in files)
    for secret in (PASSPHRASE, tenant.client_secret, key, new.read_text(encoding="utf-8")):
        assert secret.encode() not in written


def test_a_job_that_fails_says_so_to_awx_and_still_hands_its_result_on(awx: Awx, tenant: RunningTenant) -> None:
    state = {"m365_backup_state_path": str(awx.folder / "state")}
    metrics = awx.folder / "m365_backup.prom"
    failed = awx.launch("run", m365_backup_plan="nobody", m365_backup_metrics_file=str(metrics), **state)
    assert (failed.code, failed.status) == (2, "failed")
    assert "No plan is called" in failed.results("run")[HOST]["msg"]
    assert metrics.exists()


def test_hosts_that_share_a_plan_hand_on_a_result_each(awx: Awx, tenant: RunningTenant) -> None:
    names = ["one", "two"]
    facts = {"ansible_connection": "local", "m365_backup_shards": names, "m365_backup_forward_credentials": True}
    hosts = {name: {**facts, "m365_backup_state_path": str(awx.folder / name)} for name in names}
    both = Awx(folder=awx.folder, credentials=awx.credentials, hosts=hosts)
    declared = {**answers(awx, tenant), "m365_backup_hosts": "all", "m365_backup_recovery_key_file": ""}
    del declared["m365_backup_state_path"]
    good(both.launch("apply", **declared))
    results = good(both.launch("run", m365_backup_plan="sales", m365_backup_hosts="all")).results("run")
    assert {name: result["outcome"] for name, result in results.items()} == dict.fromkeys(names, "complete")
    page = awx.folder / "fleet.html"
    good(both.launch("report", m365_backup_hosts="all", m365_backup_html_file=str(page)))
    assert page.exists()


def test_every_survey_asks_for_what_its_playbook_takes() -> None:
    pattern = json.loads((COLLECTION / "extensions/patterns/group_backup/meta/pattern.json").read_text(encoding="utf-8"))
    for template in pattern["aap_resources"]["controller_job_templates"]:
        thin = (COLLECTION / PLAYBOOKS / template["playbook"]).read_text(encoding="utf-8")
        named = thin + (COLLECTION / "playbooks" / template["playbook"]).read_text(encoding="utf-8")
        asked = [question["variable"] for question in template.get("survey", {"spec": []})["spec"]]
        assert [variable for variable in asked if variable not in named] == []


def test_awx_lists_each_playbook_of_the_pattern() -> None:
    pattern = json.loads((COLLECTION / "extensions/patterns/group_backup/meta/pattern.json").read_text(encoding="utf-8"))
    listed = {template["playbook"] for template in pattern["aap_resources"]["controller_job_templates"]}
    files = {path.name for path in (COLLECTION / PLAYBOOKS).iterdir()}
    assert listed == files
    for name in listed:
        lines = (COLLECTION / PLAYBOOKS / name).read_text(encoding="utf-8").splitlines()
        assert any(line.lstrip(" -").startswith("import_playbook:") for line in lines), name
