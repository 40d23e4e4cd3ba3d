# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Puts a damaged repository in order without deleting anything.

Order: new packs with what could be saved, then a new index, then the old index goes to quarantine, and last the damaged
files. Killed anywhere, nothing is worse than before, and the next repair does the rest. What stays lost is in no index
afterwards, so that a run whose source still has it stores it again, for all restore points that need it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import typing as t

from .advance import UNHEARD, Advance
from .blobs import PackContent, PackedBlob, SealedBlob, open_blob
from .check import STRUCTURE, Examination, Scope, examine
from .errors import Malformed, ObjectMissing, RepositoryDamaged
from .index_files import encode_index, read_index
from .lock_files import read_lock
from .locks import HeldLock, hold_lock
from .object_files import ObjectFiles, object_name
from .pack_queue import BLOBS_PER_INDEX
from .pack_reading import read_content, read_packs
from .packs import PackBuilder
from .reading import blob_name
from .repair_plan import RepairPlan, Strays, concerns_packs, decide_repair
from .repository import Repository
from .storage import FileKind
from .types import BlobKind, IndexId, PackId


@dataclasses.dataclass(frozen=True, slots=True)
class RepairResult:
    """What a repair did. ``before`` is what it found, ``after`` what is still wrong. ``quarantined`` says where the files lie."""

    before: Examination
    plan: RepairPlan
    after: Examination
    packs_written: int
    index_files_written: int
    quarantined: tuple[str, ...]


def plan_repair(repository: Repository, examination: Examination) -> RepairPlan:
    """What L(repair) would do about what was found; reads only. Raises StorageError."""
    strays = Strays()
    if concerns_packs(examination):
        wanted = ((PackContent(pack, ()), examination.packs[pack]) for pack in examination.unindexed)
        for read in read_packs(repository.storage, repository.files.key, wanted):
            strays.add(read)
    return decide_repair(examination, strays, repository.keys.current)


def repair(repository: Repository, scope: Scope, *, lock_timeout: float = 0.0, advance: Advance = UNHEARD) -> RepairResult:
    """Examine under an exclusive lock, and put in order what was found.

    A file that the storage refuses to read is left alone: its content may be sound. Raises RepositoryLocked, LockLost,
    StorageError.
    """
    quarantined = _remove_damaged_locks(repository.files)
    with hold_lock(repository.files, repository.clock, exclusive=True, lock_timeout=lock_timeout) as lock:
        before = examine(repository, scope, advance)
        plan = plan_repair(repository, before)
        advance.phase("repairing")
        act = _Repair(repository.files, lock, plan)
        act.run(before)
        after = _examine_again(repository, before) if plan.changes else before
        return RepairResult(before, plan, after, act.packs_written, act.index_files_written, (*quarantined, *act.quarantined))


def _remove_damaged_locks(files: ObjectFiles) -> list[str]:
    """Nobody gets a lock beside one that cannot be read. Its owner, should it live, finds it gone and stops in time."""
    quarantined = []
    for stored in list(files.storage.list(FileKind.LOCK)):
        try:
            if stored.size:
                read_lock(files, stored.name)
        except RepositoryDamaged:
            with contextlib.suppress(ObjectMissing):
                quarantined.append(files.storage.quarantine(FileKind.LOCK, stored.name))
    return quarantined


def _examine_again(repository: Repository, before: Examination) -> Examination:
    """The structure as it is now. What could not be read before is not read again, and stays lost."""
    after = examine(repository, STRUCTURE)
    refused = {pack: read for pack, read in before.reports.items() if not read.report.is_readable}
    for key, number in before.lost.items():
        places = after.index.places(*key)
        if key not in after.lost and places and all(place.pack in refused for place in places):
            finding = before.findings[number]
            if finding not in after.findings:
                after.findings.append(finding)
            after.lost[key] = after.findings.index(finding)
    return after


class _Repair:
    def __init__(self, files: ObjectFiles, lock: HeldLock, plan: RepairPlan) -> None:
        self.packs_written = 0
        self.index_files_written = 0
        self.quarantined: list[str] = []
        self._files = files
        self._lock = lock
        self._plan = plan

    def run(self, before: Examination) -> None:
        salvaged = self._save_salvage()
        if self._plan.index_replaced or self._plan.indexed or salvaged:
            found = (read_content(self._files.storage, self._files.key, pack) for pack in self._plan.indexed)
            self._write_index(itertools.chain(self._survivors(before), found, salvaged))
        if self._plan.quarantined:
            self._lock.confirm()
        for kind, name in self._plan.quarantined:
            self._lock.check()
            with contextlib.suppress(ObjectMissing):
                self.quarantined.append(self._files.storage.quarantine(kind, name))

    def _save_salvage(self) -> list[PackContent]:
        """Copy intact blobs, sealed as they are, into new packs."""
        written: list[PackContent] = []
        builders = {kind: PackBuilder(kind) for kind in BlobKind}
        for pack, blobs in self._plan.salvage.items():
            for blob in blobs:
                builders[blob.kind].add(blob.id, SealedBlob(self._read_sealed(pack, blob), blob.plain_length))
                if builders[blob.kind].is_full():
                    written.append(self._store(builders[blob.kind]))
                    builders[blob.kind] = PackBuilder(blob.kind)
        written.extend(self._store(builder) for builder in builders.values() if len(builder))
        return written

    def _store(self, builder: PackBuilder) -> PackContent:
        finished = builder.finish(self._files.key)
        self._lock.check()
        self._files.storage.put(FileKind.DATA, finished.content.id, finished.data)
        self.packs_written += 1
        return finished.content

    def _read_sealed(self, pack: PackId, blob: PackedBlob) -> bytes:
        """A blob as stored, opened once more."""
        try:
            sealed = self._files.storage.get_range(FileKind.DATA, pack, blob.offset, blob.length)
            open_blob(self._files.key, blob, sealed)
        except Malformed as error:
            obj = f"{blob_name(blob.kind, blob.id)} in {object_name(FileKind.DATA, pack)}"
            hint = "It could be read a moment ago, so the disk or the memory of this host may be failing: check both. Nothing was removed."
            raise RepositoryDamaged(obj, str(error), hint=hint) from error
        return sealed

    def _survivors(self, before: Examination) -> t.Iterator[PackContent]:
        """The packs that the replaced index files name and that stay as they are; each once, unless another index file names it."""
        replaced = frozenset(self._plan.index_replaced)
        done = {entry.pack for entry in before.index.entries() if entry.file not in replaced}
        done |= self._plan.packs_dropped.union(self._plan.indexed)
        for name in self._plan.index_replaced:
            for pack in read_index(self._files, IndexId(name)):
                if pack.id not in done:
                    done.add(pack.id)
                    yield pack

    def _write_index(self, packs: t.Iterable[PackContent]) -> None:
        batch: list[PackContent] = []
        blobs = 0
        for pack in packs:
            batch.append(pack)
            blobs += len(pack.blobs)
            if blobs >= BLOBS_PER_INDEX:
                self._store_index(batch)
                batch, blobs = [], 0
        if batch:
            self._store_index(batch)

    def _store_index(self, packs: t.Sequence[PackContent]) -> None:
        self._lock.confirm()
        self._files.write(FileKind.INDEX, encode_index(packs))
        self.index_files_written += 1
