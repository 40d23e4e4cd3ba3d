# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Prometheus' own judge of metrics and rules, out of Debian's package, without installing that: its server would start."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

CACHE = Path(__file__).resolve().parents[5] / ".build" / "promtool"


def promtool(*arguments: str, stdin: str = "", may_fail: bool = False) -> str:
    """What it prints. The calling test is skipped where there is no promtool and no package of it."""
    program = _program()
    if program is None:
        pytest.skip("there is no promtool, and no Debian package of it")
    done = subprocess.run([program, *arguments], input=stdin, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode and not may_fail:
        raise AssertionError(f"promtool {' '.join(arguments)} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def _program() -> str | None:
    kept = CACHE / "usr" / "bin" / "promtool"
    found = shutil.which("promtool")
    if found is not None or kept.exists():
        return found or str(kept)
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        return None
    CACHE.parent.mkdir(exist_ok=True)
    with (CACHE.parent / "promtool.lock").open("w") as lock, tempfile.TemporaryDirectory(dir=CACHE.parent) as folder:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            subprocess.run(["apt-get", "download", "-q", "prometheus"], cwd=folder, capture_output=True, check=False, timeout=300)
            for package in Path(folder).glob("*.deb"):
                subprocess.run(["dpkg-deb", "-x", package, folder], capture_output=True, check=True)
                kept.parent.mkdir(parents=True, exist_ok=True)
                (Path(folder) / "usr" / "bin" / "promtool").rename(kept)
    return str(kept) if kept.exists() else None
