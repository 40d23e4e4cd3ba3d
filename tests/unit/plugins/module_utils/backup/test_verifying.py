# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who suffers from damage, in words that people know; what a repair gives back, and what is asked for again."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.damaged_items import DamagedItem, ItemKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.lost_items import Wishes
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.results import Outcome
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.verify_result import verification_result
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.verifying import Task, Verification, verify
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.blobs import blob_id
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.check import ALL_DATA, STRUCTURE, Scope, check
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.errors import RepositoryLocked
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage import FileKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.trees import find_node
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import BlobId, BlobKind, Path
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.groups import Group, mailbox, member
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.mailbox_service import Mailbox
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import (
    NOON,
    RecordingStorage,
    new_place,
    save_files,
)

ANNA, BEN = dataclasses.replace(member("anna"), display_name="Anna Meier"), member("ben")
DAY = ("2026", "05", "17")
MAIL = ("Sales", "anna@x.example", "mail")


def anna() -> Mailbox:
    box = mailbox("Numbers", "Plans")
    box.folders["sub"] = ("Projects / 2026", "in")
    box.put("Deep", "sub")
    return box


@pytest.fixture
def group() -> Group:
    """Two snapshots; the second has one message more."""
    group = Group(place=new_place(RecordingStorage()))
    box = anna()
    group.run([ANNA, BEN], anna=box, ben=mailbox("Hello"))
    box.said = {"in": [box.put("Later", "in")]}
    group.run([ANNA, BEN], anna=box, ben=mailbox("Hello"))
    return group


def storage_of(group: Group) -> RecordingStorage:
    return t.cast("RecordingStorage", group.place.storage)


def spoil(group: Group, kind: BlobKind, blob: str) -> None:
    """Flip a bit of one blob where it lies."""
    for place in group.place.reopen().known_index.index().places(kind, BlobId(blob)):
        data = bytearray(storage_of(group).files[FileKind.DATA, place.pack])
        data[place.blob.offset + 20] ^= 1
        storage_of(group).files[FileKind.DATA, place.pack] = bytes(data)


def spoil_path(group: Group, path: Path, snapshot: int = -1) -> None:
    """Spoil the file or the directory at a path of a snapshot."""
    repository = group.place.reopen()
    tree = repository.snapshots()[snapshot].tree
    node = find_node(repository, tree, path) if path else None
    subtree = tree if node is None else node.subtree
    if node is not None and subtree is None:
        spoil(group, BlobKind.DATA, node.content[0])
    else:
        spoil(group, BlobKind.TREE, str(subtree))


def task(group: Group, *, is_check: bool = False) -> Task:
    return Task(run_id="verify", hostname="backup1", now=group.now, lock_timeout=0.0, is_check=is_check)


def verified(group: Group, scope: Scope = ALL_DATA, *, wants_repair: bool = False, is_check: bool = False) -> Verification:
    return verify(group.place.reopen(), scope, wants_repair=wants_repair, task=task(group, is_check=is_check))


def spoil_message(group: Group, name: str) -> None:
    spoil(group, BlobKind.DATA, blob_id(Mailbox(messages={name: {"subject": name}}).mime(name)))


def mended(group: Group, *, is_check: bool = False) -> tuple[list[str], tuple[Wishes, ...], bool]:
    """What a repair says: what stays lost, how much of it is asked for again, whether it changed something."""
    mending = verified(group, wants_repair=True, is_check=is_check).mending
    assert mending is not None
    return names(mending.lost), mending.wishes, mending.is_changed


def said(found: Verification, *, is_check: bool = False) -> str:
    return str(verification_result(found, ALL_DATA, "/srv/backup", is_check=is_check)["msg"])


def names(items: t.Iterable[DamagedItem]) -> list[str]:
    return [item.name for item in items]


def test_a_sound_repository_is_sound(group: Group) -> None:
    found = verified(group)
    assert (found.is_sound, found.items, found.examination.findings) == (True, (), [])
    assert found.examination.packs_read == len(storage_of(group).names(FileKind.DATA))


def test_a_damaged_message_is_named_by_member_folder_subject_and_time(group: Group) -> None:
    spoil_message(group, "Numbers")
    (item,) = verified(group).items
    assert item.name == 'the message "Numbers" in Inbox of Anna Meier (anna@x.example), received 2026-05-17 08:12:05 UTC'
    assert (item.kind, item.plan, item.member, item.folder, item.subject) == (
        ItemKind.MESSAGE,
        "sales",
        "anna@x.example",
        "Inbox",
        "Numbers",
    )
    assert item.affected.snapshots == 2


def test_a_message_of_the_newest_snapshot_alone_is_in_one(group: Group) -> None:
    spoil_message(group, "Later")
    (item,) = verified(group).items
    assert (item.affected.snapshots, item.affected.newest) == (1, group.place.reopen().snapshots()[-1])


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        (("Sales", ".m365", "members.json"), ["the list of members of the restore point "]),
        (("Sales", ".m365", "run.json"), ["the report of the run that made the restore point "]),
        ((), ["everything in the restore point "]),
        (("Sales",), ["everything in the restore point "]),
        (("Sales", "anna@x.example"), ["everything of Anna Meier (anna@x.example)"]),
        (MAIL, ["the mail of Anna Meier (anna@x.example)"]),
        ((*MAIL, ".m365", "source.json"), ["the state of the mail of Anna Meier (anna@x.example)"]),
        ((*MAIL, ".m365", "items"), ["the catalogue of the mail of Anna Meier (anna@x.example)"]),
        ((*MAIL, "Inbox", ".folder.json"), ["the state of folder Inbox of Anna Meier (anna@x.example)"]),
        (
            (*MAIL, "Inbox", "Projects _ 2026"),
            ["the folder Inbox/Projects _ 2026 of Anna Meier (anna@x.example)", 'the message "Deep" in Inbox/Projects _ 2026'],
        ),
        (
            (*MAIL, "Inbox", "Projects _ 2026", *DAY[:2]),
            ["the directory of 2026-05 in folder Inbox/Projects / 2026", 'the message "Deep" in Inbox/Projects / 2026'],
        ),
    ],
)
def test_whatever_is_damaged_has_a_name(group: Group, path: Path, wanted: list[str]) -> None:
    spoil_path(group, path)
    newest = group.place.reopen().snapshots()[-1]
    found = [item for item in verified(group).items if item.affected.newest == newest]
    assert len(found) == len(wanted)
    assert all(item.name.startswith(start) for item, start in zip(found, wanted, strict=True)), names(found)


def test_a_message_whose_record_is_damaged_too_goes_by_its_folder_and_time(group: Group) -> None:
    spoil_message(group, "Numbers")
    spoil_path(group, (*MAIL, ".m365"))
    found = [item.name for item in verified(group).items if item.kind is ItemKind.MESSAGE]
    assert found == ["the message without a subject in Inbox of Anna Meier (anna@x.example), received 2026-05-17 08:12:05 UTC"]


def test_snapshots_of_other_programs_are_named_by_path() -> None:
    group = Group(place=new_place(RecordingStorage()))
    content = b"x" * 1000
    with group.place.reopen().writing(hostname="laptop") as writer:
        writer.save_snapshot(save_files(writer, {("home", "letter.txt"): content}), time=NOON, paths=["/home"])
    spoil(group, BlobKind.DATA, blob_id(content))
    (item,) = verified(group).items
    assert item.name.startswith("/home/letter.txt in the restore point ")
    assert item.name.endswith(" of laptop")


def test_a_repair_keeps_every_other_message_and_the_next_run_brings_the_lost_one_back(group: Group) -> None:
    spoil_message(group, "Numbers")
    mending = verified(group, wants_repair=True).mending
    assert mending is not None
    assert [item.subject for item in mending.lost] == ["Numbers"]
    assert ([wishes.items for wishes in mending.wishes], mending.is_changed) == ([{("anna", "mail"): {"Numbers"}}], True)
    box = anna()
    box.put("Later", "in")
    group.run([ANNA, BEN], anna=box, ben=mailbox("Hello"))
    assert verified(group).is_sound


@pytest.mark.parametrize("path", [(*MAIL, ".m365", "items"), (*MAIL, "Inbox", *DAY[:2]), MAIL, (*MAIL, ".m365", "source.json")])
def test_after_the_loss_of_more_than_messages_the_next_run_reads_the_mailbox_in_full(group: Group, path: Path) -> None:
    spoil_path(group, path)
    assert "reads the mail of 1 member in full" in said(verified(group, wants_repair=True))
    box = anna()
    box.put("Later", "in")
    result = group.run([ANNA, BEN], anna=box, ben=mailbox("Hello"))
    assert result.outcome is Outcome.COMPLETE
    latest = group.place.reopen().snapshots()[-1]
    assert [item.name for item in verified(group).items if item.affected.newest == latest] == []


def test_a_repair_that_loses_nothing_leaves_a_sound_repository(group: Group) -> None:
    storage = storage_of(group)
    for name in storage.names(FileKind.INDEX):
        storage.files[FileKind.INDEX, name] = b"rubbish"
    found = verified(group, STRUCTURE, wants_repair=True)
    assert not found.examination.is_sound
    assert found.is_sound
    assert found.mending is not None
    assert found.mending.lost == ()
    assert check(group.place.reopen(), read_data=True) == []


def test_a_restore_point_that_cannot_be_read_is_a_loss_once(group: Group) -> None:
    point = group.place.reopen().snapshots()[0].id
    storage_of(group).files[FileKind.SNAPSHOT, point] = b"rubbish"
    for is_check in (True, False):
        found = verified(group, wants_repair=True, is_check=is_check)
        message = said(found, is_check=is_check)
        assert (found.is_sound, f"lost: the restore point {point[:8]}, which cannot be read" in message) == (False, True)
    assert verified(group, wants_repair=True).is_sound


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("Numbers", 'What suffers: the message "Numbers" in Inbox of Anna Meier (anna@x.example), received 2026-05-17 08:12:05 UTC.'),
        (None, "is sound: 2 restore points, "),
    ],
)
def test_a_sentence_says_what_matters_first(group: Group, message: str | None, words: str) -> None:
    if message is not None:
        spoil_message(group, message)
    assert words in said(verified(group))


def test_inv09_check_mode_writes_nothing_and_foresees_what_the_repair_does(group: Group) -> None:
    spoil_message(group, "Numbers")
    spoil_message(group, "Hello")
    storage_of(group).changes.clear()
    foreseen = mended(group, is_check=True)
    assert storage_of(group).changes == []
    done, again, foreseen_again = mended(group), mended(group), mended(group, is_check=True)
    assert foreseen == done
    assert again == foreseen_again == (done[0], done[1], False)


def test_a_verification_waits_for_a_prune_and_a_repair_for_everybody(group: Group) -> None:
    with group.place.reopen().exclusive(), pytest.raises(RepositoryLocked):
        verified(group)
    with group.place.reopen().writing():
        assert verified(group, wants_repair=True).is_sound
        spoil_message(group, "Numbers")
        with pytest.raises(RepositoryLocked):
            verified(group, wants_repair=True)


def test_a_damaged_lock_is_a_finding_and_a_repair_puts_it_aside(group: Group) -> None:
    storage_of(group).files[FileKind.LOCK, "ab" * 32] = b"rubbish"
    (finding,) = verified(group).examination.findings
    assert finding.obj == f"lock {'ab' * 32}"
    assert verified(group, wants_repair=True).is_sound
    assert storage_of(group).names(FileKind.LOCK) == []


@pytest.mark.parametrize("damage", ["cut", "replaced", "gone"])
def test_inv09_of_every_file_the_damage_is_said_foreseen_and_repaired_once(group: Group, damage: str) -> None:
    storage = storage_of(group)
    files = dict(storage.files)
    for kind, name in files:
        if kind in (FileKind.CONFIG, FileKind.KEY):
            continue
        storage.files = {key: content for key, content in files.items() if key != (kind, name)}
        if damage != "gone":
            other = next(content for (one, key), content in files.items() if one is kind and key != name)
            storage.files[kind, name] = files[kind, name][: len(files[kind, name]) // 2] if damage == "cut" else other
        is_harmless = (kind, damage) == (FileKind.SNAPSHOT, "gone")
        assert verified(group).is_sound is is_harmless
        foreseen, done = mended(group, is_check=True), mended(group)
        assert foreseen[2] is done[2] is not is_harmless
        assert mended(group)[2] is False
