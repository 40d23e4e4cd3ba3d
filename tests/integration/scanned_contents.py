# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a repository knows of the contents in the newest snapshot of a plan, read back from it."""

from __future__ import annotations

import typing as t

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.catalogue import Catalogue, Record
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.content_key import content_key
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.item_state import load_facts
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.members import group_of, read_members, source_tree
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.restore_points import plan_snapshots
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.scan_views import scan_as
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.verdict_heads import verdict_heads
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.verdict_store import VerdictStore
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.trees import walk
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import Node, TreeId
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.verdict import Verdict
from ansible_collections.tenantvault.m365_backup.tests.integration.backups import Backup, now

Place = tuple[str, str]


def sources(backup: Backup) -> dict[Place, TreeId]:
    """{(user principal name, source): tree} of the newest snapshot; nothing before the first one."""
    repository = backup.repository()
    snapshots = plan_snapshots(repository, backup.plan.name)
    group = group_of(repository, snapshots[-1]) if snapshots else None
    if group is None or group.subtree is None:
        return {}
    found: dict[Place, TreeId] = {}
    for member in read_members(repository, group.subtree).values():
        for source in member.sources:
            tree = source_tree(repository, group.subtree, member.directory, source)
            if tree is not None:
                found[member.principal_name, source] = tree
    return found


def nodes(backup: Backup) -> dict[tuple[str, str, str], Node]:
    """{(member, source, path): its file} of every content that is to be scanned."""
    repository = backup.repository()
    return {
        (member, source, "/".join(path)): node
        for (member, source), tree in sources(backup).items()
        for path, node in walk(repository, tree)
        if node.subtree is None and scan_as(source, path) is not None
    }


def verdicts(backup: Backup) -> dict[tuple[str, str, str], Verdict | None]:
    """{(member, source, path): what the store says} of every content that is to be scanned; None for nothing."""
    repository = backup.repository()
    with VerdictStore(repository, verdict_heads(repository.snapshots()), now=now(), warn=_fail) as store:
        keys = {place: content_key(node.content) for place, node in nodes(backup).items()}
        found = store.find(set(keys.values()))
        return {place: found.get(key) for place, key in keys.items()}


def records(backup: Backup, member: str, source: str) -> dict[str, Record]:
    """By subject."""
    repository, tree = backup.repository(), sources(backup)[member, source]
    return {record["subject"]: record for record in Catalogue(repository, tree, load_facts(repository, tree).lines).live()}


def marks(found: t.Mapping[str, Record]) -> dict[str, str]:
    """{subject: the verdict} of those that have one."""
    return {subject: record["scan"]["verdict"] for subject, record in found.items() if "scan" in record}


def _fail(warning: str) -> None:
    raise AssertionError(warning)
