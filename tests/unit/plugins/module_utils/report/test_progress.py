# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import stat
import threading
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.report.progress import (
    Counted,
    Meter,
    Progress,
    progress_of,
    silent_meter,
)


class Clock:
    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


def test_a_meter_adds_up_what_several_threads_and_others_count() -> None:
    clock = Clock()
    meter = Meter("run", "sales", clock=clock)
    meter.phase("reading members", members_total=2)

    def count() -> None:
        for _number in range(500):
            meter.add(1, 10)

    threads = [threading.Thread(target=count) for _number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    meter.member_done()
    others = Counted(done=3, size=7, throttled_seconds=1.25)
    clock.time += 2.5
    wanted = Progress(
        task="run",
        plan="sales",
        phase="reading members",
        members_done=1,
        members_total=2,
        done=2_003,
        bytes_done=20_007,
        throttled_seconds=1.2,
        elapsed=2.5,
    )
    with meter.pull(lambda: others):
        assert meter.progress() == wanted
    assert meter.progress() == wanted


def test_a_phase_begins_with_nothing_done_but_the_waiting_stays() -> None:
    meter = Meter("prune", "sales", clock=Clock())
    with meter.pull(lambda: Counted(throttled_seconds=4.0)):
        meter.add(5, 500)
    meter.phase("moving what stays", unit="packs", total=9, bytes_total=900)
    now = meter.progress()
    assert (now.done, now.total, now.bytes_done, now.bytes_total, now.unit, now.throttled_seconds) == (0, 9, 0, 900, "packs", 4.0)


def test_the_file_is_private_says_what_the_meter_says_and_goes_at_the_end_whatever_happens(tmp_path: Path) -> None:
    path = tmp_path / "progress.json"
    meter = Meter("run", "sales")
    meter.add(7, 70)
    heard: list[tuple[int, Progress | None]] = []

    def work() -> None:
        with meter.telling(path, every=0.001):
            while not path.exists():
                pass
            heard.append((stat.S_IMODE(path.stat().st_mode), progress_of(path.read_text(encoding="utf-8"))))
            raise ValueError("a defect")

    with pytest.raises(ValueError, match="a defect"):
        work()
    ((mode, progress),) = heard
    assert mode == 0o600
    assert progress is not None
    assert (progress.task, progress.plan, progress.done, progress.bytes_done) == ("run", "sales", 7, 70)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written_ends_the_telling_and_not_the_work(tmp_path: Path) -> None:
    with silent_meter().telling(tmp_path / "no such folder" / "progress", every=0.001) as meter:
        while any(thread.name == "progress" for thread in threading.enumerate()):
            pass
        meter.add(1)
    assert meter.progress().done == 1
    assert list(tmp_path.iterdir()) == []


def test_a_link_that_somebody_else_has_put_there_is_replaced_and_not_followed(tmp_path: Path) -> None:
    path, victim = tmp_path / "progress", tmp_path / "victim"
    victim.write_text("precious", encoding="utf-8")
    path.symlink_to(victim)
    with Meter("run", "sales").telling(path, every=0.001):
        while path.is_symlink():
            pass
    assert victim.read_text(encoding="utf-8") == "precious"


def test_what_is_written_is_read_again() -> None:
    progress = Progress(task="scan", plan="sales", phase="scanning", unit="contents", total=9, done=4, elapsed=1.5)
    assert progress_of(progress.as_json()) == progress


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"task": "run"',
        json.dumps({**json.loads(Progress(task="run", plan="sales").as_json()), "done": "many"}),
        json.dumps({**json.loads(Progress(task="run", plan="sales").as_json()), "done": True}),
        json.dumps({**json.loads(Progress(task="run", plan="sales").as_json()), "more": 1}),
        Progress(task="run", plan="sales" * 10_000).as_json(),
    ],
    ids=["empty", "list", "no key", "half", "text for a number", "truth for a number", "one key more", "too large"],
)
def test_what_is_no_progress_is_none(text: str) -> None:
    assert progress_of(text) is None
