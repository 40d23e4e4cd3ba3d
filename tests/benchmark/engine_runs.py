# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs of a plan by our engine, each in a process of its own, and what everybody used meanwhile."""

from __future__ import annotations

import shutil
import sys
import time
import typing as t

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import create_repository
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_open import open_storage

from . import job
from .engine_process import PASSPHRASE
from .figures import EngineRun, Usage
from .processes import cpu_of, cpu_of_machine, size_on_disk

if t.TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from .route import Route

_LIMIT_SECONDS = 900.0


class EngineRuns:
    """Repositories below C(folder), and runs of groups of the tenant into them.

    C(workers) is None for as many processes as the product takes by itself.
    """

    def __init__(self, route: Route, folder: Path, workers: int | None, limit_seconds: float = _LIMIT_SECONDS) -> None:
        self._route = route
        self._folder = folder
        self._workers = workers
        self._limit_seconds = limit_seconds
        self._runs = 0

    @property
    def question(self) -> Path:
        """The file with the job of the last run."""
        return self._folder / "job.json"

    def run(
        self, group: str, repository: Path, sources: Sequence[str] = (), drives: job.Drives | None = None, scanner: str | None = None
    ) -> EngineRun:
        """Back up a group: these sources of its mailboxes, or its drives. C(scanner) is the socket of clamd."""
        tenant = self._route.tenant
        self._runs += 1
        question, answer = self.question, self._folder / "answer.json"
        job.write(
            question,
            job.Job(
                group=group,
                repository=str(repository),
                run_id=f"run-{self._runs}",
                tenant_id=tenant.tenant_id,
                client_id=tenant.client_id,
                client_secret=tenant.client_secret,
                ca_bundle=str(tenant.ca_bundle),
                proxy=tenant.proxy_url if self._route.address is None else None,
                sources=list(sources),
                workers=self._workers,
                drives=drives,
                scanner=scanner,
            ),
        )
        answer.unlink(missing_ok=True)
        tenant.control.reset_log()
        before = size_on_disk(repository)
        started, theirs, machine = time.monotonic(), cpu_of(tenant.pid), cpu_of_machine()
        self._route.run([sys.executable, "-m", "benchmark.engine_process", str(question), str(answer)], self._limit_seconds)
        wall, theirs, machine = time.monotonic() - started, cpu_of(tenant.pid) - theirs, cpu_of_machine() - machine
        said = job.read(answer, job.Answer)
        return EngineRun(
            process=Usage(wall=wall, cpu=said.process_cpu, peak=said.peak),
            wall=said.wall,
            cpu=said.cpu,
            tenant_cpu=theirs,
            others_cpu=max(0.0, machine - theirs - said.process_cpu),
            messages=said.messages,
            fetched_bytes=said.fetched_bytes,
            requests=said.requests,
            written=size_on_disk(repository) - before,
            outcome=said.outcome,
            is_changed=said.is_changed,
            scanned=said.scanned,
        )

    def new_repository(self, name: str) -> Path:
        """An empty one, in place of what was there."""
        folder = self.empty(name)
        create_repository(open_storage(str(folder)), PASSPHRASE)
        return folder

    def empty(self, name: str) -> Path:
        """An empty folder, in place of what was there."""
        folder = self._folder / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        return folder
