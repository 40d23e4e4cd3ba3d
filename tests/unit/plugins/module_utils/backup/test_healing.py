# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What runs do on top of a repository that has lost something: go on, read again what the mailbox still has, and say so."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.healing import ask_again
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.layout import MAIL
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.members import SourceStatus
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.restore_points import plan_snapshots
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.results import Outcome
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.check import check
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.errors import (
    BlobMissing,
    ObjectMissing,
    RepositoryDamaged,
    RepositoryLocked,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage import FileKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.trees import find_node, walk
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import BlobId, BlobKind, NodeKind, Path, Snapshot
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.groups import Group, mailbox, member
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.graph.fakes import refusal
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.losses import Blob, in_memory, lose
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import Place

ANNA, BEN = member("anna"), member("ben")


def test_a_message_that_is_asked_for_again_heals_old_snapshots_too() -> None:
    group = Group()
    group.run([ANNA, BEN], anna=mailbox("a1", "a2"), ben=mailbox("b1"))
    lose(group.place, blob_of(group, "anna@x.example", message(group, "Body of a1")))
    assert check(group.place.reopen(), read_data=True)
    asked = ask(group, anna=["a1"])
    assert asked is not None
    assert (group.status("anna"), group.status("ben")) == (SourceStatus.STALE, SourceStatus.GOOD)
    result = group.run([ANNA, BEN], anna=mailbox("a1", "a2"), ben=mailbox("b1"))
    assert (result.outcome, result.counts.fetched, group.status("anna")) == (Outcome.COMPLETE, 1, SourceStatus.GOOD)
    assert check(group.place.reopen(), read_data=True) == []


def test_asking_twice_leaves_one_checkpoint_and_no_restore_point() -> None:
    group = Group()
    group.run([ANNA], anna=mailbox("a1"))
    assert ask(group, anna=["a1"]) is not None
    assert ask(group, anna=["a1"]) is None
    assert [(point.is_checkpoint, point.last_good_of) for point in group.points()] == [
        (False, {"anna"}),
        (True, {"anna"}),
    ]


def test_what_a_host_with_a_slow_clock_asks_for_is_asked_for() -> None:
    group = Group()
    group.run([ANNA], anna=mailbox("a1"))
    group.moment -= timedelta(minutes=5)
    group.place.clock.move(-300)
    assert ask(group, anna=["a1"]) is not None
    assert ask(group, anna=["a1"]) is None
    assert group.status("anna") is SourceStatus.STALE


def test_asking_for_nobody_and_without_a_snapshot_writes_nothing() -> None:
    group = Group()
    assert ask(group, anna=["a1"]) is None
    group.run([ANNA], anna=mailbox("a1"))
    assert ask(group, nobody=["a1"]) is None
    assert ask(group) is None


def test_a_lost_message_that_left_the_mailbox_meanwhile_is_removed() -> None:
    group = Group()
    group.run([ANNA], anna=mailbox("a1", "a2"))
    lose(group.place, blob_of(group, "anna@x.example", message(group, "Body of a1")))
    ask(group, anna=["a1"])
    result = group.run([ANNA], anna=mailbox("a2"))
    assert (result.outcome, result.counts.removed, len(group.paths())) == (Outcome.COMPLETE, 1, 1)


def test_a_mailbox_whose_state_is_gone_is_read_in_full_and_the_run_says_so() -> None:
    group = Group()
    group.run([ANNA, BEN], anna=mailbox("a1"), ben=mailbox("b1"))
    lose(group.place, state_of(group, "anna@x.example"))
    preview = group.preview([ANNA, BEN], anna=mailbox("a1"), ben=mailbox("b1"))
    result = group.run([ANNA, BEN], anna=mailbox("a1"), ben=mailbox("b1"))
    assert (preview.is_changed, result.outcome, result.counts.fetched) == (True, Outcome.COMPLETE, 1)
    assert [("anna@x.example was read in full" in warning) for warning in result.warnings] == [True]
    assert group.run([ANNA, BEN], anna=mailbox("a1"), ben=mailbox("b1")).warnings == ()


def test_a_request_is_not_put_beside_a_run_that_would_not_know_of_it() -> None:
    group = Group()
    group.run([ANNA], anna=mailbox("a1"))
    with group.place.reopen().writing(), pytest.raises(RepositoryLocked):
        ask(group, anna=["a1"])


def test_a_mailbox_that_is_asked_for_afresh_is_read_in_full_once() -> None:
    group = Group()
    group.run([ANNA, BEN], anna=mailbox("a1", "a2"), ben=mailbox("b1"))
    assert ask(group, "anna") is not None
    assert ask(group, "anna", anna=["a1"]) is None
    closed = dataclasses.replace(mailbox(), refusal=refusal(403, "ErrorAccessDenied"))
    assert group.run([ANNA, BEN], anna=closed, ben=mailbox("b1")).outcome is Outcome.PARTIAL
    assert group.states()["anna"].sources["mail"].is_incomplete
    assert group.preview([ANNA, BEN], anna=mailbox("a1", "a2"), ben=mailbox("b1")).is_changed
    result = group.run([ANNA, BEN], anna=mailbox("a1", "a2"), ben=mailbox("b1"))
    assert (result.outcome, result.counts.fetched, len(result.warnings)) == (Outcome.COMPLETE, 2, 1)
    assert not group.run([ANNA, BEN], anna=mailbox("a1", "a2"), ben=mailbox("b1")).is_changed


def test_a_mailbox_whose_list_of_retries_is_gone_is_asked_for_afresh() -> None:
    group = Group()
    group.run([ANNA], anna=mailbox("a1", "a2"))
    lose(group.place, state_of(group, "anna@x.example"))
    assert ask(group, anna=["a1"]) is not None
    assert group.states()["anna"].sources["mail"].is_incomplete


def test_damage_that_no_repair_has_dealt_with_fails_the_member_and_spoils_no_other() -> None:
    group = Group()
    group.run([ANNA], anna=mailbox("a1"))
    damaged = tree_packs(group.place)
    group.run([ANNA, BEN], anna=mailbox("a1"), ben=mailbox("b1"))
    for pack in damaged:
        flip(group.place, pack)
    changed = mailbox("b1")
    changed.said = {"in": [changed.put("b2", "in")]}
    result = group.run([ANNA, BEN], anna=mailbox("a1"), ben=changed)
    assert [one.outcome for one in result.members] == [Outcome.FAILED, Outcome.COMPLETE]
    assert "authentication code" in result.members[0].sources[0].findings[0].reason
    assert group.status("anna") is SourceStatus.STALE
    repository = group.place.reopen()
    node = find_node(repository, plan_snapshots(repository, "sales")[-1].tree, ("Sales", "ben@x.example"))
    assert node is not None
    assert node.subtree is not None
    assert len([path for path, _node in walk(repository, node.subtree) if path[-1].endswith(".eml")]) == 2


def test_a_run_goes_on_from_the_snapshot_before_a_damaged_one() -> None:
    group = Group()
    group.run([ANNA], anna=mailbox("a1"))
    grown = mailbox("a1")
    grown.said = {"in": [grown.put("a2", "in")]}
    group.run([ANNA], anna=grown)
    newest = plan_snapshots(group.place.reopen(), "sales")[-1]
    storage = in_memory(group.place)
    storage.files[(FileKind.SNAPSHOT, newest.id)] = b"no snapshot"
    result = group.run([ANNA], anna=grown)
    assert (result.outcome, result.counts.total) == (Outcome.COMPLETE, 2)
    assert newest.id in result.warnings[0]


def test_a_lost_directory_of_a_member_that_left_stops_no_run_when_it_is_renamed() -> None:
    """The account of the same name that comes after it takes the plain name of the directory."""
    group = Group()
    group.run([ANNA, BEN], anna=mailbox("a1"), ben=mailbox("b1"))
    repository = group.place.reopen()
    node = find_node(repository, plan_snapshots(repository, "sales")[-1].tree, ("Sales", "anna@x.example"))
    assert node is not None
    lose(group.place, (BlobKind.TREE, BlobId(node.subtree or "")))
    result = group.run([member("a", "anna@x.example"), BEN], a=mailbox("n1"), ben=mailbox("b1"))
    assert (result.outcome, result.counts.total) == (Outcome.COMPLETE, 2)
    states = group.states()
    assert states["a"].directory == "anna@x.example"
    repository = group.place.reopen()
    renamed = find_node(repository, plan_snapshots(repository, "sales")[-1].tree, ("Sales", states["anna"].directory))
    assert renamed is not None
    assert renamed.subtree == node.subtree


def test_a_storage_that_lists_packs_and_does_not_hand_them_out_is_not_taken_for_one_that_lost_them(monkeypatch: pytest.MonkeyPatch) -> None:
    group = Group()
    group.run([ANNA], anna=mailbox("a1"))
    whole = group.place.storage.get_range

    def hand_out(kind: FileKind, name: str, offset: int, length: int) -> bytes:
        if kind is FileKind.DATA:
            raise ObjectMissing("Could not read it: it does not exist.")
        return whole(kind, name, offset, length)

    monkeypatch.setattr(group.place.storage, "get_range", hand_out)
    with pytest.raises(RepositoryDamaged, match="although the storage lists it") as refused:
        group.run([ANNA], anna=mailbox("a1"))
    assert not isinstance(refused.value, BlobMissing)
    assert len(plan_snapshots(group.place.reopen(), "sales")) == 1


def ask(group: Group, *afresh: str, **lost: list[str]) -> Snapshot | None:
    items = {(key, MAIL): ids for key, ids in lost.items()}
    sources = [(key, MAIL) for key in afresh]
    return ask_again(group.place.reopen(), "sales", items, afresh=sources, run_id="repair", now=group.now, hostname="backup1")


def message(group: Group, text: str) -> Path:
    """The path of the message with that text in the newest snapshot."""
    repository = group.place.reopen()
    return next(
        path
        for path, node in walk(repository, plan_snapshots(repository, "sales")[-1].tree)
        if path[-1].endswith(".eml") and text.encode() in b"".join(repository.read_file(node))
    )


def blob_of(group: Group, user: str, path: Path) -> Blob:
    repository = group.place.reopen()
    nodes = dict(walk(repository, plan_snapshots(repository, "sales")[-1].tree))
    assert path[1] == user
    return (BlobKind.DATA, nodes[path].content[0])


def state_of(group: Group, user: str) -> Blob:
    repository = group.place.reopen()
    nodes = dict(walk(repository, plan_snapshots(repository, "sales")[-1].tree))
    node = nodes[("Sales", user, "mail", ".m365")]
    assert node.kind is NodeKind.DIRECTORY
    return (BlobKind.TREE, BlobId(str(node.subtree)))


def tree_packs(place: Place) -> list[str]:
    return in_memory(place).names(FileKind.DATA)


def flip(place: Place, pack: str) -> None:
    """Spoil the beginning of every blob that a small pack can hold, and keep its size."""
    files = in_memory(place).files
    files[(FileKind.DATA, pack)] = bytes(byte ^ 1 for byte in files[(FileKind.DATA, pack)])
