# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a first backup of mailboxes is said to cost, and what it costs."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.backed_up import StoredBackups, with_reasons
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.client import connect
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.apply import apply_plan
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.apply_found import Host
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.presentation import applied_result
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.store import PlanStore
from ansible_collections.tenantvault.m365_backup.tests.integration.backups import PASSPHRASE, Backup
from ansible_collections.tenantvault.m365_backup.tests.integration.graph_tenant import settings_for
from tenant.harness import RunningTenant

ALICE, BOB = "alice@contoso.com", "bob@contoso.com"


def test_applying_a_plan_foretells_the_requests_of_the_first_backup(tenant: RunningTenant, tmp_path: Path) -> None:
    control = tenant.control
    for user, items in ((ALICE, 250), (BOB, 20)):
        control.add_user(user)
        control.deliver_generated(user, items, folder=None, size_limit=5_000)
    control.create_archive(BOB)
    everything = ("mail", "calendar", "contacts", "tasks", "settings")
    backup = Backup(tenant=tenant, folder=tmp_path, users=(ALICE, BOB), sources=everything)
    host = Host(
        store=PlanStore(tmp_path / "state"),
        passphrase_of=lambda _plan: PASSPHRASE,
        connect=lambda: connect(settings_for(tenant)),
        backups=StoredBackups(),
        with_reasons=with_reasons,
    )
    plan = dataclasses.replace(backup.plan, archive_mailboxes=True)

    def first_backup() -> dict[str, int] | None:
        result = applied_result(apply_plan(plan, host, is_name_derived=False, check_mode=True), check_mode=True, diff=False)
        assert ("have to be read" in result["msg"]) is ("first_backup" in result)
        return result.get("first_backup")

    foretold = first_backup()
    assert foretold is not None
    assert (foretold["mailboxes"], foretold["item_count"], foretold["archives"], foretold["minutes_at_least"]) == (2, 270, 1, 1)
    requests = backup.run().requests
    assert 0.8 * requests < foretold["requests"] <= requests
    assert first_backup() is None

    control.settings(conceal_report_names=True)
    plan = dataclasses.replace(plan, repository=str(tmp_path / "another"), name="another")
    assert first_backup() is None
