# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Gives snapshots other tags, as C(restic tag) does.

Files are written once, so a snapshot with other tags is a new file with a new id. It names the first id in C(original),
and the old file goes once the new one is durable. Killed in between, both are there: copies of one restore point.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .errors import StorageError
from .locks import hold_lock
from .snapshots import decode_snapshot, with_tags
from .storage import FileKind
from .types import Snapshot, SnapshotId

if t.TYPE_CHECKING:
    from .repository import Repository


@dataclasses.dataclass(frozen=True, slots=True)
class TagChanges:
    """The snapshots that get other tags, with all of these, and copies that nobody needs any more."""

    tags: t.Mapping[SnapshotId, tuple[str, ...]]
    spare: t.Collection[SnapshotId] = ()

    def __bool__(self) -> bool:
        return bool(self.tags or self.spare)


def change_tags(repository: Repository, choose: t.Callable[[], TagChanges], *, lock_timeout: float = 0.0) -> dict[SnapshotId, Snapshot]:
    """Carry out what ``choose`` says under the exclusive lock; {id before: snapshot after}.

    Raises RepositoryLocked, LockLost, RepositoryDamaged, StorageError, and what ``choose`` raises. A storage that keeps an
    old file does not stop the others from being changed; that is raised at the end.
    """
    files = repository.files
    after = {}
    refusals: list[StorageError] = []

    def remove(snapshot: SnapshotId) -> None:
        lock.confirm()
        try:
            files.storage.delete(FileKind.SNAPSHOT, snapshot)
        except StorageError as error:
            refusals.append(error)

    with hold_lock(files, repository.clock, exclusive=True, lock_timeout=lock_timeout) as lock:
        changes = choose()
        for old, tags in changes.tags.items():
            content = with_tags(old, files.read(FileKind.SNAPSHOT, old), tags)
            lock.confirm()
            name, _size = files.write(FileKind.SNAPSHOT, content)
            after[old] = decode_snapshot(SnapshotId(name), content)
            remove(old)
        for spare in changes.spare:
            remove(spare)
    if refusals:
        raise refusals[0]
    return after
