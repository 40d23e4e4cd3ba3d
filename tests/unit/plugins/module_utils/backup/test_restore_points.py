# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t
from datetime import timedelta

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.layout import snapshot_tags
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.members import SourceStatus
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.restore_points import (
    merge_copies,
    newest_first,
    restore_points,
    stored_points,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.results import Outcome
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.errors import BlobMissing
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.trees import find_node
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import (
    BlobId,
    BlobKind,
    Snapshot,
    SnapshotId,
    TreeId,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.snapshot_choice import choose_snapshot
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.groups import Group, mailbox, member
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.history import (
    GOOD,
    LEFT,
    STALE,
    UNFINISHED,
    History,
)
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.mailbox_service import Mailbox
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.losses import lose
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import NOON, new_place

ANNA = member("anna")
TAGS = snapshot_tags("sales", "run-1", "complete")


def snapshot(number: int, *, original: int | None = None, holds: t.Iterable[str] = (), age: int = 0) -> Snapshot:
    tags = (*TAGS, *(f"hold:{label}" for label in holds))
    first = None if original is None else SnapshotId(f"{original:064x}")
    return Snapshot(SnapshotId(f"{number:064x}"), NOON - timedelta(days=age), TreeId("0" * 64), "host", ("/",), tags, original=first)


def merged(*snapshots: Snapshot) -> list[tuple[int, list[int]]]:
    """(the one that counts, its copies)"""
    points = merge_copies(sorted(snapshots, key=lambda each: (each.time, each.id)))
    return [(int(point.snapshot.id, 16), [int(copy, 16) for copy in point.copies]) for point in points]


def test_snapshots_of_their_own_are_points_of_their_own() -> None:
    assert merged(snapshot(3, age=2), snapshot(1, age=1), snapshot(2)) == [(3, []), (1, []), (2, [])]


def test_of_two_copies_the_one_with_more_holds_counts() -> None:
    assert merged(snapshot(1), snapshot(2, original=1, holds=["case 7"])) == [(2, [1])]
    assert merged(snapshot(2, original=1, holds=["case 7"]), snapshot(3, original=1)) == [(2, [3])]


def test_of_two_copies_that_are_held_alike_the_later_one_counts() -> None:
    assert merged(snapshot(9), snapshot(2, original=9)) == [(2, [9])]


def test_copies_with_different_holds_are_both_kept() -> None:
    assert merged(snapshot(2, original=1, holds=["a"]), snapshot(3, original=1, holds=["b"])) == [(3, []), (2, [])]


def test_what_lies_in_the_future_is_newer_than_nothing() -> None:
    old, new, late = snapshot(1, age=2), snapshot(2, age=1), snapshot(3, age=-1)
    assert newest_first([old, new, late], NOON) == [new, old, late]


def changed(*messages: str) -> Mailbox:
    """A mailbox that had a1, and says that these are new."""
    box = mailbox("a1")
    box.said = {"in": [box.put(message, "in") for message in messages]}
    return box


def test_a_run_goes_on_from_the_last_one_that_is_not_dated_in_the_future_takes_in_the_one_that_is_and_warns() -> None:
    """One run was made while the clock of its host was a day ahead."""
    group = Group()
    group.run([ANNA], anna=mailbox("a1"))
    group.moment += timedelta(days=1)
    group.place.clock.move(86400)
    group.run([ANNA], anna=changed("a2"))
    group.moment -= timedelta(days=1)
    group.place.clock.move(-86400)
    result = group.run([ANNA], anna=changed("a2", "a3"))
    assert (result.outcome, result.counts.added, len(group.paths())) == (Outcome.COMPLETE, 1, 3)
    assert "One of the two clocks is wrong" in result.warnings[0]
    repository = group.place.reopen()
    assert choose_snapshot(repository, "sales", "latest").id == result.snapshot_id
    assert not group.run([ANNA], anna=mailbox("a1", "a2", "a3")).is_changed


@pytest.mark.parametrize("status", [LEFT, STALE, UNFINISHED])
def test_a_directory_of_a_member_that_is_lost_is_refused_unless_the_loss_is_accepted(status: SourceStatus | None) -> None:
    place = new_place()
    history = History(place.repository)
    history.add(NOON - timedelta(days=2), alice=GOOD, bob=UNFINISHED)
    last = history.add(NOON - timedelta(days=1), alice=GOOD, bob=status)
    directory = find_node(place.reopen(), last.tree, ("Sales", "bob"))
    assert directory is not None
    lose(place, (BlobKind.TREE, BlobId(directory.subtree or "")))
    repository = place.reopen()
    points = stored_points(repository, "sales")
    with pytest.raises(BlobMissing):
        restore_points(repository, points, NOON)
    assert [point.last_good_of for point in restore_points(repository, points, NOON, accept_missing=True)] == [set(), {"alice"}]


def test_a_snapshot_that_lost_its_list_of_members_is_refused_unless_the_loss_is_accepted() -> None:
    place = new_place()
    history = History(place.repository)
    first = history.add(NOON - timedelta(days=2), alice=GOOD)
    history.add(NOON - timedelta(days=1), bob=GOOD)
    lose(place, (BlobKind.TREE, BlobId(first.tree)))
    repository = place.reopen()
    points = stored_points(repository, "sales")
    with pytest.raises(BlobMissing):
        restore_points(repository, points, NOON)
    assert [point.last_good_of for point in restore_points(repository, points, NOON, accept_missing=True)] == [set(), {"bob"}]
