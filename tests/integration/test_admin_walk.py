# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The walk of an administrator: every file and every command of the guide, from a list of people to a backup that runs when it is due."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shlex
import shutil
import stat
import subprocess
import typing as t
from datetime import datetime, timezone
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.layout import outcome_of, plan_of
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.members import MemberState, group_of, read_members
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.restore_points import plan_snapshots
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import Repository, open_repository
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_local import LocalStorage
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.self_test import EICAR
from ansible_collections.tenantvault.m365_backup.tests.integration.backups import mail
from ansible_collections.tenantvault.m365_backup.tests.integration.clamd_daemon import Clamd, needs_clamd
from ansible_collections.tenantvault.m365_backup.tests.integration.playbook import collections_path
from ansible_collections.tenantvault.m365_backup.tests.integration.walked_page import (
    Block,
    Session,
    programs_path,
    sections_of,
    without_settings_of,
)
from tenant.harness import RunningTenant

pytestmark = [
    needs_clamd,
    pytest.mark.skipif(
        not shutil.which("systemd-analyze"), reason="systemd is not installed: it judges the timer (apt-get install systemd)"
    ),
]

PAGE = Path(__file__).resolve().parents[2] / "docs/docsite/rst/group_backup_walkthrough.rst"
ADELE, BEN, CEO, TEMP = (f"{name}@example.com" for name in ("adele", "ben", "ceo", "temp"))
MAILBOX, FILES = "sales", "sales-files"
SYSTEMCTL = """#!/bin/sh
# Nothing is booted here: a unit is enabled below a folder, and what talks to a running systemd is left out.
case "$1" in
  daemon-reload) exit 0 ;;
  enable) exec {systemctl} --root={root} enable "$3" ;;
esac
exit 64
"""


@dataclasses.dataclass(slots=True)
class Walk:
    """The page as it is being done. C(points) are the ids of the restore points of each plan after each section."""

    tenant: RunningTenant
    session: Session
    root: Path
    said: dict[str, str] = dataclasses.field(default_factory=dict)
    points: dict[str, dict[str, list[str]]] = dataclasses.field(default_factory=dict)

    @property
    def repository(self) -> Repository:
        secret = (self.root / "etc/m365_backup/passphrase").read_text(encoding="utf-8").strip()
        return open_repository(LocalStorage(self.root / "srv/m365_backup/sales"), secret)

    @property
    def state(self) -> Path:
        return self.root / "var/lib/m365_backup"

    def stored_plan(self, name: str) -> dict[str, t.Any]:
        document = json.loads((self.state / f"plans/{name}.json").read_text(encoding="utf-8"))
        return t.cast("dict[str, t.Any]", document["plan"])

    def last_run(self, plan: str) -> dict[str, t.Any]:
        path = max((self.state / "runs" / plan).glob("*.json"))
        return t.cast("dict[str, t.Any]", json.loads(path.read_text(encoding="utf-8")))

    def members(self, plan: str) -> dict[str, MemberState]:
        """The members in the newest restore point, by sign-in name."""
        repository = self.repository
        group = group_of(repository, plan_snapshots(repository, plan)[-1])
        if group is None or group.subtree is None:
            raise AssertionError(f"The restore point of {plan} holds no group.")
        return {member.principal_name: member for member in read_members(repository, group.subtree).values()}

    def unit(self, kind: str) -> dict[str, list[str]]:
        """The settings of the unit that the page has written."""
        text = (self.root / f"etc/systemd/system/m365-backup-sales.{kind}").read_text(encoding="utf-8")
        settings: dict[str, list[str]] = {}
        for name, value in re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE):
            settings.setdefault(name, []).append(value)
        return settings

    def run_when_due(self) -> None:
        """What systemd does when the timer elapses: the line of the service, with the file of its environment and little else."""
        service = self.unit("service")
        given = Path(service["EnvironmentFile"][0]).read_text(encoding="utf-8").split()
        outside = {name: value for name, value in self.session.environment.items() if not name.startswith("M365_") and name != "HOME"}
        environment = {
            **outside,
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            **dict(line.split("=", 1) for line in given),
            "M365_BACKUP_STATE_PATH": str(self.state),
        }
        subprocess.run(shlex.split(service["ExecStart"][0]), cwd="/", env=environment, check=True, capture_output=True)

    def _note(self, section: str) -> None:
        if (self.root / "srv/m365_backup/sales/config").exists():
            snapshots = self.repository.snapshots()
            ids = {name: [each.id for each in snapshots if plan_of(each.tags) == name] for name in (MAILBOX, FILES)}
            self.points[section] = ids

    def do(self, page: str) -> None:
        """Every section; between the first backup and the next one somebody gets mail."""
        for section, blocks in sections_of(page).items():
            self.said[section] = self.session.do(blocks)
            self._note(section)
            if section == "It runs when it is due":
                self.tenant.control.deliver(ADELE, "inbox", mail("after the first backup"))
                self.run_when_due()
                self._note("when it was due")


@pytest.fixture(scope="module")
def walk(tenant: RunningTenant, clamd: Clamd, tmp_path_factory: pytest.TempPathFactory) -> Walk:
    root = tmp_path_factory.mktemp("walk")
    for folder in ("etc/m365_backup", "etc/systemd/system", "srv/m365_backup", "var/lib", "bin", "home"):
        (root / folder).mkdir(parents=True)
    (root / "etc/m365_backup/client_secret").write_text(tenant.client_secret, encoding="utf-8")
    (root / "bin/systemctl").write_text(SYSTEMCTL.format(systemctl=shutil.which("systemctl"), root=root), encoding="utf-8")
    (root / "bin/systemctl").chmod(0o755)
    populate(tenant)
    replaced = {
        "11111111-2222-3333-4444-555555555555": tenant.tenant_id,
        "66666666-7777-8888-9999-000000000000": tenant.client_id,
        "/etc/m365_backup": str(root / "etc/m365_backup"),
        "/srv/m365_backup": str(root / "srv/m365_backup"),
        "/etc/systemd/system": str(root / "etc/systemd/system"),
        "/run/clamav/clamd.ctl": clamd.socket,
        "Europe/Berlin": zone_where_it_is_noon(),
    }
    environment = {
        **without_settings_of("ANSIBLE_", tenant.environment()),
        "PATH": programs_path(root / "bin"),
        "ANSIBLE_COLLECTIONS_PATH": str(collections_path()),
        "ANSIBLE_HOME": str(root / "home"),
        "ANSIBLE_NOCOLOR": "1",
        "M365_BACKUP_STATE_PATH": str(root / "var/lib/m365_backup"),
        "TZ": "UTC",
    }
    walk = Walk(tenant, Session(root / "home", replaced, environment), root)
    walk.do(PAGE.read_text(encoding="utf-8"))
    return walk


def populate(tenant: RunningTenant) -> None:
    """Two people and a temp in Sales, and somebody else; one has an archive, one has got malware."""
    control = tenant.control
    control.reset()
    control.add_group("Sales")
    for user in (ADELE, BEN, CEO, TEMP):
        control.add_user(user, display_name=user.partition("@")[0].title())
        control.deliver_generated(user, 5, size_limit=5_000)
        control.create_drive(user)
        control.put_file(user, "Documents/plan.txt", f"Files of {user}".encode())
        if user != CEO:
            control.add_member("Sales", user)
    archive = control.create_archive(BEN)["archive"]
    control.deliver_generated(archive, 2, folder=[], size_limit=3_000)
    control.deliver(ADELE, "inbox", mail("an offer", EICAR.decode()))


def zone_where_it_is_noon() -> str:
    """So that no window closes while the test runs, whatever the time. The signs of these zones are the other way round."""
    return f"Etc/GMT{datetime.now(timezone.utc).hour - 12:+d}"


def test_the_preview_names_who_is_meant_and_who_is_left_out(walk: Walk) -> None:
    said = walk.said["Who: select users"]
    for name in (ADELE, BEN, CEO):
        assert f"+ {name}" in said
    assert f"- {TEMP}" in said


def test_the_stored_plan_says_what_the_file_of_variables_declares(walk: Walk) -> None:
    stored = walk.stored_plan(MAILBOX)
    declared = {name.removeprefix("m365_backup_"): value for name, value in walk.session.files["sales.yml"].items()}
    declared["backup_type"] = declared.pop("type")
    key = Path(declared.pop("recovery_key_file"))
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    for name, value in declared.items():
        assert stored[name] == ({**stored[name], **value} if isinstance(value, dict) else value), name


def test_the_first_backup_has_everybody_archives_and_what_is_infected(walk: Walk) -> None:
    assert walk.points["Apply"] == {MAILBOX: [], FILES: []}
    assert len(walk.points["The first backup"][MAILBOX]) == 1
    members = walk.members(MAILBOX)
    assert sorted(members) == [ADELE, BEN, CEO]
    assert all({"mail", "archive"} <= set(member.sources) for member in members.values())
    first = min((walk.state / "runs" / MAILBOX).glob("*.json"))
    assert json.loads(first.read_text(encoding="utf-8"))["scan"]["infected"] == 1


def test_the_timer_elapses_when_the_plan_says_and_its_service_backs_up_what_is_new(walk: Walk) -> None:
    timer = walk.unit("timer")
    times = [next_elapse(expression) for expression in timer["OnCalendar"]]
    said = re.findall(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d", walk.said["It runs when it is due"])
    assert min(times) == min(datetime.fromisoformat(moment) for moment in said)
    units = [str(walk.root / f"etc/systemd/system/m365-backup-sales.{kind}") for kind in ("timer", "service")]
    judged = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False)
    assert "m365-backup-sales" not in judged.stderr
    assert (walk.root / "etc/systemd/system/timers.target.wants/m365-backup-sales.timer").is_symlink()
    before, after = walk.points["It runs when it is due"][MAILBOX], walk.points["when it was due"][MAILBOX]
    assert after[:-1] == before


def test_members_are_protected_and_are_hosts(walk: Walk) -> None:
    said = walk.said["Is everybody protected?"]
    graph = said[said.index("@all:") : said.index("PLAY [Say when")]
    for group in ("m365_plan_sales", "m365_protected", "m365_members"):
        assert f"@{group}:" in graph
    assert graph.count(f"--{ADELE}") == graph.count(f"--{CEO}") == 4  # the group of its kind of mailbox is the fourth
    assert "m365_unprotected" not in graph
    assert re.search(r"Adele: \d{4}-\d\d-\d\dT", said)
    assert "NOT PROTECTED" not in said


def test_a_second_plan_over_the_same_people_shares_nothing_by_accident(walk: Walk) -> None:
    before, after = walk.points["Is everybody protected?"], walk.points["And their files?"]
    assert (after[MAILBOX], len(before[FILES]), len(after[FILES])) == (before[MAILBOX], 0, 1)
    mailboxes, files = walk.members(MAILBOX), walk.members(FILES)
    assert sorted(mailboxes) == sorted(files)
    assert {source for member in files.values() for source in member.sources} == {"onedrive"}
    assert "onedrive" not in {source for member in mailboxes.values() for source in member.sources}
    assert walk.stored_plan(FILES)["retention"] == {"forever": True}
    assert walk.stored_plan(FILES)["schedule"] is None
    assert re.search(r"all plans +3 +3 ", walk.said["And their files?"])  # seats, and how many of them are in both


def test_another_title_keeps_the_history_and_costs_nothing(walk: Walk) -> None:
    before, after = walk.points["And their files?"], walk.points["Another title"]
    assert after[MAILBOX][: len(before[MAILBOX])] == before[MAILBOX]
    assert after[FILES] == before[FILES]
    assert walk.stored_plan(MAILBOX)["title"] == "Sales and Marketing"
    counts = walk.last_run(MAILBOX)["counts"]
    assert (counts["fetched"], counts["added"], counts["removed"]) == (0, 0, 0)
    assert {outcome_of(snapshot.tags) for snapshot in plan_snapshots(walk.repository, MAILBOX)} == {"complete"}


def test_what_becomes_of_one_plan_leaves_the_other_alone(walk: Walk) -> None:
    files = {snapshot.id: snapshot.tags for snapshot in plan_snapshots(walk.repository, FILES)}
    walk.tenant.control.remove_member("Sales", BEN)
    playbooks = " ".join(f"tenantvault.m365_backup.{name}" for name in ("hold", "run", "prune"))
    hold = {"m365_backup_hold_label": "case", "m365_backup_hold_member": CEO}
    variables = json.dumps({"m365_backup_plan": MAILBOX, "m365_backup_confirm": ["member_loss"], **hold})
    commands = f"ansible-playbook {playbooks} -e '{variables}'"
    walk.session.do([Block("bash", "", commands)])
    assert {name: member.left is None for name, member in walk.members(MAILBOX).items()} == {ADELE: True, BEN: False, CEO: True}
    assert {name: member.left is None for name, member in walk.members(FILES).items()} == {ADELE: True, BEN: True, CEO: True}
    assert {snapshot.id: snapshot.tags for snapshot in plan_snapshots(walk.repository, FILES)} == files
    assert any("hold:case" in snapshot.tags for snapshot in plan_snapshots(walk.repository, MAILBOX))


def next_elapse(expression: str) -> datetime:
    """When systemd says that a calendar expression is next."""
    done = subprocess.run(
        ["systemd-analyze", "calendar", expression],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "TZ": "UTC", "LC_ALL": "C"},
    )
    moment = re.search(r"Next elapse: \w+ (\S+ \S+) UTC", done.stdout)
    if moment is None:
        raise AssertionError(done.stdout)
    return datetime.fromisoformat(moment.group(1)).replace(tzinfo=timezone.utc)
