# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A plan with a past: snapshots as runs leave them, but with contents and states that a test chooses."""

from __future__ import annotations

import dataclasses
import random
from datetime import datetime

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.layout import (
    MEMBERS_FILE,
    META,
    META_TIME,
    snapshot_tags,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.members import (
    MemberState,
    SourceState,
    SourceStatus,
    members_as_json,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.model import BackupType, Plan, Selection
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.retention import Retention
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import Repository
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.trees import find_node
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import Node, Snapshot, TreeId

GOOD, FINDINGS, STALE, UNFINISHED = SourceStatus.GOOD, SourceStatus.FINDINGS, SourceStatus.STALE, SourceStatus.UNFINISHED
LEFT = None
"""Says of a member that it is no longer selected."""


def plan_with(**retention: int) -> Plan:
    """Keeps everything without rules."""
    rules = Retention(**retention) if retention else Retention(forever=True)  # type: ignore[arg-type]
    return Plan(name="sales", title="Sales", selection=Selection(), backup_type=BackupType.MAILBOX, repository="r", retention=rules)


@dataclasses.dataclass
class History:
    """Writes the snapshots of one plan, one after the other. Sources that are not read are carried over, as a run does."""

    repository: Repository
    plan_name: str = "sales"
    content_size: int = 3000
    display_names: dict[str, str] = dataclasses.field(default_factory=dict)
    _trees: dict[str, TreeId] = dataclasses.field(default_factory=dict)
    _left: dict[str, datetime] = dataclasses.field(default_factory=dict)

    def add(self, time: datetime, *, outcome: str = "complete", **members: SourceStatus | None) -> Snapshot:
        """A snapshot in which each member's mail has the status, or the member has left; it has content of its own, too."""
        chance = random.Random(f"{self.plan_name} {time} {outcome}")
        with self.repository.writing(hostname="backup1") as writer:
            states = []
            for name, status in members.items():
                if status in (GOOD, FINDINGS, UNFINISHED):
                    mail = Node.file("1.eml", time, writer.save_file([f"mail of {name} at {time} {status}".encode()]))
                    self._trees[name] = writer.save_tree([Node.directory("mail", META_TIME, writer.save_tree([mail]))])
                if status is not LEFT:
                    self._left.pop(name, None)
                left = self._left.setdefault(name, time).isoformat() if status is LEFT else None
                source = SourceState(status=GOOD if status is LEFT else status)
                states.append(
                    MemberState(
                        id=name,
                        principal_name=f"{name}@x.example",
                        display_name=self.display_names.get(name, name),
                        directory=name,
                        left=left,
                        sources={"mail": source},
                    )
                )
            meta = writer.save_tree([Node.file(MEMBERS_FILE, META_TIME, writer.save_file([members_as_json(states)]))])
            own = Node.file("content", time, writer.save_file([chance.randbytes(chance.randrange(1, 2 * self.content_size))]))
            directories = [Node.directory(name, META_TIME, self._trees[name]) for name in members if name in self._trees]
            group = writer.save_tree([Node.directory(META, META_TIME, meta), own, *directories])
            root = writer.save_tree([Node.directory("Sales", META_TIME, group)])
            return writer.save_snapshot(root, time=time, paths=["/Sales"], tags=snapshot_tags(self.plan_name, f"run-{time:%d}", outcome))


def mail_of(repository: Repository, snapshot: Snapshot, member: str) -> bytes:
    node = find_node(repository, snapshot.tree, ("Sales", member, "mail", "1.eml"))
    assert node is not None
    return b"".join(repository.read_file(node))
