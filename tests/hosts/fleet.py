# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two machines, a tenant and a bucket, and the folder on a workstation from which an operator tells the machines what to do."""

from __future__ import annotations

import contextlib
import json
import re
import time
import typing as t
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path

from ansible_collections.tenantvault.m365_backup.tests.hosts.machines import Machine, running_machine
from ansible_collections.tenantvault.m365_backup.tests.integration.walked_page import (
    Block,
    Session,
    programs_path,
    sections_of,
    without_settings_of,
)
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.object_store import (
    ADMIN,
    REGION,
    ObjectStore,
)
from tenant.harness import RunningTenant

NAMES = ("backup1.example.com", "backup2.example.com")
BUCKET = "company-backups"
REPOSITORY = f"s3://{BUCKET}/m365/sales"
PATIENCE = 90.0
_RECAP = re.compile(r"^(\S+) +: ok=\d+ +changed=(\d+) +unreachable=0 +failed=0", re.MULTILINE)
_SOON = "[Timer]\nOnCalendar=*-*-* *:*:0/2\nAccuracySec=1s\n"
_DROP_IN = "/etc/systemd/system/m365-backup-run@sales.timer.d"


@dataclass(slots=True, kw_only=True)
class Fleet:
    """C(folder) is the operator's; C(said) is what came of each section of the page that was done."""

    root: Path
    folder: Path
    tenant: RunningTenant
    store: ObjectStore
    session: Session
    secrets: dict[str, str]
    page: dict[str, list[Block]]
    machines: dict[str, Machine] = field(default_factory=dict)
    running: dict[str, contextlib.ExitStack] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)

    def boot(self, name: str) -> None:
        """A fresh machine of that name; the inventory says how it is reached."""
        self.running[name] = contextlib.ExitStack()
        folder = self.folder.parent / f"{name}-{time.monotonic_ns()}"
        folder.mkdir()
        machine = self.running[name].enter_context(running_machine(name.partition(".")[0], self.root, folder))
        self.machines[name] = machine
        variables = {**machine.variables, "group_backup_jobs": not_today()}
        variables["ansible_ssh_common_args"] = str(variables["ansible_ssh_common_args"]).replace("-o ControlMaster=no", "")
        (self.folder / "host_vars").mkdir(exist_ok=True)
        (self.folder / "host_vars" / f"{name}.yml").write_text(json.dumps(variables), encoding="utf-8")

    def lose(self, name: str) -> None:
        """Switch it off. Nothing of it is left."""
        self.running.pop(name).close()
        del self.machines[name]

    def do(self, section: str) -> str:
        """What the page says below a heading, and what was printed."""
        self.said[section] = self.session.do(self.page[section])
        return self.said[section]

    def choose_a_passphrase(self) -> None:
        """The section about secrets: what the first command prints goes where the page tells."""
        generate, *others = self.page["Secrets"]
        self.secrets["the-line-that-was-printed-above"] = self.session.do([generate]).strip()
        self.said["Secrets"] = self.session.do(others)

    def restic(self, *arguments: str, password: str = "") -> str:
        """What restic says of the repository in the bucket."""
        return self.store.restic(REPOSITORY, password or self.secrets["the-line-that-was-printed-above"], *arguments).stdout

    def restored(self) -> set[str]:
        """The messages in the newest restore point, as restic lists them."""
        return {line for line in self.restic("ls", "latest").splitlines() if line.endswith(".eml")}

    def fetched(self) -> int:
        """How many messages were fetched since the log of the tenant was emptied."""
        return int(self.tenant.control.stats()["by_operation"].get("message_mime", 0))

    def wait_until_the_timer_has_fired(self, name: str) -> None:
        """As if the plan were due at once: its timer, with a time more, which goes again when the run is through."""
        machine = self.machines[name]
        runs = "ls /var/lib/m365_backup/runs/sales/*.json 2>/dev/null | wc -l"
        before = machine.says(runs)
        machine.run(f"mkdir {_DROP_IN} && cat > {_DROP_IN}/soon.conf && {_REREAD}", given=_SOON)
        try:
            _wait(machine, lambda: machine.says(runs) != before)
        finally:
            machine.run(f"rm -r {_DROP_IN} && {_REREAD}")
        _wait(machine, lambda: machine.says("systemctl is-active m365-backup-run@sales.service || true") == "inactive")


def _wait(machine: Machine, condition: t.Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(machine.run(_TROUBLE, check=False).stdout)
        time.sleep(0.5)


_REREAD = "systemctl daemon-reload && systemctl restart m365-backup-run@sales.timer"
_TROUBLE = "systemctl status --no-pager 'm365*'; journalctl --no-pager -n 80"


def changed(output: str) -> dict[str, int]:
    """How many tasks changed something on each host, of hosts on which nothing failed."""
    return {name: int(count) for name, count in _RECAP.findall(output)}


def not_today() -> dict[str, t.Any]:
    """Jobs half a day away: no test is to meet them by chance."""
    times = {"at": far_away()}
    return {"run": {}, "prune": {"schedule": {"every": "daily", **times}}, "verify": {"schedule": {"every": "daily", **times}}}


def far_away() -> str:
    """A time of day that is hours away in every European zone."""
    return f"{datetime.now(timezone.utc) + timedelta(hours=12):%H:%M}"


def populate(tenant: RunningTenant, people: int, messages: int) -> list[str]:
    """The group Sales; what its members are called."""
    tenant.control.add_group("Sales")
    members = [f"member{number}@contoso.com" for number in range(people)]
    for number, member in enumerate(members):
        tenant.control.add_user(member)
        tenant.control.deliver_generated(member, messages, seed=number, size_limit=5_000)
        tenant.control.add_member("Sales", member)
    return members


def make_mirror(folder: Path, wheels: Path) -> None:
    """What a web server has to show so that pip finds the wheels there, below C(simple)."""
    for wheel in wheels.glob("*.whl"):
        project = re.sub(r"[-_.]+", "-", wheel.name.partition("-")[0]).lower()
        (folder / "simple" / project).mkdir(parents=True)
        (folder / "simple" / project / wheel.name).symlink_to(wheel)


def workstation(
    folder: Path, tenant: RunningTenant, store: ObjectStore, mirror: str, tarballs: t.Sequence[Path]
) -> tuple[Session, dict[str, str]]:
    """A shell in the operator's folder, and what it replaces. What the page takes from the internet, it gets from files."""
    installed, newer = tarballs
    galaxy = "ansible-galaxy collection"
    replaced = {
        f"{galaxy} install tenantvault.m365_backup --upgrade": f"{galaxy} install --offline --upgrade {newer} && cp {newer} files",
        f"{galaxy} install tenantvault.m365_backup": f"{galaxy} install --offline {installed}",
        f"{galaxy} download tenantvault.m365_backup --download-path files": f"cp {installed} files",
        "11111111-2222-3333-4444-555555555555": tenant.tenant_id,
        "66666666-7777-8888-9999-000000000000": tenant.client_id,
        "the-client-secret-of-the-app-registration": tenant.client_secret,
        "the-id-of-the-key-for-the-bucket": ADMIN.access_key_id,
        "the-secret-of-the-key-for-the-bucket": ADMIN.secret_access_key,
        "http://proxy.example.com:3128": tenant.proxy_url,
        "https://s3.example.com": store.endpoint,
        "https://pypi.example.com": mirror,
        "region: eu-central-1": f"region: {REGION}",
        "22:30": far_away(),
    }
    inherited = without_settings_of("ANSIBLE_")
    inherited.pop("PYTHONPATH", None)  # the collection that is tested lies there
    environment = {
        **inherited,
        "PATH": programs_path(),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_HOME": str(folder.parent / "ansible"),
    }
    (folder / "files").mkdir(parents=True)
    (folder / "files/proxy.pem").write_bytes(Path(tenant.ca_bundle).read_bytes())
    return Session(folder=folder, replaced=replaced, environment=environment), replaced


@contextlib.contextmanager
def running_fleet(
    root: Path, folder: Path, page: Path, tenant: RunningTenant, store: ObjectStore, mirror: str, tarballs: t.Sequence[Path]
) -> t.Iterator[Fleet]:
    """Both machines, bare, until the end."""
    store.make_bucket(BUCKET)
    session, replaced = workstation(folder / "operator", tenant, store, mirror, tarballs)
    blocks = sections_of(page.read_text(encoding="utf-8"))
    fleet = Fleet(root=root, folder=folder / "operator", tenant=tenant, store=store, session=session, secrets=replaced, page=blocks)
    try:
        for name in NAMES:
            fleet.boot(name)
        yield fleet
    finally:
        for name in list(fleet.machines):
            fleet.lose(name)
