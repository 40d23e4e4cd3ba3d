# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading sources of JSON items: the tree holds what the source holds, whatever its deltas said and in which order."""

from __future__ import annotations

import json
import tracemalloc
import typing as t
from datetime import datetime, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.catalogue import Catalogue
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.item_reader import preview_items, read_items
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.item_state import (
    RETRY_PATH,
    Retry,
    load_state,
    retries_as_json,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.layout import META_TIME
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.source_read import SourceRead
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.errors import BadAnswer, ItemUnreadable
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.trees import edit_tree, walk
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import Node, NodeKind, Path, TreeId
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.writer import Writer
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.item_world import World
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.support import writing

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)


@pytest.fixture
def writer() -> t.Iterator[Writer]:
    with writing() as writer:
        yield writer


def read(writer: Writer, world: World, base: TreeId | None) -> SourceRead:
    world.looks.clear()
    return read_items(world, writer, base, now=NOW)


def check(writer: Writer, tree: TreeId | None, world: World, *, without: t.Collection[str] = ()) -> None:
    """The tree holds exactly the items of the world, but for those that could not be read."""
    assert tree is not None
    state = load_state(writer, tree)
    by_number = {folder.number: folder for folder in state.folders.values()}
    expected: dict[tuple[str, ...], bytes] = {}
    records = {record["id"]: record for record in Catalogue(writer, tree, state.facts.lines).live()}
    assert records.keys() == world.items.keys() - set(without)
    assert state.facts.items == len(records)
    for key, record in records.items():
        item, folder = world.items[key], by_number[record["folder"]]
        assert folder.id == item.folder
        path = (*folder.path, *record["file"].split("/"))
        expected[path] = json.dumps({"id": key, "key": f"{key}{item.version}"}, separators=(",", ":")).encode()
        assert len(record.get("parts", ())) == (item.part is not None and key not in world.misses)
        for part in record.get("parts", ()):
            path = (*folder.path, *part["file"].split("/"))
            expected[path] = t.cast(bytes, item.part)
    files = {path: node for path, node in walk(writer, tree) if node.kind is NodeKind.FILE}
    content = {path: b"".join(writer.read_file(node)) for path, node in files.items()}
    assert {path: data for path, data in content.items() if path[0] != ".m365" and path[-1] != ".folder.json"} == expected


Step = t.Callable[[World], None]


def _put(item_id: str, folder: str, part: bytes | None) -> Step:
    def step(world: World) -> None:
        if folder in world.places:
            world.put(item_id, folder, part)

    return step


def _drop(item_id: str) -> Step:
    def step(world: World) -> None:
        if item_id in world.items:
            world.drop(item_id)

    return step


def _set(name: str, value: t.Any) -> Step:
    return lambda world: setattr(world, name, value)


def _drop_folder(world: World) -> None:
    if "y" in world.places:
        world.drop_folder("y")


IDS = st.sampled_from([f"i{number}" for number in range(8)])
STEPS = st.one_of(
    st.builds(_put, IDS, st.sampled_from("xy"), st.sampled_from((None, b"one", b"two"))),
    st.builds(_drop, IDS),
    st.builds(lambda folder: lambda world: world.lost.add(folder), st.sampled_from("xy")),
    st.builds(_set, st.just("has_delta"), st.booleans()),
    st.builds(_set, st.just("sick"), st.sets(IDS, max_size=2)),
    st.builds(_set, st.just("misses"), st.sets(IDS, max_size=2)),
    st.just(_drop_folder),
)


@settings(max_examples=80, deadline=None)
@given(runs=st.lists(st.lists(STEPS, max_size=8), min_size=1, max_size=5), seed=st.integers(0, 999))
def test_inv04_after_a_calm_run_the_tree_holds_what_the_source_holds(runs: list[list[Step]], seed: int) -> None:
    world, tree = World(seed), None
    with writing() as writer:
        for steps in runs:
            for step in steps:
                step(world)
            done = read(writer, world, tree)
            assert not done.findings or load_state(writer, done.tree).retries
            tree = done.tree
        world.sick, world.misses, world.lost = set(), set(), set()
        done = read(writer, world, tree)
        assert done.findings == ()
        check(writer, done.tree, world)
        # Its cursors are young enough now: nothing is left to be said.
        assert read(writer, world, read(writer, world, done.tree).tree).counts.total == len(world.items)


@settings(max_examples=50, deadline=None)
@given(runs=st.lists(st.lists(STEPS, max_size=8), min_size=1, max_size=4), seed=st.integers(0, 999))
def test_inv09_a_preview_foresees_whether_the_run_changes_anything(runs: list[list[Step]], seed: int) -> None:
    tree = None
    world, foreseen_world = World(seed), World(seed)
    with writing() as writer:
        for steps in runs:
            for step in steps:
                step(world)
                step(foreseen_world)
            sick = world.sick
            world.sick = foreseen_world.sick = set()
            foreseen = preview_items(foreseen_world, writer, tree, now=NOW)
            done = read(writer, world, tree)
            assert foreseen.is_changed == (done.tree != tree)
            assert foreseen.counts.total == done.counts.total
            world.sick = foreseen_world.sick = sick
            tree = done.tree


def test_an_unchanged_run_keeps_the_tree_and_looks_at_nothing(writer: Writer) -> None:
    world = World(seed=3)
    for number in range(40):
        world.put(f"i{number}", "x", b"part")
    first = read(writer, world, None)
    check(writer, first.tree, world)
    second = read(writer, world, first.tree)
    assert second.tree == first.tree
    assert second.counts.added == second.counts.updated == 0


def test_a_failed_item_is_tried_again_until_it_can_be_read(writer: Writer) -> None:
    world = World()
    world.put("a", "x")
    world.put("b", "x")
    world.sick = {"a"}
    first = read(writer, world, None)
    check(writer, first.tree, world, without={"a"})
    second = read(writer, world, first.tree)
    assert (second.tree, [finding.code for finding in second.findings]) == (first.tree, ["ErrorCorruptData"])
    world.sick = set()
    third = read(writer, world, second.tree)
    assert third.findings == ()
    check(writer, third.tree, world)


def test_an_item_without_a_part_that_cannot_be_read_is_completed_later(writer: Writer) -> None:
    world = World()
    world.put("a", "x", b"part")
    world.misses = {"a"}
    first = read(writer, world, None)
    assert [finding.object for finding in first.findings] == ["thing name of a, part"]
    check(writer, first.tree, world)
    assert read(writer, world, first.tree).tree == first.tree
    world.misses = set()
    second = read(writer, world, first.tree)
    assert second.findings == ()
    check(writer, second.tree, world)


def test_what_the_repository_lost_comes_back_when_it_is_asked_for_again(writer: Writer) -> None:
    world = World()
    for key in ("a", "b"):
        world.put(key, "x", b"part")
    first = read(writer, world, None)
    assert first.tree is not None
    paths = [path for path, node in walk(writer, first.tree) if node.kind is NodeKind.FILE and path[0] == "X" and "name of a" in path[-1]]
    retry = writer.save_file([retries_as_json([Retry(id="a", since="2026-11-01T00:00:00+00:00")])])
    edits: dict[Path, Node | None] = {**dict.fromkeys(paths), RETRY_PATH: Node.file(RETRY_PATH[-1], META_TIME, retry)}
    damaged = edit_tree(writer, first.tree, sorted(edits.items()))
    done = read(writer, world, damaged)
    assert (done.findings, world.looks) == ((), ["a"])
    check(writer, done.tree, world)


def test_a_source_whose_every_item_fails_is_sick_as_a_whole(writer: Writer) -> None:
    world = World()
    world.sick_kinds = (ItemUnreadable,)  # type: ignore[misc]
    for number in range(20):
        world.put(f"i{number}", "x")
    world.sick = set(world.items)
    with pytest.raises(ItemUnreadable):
        read(writer, world, None)


def test_a_source_that_names_no_folder_any_more_is_not_believed(writer: Writer) -> None:
    world = World()
    world.put("a", "x")
    first = read(writer, world, None)
    world.places = {}
    with pytest.raises(BadAnswer, match="names none any more"):
        read(writer, world, first.tree)
    assert read(writer, World(), None).counts.total == 0


def test_memory_does_not_grow_with_the_number_of_items(writer: Writer) -> None:
    peaks = []
    for count in (300, 3000):
        world = World()
        for number in range(count):
            world.put(f"item number {number} of many", "x")
        tracemalloc.start()
        done = read(writer, world, None)
        read(writer, world, done.tree)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # 2,700 records and documents would be more than 4 MB; what grows is the table of the pack that the writer is filling.
    assert peaks[1] - peaks[0] < 1_500_000
