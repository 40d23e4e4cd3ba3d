# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The room's front door: create a repository, open one, read it, and get a writer for it."""

from __future__ import annotations

import contextlib
import os
import socket
import types
import typing as t
from pathlib import Path

from .._deps import require_libraries
from .blob_index import IndexUnusable
from .clock import Clock, SystemClock
from .crypto import KeyMaterial, SealingKey
from .errors import BlobMissing, ObjectExists, ObjectMissing, RepositoryDamaged, RepositoryError, RepositoryExists, RepositoryMissing
from .index_cache import IndexCache
from .keys import DEFAULT_KDF, KdfParameters, KeyInfo, KeyRole, Keys, find_master_keys, refuse_empty_passphrase
from .known_index import KnownIndex
from .locks import hold_lock
from .object_files import ObjectFiles, is_id, object_name
from .polynomial import random_irreducible
from .reading import BlobReader, read_any, read_from_index
from .snapshots import read_snapshot
from .storage import CONFIG_NAME, FileKind, Storage
from .types import BlobId, BlobKind, KeyId, Snapshot, SnapshotId
from .writer import Writer

FORMAT_VERSION = 2
_SYSTEM_CLOCK = SystemClock()
_NOTHING_SEEN: t.Mapping[SnapshotId, Snapshot] = types.MappingProxyType({})


def repository_exists(storage: Storage) -> bool:
    """Whether somebody has created a repository there. Raises StorageError."""
    return storage.stat(FileKind.CONFIG, CONFIG_NAME) is not None


def create_repository(
    storage: Storage,
    passphrase: str,
    *,
    recovery_passphrase: str | None = None,
    kdf: KdfParameters = DEFAULT_KDF,
    clock: Clock = _SYSTEM_CLOCK,
) -> Repository:
    """Make a new repository, openable with the passphrase and, if given, with the recovery passphrase too.

    Raises RepositoryExists, StorageError, InputError for an empty passphrase, RepositoryDamaged where only a config is missing.
    """
    require_libraries()
    for secret in (passphrase, recovery_passphrase):
        if secret is not None:
            refuse_empty_passphrase(secret)
    if repository_exists(storage):
        raise _exists(storage)
    storage.prepare()
    _refuse_lost_config(storage)
    master = KeyMaterial.random()
    keys = Keys(storage, master)
    ours = [keys.add(passphrase, kdf=kdf, created=clock.now())]
    if recovery_passphrase is not None:
        ours.append(keys.add(recovery_passphrase, role=KeyRole.RECOVERY, kdf=kdf, created=clock.now()))
    files = ObjectFiles(storage, SealingKey(master))
    repository_id = os.urandom(32).hex()
    config = {"version": FORMAT_VERSION, "id": repository_id, "chunker_polynomial": format(random_irreducible(os.urandom), "x")}
    try:
        files.write_config(config)
    except ObjectExists:
        _remove_keys(storage, ours)
        raise _exists(storage) from None
    if not _is_there(files, repository_id):
        _remove_keys(storage, ours)
        raise _exists(storage)
    _remove_keys(storage, [KeyId(stored.name) for stored in list(storage.list(FileKind.KEY)) if stored.name not in ours])
    return Repository(files, repository_id, ours[0], master, clock)


def open_repository(storage: Storage, passphrase: str, *, clock: Clock = _SYSTEM_CLOCK, cache_folder: Path | None = None) -> Repository:
    """``cache_folder`` may hold copies of indexes, which writers keep there for everybody who opens a repository from this host.

    Raises RepositoryMissing, WrongPassphrase, RepositoryDamaged, StorageError, InputError for an empty passphrase."""
    require_libraries()
    if not repository_exists(storage):
        raise RepositoryMissing(
            f"There is no repository at {storage.location}.",
            hint="Check the path and whether the disk is mounted; a new repository is made by applying the plan.",
        )
    damage: RepositoryDamaged | None = None
    for key_id, master in find_master_keys(storage, passphrase):
        files = ObjectFiles(storage, SealingKey(master))
        try:
            config = files.read(FileKind.CONFIG, CONFIG_NAME)
        except RepositoryDamaged as error:
            damage = damage or error
            continue
        return Repository(files, _repository_id(storage, config), key_id, master, clock, cache_folder)
    raise damage or RepositoryDamaged(object_name(FileKind.CONFIG, CONFIG_NAME), "opens with no key")


def _repository_id(storage: Storage, config: t.Mapping[str, t.Any]) -> str:
    version, repository_id = config.get("version"), config.get("id")
    if not is_id(repository_id):
        raise RepositoryDamaged(object_name(FileKind.CONFIG, CONFIG_NAME), "holds no valid id")
    if version != FORMAT_VERSION:
        raise RepositoryError(
            f"The repository at {storage.location} has format version {version}, and this program knows version {FORMAT_VERSION}.",
            hint="Migrate it with restic (restic migrate upgrade_repo_v2), or use a newer version of this collection.",
        )
    return repository_id


def _refuse_lost_config(storage: Storage) -> None:
    """Key files alone are what an interrupted creation left. Data without a config is a repository that lost it."""
    for kind in (FileKind.SNAPSHOT, FileKind.INDEX, FileKind.DATA):
        if next(iter(storage.list(kind)), None) is not None:
            raise RepositoryDamaged(
                object_name(FileKind.CONFIG, CONFIG_NAME),
                f"is missing at {storage.location}, and there are backups",
                hint="Restore the file from a copy of the storage, or give another place for a new repository.",
            )


def _is_there(files: ObjectFiles, repository_id: str) -> bool:
    """Whether the config is ours. A storage that is not strict lets somebody else put his in its place at the same moment."""
    try:
        return bool(files.read(FileKind.CONFIG, CONFIG_NAME).get("id") == repository_id)
    except RepositoryDamaged:
        return False


def _exists(storage: Storage) -> RepositoryExists:
    return RepositoryExists(f"There is a repository at {storage.location} already.", hint="Use it, or give another place.")


def _remove_keys(storage: Storage, keys: t.Iterable[KeyId]) -> None:
    for key in keys:
        with contextlib.suppress(ObjectMissing):
            storage.delete(FileKind.KEY, key)


class Repository(BlobReader):
    """An open repository. Reading is thread-safe. Writing goes through L(writing)."""

    def __init__(
        self,
        files: ObjectFiles,
        repository_id: str,
        key_id: KeyId,
        master: KeyMaterial,
        clock: Clock,
        cache_folder: Path | None = None,
    ) -> None:
        self.id = repository_id
        self.files = files
        self.known_index = KnownIndex(files, None if cache_folder is None else IndexCache(cache_folder, repository_id, files.key))
        self.clock = clock
        self.keys = Keys(files.storage, master, key_id)

    @property
    def storage(self) -> Storage:
        return self.files.storage

    def has_blob(self, kind: BlobKind, blob: BlobId) -> bool:
        """Whether the index has the blob in a pack that is there, as of when the index was last read: reliable under a lock."""
        try:
            return self.known_index.index().has(kind, blob)
        except IndexUnusable:
            return self.known_index.refresh().has(kind, blob)

    def read_blob(self, kind: BlobKind, blob: BlobId) -> bytes:
        """The content, authenticated and compared with its hash; of several copies the first that is good.

        Raises BlobMissing, RepositoryDamaged, StorageError.
        """
        try:
            return read_any(self.storage, self.files.key, kind, blob, self.known_index.index().places(kind, blob))
        except (BlobMissing, IndexUnusable):
            index = self.known_index.refresh()
        try:
            return read_from_index(self.storage, self.files.key, kind, blob, index)
        except BlobMissing:
            self.known_index.refuse_damage()
            raise

    def snapshots(
        self,
        *,
        on_damage: t.Callable[[RepositoryDamaged], None] | None = None,
        seen: t.Mapping[SnapshotId, Snapshot] = _NOTHING_SEEN,
    ) -> list[Snapshot]:
        """All snapshots, oldest first. A damaged one raises RepositoryDamaged, or is handed to ``on_damage`` and left out.

        Those of ``seen`` that are still there are not read again. One that somebody removes while we look is none. One that
        stays listed counts as damaged: if it were left out, a prune would take what it needs.
        """
        snapshots = []
        for stored in list(self.storage.list(FileKind.SNAPSHOT)):
            try:
                name = SnapshotId(stored.name)
                snapshots.append(seen.get(name) or self.snapshot(name))
            except RepositoryDamaged as error:
                if isinstance(error.__cause__, ObjectMissing) and not self._is_listed(stored.name):
                    continue
                if on_damage is None:
                    raise
                on_damage(error)
        return sorted(snapshots, key=lambda snapshot: (snapshot.time, snapshot.id))

    def snapshot(self, snapshot: SnapshotId) -> Snapshot:
        """Raises RepositoryDamaged, also when there is none of that id."""
        return read_snapshot(self.files, snapshot)

    @contextlib.contextmanager
    def reading(self, *, lock_timeout: float = 0.0) -> t.Iterator[Repository]:
        """Hold a shared lock while reading, so that no prune takes away what is being read. Raises RepositoryLocked."""
        with hold_lock(self.files, self.clock, exclusive=False, lock_timeout=lock_timeout):
            self.known_index.refresh()
            yield self

    @contextlib.contextmanager
    def writing(self, *, hostname: str | None = None, lock_timeout: float = 0.0, caches_index: bool = True) -> t.Iterator[Writer]:
        """A writer under a shared lock. ``hostname`` goes into snapshots. Left normally, it flushes; left by an exception, it stops.

        Of several writers on a host one is enough that ``caches_index``. Raises RepositoryLocked, StorageError, RepositoryDamaged.
        """
        with self._writer(False, hostname, lock_timeout, caches_index=caches_index) as writer:
            yield writer

    @contextlib.contextmanager
    def exclusive(self, *, hostname: str | None = None, lock_timeout: float = 0.0) -> t.Iterator[Writer]:
        """As L(writing), but nobody else may hold a lock: for what deletes."""
        with self._writer(True, hostname, lock_timeout, caches_index=True) as writer:
            yield writer

    def key_files(self) -> list[KeyInfo]:
        """The key files, oldest first. Raises RepositoryDamaged."""
        return self.keys.infos()

    def add_key(self, passphrase: str, *, kdf: KdfParameters = DEFAULT_KDF) -> KeyId:
        """Let another passphrase open the repository. The data stays as it is."""
        return self.keys.add(passphrase, kdf=kdf, created=self.clock.now())

    def _is_listed(self, snapshot: str) -> bool:
        return any(stored.name == snapshot for stored in self.storage.list(FileKind.SNAPSHOT))

    @contextlib.contextmanager
    def _writer(self, exclusive: bool, hostname: str | None, lock_timeout: float, *, caches_index: bool) -> t.Iterator[Writer]:
        with hold_lock(self.files, self.clock, exclusive=exclusive, lock_timeout=lock_timeout) as lock:
            self.known_index.refresh()
            self.known_index.refuse_damage()
            if caches_index:
                self.known_index.save()
            writer = Writer(self, lock, hostname or socket.gethostname())
            try:
                yield writer
                writer.flush()
                if caches_index:
                    self.known_index.save()
            finally:
                writer.close()
