# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import random
import typing as t

import pyfastcdc
import pyfastcdc.py
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils import _deps
from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import MissingLibraryError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.crypto import KeyMaterial
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.pieces import (
    PIECE_SIZE,
    Cutter,
    cut_pieces,
    keyed_cutter,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import BlobKind
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import (
    MemoryStorage,
    Place,
    new_place,
)

MIB = 1 << 20
SECRET = b"of this repository" * 2
CONTENT = random.Random(1).randbytes(14 * MIB)
ZEROS = bytes(9 * MIB)


@pytest.fixture
def place() -> Place:
    return new_place(MemoryStorage())


def cutter(secret: bytes = SECRET) -> Cutter:
    found = keyed_cutter(secret)
    assert found is not None, "the library of the requirements has no longer what is asked of it"
    return found


def nothing_is_stored(_data: memoryview) -> bool:
    return False


def cut(
    content: bytes, *, chunk: int = 64 << 10, cutter: Cutter | None, is_stored: t.Callable[[memoryview], bool] = nothing_is_stored
) -> list[bytes]:
    chunks = (content[start : start + chunk] for start in range(0, len(content), chunk))
    return list(cut_pieces(chunks, lambda: cutter, is_stored))


def without_library(patch: pytest.MonkeyPatch) -> None:
    """As on a machine where nobody has installed it."""

    class Missing:
        @property
        def FastCDC(self) -> t.Any:  # noqa: N802
            raise MissingLibraryError(["pyfastcdc"], "")

    patch.setattr(_deps, "pyfastcdc", Missing(), raising=False)


@settings(max_examples=15)
@given(
    content=st.integers(0, 14 * MIB).map(lambda size: CONTENT[:size]) | st.integers(0, 9 * MIB).map(lambda size: ZEROS[:size]),
    chunk=st.sampled_from([64 << 10, 1_000_003, 3 * MIB, 20 * MIB]),
    is_keyed=st.booleans(),
)
def test_pieces_put_together_are_the_content_and_none_is_too_large_or_too_small(content: bytes, chunk: int, is_keyed: bool) -> None:
    pieces = cut(content, chunk=chunk, cutter=cutter() if is_keyed else None)
    assert b"".join(pieces) == content
    assert pieces == cut(content, chunk=PIECE_SIZE, cutter=cutter() if is_keyed else None)
    assert all(MIB // 2 <= len(piece) <= PIECE_SIZE for piece in pieces[:-1])
    assert all(pieces)
    assert len(content) > PIECE_SIZE or len(pieces) <= 1


@pytest.mark.parametrize("size", [PIECE_SIZE, PIECE_SIZE + 1, 2 * PIECE_SIZE, 2 * PIECE_SIZE + 5])
def test_without_a_cutter_pieces_have_a_fixed_size(size: int) -> None:
    assert cut(CONTENT[:size], cutter=None) == [CONTENT[start : min(size, start + PIECE_SIZE)] for start in range(0, size, PIECE_SIZE)]


@pytest.mark.parametrize(("inserted", "removed"), [(b"inserted", 0), (b"", 100_000), (b"o" * 1_000_000, 1_000_000)])
def test_a_change_in_the_middle_leaves_most_pieces_as_they_were(inserted: bytes, removed: int) -> None:
    before = set(cut(CONTENT, cutter=cutter()))
    new = []
    for place in range(MIB // 2, 10 * MIB, MIB):
        after = cut(CONTENT[:place] + inserted + CONTENT[place + removed :], cutter=cutter())
        new.append(sum(len(piece) for piece in after if piece not in before))
    assert sum(new) / len(new) < 6 * MIB


def test_other_secrets_cut_elsewhere_and_the_same_secret_cuts_the_same() -> None:
    sizes = [[len(piece) for piece in cut(CONTENT, cutter=cutter(secret))] for secret in (SECRET, bytes(32), b"\xff" * 32, SECRET)]
    assert sizes[0] == sizes[3]
    assert len({size for some in sizes[:3] for size in some[:-1]}) == sum(len(some) - 1 for some in sizes[:3])


def test_the_cuts_are_those_that_repositories_hold_pieces_of() -> None:
    sizes = [len(piece) for piece in cut(CONTENT, cutter=cutter())]
    assert sizes == [2671651, 2827077, 1915095, 2168678, 2170201, 2306294, 621068]


def test_what_was_stored_in_pieces_of_a_fixed_size_goes_on_as_far_as_it_is_the_same() -> None:
    old = {hashlib.sha256(piece).digest() for piece in cut(CONTENT, cutter=None)}

    def is_stored(data: memoryview) -> bool:
        return hashlib.sha256(data).digest() in old

    assert cut(CONTENT, cutter=cutter(), is_stored=is_stored) == cut(CONTENT, cutter=None)
    changed = CONTENT[: 13 * MIB] + b"inserted" + CONTENT[13 * MIB :]
    pieces = cut(changed, cutter=cutter(), is_stored=is_stored)
    assert pieces == cut(CONTENT[: 12 * MIB], cutter=None) + cut(changed[12 * MIB :], cutter=cutter())


@pytest.mark.parametrize("has_library", [True, False])
def test_a_large_file_of_which_a_little_was_inserted_stores_little_where_the_library_is(
    monkeypatch: pytest.MonkeyPatch, has_library: bool
) -> None:
    monkeypatch.setattr(KeyMaterial, "random", classmethod(lambda cls: cls.from_bytes(bytes(range(64)))))
    place = new_place(MemoryStorage())
    if not has_library:
        without_library(monkeypatch)
    with place.repository.writing() as writer:
        writer.save_file([CONTENT])
        changed = CONTENT[:MIB] + b"inserted" + CONTENT[MIB:]
        again = writer.save_file([changed])
        assert b"".join(writer.read_blob(BlobKind.DATA, blob) for blob in again.content) == changed
    assert (again.stored_bytes < 8 * MIB) is has_library


def test_what_one_host_has_stored_without_the_library_another_with_it_stores_no_more(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch, place.repository.writing() as writer:
        without_library(patch)
        first = writer.save_file([CONTENT])
    with place.reopen().writing() as writer:
        assert writer.save_file([CONTENT]).content == first.content
        appended = writer.save_file([CONTENT, b"more" * MIB])
    assert not appended.stored_bytes > 2 * PIECE_SIZE


def test_each_repository_cuts_in_its_own_way_and_always_the_same(place: Place) -> None:
    saved = []
    for one in (place, new_place(MemoryStorage())):
        with one.repository.writing() as writer:
            saved.append(writer.save_file([CONTENT]))
        with one.reopen().writing() as writer:
            assert not writer.save_file([CONTENT]).is_new
    assert not set(saved[0].content) & set(saved[1].content)


def test_the_version_of_the_library_in_python_is_too_slow_to_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pyfastcdc, "FastCDC", pyfastcdc.py.FastCDC)
    assert keyed_cutter(SECRET) is None


def test_the_secret_for_cutting_is_none_of_the_keys(place: Place) -> None:
    derived = place.repository.files.key.derive(b"one purpose")
    assert len(derived) == 32
    assert derived != place.repository.files.key.derive(b"another purpose")
    assert derived == place.reopen().files.key.derive(b"one purpose")
