# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import concurrent.futures
import errno
import fcntl
import mmap
import os
import pathlib
import random

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.direct_io import read_range, write_all

LARGE = (1 << 20) + 4096


def pages(size: int) -> memoryview:
    """Memory as packs have it: at the beginning of a page."""
    memory = mmap.mmap(-1, size + 1)
    memory[:size] = (b"0123456789abcdef" * (size // 16 + 1))[:size]
    return memoryview(memory)[:size]


@pytest.fixture(scope="module")
def large_file(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    path = tmp_path_factory.mktemp("direct") / "file"
    path.write_bytes(random.Random(7).randbytes((18 << 20) + 4321))
    return path


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


def read(path: pathlib.Path, offset: int, length: int, *, is_pack: bool = True) -> bytes:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return read_range(descriptor, offset, length, is_pack=is_pack)
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("offset", [0, 1, 4095, 4096, 4097, LARGE])
@pytest.mark.parametrize("length", [0, 1, LARGE - 4097, LARGE, LARGE + 1, (8 << 20) + 4095, (8 << 20) + 4097, 17 << 20, 100 << 20])
def test_every_range_is_read_as_it_lies_in_the_file(large_file: pathlib.Path, offset: int, length: int) -> None:
    assert read(large_file, offset, length) == large_file.read_bytes()[offset : offset + length]


@pytest.mark.parametrize("size", [0, 1, 4095, 4096, LARGE, LARGE + 1])
def test_a_range_beyond_the_end_is_what_there_is(tmp_path: pathlib.Path, size: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(pages(size))
    for offset in (0, 1, max(size - 1, 0), size, size + 1, size + 4096):
        assert read(path, offset, 2 * LARGE) == path.read_bytes()[offset:]


def test_files_that_are_no_packs_are_read_by_way_of_the_memory(large_file: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "preadv")
    assert read(large_file, 5, 100 << 20, is_pack=False) == large_file.read_bytes()[5:]


def test_what_is_read_does_not_change_with_the_next_read(large_file: pathlib.Path) -> None:
    first = read(large_file, 0, LARGE)
    second = read(large_file, 3, LARGE)
    assert (first, second) == (large_file.read_bytes()[:LARGE], large_file.read_bytes()[3 : LARGE + 3])


def test_threads_that_read_at_once_get_each_their_own(large_file: pathlib.Path) -> None:
    content = large_file.read_bytes()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        reads = [(number, pool.submit(read, large_file, number, LARGE)) for number in range(64)]
        assert all(one.result() == content[number : number + LARGE] for number, one in reads)


def test_a_file_system_that_takes_the_flag_and_refuses_the_read_is_read_the_usual_way(
    large_file: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = []

    def preadv(descriptor: int, buffers: list[memoryview], offset: int) -> int:
        refused.append(offset)
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "preadv", preadv)
    assert read(large_file, 5, LARGE) == large_file.read_bytes()[5 : LARGE + 5]
    assert refused in ([], [0])


def test_a_disk_that_reports_an_error_is_not_read_another_way(large_file: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def fail(descriptor: int, wanted: object, offset: int) -> int:
        asked.append(offset)
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "preadv", fail)
    monkeypatch.setattr(os, "pread", fail)
    with pytest.raises(OSError, match="Input/output error"):
        read(large_file, 0, LARGE)
    assert asked == [0]


def test_a_read_that_is_cut_short_goes_on_where_it_ended(large_file: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.preadv

    def preadv(descriptor: int, buffers: list[memoryview], offset: int) -> int:
        return real(descriptor, [buffers[0][: 64 << 10]], offset)

    monkeypatch.setattr(os, "preadv", preadv)
    assert read(large_file, 7, LARGE) == large_file.read_bytes()[7 : LARGE + 7]
