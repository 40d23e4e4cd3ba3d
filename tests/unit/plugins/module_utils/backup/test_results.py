# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Outcomes, counts, and the sentences that an administrator reads."""

from __future__ import annotations

import json
import typing as t
from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import BackupError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.results import (
    Counts,
    Finding,
    FindingKind,
    MemberResult,
    Outcome,
    RunResult,
    SourceResult,
    finding_of,
    overall,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.sentences import failure_sentence, run_sentence

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)
FINDING = Finding(kind=FindingKind.FAILED, object="mailbox of m0", reason="The mailbox is away.", code="Gone", request_id="r-1")


def member(number: int, outcome: Outcome = Outcome.COMPLETE, findings: tuple[Finding, ...] = (), **counts: int) -> MemberResult:
    source = SourceResult(source="mail", outcome=outcome, is_changed=bool(counts), counts=Counts(**counts), findings=findings)
    return MemberResult(id=str(number), principal_name=f"m{number}@x.example", sources=(source,))


def run(*members: MemberResult, **fields: t.Any) -> RunResult:
    given_fields = {
        "run_id": "run-1",
        "plan": "sales",
        "started": NOON,
        "ended": NOON,
        "outcome": overall(one.outcome for one in members),
        "snapshot_id": "5" * 64,
        "is_changed": True,
        "members": members,
        "stored_bytes": 3 * 1024 * 1024,
        "requests": 7,
        "throttled_seconds": 0.04,
    }
    return RunResult(**{**given_fields, **fields})


@given(outcomes=st.lists(st.sampled_from(Outcome)))
def test_a_whole_is_complete_only_when_all_is_and_failed_only_when_nothing_else_is_left(outcomes: list[Outcome]) -> None:
    whole = overall(outcomes)
    assert (whole is Outcome.COMPLETE) is all(outcome is Outcome.COMPLETE for outcome in outcomes)
    assert (whole is Outcome.FAILED) is (bool(outcomes) and all(outcome is Outcome.FAILED for outcome in outcomes))


def test_counts_of_members_add_up() -> None:
    assert run(member(1, total=3, added=2), member(2, total=4, removed=1)).counts == Counts(total=7, added=2, removed=1)


def test_a_finding_carries_what_support_asks_for() -> None:
    error = BackupError("Reading failed.", hint="Try again.", facts={"code": "ErrorX", "request_id": "r-9", "status": 500})
    finding = finding_of(error, "message x")
    assert (finding.object, finding.code, finding.request_id) == ("message x", "ErrorX", "r-9")
    assert finding.reason == "Reading failed. Try again."


def test_a_result_has_none_of_the_words_in_which_ansible_keeps_the_state_of_async_tasks() -> None:
    assert not run(member(1)).as_dict().keys() & {"started", "finished", "ansible_job_id", "results_file"}


def test_the_result_of_a_run_is_plain_json() -> None:
    result = run(member(0, Outcome.FAILED, (FINDING,)), member(1, total=3))
    document = json.loads(json.dumps(result.as_dict()))
    assert document["outcome"] == "partial"
    assert document["counts"]["total"] == 3
    assert document["members"][0]["sources"]["mail"]["findings"][0]["kind"] == "failed"


@pytest.mark.parametrize(
    ("result", "is_check", "sentence"),
    [
        (run(member(1, total=1, added=1)), False, "1 member backed up: 1 added; 1 item of theirs in the restore point, 3.0 MiB stored."),
        (
            run(member(1, total=1200, added=1000, moved=2), member(2, updated=1, removed=3)),
            False,
            "2 members backed up: 1,000 added, 1 updated, 2 moved, 3 removed; 1,200 items of theirs in the restore point, 3.0 MiB stored.",
        ),
        (run(member(1, total=2)), False, "1 member backed up: no item changed; 2 items of theirs in the restore point, 3.0 MiB stored."),
        (run(member(1), is_changed=False), False, "1 member checked: nothing has changed since the last run, so nothing was written."),
        (run(member(1, added=2), member(2)), True, "2 members would be backed up: 2 added."),
        (run(member(1), is_changed=False), True, "1 member would be backed up: no item has changed."),
    ],
)
def test_what_a_run_did_in_a_sentence(result: RunResult, is_check: bool, sentence: str) -> None:
    assert run_sentence(result, is_check=is_check) == sentence


def test_one_failed_member_of_two_is_named_with_its_reason() -> None:
    sentence = failure_sentence(run(member(0, Outcome.FAILED, (FINDING,)), member(1)))
    assert "run-1 of plan sales ended partial: 1 of 2 members has findings (m0@x.example). The first one: The mailbox is away. " in sentence
    assert "keeps its last good state" in sentence


def test_of_many_failed_members_the_first_five_are_named() -> None:
    sentence = failure_sentence(run(*(member(number, Outcome.FAILED, (FINDING,)) for number in range(1200))))
    assert "failed: 1,200 of 1,200 members have findings (" in sentence
    assert "m4@x.example and 1,195 more)" in sentence
    assert "m5@x.example" not in sentence


def test_a_failure_without_a_reason_still_reads_well() -> None:
    assert "The first one: none given. What could be read" in failure_sentence(run(member(0, Outcome.FAILED)))
