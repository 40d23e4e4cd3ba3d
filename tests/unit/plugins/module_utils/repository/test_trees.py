# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import typing as t
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.tree_json import decode_tree, encode_tree
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.trees import DIRECTORY_TIME, edit_tree, find_node, walk
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import (
    BlobId,
    Node,
    NodeKind,
    Path,
    SavedFile,
    TreeId,
)
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import NOON

NAMES = st.sampled_from(["a", "b", "c", "é"])
PATHS = st.lists(NAMES, min_size=1, max_size=4).map(tuple)
Model = dict[Path, Node]


class TreeBox:
    """Trees in a dict; remembers what was read and saved."""

    def __init__(self) -> None:
        self.trees: dict[TreeId, bytes] = {}
        self.read: list[TreeId] = []
        self.saved: list[TreeId] = []

    def read_tree(self, tree: TreeId) -> tuple[Node, ...]:
        self.read.append(tree)
        return decode_tree(self.trees[tree])

    def save_tree(self, nodes: t.Iterable[Node]) -> TreeId:
        data = encode_tree(nodes)
        tree = TreeId(hashlib.sha256(data).hexdigest())
        self.trees[tree] = data
        self.saved.append(tree)
        return tree

    def files(self, tree: TreeId | None) -> Model:
        return {} if tree is None else {path: node for path, node in walk(self, tree) if node.kind is NodeKind.FILE}


def file(path: Path, version: int = 0) -> Node:
    return Node(path[-1], NodeKind.FILE, NOON + timedelta(seconds=version), version)


def below(path: Path, folder: Path) -> bool:
    return len(path) > len(folder) and path[: len(folder)] == folder


def apply(model: Model, edits: t.Iterable[tuple[Path, Node | None]]) -> Model:
    """The plain meaning of edits: a path replaces or removes what is there, and what stands on its way."""
    model = dict(model)
    for path, node in edits:
        model = {other: kept for other, kept in model.items() if other != path and not below(other, path)}
        if node is not None:
            model = {other: kept for other, kept in model.items() if not below(path, other)}
            model[path] = node
    return model


@st.composite
def edit_lists(draw: st.DrawFn) -> list[tuple[Path, Node | None]]:
    wanted = draw(st.dictionaries(PATHS, st.none() | st.integers(0, 3), max_size=8))
    allowed = [path for path in wanted if not any(below(path, other) for other in wanted)]
    return [(path, None if wanted[path] is None else file(path, t.cast(int, wanted[path]))) for path in sorted(allowed)]


@given(st.lists(edit_lists(), min_size=1, max_size=4))
def test_edits_mean_what_they_mean_on_a_dict(rounds: list[list[tuple[Path, Node | None]]]) -> None:
    box, tree, model = TreeBox(), None, Model()
    for edits in rounds:
        tree = edit_tree(box, tree, iter(edits))
        model = apply(model, edits)
        assert box.files(tree) == model
    assert (tree is None) == (not model)


@given(st.lists(edit_lists(), min_size=1, max_size=3))
def test_a_tree_depends_on_its_content_and_not_on_its_history(rounds: list[list[tuple[Path, Node | None]]]) -> None:
    box, tree, model = TreeBox(), None, Model()
    for edits in rounds:
        tree = edit_tree(box, tree, edits)
        model = apply(model, edits)
    assert tree == edit_tree(box, None, sorted(model.items(), key=lambda edit: edit[0]))


@given(edit_lists())
def test_the_same_edits_again_change_and_save_nothing(edits: list[tuple[Path, Node | None]]) -> None:
    box = TreeBox()
    tree = edit_tree(box, None, edits)
    box.saved.clear()
    assert edit_tree(box, tree, edits) == tree
    assert box.saved == []


@given(edit_lists())
def test_directories_on_the_way_exist_only_while_something_is_in_them(edits: list[tuple[Path, Node | None]]) -> None:
    box = TreeBox()
    tree = edit_tree(box, None, edits)
    if tree is None:
        return
    entries = dict(walk(box, tree))
    folders = {path for path, node in entries.items() if node.kind is NodeKind.DIRECTORY}
    assert folders == {path[:depth] for path in entries if path not in folders for depth in range(1, len(path))}


def test_only_touched_directories_are_read_and_saved() -> None:
    box = TreeBox()
    paths = [(folder, shard, name) for folder in ("anna", "ben") for shard in ("01", "02", "03") for name in ("x", "y")]
    tree = edit_tree(box, None, [(path, file(path)) for path in paths])
    box.read.clear()
    box.saved.clear()
    edit_tree(box, tree, [(("anna", "02", "z"), file(("z",), 1))])
    assert len(box.read) == len(box.saved) == 3


def test_a_directory_can_be_put_in_whole() -> None:
    box = TreeBox()
    other = edit_tree(box, None, [(("x", "y"), file(("y",)))])
    assert other is not None
    tree = edit_tree(box, None, [(("a", "old"), file(("old",)))])
    box.read.clear()
    tree = edit_tree(box, tree, [(("a",), Node.directory("a", NOON, other))])
    assert list(box.files(tree)) == [("a", "x", "y")]
    assert other not in box.read[:1]


def test_a_changed_directory_takes_the_one_time_that_compresses_away() -> None:
    box = TreeBox()
    tree = edit_tree(box, None, [(("a", "b", "new"), file(("new",), 9)), (("a", "old"), file(("old",), 1))])
    assert tree is not None
    folder = find_node(box, tree, ("a",))
    assert folder is not None
    assert folder.modified == DIRECTORY_TIME


def test_removing_below_a_file_leaves_the_file() -> None:
    box = TreeBox()
    tree = edit_tree(box, None, [(("a",), file(("a",)))])
    assert edit_tree(box, tree, [(("a", "b"), None)]) == tree


@pytest.mark.parametrize(
    "edits",
    [
        [((), None)],
        [(("b",), None), (("a",), None)],
        [(("a",), None), (("a",), None)],
        [(("a",), None), (("a", "b"), None)],
        [(("a",), file(("other",)))],
    ],
)
def test_disordered_edits_are_a_defect_of_the_caller(edits: list[tuple[Path, Node | None]]) -> None:
    with pytest.raises(ValueError, match=r"edit|node"):
        edit_tree(TreeBox(), None, edits)


def test_a_node_is_found_at_its_path_or_not_at_all() -> None:
    box = TreeBox()
    tree = edit_tree(box, None, [(("a", "b"), file(("b",), 5))])
    assert tree is not None
    assert find_node(box, tree, ("a", "b")) == file(("b",), 5)
    assert find_node(box, tree, ("a", "c")) is None
    assert find_node(box, tree, ("a", "b", "c")) is None
    assert find_node(box, tree, ("z", "b")) is None
    with pytest.raises(ValueError, match="root"):
        find_node(box, tree, ())


def test_walking_goes_in_order_and_deep_trees_need_no_stack() -> None:
    box = TreeBox()
    deep = ("d",) * 3000
    tree = edit_tree(box, None, [(("a",), file(("a",))), (deep, file(deep)), (("e",), file(("e",)))])
    assert tree is not None
    paths = [path for path, _node in walk(box, tree, ("top",))]
    assert paths == sorted(paths)
    assert paths[-2] == ("top", *deep)


def test_a_node_is_made_from_what_was_saved() -> None:
    saved = SavedFile((BlobId("ab" * 32),), 5, 100, True)
    assert Node.file("x", NOON, saved) == Node("x", NodeKind.FILE, NOON, 5, (BlobId("ab" * 32),))
