# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run of a plan at a time on a host."""

from __future__ import annotations

import multiprocessing
import os
import signal
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.errors import StateUnusable
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.report.run_lock import RunActive, only_run
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import NOON


def hold(state_path: Path, pipe: Connection) -> None:
    with only_run(state_path, "sales", "run-1", NOON):
        pipe.send("held")
        signal.pause()


def test_a_second_run_is_refused_and_told_who_is_running_until_that_is_killed(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    other = context.Process(target=hold, args=(tmp_path, theirs))
    other.start()
    try:
        assert ours.poll(30)
        with (
            pytest.raises(RunActive, match=f"process {other.pid}, since {NOON.isoformat(timespec='seconds')[:10]}"),
            only_run(tmp_path, "sales", "run-2", NOON),
        ):
            pytest.fail("two runs at once")
        with only_run(tmp_path, "marketing", "run-3", NOON):
            pass
    finally:
        other.kill()
        other.join()
    with only_run(tmp_path, "sales", "run-4", NOON):
        assert str(os.getpid()) in (tmp_path / "runs" / "sales" / ".lock").read_text()


def test_a_folder_that_cannot_take_the_lock_is_named(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("")
    with pytest.raises(StateUnusable, match="cannot be locked"), only_run(tmp_path, "sales", "run-1", NOON):
        pytest.fail("no lock")
