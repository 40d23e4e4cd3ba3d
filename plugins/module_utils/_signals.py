# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SIGTERM and SIGINT: how a task is asked to end, by systemd, Ansible, or somebody at a terminal.

Unless somebody hears it, a signal has the main thread leave what it is doing, as C(Ctrl-C) does: locks are given back on the
way, and what was written is what a killed task leaves, which every later task can go on from.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import threading
import typing as t

if t.TYPE_CHECKING:
    from types import FrameType

Hear = t.Callable[[str], None]

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_DEFAULTS = (signal.SIG_DFL, signal.default_int_handler)
_hearers: list[Hear] = []


class StopSignal(BaseException):
    """The task was asked to end. Nobody but its edge catches it."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def listen() -> None:
    """Take the signals from here on, but not those that whoever started this process has it ignore."""
    if threading.current_thread() is threading.main_thread():
        for number in _SIGNALS:
            if signal.getsignal(number) in _DEFAULTS:
                signal.signal(number, _take)


def end_when_nobody_waits(output: int = 1) -> None:
    """Have this process get SIGTERM when whoever reads its output is gone, such as a killed ansible-playbook or a lost connection.

    Nobody would learn what it does, and nobody could end it. An output that has no other end, such as a file, is never gone.
    """
    threading.Thread(target=_await_hangup, args=(output,), name="hangup", daemon=True).start()


def _await_hangup(output: int) -> None:
    poll = select.poll()
    poll.register(output, 0)
    events = 0
    while not events & (select.POLLERR | select.POLLHUP):
        if events & select.POLLNVAL:
            return
        events = max((found for _output, found in poll.poll()), default=0)
    os.kill(os.getpid(), signal.SIGTERM)


@contextlib.contextmanager
def heard_by(hear: Hear) -> t.Iterator[None]:
    """Inside the block C(hear) is called with the name of the signal, in the main thread between any two steps of its.

    So it must take no lock. What it raises, the main thread raises.
    """
    _hearers.append(hear)
    try:
        yield
    finally:
        _hearers.remove(hear)


def _take(number: int, _frame: FrameType | None) -> None:
    name = signal.Signals(number).name
    if _hearers:
        _hearers[-1](name)
        return
    for each in _SIGNALS:
        signal.signal(each, signal.SIG_IGN)  # giving a lock back is not to be interrupted by the second signal
    raise StopSignal(name)
