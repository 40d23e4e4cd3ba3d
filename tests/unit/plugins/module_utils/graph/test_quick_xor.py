# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""quickXorHash: against published vectors, and against its definition, bit by bit."""

from __future__ import annotations

import base64
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.quick_xor import QuickXor, quick_xor

WINDOW = 160 * 64


def by_definition(content: bytes) -> str:
    """As OneDrive's page on the algorithm says it, a byte at a time."""
    ring = 0
    for number, byte in enumerate(content):
        place = 11 * number % 160
        ring ^= byte << place
        ring = (ring & ((1 << 160) - 1)) ^ (ring >> 160)
    ring ^= len(content) << 96
    return base64.b64encode(ring.to_bytes(20, "little")).decode()


@pytest.mark.parametrize(
    ("content", "known"),
    [
        (b"", "AAAAAAAAAAAAAAAAAAAAAAAAAAA="),
        (b"\x4a", "SgAAAAAAAAAAAAAAAQAAAAAAAAA="),
        (b"hello world", "aCgDG9jwBhDc4Q1yawMZAAAAAAA="),
    ],
)
def test_the_hash_of_published_vectors_is_the_published_one(content: bytes, known: str) -> None:
    assert quick_xor([content]) == known


@given(content=st.binary(max_size=700), cuts=st.lists(st.integers(0, 700), max_size=4))
def test_the_hash_is_the_one_of_the_definition_however_the_content_is_cut(content: bytes, cuts: list[int]) -> None:
    places = [0, *sorted(min(cut, len(content)) for cut in cuts), len(content)]
    assert quick_xor(content[start:end] for start, end in itertools.pairwise(places)) == by_definition(content)


@given(
    before=st.integers(WINDOW - 300, WINDOW + 300),
    after=st.sampled_from([0, 1, 159, 160, 161, WINDOW - 1, WINDOW, 2 * WINDOW + 7]),
    seed=st.binary(min_size=1, max_size=40),
)
def test_the_hash_is_the_one_of_the_definition_across_the_windows_that_are_read_at_once(before: int, after: int, seed: bytes) -> None:
    content = (seed * ((before + after) // len(seed) + 1))[: before + after]
    assert quick_xor([content[:before], content[before:]]) == by_definition(content)


def test_a_hash_can_be_asked_for_in_the_middle_and_goes_on() -> None:
    state = QuickXor().update(b"hello ")
    assert state.digest() == by_definition(b"hello ")
    assert state.update(memoryview(b"world")).digest() == by_definition(b"hello world")
