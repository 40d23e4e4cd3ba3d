# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run over a group: one snapshot, every member for itself, and what retention sees of it afterwards."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup import group_tree, mail_reader
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.healing import ask_again
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.layout import CALENDAR, CHECKPOINT, CONTACTS, MAIL, outcome_of
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.members import SourceStatus, group_of, read_members
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.restore_points import plan_snapshots
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.results import Outcome
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.source_read import NO_MAILBOX
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.errors import StorageError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage import FileKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.trees import find_node
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import BlobId, BlobKind
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.groups import (
    Group,
    latest_snapshot,
    mailbox,
    member,
)
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.stored_group import snapshot_of, stored_group
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.graph.fakes import refusal
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.losses import lose
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import RecordingStorage, new_place

ANNA, BEN = member("anna"), member("ben")


def test_a_run_leaves_one_snapshot_with_every_member() -> None:
    group = Group()
    result = group.run([ANNA, BEN], anna=mailbox("a1"), ben=mailbox("b1", "b2"))
    assert (result.outcome, result.is_changed, result.counts.added) == (Outcome.COMPLETE, True, 3)
    assert sorted(path.split("/")[1] for path in group.paths()) == ["anna@x.example", "ben@x.example", "ben@x.example"]
    assert [outcome_of(snapshot.tags) for snapshot in plan_snapshots(group.place.reopen(), "sales")] == ["complete"]


@pytest.mark.usefixtures("many_checkpoints")
def test_what_a_host_with_a_slow_clock_leaves_is_the_newest_state_all_the_same() -> None:
    group = Group()
    group.run([ANNA], anna=mailbox("a1"))
    group.moment -= timedelta(minutes=5)
    group.place.clock.move(-300)
    growing = mailbox("a1")
    growing.said = {"in": [growing.put(f"a{number}", "in") for number in range(2, 10)]}
    result = group.run([ANNA], anna=growing)
    latest = latest_snapshot(group.place.reopen(), "sales")
    assert latest is not None
    assert (latest.id, len(group.paths())) == (result.snapshot_id, 9)
    growing.said = {}
    assert not group.run([ANNA], anna=growing).is_changed


def test_a_run_without_changes_leaves_no_snapshot() -> None:
    group = Group()
    group.run([ANNA], anna=mailbox("a1"))
    result = group.run([ANNA], anna=mailbox("a1"))
    assert (result.is_changed, result.snapshot_id, result.counts.total) == (False, None, 1)
    assert len(group.points()) == 1


def test_inv06_a_failing_member_keeps_its_state_and_the_newest_snapshot_holds_it() -> None:
    group = Group()
    group.run([ANNA, BEN], anna=mailbox("a1"), ben=mailbox("b1"))
    changed = mailbox("b1")
    changed.said = {"in": [changed.put("b2", "in")]}
    result = group.run([ANNA, BEN], ben=changed)
    assert result.outcome is Outcome.PARTIAL
    assert [source.findings[0].code for one in result.members if one.id == "anna" for source in one.sources] == [
        "MailboxNotEnabledForRESTAPI"
    ]
    assert len(group.paths()) == 3
    assert group.status("anna") is SourceStatus.STALE
    assert group.last_good() == [set(), {"anna", "ben"}]


def test_a_member_that_recovers_without_a_change_is_good_again() -> None:
    group = Group()
    group.run([ANNA], anna=mailbox("a1"))
    group.run([ANNA])
    result = group.run([ANNA], anna=mailbox("a1"))
    assert (result.outcome, result.is_changed, group.status("anna")) == (Outcome.COMPLETE, True, SourceStatus.GOOD)
    assert group.last_good() == [set(), set(), {"anna"}]


def test_a_member_that_fails_twice_leaves_one_snapshot_of_it() -> None:
    group = Group()
    group.run([ANNA], anna=mailbox("a1"))
    assert group.run([ANNA]).is_changed
    assert not group.run([ANNA]).is_changed


def test_a_member_that_never_had_a_mailbox_is_named_and_has_no_directory() -> None:
    group = Group()
    result = group.run([ANNA, BEN], ben=mailbox("b1"))
    assert [source.availability for one in result.members for source in one.sources] == [NO_MAILBOX, ""]
    assert any("1 member has no mailbox" in warning and ANNA.principal_name in warning for warning in result.warnings)
    assert {path.split("/")[1] for path in group.paths()} == {"ben@x.example"}
    assert not group.run([ANNA, BEN], ben=mailbox("b1")).is_changed


def test_inv06_an_incomplete_state_of_a_mailbox_that_is_gone_stays_and_is_no_success() -> None:
    group = Group()
    group.run([ANNA, BEN], anna=mailbox("a1"), ben=mailbox("b1"))
    afresh = [(ANNA.id, MAIL)]
    ask_again(group.place.reopen(), "sales", {}, afresh=afresh, run_id="repair", now=group.now, hostname="backup1")
    foreseen = group.preview([ANNA, BEN], ben=mailbox("b1"))
    result = group.run([ANNA, BEN], ben=mailbox("b1"))
    assert [one.outcome for one in result.members] == [one.outcome for one in foreseen.members] == [Outcome.FAILED, Outcome.COMPLETE]
    assert len(group.paths()) == 2
    state = group.states()["anna"].sources[MAIL]
    assert (state.status, state.is_incomplete) == (SourceStatus.STALE, True)


def test_a_member_without_a_mailbox_is_no_failure_of_any_source_that_is_read() -> None:
    group = Group()
    group.plan = dataclasses.replace(group.plan, sources=(CALENDAR, CONTACTS))
    foreseen, result = group.preview([ANNA]), group.run([ANNA])
    for one in (foreseen, result):
        assert [(source.outcome, source.availability) for source in one.members[0].sources] == [(Outcome.COMPLETE, NO_MAILBOX)] * 2
    assert not group.preview([ANNA]).is_changed
    assert not group.run([ANNA]).is_changed


def test_a_source_that_is_switched_on_for_a_mailbox_that_is_gone_is_a_failure() -> None:
    group = Group()
    group.run([ANNA], anna=mailbox("a1"))
    group.plan = dataclasses.replace(group.plan, sources=(CALENDAR, CONTACTS))
    assert {source.outcome for source in group.run([ANNA]).members[0].sources} == {Outcome.FAILED}


def test_a_source_that_is_switched_off_and_lost_does_not_stand_in_the_way_of_the_others() -> None:
    place = stored_group()
    group = Group(place=place)
    directory = find_node(place.reopen(), snapshot_of(place).tree, ("Sales", ANNA.principal_name))
    assert directory is not None
    assert directory.subtree is not None
    lose(place, (BlobKind.TREE, BlobId(directory.subtree)))
    assert group.run([ANNA], anna=mailbox("a1")).outcome is Outcome.COMPLETE
    assert len(group.paths()) == 1


def test_a_member_that_could_never_be_read_is_unfinished_and_has_no_directory() -> None:
    group = Group()
    closed = dataclasses.replace(mailbox("a1"), refusal=refusal(403, "ErrorAccessDenied"))
    result = group.run([ANNA, BEN], anna=closed, ben=mailbox("b1"))
    assert result.outcome is Outcome.PARTIAL
    assert group.status("anna") is SourceStatus.UNFINISHED
    assert {path.split("/")[1] for path in group.paths()} == {"ben@x.example"}


def test_findings_of_single_messages_make_a_run_partial_and_the_member_good() -> None:
    group = Group()
    sick = mailbox("a1", "a2")
    sick.unreadable = {"a1": refusal(500, "ErrorCorruptData")}
    assert group.run([ANNA], anna=sick).outcome is Outcome.PARTIAL
    assert group.status("anna") is SourceStatus.FINDINGS
    assert group.last_good() == [{"anna"}]


def test_inv06_a_member_that_left_keeps_its_messages_and_the_newest_snapshot_holds_them() -> None:
    group = Group()
    group.run([ANNA, BEN], anna=mailbox("a1"), ben=mailbox("b1"))
    group.run([BEN], ben=mailbox("b1"))
    assert len(group.paths()) == 2
    assert group.states()["anna"].left == group.moment.isoformat(timespec="seconds")
    assert group.last_good() == [set(), {"anna", "ben"}]
    assert not group.run([BEN], ben=mailbox("b1")).is_changed


def test_inv06_a_member_that_comes_back_is_not_read_again_in_full() -> None:
    group, annas = Group(), mailbox("a1")
    group.run([ANNA, BEN], anna=annas, ben=mailbox("b1"))
    group.run([BEN], ben=mailbox("b1"))
    annas.said["in"] = [annas.put("a2", "in")]
    back = group.run([ANNA, BEN], anna=annas, ben=mailbox("b1"))
    assert (back.counts.fetched, len(group.paths()), group.states()["anna"].left) == (1, 3, None)
    assert [one.id for one in back.roster.joiners] == ["anna"]


def test_members_that_swap_their_names_keep_their_own_messages() -> None:
    group = Group()
    group.run([ANNA, BEN], anna=mailbox("a1"), ben=mailbox("b1", "b2"))
    group.run([member("anna", "ben@x.example"), member("ben", "anna@x.example")], anna=mailbox("a1"), ben=mailbox("b1", "b2"))
    assert sorted(path.split("/")[1] for path in group.paths()) == ["anna@x.example", "anna@x.example", "ben@x.example"]


@pytest.mark.parametrize("newcomer", ["aaa", "zzz"])
def test_a_newcomer_with_the_name_of_somebody_who_left_gets_a_directory_of_its_own(newcomer: str) -> None:
    group = Group()
    group.run([ANNA], anna=mailbox("a1"))
    group.run([member(newcomer, ANNA.principal_name)], **{newcomer: mailbox("n1", "n2")})
    assert len(group.paths()) == 3
    assert len({path.split("/")[1] for path in group.paths()}) == 2


def test_a_new_title_renames_the_group_and_loses_nothing() -> None:
    group = Group()
    group.run([ANNA], anna=mailbox("a1"))
    group.plan = dataclasses.replace(group.plan, title="Sales / North")
    result = group.run([ANNA], anna=mailbox("a1"))
    assert (result.is_changed, result.counts.fetched) == (True, 0)
    assert {path.split("/")[0] for path in group.paths()} == {"Sales _ North"}


def test_inv09_a_preview_writes_nothing_and_predicts_the_change() -> None:
    storage = RecordingStorage()
    group = Group(place=new_place(storage))
    writes = len(storage.changes)
    assert group.preview([ANNA], anna=mailbox("a1")).is_changed
    assert len(storage.changes) == writes
    group.run([ANNA], anna=mailbox("a1"))
    writes = len(storage.changes)
    assert not group.preview([ANNA], anna=mailbox("a1")).is_changed
    assert group.preview([ANNA]).is_changed
    assert group.preview([BEN], ben=mailbox()).is_changed
    assert len(storage.changes) == writes


def test_a_full_disk_ends_the_run_and_leaves_the_last_snapshot() -> None:
    storage = RecordingStorage()
    group = Group(place=new_place(storage))
    group.run([ANNA], anna=mailbox("a1"))
    storage.break_at = len(storage.changes) + 1
    changed = mailbox("a1")
    changed.said = {"in": [changed.put("a2", "in")]}
    with pytest.raises(StorageError):
        group.run([ANNA], anna=changed)
    storage.break_at = None
    assert len(storage.names(FileKind.SNAPSHOT)) == 1
    assert group.run([ANNA], anna=changed).counts.added == 1


@pytest.fixture
def many_checkpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_reader, "_OFFER_BYTES", 1)
    monkeypatch.setattr(mail_reader, "_AHEAD", 0)
    monkeypatch.setattr(group_tree, "_CHECKPOINT_BYTES", 0)


@pytest.mark.usefixtures("many_checkpoints")
def test_inv02_a_first_backup_that_fails_goes_on_where_it_stopped() -> None:
    group = Group()
    messages = [f"a{number:02d}" for number in range(30)]
    sick = mailbox(*messages)
    sick.unreadable = {name: refusal(403, "ErrorAccessDenied") for name in messages[20:]}
    assert group.run([ANNA], anna=sick).outcome is Outcome.FAILED
    assert group.status("anna") is SourceStatus.UNFINISHED
    result = group.run([ANNA], anna=mailbox(*messages))
    assert result.outcome is Outcome.COMPLETE
    assert result.counts.fetched <= 25
    assert len(group.paths()) == 30


@pytest.mark.usefixtures("many_checkpoints")
def test_inv06_a_half_read_source_that_then_fails_is_not_taken_for_its_last_good_state() -> None:
    storage = RecordingStorage()
    group = Group(place=new_place(storage))
    group.run([ANNA], anna=mailbox("a1"))
    good = group.states()["anna"].sources["mail"].last_success
    growing = mailbox("a1")
    growing.said = {"in": [growing.put(f"a{number}", "in") for number in range(2, 30)]}
    storage.break_at = len(storage.changes) + 25
    with pytest.raises(StorageError):
        group.run([ANNA], anna=growing)
    storage.break_at = None
    assert outcome_of(plan_snapshots(group.place.reopen(), "sales")[-1].tags) == CHECKPOINT
    assert not group.preview([ANNA]).is_changed
    assert group.run([ANNA]).snapshot_id is None
    state = group.states()["anna"].sources["mail"]
    assert (state.status, state.last_success) == (SourceStatus.UNFINISHED, good)


@pytest.mark.usefixtures("many_checkpoints")
def test_inv04_what_only_a_checkpoint_holds_becomes_a_restore_point_although_nothing_has_changed_since() -> None:
    growing = mailbox("a1")
    said = [growing.put(f"a{number}", "in") for number in range(2, 10)]
    changes = 0
    for is_broken in (False, True):
        storage = RecordingStorage()
        group = Group(place=new_place(storage))
        group.run([ANNA], anna=mailbox("a1"))
        growing.said = {"in": said}
        if not is_broken:
            group.run([ANNA], anna=growing)
            changes = len(storage.changes)
            continue
        storage.break_at = changes - 2  # the snapshot; after it the lock goes
        with pytest.raises(StorageError):
            group.run([ANNA], anna=growing)
        storage.break_at = None
    growing.said = {}
    assert outcome_of(plan_snapshots(group.place.reopen(), "sales")[-1].tags) == CHECKPOINT
    assert group.preview([ANNA], anna=growing).is_changed
    result = group.run([ANNA], anna=growing)
    assert (result.outcome, result.is_changed, result.counts.fetched) == (Outcome.COMPLETE, True, 0)
    assert outcome_of(plan_snapshots(group.place.reopen(), "sales")[-1].tags) == "complete"
    assert len(group.paths()) == 9
    assert not group.run([ANNA], anna=growing).is_changed


@pytest.mark.usefixtures("many_checkpoints")
def test_checkpoints_are_snapshots_that_retention_counts_for_nobody() -> None:
    group = Group()
    group.run([ANNA], anna=mailbox(*(f"a{number}" for number in range(9))))
    points = group.points()
    checkpoints = [point for point in points if point.is_checkpoint]
    assert checkpoints
    assert {outcome_of(snapshot.tags) for snapshot in plan_snapshots(group.place.reopen(), "sales")} == {CHECKPOINT, "complete"}
    assert all(not point.last_good_of for point in checkpoints)
    assert [point.last_good_of for point in points if not point.is_checkpoint] == [{"anna"}]


@pytest.mark.usefixtures("many_checkpoints")
def test_a_checkpoint_calls_a_source_that_is_still_being_read_unfinished() -> None:
    group = Group()
    group.run([ANNA], anna=mailbox(*(f"a{number}" for number in range(9))))
    repository = group.place.reopen()
    first, *_later, last = plan_snapshots(repository, "sales")
    statuses = []
    for snapshot in (first, last):
        node = group_of(repository, snapshot)
        assert node is not None
        assert node.subtree is not None
        statuses.append(read_members(repository, node.subtree)["anna"].sources["mail"].status)
    assert statuses == [SourceStatus.UNFINISHED, SourceStatus.GOOD]


def test_snapshots_of_other_plans_are_not_looked_at() -> None:
    group = Group()
    group.run([ANNA], anna=mailbox("a1"))
    other = Group(place=group.place, plan=dataclasses.replace(group.plan, name="other"))
    assert other.run([ANNA], anna=mailbox("a1")).counts.added == 1
    assert len(plan_snapshots(group.place.reopen(), "sales")) == 1
    assert latest_snapshot(group.place.reopen(), "nobody") is None
