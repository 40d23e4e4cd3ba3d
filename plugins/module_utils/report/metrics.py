# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The summary of a host as metrics of Prometheus, for the textfile collector of its node exporter. Pure.

The form is Prometheus' text format 0.0.4. Times are seconds since 1970 and ages are left to queries, so that a file that nobody
writes any more does not look fresh. What is not known has no sample.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from datetime import datetime

from .judging import WORDS
from .summary import HostSummary, MemberSummary, PlanSummary, RunPoint, TaskPoint

PREFIX = "m365_backup_"
OUTCOMES = ("complete", "partial", "failed", "damaged")

Labels = tuple[tuple[str, str], ...]
Sample = tuple[Labels, t.Union[float, None]]
Samples = t.Iterator[Sample]


@dataclass(frozen=True, slots=True)
class Metric:
    """A family: its name without the prefix, what it means, and its samples for a plan. All are gauges."""

    name: str
    meaning: str
    samples: t.Callable[[PlanSummary], Samples]


def metrics_text(summary: HostSummary) -> str:
    """One complete file. The same summary gives the same bytes."""
    lines = _family("report_time_seconds", "When this file was written.", [((), summary.generated.timestamp())])
    lines += _family("host_warnings", "Plans or records on this host that cannot be read.", [((), float(len(summary.warnings)))])
    for metric in METRICS:
        samples = [
            ((("plan", plan.name), *labels), value) for plan in summary.plans for labels, value in metric.samples(plan) if value is not None
        ]
        lines += _family(metric.name, metric.meaning, samples)
    return "\n".join(lines) + "\n"


def _family(name: str, meaning: str, samples: t.Sequence[tuple[Labels, float]]) -> list[str]:
    full = f"{PREFIX}{name}"
    head = [f"# HELP {full} {meaning}", f"# TYPE {full} gauge"]
    return [*head, *(f"{full}{_labels(labels)} {_number(value)}" for labels, value in samples)] if samples else []


def _labels(labels: Labels) -> str:
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels) + "}" if labels else ""


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(round(value, 3))


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


def _one(read: t.Callable[[PlanSummary], float | None]) -> t.Callable[[PlanSummary], Samples]:
    def samples(plan: PlanSummary) -> Samples:
        yield (), read(plan)

    return samples


def _of_run(read: t.Callable[[RunPoint], float | None]) -> t.Callable[[PlanSummary], Samples]:
    """Of the newest run."""
    return _one(lambda plan: None if plan.last_run is None else read(plan.last_run))


def _of_members(read: t.Callable[[MemberSummary], float | None]) -> t.Callable[[PlanSummary], Samples]:
    def samples(plan: PlanSummary) -> Samples:
        for member in plan.members:
            yield (("member", member.principal_name),), read(member)

    return samples


def _of_tasks(read: t.Callable[[TaskPoint], float | None]) -> t.Callable[[PlanSummary], Samples]:
    """Of the newest one of each verb."""

    def samples(plan: PlanSummary) -> Samples:
        for verb, task in sorted({task.verb: task for task in plan.tasks}.items()):
            yield (("task", verb),), read(task)

    return samples


def _info(plan: PlanSummary) -> Samples:
    yield (("title", plan.title), ("backup_type", plan.backup_type), ("repository", plan.repository)), 1.0


def _outcome(plan: PlanSummary) -> Samples:
    newest = newest_outcome(plan)
    for outcome in OUTCOMES[:3] if newest is not None else ():
        yield (("outcome", outcome),), float(outcome == newest)


def newest_outcome(plan: PlanSummary) -> str | None:
    """How the newest run ended, also one that failed before it had members; None when there was none."""
    newest = plan.refused_run or plan.last_run
    return None if newest is None else newest.outcome


def _task_outcome(plan: PlanSummary) -> Samples:
    for verb, task in sorted({task.verb: task for task in plan.tasks}.items()):
        for outcome in OUTCOMES:
            yield (("task", verb), ("outcome", outcome)), float(outcome == task.outcome)


def _problems(plan: PlanSummary) -> Samples:
    for word in WORDS if plan.members else ():
        yield (("problem", word),), float(sum(word in member.problems for member in plan.members))


def _verdicts(plan: PlanSummary) -> Samples:
    for verdict in ("clean", "infected", "unscannable") if plan.scan is not None else ():
        yield (("verdict", verdict),), float(getattr(plan.scan, verdict))
    if plan.scan is not None:
        yield (("verdict", "unscanned"),), float(plan.scan.remaining)


def _last(plan: PlanSummary, *outcomes: str) -> float | None:
    ends = [run.start.timestamp() + run.seconds for run in plan.runs if run.outcome in outcomes and run.stopped is None]
    return max(ends, default=None)


def _oldest(plan: PlanSummary) -> float | None:
    """None also when somebody has none. Who has nothing that could be backed up does not count."""
    times = [member.last_success for member in plan.members if member.last_success is not None or not member.is_protected]
    return None if not times or None in times else min(time.timestamp() for time in times if time is not None)


METRICS: tuple[Metric, ...] = (
    Metric("plan_info", "A plan of this host; always 1.", _info),
    Metric("run_outcome", "How the newest run ended: 1 for that outcome, 0 for the others.", _outcome),
    Metric("run_start_time_seconds", "When the newest run began.", _of_run(lambda run: run.start.timestamp())),
    Metric("run_duration_seconds", "How long the newest run took.", _of_run(lambda run: run.seconds)),
    Metric("run_stopped", "Whether the newest run was stopped before it was through.", _of_run(lambda run: float(run.stopped is not None))),
    Metric("last_success_time_seconds", "When a run has last stored everything.", _one(lambda plan: _last(plan, "complete"))),
    Metric(
        "last_useful_run_time_seconds",
        "When a run has last come to its end, with or without findings.",
        _one(lambda plan: _last(plan, "complete", "partial")),
    ),
    Metric("next_run_time_seconds", "When the schedule begins the next run.", _one(lambda plan: _seconds(plan.next_run))),
    Metric(
        "promised_age_seconds",
        "How old a last success may be, by the schedule: one run may fail.",
        _one(lambda plan: None if plan.max_age_seconds is None else float(plan.max_age_seconds)),
    ),
    Metric("restore_point_time_seconds", "When the newest restore point was made.", _one(lambda plan: _seconds(plan.restore_point_time))),
    Metric("members", "Members in the newest run of this host.", _one(lambda plan: float(len(plan.members)))),
    Metric(
        "members_protected",
        "Members of whom one can rely on the backup.",
        _one(lambda plan: float(sum(member.is_protected for member in plan.members))),
    ),
    Metric("members_with_problem", "Members with this problem, in the words of coverage.", _problems),
    Metric("former_members", "Former members that still have a backup.", _one(lambda plan: float(plan.former))),
    Metric(
        "unresolved_entries", "Declared users and groups that the directory does not know.", _one(lambda plan: float(len(plan.unresolved)))
    ),
    Metric("oldest_member_success_time_seconds", "The last success of the member who is worst off.", _one(_oldest)),
    Metric(
        "member_last_success_time_seconds",
        "When all of a member was last known to be in the backup.",
        _of_members(lambda member: _seconds(member.last_success)),
    ),
    Metric("member_protected", "Whether one can rely on the backup of a member.", _of_members(lambda member: float(member.is_protected))),
    Metric("member_items", "Items of a member in the backup.", _of_members(lambda member: float(member.items))),
    Metric("member_findings", "Findings of a member in the newest run.", _of_members(lambda member: float(member.finding_count))),
    Metric("items", "Items in the backup after the newest run.", _of_run(lambda run: float(run.items))),
    Metric("run_fetched_items", "Items that the newest run read from Microsoft 365.", _of_run(lambda run: float(run.fetched))),
    Metric("run_fetched_bytes", "Their size.", _of_run(lambda run: float(run.fetched_bytes))),
    Metric("run_stored_bytes", "By how much the newest run made the repository larger.", _of_run(lambda run: float(run.stored_bytes))),
    Metric("run_findings", "Items and sources that the newest run did not store as it should.", _of_run(lambda run: float(run.findings))),
    Metric("run_requests", "Requests of the newest run to Microsoft 365.", _of_run(lambda run: float(run.requests))),
    Metric("run_throttled_seconds", "How long Microsoft 365 had the newest run wait.", _of_run(lambda run: run.throttled_seconds)),
    Metric(
        "run_scanned_contents",
        "Contents that the newest run had scanned for malware.",
        _of_run(lambda run: None if run.scanned is None else float(run.scanned)),
    ),
    Metric(
        "run_infected_contents",
        "Contents of the newest run that are infected.",
        _of_run(lambda run: None if run.infected is None else float(run.infected)),
    ),
    Metric(
        "run_unscanned_contents",
        "Contents that the newest run stored without a verdict.",
        _of_run(lambda run: None if run.unscanned is None else float(run.unscanned)),
    ),
    Metric(
        "scan_time_seconds",
        "When all stored contents were last scanned.",
        _one(lambda plan: None if plan.scan is None else plan.scan.time.timestamp()),
    ),
    Metric("scan_contents", "Stored contents by the verdict of that scan.", _verdicts),
    Metric(
        "flagged_items", "Infected and unscannable items that are known, a hundred at most.", _one(lambda plan: float(len(plan.flagged)))
    ),
    Metric("task_time_seconds", "When the newest task of this kind began.", _of_tasks(lambda task: task.start.timestamp())),
    Metric("task_duration_seconds", "How long it took.", _of_tasks(lambda task: task.seconds)),
    Metric("task_findings", "Its findings.", _of_tasks(lambda task: float(task.findings))),
    Metric("task_outcome", "How it ended: 1 for that outcome, 0 for the others.", _task_outcome),
)
