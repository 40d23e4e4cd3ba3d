# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a person is told of a task of a plan, by mail or by a webhook: who, what, how it ended, what to do. Pure but for the records.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from .run_points import Record, newest_record
from .task_records import past_tasks
from .task_words import COMPLETE, RUN, VERBS, run_findings, run_words

TASKS = (RUN, *VERBS)
UNKNOWN = "unknown"
_FINDINGS_SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """The newest record of a task. C(findings) are the first ones as sentences."""

    start: datetime
    end: datetime
    outcome: str
    sentence: str
    finding_count: int
    findings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """C(document) says the same for programs."""

    subject: str
    body: str
    document: dict[str, t.Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a notice is about. C(has_failed): somebody has seen the task fail, whatever its newest record says."""

    plan: str
    title: str
    verb: str
    host: str
    has_failed: bool


def newest_happening(state_path: Path, plan_name: str, verb: str) -> Happened | None:
    """The record of this task of the plan on this host that ended last; None when there is none."""
    task = next((task for task in past_tasks(state_path, plan_name) if task.verb == verb), None)
    told = None
    if task is not None:
        told = Happened(
            start=task.start,
            end=task.end,
            outcome=task.outcome,
            sentence=task.sentence,
            finding_count=task.finding_count,
            findings=tuple(f"{one.get('object', '')}: {one.get('reason', '')}" for one in task.findings[:_FINDINGS_SHOWN]),
        )
    record = newest_record(state_path, plan_name) if verb == RUN else None
    run = None if record is None else _run(record)
    return max((one for one in (told, run) if one is not None), key=lambda one: one.end, default=None)


def notice_of(about: Subject, happened: Happened | None) -> Notice:
    """The words for people, and the same as JSON."""
    is_untold = about.has_failed and (happened is None or happened.outcome == COMPLETE)
    outcome = ("failed" if about.has_failed else UNKNOWN) if happened is None or is_untold else happened.outcome
    lines = [f"The {about.verb} of the plan {about.title} ({about.plan}) on the backup host {about.host} {_ended(outcome)}.", ""]
    if is_untold:
        lines += ["It left no record, so it was killed or failed before it came to its plan.", ""]
    if happened is not None:
        lines += _told(happened, "The last one that left a record:" if is_untold else "")
    lines += ["What to do:", *(f"  {number}. {step}" for number, step in enumerate(_steps(about, outcome), 1))]
    return Notice(
        subject=_one_line(f"[m365_backup] {about.verb} of {about.title} on {about.host}: {outcome}"),
        body="\n".join(lines) + "\n",
        document={
            "plan": about.plan,
            "title": about.title,
            "task": about.verb,
            "host": about.host,
            "outcome": outcome,
            "has_record": happened is not None and not is_untold,
            "start": None if happened is None else happened.start.isoformat(timespec="seconds"),
            "end": None if happened is None else happened.end.isoformat(timespec="seconds"),
            "sentence": "" if happened is None else happened.sentence,
            "finding_count": 0 if happened is None else happened.finding_count,
            "findings": [] if happened is None else list(happened.findings),
        },
    )


def _run(record: Record) -> Happened:
    findings = [
        f"{member['principal_name']}, {name}: {finding['object']}: {finding['reason']}"
        for member in record["members"]
        for name, source in member["sources"].items()
        for finding in source["findings"]
    ]
    return Happened(
        start=datetime.fromisoformat(record["start"]),
        end=datetime.fromisoformat(record["end"]),
        outcome=record["outcome"],
        sentence=f"The run {record['run_id']} {run_words(record)}",
        finding_count=run_findings(record),
        findings=tuple(findings[:_FINDINGS_SHOWN]),
    )


def _told(happened: Happened, before: str) -> t.Iterator[str]:
    if before:
        yield before
    yield f"Began:  {_moment(happened.start)}"
    yield f"Ended:  {_moment(happened.end)}"
    yield happened.sentence
    if happened.findings:
        yield ""
        yield f"The first {len(happened.findings):,} of {happened.finding_count:,} findings:"
        yield from (f"  - {_one_line(finding)}" for finding in happened.findings)
    yield ""


def _steps(about: Subject, outcome: str) -> t.Iterator[str]:
    look = f"journalctl -t m365-backup M365_PLAN={about.plan} -n 20"
    units = f"journalctl -u 'm365-backup-{about.verb}@{about.plan}.service' -n 100"
    if outcome == COMPLETE:
        yield "Nothing."
        return
    yield f"Look at the host's journal: {look}; all that the task has said: {units}"
    if outcome == "damaged":
        yield "Do not prune. Read the guide Verify and repair, and verify with level data before you repair."
    elif about.verb == RUN:
        yield "What was read is kept, and the next run goes on from there. Correct what the findings name, then run the plan again."
        yield "See who is not protected: ansible-playbook tenantvault.m365_backup.coverage"
    else:
        yield f"Correct what it names, then start the {about.verb} again. Backups are not affected by it."


def _ended(outcome: str) -> str:
    if outcome == "damaged":
        return "found damage"
    return "has no record" if outcome == UNKNOWN else f"ended {outcome}"


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S %Z}"


def _one_line(text: str) -> str:
    return " ".join(text.split())
