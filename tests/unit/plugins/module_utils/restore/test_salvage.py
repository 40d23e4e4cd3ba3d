# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restoring from a snapshot that has lost something: whatever can still be read comes back, the rest is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.item_filter import ItemFilter
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.layout import MAIL, META
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.restore_points import plan_snapshots
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.errors import RepositoryDamaged
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import Repository
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage import FileKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.trees import walk
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import BlobId, BlobKind, TreeId
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.choice import choose
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.results import RestoreResult
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.snapshot_choice import choose_snapshot
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.to_files_run import restore_to_files
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.groups import Group, mailbox, member
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.losses import Blob, blobs_of, in_memory, lose
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import Place
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.restore.said import nothing_said

ANNA = member("anna")


def backup() -> Group:
    """Two days in one folder, one in another below it, and a catalogue that has grown twice."""
    group = Group()
    box = mailbox("a1", "a2")
    box.folders["sub"] = ("Projects / 2026", "in")
    box.put("a3", "sub", receivedDateTime="2025-01-02T03:04:05Z")
    group.run([ANNA], anna=box)
    box.said = {"in": [box.put("a4", "in", receivedDateTime="2025-06-07T08:09:10Z")]}
    group.run([ANNA], anna=box)
    return group


GROUP = backup()


def copy_of(group: Group) -> Place:
    return Place(in_memory(group.place).copy(), group.place.repository, group.place.clock)


def needed_by_latest() -> list[Blob]:
    repository = GROUP.place.reopen()
    tree = plan_snapshots(repository, "sales")[-1].tree
    nodes = [node for _path, node in walk(repository, tree)]
    trees = [BlobId(node.subtree) for node in nodes if node.subtree is not None]
    return [
        *((BlobKind.TREE, blob) for blob in dict.fromkeys((BlobId(tree), *trees))),
        *((BlobKind.DATA, blob) for blob in dict.fromkeys(blob for node in nodes for blob in node.content)),
    ]


def messages_that_open(repository: Repository, tree: TreeId) -> set[bytes]:
    """The content of every message that can be reached through directories that open."""
    found = set()
    try:
        nodes = repository.read_tree(tree)
    except RepositoryDamaged:
        return found
    for node in nodes:
        if node.subtree is not None and node.name != META:
            found |= messages_that_open(repository, node.subtree)
        elif node.name.endswith(".eml"):
            try:
                found.add(b"".join(repository.read_file(node)))
            except RepositoryDamaged:
                continue
    return found


def restored(repository: Repository, target: Path) -> RestoreResult:
    choice = choose(repository, choose_snapshot(repository, "sales", "latest"), "anna@x.example", MAIL, None)
    return restore_to_files(repository, [choice], ItemFilter(), target, sifter=nothing_said())


@pytest.mark.parametrize("lost", needed_by_latest())
def test_whatever_is_lost_everything_else_is_restored_and_missing_messages_are_named(lost: Blob, tmp_path: Path) -> None:
    place = copy_of(GROUP)
    lose(place, lost)
    repository = place.reopen()
    expected = messages_that_open(repository, plan_snapshots(repository, "sales")[-1].tree)
    try:
        result = restored(repository, tmp_path)
    except RepositoryDamaged:
        assert expected == set()
        return
    assert {path.read_bytes() for path in tmp_path.rglob("*.eml")} == expected
    assert result.restored == len(expected)
    assert result.findings or len(expected) == 4


def test_files_restored_without_records_have_the_names_they_would_have_had(tmp_path: Path) -> None:
    restored(GROUP.place.reopen(), tmp_path / "whole")
    place = copy_of(GROUP)
    repository = place.reopen()
    nodes = dict(walk(repository, plan_snapshots(repository, "sales")[-1].tree))
    lose(place, (BlobKind.DATA, nodes[("Sales", "anna@x.example", "mail", META, "source.json")].content[0]))
    restored(place.reopen(), tmp_path / "salvaged")
    names = [{path.name for path in (tmp_path / folder).rglob("*.eml")} for folder in ("whole", "salvaged")]
    assert names[0] == names[1]
    assert len(names[0]) == 4


def test_a_damaged_snapshot_hides_no_other_and_is_named_when_it_is_wanted() -> None:
    place = copy_of(GROUP)
    first, second = plan_snapshots(place.reopen(), "sales")
    in_memory(place).files[(FileKind.SNAPSHOT, second.id)] = b"nothing"
    repository = place.reopen()
    warnings: list[str] = []
    assert choose_snapshot(repository, "sales", "latest", warnings.append) == first
    assert second.id in warnings[0]
    assert choose_snapshot(repository, "sales", first.id, warnings.append) == first
    assert len(warnings) == 1
    with pytest.raises(RepositoryDamaged, match=second.id):
        choose_snapshot(repository, "sales", second.id[:12])


def test_blobs_of_a_repository_are_all_that_its_snapshots_need() -> None:
    assert set(needed_by_latest()) <= blobs_of(GROUP.place.reopen()).keys()
