# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Copies blobs that live on, sealed as they are, into new packs. None goes before what stays of it was found good.

What is moved is authenticated: these are the bytes that somebody sealed, and the old pack's own header, which was sealed
with them, says that they are this blob. Decompressing and hashing it would cost as much again as the whole move, and could
only find what was wrong before it was sealed. Where the header cannot confirm the index, and where there are several copies
and others go, a blob is opened in full.
"""

from __future__ import annotations

import concurrent.futures
import itertools
import typing as t

from .blob_index import BlobIndex, BlobPlace
from .blobs import PackContent, PackedBlob, SealedBlob, open_blob
from .errors import Malformed, ObjectMissing, RepositoryDamaged
from .index_files import encode_index
from .object_files import ObjectFiles, object_name
from .pack_queue import BLOBS_PER_INDEX, PACKS_PER_INDEX, Permit
from .packs import FinishedPack, PackBuilder, decode_pack
from .prune_plan import PackFacts
from .reading import blob_name
from .sealed_reading import Sealed, read_sealed
from .storage import FileKind
from .types import BlobKind, IndexId


class Repacker:
    """Writes new packs, and for every 32 of them an index file: so a prune that is killed does not start over.

    A full pack is hashed and stored in another thread while the next one fills. Use it in a C(with), which waits for that.
    ``index`` says where else a blob is, in case the copy at hand turns out bad. What is stored is counted in ``packs``,
    ``pack_bytes``, ``index_files`` and ``index_bytes``.
    """

    def __init__(self, files: ObjectFiles, permit: Permit, index: BlobIndex) -> None:
        self.packs = 0
        self.pack_bytes = 0
        self.index_files: list[IndexId] = []
        self.index_bytes = 0
        self._files = files
        self._permit = permit
        self._index = index
        self._builders = {kind: PackBuilder(kind) for kind in BlobKind}
        self._unindexed: list[PackContent] = []
        self._thread = concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="repack")
        self._storing: concurrent.futures.Future[FinishedPack] | None = None

    def __enter__(self) -> Repacker:
        return self

    def __exit__(self, *raised: object) -> None:
        self._thread.shutdown()

    def move(self, pack: PackFacts, blobs: t.Sequence[PackedBlob]) -> None:
        """Copy blobs of one pack, given by offset. Raises RepositoryDamaged when one of them has no good copy."""
        confirmed = self._header(pack)
        for blob, sealed in read_sealed(self._files.storage, pack.id, blobs):
            check = self._authenticate if blob in confirmed and self._is_alone(blob) else self._open
            self._add(blob, self._good(BlobPlace(pack.id, blob), sealed, check))
        if len(self._unindexed) >= PACKS_PER_INDEX:
            self._write_index(self._take_unindexed())

    def vouch(self, places: t.Iterable[BlobPlace]) -> None:
        """Open copies that stay where they are, given by pack and offset, since others go. A good one is moved for each bad one."""
        for pack, group in itertools.groupby(places, key=lambda place: place.pack):
            for blob, sealed in read_sealed(self._files.storage, pack, [place.blob for place in group]):
                good = self._good(BlobPlace(pack, blob), sealed, self._open)
                if good.data is not sealed:
                    self._add(blob, good)

    def finish(self, survivors: t.Iterable[PackContent]) -> None:
        """Store what is left, and index files for it and for ``survivors``."""
        for builder in self._builders.values():
            if len(builder):
                self._store(builder)
        self._take_stored()
        batch: list[PackContent] = []
        blobs = 0
        for pack in itertools.chain(survivors, self._take_unindexed()):
            batch.append(pack)
            blobs += len(pack.blobs)
            if blobs >= BLOBS_PER_INDEX:
                self._write_index(batch)
                batch, blobs = [], 0
        self._write_index(batch)

    def _header(self, pack: PackFacts) -> frozenset[PackedBlob]:
        """What a pack says that it holds, if that can be read."""
        try:
            end = self._files.storage.get_range(FileKind.DATA, pack.id, pack.length, pack.implied_size - pack.length)
            return frozenset(decode_pack(self._files.key, end))
        except (Malformed, ObjectMissing):
            return frozenset()

    def _is_alone(self, blob: PackedBlob) -> bool:
        return len(self._index.places(blob.kind, blob.id)) == 1

    def _authenticate(self, blob: PackedBlob, sealed: Sealed) -> None:
        if len(sealed) != blob.length:
            raise Malformed(f"has {len(sealed):,} of {blob.length:,} bytes")
        self._files.key.open(sealed)

    def _open(self, blob: PackedBlob, sealed: Sealed) -> None:
        open_blob(self._files.key, blob, sealed)

    def _good(self, place: BlobPlace, sealed: Sealed | None, check: t.Callable[[PackedBlob, Sealed], None]) -> SealedBlob:
        """The blob as sealed at a place if that passes the check, else as sealed at another where it opens."""
        failure = None
        others = (other for other in self._index.places(place.blob.kind, place.blob.id) if other != place)
        for candidate, data in itertools.chain([(place, sealed)], ((other, self._read(other)) for other in others)):
            try:
                if data is None:
                    raise Malformed("is missing")
                (check if candidate is place else self._open)(candidate.blob, data)
            except Malformed as error:
                failure = failure or error
                continue
            return SealedBlob(t.cast(bytes, data), candidate.blob.plain_length)
        name = f"{blob_name(place.blob.kind, place.blob.id)} in {object_name(FileKind.DATA, place.pack)}"
        raise RepositoryDamaged(name, str(failure)) from failure

    def _read(self, place: BlobPlace) -> Sealed | None:
        ((_blob, sealed),) = read_sealed(self._files.storage, place.pack, [place.blob])
        return sealed

    def _add(self, blob: PackedBlob, sealed: SealedBlob) -> None:
        builder = self._builders[blob.kind]
        builder.add(blob.id, sealed)
        if builder.is_full():
            self._store(builder)
            self._builders[blob.kind] = PackBuilder(blob.kind)

    def _store(self, builder: PackBuilder) -> None:
        self._take_stored()
        self._storing = self._thread.submit(self._put, builder)

    def _put(self, builder: PackBuilder) -> FinishedPack:
        finished = builder.finish(self._files.key)
        self._permit.check()
        self._files.storage.put(FileKind.DATA, finished.content.id, finished.data)
        return finished

    def _take_stored(self) -> None:
        """Wait for the pack that is being stored. Raises what went wrong with it."""
        if self._storing is None:
            return
        finished = self._storing.result()
        self._storing = None
        self._unindexed.append(finished.content)
        self.packs += 1
        self.pack_bytes += len(finished.data)

    def _take_unindexed(self) -> list[PackContent]:
        packs, self._unindexed = self._unindexed, []
        return packs

    def _write_index(self, packs: list[PackContent]) -> None:
        if not packs:
            return
        self._permit.confirm()
        name, size = self._files.write(FileKind.INDEX, encode_index(packs))
        self.index_files.append(IndexId(name))
        self.index_bytes += size
