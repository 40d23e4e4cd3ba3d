# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What backup hosts install: the collection as Galaxy would hand it out, and the wheels of its libraries."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import typing as t
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
SYSTEMS = ("manylinux_2_28", "manylinux_2_27", "manylinux_2_24", "manylinux_2_17", "manylinux2014")
"""From the oldest system for which docs/dependencies.md and the role's README choose wheels; newer ones run them, too."""


def tarball(folder: Path, version: str = "1.0.0") -> Path:
    """The collection of this checkout, under a version number of our choice. It is built into C(folder) unless it is there."""
    built = folder / f"tenantvault-m365_backup-{version}.tar.gz"
    if not built.exists():
        tree = folder / f"tree-{version}"
        for name in _files():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(SOURCE / name, tree / name)
        galaxy = tree / "galaxy.yml"
        galaxy.write_text(re.sub(r"(?m)^version: .*$", f"version: {version}", galaxy.read_text(encoding="utf-8")), encoding="utf-8")
        _run(str(Path(sys.executable).with_name("ansible-galaxy")), "collection", "build", "--output-path", str(folder), str(tree))
        shutil.rmtree(tree)
    return built


def wheels(lock: Path, folder: Path, *, python: str = "3.11") -> Path:
    """The wheels of a file of exact versions for one version of Python. C(folder) keeps them: they are downloaded once."""
    kind = hashlib.sha256(f"{python} {SYSTEMS} {lock.read_text(encoding='utf-8')}".encode()).hexdigest()[:12]
    ready = folder / f"{python}-{kind}"
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder / ".lock"):
        if not ready.exists():
            unfinished = ready.with_suffix(".unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            _run(
                *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:"),
                *(f"--python-version={python}", *(f"--platform={system}_{platform.machine()}" for system in SYSTEMS)),
                *(f"--dest={unfinished}", f"--requirement={lock}"),
            )
            unfinished.rename(ready)
    return ready


def _files() -> list[Path]:
    """What git tracks or would track, without what the collection is not built of."""
    listed = subprocess.run(["git", "ls-files", "-zco", "--exclude-standard"], cwd=SOURCE, check=True, capture_output=True)
    names = (Path(name) for name in listed.stdout.decode().split("\0") if name)
    return [name for name in names if name.parts[0] not in ("tests", "tools") and (SOURCE / name).is_file()]


@contextlib.contextmanager
def _alone(path: Path) -> t.Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _run(*command: str) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
