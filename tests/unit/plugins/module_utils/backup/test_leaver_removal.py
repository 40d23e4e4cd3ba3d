# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import json
import typing as t
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import InputError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.holding import HoldRequest, change_holds
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.layout import (
    CHECKPOINT,
    MEMBERS_FILE,
    META,
    RUN_FILE,
    snapshot_tags,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.members import MemberState, members_as_json
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.pruning import (
    PruneOptions,
    Pruning,
    plan_pruning,
    prune_plan,
    pruning_result,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.restore_points import plan_snapshots
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.small_files import read_file
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.model import LeaverPolicy, Leavers, Plan
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.blobs import open_blob
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.check import check
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.index_files import read_index
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import Repository
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage import FileKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.trees import walk
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import IndexId, Node, Path, Snapshot
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.history import (
    GOOD,
    LEFT,
    STALE,
    UNFINISHED,
    History,
    mail_of,
    plan_with,
)
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import (
    NOON,
    Place,
    RecordingStorage,
    new_place,
    save_files,
)

DAY = timedelta(days=1)
DAYS = [NOON - DAY * age for age in range(40, 0, -1)]
WHATEVER = PruneOptions(now=NOON, max_delete_percent=100)
BY_HAND, FOREVER = Leavers(), Leavers(policy=LeaverPolicy.KEEP_FOREVER)


def expiring(days: int) -> Leavers:
    return Leavers(policy=LeaverPolicy.EXPIRE_AFTER_DAYS, days=days)


def plan_that(leavers: Leavers, **retention: int) -> Plan:
    return dataclasses.replace(plan_with(**retention), leavers=leavers)


@pytest.fixture
def storage() -> RecordingStorage:
    return RecordingStorage()


@pytest.fixture
def place(storage: RecordingStorage) -> Place:
    return new_place(storage)


def people_in(repository: Repository, snapshot: Snapshot) -> set[str]:
    return {path[1] for path, _node in walk(repository, snapshot.tree) if len(path) == 2} - {".m365", "content"}


def everybody(place: Place) -> list[set[str]]:
    """Who is in each restore point, oldest first."""
    repository = place.reopen()
    return [people_in(repository, snapshot) for snapshot in plan_snapshots(repository, "sales")]


def gone(pruning: Pruning) -> list[str]:
    return [one.member.id for one in pruning.removals.members]


def whole_content(repository: Repository) -> bytes:
    """Every blob that a pack holds, whether or not anything needs it."""
    key, blobs = repository.files.key, []
    for stored in repository.storage.list(FileKind.INDEX):
        for pack in read_index(repository.files, IndexId(stored.name)):
            for blob in pack.blobs:
                blobs.append(open_blob(key, blob, repository.storage.get_range(FileKind.DATA, pack.id, blob.offset, blob.length)))
    return b"\n".join(blobs)


def add_point(place: Place, time: datetime, members: t.Iterable[MemberState], run: dict[str, t.Any]) -> None:
    """A restore point of people who may have equal names, with what the run said of them."""
    with place.repository.writing() as writer:
        files: dict[Path, bytes] = {(META, MEMBERS_FILE): members_as_json(members), (META, RUN_FILE): json.dumps(run).encode()}
        files.update({(one.directory, "mail", "1.eml"): f"mail of {one.id}".encode() for one in members})
        root = writer.save_tree([Node.directory("Sales", time, save_files(writer, files))])
        writer.save_snapshot(root, time=time, paths=["/Sales"], tags=snapshot_tags("sales", "run", "complete"))


def test_inv06_only_who_has_left_long_enough_goes_and_only_by_the_policy(place: Place) -> None:
    history = History(place.repository)
    history.add(DAYS[0], alice=GOOD, bob=GOOD, carol=GOOD, dora=GOOD)
    history.add(DAYS[20], alice=GOOD, bob=LEFT, carol=GOOD, dora=STALE)
    history.add(DAYS[35], alice=GOOD, bob=LEFT, carol=LEFT, dora=STALE)
    for leavers in (BY_HAND, FOREVER, expiring(21)):
        assert not prune_plan(place.reopen(), plan_that(leavers), WHATEVER).changed
    assert everybody(place) == [{"alice", "bob", "carol", "dora"}] * 3
    pruning = prune_plan(place.reopen(), plan_that(expiring(20)), WHATEVER)
    assert gone(pruning) == ["bob"]
    assert everybody(place) == [{"alice", "carol", "dora"}] * 3
    assert b"bob" not in whole_content(place.reopen())
    repository = place.reopen()
    assert check(repository, read_data=True) == []
    assert mail_of(repository, plan_snapshots(repository, "sales")[2], "carol").startswith(f"mail of carol at {DAYS[20]}".encode())
    assert not prune_plan(place.reopen(), plan_that(expiring(20)), WHATEVER).changed


def test_inv06_the_last_good_state_of_somebody_who_is_removed_keeps_no_restore_point(place: Place) -> None:
    history = History(place.repository)
    history.add(DAYS[0], alice=GOOD, bob=GOOD)
    history.add(DAYS[1], alice=GOOD, bob=UNFINISHED)
    history.add(DAYS[2], alice=GOOD, bob=LEFT)
    plan = plan_that(BY_HAND, keep_last=1)
    assert [each.is_kept for each in plan_pruning(place.repository, plan, WHATEVER).decisions] == [True, False, True]
    by_name = dataclasses.replace(WHATEVER, remove_members=("BOB@x.example",))
    pruning = prune_plan(place.repository, plan, by_name)
    assert everybody(place) == [{"alice"}]
    result = pruning_result(pruning, plan, check_mode=False, diff=True)
    assert [(one["principal_name"], one["cause"], one["restore_points"]) for one in result["members_removed"]] == [
        ("bob@x.example", "by_hand", 1)
    ]
    assert (result["diff"]["before"]["members"], result["diff"]["after"]["members"]) == (["bob@x.example"], [])
    assert "What is stored of 1 former member was removed from those that stay: bob@x.example (1 restore point)." in result["msg"]
    again = prune_plan(place.reopen(), plan, by_name)
    assert (again.changed, again.removals.unknown) == (False, ("BOB@x.example",))
    assert again.warnings(NOON) == ["No restore point has anything of BOB@x.example, so there was nothing to remove."]


def test_members_and_those_whom_a_plan_keeps_for_ever_cannot_be_removed(place: Place, storage: RecordingStorage) -> None:
    history = History(place.repository)
    history.add(DAYS[0], alice=GOOD, bob=GOOD)
    history.add(DAYS[1], alice=GOOD, bob=LEFT)
    files = dict(storage.files)
    for leavers, name, problem in (
        (BY_HAND, "alice", "alice is a member of plan sales"),
        (expiring(1), "Alice@x.example", "Alice@x.example is a member"),
        (FOREVER, "carol", "for ever, so nothing of bob, carol was removed"),
    ):
        for act in (plan_pruning, prune_plan):
            with pytest.raises(InputError, match=problem):
                act(place.reopen(), plan_that(leavers), dataclasses.replace(WHATEVER, remove_members=("bob", name)))
    assert storage.files == files


def test_what_is_held_keeps_the_member_until_it_is_released(place: Place) -> None:
    history = History(place.repository)
    first = history.add(DAYS[0], alice=GOOD, bob=GOOD)
    history.add(DAYS[1], alice=GOOD, bob=LEFT)
    request = HoldRequest(label="case 7", is_present=True, snapshots=(first.id,))
    change_holds(place.reopen(), plan_with(), request, is_check=False)
    plan = plan_that(expiring(5))
    pruning = prune_plan(place.reopen(), plan, WHATEVER)
    assert pruning.warnings(NOON) == [
        "Holds protect what is stored of bob@x.example in 1 restore point; that stays until a prune after the holds were released."
    ]
    assert everybody(place) == [{"alice", "bob"}, {"alice"}]
    assert not prune_plan(place.reopen(), plan, WHATEVER).changed
    change_holds(place.reopen(), plan_with(), dataclasses.replace(request, is_present=False), is_check=False)
    assert gone(prune_plan(place.reopen(), plan, WHATEVER)) == ["bob"]
    assert everybody(place) == [{"alice"}] * 2
    assert plan_snapshots(place.reopen(), "sales")[0].first_id == first.id


def test_a_newest_restore_point_that_is_held_brings_the_member_back_and_that_is_said(place: Place) -> None:
    history = History(place.repository)
    history.add(DAYS[0], alice=GOOD, bob=GOOD)
    newest = history.add(DAYS[1], alice=GOOD, bob=LEFT)
    change_holds(place.reopen(), plan_with(), HoldRequest(label="x", is_present=True, snapshots=(newest.id,)), is_check=False)
    (warning,) = prune_plan(place.reopen(), plan_that(expiring(5)), WHATEVER).warnings(NOON)
    assert warning.endswith("The newest one is among them, so the next run carries that over: prune once more after it.")


def test_many_at_once_have_to_be_asked_for(place: Place, storage: RecordingStorage) -> None:
    people: dict[str, t.Any] = {f"p{number}": GOOD for number in range(8)}
    history = History(place.repository)
    history.add(DAYS[0], **people)
    history.add(DAYS[1], **{**people, "p1": LEFT, "p2": LEFT})
    files = dict(storage.files)
    plan = plan_that(expiring(5))
    refused = prune_plan(place.reopen(), plan, PruneOptions(now=NOON))
    assert refused.refusal == (
        "Nothing was pruned: What is stored of 2 of 8 members of plan sales, former ones included, would go (25.0 %; without"
        " max_delete_percent above 50 no more than 20 % may): p1@x.example, p2@x.example."
    )
    assert refused == plan_pruning(place.reopen(), plan, PruneOptions(now=NOON))
    assert storage.files == files
    assert gone(prune_plan(place.reopen(), plan, PruneOptions(now=NOON, max_delete_percent=60))) == ["p1", "p2"]


def test_somebody_whom_no_newer_restore_point_has_left_when_that_was_made(place: Place) -> None:
    history = History(place.repository)
    history.add(DAYS[0], alice=GOOD, bob=GOOD)
    history.add(DAYS[30], alice=GOOD)
    history.add(NOON + DAY, alice=GOOD, late=GOOD)
    assert gone(plan_pruning(place.reopen(), plan_that(expiring(11)), WHATEVER)) == []
    assert gone(plan_pruning(place.reopen(), plan_that(expiring(10)), WHATEVER)) == ["bob"]


def test_a_name_that_two_people_had_has_to_be_said_by_id_and_what_the_run_said_of_them_goes_too(place: Place) -> None:
    shared = "bob@x.example"
    old = MemberState(id="old", principal_name=shared, display_name="Bob", directory="bob", left=DAYS[0].isoformat())
    new = MemberState(id="new", principal_name=shared, display_name="Bob", directory="bob~1")
    other = MemberState(id="other", principal_name="other@x.example", display_name="Other", directory="other")
    counts = {"mail": {"added": 1}}
    add_point(place, DAYS[1], [old, new, other], {"run_id": "1", "members": {"other@x.example": counts}})
    add_point(place, DAYS[2], [old, dataclasses.replace(new, left=DAYS[2].isoformat()), other], {"run_id": "2"})
    plan = plan_that(BY_HAND)
    for name in (shared, "Bob@x.example"):
        with pytest.raises(InputError, match="Several people of plan sales were called") as caught:
            plan_pruning(place.repository, plan, dataclasses.replace(WHATEVER, remove_members=(name,)))
        assert f"old (left {DAYS[0].isoformat()})" in caught.value.hint
    assert gone(prune_plan(place.reopen(), plan, dataclasses.replace(WHATEVER, remove_members=("old",)))) == ["old"]
    assert everybody(place) == [{"bob~1", "other"}] * 2
    flagged = [{"member": shared, "name": "invoice"}, {"member": "other@x.example", "name": "offer"}]
    add_point(place, DAYS[3], [new, other], {"run_id": "3", "members": {shared: counts, "other@x.example": counts}, "flagged": flagged})
    add_point(place, DAYS[4], [dataclasses.replace(new, left=DAYS[4].isoformat()), other], {"run_id": "4"})
    assert gone(prune_plan(place.reopen(), plan, dataclasses.replace(WHATEVER, remove_members=(shared,)))) == ["new"]
    repository = place.reopen()
    run = read_file(repository, plan_snapshots(repository, "sales")[2].tree, ("Sales", META, RUN_FILE))
    assert json.loads(run or b"") == {"run_id": "3", "members": {"other@x.example": counts}, "flagged": flagged[1:]}
    assert b"bob" not in whole_content(repository)


class Case(t.NamedTuple):
    """One snapshot: days since the one before, what it says of three members, what sort it is, its hold."""

    days: int
    members: tuple[str, str, str]
    is_checkpoint: bool
    is_held: bool


STATUS = {"g": GOOD, "s": STALE, "u": UNFINISHED, "l": LEFT}
cases = st.lists(
    st.builds(
        Case,
        st.integers(0, 9),
        st.tuples(*[st.sampled_from("gsul")] * 3),
        st.sampled_from([False] * 4 + [True]),
        st.sampled_from([False] * 6 + [True]),
    ),
    min_size=1,
    max_size=7,
)
NAMES = ("alice", "bob", "carol")


@settings(max_examples=40, deadline=None)
@given(
    cases, st.sampled_from([{"keep_last": 2}, {"keep_daily": 3}, {}]), st.sampled_from([BY_HAND, expiring(0), expiring(9)]), st.booleans()
)
def test_inv09_check_mode_says_exactly_whose_backups_a_prune_removes(
    drawn: list[Case], rules: dict[str, int], leavers: Leavers, is_by_hand: bool
) -> None:
    storage = RecordingStorage()
    place = new_place(storage)
    history = History(place.repository)
    moment = NOON - DAY * sum(case.days + 1 for case in drawn)
    made = []
    for case in drawn:
        moment += DAY * case.days + timedelta(hours=1)
        members = {name: STATUS[status] for name, status in zip(NAMES, case.members, strict=True)}
        made.append(history.add(moment, outcome=CHECKPOINT if case.is_checkpoint else "complete", **members))
        if case.is_held:
            request = HoldRequest(label="x", is_present=True, snapshots=(made[-1].id,))
            change_holds(place.repository, plan_with(), request, is_check=False)
    before = {each.first_id: people_in(place.repository, each) for each in plan_snapshots(place.repository, "sales")}
    held = {each.first_id for each in plan_snapshots(place.repository, "sales") if "hold" in each.tags}
    left = [name for name, status in zip(NAMES, drawn[-1].members, strict=True) if status == "l"]
    plan = plan_that(leavers, **rules)
    options = dataclasses.replace(WHATEVER, remove_members=tuple(left[:1]) if is_by_hand else ())
    files = dict(storage.files)
    preview = plan_pruning(place.reopen(), plan, options)
    assert storage.files == files
    size = sum(stored.size for stored in storage.list(FileKind.DATA))
    done = prune_plan(place.reopen(), plan, options)
    assert done == preview
    assert size - sum(stored.size for stored in storage.list(FileKind.DATA)) == preview.effect.bytes_freed
    repository = place.reopen()
    assert check(repository, read_data=True) == []
    after = {each.first_id: people_in(repository, each) for each in plan_snapshots(repository, "sales")}
    assert set(gone(done)) <= set(left)
    for point, people in after.items():
        assert people == (before[point] if point in held else before[point] - set(gone(done)))
    assert held <= after.keys()
    assert not prune_plan(repository, plan, options).changed
