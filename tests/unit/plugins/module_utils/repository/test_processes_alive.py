# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the owner of a lock is certainly gone."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.processes import is_certainly_dead, process_mark
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.other_processes import (
    SHOW_MARK,
    dead_process,
    python_environment,
)


def test_this_process_is_alive() -> None:
    assert len(process_mark().split()) == 3
    assert not is_certainly_dead(os.getpid(), process_mark())


def test_a_process_that_has_ended_is_dead() -> None:
    assert is_certainly_dead(*dead_process())


def test_a_process_that_nobody_has_waited_for_is_dead() -> None:
    with subprocess.Popen([sys.executable, "-c", SHOW_MARK], stdout=subprocess.PIPE, text=True, env=python_environment()) as ended:
        assert ended.stdout is not None
        _pid, _blank, mark = ended.stdout.read().strip().partition(" ")
        os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
        assert is_certainly_dead(ended.pid, mark)


def test_a_number_that_is_in_use_again_is_another_process() -> None:
    assert is_certainly_dead(os.getpid(), process_mark()[:-1] + "x")


@pytest.mark.parametrize(
    "change", [lambda boot, space: f"{boot[::-1]} {space}", lambda boot, space: f"{boot} {space}1", lambda _boot, _space: ""]
)
def test_nothing_is_certain_of_another_machine_or_container(change: object) -> None:
    pid, mark = dead_process()
    boot, name_space, started = mark.split()
    assert callable(change)
    place = change(boot, name_space)
    assert not is_certainly_dead(pid, f"{place} {started}")
    assert not is_certainly_dead(pid, "")
