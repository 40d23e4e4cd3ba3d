# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Storages that live in memory, remember, or fail; a clock that tests own; small repositories."""

from __future__ import annotations

import dataclasses
import errno
import threading
import typing as t
from datetime import datetime, timedelta, timezone

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.errors import ObjectExists, ObjectMissing, StorageError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.keys import KdfParameters
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import (
    Repository,
    create_repository,
    open_repository,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage import FileKind, Storage, StoredFile
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.trees import edit_tree, walk
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import Node, Path, Snapshot, TreeId
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.writer import Writer

PASSPHRASE = "correct horse battery staple"
CHEAP = KdfParameters(n=1 << 4)
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)


Names = list[str]  # in a class with a method of that name, the type needs another


class FakeClock:
    """Stands still until a test moves it. Sleeping moves it too."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._elapsed = 0.0

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self._elapsed)

    def elapsed(self) -> float:
        return self._elapsed

    def sleep(self, seconds: float) -> None:
        self.move(seconds)

    def move(self, seconds: float) -> None:
        with self._changed:
            self._elapsed += seconds
            self._changed.notify_all()

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Looks at the event every few real milliseconds, since events cannot wake a condition."""
        deadline = self._elapsed + seconds
        with self._changed:
            while not event.is_set() and self._elapsed < deadline:
                self._changed.wait(0.005)
        return event.is_set()


class MemoryStorage:
    """A faithful storage without a disk."""

    def __init__(self) -> None:
        self.files: dict[tuple[FileKind, str], bytes] = {}
        self.quarantined: list[tuple[FileKind, str, bytes]] = []

    @property
    def location(self) -> str:
        return "memory"

    @property
    def lists_at_once(self) -> bool:
        return False

    def prepare(self) -> None:
        pass

    def put(self, kind: FileKind, name: str, data: bytes | memoryview) -> None:
        if kind is FileKind.CONFIG and (kind, name) in self.files:
            raise ObjectExists("There is a config already.")
        self.files[(kind, name)] = bytes(data)

    def get(self, kind: FileKind, name: str) -> bytes:
        try:
            return self.files[(kind, name)]
        except KeyError:
            raise ObjectMissing(f"Could not read {kind.value}/{name}.") from None

    def get_range(self, kind: FileKind, name: str, offset: int, length: int) -> bytes:
        return self.get(kind, name)[offset : offset + length]

    def list(self, kind: FileKind) -> t.Iterator[StoredFile]:
        for (file_kind, name), data in list(self.files.items()):
            if file_kind is kind:
                yield StoredFile(name, len(data))

    def delete(self, kind: FileKind, name: str) -> None:
        self.get(kind, name)
        del self.files[(kind, name)]

    def stat(self, kind: FileKind, name: str) -> StoredFile | None:
        data = self.files.get((kind, name))
        return None if data is None else StoredFile(name, len(data))

    def quarantine(self, kind: FileKind, name: str) -> str:
        self.quarantined.append((kind, name, self.get(kind, name)))
        del self.files[(kind, name)]
        return f"memory/quarantine/{kind.value}/{name}"

    def remove_leftovers(self) -> int:
        return 0

    def names(self, kind: FileKind) -> Names:
        return sorted(name for file_kind, name in self.files if file_kind is kind)

    def copy(self) -> MemoryStorage:
        twin = MemoryStorage()
        twin.files = dict(self.files)
        twin.quarantined = list(self.quarantined)
        return twin


class RecordingStorage(MemoryStorage):
    """Remembers every write and every delete, and can break one of them."""

    def __init__(self) -> None:
        super().__init__()
        self.changes: list[tuple[str, FileKind, str]] = []
        self.break_at: int | None = None
        self.breaks_after_success = False
        self.before_change: t.Callable[[str, FileKind], None] = lambda _action, _kind: None
        self.reads: list[tuple[FileKind, str]] = []

    def put(self, kind: FileKind, name: str, data: bytes | memoryview) -> None:
        self._change("put", kind, name, lambda: super(RecordingStorage, self).put(kind, name, data))

    def delete(self, kind: FileKind, name: str) -> None:
        self._change("delete", kind, name, lambda: super(RecordingStorage, self).delete(kind, name))

    def quarantine(self, kind: FileKind, name: str) -> str:
        self._change("quarantine", kind, name, lambda: super(RecordingStorage, self).quarantine(kind, name))
        return name

    def get_range(self, kind: FileKind, name: str, offset: int, length: int) -> bytes:
        self.reads.append((kind, name))
        return super().get_range(kind, name, offset, length)

    def _change(self, action: str, kind: FileKind, name: str, change: t.Callable[[], object]) -> None:
        self.before_change(action, kind)
        is_broken = self.break_at is not None and len(self.changes) >= self.break_at
        if is_broken and not self.breaks_after_success:
            raise disk_full()
        change()
        self.changes.append((action, kind, name))
        if is_broken:
            raise disk_full()


def disk_full() -> StorageError:
    return StorageError("Could not write: the disk is full.", facts={"errno": errno.ENOSPC})


@dataclasses.dataclass
class Place:
    """A storage with a repository in it."""

    storage: Storage
    repository: Repository
    clock: FakeClock

    def reopen(self) -> Repository:
        return open_repository(self.storage, PASSPHRASE, clock=self.clock)


def new_place(storage: Storage | None = None) -> Place:
    storage = MemoryStorage() if storage is None else storage
    clock = FakeClock()
    return Place(storage, create_repository(storage, PASSPHRASE, kdf=CHEAP, clock=clock), clock)


Files = t.Mapping[Path, bytes]


def save_files(writer: Writer, files: Files, base: TreeId | None = None) -> TreeId:
    edits = ((path, Node.file(path[-1], NOON, writer.save_file([content]))) for path, content in sorted(files.items()))
    tree = edit_tree(writer, base, edits)
    assert tree is not None
    return tree


def back_up(repository: Repository, files: Files, *, time: datetime = NOON, base: TreeId | None = None) -> Snapshot:
    with repository.writing(hostname="backup1") as writer:
        return writer.save_snapshot(save_files(writer, files, base), time=time, paths=["/m365"], tags=["m365"])


def restore(repository: Repository, snapshot: Snapshot) -> dict[Path, bytes]:
    return {path: b"".join(repository.read_file(node)) for path, node in walk(repository, snapshot.tree) if node.subtree is None}
