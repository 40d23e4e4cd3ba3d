# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The copy of the checkout, and the search for interpreters that really start."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import sys
import types
import typing as t

import pytest

TOOLS = pathlib.Path(__file__).resolve().parents[3] / "tools"
THIS_VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture(name="tree")
def fixture_tree(tool: t.Callable[[str], types.ModuleType], tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """The copier, in a small checkout with a committed, an untracked and an ignored file."""
    tree = tool("tree")
    monkeypatch.setattr(tree, "ROOT", tmp_path)
    monkeypatch.setattr(tree, "BUILD", tmp_path / ".build")
    for name, text in {
        "galaxy.yml": "namespace: acme\nname: demo\n",
        ".gitignore": "/.build/\n*.log\n",
        "x.log": "",
        "docs/new.md": "new",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    subprocess.run(["git", "add", "galaxy.yml", ".gitignore"], cwd=tmp_path, check=True)
    return tree


def files_below(folder: pathlib.Path) -> set[str]:
    names = (file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())
    return {name for name in names if not name.startswith(".git/")}


def test_the_copy_has_what_git_tracks_or_would_track(tree: types.ModuleType) -> None:
    copy = tree.make_copy()
    assert copy.parts[-3:] == ("ansible_collections", "acme", "demo")
    assert files_below(copy) == {"galaxy.yml", ".gitignore", "docs/new.md"}


def test_the_copy_is_a_git_repository_of_its_own(tree: types.ModuleType) -> None:
    copy = tree.make_copy()
    found = subprocess.run(["git", "rev-parse", "--show-toplevel"], cwd=copy, check=True, capture_output=True, text=True)
    assert pathlib.Path(found.stdout.strip()) == copy.resolve()


def test_a_file_that_was_deleted_is_gone_from_the_next_copy(tree: types.ModuleType, tmp_path: pathlib.Path) -> None:
    tree.make_copy()
    (tmp_path / "galaxy.yml").rename(tmp_path / "kept")
    shutil.copy(tmp_path / "kept", tmp_path / "galaxy.yml")
    (tmp_path / "docs/new.md").unlink()
    assert files_below(tree.make_copy()) == {"galaxy.yml", ".gitignore", "kept"}


def interpreter(folder: pathlib.Path, body: str) -> pathlib.Path:
    """A program that is called like an interpreter of this version."""
    folder.mkdir(parents=True)
    program = folder / f"python{THIS_VERSION}"
    program.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    program.chmod(0o755)
    return program


def pythons(home: pathlib.Path, *folders: pathlib.Path) -> list[str]:
    path = os.pathsep.join([*map(str, folders), "/usr/bin", "/bin"])
    environment = {"PATH": path, "HOME": str(home), "PYENV_ROOT": str(home / "pyenv")}
    found = subprocess.run(["sh", str(TOOLS / "pythons.sh")], env=environment, check=True, capture_output=True, text=True)
    return found.stdout.splitlines()


def test_shims_and_interpreters_that_do_not_start_are_passed_over(tmp_path: pathlib.Path) -> None:
    shim = interpreter(tmp_path / "pyenv/shims", f'exec "{sys.executable}" "$@"')
    broken = interpreter(tmp_path / "broken", "exit 127")
    real = interpreter(tmp_path / "real", f'exec "{sys.executable}" "$@"')
    assert f"{THIS_VERSION} {real}" in pythons(tmp_path, shim.parent, broken.parent, real.parent)


def test_versions_of_pyenv_are_found_without_its_shims(tmp_path: pathlib.Path) -> None:
    real = interpreter(tmp_path / f"pyenv/versions/{THIS_VERSION}.99/bin", f'exec "{sys.executable}" "$@"')
    empty = tmp_path / "empty"
    assert any(line.startswith(f"{THIS_VERSION} ") for line in pythons(tmp_path, empty))
    assert f"{THIS_VERSION} {real}" in pythons(tmp_path, empty) or pathlib.Path(f"/usr/bin/python{THIS_VERSION}").exists()
