# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Saves blobs, files, trees and snapshots."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
import typing as t
from datetime import datetime

from .blobs import blob_id, open_blob, seal_blob
from .errors import LockLost, Malformed, RepositoryDamaged, StorageError
from .locks import HeldLock
from .pack_queue import BlobKey, PackQueue
from .reading import blob_name, read_at
from .saving import BlobSaver
from .snapshots import PROGRAM, encode_snapshot
from .storage import FileKind
from .types import BlobId, BlobKind, SavedBlob, Snapshot, SnapshotId, TreeId, WriteStats

if t.TYPE_CHECKING:
    from .repository import Repository

#: A blob takes four times its size while it is sealed, so only two large ones are at a time. Small ones do not queue up: handing
#: a place from thread to thread costs more than sealing them.
_LARGE_BLOB = 1 << 20
_LARGE_AT_ONCE = 2


@dataclasses.dataclass(slots=True)
class _Tally:
    blobs: int = 0
    bytes: int = 0

    def count(self, size: int) -> None:
        self.blobs += 1
        self.bytes += size


class Writer(BlobSaver):
    """Saves and reads. Any number of threads may share one; hashing, compressing and sealing run in parallel.

    After a failed write every later call raises that error again, and nothing further is stored.
    """

    def __init__(self, repository: Repository, lock: HeldLock, hostname: str) -> None:
        super().__init__(repository.files.key)
        self._repository = repository
        self._lock = lock
        self._hostname = hostname
        self._queue = PackQueue(repository.files, lock, repository.known_index.learn)
        self._changed = self._queue.changed
        self._sealing: set[BlobKey] = set()
        self._places_for_large = threading.BoundedSemaphore(_LARGE_AT_ONCE)
        self._new = {kind: _Tally() for kind in BlobKind}
        self._known = _Tally()

    @property
    def stats(self) -> WriteStats:
        """What was done so far."""
        with self._changed:
            data, tree = self._new[BlobKind.DATA], self._new[BlobKind.TREE]
            return WriteStats(
                data_blobs=data.blobs,
                data_bytes=data.bytes,
                tree_blobs=tree.blobs,
                tree_bytes=tree.bytes,
                known_blobs=self._known.blobs,
                known_bytes=self._known.bytes,
                stored_bytes=self._queue.stored_bytes,
                packs=self._queue.packs,
                index_files=self._queue.index_files,
            )

    def has_blob(self, kind: BlobKind, blob: BlobId) -> bool:
        """Whether it is stored, or saved here and waiting to be."""
        with self._changed:
            return self._is_known(kind, blob)

    def read_blob(self, kind: BlobKind, blob: BlobId) -> bytes:
        """As the repository's, and also what was saved but not flushed."""
        with self._changed:
            while (kind, blob) in self._sealing:
                self._changed.wait()
            in_memory = self._queue.find_in_memory(kind, blob)
            place = self._queue.find_unindexed(kind, blob)
        if in_memory is not None:
            entry, sealed = in_memory
            try:
                return open_blob(self._key, entry, sealed)
            except Malformed as error:
                raise RepositoryDamaged(f"{blob_name(kind, blob)} in memory", str(error)) from error
        try:
            if place is not None:
                return read_at(self._repository.storage, self._key, place)
            return self._repository.read_blob(kind, blob)
        except RepositoryDamaged as damage:
            self._blame_lost_lock(damage)
            raise

    def save_blob(self, kind: BlobKind, data: bytes) -> SavedBlob:
        """Store ``data`` unless it is known. It is durable after the next L(flush). Raises StorageError, LockLost."""
        blob = blob_id(data)
        if not self._claim(kind, blob, len(data)):
            return SavedBlob(blob, False, 0)
        full = None
        try:
            with self._places_for_large if len(data) >= _LARGE_BLOB else contextlib.nullcontext():
                sealed = seal_blob(self._key, kind, data)
                with self._changed:
                    full = self._queue.add(kind, blob, sealed)
                    self._new[kind].count(len(data))
        finally:
            with self._changed:
                self._sealing.discard((kind, blob))
                self._changed.notify_all()
        if full is not None:
            self._queue.upload(full)
        return SavedBlob(blob, True, len(sealed.data))

    def flush(self) -> None:
        """Make everything that was saved before durable, and known to the index. Raises StorageError, LockLost."""
        self._queue.flush()

    def save_snapshot(
        self,
        tree: TreeId,
        *,
        time: datetime,
        paths: t.Sequence[str],
        tags: t.Sequence[str] = (),
        parent: SnapshotId | None = None,
    ) -> Snapshot:
        """Flush, then publish a tree as a restore point. Raises LockLost, StorageError, ValueError for a tree that is not stored."""
        self.flush()
        if not self.has_blob(BlobKind.TREE, BlobId(tree)):
            raise ValueError(f"tree {tree} is not in the repository")
        content = encode_snapshot(tree, time=time, hostname=self._hostname, paths=paths, tags=tags, parent=parent)
        self._lock.confirm()
        name, _size = self._repository.files.write(FileKind.SNAPSHOT, content)
        self._confirm_or_withdraw(name)
        return Snapshot(SnapshotId(name), time, tree, self._hostname, tuple(paths), tuple(tags), parent, program=PROGRAM)

    def close(self) -> None:
        """Refuse everything from now on. What was not flushed is forgotten; what is being written is waited for."""
        self._queue.close()

    def _blame_lost_lock(self, damage: RepositoryDamaged) -> None:
        """What is gone may be what a prune took while this machine slept. Raises LockLost then: the repository is not damaged."""
        try:
            self._lock.confirm()
        except LockLost as lost:
            raise lost from damage

    def _confirm_or_withdraw(self, snapshot: str) -> None:
        """A machine that slept between L(HeldLock.confirm) and the write may have published what was pruned meanwhile."""
        try:
            self._lock.confirm()
        except LockLost:
            with contextlib.suppress(StorageError):
                self._repository.storage.delete(FileKind.SNAPSHOT, snapshot)
            raise

    def _claim(self, kind: BlobKind, blob: BlobId, size: int) -> bool:
        """Whether the caller shall seal the blob. Waits while another thread seals the same one, which may fail."""
        with self._changed:
            while True:
                self._queue.refuse_if_broken()
                if self._is_known(kind, blob):
                    self._known.count(size)
                    return False
                if (kind, blob) not in self._sealing:
                    self._sealing.add((kind, blob))
                    return True
                self._changed.wait()

    def _is_known(self, kind: BlobKind, blob: BlobId) -> bool:
        is_pending = self._queue.find_in_memory(kind, blob) is not None or self._queue.find_unindexed(kind, blob) is not None
        return is_pending or self._repository.has_blob(kind, blob)
