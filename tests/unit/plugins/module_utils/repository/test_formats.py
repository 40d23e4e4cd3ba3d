# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Packs, index files, trees and snapshots: what is written is read again, what is damaged is refused, never a traceback."""

from __future__ import annotations

import contextlib
import hashlib
import json
import struct
import typing as t
from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.blob_index import BlobIndex, BlobPlace
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.blobs import (
    PackContent,
    PackedBlob,
    blob_id,
    open_blob,
    seal_blob,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.crypto import KeyMaterial, SealingKey
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.errors import Malformed, RepositoryError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.go_text import dump_json
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.index_files import decode_index, encode_index
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.packs import (
    FinishedPack,
    PackBuilder,
    decode_pack,
    pack_size,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.snapshots import decode_snapshot, encode_snapshot
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.tree_json import decode_tree, encode_tree
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import (
    BlobId,
    BlobKind,
    IndexId,
    Node,
    NodeKind,
    PackId,
    SnapshotId,
    TreeId,
)
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import NOON

KEY = SealingKey(KeyMaterial.from_bytes(bytes(range(64))))
KINDS = st.sampled_from(BlobKind)
IDS = st.binary(min_size=32, max_size=32).map(bytes.hex)
CONTENTS = st.lists(st.binary(max_size=500) | st.binary(max_size=10).map(lambda data: data * 100), min_size=1, max_size=8, unique=True)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | IDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.text(min_size=1, max_size=12).filter(
    lambda name: name not in (".", "..") and "/" not in name and "\0" not in name and not any("\ud800" <= char <= "\udfff" for char in name)
)
MOMENTS = st.datetimes(timezones=st.just(timezone.utc))
NODES = st.builds(
    Node, NAMES, st.just(NodeKind.FILE), MOMENTS, st.integers(0, 1 << 60), st.lists(IDS, max_size=3).map(tuple), st.none()
) | st.builds(Node, NAMES, st.just(NodeKind.DIRECTORY), MOMENTS, st.just(0), st.just(()), IDS)


def build_pack(kind: BlobKind, contents: t.Iterable[bytes]) -> FinishedPack:
    builder = PackBuilder(kind)
    for content in contents:
        builder.add(blob_id(content), seal_blob(KEY, kind, content))
    return builder.finish(KEY)


@given(KINDS, CONTENTS)
def test_every_blob_comes_back_out_of_a_pack(kind: BlobKind, contents: list[bytes]) -> None:
    pack = build_pack(kind, contents)
    assert pack.content.id == hashlib.sha256(pack.data).hexdigest()
    assert decode_pack(KEY, pack.data) == pack.content.blobs
    assert pack_size(pack.content.blobs) == len(pack.data)
    opened = [open_blob(KEY, blob, pack.data[blob.offset : blob.offset + blob.length]) for blob in pack.content.blobs]
    assert opened == contents


@given(CONTENTS, st.data())
def test_a_damaged_pack_is_refused_or_its_blobs_are(contents: list[bytes], data: st.DataObject) -> None:
    pack = build_pack(BlobKind.DATA, contents)
    damaged = bytearray(pack.data)
    position = data.draw(st.integers(0, len(damaged) - 1))
    damaged[position] ^= data.draw(st.integers(1, 255))
    complaints = 0
    try:
        decode_pack(KEY, bytes(damaged))
    except Malformed:
        complaints += 1
    for blob in pack.content.blobs:
        try:
            open_blob(KEY, blob, bytes(damaged[blob.offset : blob.offset + blob.length]))
        except Malformed:
            complaints += 1
    assert complaints == 1


@given(st.binary(max_size=200))
def test_any_bytes_as_a_pack_are_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        decode_pack(KEY, data)


@given(st.binary(max_size=120))
def test_any_authentic_header_is_read_or_refused(header: bytes) -> None:
    sealed = KEY.seal(header)
    with contextlib.suppress(Malformed):
        decode_pack(KEY, sealed + struct.pack("<I", len(sealed)))


@pytest.mark.parametrize("length", [0, 31, 1000, (1 << 32) - 1])
def test_an_absurd_header_length_is_refused(length: int) -> None:
    with pytest.raises(Malformed, match=f"claims a header of {length:,} bytes"):
        decode_pack(KEY, bytes(100) + struct.pack("<I", length))


def test_data_that_does_not_shrink_is_stored_as_it_is_but_trees_never() -> None:
    noise = hashlib.sha512(b"").digest()
    assert seal_blob(KEY, BlobKind.DATA, noise).plain_length is None
    assert seal_blob(KEY, BlobKind.TREE, noise).plain_length == len(noise)
    assert seal_blob(KEY, BlobKind.TREE, b"").plain_length is None


def test_a_blob_that_changes_while_it_is_sealed_is_not_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = KEY.seal
    monkeypatch.setattr(KEY, "seal", lambda plain: honest(bytes(len(plain))))
    with pytest.raises(RepositoryError, match="changed between being sealed and being checked"):
        seal_blob(KEY, BlobKind.DATA, b"important")


def test_a_blob_under_a_wrong_name_is_refused() -> None:
    pack = build_pack(BlobKind.DATA, [b"one", b"two"])
    one, two = pack.content.blobs
    with pytest.raises(Malformed, match="hash"):
        open_blob(KEY, one, pack.data[two.offset : two.offset + two.length])


@given(st.dictionaries(IDS, CONTENTS, max_size=3))
def test_an_index_comes_back(packs: dict[str, list[bytes]]) -> None:
    contents = [PackContent(PackId(pack), build_pack(BlobKind.TREE, blobs).content.blobs) for pack, blobs in packs.items()]
    assert decode_index(encode_index(contents)) == contents


@given(st.dictionaries(st.sampled_from(["packs", "supersedes"]), JSON))
def test_any_json_as_an_index_is_read_or_refused(content: dict[str, t.Any]) -> None:
    with contextlib.suppress(Malformed):
        decode_index(content)


@given(
    st.fixed_dictionaries(
        {
            "id": JSON | IDS,
            "type": JSON | st.sampled_from(["data", "tree"]),
            "offset": JSON | st.integers(),
            "length": JSON | st.integers(),
        },
        optional={"uncompressed_length": JSON | st.integers()},
    )
)
def test_any_blob_in_an_index_is_possible_or_refused(blob: dict[str, t.Any]) -> None:
    try:
        (pack,) = decode_index({"packs": [{"id": "ab" * 32, "blobs": [blob]}]})
    except Malformed:
        return
    index = BlobIndex()
    index.add_file(IndexId("ab" * 32), [pack], are_stored=True)
    assert index.find(pack.blobs[0].kind, pack.blobs[0].id) == BlobPlace(pack.id, pack.blobs[0])


@given(KINDS, IDS, st.integers(0, (1 << 32) - 1), st.integers(32, (1 << 32) - 1), st.none() | st.integers(0, (1 << 31)))
def test_the_index_keeps_every_number(kind: BlobKind, name: str, offset: int, length: int, plain_length: int | None) -> None:
    index = BlobIndex()
    blob = PackedBlob(kind, BlobId(name), offset, length, plain_length)
    index.add_file(IndexId("ab" * 32), [PackContent(PackId("cd" * 32), (blob,))], are_stored=True)
    assert index.find(kind, blob.id) == BlobPlace(PackId("cd" * 32), blob)
    assert index.has(kind, blob.id)
    assert len(index) == 1


@given(st.lists(NODES, max_size=6, unique_by=lambda node: node.name))
def test_a_tree_comes_back_sorted_by_the_bytes_of_its_names(nodes: list[Node]) -> None:
    assert decode_tree(encode_tree(nodes)) == tuple(sorted(nodes, key=lambda node: node.name.encode()))


@given(st.lists(NODES, max_size=6, unique_by=lambda node: node.name), st.randoms())
def test_the_order_of_entries_does_not_change_a_tree(nodes: list[Node], chance: t.Any) -> None:
    shuffled = list(nodes)
    chance.shuffle(shuffled)
    assert encode_tree(shuffled) == encode_tree(nodes)


@pytest.mark.parametrize("count", [511, 512, 513, 1500])
def test_a_directory_of_many_entries_is_written_and_read_as_if_it_were_one_value(count: int) -> None:
    nodes = [Node(f"{number:04} <&> \u2028", NodeKind.FILE, NOON, number, (BlobId("ab" * 32),)) for number in range(count)]
    encoded = encode_tree(nodes)
    one_by_one = [json.loads(encode_tree([node]))["nodes"][0] for node in nodes]
    assert encoded == dump_json({"nodes": one_by_one}) + b"\n"
    for spelled in (json.dumps({"nodes": one_by_one}), json.dumps({"more": 1, "nodes": one_by_one}, indent=1), encoded[:-1].decode()):
        assert decode_tree(spelled.encode()) == decode_tree(encoded) == tuple(nodes)


@pytest.mark.parametrize(
    "cut", [b"", b"{", b'{"nodes":[', b'{"nodes":[]', b'{"nodes":[]}}', b'{"nodes":[{}]', b'{"nodes":[[]]}\n', b'{"nodes":[1,]}\n']
)
def test_what_only_begins_like_a_directory_is_refused(cut: bytes) -> None:
    with pytest.raises(Malformed):
        decode_tree(cut)


def test_a_tree_has_exactly_the_bytes_that_restic_would_write() -> None:
    nodes = [
        Node("mail & more", NodeKind.DIRECTORY, NOON, subtree=TreeId("cd" * 32)),
        Node("a\u200b.eml", NodeKind.FILE, NOON.replace(microsecond=500000), 7, (BlobId("ab" * 32),)),
        Node("empty", NodeKind.FILE, NOON),
    ]
    moment = '"mtime":"{0}","atime":"{0}","ctime":"{0}","uid":0,"gid":0'
    half, whole = moment.format("2026-11-23T12:00:00.5Z"), moment.format("2026-11-23T12:00:00Z")
    expected = (
        '{"nodes":['
        '{"name":"a\\\\u200b.eml","type":"file","mode":384,' + half + ',"size":7,"content":["' + "ab" * 32 + '"]},'
        '{"name":"empty","type":"file","mode":384,' + whole + ',"content":[]},'
        '{"name":"mail \\u0026 more","type":"dir","mode":2147484096,' + whole + ',"content":null,"subtree":"' + "cd" * 32 + '"}'
        "]}\n"
    )
    assert encode_tree(nodes) == expected.encode()


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\0b", "\ud800"])
def test_a_name_that_no_directory_can_hold_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"name|surrogates"):
        encode_tree([Node(name, NodeKind.FILE, NOON)])


def test_the_same_name_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        encode_tree([Node("a", NodeKind.FILE, NOON), Node("a", NodeKind.DIRECTORY, NOON, subtree=TreeId("cd" * 32))])


@pytest.mark.parametrize(
    "entry",
    [
        {"name": "../x"},
        {"name": ".."},
        {"name": "\\x2e\\x2e"},
        {"name": "a\\x00"},
        {"type": "unknown"},
        {"mtime": "yesterday"},
        {"content": ["zz"]},
        {"size": -1},
        {"size": "7"},
        {"type": "dir"},
        {"type": "dir", "subtree": "AB" * 32},
    ],
)
def test_an_entry_that_could_do_harm_is_refused(entry: dict[str, t.Any]) -> None:
    good = {"name": "a", "type": "file", "mtime": "2026-11-23T12:00:00Z", "content": []}
    assert decode_tree(dump_json({"nodes": [good]}))
    with pytest.raises(Malformed):
        decode_tree(dump_json({"nodes": [good | entry]}))


@given(JSON)
def test_any_json_as_a_tree_is_read_or_refused(value: t.Any) -> None:
    for content in (value, {"nodes": value}, {"nodes": [value]}):
        with contextlib.suppress(Malformed):
            decode_tree(dump_json(content))


def test_links_of_restic_are_read_as_something_else() -> None:
    data = b'{"nodes":[{"name":"l","type":"symlink","mode":134218239,"mtime":"2026-11-23T12:00:00Z","linktarget":"x","content":null}]}\n'
    (node,) = decode_tree(data)
    assert node.kind is NodeKind.OTHER
    with pytest.raises(ValueError, match="neither"):
        encode_tree([node])


@given(IDS, MOMENTS, st.text(max_size=5), st.lists(st.text(max_size=5), max_size=3), st.none() | IDS)
def test_a_snapshot_comes_back(tree: str, time: datetime, hostname: str, texts: list[str], parent: str | None) -> None:
    parent_id = None if parent is None else SnapshotId(parent)
    content = encode_snapshot(TreeId(tree), time=time, hostname=hostname, paths=texts, tags=texts, parent=parent_id)
    snapshot = decode_snapshot(SnapshotId("s"), content)
    assert (snapshot.tree, snapshot.time, snapshot.hostname, snapshot.paths, snapshot.tags, snapshot.parent) == (
        tree,
        time,
        hostname,
        tuple(texts),
        tuple(texts),
        parent_id,
    )


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(("time", "tree", "paths", "tags", "hostname", "parent"), JSON)))
def test_any_json_as_a_snapshot_is_read_or_refused(content: dict[str, t.Any]) -> None:
    with contextlib.suppress(Malformed):
        decode_snapshot(SnapshotId("s"), content)
