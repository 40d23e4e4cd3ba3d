# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restores into mailboxes without Ansible around them, and what the mailboxes have afterwards."""

from __future__ import annotations

import contextlib
import dataclasses
import random
import time
import typing as t

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import BackupError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.item_filter import ItemFilter
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.layout import MAIL
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.client import GraphClient
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.users import find_users
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.choice import choose
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.conflict import Policy
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.engine import MailboxTarget, restore_to_mailbox
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.infected_items import sifting
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.results import RestoreResult
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.snapshot_choice import choose_snapshot
from ansible_collections.tenantvault.m365_backup.tests.integration.backups import Backup
from ansible_collections.tenantvault.m365_backup.tests.integration.graph_tenant import connected

TOP = "Restored"
#: What a restore may meet at any request.
WRITE_FAULTS: tuple[dict[str, t.Any], ...] = (
    {"name": "throttled", "retry_after": 1},
    {"name": "throttled", "retry_after": None},
    {"name": "mailbox_stale"},
    {"name": "gateway_timeout"},
    {"name": "reset"},
    {"name": "token_expired"},
    {"name": "unavailable", "body": "html"},
    {"name": "unavailable", "body": "empty"},
    {"name": "answer_lost", "how": "503"},
    {"name": "answer_lost", "how": "500"},
    {"name": "answer_lost", "how": "504"},
    {"name": "answer_lost", "how": "reset"},
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Restore:
    """A restore of what the latest snapshot of a backup has of C(member) into C(into)."""

    backup: Backup
    member: str
    into: str
    sources: tuple[str, ...] = (MAIL,)
    folder: str | None = None
    top: str | None = TOP
    policy: Policy = Policy.SKIP
    item_filter: ItemFilter = dataclasses.field(default_factory=ItemFilter)
    snapshot: str = "latest"
    more: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)

    def run(self, *, is_check: bool = False) -> RestoreResult:
        with connected(self.backup.tenant) as client:
            return self.run_with(client, is_check=is_check)

    def run_with(self, client: GraphClient, *, is_check: bool = False) -> RestoreResult:
        repository = self.backup.repository()
        snapshot = choose_snapshot(repository, "group", self.snapshot)
        choices = [choose(repository, snapshot, self.member, source, self.folder) for source in self.sources]
        [user] = find_users(client, self.into)
        target = MailboxTarget(user=user.id, principal_name=self.into, top=self.top, policy=self.policy, **self.more)
        more = {"plan": "group", "now": time.time, "is_check": is_check}
        with sifting(repository, repository, print, includes_infected=False) as sifter:
            return restore_to_mailbox(repository, choices, self.item_filter, client, target, sifter=sifter, **more)


def counts(result: RestoreResult) -> dict[str, int]:
    """How often each outcome came, without those that did not."""
    totals = {name: value for name, value in result.as_dict().items() if name in ("restored", "copied", "replaced", "kept", "unchanged")}
    return {name: value for name, value in totals.items() if value}


def restore_in_storms(restore: Restore, operations: t.Sequence[str], seed: int, *more: dict[str, t.Any]) -> RestoreResult:
    """Start it three times with ten faults at random, and once without any. What the last one says."""
    control, dice = restore.backup.tenant.control, random.Random(seed)
    for _start in range(3):
        for fault in dice.sample([*WRITE_FAULTS, *more], 10):
            spec = {"mailbox": restore.into, "times": dice.randrange(1, 5), "probability": 0.3, "match": {"operation": list(operations)}}
            control.arm({**spec, **fault})
        with contextlib.suppress(BackupError):
            restore.run()
        control.disarm()
    return restore.run()
