# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import stat
import typing as t
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import InputError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.document import plan_from_dict
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.errors import DamagedPlan, PlanNotFound, StateUnusable
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.model import Plan
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.store import PlanStore, StoredPlan
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.plan.strategies import plans


def plan(title: str = "Sales", **declared: t.Any) -> Plan:
    return plan_from_dict({"title": title, "groups": ["Sales"], "backup_type": "mailbox", "repository": "/srv/backup", **declared})


@pytest.fixture
def store(tmp_path: Path) -> PlanStore:
    return PlanStore(tmp_path / "state")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plans, st.none() | st.from_regex("[0-9a-f]{64}", fullmatch=True))
def test_a_plan_is_loaded_as_it_was_stored(store: PlanStore, wanted: Plan, repository_id: str | None) -> None:
    stored = StoredPlan(plan=wanted, repository_id=repository_id)
    store.save(stored)
    assert store.load(wanted.name) == stored


def test_a_plan_is_found_by_its_name_and_by_its_title(store: PlanStore) -> None:
    store.save(StoredPlan(plan=plan("Sales & Co")))
    assert store.find("sales-co") == store.find("Sales & Co")


def test_plans_are_chosen_in_the_order_of_the_wish_each_once_and_all_by_name_without_one(store: PlanStore) -> None:
    for title in ("Sales & Co", "Board"):
        store.save(StoredPlan(plan=plan(title)))
    assert [each.plan.title for each in store.choose(["Sales & Co", "board", "sales-co"])] == ["Sales & Co", "Board"]
    assert [each.plan.title for each in store.choose([])] == ["Board", "Sales & Co"]


def test_a_name_wins_over_a_title(store: PlanStore) -> None:
    store.save(StoredPlan(plan=plan("Sales")))
    store.save(StoredPlan(plan=plan("sales", name="other")))
    assert store.find("sales").plan.name == "sales"


def test_an_unknown_plan_is_answered_with_the_plans_there_are(store: PlanStore) -> None:
    store.save(StoredPlan(plan=plan("Sales & Co")))
    with pytest.raises(PlanNotFound, match=r"'Seles'.*sales-co \(Sales & Co\)"):
        store.find("Seles")


def test_without_any_plan_the_state_path_is_suspected(store: PlanStore) -> None:
    with pytest.raises(PlanNotFound, match="state_path"):
        store.find("../etc/passwd")


def test_only_the_owner_can_read_a_plan_whatever_the_umask_is(store: PlanStore) -> None:
    old = os.umask(0)
    try:
        store.save(StoredPlan(plan=plan()))
    finally:
        os.umask(old)
    assert stat.S_IMODE(store.path("sales").stat().st_mode) == 0o600
    assert stat.S_IMODE(store.path("sales").parent.stat().st_mode) == 0o700


def test_a_plan_is_replaced_and_nothing_else_is_left_in_the_folder(store: PlanStore) -> None:
    store.save(StoredPlan(plan=plan()))
    store.save(StoredPlan(plan=plan(users=["a@example.com"])))
    assert [path.name for path in store.path("sales").parent.iterdir()] == ["sales.json"]
    assert [stored.plan.selection.chosen.users for stored in store.list()] == [("a@example.com",)]


def test_a_file_that_cannot_be_written_keeps_the_old_plan_and_leaves_no_other(store: PlanStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.save(StoredPlan(plan=plan()))

    def full_disk(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(StateUnusable, match="No space left on device"):
        store.save(StoredPlan(plan=plan(users=["a@example.com"])))
    assert store.load("sales") == StoredPlan(plan=plan())
    assert [path.name for path in store.path("sales").parent.iterdir()] == ["sales.json"]


def test_removing_a_plan_says_whether_there_was_one(store: PlanStore) -> None:
    store.save(StoredPlan(plan=plan()))
    assert [store.delete("sales"), store.delete("sales")] == [True, False]
    assert store.list() == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda _text: "",
        lambda text: text[: len(text) // 2],
        lambda _text: "[]",
        lambda _text: '{"format": 1}',
        lambda text: text.replace("mailbox", "mailbag"),
        lambda text: text.replace('"sales"', '"bought"'),
        lambda text: text.replace('"format": 1', '"format": 2'),
        lambda text: text.replace('"repository_id": null', '"repository_id": 7'),
        lambda text: text.replace('"title": "Sales"', '"title": null'),
    ],
)
def test_a_damaged_plan_is_named_with_its_file(store: PlanStore, damage: t.Callable[[str], str]) -> None:
    store.save(StoredPlan(plan=plan()))
    path = store.path("sales")
    path.write_text(damage(path.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(DamagedPlan, match=str(path)):
        store.find("sales")


def test_a_state_path_that_is_a_file_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(StateUnusable, match="state_path"):
        PlanStore(tmp_path / "state").save(StoredPlan(plan=plan()))


@pytest.mark.parametrize("name", ["", "../sales", "Sales", "a/b", "-a", "x" * 65])
def test_what_is_no_name_never_becomes_a_path(store: PlanStore, name: str) -> None:
    with pytest.raises(InputError):
        store.path(name)
