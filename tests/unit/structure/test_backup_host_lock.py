# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The exact versions that backup hosts install: complete, and those that the collection declares and is tested with."""

from __future__ import annotations

import importlib.metadata
import pathlib
import sys

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = pathlib.Path(__file__).resolve().parents[3]
ROLE = ROOT / "roles/backup_host"
PYTHONS = sorted(file.stem.removeprefix("requirements-") for file in (ROLE / "files").glob("requirements-*.txt"))
HERE = f"{sys.version_info.major}.{sys.version_info.minor}"


def requirements(path: pathlib.Path, python: str) -> dict[str, Requirement]:
    """Those that count for that Python, by name."""
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    parsed = [Requirement(line) for line in lines if line and not line.startswith(("#", "-r "))]
    counting = [each for each in parsed if each.marker is None or each.marker.evaluate({"python_version": python})]
    return {canonicalize_name(each.name): each for each in counting}


def lock(python: str) -> dict[str, Requirement]:
    return requirements(ROLE / f"files/requirements-{python}.txt", python)


def needed_by(names: set[str]) -> set[str]:
    """These and what they need, as far as it is installed here, and theirs."""
    found: set[str] = set()
    waiting = set(names)
    while waiting:
        name = waiting.pop()
        found.add(name)
        wanted = [Requirement(line) for line in importlib.metadata.requires(name) or []]
        counting = [each for each in wanted if each.marker is None or each.marker.evaluate({"extra": ""})]
        waiting |= {canonicalize_name(each.name) for each in counting} - found
    return found


def test_the_role_knows_exactly_the_pythons_that_have_a_lock_file() -> None:
    known = yaml.safe_load((ROLE / "vars/main.yml").read_text(encoding="utf-8"))["__backup_host_pythons"]
    assert sorted(known) == PYTHONS


@pytest.mark.parametrize("python", PYTHONS)
def test_every_version_of_a_lock_file_is_exact(python: str) -> None:
    assert [name for name, each in lock(python).items() if [mark.operator for mark in each.specifier] != ["=="] or each.marker] == []


@pytest.mark.parametrize("python", PYTHONS)
def test_a_lock_file_has_what_the_modules_declare_in_a_version_that_they_accept(python: str) -> None:
    locked = lock(python)
    for name, declared in requirements(ROOT / "meta/ee-requirements.txt", python).items():
        version = next(iter(locked[name].specifier)).version
        assert declared.specifier.contains(version), f"{name} {version} for Python {python}"


@pytest.mark.parametrize("python", PYTHONS)
def test_a_backup_host_gets_the_ansible_core_that_is_tested_with_its_python(python: str) -> None:
    assert lock(python)["ansible-core"].specifier == requirements(ROOT / "requirements/run.txt", python)["ansible-core"].specifier


@pytest.mark.skipif(HERE not in PYTHONS, reason="there is no lock file for this Python")
def test_a_lock_file_has_all_that_its_libraries_need_and_nothing_else() -> None:
    roots = {"ansible-core", *requirements(ROOT / "meta/ee-requirements.txt", HERE)}
    assert set(lock(HERE)) == needed_by(roots)
