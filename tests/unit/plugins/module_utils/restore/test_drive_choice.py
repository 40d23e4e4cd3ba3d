# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Choosing files of a drive: in order, with what belongs to them, and with answers that help where nothing fits."""

from __future__ import annotations

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import InputError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.item_filter import ItemFilter
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.layout import MAIL, ONEDRIVE, SETTINGS, TASKS
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.errors import RepositoryDamaged
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import Node, TreeId
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.choice import Choice, choose, chosen_items
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.drive_files import OpenDirectories
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.drive_folders import chosen_drive_folders
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.snapshot_choice import choose_snapshot
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.source_choice import SOURCES, choose_sources
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.stored_drive import ROOT, StoredDrive
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.stored_group import stored_group
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import Place


@pytest.fixture(scope="module")
def drive() -> StoredDrive:
    made = StoredDrive()
    for number in range(30):
        made.folder(f"top{number}", ROOT, f"Top {number:02}")
    made.folder("docs", ROOT, "Documents", grants=b"[]", modified="2020-01-02T03:04:05Z")
    made.folder("empty", "docs", "Empty")
    made.folder("year", "docs", "2026")
    made.put("b", "year", "b.txt", b"b", versions={"1.0": b"b1", "2.0": b"b2"}, grants=b"[]")
    made.put("a", "year", "a.txt", b"a")
    made.put("z", ROOT, "z.txt", b"z")
    made.put("link", "docs", "Shared with me", b'{"remoteItem": {}}', facts={"kind": "shortcut"})
    made.put("c", "docs", "c.txt", b"c")
    made.back_up()
    return made


def chosen(drive: StoredDrive, folder: str | None = None) -> Choice:
    repository = drive.place.reopen()
    return choose(repository, choose_snapshot(repository, "sales", "latest"), "anna", ONEDRIVE, folder)


def test_files_come_folder_by_folder_from_the_top_each_with_its_place(drive: StoredDrive) -> None:
    items = list(chosen_items(drive.place.reopen(), chosen(drive), ItemFilter(), []))
    assert [item.path for item in items] == [
        ("z.txt",),
        ("Documents", "Shared with me"),
        ("Documents", "c.txt"),
        ("Documents", "2026", "a.txt"),
        ("Documents", "2026", "b.txt"),
    ]
    assert [item.folder for item in items] == [item.path[:-1] for item in items]


def test_versions_come_oldest_first_and_permissions_with_them(drive: StoredDrive) -> None:
    repository = drive.place.reopen()
    (item,) = list(chosen_items(repository, chosen(drive, "documents/2026"), ItemFilter(subject="B.TXT"), []))
    parts = [(part.facts["kind"], b"".join(repository.read_file(part.node))) for part in item.parts]
    assert parts == [("version", b"b1"), ("version", b"b2"), ("permissions", b"[]")]


def test_folders_come_from_the_top_without_the_top_itself(drive: StoredDrive) -> None:
    repository = drive.place.reopen()
    folders = list(chosen_drive_folders(repository, chosen(drive, "Documents"), lambda name, _error: pytest.fail(name)))
    assert [folder.names for folder in folders] == [("Documents",), ("Documents", "2026"), ("Documents", "Empty")]
    assert (folders[0].record["modified"], folders[0].permissions is None, folders[1].permissions) == ("2020-01-02T03:04:05Z", False, None)
    assert len(list(chosen_drive_folders(repository, chosen(drive), lambda name, _error: pytest.fail(name)))) == len(drive.folders)


@pytest.mark.parametrize(
    ("wanted", "hint"),
    [
        ("Documents/2027", "In Documents it has Documents/2026, Documents/Empty."),
        ("documents/2026/deep/deeper", "In documents/2026 it has none."),
        ("Dokumente", "At the top it has Documents, Top 00, "),
    ],
)
def test_an_unknown_folder_among_many_is_answered_with_those_beside_it(drive: StoredDrive, wanted: str, hint: str) -> None:
    with pytest.raises(InputError) as refused:
        chosen(drive, wanted)
    assert refused.value.hint.startswith(hint)
    assert len(refused.value.hint) < 300
    if wanted == "Dokumente":
        assert refused.value.hint.endswith("Top 18, and 11 more.")


class Trees:
    """Counts how often each directory is read; some cannot be."""

    def __init__(self, trees: dict[str, list[str]], lost: str = "") -> None:
        self.trees = trees
        self.lost = lost
        self.read: list[str] = []

    def read_tree(self, tree: TreeId) -> tuple[Node, ...]:
        from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.layout import META_TIME

        self.read.append(tree)
        if tree == self.lost:
            raise RepositoryDamaged(f"tree {tree}", "is lost")
        return tuple(Node.directory(name, META_TIME, TreeId(f"{tree}/{name}")) for name in self.trees.get(tree, []))


def test_directories_that_are_asked_for_in_order_are_read_once() -> None:
    trees = Trees({"t": ["a", "b"], "t/a": ["x", "y"], "t/b": ["z"]})
    directories = OpenDirectories(trees, TreeId("t"))
    for path in ((), ("a",), ("a", "x"), ("a", "y"), ("b",), ("b", "z"), ("b", "z")):
        directories.at(path)
    assert trees.read == ["t", "t/a", "t/a/x", "t/a/y", "t/b", "t/b/z"]
    assert directories.at(("c", "d")) == {}


def test_a_lost_directory_is_read_once_and_refuses_all_below_it() -> None:
    trees = Trees({"t": ["a", "b"], "t/a": ["x"]}, lost="t/a")
    directories = OpenDirectories(trees, TreeId("t"))
    for path in (("a",), ("a", "x"), ("a", "x", "deep")):
        with pytest.raises(RepositoryDamaged):
            directories.at(path)
    assert directories.at(("b",)) == {}
    assert trees.read == ["t", "t/a", "t/b"]


# Which sources


def sources(place: Place, *named: str, member: str = "anna", is_mailbox: bool = False) -> list[str]:
    repository = place.reopen()
    snapshot = choose_snapshot(repository, "sales", "latest")
    return [
        choice.source for choice in choose_sources(repository, snapshot, member, named, None, lambda _text: None, is_mailbox=is_mailbox)
    ]


def test_a_drive_is_what_a_plan_of_drives_has_of_a_member(drive: StoredDrive) -> None:
    assert sources(drive.place) == sources(drive.place, ONEDRIVE) == [ONEDRIVE]
    assert ONEDRIVE in SOURCES


@pytest.mark.parametrize("named", [(), (ONEDRIVE,), (MAIL, ONEDRIVE)])
def test_files_do_not_go_into_a_mailbox(drive: StoredDrive, named: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match="cannot be restored into a mailbox") as refused:
        sources(drive.place, *named, is_mailbox=True)
    assert "target_drive" in refused.value.hint


def test_tasks_do_not_either() -> None:
    with pytest.raises(InputError, match="no application permission to write tasks"):
        sources(stored_group(), TASKS, is_mailbox=True)


def test_a_member_of_whom_nothing_was_read_has_nothing_to_restore() -> None:
    made = StoredDrive()
    made.back_up()
    nodes = made._nodes
    made._nodes = lambda writer: {  # type: ignore[method-assign]
        path: node for path, node in nodes(writer).items() if ONEDRIVE not in path
    }
    made.back_up()
    with pytest.raises(InputError, match=r"holds nothing of anna@x\.example"):
        sources(made.place)


def test_settings_are_restored_only_by_name() -> None:
    place = stored_group()
    assert sources(place, is_mailbox=True) == ["calendar", "contacts"]
    assert sources(place, SETTINGS, is_mailbox=True) == [SETTINGS]
