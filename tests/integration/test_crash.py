# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs that are killed: nothing is lost, nothing is broken, and what was stored is not fetched again."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.results import Outcome
from ansible_collections.tenantvault.m365_backup.tests.integration.backups import Backup, mail, mail_of, needs_restic
from tenant.harness import RunningTenant, running_tenant

ALICE, BOB = "alice@contoso.com", "bob@contoso.com"
CHILD = "ansible_collections.tenantvault.m365_backup.tests.integration.killed_run"
KILLS = 8
pytestmark = needs_restic


@pytest.fixture(scope="module")
def tenant() -> t.Iterator[RunningTenant]:
    with running_tenant() as running:
        for user in (ALICE, BOB):
            running.control.add_user(user)
            running.control.deliver_generated(user, 300, folder=None, size_limit=30_000)
        yield running


def run_and_kill(backup: Backup, seconds: float) -> bool:
    """Start a run and kill it so many seconds after it began; whether it was still at work."""
    names = ("tenant_id", "client_id", "client_secret", "proxy_url", "ca_bundle")
    arguments = {
        "tenant": {name: str(getattr(backup.tenant, name)) for name in names},
        "folder": str(backup.folder),
        "users": backup.users,
    }
    command = [sys.executable, "-m", CHILD, json.dumps(arguments)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ))
    if child.stdout is None or child.stdout.readline() != "started\n":
        raise AssertionError("the run did not start")
    time.sleep(seconds)
    is_alive = child.poll() is None
    child.send_signal(signal.SIGKILL)
    child.wait(timeout=10)
    child.stdout.close()
    return is_alive


def test_inv02_a_run_that_is_killed_again_and_again_gets_through_and_breaks_nothing(tenant: RunningTenant, tmp_path: Path) -> None:
    backup = Backup(tenant=tenant, folder=tmp_path, users=(ALICE, BOB))
    backup.repository()
    chance = random.Random(20261123)
    tenant.control.set_latency(10)
    tenant.control.reset_log()
    killed = 0
    for number in range(KILLS):
        killed += run_and_kill(backup, chance.uniform(0.2, 1.5))
        backup.restic("unlock", "--remove-all")
        backup.restic("check", "--read-data")
        tenant.control.deliver(ALICE, "inbox", mail(f"between {number}"))
    assert killed >= KILLS // 2
    tenant.control.set_latency(0)
    assert backup.run().outcome is Outcome.COMPLETE
    backup.restic("check", "--read-data")
    assert sorted(backup.restored_by_restic().values()) == mail_of(tenant, *backup.users)
    # Each kill may cost what was on its way since the last checkpoint, and no more.
    fetched = tenant.control.stats()["by_operation"]["message_mime"]
    assert fetched < (600 + KILLS) * (1 + KILLS) / 2


def test_inv02_an_incremental_run_that_is_killed_loses_no_change(tenant: RunningTenant, tmp_path: Path) -> None:
    backup = Backup(tenant=tenant, folder=tmp_path, users=(ALICE, BOB))
    first = backup.run()
    before = mail_of(tenant, *backup.users)
    control = tenant.control
    inbox = [message["id"] for message in control.messages(ALICE, "inbox")]
    control.deliver_generated(ALICE, 150, folder="inbox", first=7000, size_limit=30_000)
    control.move(ALICE, inbox[:20], "archive")
    control.delete(ALICE, inbox[20:40])
    control.create_folder(ALICE, "New")
    control.move(ALICE, inbox[40:50], ["New"])
    control.set_latency(10)
    for seconds in (0.3, 0.5, 0.7):
        run_and_kill(backup, seconds)
        backup.restic("unlock", "--remove-all")
    control.set_latency(0)
    assert backup.run().outcome is Outcome.COMPLETE
    backup.restic("check", "--read-data")
    assert sorted(backup.restored_by_restic().values()) == mail_of(tenant, *backup.users)
    assert first.snapshot_id is not None
    assert sorted(backup.restored_by_restic(first.snapshot_id).values()) == before
