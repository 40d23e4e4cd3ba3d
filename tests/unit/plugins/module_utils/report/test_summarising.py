# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The summary of a host says what its records say, in a form that other hosts can read."""

from __future__ import annotations

import copy
import json
import os
import typing as t
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import InputError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup import archive_access, protection, results, source_read
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.results import Finding, FindingKind, Outcome
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.promise import promised_age
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.report import judging
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.report.run_points import read_runs
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.report.run_record import record_path
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.report.summarising import summarise_host, summarise_plan
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.report.summary import MOST_FINDINGS, MOST_RUNS
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.report.summary_document import parse_summary, summary_document
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.report.records import (
    DAY,
    HOUR,
    LOST,
    NOON,
    about,
    did,
    member,
    plan,
    ran,
    source,
)

FLAGGED = {"member": "bob@x.example", "source": "mail", "folder": "Inbox", "name": "Invoice", "verdict": "infected", "names": ["Eicar"]}
COUNTED = {"scanned": 4, "known": 0, "clean": 3, "infected": 1, "unscannable": 0, "unscanned": 0, "scanned_bytes": 9}


def full(state_path: Path) -> None:
    """Two days of a plan: everything that a summary has a place for."""
    ran(state_path, NOON - 2 * DAY, member("anna", source(last=NOON - 2 * DAY)), scanned={**COUNTED, "flagged": [FLAGGED]})
    did(state_path, NOON - DAY, "verify", detail="structure")
    did(
        state_path,
        NOON - 20 * HOUR,
        "scan",
        scan={"engine": "clamav", "database": "27", "contents": 9, "clean": 8, "infected": 1, "flagged": [FLAGGED]},
    )
    ran(
        state_path,
        NOON - 3 * HOUR,
        member("bob", source(last=NOON - 3 * HOUR), source("calendar", last=NOON - 3 * DAY, outcome=Outcome.FAILED, findings=[LOST])),
        member("anna", source(last=NOON - 3 * HOUR, outcome=Outcome.PARTIAL, findings=[LOST] * 9)),
        notes=["A clock is wrong."],
        snapshot_id=None,
    )


def test_each_member_stands_for_the_newest_run_with_what_is_wrong_and_since_when(tmp_path: Path) -> None:
    full(tmp_path)
    summary = summarise_plan(plan(), about(tmp_path))
    anna, bob = summary.members
    assert (anna.principal_name, anna.display_name, anna.is_protected, anna.problems) == ("anna@x.example", "Anna", True, ("findings",))
    assert (bob.is_protected, bob.problems, bob.last_success) == (False, ("old", "stale", "infected"), NOON - 3 * DAY)
    assert [(one.name, one.problems) for one in bob.sources] == [("mail", ("infected",)), ("calendar", ("old", "stale"))]
    assert (anna.finding_count, len(anna.sources[0].findings), anna.sources[0].findings[0].code) == (9, MOST_FINDINGS, "Gone")
    assert (summary.max_age_seconds, summary.restore_point, summary.restore_point_time) == (48 * 3600, "ab12", NOON - 2 * DAY + HOUR)
    assert not summary.is_protected
    assert summary.warnings == ("A clock is wrong.",)
    assert summary.next_run == NOON + 10 * HOUR


def test_runs_and_tasks_are_points_with_the_oldest_first(tmp_path: Path) -> None:
    full(tmp_path)
    summary = summarise_plan(plan(), about(tmp_path))
    assert [(run.outcome, run.members, run.members_complete, run.members_protected, run.findings) for run in summary.runs] == [
        ("complete", 1, 1, 1, 0),
        ("partial", 2, 0, 1, 10),
    ]
    assert [(run.scanned, run.infected) for run in summary.runs] == [(4, 1), (None, None)]
    assert [run.oldest_success for run in summary.runs] == [NOON - 2 * DAY, NOON - 3 * DAY]
    assert [(task.verb, task.detail, task.seconds) for task in summary.tasks] == [("verify", "structure", 3600.0), ("scan", "", 3600.0)]
    assert summary.scan is not None
    assert (summary.scan.engine, summary.scan.infected) == ("clamav", 1)
    assert [(one.member, one.words) for one in summary.flagged] == [("bob@x.example", ("Eicar",))]


def test_what_a_later_scan_no_longer_flags_is_not_flagged(tmp_path: Path) -> None:
    ran(tmp_path, NOON - 2 * DAY, member("bob", source(last=NOON - 2 * DAY)), scanned={**COUNTED, "flagged": [FLAGGED]})
    assert summarise_plan(plan(), about(tmp_path)).members[0].problems == ("infected",)
    did(tmp_path, NOON - DAY, "scan", scan={"engine": "clamav", "flagged": []})
    summary = summarise_plan(plan(), about(tmp_path))
    assert (summary.flagged, summary.members[0].problems) == ((), ())


def test_a_plan_that_has_never_run_has_no_members_and_protects_nobody(tmp_path: Path) -> None:
    summary = summarise_plan(plan(schedule=None), about(tmp_path))
    assert (summary.members, summary.runs, summary.restore_point, summary.max_age_seconds) == ((), (), None, None)
    assert not summary.is_protected


def test_a_summary_is_read_again_by_another_host_as_it_was(tmp_path: Path) -> None:
    full(tmp_path)
    summary = summarise_host([plan(), plan(title="Board")], about(tmp_path), ["A plan is damaged."])
    assert parse_summary(json.loads(json.dumps(summary_document(summary)))) == summary


@pytest.mark.parametrize(
    "damage",
    [
        lambda document: document.pop("host"),
        lambda document: document.update(version=2),
        lambda document: document.update(generated="2026-05-17T12:00:00"),
        lambda document: document["plans"][0].update(former="3"),
        lambda document: document["plans"][0].update(former=True),
        lambda document: document["plans"][0].update(more=1),
        lambda document: document["plans"][0]["members"][0].update(problems="old"),
        lambda document: document["plans"][0]["runs"][0].update(start="yesterday"),
        lambda document: document.update(plans=None),
    ],
    ids=["nameless", "version", "zoneless", "text", "truth", "more", "no-list", "no-time", "null"],
)
def test_what_is_no_summary_is_refused(tmp_path: Path, damage: t.Callable[[dict[str, t.Any]], object]) -> None:
    full(tmp_path)
    document = copy.deepcopy(summary_document(summarise_host([plan()], about(tmp_path))))
    damage(document)
    with pytest.raises(InputError, match="summary of a host"):
        parse_summary(document)


def test_records_are_read_once_unless_they_or_the_promise_change(tmp_path: Path) -> None:
    full(tmp_path)
    promise = promised_age(plan(), NOON)
    first = read_runs(tmp_path, "sales", max_age=promise, keeps=True)
    cache = tmp_path / "cache" / "report" / "sales.json"
    assert len(json.loads(cache.read_text())["runs"]) == 2
    newest = max(record_path(tmp_path, "sales", "").parent.glob("2*.json"))
    content, times = newest.read_bytes(), newest.stat()
    newest.write_bytes(b"x" * len(content))
    os.utime(newest, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert read_runs(tmp_path, "sales", max_age=promise, keeps=True) == first
    assert len(read_runs(tmp_path, "sales", max_age=None, keeps=False)) == 1
    newest.write_bytes(content)
    ran(tmp_path, NOON - HOUR, member("anna", source(last=NOON)))
    assert len(read_runs(tmp_path, "sales", max_age=promise, keeps=True)) == 3
    cache.write_text('{"version": 1, "max_age": 172800.0, "runs": {"x": [[1, 2], {}]}}')
    assert read_runs(tmp_path, "sales", max_age=promise, keeps=False)[:2] == first


def test_of_many_runs_the_newest_stay_and_what_is_no_record_is_passed_over(tmp_path: Path) -> None:
    for number in range(MOST_RUNS + 5):
        ran(tmp_path, NOON - number * HOUR, member("anna", source(last=NOON - number * HOUR)))
    (record_path(tmp_path, "sales", "").parent / "20991231T000000Z-ffffff.json").write_text('{"run_id": 1}')
    summary = summarise_plan(plan(), about(tmp_path))
    assert len(summary.runs) == MOST_RUNS - 1
    assert summary.runs[-1].start == NOON
    assert summary.members[0].last_success == NOON


@pytest.mark.parametrize(
    ("availability", "problems"),
    [("no_archive", ()), ("no_mailbox", ("absent",)), ("drive_locked", ("unreachable",)), ("refused: HTTP 403", ("unreachable",))],
)
def test_who_has_nothing_to_back_up_is_told_from_who_cannot_be_read(tmp_path: Path, availability: str, problems: tuple[str, ...]) -> None:
    ran(tmp_path, NOON - HOUR, member("anna", source(last=NOON), source("archive", last=None, availability=availability)))
    anna = summarise_plan(plan(), about(tmp_path)).members[0]
    assert (anna.problems, anna.is_protected) == (problems, "unreachable" not in problems)
    assert anna.last_success == (None if problems == ("unreachable",) else NOON)


def test_a_first_backup_that_was_stopped_is_unfinished_and_one_that_failed_is_none(tmp_path: Path) -> None:
    stopped = Finding(kind=FindingKind.FAILED, object="mailbox", reason="Stopped.", code=results.STOPPED)
    ran(
        tmp_path,
        NOON - HOUR,
        member("anna", source(last=None, outcome=Outcome.PARTIAL, findings=[stopped])),
        member("bob", source(last=None, outcome=Outcome.FAILED, findings=[LOST])),
        member("carol", source(last=NOON + DAY)),
    )
    members = summarise_plan(plan(schedule=None), about(tmp_path)).members
    assert [(one.problems, one.is_protected) for one in members] == [
        (("unfinished", "findings"), False),
        (("never", "stale"), False),
        (("never",), False),
    ]


def test_the_words_are_those_of_coverage() -> None:
    known = [problem.value for problem in protection.Problem]
    assert [word for word in known if word in judging.WORDS] == list(judging.WORDS)
    assert set(known) - set(judging.WORDS) == {"incomplete"}  # only the repository knows
    assert {problem.value for problem in protection.UNPROTECTING} - {"incomplete"} == judging.UNPROTECTING
    assert {
        source_read.NO_MAILBOX,
        source_read.NO_DRIVE,
        source_read.NO_SHAREPOINT_LICENCE,
        source_read.NOT_IN_THIS_CLOUD,
        archive_access.NO_ARCHIVE,
    } == judging.NOTHING_THERE
    assert (source_read.DRIVE_LOCKED, archive_access.REFUSED) == (judging.DRIVE_LOCKED, judging.REFUSED)
