# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run of one of several hosts, in a process that a test may kill. Checkpoints come early."""

from __future__ import annotations

import json
import sys
import types
import typing as t
from pathlib import Path

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup import group_tree
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.run import back_up
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.shards import share_of
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.store import PlanStore
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository import packs
from ansible_collections.tenantvault.m365_backup.tests.integration.graph_tenant import settings_for
from ansible_collections.tenantvault.m365_backup.tests.integration.playbook import PASSPHRASE
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.object_store import ADMIN

if t.TYPE_CHECKING:
    from tenant.harness import RunningTenant


def run(job: dict[str, t.Any]) -> dict[str, t.Any]:
    tenant = t.cast("RunningTenant", types.SimpleNamespace(**job["tenant"]))
    state_path = Path(job["state_path"])
    result = back_up(
        "sales",
        store=PlanStore(state_path),
        state_path=state_path,
        settings=settings_for(tenant, hosts_at_once=len(job["shards"])),
        passphrase_of=lambda _plan: PASSPHRASE,
        is_check=False,
        lock_timeout=60.0,
        credentials=ADMIN,
        workers=1,
        share=share_of(job["shard"], job["shards"]),
    )
    return {"outcome": result.outcome, "members": [member.principal_name for member in result.members], "changed": result.is_changed}


if __name__ == "__main__":
    group_tree._CHECKPOINT_BYTES = 100_000
    packs.TARGET_SIZE = 50_000
    print(json.dumps(run(json.loads(sys.argv[1]))))
