# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run from a plan's name to its result: what the module, a timer and a playbook all call.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import secrets
import socket
import typing as t
from datetime import datetime, timezone
from pathlib import Path

from .._errors import InputError
from ..graph.client import connect
from ..plan.model import BackupType
from ..plan.repository_access import S3Credentials, open_plan_repository
from ..plan.selection import resolve_members
from ..report.run_record import save_run_record
from .drive_licences import licence_warnings
from .engine import Workers, preview_plan, run_plan
from .results import RunResult
from .scan_setup import OpenedEngine, opened_engine, scan_setup, weaknesses
from .worker import WorkerSetup

if t.TYPE_CHECKING:
    from ..graph.settings import ConnectionSettings
    from ..plan.model import Plan
    from ..plan.store import PlanStore


def utc_now() -> datetime:
    return datetime.now(timezone.utc)


def new_run_id(moment: datetime) -> str:
    """Sorts by time; the random end keeps runs of several hosts apart."""
    return f"{moment:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def back_up(
    reference: str,
    *,
    store: PlanStore,
    state_path: Path,
    settings: ConnectionSettings,
    passphrase_of: t.Callable[[Plan], str],
    is_check: bool,
    lock_timeout: float,
    credentials: S3Credentials | None = None,
    workers: int | None = None,
    now: t.Callable[[], datetime] = utc_now,
) -> RunResult:
    """Run a stored plan. Everything that can be wrong with the input is found before anything is written.

    ``workers`` is the number of processes that read members, None for as many as help. In check mode Graph is asked what
    has changed, and nothing is stored: not a body, not a lock, not a record. The malware engine of the plan has to find the test
    virus first, in check mode too: ScannerUnusable, ScannerDown.
    """
    stored = store.find(reference)
    open_repository = functools.partial(open_plan_repository, stored, passphrase_of(stored.plan), credentials)
    repository = open_repository()
    run_id = new_run_id(now())
    with _opened_engine(stored.plan, now) as engine, connect(settings) as client:
        resolution = resolve_members(client, stored.plan.selection, licences=stored.plan.backup_type is BackupType.ONEDRIVE)
        if not resolution.members:
            raise InputError(
                f"The plan {stored.plan.title!r} has no members right now.",
                hint="Look at its users and groups; nothing was changed and no backup was removed.",
            )
        if is_check:
            result = preview_plan(stored.plan, resolution.members, client, repository, run_id=run_id, now=now, engine=engine)
        else:
            setup = WorkerSetup(
                plan=stored.plan,
                settings=settings,
                open_repository=open_repository,
                now=now,
                hostname=socket.gethostname(),
                lock_timeout=lock_timeout,
            )
            result = run_plan(
                stored.plan,
                resolution.members,
                client,
                repository,
                run_id=run_id,
                now=now,
                hostname=setup.hostname,
                lock_timeout=lock_timeout,
                workers=Workers(setup=setup, count=workers),
                engine=engine,
            )
        weak = () if engine is None else weaknesses(engine.scanner)
    warnings = (*result.warnings, *weak, *resolution.warnings, *licence_warnings(result, resolution.members))
    result = dataclasses.replace(result, warnings=warnings)
    if not is_check:
        save_run_record(state_path, stored.plan.name, run_id, {**result.as_dict(), "notes": list(result.warnings)})
    return result


@contextlib.contextmanager
def _opened_engine(plan: Plan, now: t.Callable[[], datetime]) -> t.Iterator[OpenedEngine | None]:
    setup = scan_setup(plan)
    if setup is None:
        yield None
        return
    with opened_engine(setup, now) as scanner:
        yield OpenedEngine(setup, scanner)
