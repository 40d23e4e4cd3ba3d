# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restores into drives in processes that tests kill."""

from __future__ import annotations

import types
import typing as t
from pathlib import Path

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.conflict import Policy
from ansible_collections.tenantvault.m365_backup.tests.integration.backups import Backup
from ansible_collections.tenantvault.m365_backup.tests.integration.drive_restores import DriveRestore
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.killable import serve

if t.TYPE_CHECKING:
    from tenant.harness import RunningTenant


def job_of(restore: DriveRestore) -> dict[str, t.Any]:
    tenant = restore.backup.tenant
    names = ("tenant_id", "client_id", "client_secret", "proxy_url", "ca_bundle")
    return {
        "tenant": {name: str(getattr(tenant, name)) for name in names},
        "folder": str(restore.backup.folder),
        "users": list(restore.backup.users),
        "into": restore.into,
        "top": restore.top,
        "policy": restore.policy.value,
        "permissions": restore.permissions,
        "versions": restore.versions,
    }


def run(job: dict[str, t.Any]) -> None:
    tenant = types.SimpleNamespace(**job["tenant"])
    backup = Backup(tenant=t.cast("RunningTenant", tenant), folder=Path(job["folder"]), users=tuple(job["users"]), backup_type="onedrive")
    options = {name: job[name] for name in ("into", "top", "permissions", "versions")}
    DriveRestore(backup=backup, member=backup.users[0], policy=Policy(job["policy"]), **options).run()


if __name__ == "__main__":
    serve(run)
