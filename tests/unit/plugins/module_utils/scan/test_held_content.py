# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Contents that are kept while they pass by."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.held_content import HeldContent
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.scanner import ScannerDown


@given(st.lists(st.binary(max_size=50), max_size=8), st.integers(0, 120))
def test_what_passes_is_what_is_kept_in_memory_or_in_a_file(chunks: list[bytes], memory: int) -> None:
    with HeldContent(1000, memory) as held:
        assert list(held.watch(chunks)) == chunks
        assert held.size == len(b"".join(chunks))
        assert [b"".join(held.chunks()) for _time in range(2)] == [b"".join(chunks)] * 2


def test_nothing_is_kept_of_what_is_too_large_but_all_of_it_passes() -> None:
    with HeldContent(100, 10) as held:
        passed = b"".join(held.watch([b"x" * 60, b"y" * 60, b"z" * 60]))
        assert (len(passed), held.size, held.is_too_large) == (180, 180, True)
        with pytest.raises(ScannerDown):
            list(held.chunks())


def test_content_of_exactly_the_limit_is_scanned() -> None:
    with HeldContent(100, 10) as held:
        list(held.watch([b"x" * 100]))
        assert (held.is_too_large, b"".join(held.chunks())) == (False, b"x" * 100)


def test_inv11_a_temporary_folder_that_fails_stops_no_backup_and_makes_nothing_clean(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with HeldContent(1000, 10) as held:
        assert b"".join(held.watch([b"x" * 8, b"y" * 8, b"z" * 8])) == b"x" * 8 + b"y" * 8 + b"z" * 8
        assert not held.is_too_large
        with pytest.raises(ScannerDown) as caught:
            list(held.chunks())
    assert "gone" in caught.value.what
    assert "TMPDIR" in caught.value.hint
