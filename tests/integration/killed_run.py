# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs of a plan in processes that tests kill. Checkpoints come early."""

from __future__ import annotations

import json
import sys
import types
import typing as t
from pathlib import Path

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup import group_tree, mail_reader
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository import packs
from ansible_collections.tenantvault.m365_backup.tests.integration.backups import Backup
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.killable import serve

if t.TYPE_CHECKING:
    from tenant.harness import RunningTenant


def job_of(backup: Backup, *, workers: int = 1) -> dict[str, t.Any]:
    names = ("tenant_id", "client_id", "client_secret", "proxy_url", "ca_bundle")
    tenant = {name: str(getattr(backup.tenant, name)) for name in names}
    return {
        "tenant": tenant,
        "folder": str(backup.folder),
        "users": backup.users,
        "workers": workers,
        "malware_scan": backup.malware_scan,
    }


def run(job: dict[str, t.Any]) -> None:
    tenant = types.SimpleNamespace(**job["tenant"])
    backup = Backup(
        tenant=t.cast("RunningTenant", tenant),
        folder=Path(job["folder"]),
        users=tuple(job["users"]),
        malware_scan=job["malware_scan"],
    )
    backup.run(workers=job["workers"])


if __name__ in ("__main__", "__mp_main__"):  # here, and in worker processes
    mail_reader._OFFER_BYTES = 100_000
    group_tree._CHECKPOINT_BYTES = 300_000
    packs.TARGET_SIZE = 100_000

if __name__ == "__main__":
    if len(sys.argv) > 1:
        run(json.loads(sys.argv[1]))
    else:
        serve(run)
