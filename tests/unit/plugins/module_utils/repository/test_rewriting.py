# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.check import check
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.errors import RepositoryError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.prune import plan_prune, prune
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.rewriting import Reduction
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.saving import BlobSaver
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage import FileKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.trees import edit_tree
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import Node, Path, TreeId
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import (
    NOON,
    RecordingStorage,
    back_up,
    new_place,
    restore,
)

NAMES = ("a", "b", "c")
NOTE = b"a is gone"


def noise(seed: str, size: int = 20_000) -> bytes:
    return random.Random(seed).randbytes(size)


def without_a(store: BlobSaver, tree: TreeId, note_size: int = 1) -> TreeId:
    """Also leaves a file, as a list of those who are left does."""
    note = Node.file("note", NOON, store.save_file([NOTE * note_size]))
    changed = edit_tree(store, tree, [(("a",), None), (("note",), note)])
    if changed is None:
        raise AssertionError
    return changed


def data_bytes(storage: RecordingStorage) -> int:
    return sum(stored.size for stored in storage.list(FileKind.DATA))


snapshots = st.lists(st.dictionaries(st.sampled_from(NAMES), st.integers(0, 3), min_size=1), min_size=1, max_size=5)


@settings(max_examples=25, deadline=None)
@given(snapshots, st.sets(st.integers(0, 4)), st.sets(st.integers(0, 4)))
def test_inv09_what_rewriting_means_is_known_before_and_nothing_else_is_touched(
    drawn: list[dict[str, int]], rewritten: set[int], removed: set[int]
) -> None:
    storage = RecordingStorage()
    place = new_place(storage)
    contents: list[dict[Path, bytes]] = [
        {(name, str(number)): noise(f"{name} {version} {number}") for name, version in each.items() for number in range(2)}
        for each in drawn
    ]
    made = [back_up(place.repository, files, time=NOON + timedelta(hours=number)) for number, files in enumerate(contents)]
    ids = [snapshot.id for snapshot in made]
    reduction = Reduction(
        [ids[number] for number in removed if number < len(ids)], {ids[number]: without_a for number in rewritten if number < len(ids)}
    )
    files = dict(storage.files)
    plan = plan_prune(place.reopen(), reduction)
    assert storage.files == files
    before = data_bytes(storage)
    assert prune(place.reopen(), reduction).plan == plan
    assert before - data_bytes(storage) == plan.bytes_freed
    repository = place.reopen()
    assert check(repository, read_data=True) == []
    expected = {}
    for number, (snapshot, stored) in enumerate(zip(made, contents, strict=True)):
        if number in rewritten and number not in removed:
            kept = {path: data for path, data in stored.items() if path[0] != "a"}
            expected[snapshot.id] = (snapshot.time, kept | {("note",): NOTE})
        elif number not in removed:
            expected[snapshot.id] = (snapshot.time, stored)
    left = repository.snapshots()
    assert {each.first_id: (each.time, restore(repository, each)) for each in left} == expected
    assert len(left) == len(expected)
    again = Reduction((), {each.id: without_a for each in left if each.original})
    assert not plan_prune(repository, again, tolerated_waste=0.0).changes


def test_inv09_a_large_file_in_a_rewritten_snapshot_is_cut_as_the_plan_says() -> None:
    storage = RecordingStorage()
    place = new_place(storage)
    snapshot = back_up(place.repository, {("a", "1"): noise("a", 9_000_000)})
    reduction = Reduction((), {snapshot.id: lambda store, tree: without_a(store, tree, 600_000)})
    plan, before = plan_prune(place.reopen(), reduction), data_bytes(storage)
    prune(place.reopen(), reduction)
    assert before - data_bytes(storage) == plan.bytes_freed
    (after,) = place.reopen().snapshots()
    assert restore(place.reopen(), after) == {("note",): NOTE * 600_000}


def test_tags_and_hosts_of_a_snapshot_stay_and_so_does_its_first_id() -> None:
    place = new_place()
    with place.repository.writing(hostname="backup1") as writer:
        base = back_up(place.repository, {("a", "1"): b"1", ("b", "1"): b"1"})
        snapshot = writer.save_snapshot(base.tree, time=NOON, paths=["/x"], tags=["one", "two"])
    prune(place.repository, Reduction([base.id], {snapshot.id: without_a}))
    (first,) = place.reopen().snapshots()
    prune(place.repository, Reduction((), {first.id: lambda store, tree: edit_tree(store, tree, [(("b",), None)]) or tree}))
    (second,) = place.reopen().snapshots()
    for after in (first, second):
        assert (after.first_id, after.tags, after.time, after.hostname, after.paths) == (
            snapshot.id,
            ("one", "two"),
            NOON,
            "backup1",
            ("/x",),
        )
    assert set(restore(place.reopen(), second)) == {("note",)}


def test_a_successor_that_is_there_already_is_not_written_again() -> None:
    """As after a kill between the new snapshot and the removal of the old one."""
    storage = RecordingStorage()
    place = new_place(storage)
    snapshot = back_up(place.repository, {("a", "1"): b"1", ("b", "1"): b"1"})
    old = storage.get(FileKind.SNAPSHOT, snapshot.id)
    prune(place.repository, Reduction((), {snapshot.id: without_a}))
    successors = {each.name for each in storage.list(FileKind.SNAPSHOT)}
    with place.repository.writing() as writer:
        tree = back_up(place.repository, {("a", "1"): b"1", ("b", "1"): b"1"}).tree
        assert tree == snapshot.tree
        writer.flush()
    for other in list(storage.list(FileKind.SNAPSHOT)):
        if other.name not in successors:
            storage.delete(FileKind.SNAPSHOT, other.name)
    storage.put(FileKind.SNAPSHOT, snapshot.id, old)
    prune(place.reopen(), Reduction((), {snapshot.id: without_a}))
    assert {each.name for each in storage.list(FileKind.SNAPSHOT)} == successors


def test_a_rewriting_that_does_not_do_twice_the_same_removes_nothing() -> None:
    place = new_place()
    snapshot = back_up(place.repository, {("a", "1"): b"1"})
    chance = random.Random(1)

    def other_each_time(store: BlobSaver, tree: TreeId) -> TreeId:
        node = Node.file("note", NOON, store.save_file([chance.randbytes(9)]))
        return edit_tree(store, tree, [(("note",), node)]) or tree

    with pytest.raises(RepositoryError, match="came out differently"):
        prune(place.repository, Reduction((), {snapshot.id: other_each_time}))
    assert [each.id for each in place.reopen().snapshots()] == [snapshot.id]
    assert restore(place.reopen(), snapshot) == {("a", "1"): b"1"}
