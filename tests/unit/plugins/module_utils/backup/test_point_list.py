# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restore points as people look through them."""

from __future__ import annotations

import typing as t
from datetime import datetime, timedelta

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import InputError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.point_list import PointWish, list_points, point_list_result
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.pruning import PruneOptions, plan_pruning
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.model import Plan
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import Repository
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage import FileKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import BlobId, BlobKind
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.groups import Group, mailbox, member
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.history import (
    FINDINGS,
    GOOD,
    LEFT,
    STALE,
    UNFINISHED,
    History,
    plan_with,
)
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.losses import in_memory, lose
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import (
    NOON,
    MemoryStorage,
    Place,
    new_place,
)

DAY = timedelta(days=1)


@pytest.fixture
def place() -> Place:
    """Four restore points, one a day, and what an interrupted run has left."""
    place = new_place(MemoryStorage())
    history = History(place.repository)
    history.add(NOON, anna=GOOD)
    history.add(NOON + DAY, anna=GOOD, bob=GOOD)
    history.add(NOON + 2 * DAY, anna=FINDINGS, bob=STALE)
    history.add(NOON + 3 * DAY, anna=GOOD, bob=LEFT)
    history.add(NOON + 4 * DAY, outcome="checkpoint", anna=UNFINISHED, bob=LEFT)
    return place


def shown(place: Place, plan: Plan | None = None, **wish: t.Any) -> list[dict[str, t.Any]]:
    return answer(place.reopen(), plan or plan_with(keep_last=2), **wish)["snapshots"]


def answer(repository: Repository, plan: Plan, **wish: t.Any) -> dict[str, t.Any]:
    wanted = PointWish(**wish)
    return point_list_result(list_points(repository, plan, wanted, now=NOON + 5 * DAY), plan, wanted)


def days(snapshots: t.Iterable[dict[str, t.Any]]) -> list[int]:
    return [(datetime.fromisoformat(each["time"]) - NOON).days for each in snapshots]


@pytest.mark.parametrize(
    ("wish", "wanted"),
    [
        ({}, [0, 1, 2, 3, 4]),
        ({"latest": True}, [3]),
        ({"since": "2026-11-24"}, [1, 2, 3, 4]),
        ({"up_to": "2026-11-24"}, [0, 1]),
        ({"since": "2026-11-24T00:00:00+00:00", "up_to": "2026-11-25", "latest": True}, [2]),
        ({"member": "BOB@x.example"}, [1, 2, 3, 4]),
        ({"member": "bob", "up_to": "2026-11-25", "latest": True}, [2]),
        ({"member": "carol"}, []),
        ({"since": "2026-11-27"}, [4]),
        ({"since": "2026-11-27", "latest": True}, [4]),
    ],
)
def test_restore_points_are_chosen_by_time_and_member(place: Place, wish: dict[str, t.Any], wanted: list[int]) -> None:
    assert days(shown(place, **wish)) == wanted


def test_each_says_how_its_members_were_and_how_its_run_ended(place: Place) -> None:
    counts = [each["member_counts"] for each in shown(place)]
    assert counts[2] == {"active": 2, "good": 0, "findings": 1, "stale": 1, "unfinished": 0, "not_read": 0, "former": 0}
    assert counts[4] == {"active": 1, "good": 0, "findings": 0, "stale": 0, "unfinished": 1, "not_read": 0, "former": 1}
    assert [(each["outcome"], each["is_checkpoint"]) for each in shown(place)[-2:]] == [("complete", False), ("checkpoint", True)]


def test_only_the_members_that_were_asked_for_are_listed(place: Place) -> None:
    assert "members" not in shown(place)[0]
    (bob,) = shown(place, member="bob")[-1]["members"]
    assert (bob["id"], bob["left"], bob["is_stored"]) == ("bob", "2026-11-26T12:00:00+00:00", True)
    assert [each["id"] for each in shown(place, is_detailed=True)[1]["members"]] == ["anna", "bob"]


@pytest.mark.parametrize("wish", [{}, {"member": "bob"}, {"latest": True}])
def test_what_retention_says_is_what_a_prune_decides(place: Place, wish: dict[str, t.Any]) -> None:
    plan = plan_with(keep_last=1)
    pruning = plan_pruning(place.reopen(), plan, PruneOptions(now=NOON + 5 * DAY, max_delete_percent=100))
    decided = {each.point.snapshot_id: (each.is_kept, list(each.reasons)) for each in pruning.decisions}
    for each in shown(place, plan, **wish):
        assert (each["kept"], each["reasons"]) == decided[each["id"]]


def test_the_counts_are_those_of_the_run_that_left_it() -> None:
    group = Group()
    result = group.run([member("anna")], anna=mailbox("m1", "m2"))
    (point,) = answer(group.place.reopen(), group.plan)["snapshots"]
    assert point["counts"] == result.counts.as_dict()
    assert (point["run_id"], point["host"], point["title"]) == (result.run_id, "backup1", "Sales")


def test_damage_hides_nothing_else(place: Place) -> None:
    repository = place.reopen()
    lost, damaged = repository.snapshots()[1:3]
    lose(place, (BlobKind.TREE, BlobId(lost.tree)))
    in_memory(place).files[FileKind.SNAPSHOT, damaged.id] = b"damaged"
    plan = plan_with(keep_last=2)
    found = list_points(place.reopen(), plan, PointWish(), now=NOON + 5 * DAY)
    assert [point.member_counts is None for point in found.points] == [False, True, False, False]
    assert len(found.warnings) == 2
    assert point_list_result(found, plan, PointWish())["snapshots"][1]["member_counts"] is None


def test_a_time_that_nobody_understands_is_refused(place: Place) -> None:
    with pytest.raises(InputError, match="neither a date nor a time"):
        shown(place, since="last week")


def test_a_plan_without_restore_points_has_an_empty_list() -> None:
    found = answer(new_place(MemoryStorage()).repository, plan_with())
    assert (found["snapshots"], found["snapshots_total"]) == ([], 0)
