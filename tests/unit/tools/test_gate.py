# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate says what failed, shows why, and hides the rest."""

from __future__ import annotations

import pathlib
import sys
import types
import typing as t

import pytest

GOOD = (sys.executable, "-c", "print('=== 3 passed in 0.10s ===')")
BAD = (sys.executable, "-c", "print('Collecting noise'); print('the reason'); raise SystemExit(3)")


@pytest.fixture(name="gate")
def fixture_gate(tool: t.Callable[[str], types.ModuleType], tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """The gate with two parts of our own instead of the real ones."""
    gate = tool("gate")
    monkeypatch.setattr(gate, "ROOT", tmp_path)
    monkeypatch.setattr(gate, "LOGS", tmp_path)
    monkeypatch.setattr(gate, "prepare", lambda parts: None)
    good = gate.Step("good", "all is well", GOOD, tmp_path, closing=True)
    bad = gate.Step("bad", "never said", BAD, tmp_path)
    monkeypatch.setattr(gate, "PARTS", {"fine": (good,), "broken": (bad, good)})
    monkeypatch.setattr(gate, "LANES", (("fine",), ("broken",)))
    return gate


def test_a_run_without_failure_ends_with_a_line_that_says_so(gate: types.ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert gate.main(["fine"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("make fine: passed, 1 step in ")


def test_the_closing_line_of_pytest_is_printed_as_it_is(gate: types.ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    gate.main(["fine"])
    assert "=== 3 passed in 0.10s ===" in capsys.readouterr().out.splitlines()


def test_a_failed_step_fails_the_whole_and_is_named_in_the_last_line(gate: types.ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert gate.main(["test"]) == 1
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("make test: FAILED after ")
    assert last.endswith(": bad")


def test_steps_after_a_failed_one_still_run(gate: types.ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    gate.main(["broken"])
    assert "ok      good" in capsys.readouterr().out


def test_a_failed_step_shows_its_output_without_the_chatter_of_installers(
    gate: types.ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    gate.main(["broken"])
    shown = capsys.readouterr().out.splitlines()
    assert "the reason" in shown
    assert "Collecting noise" not in shown


def test_a_part_that_does_not_exist_is_an_error_that_lists_the_parts(gate: types.ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert gate.main(["brocken"]) == 2
    assert "There is no part brocken. Parts: test, fine, broken." in capsys.readouterr().err


def test_steps_see_neither_shims_nor_the_ansible_settings_of_the_user(gate: types.ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/home/somebody/.pyenv/shims:/usr/bin")
    monkeypatch.setenv("ANSIBLE_CONFIG", "/home/somebody/ansible.cfg")
    environment = gate.environment()
    assert "shims" not in environment["PATH"]
    assert environment["PATH"].endswith("/usr/bin")
    assert "ANSIBLE_CONFIG" not in environment
