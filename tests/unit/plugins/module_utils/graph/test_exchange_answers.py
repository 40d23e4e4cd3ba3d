# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers to exports, read as they come: JSON and base64 in pieces of any size."""

from __future__ import annotations

import base64
import itertools
import json
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.exchange_base64 import NotBase64, decoded
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.exchange_json import BrokenJson, JsonPieces

Json = t.Any
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


def cut(content: bytes, places: t.Sequence[int]) -> t.Iterator[bytes]:
    """The content in pieces; some may be empty."""
    edges = [0, *sorted(place % (len(content) + 1) for place in places), len(content)]
    for start, end in itertools.pairwise(edges):
        yield content[start:end]


@given(document=VALUES, places=st.lists(st.integers(0, 10**6), max_size=12), indent=st.none() | st.just(2), is_ascii=st.booleans())
def test_a_value_is_the_same_in_whatever_pieces_it_comes(document: Json, places: list[int], indent: int | None, is_ascii: bool) -> None:
    content = json.dumps(document, indent=indent, ensure_ascii=is_ascii).encode("utf-8", "surrogatepass")
    source = JsonPieces(cut(content, places))
    assert source.value(limit=1 << 20) == document
    source.end()


@given(members=st.dictionaries(st.text(max_size=6), VALUES, max_size=5), places=st.lists(st.integers(0, 10**6), max_size=12))
def test_members_of_an_object_come_one_by_one(members: dict[str, Json], places: list[int]) -> None:
    source = JsonPieces(cut(json.dumps(members).encode(), places))
    assert [(key, source.value(limit=1 << 20)) for key in source.members()] == list(members.items())
    source.end()


@given(text=st.text(max_size=60), places=st.lists(st.integers(0, 10**6), max_size=12), is_ascii=st.booleans())
def test_a_string_passes_through_with_its_escapes_undone(text: str, places: list[int], is_ascii: bool) -> None:
    basic = "".join(char for char in text if ord(char) < 0x10000 and not 0xD800 <= ord(char) < 0xE000)
    source = JsonPieces(cut(json.dumps(basic, ensure_ascii=is_ascii).replace("/", "\\/").encode(), places))
    assert b"".join(source.string_pieces()).decode() == basic
    source.end()


@given(document=VALUES, places=st.lists(st.integers(0, 10**6), max_size=6), end=st.integers(0, 10**6))
def test_a_text_that_ends_early_is_never_taken_for_a_whole_one(document: Json, places: list[int], end: int) -> None:
    content = json.dumps({"value": [document]}).encode()
    source = JsonPieces(cut(content[: end % len(content)], places))
    with pytest.raises(BrokenJson):
        dict.fromkeys(str(source.value(limit=1 << 20)) for _key in source.members())


@given(content=st.binary(max_size=400))
def test_what_is_no_json_is_said_so_and_nothing_else_happens(content: bytes) -> None:
    source = JsonPieces(iter([content]))
    try:
        value = source.value(limit=1 << 20)
        source.end()
    except BrokenJson:
        return
    assert repr(json.loads(content, strict=False)) == repr(value)


def test_a_long_value_that_nobody_wants_is_passed_over() -> None:
    source = JsonPieces(cut(b'{"a":"' + b"x" * 5000 + b'","b":1}', range(0, 5000, 37)))
    assert [(key, source.value(limit=100)) for key in source.members()] == [("a", None), ("b", 1)]


@given(
    content=st.binary(max_size=300),
    places=st.lists(st.integers(0, 10**6), max_size=8),
    is_url_safe=st.booleans(),
    is_padded=st.booleans(),
    lines=st.booleans(),
)
def test_base64_is_the_same_bytes_in_whatever_pieces_it_comes(
    content: bytes, places: list[int], is_url_safe: bool, is_padded: bool, lines: bool
) -> None:
    text = base64.urlsafe_b64encode(content) if is_url_safe else base64.b64encode(content)
    text = text if is_padded else text.rstrip(b"=")
    text = b"\r\n".join(text[start : start + 76] for start in range(0, len(text), 76)) if lines else text
    assert b"".join(decoded(cut(text, places))) == content


@pytest.mark.parametrize("text", [b"A", b"AAAA*", b"AA=A", b"AAAA=", b"AAA===", b"QUJD\0", b"=", b"AA==AAAA", b'AAAA"'])
def test_what_is_no_base64_is_refused_and_never_skipped(text: bytes) -> None:
    for places in ((), range(len(text))):
        with pytest.raises(NotBase64):
            b"".join(decoded(cut(text, list(places))))
