# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run of a plan at a time on a host: whoever comes second is refused at once, before anything is touched.

The lock is the operating system's (flock), so it goes with the process that holds it, however that ends. The file stays and names the
last one that held it. Several hosts do not know of one another: their runs harm nothing, see base_point.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import typing as t
from datetime import datetime
from pathlib import Path

from .._errors import BackupError
from ..plan.errors import StateUnusable
from .run_record import record_path

_NAME = ".lock"
_MOST_BYTES = 4096


class RunActive(BackupError):
    """A run of the plan is going on on this host."""


def lock_path(state_path: Path, plan_name: str) -> Path:
    """The file that a run of the plan holds locked."""
    return record_path(state_path, plan_name, "").parent / _NAME


@contextlib.contextmanager
def only_run(state_path: Path, plan_name: str, run_id: str, started: datetime) -> t.Iterator[None]:
    """Hold the lock of the plan. Raises RunActive, StateUnusable."""
    path = lock_path(state_path, plan_name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise _refused(path, error) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(descriptor, 0)
            document = {"pid": os.getpid(), "since": started.isoformat(timespec="seconds"), "run_id": run_id}
            os.pwrite(descriptor, json.dumps(document).encode(), 0)
        except BlockingIOError as error:
            raise _active(plan_name, descriptor) from error
        except OSError as error:
            raise _refused(path, error) from error
        yield
    finally:
        os.close(descriptor)


def _active(plan_name: str, descriptor: int) -> RunActive:
    """Who has just got the lock may not have written yet who that is."""
    known: t.Any = None
    with contextlib.suppress(ValueError, OSError):
        known = json.loads(os.pread(descriptor, _MOST_BYTES, 0))
    who = f" (process {known['pid']}, since {known['since']})" if isinstance(known, dict) and {"pid", "since"} <= known.keys() else ""
    return RunActive(
        f"A run of plan {plan_name} is going on on this host{who}, so this one did not begin.",
        hint="Wait for its end, or end it with SIGTERM: it leaves a checkpoint, and the next run goes on from there.",
    )


def _refused(path: Path, error: OSError) -> StateUnusable:
    return StateUnusable(
        f"The run did not begin, because {path} cannot be locked: {error.strerror}.",
        hint="Check the owner and mode of the folder and the disk, or choose another state_path.",
    )
