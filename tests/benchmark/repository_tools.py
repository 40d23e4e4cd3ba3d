# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tools that are compared: which commands make up each step, and what their processes use."""

from __future__ import annotations

import dataclasses
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import typing as t
from pathlib import Path

from .figures import Usage
from .processes import ProcessFailed
from .repository_data import MANIFEST, SOURCE
from .repository_steps import PASSPHRASE_VARIABLE

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PASSPHRASE = "benchmark " * 5
_KIBIBYTE = 1024


@dataclasses.dataclass(frozen=True, slots=True)
class Tool:
    """``steps`` gives the commands of a step, run one after the other in ``source`` (a restore: in its target)."""

    name: str
    version: str
    repository: Path
    source: Path
    environment: Mapping[str, str]
    create: Sequence[str]
    steps: Mapping[str, Sequence[Sequence[str]]]


def ours(folder: Path, data: Path, target: Path) -> Tool:
    repository, source = folder / "ours", data / SOURCE

    def step(name: str, *arguments: object) -> list[list[str]]:
        return [[sys.executable, "-m", "benchmark.repository_steps", name, str(repository), *map(str, arguments)]]

    return Tool(
        name="ours",
        version="this checkout",
        repository=repository,
        source=source,
        environment={PASSPHRASE_VARIABLE: _PASSPHRASE, "PYTHONPATH": _absolute(os.environ.get("PYTHONPATH", ""))},
        create=step("create")[0],
        steps={
            "initial": step("initial", source),
            "part": step("part", source),
            "unchanged": step("unchanged"),
            "compared": step("compared", source),
            "verify": step("verify"),
            "restore": step("restore", target / "files"),
            "second": step("second", source, data / MANIFEST),
            "prune": step("prune"),
        },
    )


def restic(folder: Path, data: Path, target: Path) -> Tool | None:
    if shutil.which("restic") is None:
        return None
    restic = ["restic", "--quiet", "--cache-dir", str(folder / "restic-cache"), "-r", str(folder / "restic")]
    backup = [*restic, "backup", "."]
    return Tool(
        name="restic",
        version=_first_line(["restic", "version"]),
        repository=folder / "restic",
        source=data / SOURCE,
        environment={PASSPHRASE_VARIABLE: _PASSPHRASE},
        create=[*restic, "init"],
        steps={
            "initial": [backup],
            "unchanged": [backup],
            "verify": [[*restic, "check", "--read-data"]],
            "restore": [[*restic, "restore", "latest", "--target", str(target / "files")]],
            "second": [backup],
            "prune": [[*restic, "forget", "--keep-last", "1", "--group-by", "", "--prune", "--max-unused", "1%"]],
        },
    )


def borg(folder: Path, data: Path, target: Path) -> Tool | None:
    if shutil.which("borg") is None:
        return None
    repository = str(folder / "borg")

    def backup(archive: str) -> list[list[str]]:
        return [["borg", "create", "--compression", "zstd,3", f"{repository}::{archive}", "."]]

    return Tool(
        name="borg",
        version=_first_line(["borg", "--version"]),
        repository=folder / "borg",
        source=data / SOURCE,
        environment={"BORG_PASSPHRASE": _PASSPHRASE, "BORG_BASE_DIR": str(folder / "borg-base")},
        create=["borg", "init", "--encryption", "repokey", repository],
        steps={
            "initial": backup("initial"),
            "unchanged": backup("unchanged"),
            "verify": [["borg", "check", "--verify-data", repository]],
            "restore": [["sh", "-c", f"mkdir {target}/files && cd {target}/files && exec borg extract {repository}::unchanged"]],
            "second": backup("second"),
            "prune": [["borg", "delete", f"{repository}::initial", "unchanged"], ["borg", "compact", "--threshold", "1", repository]],
        },
    )


def run(tool: Tool, commands: Sequence[Sequence[str]]) -> Usage:
    """Run commands one after the other. Raises ProcessFailed with what they said.

    What others have written before is on the disk first, so that nobody waits for it.
    """
    os.sync()
    usages = [together([command], tool.source, tool.environment)[1][0] for command in commands]
    return Usage(wall=sum(usage.wall for usage in usages), cpu=sum(usage.cpu for usage in usages), peak=max(usage.peak for usage in usages))


def together(commands: Sequence[Sequence[str]], cwd: Path, environment: Mapping[str, str]) -> tuple[float, list[Usage]]:
    """Run commands at the same time: seconds until all have ended, and what each used. Raises ProcessFailed.

    ``ru_maxrss`` keeps the parent's size across fork and exec; this process is smaller than any that it measures.
    """
    output = [tempfile.TemporaryFile() for _command in commands]
    started = time.monotonic()
    processes = [
        subprocess.Popen(command, cwd=cwd, env={**_clean_environment(), **environment}, stdin=subprocess.DEVNULL, stdout=file, stderr=file)
        for command, file in zip(commands, output, strict=True)
    ]
    usages = []
    failures = []
    for command, process, file in zip(commands, processes, output, strict=True):
        _pid, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.monotonic() - started
        usages.append(Usage(wall=wall, cpu=used.ru_utime + used.ru_stime, peak=_peak(used)))
        if process.returncode:
            file.seek(0)
            said = file.read().decode(errors="replace").strip()[-2000:]
            failures.append(f"{' '.join(command)} ended with status {process.returncode}: {said}")
        file.close()
    if failures:
        raise ProcessFailed("\n".join(failures))
    return max(usage.wall for usage in usages), usages


def _absolute(paths: str) -> str:
    return os.pathsep.join(os.path.abspath(path) for path in paths.split(os.pathsep) if path)


def _peak(used: resource.struct_rusage) -> int:
    return used.ru_maxrss * _KIBIBYTE


def _clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("RESTIC_", "BORG_"))}


def _first_line(command: Sequence[str]) -> str:
    """Such as C(restic 0.14.0)."""
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return " ".join(answer.split()[:2])
