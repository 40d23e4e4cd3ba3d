# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where folders lie, that their messages follow them, and what a mailbox says about its folders."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.layout import FOLDER_FILE, META, META_TIME, message_path
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.mail_folders import folder_paths, move_folders, read_folders
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.mail_state import Folder, MailState, SourceFacts
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.errors import GraphError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.ids import UserId
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.trees import edit_tree, walk
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import Node, Path, TreeId
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.writer import Writer
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.support import writing
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.graph.fakes import Answer, Scene, refusal

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


# What the mailbox says

ROOT = "https://graph.microsoft.com/v1.0/"
WELL_KNOWN = {"outbox": "out", "inbox": "in"}


def entry(key: str, name: str = "", parent: str | None = None, **more: t.Any) -> dict[str, t.Any]:
    return {"id": key, **({"displayName": name, "parentFolderId": parent} if name else {}), **more}


def removed(key: str) -> dict[str, t.Any]:
    return {"id": key, "@removed": {"reason": "deleted"}}


def round_of(*entries: dict[str, t.Any]) -> Answer:
    return Answer(200, {"value": list(entries), "@odata.deltaLink": ROOT + "users/u/mailFolders/delta?$deltatoken=2"})


def state_of(forest: Forest) -> MailState:
    facts = SourceFacts(next_folder=1000, cursor=ROOT + "users/u/mailFolders/delta?$deltatoken=1", well_known=WELL_KNOWN)
    return MailState(None, facts, folders_of(forest), {})


def names_after(forest: Forest, *script: object) -> dict[str, str]:
    found = read_folders(Scene(*script).client, UserId("u"), state_of(forest))
    return {key: folder.name for key, folder in found.folders.items()}


BASE: Forest = {"a": ("A", None), "b": ("B", "a")}
NOT_FOUND = refusal(404, "ErrorItemNotFound")


def test_folders_that_are_not_named_stay() -> None:
    assert names_after(BASE, round_of()) == {"a": "A", "b": "B"}


def test_a_part_of_a_folder_is_merged_with_what_is_known() -> None:
    found = read_folders(Scene(round_of(entry("b", isHidden=True))).client, UserId("u"), state_of(BASE))
    assert (found.folders["b"].name, found.folders["b"].parent, found.folders["b"].is_hidden) == ("B", "a", True)


def test_a_removed_folder_goes() -> None:
    assert names_after(BASE, round_of(removed("b"))) == {"a": "A"}


@pytest.mark.parametrize("entries", [[removed("b"), entry("b", "B2", "a")], [entry("b", "B2", "a"), removed("b")]])
def test_a_folder_that_is_changed_and_removed_is_asked_for_whatever_the_order(entries: list[dict[str, t.Any]]) -> None:
    assert names_after(BASE, round_of(*entries), Answer(200, entry("b", "B3", "a"))) == {"a": "A", "b": "B3"}
    assert names_after(BASE, round_of(*entries), NOT_FOUND) == {"a": "A"}


def test_an_unknown_folder_that_is_named_in_part_is_asked_for() -> None:
    assert names_after(BASE, round_of(entry("n", isHidden=False)), Answer(200, entry("n", "N", None)))["n"] == "N"


def test_an_unknown_folder_that_is_gone_before_it_can_be_asked_for_is_left_out() -> None:
    assert names_after(BASE, round_of(entry("n", isHidden=False)), NOT_FOUND) == {"a": "A", "b": "B"}


def test_a_refusal_ends_the_source() -> None:
    with pytest.raises(GraphError):
        names_after(BASE, round_of(entry("n", isHidden=False)), refusal(403, "ErrorAccessDenied"))


def test_a_lost_cursor_lists_all_folders_anew_and_keeps_their_numbers_and_cursors() -> None:
    state = state_of(BASE)
    scene = Scene(refusal(410, "SyncStateNotFound"), round_of(entry("b", "B", None), entry("n", "N", "b")))
    found = read_folders(scene.client, UserId("u"), state)
    assert {key: folder.path for key, folder in found.folders.items()} == {"b": ("B",), "n": ("B", "N")}
    assert found.folders["b"].number == state.folders["b"].number
    assert (found.folders["n"].number, found.next_folder) == (1000, 1001)
    assert found.cursor is not None
    assert found.cursor.endswith("=2")


SEARCH_FOLDER = {"id": "s", "displayName": "Unread", "parentFolderId": None, "@odata.type": "#microsoft.graph.mailSearchFolder"}


def test_folders_that_are_left_out_are_named_with_all_below() -> None:
    answer = round_of(entry("out", "Outbox"), entry("o2", "Below", "out"), SEARCH_FOLDER)
    found = read_folders(Scene(answer).client, UserId("u"), state_of(BASE))
    assert found.left_out == ("Below", "Outbox", "Unread")
    assert found.folders.keys() == {"a", "b"}
