# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The records of prunes, verifications, drills, restores and scans of a plan on this host, and of runs that failed before they began.

Like the record of a run, one holds no secret, and is readable by its owner only. Each plan keeps its newest ones.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import json
import typing as t
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from .._errors import BackupError
from .files import keep_newest, moment_of, replace_file

KEPT_RECORDS = 200
"""Of each plan: half a year of one task a day."""

_FOLDER = "tasks"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRecord:
    """One task. C(outcome) is C(complete), C(partial), C(failed), or C(damaged) when the repository is.

    C(sentence) says what it did, C(detail) what it was exactly. C(findings) are the first of them, C(numbers) its figures,
    C(scan) what a malware scan says of all contents.
    """

    plan: str
    verb: str
    task_id: str
    start: datetime
    end: datetime
    outcome: str
    sentence: str
    detail: str = ""
    finding_count: int = 0
    findings: tuple[dict[str, str], ...] = ()
    numbers: t.Mapping[str, float] = dataclasses.field(default_factory=dict)
    scan: t.Mapping[str, t.Any] | None = None


def task_folder(state_path: Path, plan_name: str) -> Path:
    return state_path / _FOLDER / plan_name


def save_task_record(state_path: Path, record: TaskRecord) -> Path:
    """Write the record atomically, and remove the oldest ones. Raises BackupError when the folder cannot take it."""
    folder = task_folder(state_path, record.plan)
    path = folder / f"{record.task_id}-{record.verb}.json"
    document = {
        "version": 1,
        **{name: getattr(record, name) for name in record.__slots__},
        "start": record.start.isoformat(),
        "end": record.end.isoformat(),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        replace_file(path, json.dumps(document, ensure_ascii=False, indent=1, default=dict).encode())
    except OSError as error:
        raise BackupError(
            f"The {record.verb} of plan {record.plan} ended, but its record {path} could not be written: {error.strerror}.",
            hint="What the task did is done. Free space or correct the permissions of the state path.",
        ) from error
    keep_newest(folder, KEPT_RECORDS)
    return path


def past_tasks(state_path: Path, plan_name: str) -> t.Iterator[TaskRecord]:
    """The newest first, each read when it is asked for. What is no record, or cannot be read, is passed over."""
    folder = task_folder(state_path, plan_name)
    try:
        paths = sorted(folder.glob("[0-9]*.json"), reverse=True)
    except OSError:
        return
    for path in paths:
        record = _read(path)
        if record is not None:
            yield record


def _read(path: Path) -> TaskRecord | None:
    try:
        document = json.loads(path.read_bytes())
        return TaskRecord(
            plan=document["plan"],
            verb=document["verb"],
            task_id=document["task_id"],
            start=moment_of(document["start"]),
            end=moment_of(document["end"]),
            outcome=document["outcome"],
            sentence=document["sentence"],
            detail=document["detail"],
            finding_count=document["finding_count"],
            findings=tuple(dict(one) for one in document["findings"]),
            numbers=dict(document["numbers"]),
            scan=document["scan"],
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
