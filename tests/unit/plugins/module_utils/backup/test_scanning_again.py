# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stored snapshots before the engine and the database of today: what is looked at, what is not, and what is told of it."""

from __future__ import annotations

import dataclasses
import itertools
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import InputError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup import scanning_again
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.flagged_items import FlaggedItem
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.restore_points import plan_snapshots
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.scan_again_result import scan_result
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.scan_contents import State
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.scan_views import scan_as
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.scan_walk import zone_below
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.scanning_again import Scanned, Task, scan_again
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.source_words import SOURCES
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.blobs import blob_id
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage import FileKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import BlobId, BlobKind, Path
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.scanner import ScanSettings
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.verdict import VerdictKind
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.groups import Group, mailbox, member
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.mailbox_service import Mailbox
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.marking_engine import MarkingEngine
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.stored_drive import StoredDrive
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.stored_group import PDF, PHOTO, stored_group
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import (
    NOON,
    MemoryStorage,
    Place,
    RecordingStorage,
    new_place,
)

ANNA, BEN = dataclasses.replace(member("anna"), display_name="Anna Meier"), member("ben")


@pytest.fixture
def group() -> Group:
    """Two snapshots; the second has one message more."""
    group = Group(place=new_place(RecordingStorage()))
    box = mailbox("Numbers", "Invoice")
    group.run([ANNA, BEN], anna=box, ben=mailbox("Hello"))
    box.said = {"in": [box.put("Later", "in")]}
    group.run([ANNA, BEN], anna=box, ben=mailbox("Hello"))
    return group


def task(**more: t.Any) -> Task:
    ticks = itertools.count()
    told: dict[str, t.Any] = {
        "plan": "sales",
        "hostname": "backup1",
        "now": lambda: NOON,
        "clock": lambda: float(next(ticks)),
        "lock_timeout": 0.0,
        "is_check": False,
    }
    return Task(**{**told, **more})


def scanned(place: Place, engine: MarkingEngine, *, size_limit: int = 100 << 20, at_once: int = 2, **more: t.Any) -> Scanned:
    repository = place.reopen()
    settings = ScanSettings(size_limit=size_limit, at_once=at_once)
    return scan_again(repository, engine, settings, task(**more), lambda listed, _warn: plan_snapshots(listed, "sales"))


def count(found: Scanned, state: State, kind: VerdictKind | None = None) -> int:
    return sum(total.contents for total in found.totals if total.state is state and kind in (None, total.kind))


def told(items: t.Iterable[FlaggedItem]) -> list[str]:
    return [one.item.name for one in items]


def files(place: Place) -> dict[t.Any, bytes]:
    assert isinstance(place.storage, MemoryStorage)
    return dict(place.storage.files)


def test_what_snapshots_share_is_scanned_once_and_only_by_a_database_that_has_not_seen_it(group: Group) -> None:
    first, same, newer = MarkingEngine(), MarkingEngine(), MarkingEngine(database="2")
    found = scanned(group.place, first)
    assert (len(first.seen), count(found, State.DONE, VerdictKind.CLEAN), found.is_changed) == (4, 4, True)
    assert len(set(first.seen)) == 4
    found = scanned(group.place, same)
    assert (same.seen, count(found, State.KNOWN), found.is_changed) == ([], 4, False)
    scanned(group.place, newer)
    assert sorted(newer.seen) == sorted(first.seen)


def test_an_infected_message_is_named_with_the_snapshots_that_have_it(group: Group) -> None:
    found = scanned(group.place, MarkingEngine("Invoice", "Later"))
    oldest, newest = plan_snapshots(group.place.reopen(), "sales")
    assert told(found.flagged) == [
        'the message "Invoice" in Inbox of Anna Meier (anna@x.example), received 2026-05-17 08:12:05 UTC',
        'the message "Later" in Inbox of Anna Meier (anna@x.example), received 2026-05-17 08:12:05 UTC',
    ]
    assert [(one.first, one.last) for one in found.flagged] == [(oldest, newest), (newest, newest)]
    assert all(one.judged.is_news and one.judged.verdict and one.judged.verdict.names for one in found.flagged)


def test_what_a_newer_database_thinks_otherwise_of_is_news(group: Group) -> None:
    scanned(group.place, MarkingEngine("Invoice", "Numbers"))
    found = scanned(group.place, MarkingEngine("Invoice", "Hello", database="2"))
    by_subject = {one.item.subject: one.judged for one in found.flagged}
    assert {subject: judged.is_news for subject, judged in by_subject.items()} == {"Hello": True, "Invoice": False}
    assert list(by_subject) == ["Hello", "Invoice"]
    assert by_subject["Hello"].earlier_kind is VerdictKind.CLEAN
    assert [one.item.subject for one in found.cleared] == ["Numbers"]
    assert found.cleared[0].judged.earlier is not None
    assert found.cleared[0].judged.earlier.names == ("Numbers",)


def test_what_is_known_to_be_infected_is_told_of_without_another_scan(group: Group) -> None:
    scanned(group.place, MarkingEngine("Invoice"))
    again = MarkingEngine("Invoice")
    found = scanned(group.place, again)
    assert (again.seen, [one.item.subject for one in found.flagged], found.flagged[0].judged.is_news) == ([], ["Invoice"], False)


def test_what_one_engine_found_no_other_engine_takes_back(group: Group) -> None:
    scanned(group.place, MarkingEngine("Invoice"))
    other = MarkingEngine("Hello", name="other")
    found = scanned(group.place, other)
    assert (len(other.seen), sorted(one.item.subject for one in found.flagged), found.cleared) == (4, ["Hello", "Invoice"], [])
    for engine in (other, MarkingEngine()):
        assert not scanned(group.place, engine).is_changed
    found = scanned(group.place, MarkingEngine(database="2"))
    assert [[one.item.subject for one in items] for items in (found.flagged, found.cleared)] == [["Hello"], ["Invoice"]]


def test_check_mode_says_what_there_is_to_do_and_writes_nothing(group: Group) -> None:
    before, engine = files(group.place), MarkingEngine("Invoice")
    found = scanned(group.place, engine, is_check=True)
    waiting = [total for total in found.totals if total.state is State.WAITING]
    assert [(total.contents, total.size > 0) for total in waiting] == [(4, True)]
    assert (engine.seen, found.is_changed, files(group.place) == before) == ([], True, True)
    scanned(group.place, engine)
    assert not scanned(group.place, engine, is_check=True).is_changed


def test_an_engine_that_goes_away_loses_no_verdict_and_gives_none(group: Group) -> None:
    engine = MarkingEngine("Invoice", answers=2)
    found = scanned(group.place, engine)
    assert found.down is not None
    assert (count(found, State.DONE), count(found, State.WAITING)) == (2, 2)
    rest = MarkingEngine("Invoice")
    found = scanned(group.place, rest)
    assert (len(rest.seen), found.down, [one.item.subject for one in found.flagged]) == (2, None, ["Invoice"])


def test_a_scan_whose_time_is_up_is_gone_on_with(group: Group) -> None:
    found = scanned(group.place, MarkingEngine(), seconds=3.5)
    done = count(found, State.DONE)
    assert (0 < done < 4, count(found, State.WAITING), found.down) == (True, 4 - done, None)
    rest = MarkingEngine()
    assert count(scanned(group.place, rest), State.WAITING) == 0
    assert len(rest.seen) == 4 - done


def test_a_scan_that_was_killed_is_gone_on_with_from_the_last_save(group: Group, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanning_again, "SAVED_EVERY", 0.5)
    with pytest.raises(MemoryError):
        scanned(group.place, MarkingEngine("Invoice", answers=3, crash=True), at_once=1)
    rest = MarkingEngine("Invoice")
    found = scanned(group.place, rest)
    assert 0 < len(rest.seen) < 4
    assert ([one.item.subject for one in found.flagged], count(found, State.WAITING)) == (["Invoice"], 0)


def test_a_message_that_the_repository_has_lost_is_named_and_the_others_are_scanned(group: Group) -> None:
    spoil(group.place, Mailbox(messages={"Numbers": {"subject": "Numbers"}}).mime("Numbers"))
    found = scanned(group.place, MarkingEngine())
    assert (count(found, State.DAMAGED), count(found, State.DONE)) == (1, 3)
    assert [one.item.subject for one in found.unreadable] == ["Numbers"]


def test_the_result_says_what_was_found_and_what_is_left(group: Group) -> None:
    spoil(group.place, Mailbox(messages={"Numbers": {"subject": "Numbers"}}).mime("Numbers"))
    found = scan_result(scanned(group.place, MarkingEngine("Invoice", answers=2), at_once=1), "sales", is_check=False)
    assert '1 content infected, 1 of them newly found. The first one: the message "Invoice" in Inbox of Anna Meier' in found["msg"]
    assert "still without it, because the malware engine gave no more answers: The engine is gone. The next scan" in found["msg"]
    assert (found["scanned"], found["remaining"], found["unreadable"], found["finding_count"]) == (2, 1, 1, 1)
    assert [finding["code"] for finding in found["findings"]] == ["unreadable"]
    assert "Not everything could be looked at: 1 finding." in found["msg"]
    assert "the time was up." in scan_result(scanned(group.place, MarkingEngine(), seconds=0.0), "sales", is_check=False)["msg"]
    foreseen = scan_result(scanned(group.place, MarkingEngine(), is_check=True), "sales", is_check=True)
    assert " of 2 snapshots of the plan sales would be scanned with marking, database 1; 2 were judged by it before." in foreseen["msg"]


def test_members_are_chosen_by_name_or_id_and_unknown_ones_refused(group: Group) -> None:
    engine = MarkingEngine()
    scanned(group.place, engine, members=("BEN@x.example",))
    assert len(engine.seen) == 1
    scanned(group.place, engine, members=("anna",))
    assert len(engine.seen) == 4
    with pytest.raises(InputError, match=r"has a member carl\."):
        scanned(group.place, engine, members=("anna", "carl"))


def test_files_of_a_drive_are_told_of_wherever_they_lay_and_so_are_their_earlier_versions() -> None:
    drive = StoredDrive()
    drive.folder("docs", "root", "Documents")
    drive.folder("deep", "docs", "Deep")
    drive.put("F1", "docs", "macro.docm", b"evil" * (3 << 20))
    drive.put("F2", "root", "old.txt", b"fine", versions={"1.0": b"an evil version"})
    drive.put("F3", "root", "secret.zip", b"locked")
    first = drive.back_up()
    drive.files["F1"].folder = "deep"
    second = drive.back_up()
    found = scanned(drive.place, MarkingEngine("evil"))
    assert told(found.flagged) == [
        'the file "macro.docm" in Documents/Deep of Anna Meier (anna@x.example), last changed 2026-05-17 08:12:05 UTC',
        'version 1.0 of the file "old.txt" of Anna Meier (anna@x.example), last changed 2026-05-17 08:12:05 UTC',
        'the file "secret.zip" of Anna Meier (anna@x.example), last changed 2026-05-17 08:12:05 UTC',
    ]
    assert {(one.first, one.last) for one in found.flagged} == {(first, second)}
    kinds = [one.judged.kind for one in found.flagged]
    assert kinds == [VerdictKind.INFECTED, VerdictKind.INFECTED, VerdictKind.UNSCANNABLE]


def test_what_is_above_the_size_limit_is_not_read_until_the_limit_is_higher() -> None:
    drive = StoredDrive()
    drive.put("F1", "root", "large.bin", b"evil" * 100)
    drive.back_up()
    engine = MarkingEngine("evil")
    found = scanned(drive.place, engine, size_limit=300)
    assert (engine.seen, [one.judged.kind for one in found.flagged]) == ([], [VerdictKind.UNSCANNABLE])
    assert not scanned(drive.place, engine, size_limit=300).is_changed
    found = scanned(drive.place, engine, size_limit=400)
    assert [one.judged.kind for one in found.flagged] == [VerdictKind.INFECTED]


def test_attachments_photos_and_the_texts_of_items_are_shown_to_the_engine_and_settings_are_not() -> None:
    engine = MarkingEngine()
    scanned(stored_group(), engine)
    assert {PDF, PHOTO} <= set(engine.seen)
    assert not any(b"Move" in each for each in engine.seen)


NAMES = st.sampled_from([".m365", "versions", "permissions", "Documents", "Team.files", "2026", "05", "a1.files", "0042"])


@given(st.sampled_from(SOURCES), st.lists(NAMES, max_size=5), st.sampled_from(["x.json", "a.eml", "b.fts", ".folder.json", "c"]))
def test_the_zone_of_a_directory_says_of_its_files_what_their_whole_paths_say(source: str, above: list[str], name: str) -> None:
    zone: Path | None = ()
    for directory in above:
        zone = None if zone is None else zone_below(source, zone, directory)
    by_zone = None if zone is None else scan_as(source, (*zone, name))
    assert by_zone == scan_as(source, (*above, name))


def spoil(place: Place, content: bytes) -> None:
    """Flip a bit of a content where it lies."""
    storage = place.storage
    assert isinstance(storage, MemoryStorage)
    for where in place.reopen().known_index.index().places(BlobKind.DATA, BlobId(blob_id(content))):
        data = bytearray(storage.files[FileKind.DATA, where.pack])
        data[where.blob.offset + 20] ^= 1
        storage.files[FileKind.DATA, where.pack] = bytes(data)
