# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The record of a run on its host: what was done, kept beside the plan as JSON.

It is written last, after the snapshot, and holds no secret and no message content. Old ones go: each names every member, and a
plan may run every few minutes.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import typing as t
from pathlib import Path

from .._errors import BackupError

KEPT_RECORDS = 500
"""Of each plan: more than a year of daily runs, three weeks of hourly ones."""


def record_path(state_path: Path, plan_name: str, run_id: str) -> Path:
    return state_path / "runs" / plan_name / f"{run_id}.json"


def save_run_record(state_path: Path, plan_name: str, run_id: str, document: t.Mapping[str, t.Any]) -> Path:
    """Write the record atomically with mode 0600, and remove the oldest ones. Raises BackupError when the folder cannot take it."""
    path = record_path(state_path, plan_name, run_id)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".run-")
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            json.dump({"version": 1, **document}, stream, ensure_ascii=False, indent=1)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise BackupError(
            f"The run {run_id} ended, but its record {path} could not be written: {error.strerror}.",
            hint="The backup itself is in the repository. Free space or correct the permissions of the state path.",
        ) from error
    _remove_old(path.parent)
    return path


def _remove_old(folder: Path) -> None:
    """Their names sort by time. What cannot be removed now is tried again after the next run."""
    with contextlib.suppress(OSError):
        for path in sorted(folder.glob("[0-9]*.json"))[:-KEPT_RECORDS]:
            path.unlink()
