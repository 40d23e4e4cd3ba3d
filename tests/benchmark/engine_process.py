# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The measured process: one run of a plan by our engine, as the run module does it, and what it used.

C(python -m benchmark.engine_process JOB ANSWER) with two JSON files.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import resource
import sys
import time
import typing as t
from datetime import datetime, timezone
from pathlib import Path

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._process import limit_memory_pools
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.engine import Workers, run_plan
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.scan_setup import OpenedEngine, opened_engine, scan_setup
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.worker import WorkerSetup
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.client import connect
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.credentials import SecretCredential
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.limits import Budget, Budgets
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.settings import ConnectionSettings
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.model import (
    BackupType,
    MalwareScan,
    Plan,
    ScanEngine,
    Selection,
    Selectors,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.resolve import resolve_members
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import Repository, open_repository
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_open import open_storage

from .job import Answer, Job, read, write
from .processes import peak_of

PASSPHRASE = "x" * 50
TITLE = "Benchmark"
PLAN = "benchmark"
# Four at a time as always, but no limit on requests in ten minutes: the same mailbox is read again and again here.
_MAILBOXES = Budget(requests=None)


def main() -> None:
    limit_memory_pools()
    write(Path(sys.argv[2]), back_up(read(Path(sys.argv[1]), Job)))


def back_up(job: Job) -> Answer:
    plan = _plan(job)
    settings = settings_of(job)
    open_again = functools.partial(open_it, job.repository)
    repository = open_again()
    budgets = _budgets(job)
    setup = WorkerSetup(plan=plan, settings=settings, open_repository=open_again, now=_now, hostname="benchmark", budgets=budgets)
    started, cpu = time.monotonic(), cpu_so_far()
    with _engine(plan) as engine, connect(settings, budgets=budgets) as client:
        members = resolve_members(client, plan).members
        result = run_plan(
            plan,
            members,
            client,
            repository,
            run_id=job.run_id,
            now=_now,
            hostname=setup.hostname,
            workers=Workers(setup=setup, count=job.workers),
            engine=engine,
        )
    return Answer(
        wall=time.monotonic() - started,
        cpu=cpu_so_far() - cpu,
        process_cpu=cpu_so_far(),
        peak=max(peak_of("self"), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024),
        messages=result.counts.fetched,
        fetched_bytes=result.counts.fetched_bytes,
        requests=result.requests,
        outcome=result.outcome.value,
        is_changed=result.is_changed,
        scanned=result.scan.counts.scanned if result.scan else 0,
    )


def _plan(job: Job) -> Plan:
    selection = Selection(chosen=Selectors(groups=(job.group,)))
    common: dict[str, t.Any] = {"name": PLAN, "title": TITLE, "selection": selection, "repository": job.repository}
    if job.scanner is not None:
        common["malware_scan"] = MalwareScan(enabled=True, engine=ScanEngine.CLAMAV, socket=job.scanner)
    if job.drives is not None:
        return Plan(backup_type=BackupType.ONEDRIVE, **common)
    return Plan(backup_type=BackupType.MAILBOX, sources=tuple(job.sources), **common)


@contextlib.contextmanager
def _engine(plan: Plan) -> t.Iterator[OpenedEngine | None]:
    setup = scan_setup(plan)
    if setup is None:
        yield None
        return
    with opened_engine(setup, _now) as scanner:
        yield OpenedEngine(setup, scanner)


def _budgets(job: Job) -> Budgets:
    if job.drives is None:
        return Budgets(mailbox=_MAILBOXES)
    units, seconds = job.drives.units, job.drives.seconds
    drives = dataclasses.replace(Budgets().drives, requests=units, window=seconds, daily=None, download_bytes=None)
    return Budgets(mailbox=_MAILBOXES, drives=drives)


def cpu_so_far() -> float:
    """CPU seconds of this process and of its workers that have ended, user and system."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def open_it(location: str) -> Repository:
    return open_repository(open_storage(location), PASSPHRASE)


def settings_of(job: Job) -> ConnectionSettings:
    return ConnectionSettings(
        tenant_id=job.tenant_id,
        client_id=job.client_id,
        credential=SecretCredential(job.client_secret),
        proxy=job.proxy,
        ca_bundle=job.ca_bundle,
    )


def _now() -> datetime:
    return datetime.now(timezone.utc)


if __name__ == "__main__":
    main()
