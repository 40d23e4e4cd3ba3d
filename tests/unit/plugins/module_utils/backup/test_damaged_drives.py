# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is lost of a drive is named as its owner knows it, and asked for again by the next run."""

from __future__ import annotations

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.catalogue import FOLDERS, ITEMS, item_file
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.damaged_items import DamagedItem, ItemKind, name_items
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.layout import META, short_hash
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.lost_items import find_wishes
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.affected import find_affected
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.check import STRUCTURE, examine
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.trees import find_node
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import BlobId, BlobKind, Path
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.stored_drive import ROOT, TOP, StoredDrive
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.losses import lose

WHO = "of Anna Meier (anna@x.example)"
CHANGED = "last changed 2026-05-17 08:12:05 UTC"
PLAN = f'the file "plan.xlsx" in Documents/2026 {WHO}, {CHANGED}'
OLD = (META, "versions", "0042", short_hash("plan", 16))
GRANTS = (META, "permissions", "0042")
ITEMS_OF_FOLDERS = (*FOLDERS, "items")


def drive() -> StoredDrive:
    """With names that mean something in other sources, and a folder whose stored name is not its true one."""
    made = StoredDrive()
    made.folder("docs", ROOT, "Documents", grants=b"[1]")
    made.folder("year", "docs", "2026")
    made.folder("long", ROOT, "true name", stored="stored name")
    made.folder("parts", "long", "a.files")
    made.put("plan", "year", "plan.xlsx", b"plan", versions={"1.0": b"first", "2.0": b"second"}, grants=b"[2]")
    made.put("top", ROOT, "rules.json", b"rules")
    made.put("state", "docs", ".folder.json", b"no state of ours")
    made.put("deep", "parts", "deep.txt", b"deep")
    made.back_up()
    return made


def named(made: StoredDrive, *lost: Path) -> list[DamagedItem]:
    repository = made.place.reopen()
    blobs = []
    for path in lost:
        node = find_node(repository, repository.snapshots()[-1].tree, (*TOP, *path) if path else TOP)
        assert node is not None
        blobs.append((BlobKind.TREE, BlobId(node.subtree)) if node.subtree is not None else (BlobKind.DATA, node.content[0]))
    lose(made.place, *blobs)
    examination = examine(made.place.reopen(), STRUCTURE)
    return name_items(examination.reader, find_affected(examination))


@pytest.mark.parametrize(
    ("path", "kind", "names"),
    [
        (("Documents", "2026", "plan.xlsx"), ItemKind.ITEM, [PLAN]),
        (("rules.json",), ItemKind.ITEM, [f'the file "rules.json" {WHO}, {CHANGED}']),
        (("Documents", ".folder.json"), ItemKind.ITEM, [f'the file ".folder.json" in Documents {WHO}, {CHANGED}']),
        (("stored name", "a.files", "deep.txt"), ItemKind.ITEM, [f'the file "deep.txt" in true name/a.files {WHO}, {CHANGED}']),
        (("Documents", "2026"), ItemKind.FOLDER, [f"the folder Documents/2026 {WHO}", PLAN]),
        (
            ("stored name",),
            ItemKind.FOLDER,
            [f"the folder true name {WHO}", f'the file "deep.txt" in true name/a.files {WHO}, {CHANGED}'],
        ),
        ((*OLD, "2.0"), ItemKind.ITEM, [f"version 2.0 of {PLAN}"]),
        (
            OLD[:2],
            ItemKind.FOLDER,
            [f"the directory of earlier versions in the OneDrive {WHO}", f"version 1.0 of {PLAN}", f"version 2.0 of {PLAN}"],
        ),
        ((*GRANTS, f"{short_hash('plan', 16)}.json"), ItemKind.ITEM, [f"the permissions of {PLAN}"]),
        ((*GRANTS, f"{short_hash('docs', 16)}.json"), ItemKind.ITEM, [f'the permissions of the folder "Documents" {WHO}']),
        ((META, "source.json"), ItemKind.STATE, [f"the state of the OneDrive {WHO}"]),
        (ITEMS, ItemKind.CATALOGUE, [f"the catalogue of the OneDrive {WHO}"]),
        (ITEMS_OF_FOLDERS, ItemKind.CATALOGUE, [f"the catalogue of the OneDrive {WHO}"]),
        ((META,), ItemKind.CATALOGUE, [f"the catalogue of the OneDrive {WHO}"]),
        ((), ItemKind.SOURCE, [f"the OneDrive {WHO}"]),
    ],
)
def test_whatever_is_lost_has_a_name(path: Path, kind: ItemKind, names: list[str]) -> None:
    items = named(drive(), path)
    assert [item.name for item in items] == names
    assert (items[0].kind, items[0].source, items[0].member_id) == (kind, "onedrive", "anna")


@pytest.mark.parametrize("log", [(*ITEMS, *item_file(0)), (*ITEMS_OF_FOLDERS, *item_file(0))])
def test_a_file_whose_record_is_lost_too_goes_by_its_path(log: Path) -> None:
    items = named(drive(), log, ("Documents", "2026", "plan.xlsx"), (*OLD, "1.0"))
    names = [item.name for item in items if item.kind is ItemKind.ITEM]
    assert f'the file "plan.xlsx" in Documents/2026 {WHO}' in names
    assert names[0].startswith("version 1.0 of the file ")


def test_of_a_file_that_was_renamed_the_last_name_counts() -> None:
    made = drive()
    made.files["plan"].name = "budget.xlsx"
    made.files["plan"].folder = "docs"
    made.back_up()
    items = named(made, ("Documents", "budget.xlsx"))
    now = [item.name for item in items if item.affected.path[-1] == "budget.xlsx"]
    then = [item.name for item in items if item.affected.path[-1] == "plan.xlsx"]
    assert (now, then) == ([f'the file "budget.xlsx" in Documents {WHO}, {CHANGED}'], [PLAN])


def test_lost_files_are_asked_for_one_by_one_and_lost_folders_with_the_whole_drive() -> None:
    made = drive()
    lost = (("rules.json",), (*OLD, "1.0"), (*GRANTS, f"{short_hash('docs', 16)}.json"))
    wishes = find_wishes(made.place.reopen(), named(made, *lost))["sales"]
    assert (wishes.items, wishes.afresh) == ({("anna", "onedrive"): {"top", "plan", "docs"}}, set())
    for path in (("Documents",), OLD[:2], ITEMS, (META, "source.json"), ITEMS_OF_FOLDERS, ()):
        made = drive()
        items = named(made, path)
        assert find_wishes(made.place.reopen(), items)["sales"].afresh == {("anna", "onedrive")}
