# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bodies, small and large."""

from __future__ import annotations

import os
import tempfile
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph import bodies
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.bodies import collect
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.errors import TemporaryStorageFailed


@pytest.fixture
def _small_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "MEMORY_LIMIT", 100)


@given(st.lists(st.binary(min_size=1, max_size=60), max_size=8), st.integers(1, 50))
def test_a_body_gives_back_what_came_in_and_again(pieces: list[bytes], size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bodies, "MEMORY_LIMIT", 100)
        with collect(iter(pieces)) as body:
            whole = b"".join(pieces)
            assert body.size == len(whole)
            assert body.bytes == (whole if len(whole) <= 100 else None)
            for _unused in range(2):
                chunks = list(body.chunks(size))
                assert b"".join(chunks) == whole
                assert all(0 < len(chunk) <= size for chunk in chunks)


def test_a_body_in_one_piece_is_not_copied() -> None:
    piece = b"x" * 1000
    assert collect(iter([piece])).bytes is piece


@pytest.mark.usefixtures("_small_limit")
def test_a_large_body_leaves_no_name_behind(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with collect(iter([b"x" * 80, b"y" * 80])) as body:
        assert body.bytes is None
        assert os.listdir(str(tmp_path)) == []


@pytest.mark.usefixtures("_small_limit")
def test_a_failure_in_the_middle_closes_the_file() -> None:
    def pieces() -> t.Iterator[bytes]:
        yield b"x" * 200
        raise ConnectionError

    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(ConnectionError):
        collect(pieces())
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.usefixtures("_small_limit")
def test_a_temporary_folder_that_takes_nothing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere/at/all")
    with pytest.raises(TemporaryStorageFailed, match="/nowhere/at/all") as caught:
        collect(iter([b"x" * 200]))
    assert "TMPDIR" in caught.value.hint
