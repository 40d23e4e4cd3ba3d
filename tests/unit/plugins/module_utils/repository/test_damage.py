# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every file of a repository, damaged in every way: detected, named, and everything else can still be restored."""

from __future__ import annotations

import random
import typing as t
from datetime import timedelta

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository import compression
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.blobs import PackContent, PackedBlob, SealedBlob, blob_id
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.check import Finding, Severity, check
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.errors import (
    RepositoryDamaged,
    RepositoryMissing,
    WrongPassphrase,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.index_files import encode_index
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.packs import PackBuilder
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage import FileKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import (
    BlobId,
    BlobKind,
    PackId,
    Path,
    Snapshot,
    TreeId,
)
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import (
    CHEAP,
    NOON,
    PASSPHRASE,
    MemoryStorage,
    Place,
    back_up,
    new_place,
    restore,
)

CHANCE = random.Random(3)
ONE: dict[Path, bytes] = {("one", str(number)): CHANCE.randbytes(3000) for number in range(5)}
TWO: dict[Path, bytes] = {("two", str(number)): CHANCE.randbytes(3000) for number in range(5)}
WORDS = {
    FileKind.CONFIG: "file",
    FileKind.KEY: "key",
    FileKind.DATA: "pack",
    FileKind.INDEX: "index",
    FileKind.SNAPSHOT: "snapshot",
}
DAMAGES: dict[str, t.Callable[[bytes, bytes], bytes | None]] = {
    "flipped at the start": lambda data, _other: bytes((data[0] ^ 1,)) + data[1:],
    "flipped in the middle": lambda data, _other: (
        data[: len(data) // 2] + bytes((data[len(data) // 2] ^ 0x80,)) + data[len(data) // 2 + 1 :]
    ),
    "flipped at the end": lambda data, _other: data[:-1] + bytes((data[-1] ^ 1,)),
    "truncated": lambda data, _other: data[: len(data) // 2],
    "emptied": lambda _data, _other: b"",
    "zeroed": lambda data, _other: bytes(len(data)),
    "lengthened": lambda data, _other: data + b"\0" * 64,
    "swapped": lambda _data, other: other,
    "deleted": lambda _data, _other: None,
}
SWEEP = [(kind, damage) for kind in WORDS for damage in DAMAGES]


class Twin(t.NamedTuple):
    """A repository with two snapshots that share nothing."""

    place: Place
    storage: MemoryStorage
    first: Snapshot
    second: Snapshot


@pytest.fixture(scope="module")
def sound() -> Twin:
    storage = MemoryStorage()
    place = new_place(storage)
    place.repository.add_key("another", kdf=CHEAP)
    return Twin(place, storage, back_up(place.repository, ONE), back_up(place.repository, TWO, time=NOON + timedelta(hours=1)))


def errors(findings: list[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.severity is Severity.ERROR]


def outcome(place: Place, snapshot: Snapshot, files: dict[Path, bytes]) -> str:
    """What a restore comes to: whole, or an error that names an object; anything else is a defect."""
    try:
        assert restore(place.reopen(), snapshot) == files
    except RepositoryDamaged as error:
        return error.obj
    return "whole"


@pytest.mark.parametrize(("kind", "damage"), SWEEP, ids=[f"{kind.value}, {damage}" for kind, damage in SWEEP])
def test_inv07_damage_is_detected_named_and_contained(sound: Twin, kind: FileKind, damage: str) -> None:
    names = sound.storage.names(kind)
    for name in names:
        storage = sound.storage.copy()
        place = Place(storage, sound.place.repository, sound.place.clock)
        original = storage.files.pop((kind, name))
        other = next((storage.files[kind, other] for other in names if other != name), bytes(len(original)))
        damaged = DAMAGES[damage](original, other)
        if damaged is not None:
            storage.files[kind, name] = damaged
        if kind in (FileKind.CONFIG, FileKind.KEY):
            _opens_or_names(place, kind, name, is_deleted=damaged is None)
            continue
        findings = check(place.reopen(), read_data=True)
        if kind is FileKind.SNAPSHOT and damaged is None:
            assert findings == []
            continue
        if kind is FileKind.INDEX and damaged is None:
            assert any("is in no index" in finding.problem for finding in errors(findings))
        else:
            assert any(finding.obj.startswith(f"{WORDS[kind]} {name}") for finding in errors(findings)), findings
        outcomes = {outcome(place, sound.first, ONE), outcome(place, sound.second, TWO)}
        if kind is not FileKind.INDEX:
            assert "whole" in outcomes


def _opens_or_names(place: Place, kind: FileKind, name: str, *, is_deleted: bool) -> None:
    try:
        repository = place.reopen()
    except RepositoryDamaged as error:
        named = error.obj
    except RepositoryMissing:
        assert (kind, is_deleted) == (FileKind.CONFIG, True)
        return
    except WrongPassphrase:
        assert (kind, is_deleted) == (FileKind.KEY, True)
        return
    else:
        assert kind is FileKind.KEY
        if is_deleted:
            return
        (named,) = {finding.obj for finding in errors(check(repository))}
    assert named == f"{WORDS[kind]} {name}"


def test_a_sound_repository_has_no_findings(sound: Twin) -> None:
    assert check(sound.place.reopen(), read_data=True) == []


def test_a_damaged_snapshot_does_not_hide_the_others(sound: Twin) -> None:
    storage = sound.storage.copy()
    storage.files[FileKind.SNAPSHOT, sound.first.id] = b"rubbish"
    repository = Place(storage, sound.place.repository, sound.place.clock).reopen()
    damaged: list[str] = []
    assert repository.snapshots(on_damage=lambda error: damaged.append(error.obj)) == [sound.second]
    assert damaged == [f"snapshot {sound.first.id}"]
    with pytest.raises(RepositoryDamaged):
        repository.snapshots()


def test_what_a_lost_pack_held_is_stored_again(sound: Twin) -> None:
    storage = sound.storage.copy()
    for name in storage.names(FileKind.DATA):
        storage.files[FileKind.DATA, name] = storage.files[FileKind.DATA, name][:-10]
    place = Place(storage, sound.place.repository, sound.place.clock)
    again = back_up(place.reopen(), ONE, time=NOON + timedelta(hours=2))
    assert restore(place.reopen(), again) == ONE
    assert restore(place.reopen(), sound.first) == ONE


def test_leftovers_are_warnings(sound: Twin) -> None:
    storage = sound.storage.copy()
    place = Place(storage, sound.place.repository, sound.place.clock)
    with place.reopen().writing() as writer:
        writer.save_blob(BlobKind.DATA, b"no index will name it")
    newest = [name for name in storage.names(FileKind.INDEX) if (FileKind.INDEX, name) not in sound.storage.files]
    for name in newest:
        storage.delete(FileKind.INDEX, name)
    (finding,) = check(place.reopen(), read_data=True)
    assert finding.severity is Severity.WARNING
    assert "is named by no index" in str(finding)


def hostile(content: bytes, kind: BlobKind, plain_length: int | None) -> tuple[Place, BlobId]:
    """A repository whose key holder has sealed something that promises what it does not keep."""
    place = new_place()
    key = place.repository.files.key
    blob = blob_id(content)
    builder = PackBuilder(kind)
    builder.add(blob, SealedBlob(key.seal(content), plain_length))
    pack = builder.finish(key)
    place.storage.put(FileKind.DATA, pack.content.id, pack.data)
    place.repository.files.write(FileKind.INDEX, encode_index([pack.content]))
    return place, blob


@pytest.mark.parametrize("claimed", [1, 1000, 60_000_000])
def test_a_decompression_bomb_is_refused_by_its_length(claimed: int) -> None:
    place, blob = hostile(compression.compress(bytes(80_000_000)), BlobKind.DATA, claimed)
    with pytest.raises(RepositoryDamaged, match="would decompress to 80,000,000 bytes"):
        place.reopen().read_blob(BlobKind.DATA, blob)
    assert any("80,000,000" in str(finding) for finding in check(place.reopen(), read_data=True))


@pytest.mark.parametrize("length", [1 << 30, 1 << 40, -1, 5])
def test_an_absurd_length_in_an_index_is_refused(length: int) -> None:
    place = new_place()
    blob = PackedBlob(BlobKind.DATA, BlobId("ab" * 32), 0, length, length)
    index, _size = place.repository.files.write(FileKind.INDEX, encode_index([PackContent(PackId("cd" * 32), (blob,))]))
    with pytest.raises(RepositoryDamaged, match=f"index {index} gives blob abab.* an impossible length"):
        place.reopen().has_blob(BlobKind.DATA, blob.id)


def test_an_index_that_contradicts_the_header_of_a_pack_is_found() -> None:
    place = new_place()
    key = place.repository.files.key
    builder = PackBuilder(BlobKind.DATA)
    builder.add(blob_id(b"x"), SealedBlob(key.seal(b"x"), None))
    pack = builder.finish(key)
    place.storage.put(FileKind.DATA, pack.content.id, pack.data)
    lie = PackContent(pack.content.id, tuple(blob._replace(kind=BlobKind.TREE) for blob in pack.content.blobs))
    place.repository.files.write(FileKind.INDEX, encode_index([lie]))
    assert check(place.reopen(), read_data=True) == [Finding(f"pack {pack.content.id}", "has a header that contradicts the index")]


def test_a_tree_that_is_no_tree_is_named() -> None:
    place = new_place()
    with place.repository.writing() as writer:
        tree = writer.save_blob(BlobKind.TREE, b'{"nodes":[{"name":"../escape","type":"file"}]}\n').id
        writer.save_snapshot(TreeId(tree), time=NOON, paths=["/"])
    (finding,) = check(place.reopen())
    assert finding.obj == f"tree {tree}"


def test_a_blob_that_a_tree_needs_and_no_index_has_is_named_once() -> None:
    place = new_place()
    missing = "ab" * 32
    with place.repository.writing() as writer:
        entry = b'{"name":"%d","type":"file","mtime":"2026-11-23T12:00:00Z","content":["' + missing.encode() + b'"]}'
        tree = writer.save_blob(BlobKind.TREE, b'{"nodes":[' + entry % 1 + b"," + entry % 2 + b"]}\n").id
        writer.save_snapshot(TreeId(tree), time=NOON, paths=["/"])
    (finding,) = check(place.reopen())
    assert finding == Finding(f"data blob {missing}", f"is in no index, and tree {tree} needs it")


def test_inv07_no_word_of_the_content_is_readable_in_the_storage() -> None:
    storage = MemoryStorage()
    place = new_place(storage)
    secret = b"Confidential-4711"
    back_up(place.repository, {("Sales", "anna.schmidt@contoso.com", "mail", "subject-4711.eml"): secret * 3})
    everything = b"".join(storage.files.values()) + "".join(name for _kind, name in storage.files).encode()
    for word in (secret, b"Sales", b"anna", b"contoso", b"subject", b"m365", b"backup1", PASSPHRASE.encode(), b"nodes", b"tree"):
        assert word not in everything
