# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import typing as t
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.holding import HoldRequest, change_holds
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.layout import CHECKPOINT
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.pruning import (
    PruneOptions,
    Pruning,
    plan_pruning,
    prune_plan,
    pruning_result,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.restore_points import plan_snapshots
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.check import check
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.errors import RepositoryLocked
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import Repository, create_repository
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.snapshots import with_tags
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage import FileKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_local import LocalStorage
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.history import (
    FINDINGS,
    GOOD,
    LEFT,
    STALE,
    UNFINISHED,
    History,
    mail_of,
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

DAY = timedelta(days=1)
DAYS = [NOON - DAY * age for age in range(400, 0, -1)]
WHATEVER = PruneOptions(now=NOON, max_delete_percent=100)


@pytest.fixture
def storage() -> RecordingStorage:
    return RecordingStorage()


@pytest.fixture
def place(storage: RecordingStorage) -> Place:
    return new_place(storage)


def data_bytes(storage: RecordingStorage) -> int:
    return sum(stored.size for stored in storage.list(FileKind.DATA))


def reasons(pruning: Pruning) -> list[tuple[str, ...]]:
    return [each.reasons for each in pruning.decisions if each.is_kept]


def test_inv06_whoever_fails_or_has_left_is_kept_in_the_newest_snapshot_that_has_the_last_good_state(place: Place) -> None:
    history = History(place.repository)
    history.add(DAYS[0], alice=GOOD, failing=GOOD, leaver=GOOD, never=UNFINISHED)
    history.add(DAYS[1], alice=GOOD, failing=STALE, leaver=LEFT, never=UNFINISHED)
    history.add(DAYS[2], alice=FINDINGS, failing=STALE, leaver=LEFT, never=UNFINISHED)
    pruning = prune_plan(place.repository, plan_with(keep_last=1), WHATEVER)
    assert reasons(pruning) == [("number 1 of the last 1", "last good state of 3 members", "all that was ever read of 1 member")]
    repository = place.reopen()
    (left,) = repository.snapshots()
    for member in ("leaver", "failing"):
        assert mail_of(repository, left, member).startswith(f"mail of {member} at {DAYS[0]}".encode())


def test_inv06_a_good_state_that_a_half_read_one_replaced_stays_where_it_is(place: Place) -> None:
    history = History(place.repository)
    good = history.add(DAYS[0], alice=GOOD, bob=GOOD)
    history.add(DAYS[1], alice=UNFINISHED, bob=GOOD)
    history.add(DAYS[2], alice=UNFINISHED, bob=GOOD)
    pruning = prune_plan(place.repository, plan_with(keep_last=1), WHATEVER)
    assert reasons(pruning)[0] == ("last good state of 1 member",)
    assert mail_of(place.reopen(), good, "alice").startswith(f"mail of alice at {DAYS[0]}".encode())


def test_inv06_a_member_that_is_in_no_later_snapshot_keeps_its_old_one(place: Place) -> None:
    history = History(place.repository)
    history.add(DAYS[0], alice=GOOD, forgotten=GOOD)
    history.add(DAYS[1], alice=GOOD)
    history.add(DAYS[2], alice=GOOD)
    assert len(reasons(prune_plan(place.repository, plan_with(keep_last=1), WHATEVER))) == 2


def test_inv06_a_checkpoint_with_the_only_good_state_of_a_member_stays(place: Place) -> None:
    history = History(place.repository)
    history.add(DAYS[0], alice=GOOD)
    checkpoint = history.add(DAYS[1], outcome=CHECKPOINT, alice=GOOD, bob=GOOD)
    history.add(DAYS[2], alice=GOOD)
    pruning = prune_plan(place.repository, plan_with(keep_last=1), WHATEVER)
    assert reasons(pruning)[0] == ("last good state of 1 member",)
    assert mail_of(place.reopen(), checkpoint, "bob")


class Case(t.NamedTuple):
    """One snapshot: days since the one before, what it says of two members, what sort it is, its hold."""

    days: int
    alice: str
    bob: str
    is_checkpoint: bool
    is_held: bool


cases = st.lists(
    st.builds(
        Case, st.integers(0, 9), st.sampled_from("gsul"), st.sampled_from("gsul"), st.booleans(), st.sampled_from([False] * 6 + [True])
    ),
    min_size=1,
    max_size=9,
)
STATUS = {"g": GOOD, "s": STALE, "u": UNFINISHED, "l": LEFT}


@settings(max_examples=40, deadline=None)
@given(cases, st.sampled_from([{"keep_last": 1}, {"keep_last": 2}, {"keep_daily": 2}, {"keep_days": 5}, {}]), st.booleans())
def test_inv09_check_mode_says_exactly_what_a_prune_then_does(drawn: list[Case], rules: dict[str, int], has_leftovers: bool) -> None:
    storage = RecordingStorage()
    place = new_place(storage)
    history = History(place.repository)
    moment = DAYS[0]
    held = set()
    for number, case in enumerate(drawn):
        moment += DAY * case.days + timedelta(hours=1)
        outcome = CHECKPOINT if case.is_checkpoint else "complete"
        snapshot = history.add(moment, outcome=outcome, alice=STATUS[case.alice], bob=STATUS[case.bob])
        if case.is_held:
            content = place.repository.files.read(FileKind.SNAPSHOT, snapshot.id)
            name, _size = place.repository.files.write(
                FileKind.SNAPSHOT, with_tags(snapshot.id, content, [*snapshot.tags, f"hold:{number}"])
            )
            held.add(name)  # and the copy without the hold stays, as after a crash
    if has_leftovers:
        with place.repository.writing() as writer:
            writer.save_file([b"nobody needs this"])
    plan = plan_with(**rules)
    files = dict(storage.files)
    preview = plan_pruning(place.reopen(), plan, WHATEVER)
    assert storage.files == files
    before = data_bytes(storage)
    done = prune_plan(place.reopen(), plan, WHATEVER)
    assert done == preview
    assert before - data_bytes(storage) == preview.effect.bytes_freed
    assert (
        pruning_result(done, plan, check_mode=False, diff=True)["diff"] == pruning_result(preview, plan, check_mode=True, diff=True)["diff"]
    )
    repository = place.reopen()
    left = {snapshot.id for snapshot in repository.snapshots()}
    assert left == {each.point.snapshot_id for each in done.decisions if each.is_kept}
    assert left >= held
    assert check(repository, read_data=True) == []
    again = prune_plan(repository, plan, WHATEVER)
    assert (again.changed, again.effect.bytes_freed) == (False, 0)


def test_a_prune_that_would_take_most_of_the_history_touches_nothing_and_says_the_figures(place: Place, storage: RecordingStorage) -> None:
    history = History(place.repository, content_size=50)
    for day in DAYS[:12]:
        history.add(day, alice=GOOD)
    plan, options = plan_with(keep_last=3), PruneOptions(now=NOON)
    files = dict(storage.files)
    preview, refused = plan_pruning(place.reopen(), plan, options), prune_plan(place.reopen(), plan, options)
    assert preview == refused
    assert refused.refusal == (
        "Nothing was pruned: 9 of 12 restore points of plan sales would go, and with them 9 of 12 days of its history"
        " (75.0 %; max_delete_percent is 50)."
    )
    assert not refused.changed
    assert pruning_result(refused, plan, check_mode=False, diff=False)["snapshots_removed"] == 9
    assert storage.files == files
    done = prune_plan(place.reopen(), plan, dataclasses.replace(options, max_delete_percent=75))
    assert (done.refusal, done.effect) == (None, refused.effect)
    assert len(place.reopen().snapshots()) == 3


def test_inv06_a_hold_that_comes_while_the_lock_is_waited_for_counts(place: Place, storage: RecordingStorage) -> None:
    history = History(place.repository)
    first = history.add(DAYS[0], alice=GOOD)
    history.add(DAYS[1], alice=GOOD)
    files = place.repository.files
    names: list[str] = []

    def hold_at_the_last_moment(action: str, kind: FileKind) -> None:
        if (action, kind, names) == ("put", FileKind.LOCK, []):
            content = files.read(FileKind.SNAPSHOT, first.id)
            names.append("")
            names[0], _size = files.write(FileKind.SNAPSHOT, with_tags(first.id, content, [*first.tags, "hold:late"]))
            storage.delete(FileKind.SNAPSHOT, first.id)

    storage.before_change = hold_at_the_last_moment
    pruning = prune_plan(place.reopen(), plan_with(keep_last=1), WHATEVER)
    assert reasons(pruning)[0] == ("held: late",)
    assert names[0] in {snapshot.id for snapshot in place.reopen().snapshots()}


def test_a_restore_point_from_the_future_is_kept_and_warned_of(place: Place) -> None:
    history = History(place.repository)
    history.add(DAYS[-2], alice=GOOD)
    history.add(DAYS[-1], alice=GOOD)
    history.add(NOON + DAY, alice=GOOD)
    pruning = prune_plan(place.repository, plan_with(keep_last=1), WHATEVER)
    assert [each.is_kept for each in pruning.decisions] == [False, True, True]
    (warning,) = pruning.warnings(NOON)
    assert "1 restore point of the plan, the newest of 2026-11-24 12:00:00 UTC, lies in the future" in warning


def test_a_run_that_writes_is_waited_for_as_long_as_was_said(place: Place) -> None:
    History(place.repository).add(DAYS[0], alice=GOOD)
    with place.repository.writing(), pytest.raises(RepositoryLocked):
        prune_plan(place.reopen(), plan_with(keep_last=1), WHATEVER, lock_timeout=60)
    assert 60 <= place.clock.elapsed() < 70


@pytest.fixture
def restic(tmp_path: Path) -> Restic:
    return Restic(tmp_path)


@pytest.fixture
def ours(restic: Restic) -> Repository:
    return create_repository(LocalStorage(restic.repository), PASSPHRASE, kdf=CHEAP)


@needs_restic
def test_snapshots_that_restic_made_itself_are_never_pruned(restic: Restic, ours: Repository, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "file").write_text("theirs")
    history, other = History(ours), History(ours, plan_name="other")
    for day in DAYS[:3]:
        history.add(day, alice=GOOD)
    other.add(DAYS[0], alice=GOOD)
    for tags in ("", "m365", "plan:sales", "run:1,outcome:checkpoint"):
        restic.run("backup", source, "--tag", tags, "--time", f"{DAYS[0]:%Y-%m-%d} 01:00:00")
    foreign = {snapshot.id for snapshot in ours.snapshots()} - {snapshot.id for snapshot in plan_snapshots(ours, "sales")}
    prune_plan(ours, plan_with(keep_last=1), WHATEVER)
    assert foreign <= {snapshot.id for snapshot in ours.snapshots()}
    assert len(foreign) == 5
    assert len(ours.snapshots()) == 6
    restic.check()
    restored = [restic.restore(name) for name in foreign if name not in {each.id for each in plan_snapshots(ours, "other")}]
    assert [list(files.values()) for files in restored] == [[b"theirs"]] * 4


@needs_restic
def test_inv06_holds_count_for_restic_and_restics_count_for_us(restic: Restic, ours: Repository) -> None:
    history = History(ours)
    first, second, third = (history.add(day, alice=GOOD) for day in DAYS[:3])
    restic.run("tag", "--add", "hold:by hand", first.id)
    pruning = prune_plan(ours, plan_with(keep_last=1), WHATEVER)
    assert reasons(pruning)[0] == ("held: by hand",)
    assert [snapshot.first_id for snapshot in ours.snapshots()] == [first.id, third.id]
    request = HoldRequest(label="case 7", is_present=True, snapshots=(third.id,))
    change_holds(ours, plan_with(), request, is_check=False)
    fourth, fifth = (history.add(day, alice=GOOD) for day in DAYS[3:5])
    restic.run("forget", "--keep-last", "1", "--keep-tag", "hold", "--keep-tag", "hold:by hand", "--prune")
    assert [snapshot.first_id for snapshot in ours.snapshots()] == [first.id, third.id, fifth.id]
    restic.check()
    assert {second.id, fourth.id}.isdisjoint(snapshot.first_id for snapshot in ours.snapshots())
