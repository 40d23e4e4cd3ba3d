# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A backup host of a few members, with records as runs and tasks write them."""

from __future__ import annotations

import typing as t
from datetime import datetime, timedelta, timezone
from pathlib import Path

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.results import (
    Counts,
    Finding,
    FindingKind,
    MemberResult,
    Outcome,
    RunResult,
    SourceResult,
    overall,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.document import plan_from_dict
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.model import Plan
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.report.run_record import save_run_record
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.report.summarising import Circumstances
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.report.task_records import TaskRecord, save_task_record

NOON = datetime(2026, 5, 17, 12, 0, tzinfo=timezone.utc)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
LOST = Finding(kind=FindingKind.FAILED, object="message AAMk", reason="The service could not give it.", code="Gone", request_id="r-1")


def plan(**options: t.Any) -> Plan:
    """Daily at 22:00, so that 48 hours are promised."""
    declared = {
        "title": "Sales",
        "groups": ["Sales"],
        "backup_type": "mailbox",
        "repository": "/srv/backup",
        "schedule": {"every": "daily", "at": "22:00"},
    }
    return plan_from_dict({**declared, **options})


def source(
    name: str = "mail", *, last: datetime | None, outcome: Outcome = Outcome.COMPLETE, findings: t.Sequence[Finding] = (), **more: t.Any
) -> SourceResult:
    counts = more.pop("counts", Counts(total=10, added=1, fetched=1, fetched_bytes=1000, stored_bytes=500))
    return SourceResult(source=name, outcome=outcome, is_changed=True, counts=counts, last_success=last, findings=tuple(findings), **more)


def member(name: str, *sources: SourceResult) -> MemberResult:
    return MemberResult(id=f"id-{name}", principal_name=f"{name}@x.example", display_name=name.title(), sources=sources)


def ran(state_path: Path, start: datetime, *members: MemberResult, plan_name: str = "sales", **more: t.Any) -> RunResult:
    """The record of a run of one hour."""
    given = {
        "run_id": f"{start:%Y%m%dT%H%M%SZ}-abcdef",
        "plan": plan_name,
        "started": start,
        "ended": start + HOUR,
        "outcome": overall(one.outcome for one in members),
        "snapshot_id": "ab12",
        "restore_point": "ab12",
        "is_changed": True,
        "members": members,
        "stored_bytes": 600,
        "requests": 7,
        "throttled_seconds": 1.5,
    }
    notes = more.pop("notes", [])
    scan = more.pop("scanned", None)
    result = RunResult(**{**given, **more})
    document = {**result.as_dict(), "notes": notes, **({} if scan is None else {"scan": scan})}
    save_run_record(state_path, plan_name, result.run_id, document)
    return result


def did(state_path: Path, start: datetime, verb: str = "verify", plan_name: str = "sales", **more: t.Any) -> TaskRecord:
    """The record of a task of one hour."""
    given = {"outcome": "complete", "sentence": "It is sound.", "numbers": {"packs": 3}}
    record = TaskRecord(
        plan=plan_name, verb=verb, task_id=f"{start:%Y%m%dT%H%M%SZ}-abcdef", start=start, end=start + HOUR, **{**given, **more}
    )
    save_task_record(state_path, record)
    return record


def about(state_path: Path, now: datetime = NOON, **more: t.Any) -> Circumstances:
    return Circumstances(**{"host": "backup1", "state_path": state_path, "now": now, "keeps": False, **more})
