# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs that are killed: nothing is lost, nothing is broken, and what was stored is not fetched again."""

from __future__ import annotations

import os
import random
import typing as t
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.results import Outcome
from ansible_collections.tenantvault.m365_backup.tests.integration import killed_run
from ansible_collections.tenantvault.m365_backup.tests.integration.backups import Backup, mail_of, needs_restic
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.killable import Warden
from tenant.harness import RunningTenant, running_tenant

ALICE, BOB = "alice@contoso.com", "bob@contoso.com"
KILLS = 16 * int(os.environ.get("M365_TORTURE", "1"))
MESSAGES = 300
NEW_MESSAGES = 10
pytestmark = needs_restic


@pytest.fixture(scope="module")
def tenant() -> t.Iterator[RunningTenant]:
    with running_tenant() as running:
        for user in (ALICE, BOB):
            running.control.add_user(user)
            running.control.deliver_generated(user, MESSAGES, folder=None, size_limit=30_000)
        yield running


@pytest.fixture(scope="module")
def warden() -> t.Iterator[Warden]:
    warden = Warden(killed_run.__file__)
    yield warden
    warden.close()


def run_and_kill(warden: Warden, backup: Backup, **death: t.Any) -> bool:
    """Whether a run that was sentenced to death had not ended before; what it left is in order."""
    was_killed = warden.do(killed_run.job_of(backup), **death).was_killed
    backup.restic("--no-lock", "check", "--read-data")
    return was_killed


def test_inv02_a_run_that_is_killed_again_and_again_gets_through_and_breaks_nothing(
    tenant: RunningTenant, warden: Warden, tmp_path: Path
) -> None:
    backup = Backup(tenant=tenant, folder=tmp_path, users=(ALICE, BOB))
    backup.repository()
    chance = random.Random(20261123)
    control = tenant.control
    control.set_latency(20)
    control.reset_log()
    delivered = 2 * MESSAGES
    killed = 0
    while killed < KILLS:
        if killed < KILLS // 2:
            killed += run_and_kill(warden, backup, lives=chance.uniform(0.05, 0.5))
        else:
            moment = chance.choice(("before", "amid", "after"))
            killed += run_and_kill(warden, backup, dies_at=chance.randint(1, 50), moment=moment)
        control.deliver_generated(ALICE, NEW_MESSAGES, folder=None, first=delivered * 10, size_limit=30_000)
        delivered += NEW_MESSAGES

    control.set_latency(0)
    assert backup.run().outcome is Outcome.COMPLETE
    backup.restic("check", "--read-data")
    assert sorted(backup.restored_by_restic().values()) == mail_of(tenant, *backup.users)
    # Each kill may cost what was on its way since the last checkpoint, and no more.
    fetched = control.stats()["by_operation"]["message_mime"]
    assert fetched < delivered + 80 * killed


def test_inv02_an_incremental_run_that_is_killed_loses_no_change(tenant: RunningTenant, warden: Warden, tmp_path: Path) -> None:
    backup = Backup(tenant=tenant, folder=tmp_path, users=(ALICE, BOB))
    first = backup.run()
    before = mail_of(tenant, *backup.users)
    control = tenant.control
    inbox = [message["id"] for message in control.messages(ALICE, "inbox")]
    control.deliver_generated(ALICE, 150, folder="inbox", first=70_000, size_limit=30_000)
    control.move(ALICE, inbox[:20], "archive")
    control.delete(ALICE, inbox[20:40])
    control.create_folder(ALICE, "New")
    control.move(ALICE, inbox[40:50], ["New"])
    control.set_latency(10)
    assert [run_and_kill(warden, backup, lives=seconds) for seconds in (0.1, 0.3, 0.5)] == [True, True, True]
    control.set_latency(0)
    assert backup.run().outcome is Outcome.COMPLETE
    backup.restic("check", "--read-data")
    assert sorted(backup.restored_by_restic().values()) == mail_of(tenant, *backup.users)
    assert first.snapshot_id is not None
    assert sorted(backup.restored_by_restic(first.snapshot_id).values()) == before
