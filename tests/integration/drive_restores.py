# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restores into drives without Ansible around them, and what the drives have afterwards."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.item_filter import ItemFilter
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.layout import ONEDRIVE
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.client import GraphClient
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.users import find_users
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.choice import choose
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.conflict import Policy
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.drive_plan import DriveTarget
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.drive_restore import restore_to_drive
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.infected_items import sifting
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.results import RestoreResult
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.snapshot_choice import choose_snapshot
from ansible_collections.tenantvault.m365_backup.tests.integration.backups import Backup
from ansible_collections.tenantvault.m365_backup.tests.integration.graph_tenant import connected

TOP = "Restored"
LABEL = "restored then"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DriveRestore:
    """A restore of what the latest snapshot of a backup has of the drive of C(member) into that of C(into)."""

    backup: Backup
    member: str
    into: str
    folder: str | None = None
    top: str | None = TOP
    policy: Policy = Policy.SKIP
    item_filter: ItemFilter = dataclasses.field(default_factory=ItemFilter)
    permissions: bool = False
    versions: bool = False

    def run(self, *, is_check: bool = False) -> RestoreResult:
        with connected(self.backup.tenant) as client:
            return self.run_with(client, is_check=is_check)

    def run_with(self, client: GraphClient, *, is_check: bool = False) -> RestoreResult:
        repository = self.backup.repository()
        choice = choose(repository, choose_snapshot(repository, "group", "latest"), self.member, ONEDRIVE, self.folder)
        [user] = find_users(client, self.into)
        target = DriveTarget(
            user=user.id,
            principal_name=self.into,
            top=self.top,
            label=LABEL,
            policy=self.policy,
            permissions=self.permissions,
            versions=self.versions,
        )
        with sifting(repository, repository, print, includes_infected=False) as sifter:
            return restore_to_drive(repository, choice, self.item_filter, client, target, sifter=sifter, is_check=is_check)

    def there(self, below: str | None = TOP) -> dict[str, tuple[t.Any, ...]]:
        """By path what the drive has below a folder: kind, size, hash and times, of folders no size and hash."""
        return drive_facts(self.backup, self.into, below)


def drive_facts(backup: Backup, user: str, below: str | None = None) -> dict[str, tuple[t.Any, ...]]:
    prefix = f"/{below}/" if below else "/"
    found = {}
    for line in backup.tenant.control.drive_listing(user):
        if line["path"].startswith(prefix) and line["path"] != "/":
            content = (line["size"], line["quick_xor"]) if line["kind"] == "file" else ()
            found[line["path"][len(prefix) :]] = (line["kind"], *content, line["created"], line["modified"])
    return found


def counts(result: RestoreResult) -> dict[str, int]:
    """How often each outcome came, without those that did not."""
    names = ("restored", "copied", "replaced", "kept", "unchanged", "new_folders", "mended", "shared", "renamed_count")
    totals = result.as_dict()
    part = totals["sources"][ONEDRIVE]
    return {name: part[name] for name in names if part[name]}
