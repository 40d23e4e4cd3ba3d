# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a backup host does by itself, and when: the jobs of declared plans. Pure.

It works on a controller, where the libraries of a backup host are not, so it checks by itself what no module sees.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import enum
import re
import typing as t

from .._errors import InputError
from .cron_text import CronTimes, cron_times
from .model import NAME_PATTERN
from .schedule import INTERVALS, Schedule, find_time_zone
from .schedule_document import parse_schedule
from .schedule_times import on_calendar
from .schedule_words import explain
from .schema_parts import Declaration, shown

REPORT = "report"
"""The job, and the instance of its units, that is for all plans of a host."""

_KEYS = ("enabled", "schedule", "variables")
_SCHEDULE_KEYS = ("every", "at", "weekday", "day", "timezone", "calendar", "window", "spread_minutes")


class Verb(str, enum.Enum):
    """What a job does, in the words of C(m365-backup) and of the playbooks."""

    RUN = "run"
    PRUNE = "prune"
    VERIFY = "verify"
    SCAN = "scan"
    DRILL = "drill"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """``plan`` is empty for what concerns all plans of a host. ``variables`` are those of the playbook."""

    plan: str
    verb: str
    schedule: Schedule
    variables: t.Mapping[str, t.Any]

    def to_dict(self) -> dict[str, t.Any]:
        """As templates take it."""
        name = self.plan or REPORT
        cron: CronTimes = cron_times(self.schedule, name)
        return {
            "plan": self.plan,
            "verb": self.verb,
            "unit": f"m365-backup-{self.verb}@{self.plan}" if self.plan else f"m365-backup-{self.verb}",
            "explanation": explain(self.schedule, name),
            "on_calendar": list(on_calendar(self.schedule, name)),
            "catches_up": self.schedule.window is None,
            "time_zone": self.schedule.time_zone,
            "cron": list(cron.times),
            "cron_problem": cron.problem,
            "variables": dict(self.variables),
            "variables_file": f"{self.plan}.{self.verb}.json" if self.plan else f"{self.verb}.json",
        }


def jobs_of(
    plans: t.Sequence[Declaration],
    *,
    jobs: Declaration,
    report: Declaration,
    is_maintained_here: bool,
    host: str,
    hosts: t.Sequence[str] = (),
) -> list[Job]:
    """The jobs of a host, in the order of its plans. Pruning and the like are left out where it is not the host for that.

    ``jobs`` hold for all plans, and the key C(jobs) of a plan takes their place, key by key. With several ``hosts`` a run backs up
    the share of ``host``; only where the repository is an object store, since a folder cannot be known to be shared.
    Raises InputError that names the plan and the job.
    """
    if hosts and host not in hosts:
        raise InputError(
            f"The host {host} is not one of group_backup_hosts: {', '.join(hosts)}.",
            hint="Name each host that runs the plans, this one, too. Otherwise its share would be backed up by nobody.",
        )
    _refuse_unknown(jobs, [verb.value for verb in Verb], "group_backup_jobs")
    _refuse_doubled([_name(plan, number) for number, plan in enumerate(plans, start=1)])
    found: list[Job] = []
    for plan in plans:
        if plan.get("state", "present") == "absent":
            continue
        own = _mapping(plan.get("jobs") or {}, f"jobs of the plan {plan['name']}")
        _refuse_unknown(own, [verb.value for verb in Verb], f"jobs of the plan {plan['name']}")
        for verb in Verb if is_maintained_here else (Verb.RUN,):
            if verb.value not in jobs and verb.value not in own:
                continue
            settings = {
                **_settings(jobs.get(verb.value), f"the job {verb.value} of group_backup_jobs"),
                **_settings(own.get(verb.value), f"the job {verb.value} of the plan {plan['name']}"),
            }
            job = _job(plan, verb, settings)
            if job is not None:
                found.append(_shared(job, plan, host, hosts))
    about_all = _settings(report, "group_backup_report")
    if about_all.get("enabled", True):
        schedule = _schedule(about_all.get("schedule"), "group_backup_report", "UTC")
        found.append(Job(plan="", verb=REPORT, schedule=schedule, variables=about_all.get("variables") or {}))
    return found


def _job(plan: Declaration, verb: Verb, settings: Declaration) -> Job | None:
    """None for what is switched off, has nothing to do, or is started by somebody else."""
    if not settings.get("enabled", verb is not Verb.SCAN or _is_scanned(plan)):
        return None
    where = f"the job {verb.value} of the plan {plan['name']}"
    declared = plan.get("schedule")
    if verb is Verb.RUN:
        if settings.get("schedule"):
            raise InputError(f"There is a schedule in {where}.", hint="A plan runs by its own schedule. Give it there.")
        if not declared:
            return None
        schedule = _schedule(declared, f"the plan {plan['name']}", "UTC")
    else:
        zone = str((declared or {}).get("timezone") or "UTC")
        schedule = _schedule(settings.get("schedule"), where, zone)
    return Job(plan=str(plan["name"]), verb=verb.value, schedule=schedule, variables=settings.get("variables") or {})


def _shared(job: Job, plan: Declaration, host: str, hosts: t.Sequence[str]) -> Job:
    if job.verb != Verb.RUN.value or len(hosts) < 2 or not str(plan.get("repository") or "").startswith("s3://"):
        return job
    return dataclasses.replace(job, variables={"m365_backup_shard": host, "m365_backup_shards": list(hosts), **job.variables})


def _is_scanned(plan: Declaration) -> bool:
    scan = plan.get("malware_scan")
    if isinstance(scan, t.Mapping):
        return bool(scan.get("enabled", True))
    return str(scan).lower() in ("true", "yes", "on", "1")


def _name(plan: Declaration, number: int) -> str:
    name = _mapping(plan, f"entry {number} of group_backup_plans").get("name")
    if not isinstance(name, str) or not re.fullmatch(NAME_PATTERN, name):
        raise InputError(
            f"Entry {number} of group_backup_plans ({shown(plan.get('title') or name)}) has no name that can be that of its units.",
            hint="Give it a name of small letters, digits, hyphens and underscores, such as name: sales.",
        )
    return name


def _refuse_doubled(names: t.Sequence[str]) -> None:
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise InputError(
            f"In group_backup_plans is more than one plan of the name {', '.join(doubled)}.", hint="Each needs a name of its own."
        )


def _settings(declared: t.Any, where: str) -> Declaration:
    settings = _mapping({} if declared is None else {"enabled": declared} if isinstance(declared, bool) else declared, where)
    _refuse_unknown(settings, _KEYS, where)
    return settings


def _schedule(declared: t.Any, where: str, time_zone: str) -> Schedule:
    """The schedule that a job declares, as the modules understand it, who see only that of a plan."""
    if not declared:
        raise InputError(
            f"There is no schedule in {where}.", hint="Say when, such as schedule: {every: daily}, or switch it off by enabled: false."
        )
    given = {key: value for key, value in _mapping(declared, f"the schedule of {where}").items() if value is not None}
    _refuse_unknown(given, _SCHEDULE_KEYS, f"the schedule of {where}")
    hint = "It is written as the option schedule of m365_group_backup_plan."
    if ("every" in given) == ("calendar" in given):
        raise InputError(f"The schedule of {where} needs either every or calendar.", hint=hint)
    if given.get("every", "daily") not in (*INTERVALS, "daily", "weekly", "monthly"):
        raise InputError(f"The schedule of {where} means nothing: every: {shown(given['every'])}.", hint=hint)
    weekday = given.get("weekday")
    given = {**given, "timezone": str(given.get("timezone", time_zone))}
    given |= {"weekday": [weekday]} if isinstance(weekday, str) else {}
    given |= {"day": str(given["day"])} if "day" in given else {}
    if find_time_zone(given["timezone"]) is None:
        raise InputError(f"The schedule of {where} names a time zone that this machine does not know: {given['timezone']}.", hint=hint)
    try:
        return parse_schedule(given)
    except (TypeError, ValueError, KeyError) as error:
        raise InputError(f"The schedule of {where} means nothing: {error}.", hint=hint) from error


def _mapping(value: t.Any, where: str) -> Declaration:
    if not isinstance(value, t.Mapping):
        raise InputError(f"In {where} there have to be keys and values, not {shown(value)}.")
    return value


def _refuse_unknown(given: Declaration, known: t.Sequence[str], where: str) -> None:
    unknown = sorted(str(key) for key in given if key not in known)
    if unknown:
        raise InputError(f"Unknown in {where}: {', '.join(unknown)}.", hint=f"There are {', '.join(known)}.")
