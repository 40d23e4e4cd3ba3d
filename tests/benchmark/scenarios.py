# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is measured: a full run beside restic, a full run with slow answers, and runs after few changes or none."""

from __future__ import annotations

import dataclasses
import random
import shutil
import statistics
import sys
import time
import typing as t
from pathlib import Path

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.layout import MAIL
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.model import MAILBOX_SOURCES
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.blobs import blob_id
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import create_repository, open_repository
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_open import open_storage
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import BlobId, BlobKind

from . import job, restic
from .engine_process import PASSPHRASE
from .figures import EngineRun, ResticRun, Usage, median_of
from .mail import Batch, deliver, fill_mailbox, folder_names, letters
from .processes import cpu_of, cpu_of_machine, size_on_disk

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from .route import Route

_LIMIT_SECONDS = 900.0
_SWEEP_FOLDERS = 30
_SMALL_MAILBOX = 1000
DELIVERED, MOVED, DELETED, FLAGGED = 20, 5, 5, 5


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FullResult:
    """C(bodies_wall) is the time from the first request for a body to the last, without login and listing."""

    mailboxes: int
    size: int
    engine: EngineRun
    bodies_wall: float
    restic: ResticRun | None
    restic_version: str | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DelayedResult:
    """C(bodies_wall) as in L(FullResult)."""

    mailboxes: int
    latency: float
    engine: EngineRun
    bodies_wall: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class IncrementalResult:
    """C(besides) is what was written besides the new bodies as they are stored."""

    mailbox_messages: int
    changed: EngineRun
    besides: int
    unchanged: EngineRun


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SweepResult:
    """Runs over many mailboxes: the first one, and one that finds no change."""

    mailboxes: int
    folders: int
    first: EngineRun
    unchanged: EngineRun


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MemoryResult:
    """Full runs over a small mailbox and a large one, each alone: {messages: run}."""

    runs: dict[int, EngineRun]


class Bench:
    """A group of mailboxes in a tenant, and a folder for repositories and messages."""

    def __init__(self, route: Route, folder: Path, workers: int | None) -> None:
        self._route = route
        self._workers = workers
        self._folder = folder
        self._control = route.tenant.control
        self._control.limits(requests=None)
        self._runs = 0

    def full(self, mailboxes: int, messages: int, size_limit: int | None, repeat: int) -> FullResult:
        """Leaves the repository of the last run for L(incremental)."""
        files = self._folder / "messages"
        size = self._add_group("full", mailboxes, messages, size_limit, files)
        engines, walls, others = [], [], []
        for _unused in range(repeat):
            engines.append(self._run("full", self._new_repository("full")))
            walls.append(self._bodies_wall())
            if restic.is_there():
                others.append(restic.back_up(files, self._empty("restic")))
        return FullResult(
            mailboxes=mailboxes,
            size=size,
            engine=median_of(engines),
            bodies_wall=statistics.median(walls),
            restic=median_of(others) if others else None,
            restic_version=restic.version() if others else None,
        )

    def delayed(self, mailboxes: int, messages: int, latency: float, repeat: int) -> DelayedResult:
        self._add_group("delayed", mailboxes, messages, 200_000, None)
        self._control.set_latency(round(latency * 1000))
        runs, walls = [], []
        for _unused in range(repeat):
            runs.append(self._run("delayed", self._new_repository("delayed")))
            walls.append(self._bodies_wall())
        self._control.set_latency(0)
        return DelayedResult(mailboxes=mailboxes, latency=latency, engine=median_of(runs), bodies_wall=statistics.median(walls))

    def incremental(self, repeat: int) -> IncrementalResult:
        """After L(full): few changes in its first mailbox, then none at all."""
        mailbox, repository = "full-1@contoso.com", self._folder / "full"
        count = len(self._control.messages(mailbox))
        changed, besides, unchanged = [], [], []
        for round_number in range(repeat):
            blobs = self._change(mailbox, count, round_number)
            run = self._run("full", repository)
            changed.append(run)
            besides.append(run.written - _stored_size(repository, blobs))
            unchanged.append(self._run("full", repository))
        return IncrementalResult(
            mailbox_messages=count, changed=median_of(changed), besides=sorted(besides)[len(besides) // 2], unchanged=median_of(unchanged)
        )

    def sweep(self, mailboxes: int, repeat: int) -> SweepResult:
        """Runs over mailboxes in which nothing has changed, with all sources that a plan has by itself."""
        self._control.add_group("sweep")
        for number in range(1, mailboxes + 1):
            mailbox = f"sweep-{number}@contoso.com"
            self._control.add_user(mailbox)
            self._control.add_member("sweep", mailbox)
            there = len(self._control.folders(mailbox))
            for name in range(there, _SWEEP_FOLDERS):
                self._control.create_folder(mailbox, f"Folder {name:02}")
            self._control.deliver_generated(mailbox, _SWEEP_FOLDERS, folder="inbox", size_limit=20_000)
        repository = self._new_repository("sweep")
        first = self._run("sweep", repository, MAILBOX_SOURCES)
        runs = [self._run("sweep", repository, MAILBOX_SOURCES) for _unused in range(repeat)]
        return SweepResult(mailboxes=mailboxes, folders=_SWEEP_FOLDERS, first=first, unchanged=median_of(runs))

    def memory(self, messages: int) -> MemoryResult:
        """The tenant makes these messages at each read, so they cost it more than the others do: only the memory counts."""
        runs = {}
        for count in (_SMALL_MAILBOX, messages):
            name = f"memory-{count}"
            self._control.add_group(name)
            self._control.add_user(f"{name}@contoso.com")
            self._control.add_member(name, f"{name}@contoso.com")
            self._control.deliver_generated(f"{name}@contoso.com", count, folder=None, size_limit=20_000)
            runs[count] = self._run(name, self._new_repository(name))
        return MemoryResult(runs=runs)

    def _add_group(self, name: str, mailboxes: int, messages: int, size_limit: int | None, files: Path | None) -> int:
        self._control.add_group(name)
        size = 0
        for number in range(1, mailboxes + 1):
            mailbox = f"{name}-{number}@contoso.com"
            self._control.add_user(mailbox)
            self._control.add_member(name, mailbox)
            size += fill_mailbox(self._control, Batch(mailbox=mailbox, count=messages // mailboxes, size_limit=size_limit), files)
        return size

    def _change(self, mailbox: str, count: int, round_number: int) -> list[BlobId]:
        """Deliver, move, delete and flag; gives the ids of the blobs that the new messages become."""
        rng = random.Random(round_number)
        chosen = [message["id"] for message in rng.sample(self._control.messages(mailbox), MOVED + DELETED + FLAGGED)]
        batch = Batch(mailbox=mailbox, count=DELIVERED, first=10_000_000 + DELIVERED * round_number, size_limit=200_000)
        blobs = []
        for letter in letters(batch, folder_names(count)[:1]):
            new = deliver(self._control, mailbox, letter)
            blobs.append(blob_id(self._control.mime(mailbox, new)))
        self._control.move(mailbox, chosen[:MOVED], ["Folder 01"])
        self._control.delete(mailbox, chosen[MOVED : MOVED + DELETED])
        self._control.update(mailbox, chosen[MOVED + DELETED :], flagged=True)
        return blobs

    def _run(self, group: str, repository: Path, sources: Sequence[str] = (MAIL,)) -> EngineRun:
        tenant = self._route.tenant
        self._runs += 1
        question, answer = self._folder / "job.json", self._folder / "answer.json"
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
            ),
        )
        answer.unlink(missing_ok=True)
        self._control.reset_log()
        before = size_on_disk(repository)
        started, theirs, machine = time.monotonic(), cpu_of(tenant.pid), cpu_of_machine()
        self._route.run([sys.executable, "-m", "benchmark.engine_process", str(question), str(answer)], _LIMIT_SECONDS)
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
        )

    def _bodies_wall(self) -> float:
        bodies = [entry for entry in self._control.requests() if entry["operation"] == "message_mime"]
        times = [(float(entry["time"]), float(entry["ms"]) / 1000) for entry in bodies]
        return max(moment for moment, _unused in times) - min(moment - took for moment, took in times) if times else 0.0

    def _new_repository(self, name: str) -> Path:
        folder = self._empty(name)
        create_repository(open_storage(str(folder)), PASSPHRASE)
        return folder

    def _empty(self, name: str) -> Path:
        folder = self._folder / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        return folder


def _stored_size(folder: Path, blobs: list[BlobId]) -> int:
    """Bytes that these contents take in the packs. Raises KeyError when one is not there."""
    index = open_repository(open_storage(str(folder)), PASSPHRASE).known_index.index()
    size = 0
    for blob in set(blobs):
        place = index.find(BlobKind.DATA, blob)
        if place is None:
            raise KeyError(f"the message {blob} was delivered and is not in the repository")
        size += place.blob.length
    return size
