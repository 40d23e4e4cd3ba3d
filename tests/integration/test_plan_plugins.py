# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory of members and the lookup of restore points, as ansible-inventory and ansible-playbook use them: without a tenant."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import typing as t
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.restore_points import plan_snapshots
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.document import plan_from_dict
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.store import PlanStore, StoredPlan
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.keys import KdfParameters
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import create_repository, open_repository
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_local import LocalStorage
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import Snapshot
from ansible_collections.tenantvault.m365_backup.tests.integration.playbook import NAMESPACE, PASSPHRASE, collections_path
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.history import GOOD, LEFT, STALE, History

NOW = datetime.now(timezone.utc)
PLAN = {"title": "Sales", "groups": ["Sales"], "backup_type": "mailbox", "sources": ["mail"], "schedule": {"every": "daily"}}
LOOKUP = f"{NAMESPACE}.latest_snapshot"


@dataclasses.dataclass(frozen=True, slots=True)
class Host:
    """A backup host that is its own controller."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "M365_", "AWS_"))}
        return {
            **inherited,
            "ANSIBLE_COLLECTIONS_PATH": str(collections_path()),
            "ANSIBLE_HOME": str(self.folder / "ansible"),
            "ANSIBLE_LOCALHOST_WARNING": "False",
            "ANSIBLE_INVENTORY_UNPARSED_FAILED": "True",
            "ANSIBLE_NOCOLOR": "1",
            "M365_BACKUP_STATE_PATH": str(self.folder / "state"),
            "M365_BACKUP_PASSPHRASE": PASSPHRASE,
        }

    def run(self, program: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        command = [str(Path(sys.executable).with_name(program)), *arguments]
        return subprocess.run(command, check=False, capture_output=True, text=True, env={**self.environment, **environment})

    def play(self, plays: t.Sequence[t.Mapping[str, t.Any]], *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run plays; what they print is in C(stdout)."""
        path = self.folder / "plays.json"
        path.write_text(json.dumps(plays), encoding="utf-8")
        answer = self.run("ansible-playbook", *arguments, str(path), **environment)
        return subprocess.CompletedProcess(answer.args, answer.returncode, answer.stdout + answer.stderr)

    def snapshots(self, plan: str) -> list[Snapshot]:
        """The restore points of a plan, oldest first."""
        return plan_snapshots(open_repository(LocalStorage(self.folder / "repository"), PASSPHRASE), plan)

    def inventory(self, **options: t.Any) -> str:
        """The path of an inventory file with these options."""
        path = self.folder / "all.m365_backup_members.yml"
        path.write_text(json.dumps({"plugin": f"{NAMESPACE}.m365_backup_members", **options}), encoding="utf-8")
        return str(path)

    def hosts(self, *arguments: str, **options: t.Any) -> dict[str, t.Any]:
        """What ansible-inventory lists."""
        answer = self.run("ansible-inventory", "-i", self.inventory(**options), "--list", *arguments)
        if answer.returncode:
            raise AssertionError(answer.stderr)
        return parsed(answer.stdout)

    def complaint(self, secret: str, **options: t.Any) -> str:
        """What ansible-inventory says to options that are wrong, in one line."""
        answer = self.run("ansible-inventory", "-i", self.inventory(**options), "--list", M365_BACKUP_PASSPHRASE=secret)
        assert answer.returncode != 0
        return " ".join(answer.stderr.split())


def parsed(listed: str) -> dict[str, t.Any]:
    """What ansible-inventory printed, without the marks at texts that are no templates."""
    return t.cast("dict[str, t.Any]", json.loads(listed, object_hook=lambda found: found.get("__ansible_unsafe", found)))


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Host:
    """Two plans in one repository. Of the first Ben's mailbox could not be read today, and Carl has left; the second has no run yet."""
    host = Host(tmp_path_factory.mktemp("controller"))
    location = host.folder / "repository"
    repository = create_repository(LocalStorage(location), PASSPHRASE, kdf=KdfParameters(n=2**10))
    for name, title in (("sales", "Sales"), ("sales-eu", "Sales EU"), ("later", "Later")):
        plan = plan_from_dict({**PLAN, "name": name, "title": title, "repository": str(location)})
        PlanStore(host.folder / "state").save(StoredPlan(plan=plan, repository_id=repository.id))
    sales = History(open_repository(LocalStorage(location), PASSPHRASE), display_names={"ben": "Ben {{ 40 + 2 }}"})
    sales.add(NOW - timedelta(days=9), anna=GOOD, ben=GOOD, carl=GOOD)
    sales.add(NOW - timedelta(hours=1), outcome="partial", anna=GOOD, ben=STALE, carl=LEFT)
    History(open_repository(LocalStorage(location), PASSPHRASE), plan_name="sales-eu").add(NOW - timedelta(hours=2), anna=GOOD, dora=GOOD)
    return host


def test_members_of_plans_are_hosts_with_the_facts_of_their_backups(host: Host) -> None:
    options = {
        "compose": {"shown": "m365_display_name | upper"},
        "keyed_groups": [{"key": "m365_plans | length | string", "prefix": "plans"}],
        "passphrase": f"{{{{ '{PASSPHRASE}' }}}}",
    }
    listed = host.hosts(**options)
    groups = {name: sorted(group.get("hosts", ())) for name, group in listed.items() if name not in ("_meta", "all")}
    anna, ben, carl, dora = (f"{name}@x.example" for name in ("anna", "ben", "carl", "dora"))
    assert {name: hosts for name, hosts in groups.items() if hosts} == {
        "m365_members": [anna, ben, carl, dora],
        "m365_plan_sales": [anna, ben],
        "m365_former_of_sales": [carl],
        "m365_plan_sales_eu": [anna, dora],
        "m365_protected": [anna, dora],
        "m365_unprotected": [ben],
        "m365_former": [carl],
        "plans_1": [ben, carl, dora],
        "plans_2": [anna],
    }
    facts = listed["_meta"]["hostvars"]
    assert facts[anna]["shown"] == "ANNA"
    assert facts[ben]["m365_plans"]["sales"]["problems"] != []
    assert facts[carl]["m365_plans"]["sales"]["left"] is not None
    assert PASSPHRASE not in json.dumps(listed)
    only = host.hosts("--limit", "m365_plan_sales_eu", plans=["Sales EU"], max_age_hours=1)
    assert sorted(only["_meta"]["hostvars"]) == sorted(only["m365_unprotected"]["hosts"]) == [anna, dora]


def test_what_was_read_is_kept_in_a_cache_when_somebody_asks_for_it(host: Host) -> None:
    options = {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": str(host.folder / "cache")}
    first = host.hosts(**options)
    second = host.run("ansible-inventory", "-i", host.inventory(**options), "--list", M365_BACKUP_PASSPHRASE="wrong, and not needed")
    assert parsed(second.stdout) == first
    kept = b"".join(path.read_bytes() for path in (host.folder / "cache").iterdir())
    assert b"anna@x.example" in kept
    assert PASSPHRASE.encode() not in kept


@pytest.mark.parametrize(
    ("secret", "options", "words"),
    [
        ("another passphrase that is long enough to be one, and wrong", {}, "passphrase"),
        ("", {}, "M365_BACKUP_PASSPHRASE_FILE"),
        (PASSPHRASE, {"plans": ["Purchase"]}, "No plan is called 'Purchase'"),
        (PASSPHRASE, {"max_age_hours": 0}, "max_age_hours"),
        (PASSPHRASE, {"s3_access_key_id": "key"}, "s3_secret_access_key"),
        (PASSPHRASE, {"passphrase": "a", "passphrase_file": "/b"}, "mutually exclusive"),
    ],
)
def test_what_is_wrong_is_one_clear_sentence(host: Host, secret: str, options: dict[str, t.Any], words: str) -> None:
    said = host.complaint(secret, **options)
    assert words in said
    assert "Traceback" not in said


def test_a_play_for_members_runs_here_and_never_takes_a_name_for_an_expression(host: Host) -> None:
    here = {"hosts": "m365_members", "gather_facts": False, "tasks": [{"ansible.builtin.command": "true", "changed_when": False}]}
    shown = {"hosts": "m365_unprotected", "gather_facts": False, "tasks": [{"ansible.builtin.debug": {"msg": "<{{ m365_display_name }}>"}}]}
    answer = host.play([here, shown], "-i", host.inventory())
    assert answer.returncode == 0, answer.stdout
    assert "<Ben {{ 40 + 2 }}>" in answer.stdout
    assert "unreachable=1" not in answer.stdout


def test_the_lookup_gives_the_newest_restore_point_or_says_why_there_is_none(host: Host) -> None:
    wanted = {
        "newest": f"lookup('{LOOKUP}', 'Sales')",
        "complete": f"lookup('{LOOKUP}', 'sales', complete=true, facts=true)",
        "of_ben": f"lookup('{LOOKUP}', 'sales', member='ben@x.example', complete=true)",
        "both": f"query('{LOOKUP}', 'sales', 'sales-eu', passphrase=secret, state_path='{host.folder}/state') | length",
        "none": f"lookup('{LOOKUP}', 'later', errors='ignore') | d('none', true)",
        "nobody": f"lookup('{LOOKUP}', 'sales', member='dora@x.example', errors='warn') | d('nobody', true)",
    }
    keep = {"ansible.builtin.copy": {"content": "{{ answers | to_json }}", "dest": str(host.folder / "answers.json"), "mode": "0600"}}
    answers = {name: f"{{{{ {expression} }}}}" for name, expression in wanted.items()}
    variables = {"answers": answers, "secret": PASSPHRASE, "ansible_python_interpreter": sys.executable}
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "vars": variables, "tasks": [keep]}
    answer = host.play([play], "-i", "localhost,")
    assert answer.returncode == 0, answer.stdout
    found = json.loads((host.folder / "answers.json").read_text(encoding="utf-8"))
    older, newer = (snapshot.id for snapshot in host.snapshots("sales"))
    assert (found["newest"], found["complete"]["id"], found["of_ben"], str(found["both"])) == (newer, older, older, "2")
    assert (found["complete"]["plan"], found["complete"]["outcome"]) == ("sales", "complete")
    assert (found["none"], found["nobody"]) == ("none", "nobody")
    said = " ".join(answer.stdout.split())
    assert "No restore point of the plan sales has anything of dora@x.example" in said
    wrong = host.play([play], "-i", "localhost,", M365_BACKUP_PASSPHRASE="another passphrase that is long enough to be one, and wrong")
    assert "passphrase" in wrong.stdout
    assert "Traceback" not in wrong.stdout
    assert wrong.returncode != 0
