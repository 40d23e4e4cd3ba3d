# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The bytes of files and their hash, wherever they come from (facts A9)."""

from __future__ import annotations

import base64
import itertools
import random
import tempfile
from pathlib import Path

import hypothesis
import pytest
from hypothesis import strategies

from tenant.drive_content import Content, FileContent, GeneratedContent, MemoryContent, SplicedContent, Spool
from tenant.drive_hash import QuickXor, quick_xor
from tenant.drive_ids import DriveIds


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "AAAAAAAAAAAAAAAAAAAAAAAAAAA="),
        (b"\x4a", "SgAAAAAAAAAAAAAAAQAAAAAAAAA="),
        (b"hello world", "aCgDG9jwBhDc4Q1yawMZAAAAAAA="),
    ],
)
def test_the_hash_is_the_published_one(data: bytes, told: str) -> None:
    assert quick_xor(data) == told


def slow_quick_xor(data: bytes) -> bytes:
    """Straight from the description: byte by byte into a ring of 160 bits."""
    ring = 0
    for number, byte in enumerate(data):
        for bit in range(8):
            ring ^= (byte >> bit & 1) << (11 * number + bit) % 160
    return (ring ^ len(data) << 96).to_bytes(20, "little")


@hypothesis.given(strategies.binary(max_size=700), strategies.lists(strategies.integers(0, 700), max_size=4))
def test_the_hash_is_that_of_its_description_in_whatever_pieces_the_bytes_come(data: bytes, cuts: list[int]) -> None:
    state = QuickXor()
    places = [0, *sorted(cuts), len(data)]
    for start, end in itertools.pairwise(places):
        state.update(data[start:end] if start < len(data) else b"")
    assert state.digest() == slow_quick_xor(data)


def contents(folder: Path, spool: Spool) -> list[Content]:
    """One of each kind, all of 100,000 bytes."""
    data = random.Random(7).randbytes(100_000)
    path = folder / "file"
    path.write_bytes(data)
    made = GeneratedContent(5, 90_000)
    return [
        MemoryContent(data),
        FileContent(str(path), len(data)),
        GeneratedContent(3, 100_000),
        SplicedContent([(made, 0, 50_000), (MemoryContent(b"x" * 10_100), 0, 10_100), (made, 50_100, 90_000)]),
        spool.keep(b"little" + data[6:]),
    ]


@hypothesis.given(strategies.integers(0, 100_000), strategies.integers(0, 100_000))
@hypothesis.settings(max_examples=40)
def test_every_content_can_be_read_from_any_place(start: int, end: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        spool = Spool()
        for content in contents(Path(folder), spool):
            whole = b"".join(content.chunks())
            assert len(whole) == content.size == 100_000
            assert b"".join(content.chunks(start, end)) == whole[start:end]
            assert base64.b64encode(content.quick_xor()).decode() == quick_xor(whole)


def test_generated_files_differ_by_their_seed() -> None:
    assert GeneratedContent(1, 1000).read(0, 1000) != GeneratedContent(2, 1000).read(0, 1000)
    assert GeneratedContent(1, 1000).read(0, 1000) == GeneratedContent(1, 5000).read(0, 1000)


def test_what_is_spooled_leaves_the_disk_with_its_last_holder() -> None:
    spool = Spool()
    growing = spool.open()
    folder = Path(spool.open()._path).parent
    growing.append(b"one ")
    growing.append(b"two")
    content = growing.finish()
    assert (content.read(0, 7), len(list(folder.iterdir()))) == (b"one two", 2)
    del content
    assert len(list(folder.iterdir())) == 1


@hypothesis.given(strategies.integers(0, 2**48), strategies.text(alphabet="ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", min_size=26, max_size=26))
def test_ids_lead_back_to_their_items_and_to_no_others(number: int, other: str) -> None:
    ids, strange = DriveIds("one", "OneDrive"), DriveIds("two", "OneDrive")
    text = ids.item(number)
    assert (ids.read_item(text), strange.read_item(text), ids.read_item(text.lower()), len(text)) == (number, None, None, 34)
    assert ids.read_item(text[:8] + other) is None or text[8:] == other
