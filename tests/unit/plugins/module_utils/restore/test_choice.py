# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Choosing a snapshot, a member and folders, and what is said when there is no such thing."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import InputError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.item_filter import ItemFilter
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.item_state import Folder
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.layout import MAIL
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.restore_points import plan_snapshots
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.results import Finding
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.choice import choose, choose_folders, chosen_items, true_path
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.snapshot_choice import choose_snapshot
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.groups import Group, mailbox, member

ANNA, BEN = member("anna"), member("ben")
ZONE = timezone(timedelta(hours=2))


@pytest.fixture(scope="module")
def group() -> Group:
    """Anna's mail in three folders with a message each, Ben was never read; a second snapshot has one message more."""
    group = Group()
    box = mailbox("a1")
    box.folders.update({"sub": ("Projects / 2026", "in"), "deep": ("Deep", "sub"), "twin": ("inbox ", None)})
    box.put("a2", "sub")
    box.put("a3", "deep")
    group.run([ANNA, BEN], anna=box)
    box.said = {"in": [box.put("a4", "in")]}
    group.run([ANNA, BEN], anna=box)
    return group


def test_the_latest_snapshot(group: Group) -> None:
    repository = group.place.reopen()
    assert choose_snapshot(repository, "sales", "latest") == plan_snapshots(repository, "sales")[-1]


def test_a_snapshot_by_the_beginning_of_its_id(group: Group) -> None:
    repository = group.place.reopen()
    for snapshot in plan_snapshots(repository, "sales"):
        assert choose_snapshot(repository, "sales", snapshot.id[:8]) == snapshot
        assert choose_snapshot(repository, "sales", snapshot.id) == snapshot


def test_a_snapshot_by_time_is_the_last_one_before_or_at_it(group: Group) -> None:
    repository = group.place.reopen()
    first, second = plan_snapshots(repository, "sales")
    assert choose_snapshot(repository, "sales", first.time.isoformat()) == first
    assert choose_snapshot(repository, "sales", (second.time - timedelta(microseconds=1)).isoformat()) == first
    assert choose_snapshot(repository, "sales", second.time.astimezone(ZONE).isoformat()) == second
    assert choose_snapshot(repository, "sales", "2999-01-01T00:00:00Z") == second


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ("yesterday", "latest, a snapshot id, or a time"),
        ("2026-11-23T12:00:00", "2026-11-23T12:00:00Z"),
        ("2026-11-23", "2026-11-23T00:00:00Z"),
        ("2000-01-01T00:00:00Z", "2026-11-23 12:0"),
        ("0" * 12, "2026-11-23 12:0"),
    ],
)
def test_a_snapshot_that_is_not_there_is_answered_with_what_to_write(group: Group, wanted: str, words: str) -> None:
    with pytest.raises(InputError) as refused:
        choose_snapshot(group.place.reopen(), "sales", wanted)
    assert words in refused.value.hint
    assert wanted in refused.value.what


def test_what_a_hint_offers_is_accepted(group: Group) -> None:
    repository = group.place.reopen()
    assert choose_snapshot(repository, "sales", "2026-11-24T00:00:00Z") == plan_snapshots(repository, "sales")[-1]


def test_a_plan_without_snapshots_says_so(group: Group) -> None:
    with pytest.raises(InputError, match="no snapshot of the plan other"):
        choose_snapshot(group.place.reopen(), "other", "latest")


@pytest.mark.parametrize("name", ["anna", "ANNA@x.example", "anna@X.example"])
def test_a_member_by_id_or_name_whatever_the_case(group: Group, name: str) -> None:
    repository = group.place.reopen()
    choice = choose(repository, choose_snapshot(repository, "sales", "latest"), name, MAIL, None)
    assert choice.member.id == "anna"
    assert {item.record["id"]: item.folder for item in chosen_items(repository, choice, ItemFilter(), [])} == {
        "a1": ("Inbox",),
        "a2": ("Inbox", "Projects / 2026"),
        "a3": ("Inbox", "Projects / 2026", "Deep"),
        "a4": ("Inbox",),
    }


def test_an_older_snapshot_has_what_was_there_then(group: Group) -> None:
    repository = group.place.reopen()
    choice = choose(repository, plan_snapshots(repository, "sales")[0], "anna", MAIL, None)
    assert {item.record["id"] for item in chosen_items(repository, choice, ItemFilter(), [])} == {"a1", "a2", "a3"}


def test_an_unknown_member_is_answered_with_the_known_ones(group: Group) -> None:
    repository = group.place.reopen()
    with pytest.raises(InputError) as refused:
        choose(repository, choose_snapshot(repository, "sales", "latest"), "carl", MAIL, None)
    assert "anna@x.example, ben@x.example" in refused.value.hint


def test_a_member_that_was_never_read_has_nothing_to_restore(group: Group) -> None:
    repository = group.place.reopen()
    with pytest.raises(InputError, match=r"holds no mail of ben@x\.example"):
        choose(repository, choose_snapshot(repository, "sales", "latest"), "ben", MAIL, None)


def test_a_message_without_its_content_is_a_finding_and_hides_no_other(group: Group) -> None:
    repository = group.place.reopen()
    choice = choose(repository, choose_snapshot(repository, "sales", "latest"), "anna", MAIL, None)
    for number, folder in choice.folders.items():
        if folder.name != "Inbox":
            choice.folders[number] = Folder(id=folder.id, number=number, name=folder.name, parent=folder.parent, path=("elsewhere",))
    findings: list[Finding] = []
    assert {item.record["id"] for item in chosen_items(repository, choice, ItemFilter(), findings)} == {"a1", "a4"}
    assert len(findings) == 2
    assert all("no content" in finding.reason for finding in findings)


def folders() -> dict[str, Folder]:
    rows = [
        ("1", "Inbox", None),
        ("2", "Sub", "1"),
        ("3", "Deep", "2"),
        ("4", "Inbox Old", None),
        ("5", "a/b", "1"),
        ("6", "R", "7"),
        ("7", "S", "6"),
    ]
    return {key: Folder(id=key, number=int(key), name=name, parent=parent) for key, name, parent in rows}


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (None, {1, 2, 3, 4, 5, 6, 7}),
        ("", {1, 2, 3, 4, 5, 6, 7}),
        ("/", {1, 2, 3, 4, 5, 6, 7}),
        ("Inbox", {1, 2, 3, 5}),
        ("/inbox/", {1, 2, 3, 5}),
        ("INBOX/sub", {2, 3}),
        ("Inbox Old", {4}),
        ("Inbox/a/b", {5}),
    ],
)
def test_a_folder_is_chosen_with_everything_below_it(wanted: str | None, numbers: set[int]) -> None:
    assert choose_folders(folders(), wanted).keys() == numbers


@pytest.mark.parametrize("wanted", ["Inb", "Sub", "Inbox/Su", "Inbox//Sub"])
def test_an_unknown_folder_is_answered_with_the_known_ones(wanted: str) -> None:
    with pytest.raises(InputError) as refused:
        choose_folders(folders(), wanted)
    assert wanted in refused.value.what
    assert "Inbox, Inbox Old, Inbox/Sub, Inbox/Sub/Deep, Inbox/a/b" in refused.value.hint


def test_a_ring_of_folders_has_a_path_with_an_end() -> None:
    known = folders()
    assert true_path(known["6"], known) == ("S", "R")


def test_times_without_a_zone_are_never_guessed() -> None:
    with pytest.raises(InputError, match="has no zone"):
        choose_snapshot(with_one_snapshot().place.reopen(), "sales", datetime(2026, 11, 23, 12, 0).isoformat())  # noqa: DTZ001


def with_one_snapshot() -> Group:
    group = Group()
    group.run([ANNA], anna=mailbox())
    return group
