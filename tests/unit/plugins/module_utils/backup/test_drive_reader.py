# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run does with single files and folders of a drive, and with what a service does to it."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup import compaction
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.drive_answers import permissions_path
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.drive_reader import read_from
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.drive_state import load_drive_facts, load_drive_state
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.results import FindingKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.delta import Changed, Page
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.drive_errors import FileLocked, MalwareBlocked
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.errors import NotFound, RequestRefused, ServiceUnavailable
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.tree_json import encode_tree
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import TreeId
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.writer import Writer
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.drive_backup import NOW, DriveBackup
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.drive_world import ROOT, DriveWorld
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.support import writing


class Killed(Exception):
    """The process is gone."""


@pytest.fixture
def writer() -> t.Iterator[Writer]:
    with writing() as one:
        yield one


@pytest.fixture
def world() -> DriveWorld:
    world = DriveWorld()
    world.repeats = 0
    return world


def test_a_renamed_and_moved_folder_fetches_nothing_and_costs_one_line(writer: Writer, world: DriveWorld) -> None:
    old, new = world.make("old"), world.make("new")
    for number in range(100):
        world.make(f"{number}.txt", world.make(f"sub {number}", old), b"%d" % number)
    backup = DriveBackup(writer, world)
    backup.run()
    assert backup.tree is not None
    before = load_drive_facts(writer, backup.tree)
    world.place(old, name="renamed", parent=new)
    read = backup.run()
    backup.check()
    assert backup.tree is not None
    after = load_drive_facts(writer, backup.tree)
    assert (world.fetched, world.requests["item"], read.counts.moved) == ([], 0, 0)
    assert (after.lines, after.folder_lines) == (before.lines, before.folder_lines + 1)


def test_the_top_of_a_drive_is_written_once_in_a_run_however_much_lies_there(writer: Writer, world: DriveWorld) -> None:
    folder, _files = world.make("Documents"), [world.make(f"{number}.txt", ROOT, b"%d" % number) for number in range(300)]
    backup = DriveBackup(writer, world)
    backup.run()
    assert backup.tree is not None
    top, before = len(encode_tree(writer.read_tree(backup.tree))), writer.stats
    world.place(folder, name="Papers")
    backup.run()
    backup.check()
    assert top < writer.stats.tree_bytes - before.tree_bytes < 1.2 * top


def test_two_files_that_swap_their_names_keep_their_contents_without_a_fetch(writer: Writer, world: DriveWorld) -> None:
    one, _other = world.make("a", ROOT, b"one"), world.make("b", ROOT, b"other")
    backup = DriveBackup(writer, world)
    backup.run()
    world.place(one, name="b")
    backup.run()
    assert (backup.files(), world.fetched) == ({"/b": b"one", "/a": b"other"}, [])


def test_a_name_that_differs_only_in_case_is_another_name(writer: Writer, world: DriveWorld) -> None:
    one = world.make("Plan.txt", ROOT, b"plan")
    backup = DriveBackup(writer, world)
    backup.run()
    world.place(one, name="PLAN.txt")
    backup.run()
    assert backup.files() == {"/PLAN.txt": b"plan"}


def test_names_that_linux_has_no_room_for_are_replaced_and_the_true_ones_kept(writer: Writer, world: DriveWorld) -> None:
    names = {world.make(name, ROOT, b"x"): name for name in ("ü" * 200 + ".docx", "..", ".m365", "plain", "a/b", "\ud800")}
    backup = DriveBackup(writer, world)
    backup.run()
    assert {key: record["subject"] for key, record in backup.records().items()} == names
    stored = {record["subject"]: record["file"] for record in backup.records().values()}
    assert stored["plain"] == "plain"
    assert stored["ü" * 200 + ".docx"].endswith(".docx")
    assert all(len(file.encode()) <= 255 for file in stored.values())
    assert set(backup.files()) == {f"/{file}" for file in stored.values()}


def test_a_folder_in_which_nothing_is_left_stays_as_an_empty_folder(writer: Writer, world: DriveWorld) -> None:
    file = world.make("a.txt", world.make("Documents"), b"a")
    backup = DriveBackup(writer, world)
    backup.run()
    world.drop(file)
    backup.run()
    backup.check()
    assert backup.folders() == {"/Documents"}


@pytest.mark.parametrize("tells_below", [True, False])
def test_what_left_a_folder_before_it_was_deleted_stays(writer: Writer, world: DriveWorld, tells_below: bool) -> None:
    world.tells_below = tells_below
    folder = world.make("gone")
    inner = world.make("inner", folder)
    file, kept = world.make("lost.txt", inner, b"lost"), world.make("kept.txt", inner, b"kept")
    backup = DriveBackup(writer, world)
    backup.run()
    world.place(kept, parent=ROOT)
    world.drop(folder)
    read = backup.run()
    backup.check()
    assert file not in backup.records()
    assert (world.fetched, read.counts.removed, read.counts.moved) == ([], 1, 1)


def test_a_folder_that_nobody_named_is_asked_for(writer: Writer, world: DriveWorld) -> None:
    backup = DriveBackup(writer, world)
    backup.run()
    folder = world.make("quiet")
    backup.world._journal.clear()
    world.make("a.txt", folder, b"a")
    world._ancestors = lambda item_id: []  # type: ignore[method-assign]
    backup.run()
    backup.check()
    assert world.requests["item"] == 1


def test_a_file_whose_folder_does_not_exist_is_asked_for_again(writer: Writer, world: DriveWorld) -> None:
    backup = DriveBackup(writer, world)
    world.make("here.txt", ROOT, b"here")
    backup.run()
    orphan = world.make("a.txt", "no such folder", b"a")
    world._ancestors = lambda item_id: []  # type: ignore[method-assign]
    backup.run()
    assert (set(backup.files()), backup.retries()) == ({"/here.txt"}, {orphan})
    world.things[orphan].parent = ROOT
    backup.run()
    backup.check()
    assert backup.retries() == set()


def test_an_item_that_is_missing_in_the_middle_of_a_listing_starts_it_over_without_fetching_twice(
    writer: Writer, world: DriveWorld
) -> None:
    for number in range(40):
        world.make(f"{number}", ROOT, b"%d" % number)
    backup = DriveBackup(writer, world)
    told = world.delta

    def breaks_once(cursor: t.Any, *, permissions: bool) -> t.Iterator[t.Any]:
        for number, page in enumerate(told(cursor, permissions=permissions)):
            if number == 3 and not world.requests["broken"]:
                world.requests["broken"] += 1
                raise NotFound("itemNotFound")
            yield page

    world.delta = breaks_once  # type: ignore[method-assign]
    backup.run()
    backup.check()
    assert sorted(world.fetched) == sorted(world.things)


def test_a_file_that_fails_keeps_its_old_content_and_is_tried_again(writer: Writer, world: DriveWorld) -> None:
    file, new = world.make("a.txt", ROOT, b"old"), "new"
    backup = DriveBackup(writer, world)
    backup.run()
    world.write(file, b"new content")
    world.place(file, name="b.txt")
    new = world.make("c.txt", ROOT, b"c")
    world.sick = {file: ServiceUnavailable("busy", code="serviceNotAvailable"), new: RequestRefused("no")}
    read = backup.run()
    assert {(finding.object, finding.kind) for finding in read.findings} == {
        ("file b.txt", FindingKind.FAILED),
        ("file c.txt", FindingKind.FAILED),
    }
    assert (backup.files(), backup.retries()) == ({"/b.txt": b"old"}, {file, new})
    tree = backup.tree
    assert backup.run().tree == tree
    world.sick.clear()
    assert not backup.run().findings
    backup.check()
    assert backup.retries() == set()


@pytest.mark.parametrize(
    ("name", "error", "code"),
    [
        ("a.exe", MalwareBlocked("bad"), "malware"),
        ("a.xlsx", FileLocked("checked out"), "locked"),
        ("a.one", ServiceUnavailable("never"), "notebook_part"),
    ],
)
def test_what_the_service_never_delivers_is_skipped_by_name(writer: Writer, world: DriveWorld, name: str, error: t.Any, code: str) -> None:
    file = world.make(name, world.make("Documents"), b"x")
    world.make("fine.txt", ROOT, b"fine")
    world.sick = {file: error}
    backup = DriveBackup(writer, world)
    read = backup.run()
    assert [(found.kind, found.object, found.code) for found in read.findings] == [(FindingKind.SKIPPED, f"file Documents/{name}", code)]
    assert (set(backup.files()), backup.retries()) == ({"/fine.txt"}, {file})


def test_a_file_that_is_known_to_be_malware_is_not_asked_for_and_no_change_is_foreseen(writer: Writer, world: DriveWorld) -> None:
    file = world.make("bad.exe", ROOT, b"x", malware={"description": "EICAR"})
    backup = DriveBackup(writer, world)
    assert [found.code for found in backup.run().findings] == ["malware"]
    assert not backup.preview().is_changed
    tree = backup.tree
    assert (backup.run().tree, world.fetched, backup.retries()) == (tree, [], {file})


def test_sizes_and_hashes_that_disagree_are_recorded_after_a_second_try(writer: Writer, world: DriveWorld) -> None:
    stated = {"size": 99, "file": {"hashes": {"quickXorHash": "aCgDG9jwBhDc4Q1yawMZAAAAAAA="}}}
    file = world.make("a.docx", ROOT, b"content", **stated)
    bare = world.make("b.docx", ROOT, b"other", file={})
    backup = DriveBackup(writer, world)
    assert not backup.run().findings
    record = backup.records()[file]
    assert (record["size"], record["stated_size"], record["hash"]) == (7, 99, "aCgDG9jwBhDc4Q1yawMZAAAAAAA=")
    assert record["own_hash"] not in ("", record["hash"])
    assert "hash" not in backup.records()[bare]
    assert world.fetched.count(file) == 2
    assert world.fetched.count(bare) == 1
    backup.run()
    assert world.fetched == []
    world.touch(file)
    backup.run()
    assert set(world.fetched) == {file}


def test_a_shortcut_is_stored_as_what_it_says_and_never_followed(writer: Writer, world: DriveWorld) -> None:
    target = {"id": "01X", "name": "Team", "folder": {}, "parentReference": {"driveId": "b!other"}}
    shortcut = world.make("Team", ROOT, b"", remoteItem=target)
    backup = DriveBackup(writer, world)
    backup.run()
    assert json.loads(backup.files()["/Team"]) == {"name": "Team", "remoteItem": target}
    assert (backup.records()[shortcut]["kind"], world.fetched) == ("shortcut", [])


def test_a_notebook_is_a_folder_of_its_own_kind(writer: Writer, world: DriveWorld) -> None:
    notebook = world.make("Notes", package={"type": "oneNote"})
    part = world.make("Section.one", notebook, b"one", file={"mimeType": "application/msonenote"})
    backup = DriveBackup(writer, world)
    backup.run()
    backup.check()
    assert (backup.folder_records()[notebook]["kind"], backup.records()[part]["kind"]) == ("package", "notebook_part")


def test_earlier_versions_come_with_a_file_and_those_we_have_are_not_fetched_again(writer: Writer, world: DriveWorld) -> None:
    file = world.make("a.txt", ROOT, b"1")
    for content in (b"2", b"3", b"4"):
        world.write(file, content)
    backup = DriveBackup(writer, world, versions=2)
    backup.run()
    versions = backup.records()[file]["versions"]
    assert [(one["id"], backup.stored(one["file"])) for one in versions] == [("3.0", b"3"), ("2.0", b"2")]
    world.write(file, b"5")
    backup.run()
    assert (world.requests["version_content"], [one["id"] for one in backup.records()[file]["versions"]]) == (1, ["4.0", "3.0"])
    world.place(file, name="b.txt")
    backup.run()
    assert world.requests["versions"] == 0
    world.versions_fail = True
    world.write(file, b"6")
    assert [finding.object for finding in backup.run().findings] == ["earlier versions of file b.txt"]
    world.versions_fail = False
    backup.run()
    assert (world.requests["version_content"], backup.retries()) == (2, set())
    world.drop(file)
    backup.run()
    assert backup.tree is not None
    with pytest.raises(AssertionError):
        backup.stored(versions[0]["file"])


def test_asking_for_versions_later_reads_those_of_every_file_but_no_content(writer: Writer, world: DriveWorld) -> None:
    file = world.make("a.txt", ROOT, b"1")
    world.write(file, b"2")
    backup = DriveBackup(writer, world)
    backup.run()
    backup.options["versions"] = 1
    backup.run()
    assert (world.fetched, [one["id"] for one in backup.records()[file]["versions"]]) == ([], ["1.0"])
    backup.run()
    assert world.requests == {"delta": 1}


def test_permissions_are_asked_for_where_something_is_shared_and_nowhere_else(writer: Writer, world: DriveWorld) -> None:
    folder, file = world.make("Shared"), world.make("a.txt", ROOT, b"a")
    world.make("b.txt", folder, b"b")
    world.things[folder].grants = [{"id": "1", "roles": ["read"]}, {"id": "2", "inheritedFrom": {"id": ROOT}}]
    world.touch(folder, shared={"scope": "users"})
    backup = DriveBackup(writer, world, permissions=True)
    backup.run()
    record = backup.folder_records()[folder]
    assert (record["shared"], json.loads(backup.stored(record["permissions"]))) == ("users", [{"id": "1", "roles": ["read"]}])
    assert world.requests["permissions"] == 1
    world.write(file, b"a2")
    world.make("c.txt", folder, b"c")
    backup.run()
    assert world.requests["permissions"] == 0
    world.things[folder].grants = []
    world.touch(folder, **{"@microsoft.graph.sharedChanged": "True"})
    backup.run()
    assert json.loads(backup.stored("/".join(permissions_path(folder)))) == []
    del world.things[folder].facets["shared"]
    world.touch(folder)
    backup.run()
    assert "permissions" not in backup.folder_records()[folder]
    with pytest.raises(AssertionError):
        backup.stored("/".join(permissions_path(folder)))


def test_a_run_that_is_killed_fetches_nothing_twice(writer: Writer, world: DriveWorld) -> None:
    for number in range(8):
        world.make(f"{number}.bin", world.make(f"f{number}"), bytes([number]) * (4 << 20))
    offered: list[TreeId] = []

    def killed_at_the_second(tree: TreeId) -> None:
        offered.append(tree)
        if len(offered) == 2:
            raise Killed

    with pytest.raises(Killed):
        read_from(world, "drive", writer, None, now=NOW, offer=killed_at_the_second)
    backup = DriveBackup(writer, world)
    backup.tree = offered[-1]
    assert load_drive_state(writer, offered[-1]).folders == {}
    backup.run()
    backup.check()
    assert len(world.fetched) == 0


def test_a_drive_with_another_top_is_another_drive(writer: Writer, world: DriveWorld) -> None:
    backup = DriveBackup(writer, world)
    world.make("a.txt", ROOT, b"a")
    backup.run()
    before, world.is_tidy = backup.tree, True
    told = world.delta

    def elsewhere(cursor: t.Any, *, permissions: bool) -> t.Iterator[t.Any]:
        for page in told(cursor, permissions=permissions):
            yield Page((Changed("other", {"id": "other", "root": {}}), *page.entries[1:]), page.cursor)

    world.delta = elsewhere  # type: ignore[method-assign]
    with pytest.raises(Exception, match="another one than before"):
        backup.run()
    assert backup.tree == before


def test_catalogues_of_a_drive_that_changes_every_day_stay_within_twice_its_items(
    writer: Writer, world: DriveWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compaction, "SLACK", 4)
    folder = world.make("folder")
    file = world.make("a.txt", folder, b"a")
    backup = DriveBackup(writer, world)
    for number in range(12):
        world.place(folder, name=f"folder {number}")
        world.place(file, name=f"{number}.txt")
        backup.run()
        backup.check()
        assert backup.tree is not None
        facts = load_drive_facts(writer, backup.tree)
        assert (facts.lines <= 2 * facts.items + 4, facts.folder_lines <= 2 * facts.folders + 4) == (True, True)
