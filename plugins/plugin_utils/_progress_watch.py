# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the progress of a task again and again, and shows it.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import os
import threading
import time
import typing as t

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.report.progress import TOLD_EVERY_SECONDS, progress_of
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.report.progress_words import Paces, seconds_left

if t.TYPE_CHECKING:
    from ansible_collections.tenantvault.m365_backup.plugins.module_utils.report.progress import Progress
    from ansible_collections.tenantvault.m365_backup.plugins.plugin_utils._progress_screen import Screen

#: Each look at another machine is a command there, which sudo may log: the longer a task takes, the rarer it is looked at.
_REMOTE_FIRST, _REMOTE_LAST, _REMOTE_SHARE = 2.0, 15.0, 0.05


def remote_interval(elapsed: float) -> float:
    """Seconds until the next look at a task on another machine that has worked for so long."""
    return min(_REMOTE_LAST, max(_REMOTE_FIRST, _REMOTE_SHARE * elapsed))


class Watch:
    """Looks until L(end). An error of C(read) ends the looking and nothing else. C(on_orphaned) is called when whoever started this
    process is gone."""

    def __init__(
        self,
        read: t.Callable[[], str],
        screen: Screen,
        *,
        is_remote: bool,
        on_orphaned: t.Callable[[], None],
        clock: t.Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._screen = screen
        self._is_remote = is_remote
        self._on_orphaned = on_orphaned
        self._clock = clock
        self._began = clock()
        self._parent = os.getppid()
        self._is_over = threading.Event()
        self._paces = Paces()
        self._phase = ""
        self._phase_began = 0.0

    def run(self) -> None:
        """The thread. It goes on to look after the parent when there is nothing to show."""
        can_read, next_look = True, self._clock()
        while not self._is_over.wait(TOLD_EVERY_SECONDS):
            if os.getppid() != self._parent:
                self._on_orphaned()
                return
            now = self._clock()
            if can_read and now >= next_look:
                try:
                    self._look()
                except Exception:  # noqa: BLE001 - the work goes on, whatever keeps us from telling of it
                    can_read = False
                next_look = self._clock() + (remote_interval(now - self._began) if self._is_remote else 0.0)

    def end(self) -> None:
        self._is_over.set()

    def _look(self) -> None:
        progress = progress_of(self._read())
        if progress is None or self._is_over.is_set():
            return
        if progress.phase != self._phase:
            self._phase, self._phase_began = progress.phase, progress.elapsed
        self._screen.show(progress, self._paces.hear(progress), self._left(progress))

    def _left(self, progress: Progress) -> float | None:
        return seconds_left(progress, progress.elapsed - self._phase_began)
