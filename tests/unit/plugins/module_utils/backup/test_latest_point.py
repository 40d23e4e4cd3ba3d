# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t
from datetime import timedelta

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import BackupError, InputError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.latest_point import latest_point
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import Repository
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage import FileKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import BlobId, BlobKind, Snapshot
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.history import (
    FINDINGS,
    GOOD,
    LEFT,
    STALE,
    History,
)
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.losses import lose
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import (
    NOON,
    MemoryStorage,
    Place,
    new_place,
)


class Told(t.NamedTuple):
    """A repository, and its snapshots of the plan sales, oldest first."""

    place: Place
    snapshots: list[Snapshot]

    @property
    def repository(self) -> Repository:
        return self.place.reopen()


@pytest.fixture(scope="module")
def told() -> Told:
    """Anna's last good day is the second one; Ben has left since; the last run was interrupted, and another plan is newer."""
    place = new_place(MemoryStorage())
    days = [
        {"anna": GOOD, "ben": GOOD},
        {"anna": GOOD, "ben": STALE},
        {"anna": FINDINGS, "ben": LEFT},
        {"anna": STALE, "ben": LEFT, "carl": GOOD},
    ]
    outcomes = ["complete", "partial", "partial", "checkpoint"]
    history = History(place.reopen())
    snapshots = [
        history.add(NOON - timedelta(days=9 - day), outcome=outcome, **members)
        for day, (outcome, members) in enumerate(zip(outcomes, days, strict=True))
    ]
    History(place.reopen(), plan_name="other").add(NOON - timedelta(days=1), dora=GOOD)
    return Told(place, snapshots)


@pytest.mark.parametrize(
    ("wanted", "day"),
    [
        ({}, 2),
        ({"complete": True}, 0),
        ({"member": "ANNA@x.example"}, 2),
        ({"member": "anna", "complete": True}, 1),
        ({"member": "ben"}, 2),
        ({"member": "ben", "complete": True}, 0),
    ],
)
def test_the_newest_restore_point_is_the_one_that_has_what_is_wanted(told: Told, wanted: dict[str, t.Any], day: int) -> None:
    found = latest_point(told.repository, "sales", **wanted)
    assert found.snapshot.id == told.snapshots[day].id
    assert (found.member is None) == ("member" not in wanted)


def test_what_is_known_of_it_says_how_the_member_stands(told: Told) -> None:
    facts = latest_point(told.repository, "sales", member="ben").as_dict()
    assert (facts["plan"], facts["outcome"], facts["time"]) == ("sales", "partial", (NOON - timedelta(days=7)).isoformat())
    assert facts["member"]["left"] == facts["time"]
    assert facts["member"]["sources"]["mail"]["status"] == "good"


@pytest.mark.parametrize(
    ("plan", "wanted", "words"),
    [
        ("sale", {}, ("no restore point of the plan sale", "Run the plan")),
        ("sales", {"member": "carl"}, ("anything of carl", "anna@x.example, ben@x.example")),
        ("sales", {"member": "dora"}, ("anything of dora",)),
    ],
)
def test_when_there_is_none_it_says_what_there_is(told: Told, plan: str, wanted: dict[str, t.Any], words: tuple[str, ...]) -> None:
    with pytest.raises(InputError) as raised:
        latest_point(told.repository, plan, **wanted)
    for word in words:
        assert word in str(raised.value)


def test_when_none_is_complete_it_names_the_newest() -> None:
    history = History(new_place(MemoryStorage()).reopen())
    history.add(NOON - timedelta(days=2), outcome="partial", anna=FINDINGS)
    newest = history.add(NOON - timedelta(days=1), outcome="failed", anna=STALE)
    for member in (None, "anna"):
        with pytest.raises(InputError, match=newest.id[:8]):
            latest_point(history.repository, "sales", complete=True, member=member)


def test_what_an_interrupted_run_left_counts_when_there_is_nothing_else() -> None:
    history = History(new_place(MemoryStorage()).reopen())
    only = history.add(NOON - timedelta(days=1), outcome="checkpoint", anna=GOOD)
    assert latest_point(history.repository, "sales").snapshot.id == only.id


def test_a_damaged_snapshot_is_warned_of_and_hides_no_other_one() -> None:
    place, older, newer = two_days()
    damage(place, newer)
    warnings: list[str] = []
    assert latest_point(place.reopen(), "sales", warn=warnings.append).snapshot.id == older.id
    assert [newer.id[:8] in warning for warning in warnings] == [True]
    damage(place, older)
    with pytest.raises(BackupError, match="damaged: snapshot"):
        latest_point(place.reopen(), "sales")


def test_a_restore_point_whose_members_are_lost_is_passed_over_for_a_member() -> None:
    place, older, newer = two_days()
    lose(place, root_of(newer))
    warnings: list[str] = []
    found = latest_point(place.reopen(), "sales", member="anna", warn=warnings.append)
    assert (found.snapshot.id, [newer.id[:8] in warning for warning in warnings]) == (older.id, [True])


def test_when_no_list_of_members_can_be_read_it_says_so_rather_than_that_nobody_is_there() -> None:
    place, older, newer = two_days()
    lose(place, root_of(older), root_of(newer))
    with pytest.raises(BackupError, match="repository is damaged"):
        latest_point(place.reopen(), "sales", member="anna")


def two_days() -> tuple[Place, Snapshot, Snapshot]:
    place = new_place(MemoryStorage())
    history = History(place.reopen())
    older, newer = (history.add(NOON - timedelta(days=days), anna=GOOD) for days in (2, 1))
    return place, older, newer


def root_of(snapshot: Snapshot) -> tuple[BlobKind, BlobId]:
    return BlobKind.TREE, BlobId(snapshot.tree)


def damage(place: Place, snapshot: Snapshot) -> None:
    content = place.storage.get(FileKind.SNAPSHOT, snapshot.id)
    place.storage.delete(FileKind.SNAPSHOT, snapshot.id)
    place.storage.put(FileKind.SNAPSHOT, snapshot.id, content[:-1] + bytes([content[-1] ^ 1]))
