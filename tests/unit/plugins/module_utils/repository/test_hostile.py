# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Content that is authentic and absurd: whoever holds the key may have sealed anything. It is named or read, in bounded memory.

M365_TORTURE=10 in the environment multiplies the rounds.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import struct
import tracemalloc
import typing as t

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import BackupError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository import compression
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.blobs import PackContent, PackedBlob, SealedBlob, blob_id
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.check import ALL_DATA, Finding, check
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.errors import Malformed, RepositoryDamaged
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.index_files import encode_index
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.packs import PackBuilder
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.prune import plan_prune
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repair import repair
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage import CONFIG_NAME, FileKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import (
    BlobId,
    BlobKind,
    PackId,
    Path,
    TreeId,
)
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import (
    NOON,
    MemoryStorage,
    Place,
    back_up,
    new_place,
    restore,
)

ROUNDS = int(os.environ.get("M365_TORTURE", "1"))
FILES: dict[Path, bytes] = {("a", str(number)): b"content %d" % number for number in range(3)}
MEMORY = 200 << 20
MIB = 1 << 20
SMALL = (FileKind.CONFIG, FileKind.KEY, FileKind.INDEX, FileKind.SNAPSHOT, FileKind.LOCK)
SEALED = tuple(kind for kind in SMALL if kind is not FileKind.KEY)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("ab" * 32) | st.just(-1) | st.just(1 << 70),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def zeros(size: int, *, tells_size: bool) -> bytes:
    """A zstd frame of a few hundred kilobytes that holds so many zeros, and says so or not. Facts: RFC 8878, 3.1.1."""
    block = 128 << 10
    blocks = [struct.pack("<I", block << 3 | 1 << 1 | (number == size // block - 1))[:3] + b"\0" for number in range(size // block)]
    header = b"\xe0" + struct.pack("<Q", size) if tells_size else b"\x00\x58"
    return b"\x28\xb5\x2f\xfd" + header + b"".join(blocks)


TEXTS = {
    "nothing": b"",
    "no JSON": b"\x00\x01",
    "deep lists": b"[" * 200_000,
    "deep objects": b'{"a":' * 200_000,
    "deep and closed": b'{"packs":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "a huge number": b'{"packs":' + b"9" * 100_000 + b"}",
    "a huge exponent": b'{"packs":1e999999999,"time":1e400,"N":1e999}',
    "no number": b'{"packs":NaN,"time":Infinity,"tree":-Infinity}',
    "no UTF-8": b'{"time":"\xff\xfe","packs":"\xc3\x28"}',
    "half a surrogate": b'{"time":"\\ud800","hostname":"\\udfff","packs":[]}',
    "UTF-16": '{"packs":[]}'.encode("utf-16"),
    "twice the same key": b'{"packs":[],"packs":[{}],"tree":1,"tree":"' + b"ab" * 32 + b'","time":"2026-11-23T12:00:00Z"}',
    "a list": b"[]",
    "an empty object": b"{}",
    "a long text": b'{"time":"' + b"2" * MIB + b'"}',
    "many entries": b'{"packs":[' + b"{}," * 100_000 + b"{}]}",
}


def place_of_files() -> Place:
    place = new_place()
    back_up(place.repository, FILES)
    with place.repository.reading():
        storage = t.cast(MemoryStorage, place.storage)
        locks = {name: storage.files[FileKind.LOCK, name] for name in storage.names(FileKind.LOCK)}
    storage.files |= {(FileKind.LOCK, name): data for name, data in locks.items()}
    return place


def put_instead(place: Place, kind: FileKind, content: bytes) -> None:
    """Exchange the only file of a kind for an authentic one that says something else."""
    storage, sealing = t.cast(MemoryStorage, place.storage), place.repository.files.key
    data = content if kind is FileKind.KEY else bytes(sealing.seal(content))
    for name in storage.names(kind):
        del storage.files[kind, name]
    storage.files[kind, CONFIG_NAME if kind is FileKind.CONFIG else blob_id(data)] = data


def use(place: Place) -> None:
    """Whatever an administrator may ask of a repository; it may be refused."""
    place.clock.move(3600)
    steps: list[t.Callable[[t.Any], object]] = [
        lambda repository: [restore(repository, snapshot) for snapshot in repository.snapshots(on_damage=lambda _damage: None)],
        lambda repository: repository.key_files(),
        plan_prune,
        lambda repository: back_up(repository, FILES),
        lambda repository: check(repository, read_data=True),
        lambda repository: repair(repository, ALL_DATA),
    ]
    for step in steps:
        with contextlib.suppress(BackupError):
            step(place.reopen())


def plain(place: Place, kind: FileKind) -> dict[str, t.Any]:
    storage = t.cast(MemoryStorage, place.storage)
    name = storage.names(kind)[0]
    return json.loads(storage.files[kind, name]) if kind is FileKind.KEY else place.repository.files.read(kind, name)


@pytest.mark.parametrize("kind", SMALL, ids=lambda kind: kind.value)
@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text)
def test_absurd_json_is_refused_or_read_never_a_traceback(kind: FileKind, text: str) -> None:
    place = place_of_files()
    put_instead(place, kind, TEXTS[text])
    use(place)


@pytest.mark.parametrize("kind", SMALL, ids=lambda kind: kind.value)
@settings(max_examples=25 * ROUNDS)
@given(data=st.data())
def test_a_file_that_says_something_else_is_refused_or_read_never_a_traceback(kind: FileKind, data: st.DataObject) -> None:
    place = place_of_files()
    content = plain(place, kind)
    mutate(content, data)
    put_instead(place, kind, json.dumps(content).encode("utf-8", "surrogatepass"))
    use(place)


@settings(max_examples=50 * ROUNDS)
@given(st.data())
def test_a_tree_that_says_something_else_is_refused_or_read_never_a_traceback(data: st.DataObject) -> None:
    place = new_place()
    entry = {"name": "a", "type": "file", "mtime": "2026-11-23T12:00:00Z", "size": 1, "content": ["ab" * 32]}
    content: dict[str, t.Any] = {"nodes": [entry, {**entry, "name": "b", "type": "dir", "subtree": "cd" * 32}]}
    mutate(content, data)
    with place.repository.writing() as writer:
        tree = writer.save_blob(BlobKind.TREE, json.dumps(content).encode("utf-8", "surrogatepass")).id
        writer.save_snapshot(TreeId(tree), time=NOON, paths=["/"])
    use(place)


def mutate(content: t.Any, data: st.DataObject) -> None:
    """Exchange, remove or double one value, however deep."""
    while True:
        keys = list(content) if isinstance(content, dict) else list(range(len(content)))
        key = data.draw(st.sampled_from(keys))
        inner = content[key]
        if not (isinstance(inner, dict | list) and inner and data.draw(st.booleans())):
            break
        content = inner
    what = data.draw(st.sampled_from(("exchange", "remove", "double")))
    if what == "remove":
        del content[key]
    elif what == "double" and isinstance(content, list):
        content.append(inner)
    else:
        content[key] = data.draw(JSON)


@pytest.mark.parametrize("tells_size", [True, False], ids=["telling its size", "not telling its size"])
@pytest.mark.parametrize("kind", SEALED, ids=lambda kind: kind.value)
def test_a_small_file_that_holds_ten_gibibytes_is_refused_in_little_memory(kind: FileKind, tells_size: bool) -> None:
    place = place_of_files()
    put_instead(place, kind, b"\x02" + zeros(10 << 30, tells_size=tells_size))
    assert peak_memory(lambda: use(place)) < MEMORY


@pytest.mark.parametrize("tells_size", [True, False], ids=["telling its size", "not telling its size"])
@pytest.mark.parametrize("kind", BlobKind)
@pytest.mark.parametrize("claimed", [1, 1000, 60_000_000])
def test_a_blob_that_holds_ten_gibibytes_is_refused_in_little_memory(kind: BlobKind, claimed: int, tells_size: bool) -> None:
    place, blob = hostile(zeros(10 << 30, tells_size=tells_size), kind, claimed)
    with pytest.raises(RepositoryDamaged, match=blob):
        place.reopen().read_blob(kind, blob)
    assert peak_memory(lambda: use(place)) < MEMORY


def peak_memory(action: t.Callable[[], object]) -> int:
    """What Python and its extensions had allocated at most, in bytes."""
    tracemalloc.start()
    try:
        action()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@settings(max_examples=100 * ROUNDS)
@given(st.binary(max_size=300), st.integers(0, 1 << 40))
def test_decompressing_a_damaged_frame_answers_or_refuses(data: bytes, seed: int) -> None:
    chance = random.Random(seed)
    frame = bytearray(compression.compress(data))
    for _time in range(chance.randint(1, 4)):
        frame[chance.randrange(len(frame))] = chance.randrange(256)
    with contextlib.suppress(Malformed):
        assert len(compression.decompress(bytes(frame), 1000)) <= 1000


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
        place.reopen().read_blob(BlobKind.DATA, blob.id)


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
