# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a change costs in a mailbox of 20,000 messages."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.results import Outcome
from ansible_collections.tenantvault.m365_backup.tests.integration.backups import NO_TEN_MINUTE_LIMIT, Backup, mail, now
from tenant.harness import running_tenant

ALICE = "alice@contoso.com"
MESSAGES = 20_000


def test_inv03_a_small_change_in_a_large_mailbox_writes_less_than_64_kib_besides_the_bodies(tmp_path: Path) -> None:
    with running_tenant() as tenant:
        control = tenant.control
        control.limits(requests=None)
        control.add_user(ALICE)
        control.deliver_generated(ALICE, MESSAGES, folder=None, size_limit=2_000)
        backup = Backup(tenant=tenant, folder=tmp_path, users=(ALICE,))
        first = backup.run(budgets=NO_TEN_MINUTE_LIMIT)
        assert (first.outcome, first.counts.added) == (Outcome.COMPLETE, MESSAGES)

        spread = control.messages(ALICE)[:: MESSAGES // 20]
        chosen = [message["id"] for message in spread if message["folder_path"] != ["Archive"]]
        for number in range(20):
            control.deliver(ALICE, "inbox", mail(f"new {number}"), received=now() - timedelta(seconds=number))
        control.move(ALICE, chosen[:5], "archive")
        control.delete(ALICE, chosen[5:10])
        control.update(ALICE, chosen[10:15], flagged=True)
        control.reset_log()
        second = backup.run(budgets=NO_TEN_MINUTE_LIMIT)
        asked = control.stats()["by_operation"]
        folders = len(control.folders(ALICE))

    counts = second.counts
    assert (counts.added, counts.moved, counts.removed, counts.updated, counts.fetched) == (20, 5, 5, 5, 20)
    assert counts.total == MESSAGES + 15
    assert asked["message_mime"] == 20
    assert sum(asked.values()) <= folders + 20 + 10
    assert second.stored_bytes - counts.stored_bytes < 64 * 1024
