# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.report.progress import Progress
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.report.progress_words import (
    Pace,
    Paces,
    is_worth_a_line,
    progress_bar,
    progress_line,
    seconds_left,
    share,
    time_text,
)

MIB = 1 << 20
RUN = Progress(
    task="run",
    plan="sales",
    phase="reading members",
    members_done=3,
    members_total=12,
    done=1_204,
    bytes_done=92 * MIB,
    throttled_seconds=5.0,
    elapsed=30.0,
)
SCAN = Progress(task="scan", plan="sales", phase="scanning", unit="contents", done=50, total=200, elapsed=10.0)


def test_a_line_says_everything_that_is_known() -> None:
    line = progress_line(RUN, Pace(done=40.0, size=3.1 * MIB), left=245.0)
    assert line == (
        "run of sales, reading members: 25 %, 3 of 12 members, 1,204 items, 92.0 MiB, 3.1 MiB/s, throttled 5 s, about 4 min 5 s left"
    )
    assert progress_line(SCAN, Pace(done=12.5, size=0.0)) == "scan of sales, scanning: 25 %, 50 of 200 contents, 12.5 contents/s"
    assert progress_line(Progress(task="run", plan="sales")) == "run of sales: begun"


@pytest.mark.parametrize(
    ("columns", "wanted"),
    [
        (100, "scan of sales █████░░░░░░░░░░░░░░░ scanning, 25 %, 50 of 200 contents"),
        (60, "scan of sales █████░░░░░░░░░░░░░░░ 25 %, 50 of 200 contents"),
        (40, "scan of sales █████░░░░░░░░░░░░░░░ 25 %…"),
    ],
)
def test_a_bar_is_one_line_of_the_terminal_however_narrow(columns: int, wanted: str) -> None:
    assert progress_bar(SCAN, columns=columns) == wanted


def test_a_terminal_without_unicode_has_a_bar_too() -> None:
    assert progress_bar(SCAN, columns=40, in_unicode=False) == "scan of sales #####............... 25 %>"


def test_bytes_say_best_how_much_is_done_then_items_then_members() -> None:
    assert share(dataclasses.replace(RUN, total=2_408)) == 0.5
    assert share(dataclasses.replace(RUN, total=2_408, bytes_total=920 * MIB)) == 0.1
    assert share(RUN) == 0.25
    assert share(dataclasses.replace(RUN, members_total=None)) is None
    assert share(dataclasses.replace(RUN, members_total=0)) is None
    assert share(dataclasses.replace(SCAN, done=300)) == 1.0


def test_the_time_left_is_told_when_it_is_more_than_a_guess() -> None:
    assert seconds_left(SCAN, 10.0) == pytest.approx(30.0)
    assert seconds_left(SCAN, 4.0) is None
    assert seconds_left(dataclasses.replace(SCAN, done=3), 10.0) is None
    assert seconds_left(dataclasses.replace(SCAN, total=None), 10.0) is None


def test_the_pace_is_that_of_the_last_half_minute() -> None:
    paces = Paces()
    assert paces.hear(dataclasses.replace(SCAN, done=0, elapsed=0.0)) is None
    assert paces.hear(dataclasses.replace(SCAN, done=100, elapsed=10.0)) == Pace(done=10.0, size=0.0)
    assert paces.hear(dataclasses.replace(SCAN, done=130, elapsed=40.0)) == Pace(done=1.0, size=0.0)
    assert paces.hear(dataclasses.replace(SCAN, phase="saving", done=0, elapsed=50.0)) is None


@pytest.mark.parametrize(
    ("change", "seconds", "wanted"),
    [
        ({"phase": "saving"}, 0.1, True),
        ({"done": 52}, 1.0, True),
        ({"done": 52}, 0.9, False),
        ({"done": 51}, 2.9, False),
        ({"done": 51}, 3.0, True),
        ({"done": 51, "elapsed": 100.0}, 9.0, False),
        ({"done": 51, "elapsed": 100.0}, 10.0, True),
        ({"elapsed": 5_000.0}, 29.0, False),
        ({"elapsed": 5_000.0}, 30.0, True),
    ],
)
def test_a_log_has_a_line_a_percent_and_otherwise_the_rarer_the_longer_it_takes(
    change: dict[str, object], seconds: float, wanted: bool
) -> None:
    assert is_worth_a_line(dataclasses.replace(SCAN, **change), SCAN, seconds) is wanted  # type: ignore[arg-type]
    assert is_worth_a_line(SCAN, None, 0.0)


@pytest.mark.parametrize(
    ("seconds", "wanted"),
    [
        (0.2, "0 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (725, "12 min 5 s"),
        (1_205, "20 min"),
        (12_000, "3 h 20 min"),
        (7_200, "2 h"),
        (-3, "0 s"),
    ],
)
def test_times_are_as_exact_as_they_are_known(seconds: float, wanted: str) -> None:
    assert time_text(seconds) == wanted
