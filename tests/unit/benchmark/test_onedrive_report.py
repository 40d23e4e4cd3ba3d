# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The OneDrive benchmark says what was measured and which bar was missed; its files are the same each time, in the mix's sizes."""

from __future__ import annotations

import dataclasses
import pathlib
import statistics

import pytest
from benchmark.figures import EngineRun, Usage
from benchmark.onedrive_data import plan_files, write_files
from benchmark.onedrive_figures import BoundResult, BoundRun, CopyResult, LargeResult, ScaleResult
from benchmark.onedrive_report import bound_lines, copy_lines, large_lines, misses, scale_lines

RUN = EngineRun(
    process=Usage(wall=10.0, cpu=6.0, peak=100 << 20),
    wall=8.0,
    cpu=4.0,
    tenant_cpu=5.0,
    others_cpu=0.5,
    messages=0,
    fetched_bytes=0,
    requests=1,
    written=0,
    outcome="complete",
    is_changed=False,
)
COPY = CopyResult(
    drives=1,
    files=5000,
    size=10**9,
    transfers=8,
    ours=[RUN],
    rclone=[Usage(wall=12.0, cpu=3.0, peak=1)],
    rclone_version="rclone v1.60.1",
)
BOUND = BoundResult(
    files=5000,
    units=1250,
    seconds=12.0,
    ours=BoundRun(units=5100, refused=0, wall=51.0),
    rclone=BoundRun(units=7000, refused=500, wall=80.0),
)
SCALE = ScaleResult(
    small_files=5000, files=200_000, below=50_000, small=RUN, first=RUN, unchanged=RUN, renamed=RUN, moved=RUN, drive_requests=(1, 1, 1)
)
LARGE = LargeResult(
    size=1 << 31,
    first=RUN,
    changed=RUN,
    inserted=RUN,
    changed_bytes=1000,
    restored=RUN.process,
    is_identical=True,
    is_checked_by_rclone=True,
)


def test_throughput_is_compared_round_by_round() -> None:
    slow = dataclasses.replace(RUN, process=Usage(wall=30.0, cpu=6.0, peak=1))
    three = dataclasses.replace(COPY, ours=[RUN, slow, RUN], rclone=[Usage(wall=wall, cpu=3.0, peak=1) for wall in (9.0, 33.0, 12.0)])
    assert three.throughput == pytest.approx(1.1)
    assert three.cpu == pytest.approx(2.0)
    assert "Throughput: 1.10 x rclone's, bar >= 1: met. CPU: 2.00 x rclone's." in "\n".join(copy_lines(three, 2))


def test_without_rclone_there_is_no_ratio_and_no_bar_is_missed() -> None:
    alone = dataclasses.replace(COPY, rclone=[], rclone_version=None)
    assert "rclone is not on this machine" in "\n".join(copy_lines(alone, 2))
    assert misses([alone]) == []


def test_refused_requests_are_no_part_of_the_share_of_the_limit() -> None:
    assert BOUND.share(BOUND.ours) == pytest.approx(5100 / 51 / (1250 / 12))
    assert BOUND.rclone is not None
    assert BOUND.share(BOUND.rclone) == pytest.approx(6500 / 80 / (1250 / 12))
    text = "\n".join(bound_lines(BOUND))
    assert "Bar >= 90%: met. The clock is shortened: 12 s stand for the minute, 5 times as fast." in text
    assert "In life our run would take 4.2 minutes." in text


def test_many_files_are_shown_with_their_memory_and_requests() -> None:
    text = "\n".join(scale_lines(SCALE))
    assert "Memory: 1.00 x that of 5,000 files, bar <= 1.5: met" in text
    assert "Nothing changed: 1 request, bar 1: met" in text


def test_a_large_file_says_who_found_it_identical() -> None:
    assert "identical by the tenant's own hash of its bytes; rclone check finds no difference" in large_lines(LARGE)[-1]


def test_nothing_is_missed_when_every_bar_is_met() -> None:
    assert misses([COPY, BOUND, SCALE, LARGE]) == []


def test_every_missed_bar_is_named() -> None:
    busy = dataclasses.replace(RUN, messages=3, written=65 * 1024)
    big = dataclasses.replace(RUN, process=Usage(wall=1.0, cpu=1.0, peak=200 << 20))
    assert misses(
        [
            dataclasses.replace(COPY, rclone=[Usage(wall=9.0, cpu=3.0, peak=1)]),
            dataclasses.replace(BOUND, ours=BoundRun(units=5100, refused=600, wall=51.0)),
            dataclasses.replace(SCALE, first=big, renamed=busy, drive_requests=(2, 1, 1)),
            dataclasses.replace(LARGE, is_identical=False, changed=dataclasses.replace(RUN, written=17 << 20)),
            dataclasses.replace(LARGE, inserted=dataclasses.replace(RUN, written=17 << 20)),
        ]
    ) == [
        "one drive: 0.90 x rclone's throughput, less than 1",
        "service's limit: 85% of it used, less than 90%",
        "memory grows 2.00 times from 5,000 to 200,000 files",
        "nothing changed: 2 requests, changed: False",
        "folder renamed: 3 files fetched, 65.0 KiB written",
        "the large file came back with other bytes",
        "1,000 bytes overwritten in the large file stored 17.8 MB",
        "1,000 bytes inserted into the large file stored 17.8 MB",
    ]


def test_the_files_follow_the_size_mix() -> None:
    files = list(plan_files(20_000, seed=3, size_limit=4 << 30))
    sizes = sorted(file.size for file in files)
    assert 120_000 < statistics.median(sizes) < 180_000
    assert 0.97 < sum(size < 8_000_000 for size in sizes) / len(sizes) < 0.99
    assert len({file.path for file in files}) == len(files)


def test_the_same_numbers_give_the_same_files(tmp_path: pathlib.Path) -> None:
    contents = []
    for name in ("one", "other"):
        size = write_files(tmp_path / name, plan_files(30, seed=1, size_limit=5000), seed=1)
        files = {path.relative_to(tmp_path / name): path.read_bytes() for path in (tmp_path / name).rglob("*") if path.is_file()}
        assert size == sum(map(len, files.values()))
        contents.append(files)
    assert contents[0] == contents[1]
    assert len(set(contents[0].values())) == 30
