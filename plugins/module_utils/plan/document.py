# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A plan as a plain dictionary, in the words and the shape of the module's options.

The same shape is declared in a task, stored on the host, returned as a result and shown in a diff, so a returned plan can
be pasted back into a task.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import datetime
import enum
import os
import typing as t

from ..repository.storage_options import S3Options
from .model import (
    MAILBOX_SOURCES,
    BackupType,
    Encryption,
    MalwareScan,
    OnFlagged,
    OnScannerDown,
    Plan,
    ScanEngine,
    Selection,
    name_from_title,
)
from .retention import Retention
from .schedule import (
    DEFAULT_AT,
    DEFAULT_TIME_ZONE,
    INTERVALS,
    Calendar,
    Daily,
    Interval,
    Monthly,
    Rule,
    Schedule,
    Weekday,
    Weekly,
    interval_name,
)
from .schema import Declaration, check_declaration

Document = dict[str, t.Any]


def plan_from_dict(declaration: Declaration) -> Plan:
    """The plan that a declaration means. Options that are None or left out take their defaults.

    Raises L(InputError) that names every option that is wrong.
    """
    declared = _without_absent(declaration)
    check_declaration(declared)
    title = declared["title"].strip()
    return Plan(
        name=declared.get("name") or name_from_title(title),
        title=title,
        selection=Selection(users=_tidy(declared.get("users", ())), groups=_tidy(declared.get("groups", ()))),
        backup_type=BackupType(declared["backup_type"]),
        schedule=_schedule(declared["schedule"]) if "schedule" in declared else None,
        retention=Retention(**declared["retention"]) if "retention" in declared else Retention(forever=True),
        sources=tuple(name for name in MAILBOX_SOURCES if name in declared.get("sources", MAILBOX_SOURCES)),
        recoverable_items=declared.get("recoverable_items", False),
        archive_mailboxes=declared.get("archive_mailboxes", False),
        versions=declared.get("versions", 0),
        permissions=declared.get("permissions", False),
        encryption=Encryption(**declared.get("encryption", {})),
        malware_scan=_malware_scan(declared["malware_scan"]) if "malware_scan" in declared else MalwareScan(),
        repository=_tidy_location(declared["repository"]),
        s3=_s3(declared.get("s3", {})),
    )


def plan_to_dict(plan: Plan) -> Document:
    """The declaration of the plan with all defaults filled in. ``plan_from_dict`` is its inverse."""
    return {
        "name": plan.name,
        "title": plan.title,
        "users": list(plan.selection.users),
        "groups": list(plan.selection.groups),
        "backup_type": plan.backup_type.value,
        "schedule": _schedule_to_dict(plan.schedule) if plan.schedule else None,
        "retention": _retention_to_dict(plan.retention),
        "sources": list(plan.sources) if plan.backup_type is BackupType.MAILBOX else None,
        "recoverable_items": plan.recoverable_items,
        "archive_mailboxes": plan.archive_mailboxes,
        "versions": plan.versions if plan.backup_type is BackupType.ONEDRIVE else None,
        "permissions": plan.permissions if plan.backup_type is BackupType.ONEDRIVE else None,
        "encryption": {"enabled": plan.encryption.enabled},
        "malware_scan": _malware_scan_to_dict(plan.malware_scan),
        "repository": plan.repository,
        "s3": _without_absent(dataclasses.asdict(plan.s3)) or None,
    }


def _without_absent(value: t.Any) -> t.Any:
    """The value without options that are None at any depth; Ansible hands those over for every option that is not given."""
    if isinstance(value, t.Mapping):
        return {key: _without_absent(inner) for key, inner in value.items() if inner is not None}
    return value


def _tidy(names: t.Iterable[str]) -> tuple[str, ...]:
    """Sorted, and each name once: the directory does not tell capital from small letters."""
    by_key = {name.strip().casefold(): name.strip() for name in sorted(names, reverse=True)}
    return tuple(by_key[key] for key in sorted(by_key))


def _tidy_location(location: str) -> str:
    if location.startswith("/"):
        return os.path.normpath(location)
    scheme, separator, rest = location.partition("://")
    return scheme + separator + "/".join(part for part in rest.split("/") if part)


def _s3(declared: Declaration) -> S3Options:
    endpoint = declared.get("endpoint")
    return S3Options(**{**declared, "endpoint": endpoint and endpoint.rstrip("/")})


def _malware_scan(declared: Declaration) -> MalwareScan:
    """Whoever declares how to scan wants a scan, unless C(enabled) says otherwise."""
    default = MalwareScan()
    return MalwareScan(
        enabled=declared.get("enabled", True),
        engine=ScanEngine(declared.get("engine", default.engine)),
        socket=declared.get("socket", default.socket),
        rules=tuple(os.path.normpath(path) for path in declared.get("rules", default.rules)),
        on_infected=OnFlagged(declared.get("on_infected", default.on_infected)),
        on_unscannable=OnFlagged(declared.get("on_unscannable", default.on_unscannable)),
        on_scanner_down=OnScannerDown(declared.get("on_scanner_down", default.on_scanner_down)),
        size_limit_mb=declared.get("size_limit_mb", default.size_limit_mb),
    )


def _malware_scan_to_dict(scan: MalwareScan) -> Document:
    """All of it, but nothing more than that it is off where nothing was declared."""
    if scan == MalwareScan():
        return {"enabled": False}
    values = dataclasses.asdict(scan)
    return {key: value.value if isinstance(value, enum.Enum) else list(value) if key == "rules" else value for key, value in values.items()}


def _schedule(declared: Declaration) -> Schedule:
    return Schedule(rule=_rule(declared), time_zone=declared.get("timezone", DEFAULT_TIME_ZONE))


def _rule(declared: Declaration) -> Rule:
    if "calendar" in declared:
        return Calendar(" ".join(declared["calendar"].split()))
    every = declared["every"]
    if every in INTERVALS:
        return Interval(INTERVALS[every], first=_time(declared.get("at", "00:00")))
    at = _time(declared["at"]) if "at" in declared else DEFAULT_AT
    if every == "weekly":
        return Weekly(tuple(day for day in Weekday if day.value in declared.get("weekday", ["sunday"])), at=at)
    if every == "monthly":
        day = declared.get("day", "1")
        return Monthly(None if day == "last" else int(day), at=at)
    return Daily(at)


def _time(text: str) -> datetime.time:
    return datetime.time.fromisoformat(text)


def _schedule_to_dict(schedule: Schedule) -> Document:
    return {**_rule_to_dict(schedule.rule), "timezone": schedule.time_zone}


def _rule_to_dict(rule: Rule) -> Document:
    if isinstance(rule, Calendar):
        return {"calendar": rule.expression}
    if isinstance(rule, Interval):
        return {"every": interval_name(rule), "at": f"{rule.first:%H:%M}"}
    at = f"{rule.at:%H:%M}"
    if isinstance(rule, Weekly):
        return {"every": "weekly", "weekday": [day.value for day in rule.weekdays], "at": at}
    if isinstance(rule, Monthly):
        return {"every": "monthly", "day": "last" if rule.day is None else str(rule.day), "at": at}
    return {"every": "daily", "at": at}


def _retention_to_dict(retention: Retention) -> Document:
    if retention.keeps_everything:
        return {"forever": True}
    return {rule: value for rule, value in dataclasses.asdict(retention).items() if value}
