# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stand-in for pip's bootstrap script, against the ansible-test that is installed here."""

from __future__ import annotations

import importlib.util
import pathlib
import types
import typing as t

import pytest


@pytest.fixture(name="ansible_test")
def fixture_ansible_test() -> pathlib.Path:
    spec = importlib.util.find_spec("ansible_test")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("ansible-test is not installed for this Python")
    return pathlib.Path(next(iter(spec.submodule_search_locations)))


@pytest.fixture(name="get_pip")
def fixture_get_pip(tool: t.Callable[[str], types.ModuleType], tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    get_pip = tool("get_pip")
    monkeypatch.setattr(get_pip, "CACHE", tmp_path)
    return get_pip


def test_the_stand_in_lies_where_ansible_test_looks_for_its_download(
    get_pip: types.ModuleType, ansible_test: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(get_pip, "reachable", lambda address: False)
    note = get_pip.provide(ansible_test)
    (script,) = tmp_path.iterdir()
    version = get_pip.pinned_pip(ansible_test)
    assert script.name == f"get_pip_{version.replace('.', '_')}.py"
    assert str(script) in note
    assert "get_pip_%s.py" in (ansible_test / "_util/target/setup/requirements.py").read_text(encoding="utf-8")


def test_the_stand_in_is_a_program(get_pip: types.ModuleType) -> None:
    compile(get_pip.STAND_IN, "get_pip.py", "exec")


def test_where_the_download_works_nothing_is_written(
    get_pip: types.ModuleType, ansible_test: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def answers(address: str) -> bool:
        asked.append(address)
        return True

    monkeypatch.setattr(get_pip, "reachable", answers)
    assert get_pip.provide(ansible_test) is None
    assert list(tmp_path.iterdir()) == []
    assert asked[0].endswith(f"/get-pip-{get_pip.pinned_pip(ansible_test)}.py")


def test_a_script_that_is_there_already_is_left_alone(
    get_pip: types.ModuleType, ansible_test: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(get_pip, "reachable", lambda address: False)
    script = tmp_path / f"get_pip_{get_pip.pinned_pip(ansible_test).replace('.', '_')}.py"
    script.write_text("the original", encoding="utf-8")
    assert get_pip.provide(ansible_test) is None
    assert script.read_text(encoding="utf-8") == "the original"


def test_an_address_that_nobody_answers_is_not_reachable(get_pip: types.ModuleType) -> None:
    assert not get_pip.reachable("http://127.0.0.1:1/get-pip.py")
