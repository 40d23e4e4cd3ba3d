# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What restore points and records of runs say about who is protected."""

from __future__ import annotations

import dataclasses
import typing as t
from datetime import datetime, timedelta
from pathlib import Path

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.coverage import PlanCoverage, read_coverage
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.coverage_report import CoverageWish, report_coverage
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.coverage_result import (
    coverage_result,
    coverage_sentence,
    failure_sentence,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.protection import Problem
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.results import Outcome, RunResult
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.seats import stored_holders
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.document import plan_from_dict
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.model import Plan
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.promise import promised_age
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.seats import seat_ledger
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.store import StoredPlan
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.report.past_runs import PastRun
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import Repository
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage import FileKind
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.groups import Group, mailbox, member
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.history import (
    GOOD,
    LEFT,
    STALE,
    UNFINISHED,
    History,
)
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.graph.fakes import refusal
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.losses import in_memory
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import NOON, MemoryStorage, new_place

ANNA, BOB = member("anna"), member("bob")
DAY = timedelta(days=1)
PROMISE = 2 * DAY
MAIL_ONLY = plan_from_dict(
    {"title": "Sales", "users": ["anna"], "backup_type": "mailbox", "sources": ["mail"], "repository": "/r", "schedule": {"every": "daily"}}
)


def covered(repository: Repository, now: datetime, *runs: PastRun, plan: Plan = MAIL_ONLY) -> PlanCoverage:
    return read_coverage(repository, plan, now=now, max_age=PROMISE, runs=runs)


def problems(cover: PlanCoverage) -> dict[str, list[str]]:
    return {each.member.id: [problem.value for problem in each.problems] for each in cover.members}


def past(result: RunResult, *, restore_point: str | None) -> PastRun:
    """The record of a run."""
    read = {
        (one.id, source.source): source.last_success
        for one in result.members
        for source in one.sources
        if source.outcome is not Outcome.FAILED and source.last_success is not None
    }
    return PastRun(run_id=result.run_id, end=result.ended, outcome=result.outcome.value, restore_point=restore_point, read=read)


def test_a_member_is_protected_until_the_promised_age_is_over() -> None:
    group = Group()
    group.run([ANNA, BOB], anna=mailbox("m1"), bob=mailbox("m2"))
    repository = group.place.reopen()
    assert problems(covered(repository, group.moment + DAY)) == {"anna": [], "bob": []}
    late = covered(repository, group.moment + 3 * DAY)
    assert problems(late) == {"anna": ["old"], "bob": ["old"]}
    assert not late.is_protected


def test_a_run_without_news_counts_by_its_record_if_the_restore_point_that_it_names_is_still_there() -> None:
    group = Group()
    first = group.run([ANNA], anna=mailbox("m1"))
    group.moment += 10 * DAY
    second = group.run([ANNA], anna=mailbox("m1"))
    assert (second.snapshot_id, second.restore_point) == (None, first.snapshot_id)
    now, repository = group.moment + DAY, group.place.reopen()
    assert problems(covered(repository, now)) == {"anna": ["old"]}
    assert problems(covered(repository, now, past(second, restore_point="0" * 64))) == {"anna": ["old"]}
    cover = covered(repository, now, past(second, restore_point=second.restore_point))
    assert problems(cover) == {"anna": []}
    assert cover.last_run is not None
    assert cover.last_run.run_id == second.run_id


def test_a_restore_point_of_a_run_that_ended_shows_that_all_its_good_sources_were_read_then() -> None:
    group = Group()
    group.run([ANNA, BOB], anna=mailbox("m1"), bob=mailbox("m2"))
    group.moment += 10 * DAY
    changed = mailbox("m2")
    changed.said["in"] = [changed.put("m3", "in")]
    group.run([ANNA, BOB], anna=mailbox("m1"), bob=changed)
    assert problems(covered(group.place.reopen(), group.moment + DAY)) == {"anna": [], "bob": []}


def test_who_could_not_be_read_is_stale_first_and_unprotected_when_the_promise_is_broken() -> None:
    group = Group()
    group.run([ANNA, BOB], anna=mailbox("m1"), bob=mailbox("m2"))
    sick = mailbox("m1")
    sick.refusal = refusal(403, "ErrorAccessDenied")
    group.run([ANNA, BOB], anna=sick, bob=mailbox("m2"))
    repository = group.place.reopen()
    soon, late = (covered(repository, group.moment + age) for age in (DAY, 3 * DAY))
    assert problems(soon) == {"anna": ["stale"], "bob": []}
    assert problems(late)["anna"] == ["old", "stale"]
    (source,) = soon.members[0].sources
    assert (source.finding_count, source.findings[0]["code"]) == (1, "ErrorAccessDenied")


def test_a_source_that_fails_is_as_old_as_the_last_run_that_has_read_it_also_where_that_found_nothing_new() -> None:
    group = Group()
    first = group.run([ANNA], anna=mailbox("m1"))
    group.moment += 10 * DAY
    quiet = group.run([ANNA], anna=mailbox("m1"))
    sick = mailbox("m1")
    sick.refusal = refusal(403, "ErrorAccessDenied")
    failed = group.run([ANNA], anna=sick)
    runs = [past(run, restore_point=run.restore_point) for run in (failed, quiet, first)]
    cover = covered(group.place.reopen(), group.moment + DAY, *runs)
    assert problems(cover) == {"anna": ["stale"]}
    assert cover.members[0].last_good == runs[1].read["anna", "mail"]


def test_who_has_left_is_listed_apart_and_breaks_no_promise() -> None:
    group = Group()
    group.run([ANNA, BOB], anna=mailbox("m1"), bob=mailbox("m2"))
    group.run([ANNA], anna=mailbox("m1"))
    cover = covered(group.place.reopen(), group.moment + DAY)
    assert (list(problems(cover)), [each.member.id for each in cover.left]) == (["anna"], ["bob"])
    assert cover.is_protected
    assert cover.left[0].last_good is not None


def test_what_an_interrupted_run_has_begun_anew_does_not_hide_what_was_finished_before() -> None:
    place = new_place(MemoryStorage())
    history = History(place.repository)
    history.add(NOON, anna=GOOD)
    history.add(NOON + DAY, outcome="checkpoint", anna=UNFINISHED, bob=UNFINISHED)
    cover = covered(place.reopen(), NOON + DAY)
    assert problems(cover) == {"anna": [], "bob": ["unfinished"]}
    assert cover.point is not None
    assert cover.point.is_checkpoint


def test_a_source_that_was_never_read_and_a_plan_that_never_ran_protect_nobody() -> None:
    place = new_place(MemoryStorage())
    assert not covered(place.repository, NOON).is_protected
    History(place.repository).add(NOON, anna=GOOD)
    both = dataclasses.replace(MAIL_ONLY, sources=("mail", "calendar"))
    assert problems(covered(place.reopen(), NOON, plan=both)) == {"anna": ["never"]}


def test_a_restore_point_that_is_damaged_is_passed_over_with_a_warning() -> None:
    place = new_place(MemoryStorage())
    history = History(place.repository)
    history.add(NOON, anna=GOOD)
    newest = history.add(NOON + DAY, anna=STALE)
    in_memory(place).files[FileKind.SNAPSHOT, newest.id] = b"damaged"
    cover = covered(place.reopen(), NOON + DAY)
    assert problems(cover) == {"anna": []}
    assert newest.id in " ".join(cover.warnings)


def test_a_clock_that_was_ahead_makes_nobody_look_protected() -> None:
    place = new_place(MemoryStorage())
    History(place.repository).add(NOON + 30 * DAY, anna=GOOD)
    cover = covered(place.reopen(), NOON)
    assert problems(cover) == {"anna": ["never"]}
    assert "clocks" in cover.warnings[0]


def test_a_plan_promises_that_one_run_may_fail() -> None:
    assert promised_age(MAIL_ONLY, NOON) == 2 * DAY
    assert promised_age(dataclasses.replace(MAIL_ONLY, schedule=None), NOON) is None


def report(repository: Repository, *plans: Plan, **wish: t.Any) -> t.Any:
    stored = [StoredPlan(plan=plan, repository_id=repository.id) for plan in plans]
    return report_coverage(stored, lambda _stored: repository, CoverageWish(state_path=Path("/nowhere"), **{"now": NOON, **wish}))


def test_plans_of_one_repository_are_reported_together_with_the_seats_of_all_plans_in_it() -> None:
    place = new_place(MemoryStorage())
    History(place.repository).add(NOON, anna=GOOD, bob=GOOD, carol=LEFT)
    History(place.repository, plan_name="elsewhere").add(NOON, anna=GOOD, dave=GOOD)
    idle = dataclasses.replace(MAIL_ONLY, name="idle", schedule=None)
    found = report(place.reopen(), MAIL_ONLY, idle)
    result = coverage_result(found, now=NOON)
    assert [plan["is_protected"] for plan in result["plans"]] == [True, False]
    assert (result["all_protected"], result["unprotected"]) == (False, [])
    (seats,) = result["seats"]
    assert (seats["repository"], seats["used"], seats["leavers"]) == ("/r", 3, 1)
    assert result["msg"] == "2 of 2 members of 2 plans are protected. Without any restore point: idle."
    assert "idle has no schedule" in found.warnings[0]
    assert [former["principal_name"] for former in result["plans"][0]["former"]] == ["carol@x.example"]


def test_a_task_fails_on_the_problems_that_it_names_and_on_no_other() -> None:
    place = new_place(MemoryStorage())
    History(place.repository).add(NOON, anna=GOOD, bob=STALE)
    found = report(place.reopen(), MAIL_ONLY, max_age=DAY)
    assert failure_sentence(found, []) is None
    assert failure_sentence(found, ["old", "findings"]) is None
    assert failure_sentence(found, ["never"]) == ("1 member has a problem that fails this task: bob@x.example of sales (never, stale).")
    late = report(place.reopen(), MAIL_ONLY, max_age=DAY, now=NOON + 3 * DAY)
    assert [each.member.id for _plan, each in late.concerned([Problem.OLD.value])] == ["anna"]
    assert coverage_sentence(late).startswith("0 of 2 members of 1 plan are protected. Not protected: anna@x.example (old), bob")


def test_where_there_is_no_plan_nobody_is_protected() -> None:
    found = report(new_place(MemoryStorage()).repository)
    assert not found.is_protected
    assert failure_sentence(found, ["unprotected"]) is not None
    assert coverage_sentence(found) == "No plan is stored on this host."


def test_seats_leave_out_the_plan_that_is_being_applied() -> None:
    place = new_place(MemoryStorage())
    History(place.repository).add(NOON, anna=GOOD, bob=GOOD)
    History(place.repository, plan_name="files").add(NOON, anna=GOOD)
    found = stored_holders(place.reopen(), now=NOON, leaving_out="sales")
    assert (found.plans, seat_ledger(found.holders).used) == (("files",), 1)
