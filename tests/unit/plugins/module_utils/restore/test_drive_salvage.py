# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A drive of which something is lost: all other files come back under their names, and a drill notices."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.catalogue import FOLDERS, ITEMS, item_file
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.item_filter import ItemFilter
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.layout import META, ONEDRIVE
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.errors import RepositoryDamaged
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import Repository
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.trees import find_node, walk
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import BlobId, BlobKind, TreeId
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.choice import choose, chosen_items
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.drill import Drill, DrillTask, run_drill
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.drill_result import drill_result
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.drive_folders import chosen_drive_folders
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.results import RestoreResult
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.snapshot_choice import choose_snapshot
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.to_files_run import restore_to_files
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.stored_drive import ROOT, TOP, USER, StoredDrive
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.losses import Blob, in_memory, lose
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import Place
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.restore.said import nothing_said

FILES = 40


def backup() -> StoredDrive:
    """Two days; folders that look like directories of other sources; a catalogue of two files; names at the limit."""
    made = StoredDrive()
    made.folder("docs", ROOT, "Documents", grants=b"[]")
    made.folder("year", "docs", "2026")
    made.folder("meta", "year", META)
    made.folder("empty", "meta", "x.files")
    for number in range(FILES):
        made.put(f"n{number}", ("docs", "year", "meta", ROOT)[number % 4], f"file {number}.txt", f"content {number}".encode())
    made.put("long", "year", "l" * 255, b"long", versions={"1.0": b"older", "2.0": b"old"}, grants=b"[1]")
    made.put("zero", "docs", ".folder.json", b"")
    made.back_up()
    made.put("n0", "docs", "file 0.txt", b"changed")
    del made.files["n1"]
    made.back_up()
    return made


DRIVE = backup()


def copy_without(*lost: Blob) -> Place:
    place = Place(in_memory(DRIVE.place).copy(), DRIVE.place.repository, DRIVE.place.clock)
    lose(place, *lost)
    return place


def blob_at(path: tuple[str, ...]) -> Blob:
    repository = DRIVE.place.reopen()
    node = find_node(repository, choose_snapshot(repository, "sales", "latest").tree, (*TOP, *path))
    assert node is not None
    return (BlobKind.TREE, BlobId(node.subtree)) if node.subtree is not None else (BlobKind.DATA, node.content[0])


def needed_by_latest() -> list[Blob]:
    """All but a few of the many alike."""
    repository = DRIVE.place.reopen()
    tree = choose_snapshot(repository, "sales", "latest").tree
    nodes = [node for path, node in walk(repository, tree) if path[-1] not in {f"file {number}.txt" for number in range(8, FILES)}]
    trees = [BlobId(node.subtree) for node in nodes if node.subtree is not None]
    return [
        *((BlobKind.TREE, blob) for blob in dict.fromkeys((BlobId(tree), *trees))),
        *((BlobKind.DATA, blob) for blob in dict.fromkeys(blob for node in nodes for blob in node.content)),
    ]


def files_that_open(repository: Repository, tree: TreeId, path: str = "") -> dict[str, bytes]:
    """Every file that can be reached through directories that open, below the top of the drive."""
    found = {}
    try:
        nodes = repository.read_tree(tree)
    except RepositoryDamaged:
        return found
    for node in nodes:
        if node.subtree is not None and (path, node.name) != ("", META):
            found |= files_that_open(repository, node.subtree, f"{path}{node.name}/")
        elif node.subtree is None:
            try:
                found[f"{path}{node.name}"] = b"".join(repository.read_file(node))
            except RepositoryDamaged:
                continue
    return found


def restored(repository: Repository, target: Path, wanted: ItemFilter | None = None) -> RestoreResult:
    choice = choose(repository, choose_snapshot(repository, "sales", "latest"), USER, ONEDRIVE, None)
    return restore_to_files(repository, [choice], wanted or ItemFilter(), target, sifter=nothing_said())


def listing(target: Path) -> dict[str, bytes]:
    top = target / USER / ONEDRIVE
    return {path.relative_to(top).as_posix(): path.read_bytes() for path in top.rglob("*") if path.is_file()}


@pytest.mark.parametrize("lost", needed_by_latest())
def test_whatever_is_lost_all_other_files_come_back_and_the_missing_ones_are_named(lost: Blob, tmp_path: Path) -> None:
    repository = copy_without(lost).reopen()
    try:
        node = find_node(repository, choose_snapshot(repository, "sales", "latest").tree, TOP)
        expected = {} if node is None or node.subtree is None else files_that_open(repository, node.subtree)
        result = restored(repository, tmp_path)
    except RepositoryDamaged:
        assert lost[0] is BlobKind.TREE
        return
    assert listing(tmp_path) == expected
    assert result.restored == len(expected)
    # Of a drive that is lost as a whole not even names are known.
    assert len(result.findings) >= (len(DRIVE.files) - len(expected) if expected else 1)


def test_what_the_readable_part_of_a_catalogue_says_still_chooses_files(tmp_path: Path) -> None:
    repository = copy_without(blob_at((*ITEMS, *item_file(0)))).reopen()
    choice = choose(repository, choose_snapshot(repository, "sales", "latest"), USER, ONEDRIVE, None)
    ids = {item.record["id"] for item in chosen_items(repository, choice, ItemFilter(), [])}
    assert {"n0", "long", "zero"} <= ids
    assert len(ids) == len(DRIVE.files)


def test_permissions_that_are_lost_are_told_of_and_the_folder_is_there_all_the_same() -> None:
    whole = DRIVE.place.reopen()
    choice = choose(whole, choose_snapshot(whole, "sales", "latest"), USER, ONEDRIVE, None)
    (docs,) = [each for each in chosen_drive_folders(whole, choice, lambda _name, _error: None) if each.permissions is not None]
    assert docs.names == ("Documents",)
    repository = copy_without(blob_at(tuple(docs.record["permissions"].split("/")[:-1]))).reopen()
    choice = choose(repository, choose_snapshot(repository, "sales", "latest"), USER, ONEDRIVE, None)
    told: list[str] = []
    folders = list(chosen_drive_folders(repository, choice, lambda name, _error: told.append(name)))
    assert [each.names[-1] for each in folders] == ["Documents", "2026", META, "x.files"]
    assert told == ["permissions of the folder Documents"]


# Drills


def drilled(place: Place, folder: Path, *, is_check: bool = False) -> Drill:
    task = DrillTask(
        plan_name="sales", members=1, items=100, seed=1, folder=folder, wants_repair=False, lock_timeout=0.0, is_check=is_check
    )
    return run_drill(place.reopen(), task)


@pytest.mark.parametrize("is_check", [False, True])
def test_a_drill_of_a_sound_drive_passes_and_leaves_nothing_behind(tmp_path: Path, is_check: bool) -> None:
    drill = drilled(DRIVE.place, tmp_path, is_check=is_check)
    assert drill.is_passed
    (one,) = drill.members
    assert (one.items, len(one.sampled)) == ({ONEDRIVE: len(DRIVE.files)}, len(DRIVE.files))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", [("Documents", "2026", "file 5.txt"), ("Documents", "2026", "l" * 255), ("file 3.txt",)])
def test_a_drill_names_the_file_that_suffers(path: tuple[str, ...], tmp_path: Path) -> None:
    drill = drilled(copy_without(blob_at(path)), tmp_path)
    (problem,) = [one for one in drill.members[0].sampled if one.problem]
    assert (problem.folder, problem.subject) == ("/".join(path[:-1]), path[-1])
    sentence = drill_result(drill, "/srv/backup", opened_with="passphrase", is_check=False)["msg"]
    assert f'the file "{path[-1]}"' in sentence
    assert "last changed 2026-05-17 08:12:05 UTC" in sentence


def test_a_drill_notices_a_version_that_is_lost(tmp_path: Path) -> None:
    whole = DRIVE.place.reopen()
    choice = choose(whole, choose_snapshot(whole, "sales", "latest"), USER, ONEDRIVE, None)
    (item,) = list(chosen_items(whole, choice, ItemFilter(subject="lll"), []))
    facts = [part.facts for part in item.parts]
    assert [(each["kind"], each.get("id")) for each in facts] == [("version", "1.0"), ("version", "2.0"), ("permissions", None)]
    place = copy_without((BlobKind.DATA, item.parts[1].node.content[0]))
    assert [one.subject for one in drilled(place, tmp_path).members[0].sampled if one.problem] == ["l" * 255]
    assert listing_of_restore(place, tmp_path / "target") == DRIVE.files.keys()


def listing_of_restore(place: Place, target: Path) -> set[str]:
    """The ids of the files whose contents a restore has put there."""
    restored(place.reopen(), target)
    contents = set(listing(target).values())
    return {key for key, file in DRIVE.files.items() if file.content in contents}


def test_a_drill_notices_folders_and_files_that_are_not_there(tmp_path: Path) -> None:
    made = backup()
    made.folder("gone", ROOT, "Gone")
    made.put("ghost", "docs", "ghost.txt", b"ghost")
    nodes = made._nodes
    made._nodes = lambda writer: {  # type: ignore[method-assign]
        path: node for path, node in nodes(writer).items() if path[-1] not in ("Gone", "ghost.txt")
    }
    made.back_up()
    problems = [problem for _source, problem in drilled(made.place, tmp_path).members[0].problems]
    assert problems == [
        f"the directories hold {len(made.files) - 1} files, and the catalogue names {len(made.files)}",
        "there are 4 folders, and the catalogue names 5",
    ]


def test_folders_that_are_lost_hide_no_file(tmp_path: Path) -> None:
    repository = copy_without(blob_at((*FOLDERS, "items", *item_file(0)))).reopen()
    result = restored(repository, tmp_path)
    assert len(listing(tmp_path)) == result.restored == len(DRIVE.files)
    assert (tmp_path / USER / ONEDRIVE / "Documents" / "2026" / META / "x.files").is_dir()
    assert result.findings
