# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where progress is shown: a bar in a terminal, lines everywhere else, nothing where a program reads the output.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import os
import sys
import time
import typing as t

from ansible.utils.display import Display

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.report.progress_words import (
    Pace,
    is_worth_a_line,
    progress_bar,
    progress_line,
    time_text,
)

if t.TYPE_CHECKING:
    from ansible_collections.tenantvault.m365_backup.plugins.module_utils.report.progress import Progress

#: Asked when Ansible loads the plugin: the processes in which it runs later have no terminal.
_IS_TERMINAL = sys.stdout is not None and sys.stdout.isatty()
_IS_UNICODE = "utf" in str(getattr(sys.stdout, "encoding", None) or "").lower()
#: Callbacks of which a program reads what they print.
_FOR_PROGRAMS = frozenset({"json", "jsonl", "null", "selective_json"})
#: Callbacks that print to the terminal of a person, and nothing while a task works.
_FOR_PEOPLE = frozenset({"default", "yaml", "debug"})
_UP_AND_CLEAR = "\x1b[1A\x1b[2K"


class Screen(t.Protocol):
    """Shows the progress of one task on one host."""

    def show(self, progress: Progress, pace: Pace | None, left: float | None) -> None: ...

    def close(self, said: str) -> None:
        """The task has ended; C(said) is what it says of it in a sentence, empty when Ansible shows that."""


def open_screen(callback: str, *, host: str, is_alone: bool) -> Screen | None:
    """What fits the stdout callback of Ansible. C(is_alone): no other host of the play prints anything meanwhile."""
    name = callback.rpartition(".")[2]
    if name in _FOR_PROGRAMS:
        return None
    is_terminal = _IS_TERMINAL and os.environ.get("TERM", "dumb") != "dumb"
    if is_terminal and is_alone and name in _FOR_PEOPLE:
        return Bar(_print, columns=Display().columns, in_unicode=_IS_UNICODE)
    return Lines(_print, prefix="" if is_alone else f"[{host}] ")


def _print(text: str) -> None:
    Display().display(text)


class Lines:
    """A line for whatever is worth one."""

    def __init__(self, show: t.Callable[[str], None], *, prefix: str = "", clock: t.Callable[[], float] = time.monotonic) -> None:
        self._print = show
        self._prefix = prefix
        self._clock = clock
        self._began = clock()
        self._told: Progress | None = None
        self._told_at = 0.0

    def show(self, progress: Progress, pace: Pace | None, left: float | None) -> None:
        now = self._clock()
        if is_worth_a_line(progress, self._told, now - self._told_at):
            self._print(self._prefix + progress_line(progress, pace, left))
            self._told, self._told_at = progress, now

    def close(self, said: str) -> None:
        """A task that was over before it showed anything has its sentence, too."""
        if said:
            self._print(f"{self._prefix}{said} It took {time_text(self._clock() - self._began)}.")
        elif self._told is not None:
            self._print(f"{self._prefix}{self._told.task} of {self._told.plan}: ended after {time_text(self._clock() - self._began)}")


class Bar:
    """One line that changes. Each is a whole line that goes over the last one: what has no line end, Ansible does not send off."""

    def __init__(
        self, show: t.Callable[[str], None], *, columns: int, in_unicode: bool, clock: t.Callable[[], float] = time.monotonic
    ) -> None:
        self._print = show
        self._columns = columns
        self._in_unicode = in_unicode
        self._lines = Lines(show, clock=clock)
        self._is_shown = False

    def show(self, progress: Progress, pace: Pace | None, left: float | None) -> None:
        line = progress_bar(progress, pace, left, columns=self._columns, in_unicode=self._in_unicode)
        self._print((_UP_AND_CLEAR if self._is_shown else "") + line)
        self._is_shown = True

    def close(self, said: str) -> None:
        """The bar gives way to the sentence."""
        if said:
            self._lines.close((_UP_AND_CLEAR if self._is_shown else "") + said)
