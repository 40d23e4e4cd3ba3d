# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an examination reads, what it says of each kind of damage, and which paths suffer."""

from __future__ import annotations

import random
import typing as t
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository import pack_reading
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.affected import find_affected
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.blobs import PackContent, SealedBlob, blob_id
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.check import (
    ALL_DATA,
    STRUCTURE,
    Examination,
    Scope,
    examine,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.errors import ObjectMissing
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.findings import Severity
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.index_files import encode_index
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.packs import PackBuilder
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import open_repository
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage import FileKind, StoredFile
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import BlobId, BlobKind, PackId, Path, TreeId
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import (
    NOON,
    PASSPHRASE,
    MemoryStorage,
    Place,
    back_up,
    new_place,
)

CHANCE = random.Random(9)
FILES: dict[Path, bytes] = {("mail", str(number)): CHANCE.randbytes(3000) for number in range(6)}
CONTENT = CHANCE.randbytes(500)


def errors(examination: Examination) -> list[str]:
    return [str(finding) for finding in examination.findings if finding.severity is Severity.ERROR]


def tree_of(name: str, blob: str, size: int) -> bytes:
    return b'{"nodes":[{"name":"%s","type":"file","mtime":"2026-11-23T12:00:00Z","size":%d,"content":["%s"]}]}\n' % (
        name.encode(),
        size,
        blob.encode(),
    )


def published(place: Place, tree: bytes) -> TreeId:
    with place.repository.writing() as writer:
        writer.save_blob(BlobKind.DATA, CONTENT)
        saved = TreeId(writer.save_blob(BlobKind.TREE, tree).id)
        writer.save_snapshot(saved, time=NOON, paths=["/"])
    return saved


@given(st.integers(1, 256), st.lists(st.binary(min_size=32, max_size=32).map(bytes.hex), min_size=1, max_size=50))
def test_every_pack_is_in_exactly_one_part(parts: int, packs: list[str]) -> None:
    for pack in packs:
        assert sum(Scope(part, parts).takes(PackId(pack)) for part in range(1, parts + 1)) == 1
        assert ALL_DATA.takes(PackId(pack))
        assert not STRUCTURE.takes(PackId(pack))


def test_the_parts_together_read_every_pack_once() -> None:
    place = new_place()
    for number in range(8):
        back_up(place.repository, {("folder", str(number)): CHANCE.randbytes(100)}, time=NOON + timedelta(hours=number))
    read = [examine(place.reopen(), Scope(part, 3)).packs_read for part in (1, 2, 3)]
    assert sum(read) == len(t.cast("MemoryStorage", place.storage).names(FileKind.DATA))
    assert examine(place.reopen(), STRUCTURE).packs_read == 0


def test_the_structure_alone_reads_a_pack_in_full_that_looks_wrong() -> None:
    place = new_place()
    back_up(place.repository, FILES)
    storage = t.cast("MemoryStorage", place.storage)
    pack = max(storage.names(FileKind.DATA), key=lambda name: len(storage.files[FileKind.DATA, name]))
    storage.files[FileKind.DATA, pack] = storage.files[FileKind.DATA, pack][:-3100]
    found = examine(place.reopen(), STRUCTURE)
    (error,) = errors(found)
    assert error.startswith(f"pack {pack} has ")
    (lost,) = find_affected(found)
    assert lost.path in FILES


def test_a_piece_of_a_file_that_is_used_as_a_directory_is_called_so() -> None:
    place = new_place()
    confused = blob_id(CONTENT)
    tree = b'{"nodes":[{"name":"x","type":"dir","mtime":"2026-11-23T12:00:00Z","subtree":"%s"}]}\n' % confused.encode()
    saved = published(place, tree)
    found = examine(place.reopen(), ALL_DATA)
    assert errors(found) == [f"tree {confused} is in no index as a directory, and tree {saved} needs it"]
    assert [one.path for one in find_affected(found)] == [("x",)]


def test_a_directory_that_is_used_as_a_piece_of_a_file_is_called_so() -> None:
    place = new_place()
    inner = b'{"nodes":[]}\n'
    with place.repository.writing() as writer:
        writer.save_blob(BlobKind.TREE, inner)
    saved = published(place, tree_of("x", blob_id(inner), len(inner)))
    found = examine(place.reopen(), ALL_DATA)
    assert errors(found) == [f"data blob {blob_id(inner)} is in no index as a piece of a file, and tree {saved} needs it"]


def test_a_file_whose_size_is_not_that_of_its_content_is_named() -> None:
    place = new_place()
    saved = published(place, tree_of("x", blob_id(CONTENT), 501))
    found = examine(place.reopen(), STRUCTURE)
    assert errors(found) == [f"tree {saved} gives the file x 501 bytes, and its content has 500"]
    assert [one.path for one in find_affected(found)] == [("x",)]


def test_a_snapshot_whose_directory_is_in_no_index_suffers_as_a_whole() -> None:
    place = new_place()
    snapshot = back_up(place.repository, FILES)
    storage = t.cast("MemoryStorage", place.storage)
    for name in storage.names(FileKind.INDEX):
        del storage.files[FileKind.INDEX, name]
    found = examine(place.reopen(), STRUCTURE)
    assert errors(found) == [f"tree {snapshot.tree} is in no index, and snapshot {snapshot.id} needs it"]
    assert [(one.path, one.is_directory) for one in find_affected(found)] == [((), True)]


def test_many_blobs_that_no_index_has_are_one_finding() -> None:
    place = new_place()
    with place.repository.writing() as writer:
        files = b",".join(
            b'{"name":"%d","type":"file","mtime":"2026-11-23T12:00:00Z","content":["%064x"]}' % (number, number) for number in range(200)
        )
        tree = writer.save_blob(BlobKind.TREE, b'{"nodes":[' + files + b"]}\n").id
        writer.save_snapshot(TreeId(tree), time=NOON, paths=["/"])
    found = examine(place.reopen(), STRUCTURE)
    (error,) = errors(found)
    assert error.startswith("200 blobs are in no index, and snapshots need them, such as data blob ")
    assert len(find_affected(found)) == 200


def test_index_files_that_disagree_about_a_pack_are_settled_by_its_header() -> None:
    place = new_place()
    back_up(place.repository, FILES)
    repository = place.reopen()
    pack = max(repository.known_index.index().packs(), key=lambda pack: len(pack.blobs))
    lie = pack._replace(blobs=(pack.blobs[0], *(blob._replace(offset=blob.offset + 1) for blob in pack.blobs[1:])))
    repository.files.write(FileKind.INDEX, encode_index([lie]))
    (error,) = errors(examine(place.reopen(), STRUCTURE))
    assert error.startswith(f"pack {pack.id} has a header that contradicts the index")


class Vanishing(MemoryStorage):
    """Loses a pack between the listing and the reading."""

    def get(self, kind: FileKind, name: str) -> bytes:
        if kind is FileKind.DATA:
            raise ObjectMissing(f"Could not read {name}: it does not exist.")
        return super().get(kind, name)


def test_packs_that_vanish_meanwhile_are_findings() -> None:
    place = new_place(Vanishing())
    back_up(place.repository, FILES)
    found = examine(place.reopen(), ALL_DATA)
    assert len(errors(found)) == found.packs_read == 2
    assert all("vanished while it was being verified" in error for error in errors(found))


@pytest.mark.parametrize("window", [1, 100, 3032, 7000])
@pytest.mark.parametrize("damage", [None, "middle", "length", "end"])
def test_a_pack_that_is_read_in_pieces_is_judged_like_one_that_is_read_whole(
    damage: str | None, window: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = MemoryStorage()
    place = new_place(storage)
    back_up(place.repository, FILES)
    pack = next(iter(examine(place.reopen(), STRUCTURE).index.packs()))
    data = bytearray(storage.files[FileKind.DATA, pack.id])
    if damage is not None:
        data[{"middle": len(data) // 2, "length": -1, "end": -5}[damage]] ^= 1
    storage.files[FileKind.DATA, pack.id] = bytes(data)
    key, wanted = place.repository.files.key, [(pack, len(data))]
    whole = list(pack_reading.read_packs(storage, key, wanted))
    monkeypatch.setattr(pack_reading, "_WINDOW_OF_A_NETWORK", window)
    assert list(pack_reading.read_packs(storage, key, wanted)) == whole
    assert bool(whole[0].report.problems) is (damage is not None)


def test_a_pack_larger_than_any_is_not_read_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pack_reading, "_LARGEST", 200)
    place = new_place()
    back_up(place.repository, FILES)
    found = examine(place.reopen(), ALL_DATA)
    assert all(error.endswith("is larger than any pack") for error in errors(found))
    assert find_affected(found) == []


def test_a_blob_of_which_another_copy_is_intact_costs_nobody_anything() -> None:
    storage = MemoryStorage()
    place = new_place(storage)
    back_up(place.repository, FILES)
    key = place.repository.files.key
    builder = PackBuilder(BlobKind.DATA)
    content = FILES["mail", "0"]
    builder.add(BlobId(blob_id(content)), SealedBlob(key.seal(content), None))
    copy = builder.finish(key)
    data = bytearray(copy.data)
    data[40] ^= 1
    storage.put(FileKind.DATA, copy.content.id, bytes(data))
    place.repository.files.write(FileKind.INDEX, encode_index([PackContent(copy.content.id, copy.content.blobs)]))
    found = examine(place.reopen(), ALL_DATA)
    assert len(errors(found)) == 1
    assert find_affected(found) == []


class Busy(MemoryStorage):
    """Somebody else backs up at the moment when files of one kind are listed."""

    busy_at: FileKind | None = None

    def list(self, kind: FileKind) -> t.Iterator[StoredFile]:
        if kind is self.busy_at:
            self.busy_at = None
            back_up(open_repository(self, PASSPHRASE), {("new", "file"): CHANCE.randbytes(3000)}, time=NOON + timedelta(hours=1))
        yield from super().list(kind)


@pytest.mark.parametrize("kind", [FileKind.KEY, FileKind.LOCK, FileKind.SNAPSHOT, FileKind.INDEX, FileKind.DATA])
def test_a_backup_that_runs_meanwhile_is_no_damage(kind: FileKind) -> None:
    storage = Busy()
    place = new_place(storage)
    back_up(place.repository, FILES)
    repository = place.reopen()
    storage.busy_at = kind
    assert errors(examine(repository, ALL_DATA)) == []
    assert storage.busy_at is None
