# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import errno
import fcntl
import mmap
import os
import pathlib

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.direct_writing import write_all

LARGE = (1 << 20) + 4096


def pages(size: int) -> memoryview:
    """Memory as packs have it: at the beginning of a page."""
    memory = mmap.mmap(-1, size + 1)
    memory[:size] = (b"0123456789abcdef" * (size // 16 + 1))[:size]
    return memoryview(memory)[:size]


def written(path: pathlib.Path, data: bytes | memoryview) -> bytes:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
    try:
        write_all(descriptor, data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return path.read_bytes()


@pytest.mark.parametrize("size", [0, 1, 4096, LARGE - 1, LARGE, LARGE + 1, LARGE + 4095, 5 * LARGE + 17])
@pytest.mark.parametrize("offset", [0, 1, 512])
def test_every_byte_arrives_whatever_the_size_and_the_place_in_memory(tmp_path: pathlib.Path, size: int, offset: int) -> None:
    data = pages(size + offset)[offset:]
    assert written(tmp_path / "file", data) == bytes(data)


def test_bytes_go_as_well_as_pages(tmp_path: pathlib.Path) -> None:
    data = bytes(pages(LARGE + 9))
    assert written(tmp_path / "file", data) == data


def test_a_file_system_in_memory_takes_them_too() -> None:
    memory = pathlib.Path("/dev/shm")
    if not memory.is_dir():
        pytest.skip("no file system in memory here")
    path = memory / f"m365-backup-{os.getpid()}"
    try:
        assert written(path, pages(LARGE + 9)) == bytes(pages(LARGE + 9))
    finally:
        path.unlink()


def test_a_file_system_that_takes_the_flag_and_refuses_the_write_gets_it_the_usual_way(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, refused = os.write, []

    def write(descriptor: int, data: memoryview) -> int:
        if fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_DIRECT:
            refused.append(len(data))
            raise OSError(errno.EINVAL, "Invalid argument")
        return real(descriptor, data)

    monkeypatch.setattr(os, "write", write)
    data = pages(LARGE + 9)
    assert written(tmp_path / "file", data) == bytes(data)
    assert refused in ([], [LARGE])


def test_a_write_that_is_cut_short_goes_on_where_it_ended(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write

    def write(descriptor: int, data: memoryview) -> int:
        return real(descriptor, data[: 4096 * 3]) if len(data) > LARGE // 2 else real(descriptor, data[:1000])

    monkeypatch.setattr(os, "write", write)
    data = pages(LARGE + 9)
    assert written(tmp_path / "file", data) == bytes(data)


def test_a_full_disk_is_told(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(descriptor: int, data: memoryview) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", write)
    with pytest.raises(OSError, match="No space left"):
        written(tmp_path / "file", pages(LARGE))
