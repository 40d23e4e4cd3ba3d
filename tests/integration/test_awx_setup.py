# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook that sets AWX up, against a small AWX that checks what it is given."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
import yaml

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.document import plan_from_dict
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.store import PlanStore, StoredPlan
from ansible_collections.tenantvault.m365_backup.tests.integration.awx_job import COLLECTION, PLAYBOOKS
from ansible_collections.tenantvault.m365_backup.tests.integration.awx_server import TOKEN, Awx, running_awx
from ansible_collections.tenantvault.m365_backup.tests.integration.playbook import collections_path
from ansible_collections.tenantvault.m365_backup.tests.integration.walked_page import (
    Block,
    Session,
    programs_path,
    sections_of,
    without_settings_of,
)

GUIDE = sections_of((COLLECTION / "docs/docsite/rst/awx.rst").read_text(encoding="utf-8"))["Set AWX up"]
FILE = yaml.safe_load(next(block.text for block in GUIDE if block.file == "awx.yml"))
INVENTORY = """[backup_hosts]
backup1 ansible_connection=local

[all:vars]
m365_backup_state_path={state}
m365_awx_delay=0
"""
PREFIX = "Microsoft 365 backup"
RECAP = re.compile(r"ok=\d+ +changed=(\d+) +unreachable=0 +failed=0")
PLAN = {"groups": ["Sales"], "backup_type": "mailbox", "schedule": {"every": "daily", "at": "22:30", "timezone": "Europe/Berlin"}}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Admin:
    """Somebody who runs the playbook, on a host with plans."""

    awx: Awx
    folder: Path

    def declare(self, *titles: str) -> None:
        for title in titles:
            plan = plan_from_dict({**PLAN, "title": title, "repository": str(self.folder / "repository")})
            PlanStore(self.folder / "state").save(StoredPlan(plan=plan))

    @property
    def environment(self) -> dict[str, str]:
        """Nothing of AWX's, and nothing of the tests' own settings."""
        return {
            **without_settings_of("CONTROLLER_", without_settings_of("ANSIBLE_")),
            "ANSIBLE_COLLECTIONS_PATH": str(collections_path()),
            "ANSIBLE_HOME": str(self.folder / "ansible"),
            "ANSIBLE_LOCALHOST_WARNING": "False",
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_PIPELINING": "True",
            "PATH": programs_path(),
        }

    def play(self, *arguments: str, token: str = TOKEN, **variables: t.Any) -> subprocess.CompletedProcess[str]:
        environment = {**self.environment, "CONTROLLER_HOST": self.awx.address, "CONTROLLER_OAUTH_TOKEN": token}
        given = {**FILE, "m365_awx_delay": 0, **variables}
        command = ["ansible-playbook", "-i", self.inventory(), "tenantvault.m365_backup.awx", "-e", json.dumps(given), *arguments]
        return subprocess.run(command, check=False, capture_output=True, text=True, env=environment)

    def inventory(self) -> str:
        """One backup host, which is this machine."""
        path = self.folder / "inventory"
        path.write_text(INVENTORY.format(state=self.folder / "state"), encoding="utf-8")
        return str(path)

    def do(self, blocks: t.Iterable[Block]) -> str:
        """The files and commands of the guide, beside an inventory."""
        self.inventory()
        replaced = {"https://awx.example.com": self.awx.address, "CONTROLLER_OAUTH_TOKEN=...": f"CONTROLLER_OAUTH_TOKEN={TOKEN}"}
        return Session(self.folder, replaced, self.environment).do(blocks)

    def changes(self, *arguments: str, **variables: t.Any) -> int:
        """How many tasks have changed something, in a play that goes well."""
        done = self.play(*arguments, **variables)
        assert done.returncode == 0, done.stdout + done.stderr
        return sum(map(int, RECAP.findall(done.stdout)))


@pytest.fixture
def admin(tmp_path: Path) -> t.Iterator[Admin]:
    playbooks = [f"{PLAYBOOKS}/{path.name}" for path in (COLLECTION / PLAYBOOKS).iterdir()]
    with running_awx(playbooks) as awx:
        awx.add("inventories", {"name": FILE["m365_awx_inventory"], "organization": 1})
        for name in FILE["m365_awx_credentials"]:
            awx.add("credentials", {"name": name, "credential_type": 1})
        admin = Admin(awx=awx, folder=tmp_path)
        admin.declare("Sales", "Field")
        yield admin


def test_inv09_awx_gets_everything_once_then_what_differs_and_check_mode_makes_nothing(admin: Admin) -> None:
    awx = admin.awx
    assert admin.changes("--check") > 0
    assert awx.writes == []
    assert sum(map(int, RECAP.findall(admin.do(GUIDE)))) > 0

    assert sorted(awx.named("credential_types")) == [f"{PREFIX}: app registration", f"{PREFIX}: repository"]
    injected = awx.named("credential_types")[f"{PREFIX}: app registration"]["injectors"]
    assert injected["env"]["M365_CLIENT_SECRET"] == "{{ client_secret }}"
    templates = awx.named("job_templates")
    assert {Path(template["playbook"]).stem for template in templates.values()} >= {"apply", "run", "prune", "verify", "restore", "drill"}
    run = templates[f"{PREFIX}: run"]
    assert [each["name"] for each in run["summary_fields"]["credentials"]] == FILE["m365_awx_credentials"]
    assert json.loads(run["extra_vars"]) == FILE["m365_awx_extra_vars"]
    assert awx.surveys[run["id"]]["spec"][0]["variable"] == "m365_backup_plan"
    schedules = awx.named("schedules")
    assert sorted(schedules) == [
        f"{PREFIX}: {name}"
        for name in ("coverage", *(f"{verb} {plan}" for verb in ("prune", "run", "verify") for plan in ("field", "sales")))
    ]
    nightly = schedules[f"{PREFIX}: run sales"]
    assert nightly["rrule"] == "DTSTART;TZID=Europe/Berlin:20260101T223000 RRULE:FREQ=DAILY;INTERVAL=1"
    assert (nightly["unified_job_template"], nightly["extra_data"]) == (run["id"], {"m365_backup_plan": "sales"})

    awx.writes.clear()
    assert admin.changes() == 0
    assert awx.writes == []

    PlanStore(admin.folder / "state").delete("field")
    awx.named("job_templates")[f"{PREFIX}: run"]["allow_simultaneous"] = False
    awx.named("schedules")[f"{PREFIX}: run sales"]["enabled"] = False
    assert admin.changes(m365_awx_remove_unlisted=True) == 2
    assert [write.split("/")[0] for write in awx.writes] == ["PATCH job_templates", *["DELETE schedules"] * 3]
    assert [name for name in awx.named("schedules") if name.endswith("field")] == []
    assert awx.named("schedules")[f"{PREFIX}: run sales"]["enabled"] is False


def test_a_refusal_of_awx_is_told_and_the_token_is_not(admin: Admin) -> None:
    unknown = admin.play("-vvv", token="a-token-that-is-wrong")
    assert "Authentication credentials were not provided" in unknown.stdout
    missing = admin.play("-vvv", m365_awx_playbooks="elsewhere", m365_awx_inventory="")
    (made,) = admin.awx.named("hosts").values()
    assert admin.awx.named("inventories")[PREFIX]["id"] == made["inventory"]
    assert "Playbook not found for project" in missing.stdout
    for done in (unknown, missing):
        assert done.returncode != 0
        assert "a-token" not in done.stdout + done.stderr
