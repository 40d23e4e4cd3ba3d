# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The index against a plain dict, and in step with the storage."""

from __future__ import annotations

import tracemalloc
import typing as t

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.blob_index import (
    BlobIndex,
    BlobPlace,
    IndexEntry,
    IndexUnusable,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.blobs import PackContent, PackedBlob, plain_size
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.errors import (
    BlobMissing,
    RepositoryDamaged,
    StorageError,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.known_index import (
    KnownIndex,
    load_index,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.object_files import ObjectFiles
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.packs import pack_size
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage import FileKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import BlobId, BlobKind, IndexId, PackId
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.indexes import KEY, present, stock
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import (
    MemoryStorage,
    RecordingStorage,
    back_up,
    new_place,
)

NAMES = [f"{number:064x}" for number in range(6)]
BLOBS = [(kind, BlobId(name)) for kind in BlobKind for name in NAMES]


@st.composite
def contents(draw: st.DrawFn) -> PackContent:
    """A pack as one index file may describe it. Another file may describe the same pack otherwise."""
    offset = 0
    blobs = []
    for kind, name in draw(st.lists(st.sampled_from(BLOBS), max_size=4)):
        length = draw(st.sampled_from([40, 50]))
        blobs.append(PackedBlob(kind, name, offset, length, draw(st.none() | st.sampled_from([0, 70]))))
        offset += length
    return PackContent(PackId(draw(st.sampled_from(NAMES))), tuple(blobs))


class IndexAgainstADict(RuleBasedStateMachine):
    """``files`` are the index files that were taken in, in their order, and ``present`` what counts as there."""

    def __init__(self) -> None:
        super().__init__()
        self.index = BlobIndex()
        self.stored: dict[PackId, int] = {}
        self.files: dict[IndexId, tuple[PackContent, ...]] = {}
        self.present: dict[IndexId, set[PackContent]] = {}

    @rule(name=st.sampled_from(NAMES), packs=st.lists(contents(), max_size=3, unique_by=lambda pack: pack.id), are_stored=st.booleans())
    def add(self, name: str, packs: list[PackContent], are_stored: bool) -> None:
        index_file = IndexId(name)
        self.index.add_file(index_file, packs, are_stored=are_stored)
        if index_file not in self.files:
            self.files[index_file] = tuple(packs)
            self.present[index_file] = {pack for pack in packs if are_stored or self.stored.get(pack.id) == pack_size(pack.blobs)}

    @rule(listed=st.sets(st.sampled_from(NAMES)), data=st.data())
    def list_again(self, listed: set[str], data: st.DataObject) -> None:
        described = {pack.id: pack_size(pack.blobs) for packs in self.files.values() for pack in packs}
        self.stored = {pack: size for pack, size in described.items() if data.draw(st.booleans())} | {PackId("ff" * 32): 7}
        self.index.take_listing({IndexId(name) for name in listed}, self.stored)
        self.files = {name: packs for name, packs in self.files.items() if name in listed}
        self.present = {
            name: {pack for pack in packs if self.stored.get(pack.id) == pack_size(pack.blobs)} for name, packs in self.files.items()
        }

    @rule()
    def start_again_from_a_copy(self) -> None:
        copy = BlobIndex(may_use_disk=False)
        copy.copy_from(self.index.database)
        copy.take_listing(self.files.keys(), self.stored)
        self.index = copy
        self.present = {
            name: {pack for pack in packs if self.stored.get(pack.id) == pack_size(pack.blobs)} for name, packs in self.files.items()
        }

    @invariant()
    def it_gives_the_same_answers(self) -> None:
        places: dict[tuple[BlobKind, BlobId], list[tuple[bool, BlobPlace]]] = {key: [] for key in BLOBS}
        merged: dict[PackId, set[PackedBlob]] = {}
        for name, packs in self.files.items():
            for pack in packs:
                merged.setdefault(pack.id, set()).update(pack.blobs)
                for blob in pack.blobs:
                    places[(blob.kind, blob.id)].append((pack in self.present[name], BlobPlace(pack.id, blob)))
        for (kind, blob_id), known in places.items():
            found = self.index.places(kind, blob_id)
            there = {place for is_present, place in known if is_present}
            assert self.index.has(kind, blob_id) == bool(there)
            assert set(found) == {place for _is_present, place in known}
            assert len(found) == len(set(found))
            assert set(found[: len(there)]) == there
            assert self.index.find(kind, blob_id) == next(iter(found), None)
        for kind in BlobKind:
            sizes = self.index.plain_sizes(kind, [BlobId(name) for name in (*NAMES, "ee" * 32)])
            assert sizes.keys() == {name for (of_kind, name), known in places.items() if known and of_kind is kind}
            assert all(sizes[name] in {plain_size(place.blob) for _is, place in places[kind, name]} for name in sizes)
        assert {(place.blob.kind, place.blob.id): set(copies) for copies in self.index.copies() for place in copies} == {
            key: {place for _is_present, place in known} for key, known in places.items() if len({place for _is, place in known}) > 1
        }
        assert [(pack.id, set(pack.blobs)) for pack in self.index.packs()] == sorted(merged.items())
        assert all([*pack.blobs] == sorted(pack.blobs, key=lambda blob: blob.offset) for pack in self.index.packs())
        assert set(self.index.entries()) == {
            IndexEntry(name, pack.id, len(pack.blobs)) for name, packs in self.files.items() for pack in packs
        }
        assert len(self.index) == sum(len(pack.blobs) for packs in self.present.values() for pack in packs)
        assert self.index.index_files() == set(self.files)

    @precondition(lambda self: self.files)
    @rule()
    def nothing_is_listed_any_more(self) -> None:
        self.stored = {}
        self.index.take_listing([], {})
        self.files, self.present = {}, {}


TestIndexAgainstADict = IndexAgainstADict.TestCase
TestIndexAgainstADict.settings = settings(max_examples=40, stateful_step_count=10, deadline=None)


# In step with the storage.


@pytest.fixture
def storage() -> RecordingStorage:
    return RecordingStorage()


@pytest.fixture
def files(storage: RecordingStorage) -> ObjectFiles:
    return ObjectFiles(storage, KEY)


def test_a_refresh_reads_new_index_files_only_and_forgets_those_that_vanished(storage: RecordingStorage, files: ObjectFiles) -> None:
    packs = [stock(storage, files, number) for number in range(6)]
    known = KnownIndex(files)
    assert present(known.index(), packs) == [0, 1, 2, 3, 4, 5]
    old = storage.names(FileKind.INDEX)[:3]
    kept = {entry.pack for entry in known.index().entries() if entry.file not in old}
    for name in old:
        storage.delete(FileKind.INDEX, name)
    packs.append(stock(storage, files, 6))
    storage.reads.clear()
    known.refresh()
    assert present(known.index(), packs) == sorted([*(int(pack, 16) for pack in kept), 6])
    assert len(storage.reads) == 1


def test_a_blob_counts_only_while_its_pack_is_listed_with_its_size(storage: RecordingStorage, files: ObjectFiles) -> None:
    packs = [stock(storage, files, number) for number in range(3)]
    known = KnownIndex(files)
    known.index()
    del storage.files[FileKind.DATA, packs[0].id]
    storage.files[FileKind.DATA, packs[1].id] += b"x"
    known.refresh()
    assert present(known.index(), packs) == [2]
    doubtful = known.index().find(BlobKind.DATA, packs[0].blobs[0].id)
    assert doubtful is not None
    assert doubtful.pack == packs[0].id


def test_many_small_index_files_are_all_read(storage: RecordingStorage, files: ObjectFiles) -> None:
    packs = [stock(storage, files, number, blobs=1) for number in range(300)]
    assert present(load_index(files), packs) == list(range(300))


def test_an_index_file_that_the_storage_refuses_is_told_of_and_takes_nothing_from_the_others(
    storage: RecordingStorage, files: ObjectFiles
) -> None:
    packs = [stock(storage, files, number) for number in range(6)]
    refused, damaged = storage.names(FileKind.INDEX)[:2]
    lost = {int(entry.pack, 16) for entry in load_index(files).entries() if entry.file in (refused, damaged)}
    storage.files[FileKind.INDEX, damaged] = storage.files[FileKind.INDEX, damaged][:-1]

    class Refusing(MemoryStorage):
        def get_range(self, kind: FileKind, name: str, offset: int, length: int) -> bytes:
            if name == refused:
                raise StorageError("Could not read it: the disk reports an error.")
            return super().get_range(kind, name, offset, length)

    refusing = Refusing()
    refusing.files = storage.files
    damages: list[RepositoryDamaged] = []
    index = load_index(ObjectFiles(refusing, KEY), on_damage=damages.append)
    assert set(present(index, packs)) == set(range(6)) - lost
    assert {damage.obj for damage in damages} == {f"index {refused}", f"index {damaged}"}
    with pytest.raises(StorageError, match="the disk reports an error"):
        load_index(ObjectFiles(refusing, KEY))
    del storage.files[FileKind.INDEX, refused]
    with pytest.raises(RepositoryDamaged, match=f"index {damaged}"):
        load_index(files)


def test_a_damaged_index_file_stops_writers_but_not_readers(storage: RecordingStorage) -> None:
    place = new_place(storage)
    snapshots = [back_up(place.repository, {("a",): b"one" * 100}), back_up(place.repository, {("b",): b"two" * 100})]
    indexes = {entry.file for entry in place.repository.known_index.index().entries()}
    damaged = min(indexes)
    storage.files[FileKind.INDEX, damaged] = b"rubbish"
    repository = place.reopen()
    outcomes = []
    for snapshot in snapshots:
        try:
            repository.read_tree(snapshot.tree)
            outcomes.append("readable")
        except RepositoryDamaged as error:
            outcomes.append("missing" if isinstance(error, BlobMissing) else error.obj)
    assert sorted(outcomes) == [f"index {damaged}", "readable"]
    with pytest.raises(RepositoryDamaged, match=f"index {damaged}"), repository.writing():
        pass


def test_the_index_of_many_blobs_takes_little_memory(storage: RecordingStorage, files: ObjectFiles) -> None:
    for number in range(40):
        stock(storage, files, number, blobs=1_000)
    tracemalloc.start()
    try:
        index = load_index(files)
        assert sum(1 for _pack in index.packs()) == 40
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(index) == 40_000
    assert peak < 6 << 20


# A database that fails.


@pytest.mark.parametrize("ask", [lambda index: index.has(*BLOBS[0]), lambda index: list(index.packs()), lambda index: index.index_files()])
def test_a_database_that_fails_never_answers(ask: t.Callable[[BlobIndex], object]) -> None:
    index = BlobIndex()
    index.database.close()
    with pytest.raises(IndexUnusable):
        ask(index)


def test_a_change_that_was_interrupted_spoils_the_index() -> None:
    index = BlobIndex()
    pack = PackContent(PackId("ab" * 32), (PackedBlob(BlobKind.DATA, BlobId("cd" * 32), 0, 1 << 70, None),))
    with pytest.raises((OverflowError, IndexUnusable)):
        index.add_file(IndexId("ef" * 32), [pack], are_stored=True)
    with pytest.raises(IndexUnusable):
        index.has(BlobKind.DATA, BlobId("cd" * 32))


def test_a_full_disk_under_the_index_costs_memory_and_no_answer(storage: RecordingStorage) -> None:
    place = new_place(storage)
    repository = place.repository
    with repository.writing() as writer:
        saved = [writer.save_blob(BlobKind.DATA, b"%d" % number) for number in range(50)]
        repository.known_index.index().database.execute("PRAGMA max_page_count = 1")
        saved += [writer.save_blob(BlobKind.DATA, b"%d" % number) for number in range(50, 4_000)]
        writer.flush()
        assert all(writer.has_blob(BlobKind.DATA, each.id) for each in saved)
        assert all(writer.read_blob(BlobKind.DATA, each.id) == b"%d" % number for number, each in enumerate(saved))
    assert all(repository.has_blob(BlobKind.DATA, each.id) for each in saved)
    assert not repository.has_blob(BlobKind.DATA, BlobId("ab" * 32))


def test_a_copy_that_is_good_is_read_where_another_is_not(storage: RecordingStorage) -> None:
    place = new_place(storage)
    with place.repository.writing() as writer:
        blob = writer.save_blob(BlobKind.DATA, b"twice").id
    twin = place.reopen()
    hidden = {key: storage.files.pop(key) for key in list(storage.files) if key[0] in (FileKind.INDEX, FileKind.DATA)}
    with twin.writing() as writer:
        writer.save_blob(BlobKind.DATA, b"twice")
    storage.files.update(hidden)
    copies = place.reopen().known_index.index().places(BlobKind.DATA, blob)
    assert len(copies) == 2
    first, second = ((FileKind.DATA, copy.pack) for copy in copies)
    intact = storage.files[first]
    storage.files[first] = intact[:10] + bytes([intact[10] ^ 1]) + intact[11:]
    assert place.reopen().read_blob(BlobKind.DATA, blob) == b"twice"
    del storage.files[second]
    with pytest.raises(RepositoryDamaged, match=f"{first[1]}.*{second[1]}") as caught:
        place.reopen().read_blob(BlobKind.DATA, blob)
    assert not isinstance(caught.value, BlobMissing)
    del storage.files[first]
    with pytest.raises(BlobMissing, match=f"{first[1]}.*{second[1]}|{second[1]}.*{first[1]}"):
        place.reopen().read_blob(BlobKind.DATA, blob)
