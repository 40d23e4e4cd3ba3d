# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._signals import StopSignal, end_when_nobody_waits, heard_by, listen

BOTH = (signal.SIGTERM, signal.SIGINT)


@pytest.fixture(autouse=True)
def handlers() -> t.Iterator[None]:
    """As a new process has them, and afterwards as they were."""
    before = {number: signal.getsignal(number) for number in BOTH}
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", BOTH, ids=lambda number: number.name)
def test_a_signal_has_the_main_thread_leave_and_a_second_one_does_not_disturb_it(number: signal.Signals) -> None:
    listen()
    with pytest.raises(StopSignal, match=number.name):
        end_slowly(number)


def end_slowly(number: signal.Signals) -> None:
    try:
        signal.raise_signal(number)
    finally:
        for again in BOTH:
            signal.raise_signal(again)


def test_who_hears_a_signal_decides_what_it_does() -> None:
    listen()
    heard: list[str] = []
    with heard_by(heard.append):
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
    assert heard == ["SIGTERM", "SIGINT"]
    with pytest.raises(StopSignal):
        signal.raise_signal(signal.SIGTERM)


def test_a_signal_that_the_process_was_started_to_ignore_stays_ignored() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    listen()
    signal.raise_signal(signal.SIGINT)
    with pytest.raises(StopSignal):
        signal.raise_signal(signal.SIGTERM)


def test_a_process_whose_reader_is_gone_gets_sigterm() -> None:
    program = "import sys, time; from ansible_collections.tenantvault.m365_backup.plugins.module_utils._signals import *;"
    program += "listen(); end_when_nobody_waits(); print('begun', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        if process.stdout is None or process.stderr is None:
            raise AssertionError
        assert process.stdout.readline() == b"begun\n"
        process.stdout.close()
        said = process.stderr.read()
        assert process.wait(timeout=30) != 0
    assert b"StopSignal: SIGTERM" in said


def test_a_process_with_a_reader_is_left_alone_until_that_is_gone() -> None:
    reader, writer = os.pipe()
    listen()
    end_when_nobody_waits(writer)
    time.sleep(0.05)
    os.close(reader)
    with pytest.raises(StopSignal, match="SIGTERM"):
        time.sleep(30)
    os.close(writer)


def test_an_output_that_is_a_file_has_nobody_who_could_be_gone(tmp_path: Path) -> None:
    listen()
    with (tmp_path / "output").open("w", encoding="utf-8") as output:
        end_when_nobody_waits(output.fileno())
        time.sleep(0.05)
