# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The records that runs have left on this host, read again.

A run that finds nothing new leaves no restore point, so that only its record knows that everything was looked at.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import secrets
import typing as t
from pathlib import Path

from .files import moment_of
from .run_record import record_path

_SUFFIX = ".json"
_FAILED = "failed"
_TIME = "%Y%m%dT%H%M%SZ"

SourceKey = tuple[str, str]
"""The object id of a member, and the name of a source of it."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PastRun:
    """One run. ``restore_point`` is the first id of the newest snapshot of the plan when it ended, None when there was none.

    ``read`` is when it has read each source to its end; a source that failed is not among them.
    """

    run_id: str
    end: datetime.datetime
    outcome: str
    restore_point: str | None
    read: t.Mapping[SourceKey, datetime.datetime]


def past_runs(state_path: Path, plan_name: str) -> t.Iterator[PastRun]:
    """The newest first, each read when it is asked for. What is no record, or cannot be read, is passed over: it proves nothing."""
    folder = record_path(state_path, plan_name, "").parent
    try:
        names = sorted(
            (path.name for path in folder.iterdir() if path.name.endswith(_SUFFIX) and not path.name.startswith(".")), reverse=True
        )
    except OSError:
        return
    for name in names:
        run = _read(folder / name)
        if run is not None:
            yield run


def new_run_id(moment: datetime.datetime) -> str:
    """Sorts by time, to the microsecond; the random end keeps runs of several hosts apart."""
    return f"{moment.strftime(_TIME)}-{moment.microsecond:05x}{secrets.token_hex(2)}"


def start_of(run_id: str) -> datetime.datetime | None:
    """When the run of that id began, which the id says to the second; None for another kind of id."""
    try:
        return datetime.datetime.strptime(run_id.partition("-")[0], _TIME).replace(tzinfo=datetime.timezone.utc)
    except ValueError:
        return None


def _read(path: Path) -> PastRun | None:
    try:
        document = json.loads(path.read_bytes())
        return PastRun(
            run_id=document["run_id"],
            end=moment_of(document["end"]),
            outcome=document["outcome"],
            restore_point=document.get("restore_point"),
            read={
                (member["id"], name): moment_of(source["last_success"])
                for member in document["members"]
                for name, source in member["sources"].items()
                if source["outcome"] != _FAILED and source.get("last_success")
            },
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
