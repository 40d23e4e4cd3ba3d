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
import enum
import os
import typing as t

from ..repository.storage_options import S3Options
from .model import (
    DEFAULT_MEMBER_LOSS_PERCENT,
    MAILBOX_SOURCES,
    BackupType,
    Encryption,
    Leavers,
    MalwareScan,
    OnFlagged,
    OnScannerDown,
    Plan,
    ScanEngine,
    Selection,
    name_from_title,
)
from .retention import Retention
from .schedule_document import parse_schedule, retention_to_dict, schedule_to_dict
from .schema import check_declaration, check_selection
from .schema_parts import Declaration
from .selection_document import leavers_to_dict, parse_leavers, parse_selection, selection_to_dict

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
        selection=parse_selection(declared),
        backup_type=BackupType(declared["backup_type"]),
        schedule=parse_schedule(declared["schedule"]) if "schedule" in declared else None,
        retention=Retention(**declared["retention"]) if "retention" in declared else Retention(forever=True),
        leavers=parse_leavers(declared["leavers"]) if "leavers" in declared else Leavers(),
        max_member_loss_percent=declared.get("max_member_loss_percent", DEFAULT_MEMBER_LOSS_PERCENT),
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


def selection_from_dict(declaration: Declaration) -> Selection:
    """The selection that a declaration means in which nothing else of a plan is but C(backup_type), which is needed.

    Raises L(InputError) as L(plan_from_dict) does.
    """
    declared = _without_absent(declaration)
    check_selection(declared)
    return parse_selection(declared)


def plan_to_dict(plan: Plan) -> Document:
    """The declaration of the plan with all defaults filled in. ``plan_from_dict`` is its inverse."""
    return {
        "name": plan.name,
        "title": plan.title,
        **selection_to_dict(plan.selection, plan.backup_type),
        "backup_type": plan.backup_type.value,
        "schedule": schedule_to_dict(plan.schedule) if plan.schedule else None,
        "retention": retention_to_dict(plan.retention),
        "leavers": leavers_to_dict(plan.leavers),
        "max_member_loss_percent": plan.max_member_loss_percent,
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
