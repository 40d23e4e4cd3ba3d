# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The end of the administrator's walk on a booted machine: the timer of the guide fires, and the backup is there."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
import typing as t
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.tests.hosts.copies import Copy, booted_copy, missing
from ansible_collections.tenantvault.m365_backup.tests.integration.playbook import collections_path
from ansible_collections.tenantvault.m365_backup.tests.integration.walked_page import Block, sections_of
from tenant.harness import RunningTenant, running_tenant

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/docsite/rst/group_backup_walkthrough.rst"
PLAN = {
    "m365_backup_title": "Sales",
    "m365_backup_groups": ["Sales"],
    "m365_backup_repository": "/srv/m365_backup/sales",
    "m365_backup_schedule": {"calendar": "*-*-* *:*:0/5"},
}
EXACT = "[Timer]\nAccuracySec=1s\n"  # systemd takes up to a minute otherwise, to wake machines less often
PATIENCE = 90.0


@pytest.fixture
def tenant() -> t.Iterator[RunningTenant]:
    with running_tenant() as running:
        control = running.control
        control.add_group("Sales")
        for name in ("anna", "ben"):
            control.add_user(f"{name}@contoso.com")
            control.deliver_generated(f"{name}@contoso.com", 5, size_limit=5_000)
            control.add_member("Sales", f"{name}@contoso.com")
        yield running


@pytest.fixture
def copy(tmp_path: Path) -> t.Iterator[Copy]:
    reason = missing() or ("" if shutil.which("restic") else "restic is not on this machine")
    if reason and os.environ.get("CI"):
        pytest.fail(f"There have to be machines in CI: {reason}")
    if reason:
        pytest.skip(reason)
    shown = (Path(sys.base_prefix), Path(sys.prefix), ROOT, collections_path())
    with booted_copy(tmp_path, shown=[path.resolve() for path in shown]) as running:
        yield running


def snapshots(copy: Copy) -> int:
    return int(copy.run("ls /srv/m365_backup/sales/snapshots | wc -l").stdout)


def wait_for(condition: t.Callable[[], bool], copy: Copy) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(copy.run("systemctl status --no-pager 'm365*'; journalctl --no-pager -n 60", check=False).stdout)
        time.sleep(0.3)


def settings_of(block: Block, tenant: RunningTenant) -> str:
    """The file of the page with the settings of this tenant, and how it is reached."""
    text = block.text.replace("11111111-2222-3333-4444-555555555555", tenant.tenant_id)
    text = text.replace("66666666-7777-8888-9999-000000000000", tenant.client_id)
    return f"{text}M365_PROXY={tenant.proxy_url}\nM365_CA_BUNDLE=/etc/m365_backup/tenant.pem\n"


def prepare(copy: Copy, tenant: RunningTenant) -> None:
    """The collection is installed for everybody, and what the page does not make is there: the secret, and how the tenant is trusted."""
    shutil.rmtree(copy.root / "root/.ansible", ignore_errors=True)
    installed = copy.root / "usr/share/ansible/collections"
    installed.mkdir(parents=True, exist_ok=True)
    (installed / "ansible_collections").symlink_to(collections_path().resolve() / "ansible_collections")
    settings = copy.root / "etc/m365_backup"
    settings.mkdir(mode=0o700)
    (settings / "client_secret").write_text(tenant.client_secret, encoding="utf-8")
    (settings / "tenant.pem").write_text(Path(tenant.ca_bundle).read_text(encoding="utf-8"), encoding="utf-8")
    units = copy.root / "etc/systemd/system/m365-backup-sales.timer.d"
    units.mkdir()
    (units / "exact.conf").write_text(EXACT, encoding="utf-8")


def do(copy: Copy, tenant: RunningTenant, blocks: t.Iterable[Block]) -> None:
    """What the page says, by root in his home."""
    for block in blocks:
        if block.file:
            path = copy.root / "root" / block.file if not block.file.startswith("/") else copy.root / block.file[1:]
            path.write_text(settings_of(block, tenant) if block.file.endswith("environment") else block.text, encoding="utf-8")
        else:
            run(copy, block.text)


def run(copy: Copy, command: str) -> None:
    environment = {"PATH": f"{Path(sys.executable).parent}:/usr/sbin:/usr/bin:/sbin:/bin", "ANSIBLE_NOCOLOR": "1"}
    settings = "if [ -e /etc/m365_backup/environment ]; then set -a; . /etc/m365_backup/environment; set +a; fi; cd /root;"
    copy.run(f"{settings} {command}", environment=environment)


def test_the_timer_of_the_guide_fires_and_the_backup_is_there(tenant: RunningTenant, copy: Copy) -> None:
    page = sections_of(PAGE.read_text(encoding="utf-8"))
    prepare(copy, tenant)
    do(copy, tenant, page["What is there before"])
    run(copy, f"ansible-playbook tenantvault.m365_backup.apply -e '{json.dumps(PLAN)}'")
    assert snapshots(copy) == 0

    do(copy, tenant, page["It runs when it is due"])
    wait_for(lambda: snapshots(copy) == 1, copy)
    tenant.control.deliver_generated("anna@contoso.com", 1, size_limit=5_000)
    wait_for(lambda: snapshots(copy) == 2, copy)  # when it was due once more
    copy.run("systemctl stop m365-backup-sales.timer")
    wait_for(lambda: copy.run("systemctl is-active m365-backup-sales.service", check=False).stdout.strip() == "inactive", copy)
    restic = {"RESTIC_PASSWORD_FILE": "/etc/m365_backup/passphrase", "RESTIC_REPOSITORY": "/srv/m365_backup/sales"}
    copy.run("restic check --read-data --no-cache", environment=restic)
    listed = copy.run("restic ls --no-cache latest", environment=restic).stdout.splitlines()
    assert sum(line.endswith(".eml") for line in listed) == 11
