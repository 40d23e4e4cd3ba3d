# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role restore_drill, on a host that has nothing but the recovery key and a way to the repository."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.tests.integration.page_commands import commands_of
from ansible_collections.tenantvault.m365_backup.tests.integration.playbook import Playbook, collections_path
from ansible_collections.tenantvault.m365_backup.tests.integration.walked_page import Block, Session, programs_path, without_settings_of
from tenant.harness import RunningTenant

PAGE = Path(__file__).resolve().parents[2] / "docs/docsite/rst/awx.rst"
ALICE = "alice@contoso.com"
CHANGED = re.compile(r"^elsewhere +: ok=\d+ +changed=(\d+)", re.MULTILINE)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """A host beside the backup host. No passphrase is known there."""

    backup_host: Playbook

    @property
    def state_path(self) -> Path:
        return self.backup_host.folder / "elsewhere"

    @property
    def scratch(self) -> Path:
        return self.backup_host.folder / "scratch"

    def drill(self, key: str, *arguments: str, **variables: t.Any) -> subprocess.CompletedProcess[str]:
        self.scratch.mkdir(exist_ok=True)
        inventory = self.inventory("backup1", "elsewhere")
        given = {
            "m365_backup_plan": "sales",
            "m365_backup_hosts": "elsewhere",
            "m365_backup_plan_host": "backup1",
            **variables,
        }
        program = str(Path(sys.executable).with_name("ansible-playbook"))
        command = [program, "-i", str(inventory), "tenantvault.m365_backup.drill", "-e", json.dumps(given), *arguments]
        environment = {**self.environment, "M365_BACKUP_RECOVERY_KEY": key}
        return subprocess.run(command, check=False, capture_output=True, text=True, env=environment)

    def do(self, commands: t.Iterable[Block], key: str) -> str:
        """Run commands of a page beside an inventory with the backup host; what was printed."""
        self.scratch.mkdir(exist_ok=True)
        self.inventory("backup1").rename(self.backup_host.folder / "inventory")
        replaced = {"M365_BACKUP_RECOVERY_KEY=...": f"M365_BACKUP_RECOVERY_KEY={key}"}
        return Session(self.backup_host.folder, replaced, self.environment).do(commands)

    @property
    def environment(self) -> dict[str, str]:
        """With the programs of the tests, and without a secret."""
        return {
            **without_settings_of("ANSIBLE_"),
            "PATH": programs_path(),
            "ANSIBLE_COLLECTIONS_PATH": str(collections_path()),
            "ANSIBLE_HOME": str(self.backup_host.folder / "ansible"),
            "ANSIBLE_NOCOLOR": "1",
        }

    def inventory(self, *hosts: str) -> Path:
        """A file with hosts that all are this machine, and the places that stand for those of a host."""
        facts = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        places = {
            "m365_backup_plan_host_state_path": str(self.backup_host.state_path),
            "m365_backup_state_path": str(self.state_path),
            "m365_backup_drill_path": str(self.scratch),
        }
        path = self.backup_host.folder / "inventory.json"
        path.write_text(json.dumps({"all": {"hosts": dict.fromkeys(hosts, facts), "vars": places}}), encoding="utf-8")
        return path


@pytest.fixture
def elsewhere(tenant: RunningTenant, tmp_path: Path) -> Elsewhere:
    tenant.control.reset()
    tenant.control.add_user(ALICE)
    tenant.control.deliver_generated(ALICE, 4, size_limit=20_000)
    host = Playbook(tenant=tenant, folder=tmp_path)
    declared = {"title": "Sales", "users": [ALICE], "backup_type": "mailbox", "sources": ["mail"], "repository": str(host.repository)}
    plan = host.task("m365_group_backup_plan", recovery_key_file=str(tmp_path / "key"), **declared)
    host.run(plan, host.task("m365_backup_run", plan="sales"))
    return Elsewhere(backup_host=host)


def test_inv09_a_drill_elsewhere_needs_the_recovery_key_alone_and_leaves_nothing_but_its_record(elsewhere: Elsewhere) -> None:
    key = (elsewhere.backup_host.folder / "key").read_text(encoding="utf-8").strip()
    first = elsewhere.drill(key, "--check", "--diff")
    assert first.returncode == 0, first.stdout + first.stderr
    assert not elsewhere.state_path.exists()
    assert "not stored on elsewhere yet" in first.stdout

    drilled = elsewhere.drill(key, "-vvv", m365_backup_drill_member=ALICE, m365_backup_drill_seed=7)
    assert drilled.returncode == 0, drilled.stdout + drilled.stderr
    assert '"opened_with": "recovery key"' in drilled.stdout
    assert list(elsewhere.scratch.iterdir()) == []
    again = elsewhere.drill(key, m365_backup_drill_member=ALICE)
    found = CHANGED.search(again.stdout)
    assert found is not None
    assert (again.returncode, found[1]) == (0, "0"), again.stdout
    left = b"".join(path.read_bytes() for path in elsewhere.state_path.rglob("*") if path.is_file())
    assert key.encode() not in left + (drilled.stdout + drilled.stderr).encode()


def test_the_commands_of_the_guide_drill_where_ansible_runs(elsewhere: Elsewhere) -> None:
    key = (elsewhere.backup_host.folder / "key").read_text(encoding="utf-8").strip()
    said = elsewhere.do(commands_of(PAGE)["Drills"], key)
    assert "opened_with: recovery key" in re.sub(r"['\"]", "", said)
    assert key not in said
    assert list(elsewhere.scratch.iterdir()) == []


def test_a_drill_fails_with_another_key_and_for_a_member_of_whom_nothing_can_be_restored(elsewhere: Elsewhere) -> None:
    other = elsewhere.drill("ST1E-FEN9-BS2S-WX9C-57HF-3F7V-5Z7Q-7K0T-ZBPC-0BN3-9PA9-PKN2-P67T-G4Q9")
    nobody = elsewhere.drill("")
    key = (elsewhere.backup_host.folder / "key").read_text(encoding="utf-8").strip()
    too_few = elsewhere.drill(key, "-e", "restore_drill_full_minimum=100", m365_backup_drill_member=ALICE)
    assert [done.returncode for done in (other, nobody, too_few)] == [2, 2, 2]
    assert "needs its recovery key" in nobody.stdout
    assert "only 4 items could be restored" in re.sub(r"\s+", " ", too_few.stdout)
    assert list(elsewhere.scratch.iterdir()) == []
