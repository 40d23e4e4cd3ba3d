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
import socket
import typing as t
from datetime import datetime, timezone
from pathlib import Path

from .._errors import BackupError
from ..graph.client import connect
from ..graph.errors import Cancelled
from ..plan.repository_access import S3Credentials, open_plan_repository
from ..report.noting import note_run
from ..report.past_runs import new_run_id
from ..report.run_lock import only_run
from .drive_licences import licence_warnings
from .engine import Workers, preview_plan, run_plan
from .results import RunResult
from .run_members import find_run_members
from .scan_setup import OpenedEngine, opened_engine, scan_setup, weaknesses
from .stopping import Stop, deadline_of
from .worker import WorkerSetup

if t.TYPE_CHECKING:
    from ..graph.client import GraphClient
    from ..graph.settings import ConnectionSettings
    from ..plan.model import Plan
    from ..plan.shards import Share
    from ..plan.store import PlanStore
    from ..report.progress import Meter


def utc_now() -> datetime:
    return datetime.now(timezone.utc)


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
    confirmed: t.Collection[str] = (),
    max_minutes: int | None = None,
    now: t.Callable[[], datetime] = utc_now,
    meter: Meter | None = None,
    share: Share | None = None,
) -> RunResult:
    """Run a stored plan. Everything that can be wrong with the input is found before anything is written.

    ``workers`` is the number of processes that read members, None for as many as help. In check mode Graph is asked what
    has changed, and nothing is stored: not a body, not a lock, not a record. The malware engine of the plan has to find the test
    virus first, in check mode too: ScannerUnusable, ScannerDown. More leavers at once than the plan allows have to be ``confirmed``. A
    run ends early after ``max_minutes``, when the window closes in which it began, and when a signal asks it to. With ``share``
    only the members in it are read. RunActive when a run of the plan is going on on this host.
    """
    stored = store.find(reference)
    stop = Stop(now, None if is_check else deadline_of(stored.plan, max_minutes, now()))
    open_repository = functools.partial(open_plan_repository, stored, passphrase_of(stored.plan), credentials)
    repository = open_repository()
    started = now()
    run_id, hostname = new_run_id(started), socket.gethostname()
    lock = contextlib.nullcontext() if is_check else only_run(state_path, stored.plan.name, run_id, started)
    with lock, _opened_engine(stored.plan, now) as engine, connect(settings) as client, _stopped_by(stop, client):
        found = find_run_members(client, stored.plan, repository, confirmed)
        if is_check:
            result = preview_plan(
                stored.plan,
                found.members,
                client,
                repository,
                run_id=run_id,
                now=now,
                engine=engine,
                departures=found.departures,
                seen=found.seen,
                share=share,
                hostname=hostname,
            )
        else:
            setup = WorkerSetup(
                plan=stored.plan,
                settings=settings,
                open_repository=open_repository,
                now=now,
                hostname=hostname,
                lock_timeout=lock_timeout,
            )
            result = run_plan(
                stored.plan,
                found.members,
                client,
                repository,
                run_id=run_id,
                now=now,
                hostname=hostname,
                lock_timeout=lock_timeout,
                workers=Workers(setup=setup, count=workers),
                engine=engine,
                departures=found.departures,
                seen=found.seen,
                stop=stop,
                meter=meter,
                share=share,
            )
        weak = () if engine is None else weaknesses(engine.scanner)
    warnings = (*result.warnings, *weak, *found.warnings, *licence_warnings(result, found.members))
    result = dataclasses.replace(result, warnings=warnings)
    if not is_check:
        note_run(state_path, stored.plan.name, run_id, {**result.as_dict(), "notes": list(result.warnings)})
    return result


@contextlib.contextmanager
def _stopped_by(stop: Stop, client: GraphClient) -> t.Iterator[None]:
    """What has no checkpoint to leave, such as resolving the members or a preview, ends with an error."""
    with stop.watching(), stop.calling(client.cancel):
        try:
            yield
        except Cancelled as error:
            if stop.stopped is None:
                raise
            raise BackupError(
                f"The run was stopped before it read anything, because {stop.stopped.words}.", hint="Nothing was changed. Start it again."
            ) from error


@contextlib.contextmanager
def _opened_engine(plan: Plan, now: t.Callable[[], datetime]) -> t.Iterator[OpenedEngine | None]:
    setup = scan_setup(plan)
    if setup is None:
        yield None
        return
    with opened_engine(setup, now) as scanner:
        yield OpenedEngine(setup, scanner)
