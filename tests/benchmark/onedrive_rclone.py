# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""rclone as the measure: one C(rclone copy) of all drives to a folder on this machine.

Its flags are the best for this job: as many transfers as our run has, twice as many checkers for the listing, and no look at
an empty target. It compares the hash of each file with what the service states, as we do.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
import sys
import typing as t
from pathlib import Path

from .figures import Usage

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .route import Route

_LIMIT_SECONDS = 1800
_FLAGS = ("--no-check-dest", "--use-mmap", "--buffer-size=16M", "--stats=0", "--retries=1", "--low-level-retries=100")
_ALL = "all"


@dataclasses.dataclass(frozen=True, slots=True)
class Drive:
    """A drive, and the refresh token of a user, with which rclone reads it."""

    id: str
    refresh_token: str


def program() -> str | None:
    """The machine's rclone, else the one beside this Python, which is newer and pauses longer between requests."""
    return shutil.which("rclone") or shutil.which("rclone", path=str(Path(sys.executable).parent))


def version(path: str) -> str:
    """Such as C(rclone v1.60.1-DEV)."""
    return subprocess.run([path, "version"], check=True, capture_output=True, text=True).stdout.splitlines()[0]


class Rclone:
    """rclone with one configuration: drives under their names, and C(all) with each of them as a folder."""

    def __init__(self, path: str, route: Route, folder: Path, drives: Mapping[str, Drive]) -> None:
        self.version = version(path)
        self._path = path
        self._route = route
        self._answer = folder / "rclone-answer.json"
        self._config = folder / "rclone.conf"
        self._config.touch(mode=0o600)
        self._config.write_text(_config(drives), encoding="utf-8")

    def copy(self, target: Path, transfers: int, *more: str) -> Usage:
        """Copy all drives below C(target). Raises RouteFailed."""
        return self.run(["copy", f"{_ALL}:", str(target), *_FLAGS, f"--transfers={transfers}", f"--checkers={2 * transfers}", *more])

    def check(self, one: str, other: str, *more: str) -> Usage:
        """Compare two places by size and quickXorHash. Raises RouteFailed when they differ."""
        return self.run(["check", one, other, *more])

    def run(self, arguments: Sequence[str]) -> Usage:
        command = [self._path, *arguments, "--config", str(self._config), "--ca-cert", str(self._route.tenant.ca_bundle)]
        return measured(self._route, command, self._answer)


def measured(route: Route, command: Sequence[str], answer: Path) -> Usage:
    """Run a program that reaches the tenant. Raises RouteFailed."""
    answer.unlink(missing_ok=True)
    wrapped = [sys.executable, "-m", "benchmark.measured_process", str(answer), str(_LIMIT_SECONDS), *command]
    route.run(wrapped, _LIMIT_SECONDS + 10)
    return Usage(**json.loads(answer.read_text(encoding="utf-8")))


def _config(drives: Mapping[str, Drive]) -> str:
    lines = []
    for name, drive in drives.items():
        token = {
            "access_token": "expired",
            "token_type": "Bearer",
            "refresh_token": drive.refresh_token,
            "expiry": "2001-01-01T00:00:00Z",
        }
        lines += [f"[{name}]", "type = onedrive", f"token = {json.dumps(token)}", f"drive_id = {drive.id}", "drive_type = business", ""]
    return "\n".join([*lines, f"[{_ALL}]", "type = combine", f"upstreams = {' '.join(f'{name}={name}:' for name in drives)}", ""])
