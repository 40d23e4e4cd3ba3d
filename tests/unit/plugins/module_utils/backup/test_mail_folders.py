# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where folders lie, and that their messages follow them."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.folder_places import folder_paths, move_folders
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.item_state import Folder
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.layout import FOLDER_FILE, META, META_TIME, message_path
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.trees import edit_tree, walk
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import Node, Path, TreeId
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.writer import Writer
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.support import writing

Forest: t.TypeAlias = "dict[str, tuple[str, str | None]]"
IDS = st.sampled_from("abcdefg")
NAMES = st.sampled_from(["X", "x", "Y", "2026", ".m365", "a/b"])
FORESTS = st.dictionaries(IDS, st.tuples(NAMES, st.one_of(st.none(), IDS, st.just("elsewhere"))), max_size=7)
RING_BESIDE_A_NAMESAKE: Forest = {"b": ("X", None), "a": ("X", "c"), "c": ("Y", "a")}


# Paths


@given(forest=FORESTS, random=st.randoms())
@example(forest=RING_BESIDE_A_NAMESAKE, random=None)
def test_every_folder_has_a_path_of_its_own_whatever_the_order(forest: Forest, random: t.Any) -> None:
    paths = folder_paths(forest)
    assert paths.keys() == forest.keys()
    assert len({tuple(name.casefold() for name in path) for path in paths.values()}) == len(forest)
    if random is not None:
        shuffled = list(forest.items())
        random.shuffle(shuffled)
        assert folder_paths(dict(shuffled)) == paths


@given(forest=FORESTS)
def test_a_folder_lies_below_its_parent_unless_they_go_in_a_ring(forest: Forest) -> None:
    paths = folder_paths(forest)
    for folder, (_name, parent) in forest.items():
        if parent in paths and not in_ring(forest, folder):
            assert paths[folder][:-1] == paths[parent]
        elif parent not in paths:
            assert len(paths[folder]) == 1


def in_ring(forest: Forest, folder: str) -> bool:
    seen: list[str] = []
    parent = forest[folder][1]
    while parent in forest and parent not in seen:
        seen.append(parent)
        parent = forest[parent][1]
    return folder in seen


def test_a_ring_is_cut_at_its_first_folder_and_only_there() -> None:
    assert folder_paths({"a": ("A", "b"), "b": ("B", "c"), "c": ("C", "a"), "d": ("D", "b")}) == {
        "a": ("A",),
        "c": ("A", "C"),
        "b": ("A", "C", "B"),
        "d": ("A", "C", "B", "D"),
    }


def test_very_deep_trees_have_paths() -> None:
    deep: Forest = {f"{number:04d}": ("f", f"{number - 1:04d}" if number else None) for number in range(2000)}
    assert len(folder_paths(deep)["1999"]) == 2000


# Moving


def folders_of(forest: Forest) -> dict[str, Folder]:
    paths = folder_paths(forest)
    return {key: Folder(id=key, number=ord(key), name=name, parent=parent, path=paths[key]) for key, (name, parent) in forest.items()}


def own_files(folder: Folder) -> dict[Path, bytes]:
    mail: dict[Path, bytes] = {
        message_path(f"{folder.id}{number}", META_TIME): f"mail {number} of {folder.id}".encode() for number in range(2)
    }
    return {(FOLDER_FILE,): folder.id.encode(), **mail}


def source_of(writer: Writer, folders: t.Mapping[str, Folder]) -> TreeId | None:
    files: dict[Path, bytes] = {(META, "source.json"): b"facts"}
    for folder in folders.values():
        files.update({(*folder.path, *path): content for path, content in own_files(folder).items()})
    return edit_tree(writer, None, [(path, Node.file(path[-1], META_TIME, writer.save_file([files[path]]))) for path in sorted(files)])


def content_of(writer: Writer, tree: TreeId | None) -> dict[Path, bytes]:
    nodes = () if tree is None else walk(writer, tree)
    return {path: b"".join(writer.read_file(node)) for path, node in nodes if node.subtree is None}


def check_move(before: Forest, after: Forest) -> None:
    old, new = folders_of(before), folders_of(after)
    with writing() as writer:
        moved = move_folders(writer, source_of(writer, old), old, new)
        expected: dict[Path, bytes] = {(META, "source.json"): b"facts"}
        for key in old.keys() & new.keys():
            expected.update({(*new[key].path, *path): content for path, content in own_files(old[key]).items()})
        assert content_of(writer, moved) == expected


@settings(max_examples=60)
@given(before=FORESTS, after=FORESTS)
def test_messages_follow_their_folder_wherever_it_goes(before: Forest, after: Forest) -> None:
    check_move(before, after)


MOVES: tuple[tuple[str, Forest, Forest], ...] = (
    ("renamed", {"a": ("A", None), "b": ("B", "a")}, {"a": ("Z", None), "b": ("B", "a")}),
    ("two swap their names", {"a": ("A", None), "b": ("B", None)}, {"a": ("B", None), "b": ("A", None)}),
    ("moved below another", {"a": ("A", None), "b": ("B", None)}, {"a": ("A", None), "b": ("B", "a")}),
    ("parent and child change places", {"a": ("A", None), "b": ("B", "a")}, {"b": ("B", None), "a": ("A", "b")}),
    ("the child stays, the parent goes", {"a": ("A", None), "b": ("B", "a")}, {"b": ("B", None)}),
    ("deleted with what is below", {"a": ("A", None), "b": ("B", "a"), "c": ("C", None)}, {"c": ("C", None)}),
    ("all are gone", {"a": ("A", None)}, {}),
    ("a new one takes the name of one that goes", {"a": ("A", None)}, {"b": ("A", None)}),
    ("only the case differs", {"a": ("Inbox", None)}, {"a": ("INBOX", None)}),
)


@pytest.mark.parametrize(("before", "after"), [row[1:] for row in MOVES], ids=[row[0] for row in MOVES])
def test_messages_follow_their_folder(before: Forest, after: Forest) -> None:
    check_move(before, after)


def test_moving_a_folder_reads_and_writes_no_message() -> None:
    old, new = folders_of({"a": ("A", None)}), folders_of({"a": ("Z", None)})
    with writing() as writer:
        tree = source_of(writer, old)
        before = writer.stats
        move_folders(writer, tree, old, new)
        assert writer.stats.data_bytes == before.data_bytes
        assert writer.stats.tree_blobs == before.tree_blobs + 2


def test_nothing_moves_when_the_folders_are_the_same() -> None:
    folders = folders_of({"a": ("A", None), "b": ("B", "a")})
    with writing() as writer:
        tree = source_of(writer, folders)
        assert move_folders(writer, tree, folders, {**folders, **folders_of({"c": ("C", None)})}) == tree
