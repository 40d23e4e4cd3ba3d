# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an administrator asks of plans, restore points and members, after runs in which not everything went well."""

from __future__ import annotations

import dataclasses
import typing as t
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.document import plan_from_dict
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.store import PlanStore, StoredPlan
from ansible_collections.tenantvault.m365_backup.tests.integration.playbook import PASSPHRASE, Answer, Playbook
from ansible_collections.tenantvault.m365_backup.tests.integration.stored_plan import declare
from tenant.harness import RunningTenant

ALICE, BOB, CAROL = "alice@contoso.com", "bob@contoso.com", "carol@contoso.com"
DAILY = {"every": "daily", "at": "22:30", "timezone": "Europe/Berlin", "window": {"start": "20:00", "end": "06:00"}}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Told:
    """The answers of the story below. C(checked) are those of the last four again, in check mode; C(written) is what they have written."""

    before: Answer
    first: Answer
    quiet: Answer
    sick: Answer
    points: Answer
    bob: Answer
    plans: Answer
    checked: list[Answer]
    written: set[str]


@pytest.fixture(scope="module")
def playbook(tenant: RunningTenant, tmp_path_factory: pytest.TempPathFactory) -> Playbook:
    """Three people in a plan of mail, one of them in a second plan in the same repository, too."""
    control = tenant.control
    control.reset()
    control.add_group("Sales")
    for user in (ALICE, BOB, CAROL):
        control.add_user(user)
        control.add_member("Sales", user)
        control.deliver_generated(user, 2, folder=None, size_limit=20_000)
    playbook = Playbook(tenant=tenant, folder=tmp_path_factory.mktemp("info"))
    repository = declare(playbook, schedule=DAILY, retention={"keep_last": 1}, sources=["mail", "settings"])
    board = plan_from_dict(
        {
            "title": "The board {{ 7 * 7 }}",
            "users": [ALICE],
            "backup_type": "mailbox",
            "sources": ["mail"],
            "repository": str(playbook.repository),
        }
    )
    PlanStore(playbook.state_path).save(StoredPlan(plan=board, repository_id=repository.id))
    return playbook


@pytest.fixture(scope="module")
def told(playbook: Playbook) -> Told:
    """A first run, one without news, and one in which Alice's mailbox could not be read and Bob had left."""
    control = playbook.tenant.control
    run = playbook.task("m365_backup_run", plan="sales")
    coverage = playbook.task("m365_backup_coverage_info", plans=["Sales"])
    before = playbook.task("m365_backup_coverage_info", fail_on=["never"])
    answers = playbook.run(before, run, coverage, run, coverage).answers
    control.set_mailbox_state(ALICE, "access_denied")
    control.remove_member("Sales", BOB)
    playbook.run(run)
    asked: list[tuple[str, dict[str, t.Any]]] = [
        ("m365_backup_coverage_info", {"verdicts": True, "fail_on": ["stale", "infected"]}),
        ("m365_backup_snapshot_info", {"plan": "sales"}),
        ("m365_backup_snapshot_info", {"plan": "sales", "member": BOB, "latest": True}),
        ("m365_group_backup_plan_info", {"as_tasks": True}),
    ]
    files = _files(playbook.folder)
    later = playbook.run(
        *(playbook.task(module, check_mode=check, **options) for check in (False, True) for module, options in asked)
    ).answers
    sick, points, bob, plans = later[:4]
    return Told(
        before=answers[0],
        first=answers[2],
        quiet=answers[4],
        sick=sick,
        points=points,
        bob=bob,
        plans=plans,
        checked=later[4:],
        written={path for path, _facts in files.items() ^ _files(playbook.folder).items()},
    )


def _files(folder: Path) -> dict[str, tuple[int, int]]:
    """What lies in the repository and the state path, and when it was written."""
    roots = (folder / "repository", folder / "state")
    files = [path for root in roots for path in root.rglob("*") if path.is_file()]
    return {str(path): (path.stat().st_mtime_ns, path.stat().st_size) for path in files}


def _problems(answer: Answer) -> dict[str, list[str]]:
    return {member["principal_name"]: member["problems"] for member in answer["plans"][0]["members"]}


def test_before_the_first_run_nobody_is_protected(told: Told) -> None:
    assert told.before["failed"]
    assert not told.before["all_protected"]
    assert [plan["restore_point"] for plan in told.before["plans"]] == [None, None]
    assert told.before["msg"].startswith("Without any restore point: sales, the-board-7-7.")


def test_after_a_run_everybody_is_and_one_without_news_makes_it_more_recent(told: Told) -> None:
    assert _problems(told.first) == {ALICE: [], BOB: [], CAROL: []}
    assert told.first["all_protected"]
    first, quiet = (answer["plans"][0] for answer in (told.first, told.quiet))
    assert (first["restore_point"], first["max_age_hours"]) == (quiet["restore_point"], 50.0)
    assert first["last_run"]["run_id"] < quiet["last_run"]["run_id"]
    assert all(old["last_good"] < new["last_good"] for old, new in zip(first["members"], quiet["members"], strict=True))


def test_who_could_not_be_read_and_who_has_left_are_named(told: Told) -> None:
    assert _problems(told.sick) == {ALICE: ["stale"], CAROL: []}
    alice = told.sick["plans"][0]["members"][0]
    assert alice["is_protected"]
    assert alice["sources"]["mail"]["findings"][0]["kind"] == "failed"
    (bob,) = told.sick["plans"][0]["former"]
    assert (bob["principal_name"], bob["reason"], bob["sources"]["mail"]["verdicts"]["not_scanned"]) == (BOB, "not_selected", 2)
    (seats,) = told.sick["seats"]
    assert (seats["used"], seats["leavers"]) == (2, 1)


def test_a_task_that_shall_fail_on_a_problem_fails_and_names_who_has_it(told: Told) -> None:
    assert told.sick["failed"]
    assert told.sick["msg"].startswith(f"1 member has a problem that fails this task: {ALICE} of sales (stale).")


def test_the_restore_points_say_how_members_were_and_what_a_prune_would_do(told: Told) -> None:
    first, second = told.points["snapshots"]
    assert [each["outcome"] for each in (first, second)] == ["complete", "partial"]
    assert (second["member_counts"]["stale"], second["member_counts"]["former"]) == (1, 1)
    assert [(each["kept"], each["reasons"][0]) for each in (first, second)] == [
        (False, "no retention rule keeps it"),
        (True, "number 1 of the last 1"),
    ]
    (only,) = told.bob["snapshots"]
    assert only["id"] == second["id"]
    assert [(each["principal_name"], each["left_reason"]) for each in only["members"]] == [(BOB, "not_selected")]


def test_none_of_the_modules_changes_anything_and_check_mode_says_the_same(told: Told) -> None:
    assert told.written == set()
    for real, checked in zip((told.sick, told.points, told.bob, told.plans), told.checked, strict=True):
        assert not real["changed"]
        assert _without_ages(real) == _without_ages(checked)


def _without_ages(value: t.Any) -> t.Any:
    """What does not depend on the moment of the question."""
    if isinstance(value, dict):
        return {key: _without_ages(inner) for key, inner in value.items() if key not in ("age_hours", "invocation")}
    return [_without_ages(inner) for inner in value] if isinstance(value, list) else value


def test_exported_tasks_recreate_the_plans_on_another_host(playbook: Playbook, told: Told) -> None:
    assert told.plans["plans"][1]["schedule"] is None
    schedule = told.plans["plans"][0]["schedule"]
    assert (len(schedule["next"]), schedule["longest_gap_hours"]) == (5, 25.0)
    assert PASSPHRASE not in str(told.plans)
    exported, other = playbook.folder / "plans.yml", playbook.folder / "other"
    exported.write_text(told.plans["tasks_yaml"], encoding="utf-8")
    playbook.run({"ansible.builtin.include_tasks": str(exported)}, defaults={**playbook.defaults(), "state_path": str(other)})
    plans = {path.name: path.read_bytes() for path in (playbook.state_path / "plans").iterdir()}
    assert {path.name: path.read_bytes() for path in (other / "plans").iterdir()} == plans
