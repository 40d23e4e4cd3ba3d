# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is measured: a full run beside restic, a full run with slow answers, and runs after few changes or none."""

from __future__ import annotations

import dataclasses
import random
import statistics
import typing as t

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.layout import MAIL
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.model import MAILBOX_SOURCES
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.blobs import blob_id
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import open_repository
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_open import open_storage
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import BlobId, BlobKind

from . import restic
from .engine_process import PASSPHRASE
from .engine_runs import EngineRuns
from .figures import EngineRun, ResticRun, median_of
from .mail import Batch, deliver, fill_mailbox, folder_names, letters

if t.TYPE_CHECKING:
    from pathlib import Path

    from .route import Route

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
        self._folder = folder
        self._control = route.tenant.control
        self._control.limits(requests=None)
        self._runs = EngineRuns(route, folder, workers)

    def full(self, mailboxes: int, messages: int, size_limit: int | None, repeat: int) -> FullResult:
        """Leaves the repository of the last run for L(incremental)."""
        files = self._folder / "messages"
        size = self._add_group("full", mailboxes, messages, size_limit, files)
        engines, walls, others = [], [], []
        for _unused in range(repeat):
            engines.append(self._runs.run("full", self._runs.new_repository("full"), [MAIL]))
            walls.append(self._bodies_wall())
            if restic.is_there():
                others.append(restic.back_up(files, self._runs.empty("restic")))
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
            runs.append(self._runs.run("delayed", self._runs.new_repository("delayed"), [MAIL]))
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
            run = self._runs.run("full", repository, [MAIL])
            changed.append(run)
            besides.append(run.written - _stored_size(repository, blobs))
            unchanged.append(self._runs.run("full", repository, [MAIL]))
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
        repository = self._runs.new_repository("sweep")
        first = self._runs.run("sweep", repository, MAILBOX_SOURCES)
        runs = [self._runs.run("sweep", repository, MAILBOX_SOURCES) for _unused in range(repeat)]
        return SweepResult(mailboxes=mailboxes, folders=_SWEEP_FOLDERS, first=first, unchanged=median_of(runs))

    def memory(self, messages: int) -> MemoryResult:
        """The tenant makes these messages at each read, so they cost it more than the others do: only the memory counts."""
        runs = {}
        for count in (_SMALL_MAILBOX, messages):
            name = f"memory-{count}"
            self._control.add_group(name)
            self._control.add_user(f"{name}@contoso.com")
            self._control.add_member(name, f"{name}@contoso.com")
            self._control.deliver_generated(f"{name}@contoso.com", count, folder=None, size_limit=1_200_000)
            runs[count] = self._runs.run(name, self._runs.new_repository(name), [MAIL])
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

    def _bodies_wall(self) -> float:
        bodies = [entry for entry in self._control.requests() if entry["operation"] == "message_mime"]
        times = [(float(entry["time"]), float(entry["ms"]) / 1000) for entry in bodies]
        return max(moment for moment, _unused in times) - min(moment - took for moment, took in times) if times else 0.0


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
