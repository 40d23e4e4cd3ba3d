# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Processes that tests kill. One program has everything imported and forks for every job, so that a job costs milliseconds.

A job is a line of JSON. It prints what it was told is done; C(ended STATUS) comes last, from the parent.
"""

from __future__ import annotations

import functools
import json
import os
import signal
import subprocess
import sys
import traceback
import typing as t

from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.disk_calls import Executioner, watched

Job = t.Mapping[str, t.Any]


class Ended(t.NamedTuple):
    """What a job printed, by its first word, and whether it was killed."""

    said: dict[str, list[str]]
    was_killed: bool


class Warden:
    """Has jobs done by C(program), a file that calls L(serve); one at a time."""

    def __init__(self, program: str) -> None:
        environment = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))
        self._program = subprocess.Popen(
            [sys.executable, program], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def do(
        self, job: Job, *, lives: float | None = None, dies_at: int | None = None, moment: str = "after", beside: Job | None = None
    ) -> Ended:
        """Kill the job after so many seconds, or at its so many-th system call that changes the disk, or not at all.

        The job C(beside) is done at the same time, and is not killed.
        """
        wishes, answers = self._program.stdin, self._program.stdout
        if wishes is None or answers is None:
            raise AssertionError
        wishes.write(json.dumps({"job": job, "lives": lives, "dies_at": dies_at, "moment": moment, "beside": beside}) + "\n")
        wishes.flush()
        said: dict[str, list[str]] = {}
        for line in answers:
            word, rest = line.split(maxsplit=1)
            if word == "ended":
                if int(rest) not in (0, -signal.SIGKILL):
                    raise AssertionError(f"the job failed: {job}")
                return Ended(said, int(rest) != 0)
            said.setdefault(word, []).append(rest.strip())
        raise AssertionError("the program that forks has gone")

    def close(self) -> None:
        self._program.communicate()


def serve(work: t.Callable[[t.Any], None]) -> None:
    """Do every job that comes in, each in a process of its own. Nothing may have started a thread before."""
    for line in sys.stdin:
        order = json.loads(line)
        beside = None if order["beside"] is None else _fork(functools.partial(work, order["beside"]))
        code = _wait_or_kill(_fork(functools.partial(_work_or_die, work, order)), order["lives"])
        if beside is not None:
            code = _wait_or_kill(beside, None) or code
        say("ended", code)


def say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def _work_or_die(work: t.Callable[[t.Any], None], order: dict[str, t.Any]) -> None:
    executioner = Executioner(order["dies_at"], order["moment"])
    with watched(executioner):
        work(order["job"])
    say("calls", executioner.calls)


def _fork(work: t.Callable[[], None]) -> int:
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        work()
        code = 0
    finally:
        if code:
            traceback.print_exc()
        os._exit(code)


def _wait_or_kill(child: int, seconds: float | None) -> int:
    """The exit code. The alarm is off before the process id is given back, so that it strikes nobody else."""
    signal.signal(signal.SIGALRM, lambda _number, _frame: os.kill(child, signal.SIGKILL))
    signal.setitimer(signal.ITIMER_REAL, 0 if seconds is None else max(seconds, 0.000_1))
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    signal.setitimer(signal.ITIMER_REAL, 0)
    _pid, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)
