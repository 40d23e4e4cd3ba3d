# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Zip files that Python and 7-Zip read, with sizes in 32 and in 64 bits, encrypted, and with entries that are taken back."""

from __future__ import annotations

import hashlib
import io
import shutil
import subprocess
import tempfile
import typing as t
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.zip_stream import ZipStream

NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\x00/\\"), min_size=1, max_size=40)
TIMES = st.floats(-1e9, 2e11)


class Buffer(io.BytesIO):
    def truncate(self, size: int | None = None, /) -> int:
        self.seek(size or 0)
        return super().truncate(size)


def zipped(entries: t.Mapping[str, tuple[float, list[bytes]]], is_large_from: int | None = None) -> bytes:
    output = Buffer()
    archive = ZipStream(output, Path(tempfile.gettempdir()), **({} if is_large_from is None else {"is_large_from": is_large_from}))
    for name, (modified, chunks) in entries.items():
        assert archive.add(name, modified, sum(map(len, chunks)), chunks) == sum(map(len, chunks))
    archive.close(lambda digest: digest.encode())
    return output.getvalue()


@given(
    entries=st.dictionaries(NAMES, st.tuples(TIMES, st.lists(st.binary(max_size=300), max_size=3)), max_size=5),
    is_large_from=st.sampled_from([None, 0, 1, 100, 400]),
)
def test_python_reads_what_was_put_in(entries: dict[str, tuple[float, list[bytes]]], is_large_from: int | None) -> None:
    content = zipped(entries, is_large_from)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        contents = {name: b"".join(chunks) for name, (_time, chunks) in entries.items()}
        assert {name: archive.read(name) for name in archive.namelist()} == contents
        assert archive.comment == hashlib.sha256(content[: -22 - 64]).hexdigest().encode()


def test_an_entry_whose_content_fails_was_never_there() -> None:
    def failing() -> t.Iterator[bytes]:
        yield b"x" * 100_000
        raise ValueError("broken")

    output = Buffer()
    archive = ZipStream(output, Path(tempfile.gettempdir()))
    archive.add("first", 0, 1, [b"1"])
    with pytest.raises(ValueError, match="broken"):
        archive.add("broken", 0, 100_000, failing())
    archive.add("second", 0, 1, [b"2"])
    archive.close(lambda digest: digest.encode())
    with zipfile.ZipFile(output) as read:
        assert read.testzip() is None
        assert read.namelist() == ["first", "second"]
        assert read.comment == hashlib.sha256(output.getvalue()[:-86]).hexdigest().encode()


def test_more_entries_than_16_bits_count() -> None:
    entries = {f"{number}": (0.0, [b""]) for number in range(66_000)}
    with zipfile.ZipFile(io.BytesIO(zipped(entries))) as archive:
        assert len(archive.namelist()) == 66_000


@pytest.mark.skipif(shutil.which("7zz") is None, reason="7-Zip is not installed")
@pytest.mark.parametrize("is_large_from", [None, 0])
def test_7zip_reads_what_is_encrypted_with_the_password_alone(is_large_from: int | None, tmp_path: Path) -> None:
    # More than one piece of the key stream, and chunks that end amidst a block of it.
    large = hashlib.shake_256(b"x").digest(700_001)
    entries = {"a/plain.txt": [b"hello"], "empty": [], "ü.bin": [large[:1], large[1:5_000], large[5_000:]]}
    with (tmp_path / "a.zip").open("wb+") as output:
        sizes = {} if is_large_from is None else {"is_large_from": is_large_from}
        archive = ZipStream(output, tmp_path, password="infected", **sizes)
        archive.add_folder("a", 0)
        for name, chunks in entries.items():
            archive.add(name, 1e9, sum(map(len, chunks)), chunks)
        archive.close(lambda digest: digest.encode())
    assert b"hello" not in (tmp_path / "a.zip").read_bytes()

    def unpacked(password: str) -> int:
        command = ["7zz", "x", "-y", f"-p{password}", f"-o{tmp_path / password}", str(tmp_path / "a.zip")]
        return subprocess.run(command, capture_output=True, check=False).returncode

    assert unpacked("infected") == 0
    assert {name: (tmp_path / "infected" / name).read_bytes() for name in entries} == {
        name: b"".join(chunks) for name, chunks in entries.items()
    }
    assert unpacked("guessed") != 0
    with zipfile.ZipFile(tmp_path / "a.zip") as read:
        assert {each.CRC for each in read.infolist()} == {0}
