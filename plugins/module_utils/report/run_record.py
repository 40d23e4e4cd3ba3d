# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The record of a run on its host: what was done, kept beside the plan as JSON.

It is written last, after the snapshot, and holds no secret and no message content. Old ones go: each names every member, and a
plan may run every few minutes.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

from .._errors import BackupError
from .files import keep_newest, replace_file

KEPT_RECORDS = 500
"""Of each plan: more than a year of daily runs, three weeks of hourly ones."""


def record_path(state_path: Path, plan_name: str, run_id: str) -> Path:
    return state_path / "runs" / plan_name / f"{run_id}.json"


def save_run_record(state_path: Path, plan_name: str, run_id: str, document: t.Mapping[str, t.Any]) -> Path:
    """Write the record atomically with mode 0600, and remove the oldest ones. Raises BackupError when the folder cannot take it."""
    path = record_path(state_path, plan_name, run_id)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        replace_file(path, json.dumps({"version": 1, **document}, ensure_ascii=False, indent=1).encode())
    except OSError as error:
        raise BackupError(
            f"The run {run_id} ended, but its record {path} could not be written: {error.strerror}.",
            hint="The backup itself is in the repository. Free space or correct the permissions of the state path.",
        ) from error
    keep_newest(path.parent, KEPT_RECORDS)
    return path
