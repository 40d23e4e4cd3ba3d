# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Notes what becomes of a task: a record on the host, and an entry in its journal.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from .._errors import BackupError
from .._signals import StopSignal
from ..plan.errors import PlanNotFound
from ..plan.store import PlanStore
from .journal import JOURNAL, RUN_MESSAGE_ID, TASK_MESSAGE_ID, send_entry
from .past_runs import new_run_id
from .run_record import save_run_record
from .task_records import TaskRecord, save_task_record
from .task_words import FAILED, RUN, VERBS, Told, run_findings, run_words, tell

Result = dict[str, t.Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Noting:
    """A task that is noted. C(verb) is C(run) or one of C(task_words.VERBS), C(reference) the name or the title of its plan.

    ``warn`` is told when the record cannot be written. In check mode nothing is noted.
    """

    verb: str
    reference: str
    state_path: Path
    is_check: bool
    now: t.Callable[[], datetime]
    warn: t.Callable[[str], None]
    journal: Path = JOURNAL


def noted(task: Noting, work: t.Callable[[], Result]) -> Result:
    """Do the work, and note what came of it, whether it has a result or an error, which is raised again.

    A run has its own record (L(note_run)); only one that failed without one is noted here.
    """
    if task.is_check:
        return work()
    start = task.now()
    try:
        result = work()
    except BackupError as error:
        _note(task, start, _told_by_error(task.verb, error))
        raise
    except StopSignal as stop:
        _note(task, start, Told(outcome=FAILED, sentence=f"It was stopped by {stop.name} before it was through.", numbers={}))
        raise
    if task.verb in VERBS:
        _note(task, start, tell(task.verb, result, has_failed=False))
    return result


def note_run(state_path: Path, plan_name: str, run_id: str, document: t.Mapping[str, t.Any], *, journal: Path = JOURNAL) -> None:
    """The record of a run that has ended, and its entry in the journal. Raises BackupError when the record cannot be written."""
    save_run_record(state_path, plan_name, run_id, document)
    counts, members = document["counts"], document["members"]
    seconds = (datetime.fromisoformat(document["end"]) - datetime.fromisoformat(document["start"])).total_seconds()
    fields = {
        "M365_PLAN": plan_name,
        "M365_TASK": RUN,
        "M365_RUN_ID": run_id,
        "M365_OUTCOME": document["outcome"],
        "M365_SECONDS": f"{seconds:.1f}",
        "M365_MEMBERS": len(members),
        "M365_MEMBERS_COMPLETE": sum(member["outcome"] == "complete" for member in members),
        "M365_FINDINGS": run_findings(document),
        "M365_ITEMS": counts["total"],
        "M365_STORED_BYTES": document["stored_bytes"],
        "M365_THROTTLED_SECONDS": document["throttled_seconds"],
        "M365_RESTORE_POINT": document.get("restore_point"),
    }
    send_entry(f"Run of plan {plan_name} {run_words(document)}", RUN_MESSAGE_ID, document["outcome"], fields, journal)


def _told_by_error(verb: str, error: BackupError) -> Told | None:
    if verb == RUN and "run_id" in error.facts:
        return None
    told = tell(verb, error.facts, has_failed=True) if verb in VERBS else None
    return told or Told(outcome=FAILED, sentence=error.what, numbers={})


def _note(task: Noting, start: datetime, told: Told | None) -> None:
    plan_name = _plan_name(task)
    if told is None or plan_name is None:
        return
    record = TaskRecord(
        plan=plan_name,
        verb=task.verb,
        task_id=new_run_id(start),
        start=start,
        end=task.now(),
        **{name: getattr(told, name) for name in told.__slots__},
    )
    try:
        save_task_record(task.state_path, record)
    except BackupError as error:
        task.warn(str(error))
    fields = {
        "M365_PLAN": plan_name,
        "M365_TASK": record.verb,
        "M365_RUN_ID": record.task_id,
        "M365_OUTCOME": record.outcome,
        "M365_SECONDS": f"{(record.end - record.start).total_seconds():.1f}",
        "M365_FINDINGS": record.finding_count,
        **{f"M365_{name.upper()}": number for name, number in record.numbers.items()},
    }
    message = f"{record.verb.capitalize()} of plan {plan_name} ended {record.outcome}: {record.sentence}"
    send_entry(message, RUN_MESSAGE_ID if record.verb == RUN else TASK_MESSAGE_ID, record.outcome, fields, task.journal)


def _plan_name(task: Noting) -> str | None:
    """None where there is no such plan: nothing was done to it then."""
    try:
        return PlanStore(task.state_path).find(task.reference).plan.name
    except PlanNotFound:
        return None
    except BackupError as error:
        task.warn(f"What the {task.verb} of {task.reference} came to was not recorded. {error}")
        return None
