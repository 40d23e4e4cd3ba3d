# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Archived items are recognised by what survives an import."""

from __future__ import annotations

import collections
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.archive_writer import folder_class
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.search_keys import CopyNumbers, search_key_of
from tenant.fts import SEARCH_KEY, MapiAttachment, MapiMessage, write_stream

keys = st.binary(min_size=16, max_size=16)


def pieces(stream: bytes, size: int) -> t.Iterator[bytes]:
    for start in range(0, len(stream), size):
        yield stream[start : start + size]


@given(key=keys, body=st.text(max_size=300), size=st.integers(1, 400))
def test_the_key_is_found_however_the_stream_is_cut(key: bytes, body: str, size: int) -> None:
    stream = write_stream(MapiMessage({0x1000001F: body, SEARCH_KEY: key, 0x0037001F: "x"}))
    assert search_key_of(pieces(stream, size)) == key


@given(key=keys, inner=keys)
def test_the_key_is_that_of_the_item_and_not_of_what_is_attached(key: bytes, inner: bytes) -> None:
    attached = MapiAttachment({}, embedded=MapiMessage({SEARCH_KEY: inner}))
    assert search_key_of([write_stream(MapiMessage({SEARCH_KEY: key}, attachments=[attached]))]) == key


@given(noise=st.binary(max_size=200))
def test_what_is_no_stream_has_no_key(noise: bytes) -> None:
    assert search_key_of([noise]) == b""


@given(found=st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from([b"k" * 16, b"l" * 16])), max_size=20))
def test_copies_are_numbered_by_place_and_key_and_keep_their_names(found: list[tuple[str, bytes]]) -> None:
    there, here = CopyNumbers(), CopyNumbers()
    names = [(place, there.next_name(place, key)) for place, key in found]
    items = [(place, here.name_of(place, f"item {number}", lambda key=key: key)) for number, (place, key) in enumerate(found)]
    assert collections.Counter(names) == collections.Counter(items)
    assert len(set(names)) == len(names)
    again = [(place, here.name_of(place, f"item {number}", lambda: b"")) for number, (place, _key) in enumerate(found)]
    assert again == items


def test_an_item_without_a_key_stands_for_itself() -> None:
    numbers = CopyNumbers()
    assert numbers.name_of("a", "item 1", lambda: b"") == "id item 1"


@pytest.mark.parametrize(
    ("item_class", "expected"),
    [
        ("IPM.Note", "IPF.Note"),
        ("", "IPF.Note"),
        ("IPM.Appointment.Live Meeting", "IPF.Appointment"),
        ("ipm.DistList", "IPF.Contact"),
        ("IPM.StickyNote", "IPF.StickyNote"),
        ("IPM.Custom.Thing", "IPF.Note"),
    ],
)
def test_a_folder_is_made_for_the_class_of_its_items(item_class: str, expected: str) -> None:
    assert folder_class(item_class) == expected
