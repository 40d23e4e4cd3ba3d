# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of the repository's benchmark says what was measured; and its data is the same each time."""

from __future__ import annotations

import pathlib

import pytest
from benchmark.figures import Usage
from benchmark.repository_data import CHANGES, SOURCE, apply_changes, make, undo_changes
from benchmark.repository_report import misses, ratio, step_lines, workers_line


def usage(wall: float, cpu: float = 1.0, peak: float = 100e6) -> Usage:
    return Usage(wall=wall, cpu=cpu, peak=int(peak))


def rounds(ours: list[float], restic: list[float], peak: float = 100e6) -> list[dict[str, dict[str, Usage]]]:
    return [
        {"verify": {"ours": usage(mine, mine, peak), "restic": usage(theirs, theirs)}} for mine, theirs in zip(ours, restic, strict=True)
    ]


def test_the_ratio_is_the_median_of_the_rounds_and_not_that_of_medians() -> None:
    assert ratio(rounds([1.0, 4.0, 9.0], [2.0, 4.0, 10.0]), "verify", "wall") == 0.9


def test_without_restic_there_is_no_ratio_and_no_bar_is_missed() -> None:
    alone = [{"verify": {"ours": usage(9.0)}}]
    assert ratio(alone, "verify", "wall") is None
    assert misses(alone, 2.0) == []
    assert "met" not in "".join(step_lines(alone)).lower()


@pytest.mark.parametrize(("mine", "verdict"), [(0.8, "<= 0.8 met, <= 0.8 met"), (0.81, "<= 0.8 MISSED, <= 0.8 MISSED")])
def test_a_bar_is_met_up_to_its_very_value(mine: float, verdict: str) -> None:
    lines = step_lines(rounds([mine], [1.0]))
    assert [line for line in lines if line.endswith(verdict)] != []


def test_every_missed_bar_is_named() -> None:
    assert misses(rounds([0.9], [1.0], peak=151e6), 1.65) == [
        "verify all data: wall 0.90 x restic, more than 0.8",
        "verify all data: cpu 0.90 x restic, more than 0.8",
        "peak of our processes: 151 MB, more than 150",
        "two workers: 1.65 x as fast as one, less than 1.7",
    ]


def test_the_gain_of_two_workers_is_counted_until_the_last_has_ended() -> None:
    line, gain = workers_line([usage(9.0)], [[usage(4.0), usage(5.0)]], [5.0])
    assert gain == 1.8
    assert "1.80 x as fast (bar >= 1.7: met)" in line


def contents(folder: pathlib.Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_files_are_the_same_each_time_and_their_changes_can_be_undone(tmp_path: pathlib.Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        make(tmp_path / name, 60, 2, 1)
    before = contents(tmp_path / "one" / SOURCE)
    assert contents(tmp_path / "two" / SOURCE) == before
    apply_changes(tmp_path / "one")
    after = contents(tmp_path / "one" / SOURCE)
    assert len(before.keys() - after.keys()) == 6
    assert len(after.keys() - before.keys()) == 6
    assert {name for name in before.keys() & after.keys() if before[name] != after[name]} == {
        "mail/000/000007.eml",
        "mail/000/000057.eml",
        "large/0.bin",
    }
    undo_changes(tmp_path / "one")
    assert contents(tmp_path / "one" / SOURCE) == before
    assert contents(tmp_path / "one" / CHANGES) == contents(tmp_path / "two" / CHANGES)
