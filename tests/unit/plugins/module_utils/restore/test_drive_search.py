# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finding files in many restore points of a drive, whatever its folders were called in each of them."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.catalogue import FOLDERS, item_file
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.item_filter import ItemFilter
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.layout import ONEDRIVE
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.restore_points import plan_snapshots
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.trees import find_node
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import BlobKind, Node
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.choice import choose, chosen_items, is_below
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.item_search import Search, search
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.search_result import search_result
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.stored_drive import ROOT, TOP, StoredDrive
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.losses import lose
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.restore.wishes import WISH as EVERYTHING

WISH = dataclasses.replace(EVERYTHING, sources=(ONEDRIVE,))


def found(drive: StoredDrive, **fields: t.Any) -> Search:
    return search(drive.place.reopen(), dataclasses.replace(WISH, **fields))


def seen_one_by_one(drive: StoredDrive, folder: str = "") -> dict[str, dict[str, set[int]]]:
    """Every file with the paths that it has, and the restore points in which it has each, found in each by itself."""
    repository = drive.place.reopen()
    seen: dict[str, dict[str, set[int]]] = {}
    for place, snapshot in enumerate(plan_snapshots(repository, "sales")):
        for item in chosen_items(repository, choose(repository, snapshot, "anna", ONEDRIVE, None), ItemFilter(), []):
            if is_below(item.folder, folder):
                path = "/".join((*item.folder, item.record["subject"]))
                seen.setdefault(item.record["id"], {}).setdefault(path, set()).add(place)
    return seen


def seen_at_once(result: Search) -> dict[str, dict[str, set[int]]]:
    seen: dict[str, dict[str, set[int]]] = {}
    for item in result.items:
        for state in item.states:
            seen.setdefault(item.record["id"], {}).setdefault("/".join((*state.folder, state.facts["subject"])), set()).update(
                state.snapshots
            )
        assert set(item.snapshots) == {place for state in item.states for place in state.snapshots}
    return seen


Day = list[tuple[str, int, int]]
CHANGES = st.lists(st.tuples(st.sampled_from("ARMNDPF"), st.integers(0, 5), st.integers(0, 5)), max_size=6)


def live_through(days: list[Day]) -> StoredDrive:
    """Folders a and b at the top, c in a; then every change of every day that is possible."""
    drive = StoredDrive()
    for key, parent in (("a", ROOT), ("b", ROOT), ("c", "a")):
        drive.folder(key, parent, f"folder {key}")
    drive.put("f", "c", "first.txt", b"1")
    drive.back_up()
    for number, day in enumerate(days):
        for kind, one, other in day:
            change(drive, kind, one, other, number)
        drive.back_up()
    return drive


def change(drive: StoredDrive, kind: str, one: int, other: int, number: int) -> None:
    folders = [ROOT, *sorted(drive.folders)]
    folder, target = folders[one % len(folders)], folders[other % len(folders)]
    file = sorted(drive.files)[one % len(drive.files)] if drive.files else None
    if kind == "A" and f"n{number}{one}{other}" not in drive.folders:
        drive.folder(f"n{number}{one}{other}", folder, f"new {number}{one}{other}")
    elif kind == "P":
        drive.put(f"p{number}{one}{other}", folder, f"put {number}{one}{other}", bytes([one, other]))
    elif kind == "R" and folder != ROOT:
        drive.folders[folder].name = f"renamed {number}{one}{other}"
    elif kind == "M" and folder != ROOT and folder not in above(drive, target):
        drive.folders[folder].parent = target
    elif kind == "N" and file is not None:
        drive.files[file].name = f"named {number}{one}{other}"
        drive.files[file].folder = target
    elif kind == "D" and folder != ROOT:
        gone = [key for key in drive.folders if folder in above(drive, key)]
        drive.files = {key: file for key, file in drive.files.items() if file.folder not in gone}
        drive.folders = {key: each for key, each in drive.folders.items() if key not in gone}
    elif kind == "F" and file is not None:
        del drive.files[file]


def above(drive: StoredDrive, folder: str) -> set[str]:
    """A folder and all above it."""
    return {folder} if folder == ROOT else {folder, *above(drive, drive.folders[folder].parent)}


@settings(max_examples=40, deadline=None)
@given(st.lists(CHANGES, min_size=1, max_size=6))
def test_one_search_finds_what_looking_at_every_restore_point_finds(days: list[Day]) -> None:
    drive = live_through(days)
    assert seen_at_once(found(drive)) == seen_one_by_one(drive)
    for folder in ("folder a", "folder a/folder c"):
        assert seen_at_once(found(drive, folder=folder)) == seen_one_by_one(drive, folder)


def renamed_drive() -> StoredDrive:
    """A report that changes on the second day; its folder is renamed on the third, and it goes on the fourth."""
    drive = StoredDrive()
    drive.folder("docs", ROOT, "Documents")
    drive.folder("deep", "docs", "Deep")
    drive.put("report", "deep", "report.docx", b"one", modified="2026-01-01T00:00:00Z", author="Ben")
    drive.put("other", ROOT, "other.txt", b"other")
    drive.back_up()
    drive.put("report", "deep", "report.docx", b"longer", modified="2026-01-02T00:00:00Z")
    drive.back_up()
    drive.folders["docs"].name = "Papers"
    drive.back_up()
    del drive.files["report"]
    drive.back_up()
    return drive


def test_a_file_tells_what_it_was_like_when_and_where() -> None:
    drive = renamed_drive()
    document = search_result(found(drive, item_filter=ItemFilter(subject="REPORT")), "sales")
    (item,) = document["matches"]
    snapshots = [snapshot.id for snapshot in plan_snapshots(drive.place.reopen(), "sales")]
    assert (item["folder"], item["subject"], item["size"], item["snapshots"]) == ("Papers/Deep", "report.docx", 6, snapshots[:3])
    states = [
        (state["path"], state["size"], state["modified"], state["modified_by"], state["first_snapshot"]["id"], state["last_snapshot"]["id"])
        for state in item["states"]
    ]
    assert states == [
        ("Documents/Deep/report.docx", 3, "2026-01-01T00:00:00Z", "Ben", snapshots[0], snapshots[0]),
        ("Documents/Deep/report.docx", 6, "2026-01-02T00:00:00Z", "Anna Meier", snapshots[1], snapshots[1]),
        ("Papers/Deep/report.docx", 6, "2026-01-02T00:00:00Z", "Anna Meier", snapshots[2], snapshots[2]),
    ]
    assert (item["sender"], document["item_count"], document["finding_count"]) == ("Anna Meier", 1, 0)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"folder": "documents"}, {"report": (0, 1)}),
        ({"folder": "Papers/Deep"}, {"report": (2,)}),
        ({"snapshots": ("latest",)}, {"other": (0,)}),
        ({"item_filter": ItemFilter(sender="ben")}, {"report": (0,)}),
        ({"item_filter": ItemFilter(ids=frozenset({"report"}))}, {"report": (0, 1, 2)}),
    ],
)
def test_only_what_is_asked_for(fields: dict[str, t.Any], expected: dict[str, tuple[int, ...]]) -> None:
    assert {item.record["id"]: item.snapshots for item in found(renamed_drive(), **fields).items} == expected


def test_a_drive_whose_folders_never_change_has_them_read_once() -> None:
    drive = StoredDrive()
    for number in range(40):
        drive.folder(f"f{number}", ROOT, f"folder {number}")
    for day in range(5):
        drive.put(f"x{day}", "f1", f"day {day}", b"x")
        drive.back_up()
    repository = drive.place.reopen()
    newest = plan_snapshots(repository, "sales")[-1]
    logs = [find_node(repository, newest.tree, (*TOP, *FOLDERS, "items", *item_file(number))) for number in range(2)]
    read: list[Node] = []
    plain = repository.read_file
    repository.read_file = lambda node: (read.append(node), plain(node))[1]  # type: ignore[method-assign]
    search(repository, WISH)
    assert [read.count(node) for node in logs if node is not None] == [1, 1]


def test_restore_points_whose_folders_are_lost_are_looked_at_by_their_directories() -> None:
    drive = renamed_drive()
    repository = drive.place.reopen()
    third = plan_snapshots(repository, "sales")[2]
    node = find_node(repository, third.tree, (*TOP, *FOLDERS, "items", *item_file(0)))
    assert node is not None
    lose(drive.place, (BlobKind.DATA, node.content[0]))
    paths: dict[str, set[int]] = {}
    result = found(drive)
    for item in result.items:
        for state in item.states:
            paths.setdefault("/".join((*state.folder, state.facts["subject"])), set()).update(state.snapshots)
    assert paths == {"Documents/Deep/report.docx": {0, 1}, "Papers/Deep/report.docx": {2}, "other.txt": {0, 1, 2, 3}}
    assert result.findings
