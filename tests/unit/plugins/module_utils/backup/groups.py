# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A plan over some mailboxes with a repository in memory: what a run leaves there, looked at from outside."""

from __future__ import annotations

import dataclasses
import typing as t
from datetime import datetime, timedelta

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.engine import preview_plan, run_plan
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.layout import MAIL
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.members import (
    MemberState,
    SourceStatus,
    group_of,
    read_members,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.restore_points import (
    newest_first,
    plan_snapshots,
    restore_points,
    stored_points,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.results import RunResult
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.ids import UserId
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.model import BackupType, Plan, Selection
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.retention import RestorePoint
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.selection import Member
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import Repository
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.trees import walk
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import Snapshot
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.mailbox_service import Mailbox, MailboxService
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import (
    NOON,
    MemoryStorage,
    Place,
    new_place,
)


def latest_snapshot(repository: Repository, plan_name: str) -> Snapshot | None:
    return next(iter(newest_first(plan_snapshots(repository, plan_name), repository.clock.now())), None)


def member(key: str, name: str | None = None) -> Member:
    return Member(id=UserId(key), principal_name=name or f"{key}@x.example", display_name=key, mail=None, via=())


def mailbox(*messages: str) -> Mailbox:
    made = Mailbox(folders={"in": ("Inbox", None)})
    for message in messages:
        made.put(message, "in")
    return made


@dataclasses.dataclass
class Group:
    """A plan whose runs are about a minute apart. Time passes with every look at the clock, so that snapshots have an order."""

    place: Place = dataclasses.field(default_factory=lambda: new_place(MemoryStorage()))
    plan: Plan = dataclasses.field(
        default_factory=lambda: Plan(
            name="sales", title="Sales", selection=Selection(), backup_type=BackupType.MAILBOX, sources=(MAIL,), repository="r"
        )
    )
    moment: datetime = NOON

    def now(self) -> datetime:
        self.moment += timedelta(microseconds=1)
        return self.moment

    def run(self, members: t.Sequence[Member], **mailboxes: Mailbox) -> RunResult:
        self.moment += timedelta(minutes=1)
        self.place.clock.move(60)
        client = MailboxService(**mailboxes).client
        return run_plan(self.plan, members, client, self.place.reopen(), run_id=f"run-{self.moment:%M}", now=self.now, hostname="backup1")

    def preview(self, members: t.Sequence[Member], **mailboxes: Mailbox) -> RunResult:
        return preview_plan(self.plan, members, MailboxService(**mailboxes).client, self.place.reopen(), run_id="check", now=self.now)

    def paths(self) -> set[str]:
        """The messages of the latest snapshot: member, folder, count apart."""
        repository = self.place.reopen()
        snapshot = latest_snapshot(repository, "sales")
        assert snapshot is not None
        return {"/".join(path) for path, _node in walk(repository, snapshot.tree) if path[-1].endswith(".eml")}

    def states(self) -> dict[str, MemberState]:
        repository = self.place.reopen()
        snapshot = latest_snapshot(repository, "sales")
        assert snapshot is not None
        group = group_of(repository, snapshot)
        assert group is not None
        assert group.subtree is not None
        return read_members(repository, group.subtree)

    def points(self) -> list[RestorePoint]:
        """What retention sees, oldest first."""
        repository = self.place.reopen()
        return restore_points(repository, stored_points(repository, "sales"), self.now())

    def last_good(self) -> list[frozenset[str]]:
        """For each restore point the members whose last good state it holds."""
        return [point.last_good_of for point in self.points()]

    def status(self, key: str) -> SourceStatus:
        return self.states()[key].sources["mail"].status
