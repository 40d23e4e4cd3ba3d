# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import typing as t
from datetime import timedelta
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import InputError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.holding import (
    Held,
    HoldRequest,
    change_holds,
    hold_result,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.holds import holds_of
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.layout import CHECKPOINT
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.restore_points import plan_snapshots, stored_points
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.errors import StorageError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import create_repository
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.snapshot_tags import TagChanges, change_tags
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage import FileKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_local import LocalStorage
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import Snapshot
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.snapshot_choice import choose_snapshot
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.groups import Group, mailbox, member
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.history import (
    GOOD,
    LEFT,
    STALE,
    UNFINISHED,
    History,
    plan_with,
)
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.restic_program import Restic, needs_restic
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import (
    CHEAP,
    NOON,
    PASSPHRASE,
    Place,
    RecordingStorage,
    new_place,
)

DAYS = [NOON - timedelta(days=age) for age in range(10, 0, -1)]
PLAN = plan_with()


@pytest.fixture
def storage() -> RecordingStorage:
    return RecordingStorage()


@pytest.fixture
def place(storage: RecordingStorage) -> Place:
    return new_place(storage)


@pytest.fixture
def points(place: Place) -> list[Snapshot]:
    """Four finished ones and a checkpoint after the second; bob comes second and leaves last."""
    history = History(place.repository)
    return [
        history.add(DAYS[0], alice=GOOD),
        history.add(DAYS[1], alice=GOOD, bob=GOOD),
        history.add(DAYS[2], outcome=CHECKPOINT, alice=GOOD, bob=UNFINISHED),
        history.add(DAYS[3], alice=STALE, bob=STALE),
        history.add(DAYS[4], alice=GOOD, bob=LEFT),
    ]


def hold(place: Place, label: str = "case 7", *, is_check: bool = False, is_present: bool = True, **choice: t.Any) -> list[Held]:
    request = HoldRequest(label=label, is_present=is_present, **choice)
    return change_holds(place.reopen(), PLAN, request, is_check=is_check)


def held(place: Place) -> list[tuple[str, ...]]:
    """The holds of each restore point, oldest first."""
    return [holds_of(snapshot.tags) for snapshot in plan_snapshots(place.reopen(), "sales")]


NO: tuple[str, ...] = ()
SET = ("case 7",)


def test_what_is_held_can_be_chosen_by_time_with_days_of_the_plan(place: Place, points: list[Snapshot]) -> None:
    chosen = hold(place, since=f"{DAYS[1]:%Y-%m-%d}", up_to=f"{DAYS[3]:%Y-%m-%d}")
    assert [each.before.id for each in chosen] == [points[1].id, points[3].id]
    assert held(place) == [NO, SET, NO, SET, NO]
    hold(place, "other", up_to=DAYS[0].isoformat())
    assert held(place)[0] == ("other",)
    with pytest.raises(InputError, match="no restore point in that time"):
        hold(place, up_to=f"{DAYS[0]:%Y-%m-%dT%H:%M}:00-01:00", since="2026-11-13T12:30:00")


def test_everything_that_holds_anything_of_a_member_can_be_held(place: Place, points: list[Snapshot]) -> None:
    hold(place, member="BOB@x.example")
    assert held(place) == [NO, SET, NO, SET, SET]
    hold(place, "other", member="bob", since=f"{DAYS[4]:%Y-%m-%d}")
    assert held(place)[-1] == ("case 7", "other")
    with pytest.raises(InputError, match="that holds anything of carol"):
        hold(place, member="carol")
    assert points


def test_single_points_are_chosen_by_id_or_as_the_latest(place: Place, points: list[Snapshot]) -> None:
    hold(place, snapshots=("latest", points[0].id[:8], points[2].id))
    assert held(place) == [SET, NO, SET, NO, SET]


@pytest.mark.parametrize("wanted", ["0123", "f" * 64, ""])
def test_an_id_that_is_none_is_refused_with_those_there_are(place: Place, points: list[Snapshot], wanted: str) -> None:
    with pytest.raises(InputError, match="No single restore point") as caught:
        hold(place, snapshots=(points[0].id, wanted))
    assert points[4].id[:8] in caught.value.hint
    assert held(place) == [NO] * 5


def test_a_point_that_is_pruned_as_soon_as_it_is_released_was_released(
    place: Place, points: list[Snapshot], storage: RecordingStorage
) -> None:
    hold(place, snapshots=(points[0].id,))

    def prune(action: str, kind: FileKind) -> None:
        if (action, kind) == ("delete", FileKind.LOCK):
            storage.files.pop((FileKind.SNAPSHOT, plan_snapshots(place.reopen(), "sales")[0].id))

    storage.before_change = prune
    (released,) = hold(place, is_present=False)
    assert (holds_of(released.before.tags), holds_of(released.after.tags)) == (SET, NO)


def test_a_point_is_still_found_by_the_id_that_it_had_first(place: Place, points: list[Snapshot]) -> None:
    (first,) = hold(place, snapshots=(points[0].id,))
    assert first.after.id != points[0].id
    assert first.after.original == points[0].id
    (second,) = hold(place, "other", snapshots=(points[0].id[:12],))
    assert (second.before.id, second.after.original) == (first.after.id, points[0].id)
    repository = place.reopen()
    assert choose_snapshot(repository, "sales", points[0].id) == choose_snapshot(repository, "sales", second.after.id[:8])


def test_inv09_holding_again_changes_nothing_and_takes_no_lock(place: Place, points: list[Snapshot], storage: RecordingStorage) -> None:
    preview = hold(place, is_check=True, snapshots=(points[0].id,))
    assert held(place) == [NO] * 5
    done = hold(place, snapshots=(points[0].id,))
    before = list(storage.changes)
    again = hold(place, snapshots=(points[0].id,))
    assert storage.changes == before
    results = [
        hold_result(each, PLAN, HoldRequest(label="case 7", is_present=True), is_check=False, diff=True) for each in (preview, done, again)
    ]
    assert [result["changed"] for result in results] == [True, True, False]
    assert results[0]["diff"] == results[1]["diff"]
    assert results[1]["snapshots"][0]["holds"] == ["case 7"]
    assert "1 restore point of plan sales was held for case 7; 0 already had the hold." in results[1]["msg"]


def test_a_release_without_a_choice_means_every_point_with_that_label_and_no_other(place: Place, points: list[Snapshot]) -> None:
    hold(place, since="2026-01-01")
    hold(place, "other", snapshots=(points[0].id,))
    released = hold(place, is_present=False)
    assert len(released) == 4
    assert held(place) == [("other",), NO, NO, NO, NO]
    assert plan_snapshots(place.reopen(), "sales")[1].tags == points[1].tags
    assert hold(place, is_present=False) == []


@pytest.mark.parametrize("choice", [{}, {"snapshots": ()}])
def test_holding_nothing_in_particular_is_refused(place: Place, points: list[Snapshot], choice: dict[str, t.Any]) -> None:
    with pytest.raises(InputError, match="does not say what to hold"):
        hold(place, **choice)
    assert points


def test_an_empty_list_releases_nothing(place: Place, points: list[Snapshot]) -> None:
    hold(place, snapshots=(points[0].id,))
    assert hold(place, is_present=False, snapshots=()) == []
    assert held(place)[0] == SET


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "2026-11-31", "9999-12-31"])
def test_a_time_that_is_none_is_refused(place: Place, points: list[Snapshot], text: str) -> None:
    with pytest.raises(InputError, match="neither a date nor a time"):
        hold(place, up_to=text)
    assert points


@pytest.mark.parametrize("after_success", [False, True])
@pytest.mark.parametrize("is_present", [True, False])
def test_inv02_a_hold_that_breaks_off_anywhere_shows_each_point_once_and_is_completed_by_the_next(
    is_present: bool, after_success: bool
) -> None:
    for step in range(8):
        storage = RecordingStorage()
        place = new_place(storage)
        history = History(place.repository)
        first, second = (history.add(day, alice=GOOD) for day in DAYS[:2])
        if not is_present:
            hold(place, snapshots=(first.id, second.id))
        storage.breaks_after_success = after_success
        storage.break_at = len(storage.changes) + step
        try:
            hold(place, is_present=is_present, snapshots=(first.id, second.id))
        except StorageError:
            pass
        storage.break_at = None
        seen = plan_snapshots(place.reopen(), "sales")
        assert [snapshot.first_id for snapshot in seen] == [first.id, second.id]
        place.clock.move(31 * 60)
        hold(place, is_present=is_present, snapshots=(first.id, second.id))
        assert held(place) == [SET if is_present else NO] * 2
        left = [copy for point in stored_points(place.reopen(), "sales") for copy in point.copies]
        assert is_present or left == []


def test_a_storage_that_lets_nothing_go_can_hold_and_says_that_it_cannot_release(
    place: Place, points: list[Snapshot], storage: RecordingStorage
) -> None:
    def keep(action: str, _kind: FileKind) -> None:
        if action == "delete":
            raise StorageError("Could not delete: the bucket keeps its objects.")

    storage.before_change = keep
    done = hold(place, since="2026-01-01")
    assert [holds_of(each.after.tags) for each in done] == [SET] * 4
    assert held(place) == [SET, SET, NO, SET, SET]
    assert len(list(storage.list(FileKind.SNAPSHOT))) == 9
    place.clock.move(31 * 60)
    assert [each.before.first_id for each in hold(place, since="2026-01-01")] == [points[number].id for number in (0, 1, 3, 4)]
    with pytest.raises(StorageError, match="keeps its objects"):
        hold(place, is_present=False)
    assert held(place) == [SET, SET, NO, SET, SET]


def test_the_next_run_goes_on_from_a_snapshot_that_is_held() -> None:
    group = Group()
    anna = member("anna")
    group.run([anna], anna=mailbox("a1"))
    hold(group.place, snapshots=("latest",))
    assert not group.run([anna], anna=mailbox("a1")).is_changed
    changed = mailbox("a1")
    changed.said = {"in": [changed.put("a2", "in")]}
    result = group.run([anna], anna=changed)
    assert (result.counts.fetched, result.counts.total) == (1, 2)


@needs_restic
def test_restic_keeps_what_it_wrote_in_a_snapshot_that_we_give_other_tags(tmp_path: Path) -> None:
    restic = Restic(tmp_path)
    repository = create_repository(LocalStorage(restic.repository), PASSPHRASE, kdf=CHEAP)
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "file").write_text("theirs")
    restic.run("backup", tmp_path / "source", "--exclude", "nothing", "--tag", "mine")
    (before,) = json.loads(restic.run("snapshots", "--json"))
    (snapshot,) = repository.snapshots()
    after = change_tags(repository, lambda: TagChanges({snapshot.id: ("mine", "hold")}))[snapshot.id]
    (shown,) = json.loads(restic.run("snapshots", "--json"))
    assert shown == before | {"id": after.id, "short_id": after.id[:8], "original": snapshot.id, "tags": ["mine", "hold"]}
    assert set(before) >= {"excludes", "username", "time"}
    change_tags(repository, lambda: TagChanges({after.id: ()}))
    (last,) = json.loads(restic.run("snapshots", "--json"))
    assert (last["original"], "tags" in last) == (snapshot.id, False)
    restic.check()
    assert list(restic.restore(last["id"]).values()) == [b"theirs"]
    assert list(repository.storage.list(FileKind.LOCK)) == []
