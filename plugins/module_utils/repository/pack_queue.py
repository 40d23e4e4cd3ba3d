# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Takes sealed blobs to the storage: gathers them in packs, uploads full packs, then writes the index that names them.

Order of durability: packs before the index. A crash in between leaves packs that no index names; they cost space until
the next prune, nothing else.
"""

from __future__ import annotations

import contextlib
import threading
import typing as t

from .._errors import BackupError
from .blob_index import BlobPlace
from .blobs import PackContent, PackedBlob, SealedBlob
from .crypto import SealingKey
from .errors import RepositoryError
from .index_files import encode_index
from .object_files import ObjectFiles
from .packs import PackBuilder, target_size
from .storage import FileKind
from .types import BlobId, BlobKind, IndexId

PACKS_PER_INDEX = 32
BLOBS_PER_INDEX = 10_000
#: Packs that are uploaded at a time, while the next one fills; each is 16 MiB of memory. A run has a writer for each core.
_UPLOADS_AT_ONCE = 1

BlobKey = tuple[BlobKind, BlobId]


class Permit(t.Protocol):
    """What says that we may still write: the held lock."""

    def check(self) -> None: ...

    def confirm(self) -> None: ...


class PackQueue:
    """Thread-safe. Uploads happen in the thread whose blob filled a pack, while others fill the next one.

    After a failed write every later call raises that error again, and nothing further is stored: a pack that others
    count on is missing, and no index may name it.

    ``on_indexed`` is told of every index file, once it is durable.
    """

    def __init__(self, files: ObjectFiles, permit: Permit, on_indexed: t.Callable[[IndexId, t.Sequence[PackContent]], None]) -> None:
        self.changed = threading.Condition()
        self.stored_bytes = 0
        self.packs = 0
        self.index_files = 0
        self._storage = files.storage
        self._files = files
        self._key: SealingKey = files.key
        self._permit = permit
        self._on_indexed = on_indexed
        self._open = {kind: PackBuilder(kind) for kind in BlobKind}
        self._uploading: list[PackBuilder] = []
        self._spare: dict[BlobKind, list[PackBuilder]] = {kind: [] for kind in BlobKind}
        self._unindexed: list[PackContent] = []
        self._unindexed_blobs = 0
        self._places: dict[BlobKey, BlobPlace] = {}
        self._indexing = 0
        self._writes = 0
        self._failure: BackupError | None = None

    def refuse_if_broken(self) -> None:
        """Raise what broke the queue, or LockLost. Call with C(changed) held."""
        if self._failure is None:
            try:
                self._permit.check()
            except BackupError as error:
                self._failure = error
        if self._failure is not None:
            raise self._failure

    def find_in_memory(self, kind: BlobKind, blob: BlobId) -> tuple[PackedBlob, bytes] | None:
        """A blob that no pack in the storage holds yet. Call with C(changed) held."""
        found = self._open[kind].find(blob)
        if found is None:
            for builder in self._uploading:
                if builder.kind is kind and (found := builder.find(blob)) is not None:
                    break
        return found

    def find_unindexed(self, kind: BlobKind, blob: BlobId) -> BlobPlace | None:
        """A blob in a stored pack that no stored index names yet. Call with C(changed) held."""
        return self._places.get((kind, blob))

    def add(self, kind: BlobKind, blob: BlobId, sealed: SealedBlob) -> PackBuilder | None:
        """Call with C(changed) held. Returns a pack that is full now, for L(upload) without the condition.

        Waits where that would make one pack too many, so that memory stays bounded however many threads save.
        """
        self.refuse_if_broken()
        while len(self._uploading) >= _UPLOADS_AT_ONCE and self._open[kind].size + len(sealed.data) >= target_size(kind):
            self.changed.wait()
            self.refuse_if_broken()
        builder = self._open[kind]
        builder.add(blob, sealed)
        return self._take(kind) if builder.is_full() else None

    def upload(self, builder: PackBuilder) -> None:
        """Store a full pack, and an index when enough packs wait for one. Raises StorageError, LockLost."""
        try:
            finished = builder.finish(self._key)
            with self._writing():
                self._storage.put(FileKind.DATA, finished.content.id, finished.data)
        except BaseException as error:
            self._break(error)
            raise
        content, size = finished.content, len(finished.data)
        with self.changed:
            self._uploading.remove(builder)
            self._spare[builder.kind].append(builder)
            self._unindexed.append(content)
            self._unindexed_blobs += len(content.blobs)
            self._places.update(((entry.kind, entry.id), BlobPlace(content.id, entry)) for entry in content.blobs)
            self.packs += 1
            self.stored_bytes += size
            is_batch = len(self._unindexed) >= PACKS_PER_INDEX or self._unindexed_blobs >= BLOBS_PER_INDEX
            batch = self._take_unindexed() if is_batch else []
            self.changed.notify_all()
        self._write_index(batch)

    def flush(self) -> None:
        """Make everything that was added before durable, and known to the index. Raises StorageError, LockLost."""
        for kind in BlobKind:
            if (builder := self._take_open(kind)) is not None:
                self.upload(builder)
        with self.changed:
            awaited = list(self._uploading)
            while self._failure is None and (self._indexing or any(builder in self._uploading for builder in awaited)):
                self.changed.wait()
            self.refuse_if_broken()
            batch = self._take_unindexed()
        self._write_index(batch)

    def close(self) -> None:
        """Refuse everything from now on. What was not flushed is forgotten; what is being written is waited for."""
        self._break(RepositoryError("The writer of the repository is closed.", hint="Open a new one."))
        with self.changed:
            while self._writes:
                self.changed.wait()

    @contextlib.contextmanager
    def _writing(self) -> t.Iterator[None]:
        """Around every write: the permit must not be given back before it has ended."""
        with self.changed:
            self.refuse_if_broken()
            self._writes += 1
        try:
            yield
        finally:
            with self.changed:
                self._writes -= 1
                self.changed.notify_all()

    def _take_open(self, kind: BlobKind) -> PackBuilder | None:
        """The open pack, if there is anything in it, once there is room to upload it."""
        with self.changed:
            self.refuse_if_broken()
            while len(self._uploading) >= _UPLOADS_AT_ONCE:
                self.changed.wait()
                self.refuse_if_broken()
            return self._take(kind) if len(self._open[kind]) else None

    def _take(self, kind: BlobKind) -> PackBuilder:
        builder = self._open[kind]
        self._open[kind] = self._spare[kind].pop().clear() if self._spare[kind] else PackBuilder(kind)
        self._uploading.append(builder)
        return builder

    def _take_unindexed(self) -> list[PackContent]:
        """The caller must hand the result to L(_write_index)."""
        batch = self._unindexed
        self._unindexed = []
        self._unindexed_blobs = 0
        self._indexing += bool(batch)
        return batch

    def _write_index(self, batch: list[PackContent]) -> None:
        if not batch:
            return
        try:
            name, data = self._files.seal(encode_index(batch))
            with self._writing():
                self._permit.confirm()
                self._storage.put(FileKind.INDEX, name, data)
        except BaseException as error:
            self._break(error)
            raise
        self._on_indexed(IndexId(name), batch)
        with self.changed:
            for pack in batch:
                for entry in pack.blobs:
                    del self._places[(entry.kind, entry.id)]
            self.index_files += 1
            self.stored_bytes += len(data)
            self._indexing -= 1
            self.changed.notify_all()

    def _break(self, error: BaseException) -> None:
        with self.changed:
            if self._failure is None:
                interrupted = RepositoryError("Writing to the repository was interrupted.", hint="Start the task again.")
                self._failure = error if isinstance(error, BackupError) else interrupted
            self.changed.notify_all()
