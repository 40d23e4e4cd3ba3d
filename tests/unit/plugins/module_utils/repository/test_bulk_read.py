# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading many files at once gives what reading each of them gives, with fewer requests."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository import bulk_read
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.blobs import PackedBlob
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.bulk_read import read_many, spans
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.pieces import PIECE_SIZE
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage import FileKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.trees import walk
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import BlobId, BlobKind, Node, Path
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import (
    MemoryStorage,
    Place,
    RecordingStorage,
    back_up,
    new_place,
)

LARGE = random.Random(1).randbytes(2 * PIECE_SIZE + 5)
FILES: dict[Path, bytes] = {
    ("a", "large"): LARGE,
    ("a", "the same again"): LARGE,
    ("b", "empty"): b"",
    **{("c", f"{number:03}"): f"message {number} ".encode() * 50 for number in range(40)},
}


def nodes_of(place: Place, files: dict[Path, bytes]) -> list[tuple[Path, Node]]:
    snapshot = back_up(place.repository, files)
    return [(path, node) for path, node in walk(place.repository, snapshot.tree) if node.subtree is None]


def put_together(place: Place, wanted: list[tuple[Path, Node]]) -> tuple[dict[Path, bytes], set[Path]]:
    """The contents of files, and those that are damaged."""
    contents = {path: bytearray(node.size) for path, node in wanted}
    damaged: set[Path] = set()
    for path, offset, content in read_many(place.repository, wanted, lambda path, damage: damaged.add(path)):
        contents[path][offset : offset + len(content)] = content
    return {path: bytes(content) for path, content in contents.items() if path not in damaged}, damaged


@pytest.mark.parametrize("files_at_once", [2_000, 3])
def test_every_file_is_put_together_from_its_pieces(monkeypatch: pytest.MonkeyPatch, files_at_once: int) -> None:
    monkeypatch.setattr(bulk_read, "_FILES_AT_ONCE", files_at_once)
    place = new_place()
    assert put_together(place, nodes_of(place, FILES)) == (FILES, set())


def test_neighbours_are_read_in_one_request() -> None:
    storage = RecordingStorage()
    place = new_place(storage)
    wanted = nodes_of(place, {("c", f"{number:03}"): bytes([number]) * 500 for number in range(100)})
    storage.reads.clear()
    put_together(place, wanted)
    assert [kind for kind, _name in storage.reads] == [FileKind.DATA]


@pytest.mark.parametrize("is_lost", [True, False])
def test_a_damaged_pack_costs_the_files_in_it_and_no_other(is_lost: bool) -> None:
    storage = MemoryStorage()
    place = new_place(storage)
    spared = nodes_of(place, {("x",): b"spared" * 9})
    packs = {key for key in storage.files if key[0] is FileKind.DATA}
    wanted = nodes_of(place, {("y",): LARGE, ("z",): b"z" * 99})
    for key in [key for key in storage.files if key[0] is FileKind.DATA and key not in packs]:
        data = storage.files.pop(key)
        if not is_lost:
            storage.files[key] = bytes(len(data))
    assert put_together(place, [*wanted, *spared]) == ({("x",): b"spared" * 9}, {("y",), ("z",)})


def test_a_file_with_a_blob_that_is_nowhere_is_damaged() -> None:
    place = new_place()
    ((path, node),) = nodes_of(place, {("x",): b"x"})
    stranger = Node("y", node.kind, node.modified, 9, (BlobId("0" * 64), *node.content))
    assert put_together(place, [(path, node), (("y",), stranger)]) == ({path: b"x"}, {("y",)})


def test_a_second_copy_serves_where_the_first_is_damaged() -> None:
    storage = MemoryStorage()
    place = new_place(storage)
    wanted = nodes_of(place, {("x",): b"x" * 99})
    twin = place.reopen()
    lost = {key: storage.files.pop(key) for key in list(storage.files) if key[0] is FileKind.INDEX}
    assert back_up(twin, {("x",): b"x" * 99})
    first = next(key for key in storage.files if key[0] is FileKind.DATA)
    storage.files |= {**lost, first: bytes(len(storage.files[first]))}
    opened = Place(storage, place.reopen(), place.clock)
    assert put_together(opened, wanted) == ({("x",): b"x" * 99}, set())


@given(st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(32, 1 << 23), st.one_of(st.none(), st.integers(1, 1 << 26)))))
def test_spans_keep_every_blob_in_its_order_and_stay_small(lengths: list[tuple[int, int, int | None]]) -> None:
    blobs, offset = [], 0
    for gap, length, plain in lengths:
        blobs.append(PackedBlob(BlobKind.DATA, BlobId("0" * 64), offset + gap, length, plain))
        offset += gap + length
    found = list(spans(blobs))
    assert [blob for span in found for blob in span] == blobs
    for span in found:
        end = span[-1].offset + span[-1].length
        assert len(span) == 1 or end - span[0].offset <= bulk_read._SPAN
