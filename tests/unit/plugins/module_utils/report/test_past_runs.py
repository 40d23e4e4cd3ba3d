# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run has left as its record is read again, and nothing else is taken for one."""

from __future__ import annotations

import datetime
import typing as t
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.results import (
    Counts,
    MemberResult,
    Outcome,
    RunResult,
    SourceResult,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.report.past_runs import new_run_id, past_runs, start_of
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.report.run_record import KEPT_RECORDS, record_path, save_run_record

NOON = datetime.datetime(2026, 5, 17, 12, 0, tzinfo=datetime.timezone.utc)
HOUR = datetime.timedelta(hours=1)


def record(state_path: Path, moment: datetime.datetime, **more: t.Any) -> RunResult:
    mail = SourceResult(source="mail", outcome=Outcome.COMPLETE, is_changed=False, counts=Counts(), last_success=moment)
    failed = SourceResult(source="calendar", outcome=Outcome.FAILED, is_changed=False, counts=Counts(), last_success=moment - HOUR)
    result = RunResult(
        run_id=new_run_id(moment),
        plan="sales",
        started=moment,
        ended=moment + HOUR,
        outcome=Outcome.PARTIAL,
        snapshot_id=None,
        restore_point="ab12",
        is_changed=False,
        members=(MemberResult(id="anna", principal_name="anna@x.example", sources=(mail, failed)),),
        stored_bytes=0,
        requests=0,
        throttled_seconds=0.0,
        **more,
    )
    save_run_record(state_path, "sales", result.run_id, result.as_dict())
    return result


def test_records_come_newest_first_with_what_was_read_to_its_end(tmp_path: Path) -> None:
    saved = [record(tmp_path, NOON + number * HOUR) for number in range(3)]
    found = list(past_runs(tmp_path, "sales"))
    assert [run.run_id for run in found] == [result.run_id for result in reversed(saved)]
    assert [(run.end, run.outcome, run.restore_point) for run in found[:1]] == [(NOON + 3 * HOUR, "partial", "ab12")]
    assert found[0].read == {("anna", "mail"): NOON + 2 * HOUR}


@pytest.mark.parametrize(
    "content", [b"", b"[]", b'{"run_id": "x"}', b'{"run_id": "x", "end": "2026-05-17T12:00:00", "outcome": "", "members": []}']
)
def test_what_is_no_record_is_passed_over(tmp_path: Path, content: bytes) -> None:
    kept = record(tmp_path, NOON)
    record_path(tmp_path, "sales", "20260518T000000Z-aaaaaa").write_bytes(content)
    assert [run.run_id for run in past_runs(tmp_path, "sales")] == [kept.run_id]


def test_the_oldest_records_go_and_those_of_other_plans_stay(tmp_path: Path) -> None:
    save_run_record(tmp_path, "marketing", "20260101T000000Z-aaaaaa", {})
    saved = [record(tmp_path, NOON + number * HOUR).run_id for number in range(KEPT_RECORDS + 2)]
    assert [run.run_id for run in past_runs(tmp_path, "sales")] == saved[:1:-1]
    assert record_path(tmp_path, "marketing", "20260101T000000Z-aaaaaa").exists()


def test_a_host_on_which_the_plan_never_ran_has_no_records(tmp_path: Path) -> None:
    assert list(past_runs(tmp_path, "sales")) == []


def test_the_id_of_a_run_says_when_it_began() -> None:
    assert start_of(new_run_id(NOON)) == NOON
    assert start_of("run-17") is None


def test_ids_of_one_second_sort_by_time_too() -> None:
    moments = [NOON + datetime.timedelta(microseconds=number) for number in (0, 1, 15, 16, 4_096, 65_535, 999_999)]
    assert (ids := [new_run_id(moment) for moment in moments]) == sorted(ids)
