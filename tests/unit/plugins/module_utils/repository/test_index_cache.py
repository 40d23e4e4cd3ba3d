# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The copy of the index on the disk, whatever happens to it."""

from __future__ import annotations

import fcntl
import os
import random
import stat
import threading
import typing as t
from pathlib import Path as FilePath

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.blob_index import BlobIndex
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.blobs import PackContent
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.crypto import KeyMaterial, SealingKey
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.index_cache import IndexCache
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.known_index import KnownIndex, is_worth_saving
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.object_files import ObjectFiles
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import Repository, open_repository
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage import FileKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import BlobId, BlobKind, Path
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.indexes import KEY, present, stock
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import (
    PASSPHRASE,
    Place,
    RecordingStorage,
    back_up,
    new_place,
)

REPOSITORY_ID = "ab" * 32


@pytest.fixture
def storage() -> RecordingStorage:
    return RecordingStorage()


@pytest.fixture
def files(storage: RecordingStorage) -> ObjectFiles:
    return ObjectFiles(storage, KEY)


class Cached(t.NamedTuple):
    """A repository of 40 packs, a cache of all but the last two, and another repository's cache in the same folder."""

    storage: RecordingStorage
    files: ObjectFiles
    packs: list[PackContent]
    cache: IndexCache
    path: FilePath

    def open(self) -> KnownIndex:
        return KnownIndex(self.files, self.cache)


@pytest.fixture
def cached(storage: RecordingStorage, files: ObjectFiles, tmp_path: FilePath) -> Cached:
    cache = IndexCache(tmp_path / "cache", REPOSITORY_ID, KEY)
    packs = [stock(storage, files, number, blobs=30) for number in range(38)]
    known = KnownIndex(files, cache)
    known.index()
    known.save()
    packs += [stock(storage, files, number, blobs=30) for number in (38, 39)]
    return Cached(storage, files, packs, cache, tmp_path / "cache" / f"{REPOSITORY_ID}.sqlite")


def test_what_is_cached_is_not_read_again(cached: Cached) -> None:
    cached.storage.reads.clear()
    assert present(cached.open().index(), cached.packs) == list(range(40))
    assert len(cached.storage.reads) == 2


def test_the_cache_is_its_owners_alone(cached: Cached) -> None:
    assert stat.S_IMODE(cached.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(cached.path.parent.stat().st_mode) == 0o700
    assert os.listdir(cached.path.parent) == [cached.path.name]


def test_a_cached_blob_counts_only_if_its_index_and_its_pack_are_listed_today(cached: Cached) -> None:
    del cached.storage.files[FileKind.DATA, cached.packs[3].id]
    cached.storage.files[FileKind.DATA, cached.packs[4].id] += b"x"
    (index_of_five,) = (entry.file for entry in cached.open().index().entries() if entry.pack == cached.packs[5].id)
    del cached.storage.files[FileKind.INDEX, index_of_five]
    assert present(cached.open().index(), cached.packs) == sorted(set(range(40)) - {3, 4, 5})


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_a_damaged_cache_never_gives_a_wrong_answer(cached: Cached, data: st.DataObject) -> None:
    good = cached.path.read_bytes()
    damaged = bytearray(good)
    for _damage in range(data.draw(st.integers(1, 3))):
        position = data.draw(st.integers(0, len(damaged) - 1))
        match data.draw(st.sampled_from(["flip", "cut", "zero", "insert", "repeat"])):
            case "flip":
                damaged[position] ^= 1 << data.draw(st.integers(0, 7))
            case "cut":
                del damaged[position:]
            case "zero":
                damaged[position : position + 512] = bytes(len(damaged[position : position + 512]))
            case "insert":
                damaged[position:position] = data.draw(st.binary(min_size=1, max_size=20))
            case "repeat":
                damaged[position : position + 4096] = damaged[:4096]
        if not damaged:
            break
    gone = data.draw(st.sampled_from(cached.packs[:38]))
    lost = cached.storage.files.pop((FileKind.DATA, gone.id))
    try:
        cached.path.write_bytes(damaged)
        assert present(cached.open().index(), cached.packs) == [number for number in range(40) if number != int(gone.id, 16)]
        assert not cached.open().index().has(BlobKind.DATA, BlobId("ef" * 32))
        if bytes(damaged) != good:
            assert not cached.cache.load(BlobIndex())
    finally:
        cached.storage.files[FileKind.DATA, gone.id] = lost
        cached.path.write_bytes(good)


@pytest.mark.parametrize("what", ["another repository", "another key", "a folder", "a link", "a pipe", "empty"])
def test_a_cache_that_is_not_ours_is_ignored(cached: Cached, what: str, tmp_path: FilePath) -> None:
    content = cached.path.read_bytes()
    cached.path.unlink()
    match what:
        case "another repository" | "another key":
            owner = (REPOSITORY_ID, SealingKey(KeyMaterial.random())) if what == "another key" else ("cd" * 32, KEY)
            other = IndexCache(tmp_path / "other", *owner)
            other.save(cached.open().index())
            os.replace(tmp_path / "other" / f"{owner[0]}.sqlite", cached.path)
        case "a folder":
            cached.path.mkdir()
        case "a link":
            (tmp_path / "elsewhere").write_bytes(content)
            cached.path.symlink_to(tmp_path / "elsewhere")
        case "a pipe":
            os.mkfifo(cached.path)
        case "empty":
            cached.path.touch()
    assert not cached.cache.load(BlobIndex())
    assert present(cached.open().index(), cached.packs) == list(range(40))


def test_a_cache_that_is_locked_by_another_program_serves_all_the_same(cached: Cached) -> None:
    with cached.path.open("r+b") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        assert cached.cache.load(BlobIndex())


def test_a_cache_that_cannot_be_written_is_done_without(cached: Cached, tmp_path: FilePath) -> None:
    (tmp_path / "file").touch()
    known = KnownIndex(cached.files, IndexCache(tmp_path / "file" / "cache", REPOSITORY_ID, KEY))
    known.index()
    known.save()
    assert present(known.index(), cached.packs) == list(range(40))


def test_what_killed_programs_left_is_removed_and_what_living_ones_write_is_not(cached: Cached) -> None:
    left, alive = (cached.path.with_name(f"{cached.path.name}-tmp-{name}") for name in ("left", "alive"))
    left.write_bytes(b"half")
    with alive.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        cached.cache.save(cached.open().index())
    assert sorted(os.listdir(cached.path.parent)) == [cached.path.name, alive.name]


def test_many_programs_may_save_and_load_the_same_cache_at_once(cached: Cached) -> None:
    failures: list[str] = []

    def work(seed: int) -> None:
        chance = random.Random(seed)
        for _round in range(6):
            known = cached.open()
            if present(known.index(), cached.packs) != list(range(40)):
                failures.append("wrong")
            if chance.random() < 0.6:
                cached.cache.save(known.index())

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert cached.cache.load(BlobIndex())
    assert os.listdir(cached.path.parent) == [cached.path.name]


@given(st.lists(st.integers(0, 50_000)), st.integers(0, 1_000_000))
def test_a_cache_that_saves_nobody_much_is_not_written(unsaved: list[int], saved: int) -> None:
    assert is_worth_saving(unsaved, saved) == (len(unsaved) >= 16 or (sum(unsaved) >= 2_000 and sum(unsaved) >= saved / 20))


# Through the front door.


def open_cached(place: Place, folder: FilePath) -> Repository:
    return open_repository(place.storage, PASSPHRASE, clock=place.clock, cache_folder=folder)


def test_inv09_whoever_only_reads_writes_no_cache_and_a_writer_does(tmp_path: FilePath) -> None:
    place = new_place()
    folder = tmp_path / "state" / "cache"
    contents: dict[Path, bytes] = {(str(number),): b"%d" % number * 50 for number in range(2_500)}
    snapshot = back_up(place.repository, contents)
    repository = open_cached(place, folder)
    with repository.reading():
        repository.read_tree(snapshot.tree)
    assert not folder.parent.exists()
    with open_cached(place, folder).writing():
        pass
    assert os.listdir(folder) == [f"{repository.id}.sqlite"]


def test_what_a_run_stores_is_in_the_cache_when_it_ends(tmp_path: FilePath) -> None:
    storage = RecordingStorage()
    place = new_place(storage)
    contents: dict[Path, bytes] = {(str(number),): b"%d" % number * 50 for number in range(2_500)}
    back_up(open_cached(place, tmp_path / "cache"), contents)
    storage.reads.clear()
    repository = open_cached(place, tmp_path / "cache")
    repository.known_index.index()
    assert not [name for kind, name in storage.reads if kind is FileKind.INDEX]
