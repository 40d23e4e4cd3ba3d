# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The small files of a repository, examined one by one: keys, locks, snapshots, index files."""

from __future__ import annotations

import socket
import typing as t

from .blob_index import BlobIndex
from .errors import ObjectMissing, RepositoryDamaged, StorageError
from .findings import Finding, Severity
from .known_index import load_index
from .lock_files import is_stale, read_lock
from .object_files import ObjectFiles, object_name
from .repository import Repository
from .snapshots import read_snapshot
from .storage import FileKind
from .types import Snapshot, SnapshotId

_NEXT_STEPS = {
    FileKind.KEY: "Restore the file from a copy of the storage, or add the passphrase or the recovery key again while another one opens.",
    FileKind.LOCK: "If no backup and no prune is running anywhere, repair the repository; that puts the file aside.",
    FileKind.SNAPSHOT: (
        "Restore the file from a copy of the storage if there is one. A repair puts it aside; the restore point is lost then, "
        "and the next prune removes what only it needed."
    ),
    FileKind.INDEX: "Repair the repository: the index is made again from the packs, and nothing is lost.",
}
STORAGE_NEXT_STEP = "Check the disk, the kernel log and the permissions; the content may be sound."


class _ExaminedFiles(ObjectFiles):
    """Reads like the files of the repository, but a file that the storage refuses is damaged like any other."""

    def read(self, kind: FileKind, name: str) -> dict[str, t.Any]:
        try:
            return super().read(kind, name)
        except StorageError as error:
            raise RepositoryDamaged(object_name(kind, name), f"cannot be read ({error.what})") from error


class SmallFiles:
    """``damaged`` are the files that are not what they should be, for a repair; ``findings`` says so to people."""

    def __init__(self, repository: Repository) -> None:
        self.findings: list[Finding] = []
        self.damaged: list[tuple[FileKind, str]] = []
        self._repository = repository
        self._files = _ExaminedFiles(repository.files.storage, repository.files.key)

    def check_keys(self) -> None:
        """Every key file can be parsed. Whether a passphrase opens one is not known here."""
        try:
            self._repository.keys.infos(on_damage=lambda error: self._report(FileKind.KEY, error))
        except StorageError as error:
            self.findings.append(Finding("the folder of key files", f"cannot be read ({error.what})", next_step=STORAGE_NEXT_STEP))

    def check_locks(self) -> None:
        now, machine = self._repository.clock.now(), socket.gethostname()
        for stored in sorted(self._repository.storage.list(FileKind.LOCK), key=lambda file: file.name):
            if not stored.size:
                self._warn(stored.name, "is empty: an interrupted upload left it", "It counts for nothing. Remove it when you like.")
                continue
            try:
                lock = read_lock(self._files, stored.name)
            except RepositoryDamaged as error:
                self._report(FileKind.LOCK, error)
                continue
            if lock is not None and is_stale(lock, now, machine):
                self._warn(lock.name, f"is left over from a task on {lock.hostname}", "The next task removes it.")

    def snapshots(self) -> list[Snapshot]:
        """Those that can be read, oldest first. One that somebody removes meanwhile is none."""
        snapshots = []
        for name in self._names(FileKind.SNAPSHOT):
            try:
                snapshots.append(read_snapshot(self._files, SnapshotId(name)))
            except RepositoryDamaged as error:
                was_removed = isinstance(error.__cause__, ObjectMissing) and self._repository.storage.stat(FileKind.SNAPSHOT, name) is None
                if not was_removed:
                    self._report(FileKind.SNAPSHOT, error)
        return sorted(snapshots, key=lambda snapshot: (snapshot.time, snapshot.id))

    def index(self) -> BlobIndex:
        """What the index files that can be read say."""
        return load_index(self._files, on_damage=lambda error: self._report(FileKind.INDEX, error))

    def _names(self, kind: FileKind) -> list[str]:
        return sorted(stored.name for stored in self._repository.storage.list(kind))

    def _warn(self, lock: str, problem: str, next_step: str) -> None:
        self.findings.append(Finding(object_name(FileKind.LOCK, lock), problem, Severity.WARNING, next_step))

    def _report(self, kind: FileKind, error: RepositoryDamaged) -> None:
        cause = error.__cause__
        is_refused = isinstance(cause, StorageError)  # also when it is listed and then not found
        self.findings.append(Finding(error.obj, error.problem, next_step=STORAGE_NEXT_STEP if is_refused else _NEXT_STEPS[kind]))
        if not is_refused:
            self.damaged.append((kind, error.obj.rpartition(" ")[2]))
