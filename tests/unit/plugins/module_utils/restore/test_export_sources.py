# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Calendars, contacts and settings become files, also when something of them is lost; what is lost is named."""

from __future__ import annotations

import base64
import email
import zipfile
from pathlib import Path

import pytest
import vobject

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.catalogue import ITEMS
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.item_filter import ItemFilter
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.layout import META, parts_path
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.errors import RepositoryDamaged
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import Repository
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.trees import find_node
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import BlobId, BlobKind, Node
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.choice import ChosenItem, choose
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.drill import DrillTask, run_drill
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.export_zip import fingerprint, write_zip
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.results import Restored, RestoreResult
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.to_files import write_files
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.to_files_run import restore_to_files
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.stored_group import (
    EVENT_FILE,
    PDF,
    PHOTO,
    snapshot_of,
    stored_group,
)
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.losses import lose
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import (
    NOON,
    MemoryStorage,
    Place,
    new_place,
)
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.restore.said import nothing_said
from tenant.fts import write_stream
from tenant.fts_mail import mime_to_mapi

SOURCES = ("calendar", "contacts", "settings")
TOP = ("Sales", "anna@x.example")
EVENT = "calendar/Kalender/2026-05-17 081205 Planung 01234567.ics"


def restored(place: Place, target: Path, file_format: str = "files", *, is_check: bool = False) -> RestoreResult:
    repository = place.reopen()
    choices = [choose(repository, snapshot_of(place), "anna", source, None) for source in SOURCES]
    return restore_to_files(repository, choices, ItemFilter(), target, file_format, sifter=nothing_said(), is_check=is_check)


def files(target: Path) -> dict[str, bytes]:
    root = target / "anna@x.example"
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def lost(*path: str) -> Place:
    place = stored_group()
    node = find_node(place.reopen(), snapshot_of(place).tree, (*TOP, *path))
    assert node is not None
    lose(place, (BlobKind.TREE, BlobId(node.subtree)) if node.subtree is not None else (BlobKind.DATA, node.content[0]))
    return place


def test_every_source_has_its_files_and_the_second_time_nothing_changes(tmp_path: Path) -> None:
    place = stored_group()
    foreseen = restored(place, tmp_path, is_check=True)
    first = restored(place, tmp_path)
    assert foreseen.as_dict() == first.as_dict()
    assert (first.restored, first.findings) == (3, [])
    there = files(tmp_path)
    assert sorted(name.partition("/")[0] for name in there) == list(SOURCES)
    assert base64.b64decode(vobject.readOne(there[EVENT].decode()).vevent.attach.value) == PDF
    (card,) = [content for name, content in there.items() if name.endswith(".vcf")]
    assert vobject.readOne(card.decode()).photo.value == PHOTO
    assert first.restored_bytes == sum(len(content) for content in there.values())
    second = restored(place, tmp_path)
    assert (second.restored, second.unchanged, files(tmp_path)) == (0, 3, there)


def test_the_zip_holds_the_same(tmp_path: Path) -> None:
    place = stored_group()
    restored(place, tmp_path / "files")
    assert restored(place, tmp_path / "zip", "zip").restored == 3
    assert restored(place, tmp_path / "zip", "zip").unchanged == 3
    with zipfile.ZipFile(tmp_path / "zip" / "anna@x.example.zip") as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == files(tmp_path / "files")


def test_an_attachment_that_is_lost_is_named_and_the_event_is_there_without_it(tmp_path: Path) -> None:
    place = lost("calendar", "Kalender", *parts_path(EVENT_FILE), "agenda.pdf")
    result = restored(place, tmp_path)
    assert [finding.object for finding in result.findings] == ["event Planung"]
    assert b"ATTACH" not in files(tmp_path)[EVENT]
    assert b"SUMMARY:Planung" in files(tmp_path)[EVENT]


@pytest.mark.parametrize("path", [("calendar", *ITEMS), ("calendar", META, "source.json")])
def test_without_its_records_a_calendar_is_the_same_told_from_its_directories(path: tuple[str, ...], tmp_path: Path) -> None:
    restored(stored_group(), tmp_path / "whole")
    result = restored(lost(*path), tmp_path / "salvaged")
    assert result.of("calendar").findings
    assert files(tmp_path / "salvaged") == files(tmp_path / "whole")


def test_without_their_records_settings_are_found_at_the_top(tmp_path: Path) -> None:
    restored(stored_group(), tmp_path / "whole")
    restored(lost("settings", META, "source.json"), tmp_path / "salvaged")
    rules = [{name.rpartition("/")[2]: content for name, content in files(tmp_path / each).items()} for each in ("whole", "salvaged")]
    assert rules[0]["rules.json"] == rules[1]["rules.json"]


def archived() -> tuple[Repository, ChosenItem]:
    """An item of an archive mailbox, as Exchange exports it."""
    place = new_place(MemoryStorage())
    stream = write_stream(mime_to_mapi(b"From: a@x.example\r\nSubject: Old numbers\r\n\r\nBody\r\n"))
    with place.repository.writing(hostname="backup1") as writer:
        node = Node.file("080000-0123456789abcdef.fts", NOON, writer.save_file([stream]))
    record = {"id": "A", "subject": "Old numbers", "received": "2019-02-11T10:11:12Z", "file": f"2019/02/11/{node.name}", "size": node.size}
    return place.reopen(), ChosenItem("archive", {**record, "folder": 0}, ("Inbox",), node)


def test_an_archived_item_lies_beside_a_message_that_people_can_open(tmp_path: Path) -> None:
    repository, item = archived()
    for outcome in (Restored.WRITTEN, Restored.UNCHANGED):
        written = list(write_files(repository, [item], tmp_path, on_damage, is_check=False))
        assert written == [(item, outcome, item.node.size)]
    stream, readable = sorted(tmp_path.rglob("*.*"), key=lambda path: path.suffix, reverse=True)
    assert stream.name == "2019-02-11 101112 Old numbers 01234567.fts"
    assert (stream.read_bytes(), readable.name) == (b"".join(repository.read_file(item.node)), stream.with_suffix(".eml").name)
    assert email.message_from_bytes(readable.read_bytes())["Subject"] == "Old numbers"
    readable.unlink()
    list(write_files(repository, [item], tmp_path, on_damage, is_check=False))
    assert readable.exists()


def test_a_zip_has_both_forms_of_an_archived_item(tmp_path: Path) -> None:
    repository, item = archived()
    list(write_zip(repository, fingerprint([item]), [item], tmp_path / "a.zip", on_damage, is_check=False))
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert sorted(Path(name).suffix for name in archive.namelist()) == [".eml", ".fts"]


def on_damage(_item: ChosenItem, damage: RepositoryDamaged) -> None:
    raise damage


def test_a_drill_proves_every_source(tmp_path: Path) -> None:
    task = DrillTask(plan_name="sales", members=1, items=5, seed=1, folder=tmp_path, wants_repair=False, lock_timeout=0.0, is_check=False)
    drill = run_drill(stored_group().reopen(), task)
    assert drill.is_passed
    assert [one.source for one in drill.members[0].sampled] == list(SOURCES)
    assert drill.members[0].items == dict.fromkeys(SOURCES, 1)
    assert list(tmp_path.iterdir()) == []


def test_a_drill_finds_a_lost_photo(tmp_path: Path) -> None:
    task = DrillTask(plan_name="sales", members=1, items=5, seed=1, folder=tmp_path, wants_repair=False, lock_timeout=0.0, is_check=True)
    place = stored_group()
    drill = run_drill(place.reopen(), task)
    assert drill.is_passed
    place = lost("calendar", "Kalender", *parts_path(EVENT_FILE), "agenda.pdf")
    drill = run_drill(place.reopen(), task)
    assert [(one.source, bool(one.problem)) for one in drill.members[0].sampled] == [
        ("calendar", True),
        ("contacts", False),
        ("settings", False),
    ]
