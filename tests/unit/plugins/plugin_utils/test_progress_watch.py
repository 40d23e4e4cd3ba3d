# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.report.progress import Progress
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.report.progress_words import Pace
from ansible_collections.tenantvault.m365_backup.plugins.plugin_utils import _progress_screen
from ansible_collections.tenantvault.m365_backup.plugins.plugin_utils._progress_screen import Bar, Lines, open_screen
from ansible_collections.tenantvault.m365_backup.plugins.plugin_utils._progress_watch import Watch, remote_interval

NOW = Progress(task="run", plan="sales", phase="reading members", members_done=1, members_total=4, elapsed=10.0)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_progress_screen, "_IS_TERMINAL", True)
    monkeypatch.setenv("TERM", "xterm")


@pytest.mark.parametrize("callback", ["json", "ansible.posix.json", "ansible.posix.jsonl", "null"])
def test_callbacks_for_programs_have_no_screen(callback: str) -> None:
    assert open_screen(callback, host="backup1", is_alone=True) is None


@pytest.mark.usefixtures("terminal")
def test_only_one_host_in_a_terminal_of_a_person_has_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(open_screen("ansible.builtin.default", host="backup1", is_alone=True), Bar)
    assert isinstance(open_screen("default", host="backup1", is_alone=False), Lines)
    assert isinstance(open_screen("awx_display", host="backup1", is_alone=True), Lines)
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(open_screen("default", host="backup1", is_alone=True), Lines)


class Clock:
    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        return self.time


def test_lines_name_their_host_and_end_with_what_the_task_said() -> None:
    printed: list[str] = []
    clock = Clock()
    lines = Lines(printed.append, prefix="[backup1] ", clock=clock)
    lines.show(NOW, None, None)
    clock.time = 0.5
    lines.show(NOW, None, None)
    clock.time = 75.0
    lines.close("4 members backed up.")
    assert printed == [
        "[backup1] run of sales, reading members: 25 %, 1 of 4 members",
        "[backup1] 4 members backed up. It took 1 min 15 s.",
    ]


def test_a_failure_is_told_by_ansible_and_the_lines_end_without_it() -> None:
    printed: list[str] = []
    lines = Lines(printed.append, clock=Clock())
    lines.close("")
    assert printed == []
    lines.show(NOW, None, None)
    lines.close("")
    assert printed[1:] == ["run of sales: ended after 0 s"]


def test_a_bar_goes_over_the_last_one_and_stays_where_the_task_failed() -> None:
    printed: list[str] = []
    screen = Bar(printed.append, columns=100, in_unicode=True, clock=Clock())
    screen.show(NOW, None, None)
    screen.show(NOW, None, None)
    assert printed[1] == f"\x1b[1A\x1b[2K{printed[0]}"
    screen.close("")
    assert len(printed) == 2
    screen.close("Done.")
    assert printed[2] == "\x1b[1A\x1b[2KDone. It took 0 s."


def test_the_longer_a_task_takes_elsewhere_the_rarer_it_is_looked_at() -> None:
    assert [remote_interval(seconds) for seconds in (0, 40, 100, 200, 1_000, 36_000)] == [2.0, 2.0, 5.0, 10.0, 15.0, 15.0]


class Shown:
    def __init__(self) -> None:
        self.shown: list[Progress] = []

    def show(self, progress: Progress, pace: Pace | None, left: float | None) -> None:
        del pace, left
        self.shown.append(progress)

    def close(self, said: str) -> None:
        del said


@pytest.mark.parametrize("trouble", [OSError("no route"), RuntimeError("no such attribute")], ids=["network", "defect"])
def test_whatever_keeps_a_watch_from_looking_it_looks_no_more_and_raises_nothing(
    trouble: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def read() -> str:
        asked.append(1)
        raise trouble

    watch = Watch(read, Shown(), is_remote=False, on_orphaned=lambda: None)
    waits = iter([False, False, False, True])
    monkeypatch.setattr(watch._is_over, "wait", lambda _seconds: next(waits))
    watch.run()
    assert len(asked) == 1


def test_a_watch_shows_what_it_reads_and_nothing_of_what_it_does_not_understand(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = iter(["", NOW.as_json(), "half of {", NOW.as_json()])
    shown = Shown()
    watch = Watch(lambda: next(texts), shown, is_remote=False, on_orphaned=lambda: None)
    waits = iter([False] * 4 + [True])
    monkeypatch.setattr(watch._is_over, "wait", lambda _seconds: next(waits))
    watch.run()
    assert shown.shown == [NOW, NOW]


def test_a_watch_whose_parent_is_gone_says_so_once_and_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    orphaned: list[int] = []
    watch = Watch(lambda: "", Shown(), is_remote=False, on_orphaned=lambda: orphaned.append(1))
    monkeypatch.setattr("os.getppid", lambda: 1)
    monkeypatch.setattr(watch._is_over, "wait", lambda _seconds: False)
    watch.run()
    assert orphaned == [1]
