# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""C(make bench-repository): our repository beside restic and borg, on the same files, in one run.

Whole processes are timed, from the interpreter's start, with deriving the key and taking the lock. In a round each tool
begins with an empty repository and empty caches, does all steps, and leaves nothing behind for the next one; who is first
changes from round to round. Each step begins when the disk has nothing left to write, and reads files that lie in the page
cache; but a verify and a restore come days after a backup, so they read each repository from the disk. What they store and
restore is compared in the same run, untimed: restored files with diff, our repository with restic's own check.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import typing as t
from pathlib import Path

from .processes import ProcessFailed, size_on_disk
from .repository_data import CHANGES, SOURCE, apply_changes, undo_changes
from .repository_report import STEPS, misses, step_lines, stored_line, workers_line
from .repository_tools import Tool, borg, ours, restic, run, together

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .figures import Usage

_WORKER_THREADS = 1
_DAYS_LATER = ("verify", "restore")


@dataclasses.dataclass(slots=True)
class Found:
    """What the rounds gave so far."""

    rounds: list[dict[str, dict[str, Usage]]] = dataclasses.field(default_factory=list)
    stored: list[dict[str, int]] = dataclasses.field(default_factory=list)
    pruned: list[dict[str, int]] = dataclasses.field(default_factory=list)
    one: list[Usage] = dataclasses.field(default_factory=list)
    two: list[list[Usage]] = dataclasses.field(default_factory=list)
    two_walls: list[float] = dataclasses.field(default_factory=list)
    kdf: dict[str, str] = dataclasses.field(default_factory=dict)


def main() -> int:
    options = _parse()
    options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="repository-", dir=options.folder.resolve()) as scratch:
        data = Path(scratch) / "data"
        data.mkdir()
        sizes = [str(number) for number in (options.mails, options.large, options.large_mebibytes)]
        subprocess.run([sys.executable, "-m", "benchmark.repository_data", str(data), *sizes], check=True)
        _say(_heading(options, data))
        found = Found()
        for number in range(options.rounds):
            with tempfile.TemporaryDirectory(prefix="round-", dir=scratch) as folder:
                _round(Path(folder), data, number, found)
    gain_line, gain = workers_line(found.one, found.two, found.two_walls)
    _say([*step_lines(found.rounds), stored_line(found.stored, "after the first backup"), stored_line(found.pruned, "after the prune")])
    _say([gain_line, *_notes(found.kdf)])
    missed = misses(found.rounds, gain)
    _say([f"  MISSED: {line}" for line in missed] or ["  All bars are met."])
    if options.json:
        options.json.write_text(json.dumps(dataclasses.asdict(found), indent=2) + "\n", encoding="utf-8")
    return 0


def _round(folder: Path, data: Path, number: int, found: Found) -> None:
    """One tool after the other, each beginning where the one before has left nothing behind.

    A virtual machine asks its host for memory that it never had, and whoever fills the page cache with that pays: three
    repositories side by side would cost the second and the third some seconds more than the first.
    """
    target = folder / "target"
    tools = [tool for tool in (make(folder, data, target) for make in (ours, restic, borg)) if tool is not None]
    usages: dict[str, dict[str, Usage]] = {step: {} for step in STEPS}
    stored, pruned = {}, {}
    for tool in [*tools[number % len(tools) :], *tools[: number % len(tools)]]:
        run(tool, [tool.create])
        with contextlib.ExitStack() as undo:
            for step in STEPS:
                if step == "second":
                    apply_changes(data)
                    undo.callback(undo_changes, data)
                if step not in tool.steps:
                    continue
                target.mkdir()
                if step in _DAYS_LATER:
                    _leave_the_cache(tool.repository)
                usages[step][tool.name] = usage = run(tool, tool.steps[step])
                _note(f"round {number + 1}: {step}, {tool.name}: {usage.wall:.2f} s, CPU {usage.cpu:.2f}, {usage.peak / 1e6:.0f} MB")
                if step == "restore":
                    _compare(data / SOURCE, target / "files")
                _put_aside(target)
                if step == "initial":
                    stored[tool.name] = size_on_disk(tool.repository)
                    if cost := _cost_of_key(tool.repository):
                        found.kdf[tool.name] = cost
            pruned[tool.name] = size_on_disk(tool.repository)
            if tool is tools[0]:
                _prove(tool, tools, data, target)
        shutil.rmtree(tool.repository)
    found.stored.append({tool.name: stored[tool.name] for tool in tools})
    found.pruned.append({tool.name: pruned[tool.name] for tool in tools})
    found.rounds.append({step: {tool.name: one[tool.name] for tool in tools if tool.name in one} for step, one in usages.items()})
    _workers(folder / "workers", data, tools, found)


def _leave_the_cache(repository: Path) -> None:
    """Have the system forget what it keeps of the files in memory, which is all that lies on the disk by now."""
    os.sync()
    for path in repository.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _prove(mine: Tool, tools: Sequence[Tool], data: Path, target: Path) -> None:
    """After everything, our repository still gives back the files as they are, and restic finds nothing wrong with it."""
    target.mkdir()
    run(mine, mine.steps["restore"])
    _compare(data / SOURCE, target / "files")
    _put_aside(target)
    for tool in tools:
        if tool.name == "restic":
            run(mine, [["restic", "--quiet", "--no-cache", "-r", str(mine.repository), "check", "--read-data"]])


def _put_aside(target: Path) -> None:
    """Leave empty files where restored ones were, until everything is over.

    Of inodes that were deleted within the last minutes ext4 looks at one after the other before it gives out a new one, so
    whoever restores next would pay for what was deleted here.
    """
    for path in target.rglob("*"):
        if path.is_file():
            os.truncate(path, 0)
    target.rename(tempfile.mkdtemp(prefix="restored-", dir=target.parent.parent))


def _workers(folder: Path, data: Path, tools: Sequence[Tool], found: Found) -> None:
    """One worker process with all files, and two with every second file each, at the same time and into one repository."""
    for parts in (1, 2):
        tool = ours(folder / str(parts), data, folder / "target")
        tool.repository.parent.mkdir(parents=True)
        run(tool, [tool.create])
        commands = [[*tool.steps["part"][0], str(part), str(parts), str(_WORKER_THREADS)] for part in range(parts)]
        wall, usages = together(commands, tool.source, tool.environment)
        if parts == 1:
            found.one.append(usages[0])
        else:
            found.two.append(usages)
            found.two_walls.append(wall)
            if any(other.name == "restic" for other in tools):
                run(tool, [["restic", "--quiet", "--no-cache", "-r", str(tool.repository), "check"]])
        shutil.rmtree(tool.repository.parent)


def _compare(source: Path, restored: Path) -> None:
    difference = subprocess.run(["diff", "--recursive", "--brief", source, restored], check=False, capture_output=True, text=True)
    if difference.returncode:
        raise ProcessFailed(f"the restored files differ: {(difference.stdout + difference.stderr).strip()[:2000]}")


def _heading(options: argparse.Namespace, data: Path) -> list[str]:
    tools = [tool.version for tool in (make(data, data, data) for make in (restic, borg)) if tool is not None]
    source, changes = (size_on_disk(data / name) / 1e6 for name in (SOURCE, CHANGES))
    files = f"{options.mails:,} mail-like files and {options.large} large ones, {source:,.0f} MB; changes of {changes:,.0f} MB"
    machine = f"{len(os.sched_getaffinity(0))} cores, Python {platform.python_version()}, {', '.join(tools)}"
    lines = [f"{files}. MB is 10^6 bytes.", f"{machine}; medians of {options.rounds} rounds."]
    if shutil.which("restic") is None:
        lines.append("restic is not on this machine: there are no ratios (apt install restic).")
    if shutil.which("borg") is None:
        lines.append("borg is not on this machine, and is left out (apt install borgbackup).")
    return lines


def _cost_of_key(repository: Path) -> str:
    """What deriving a key costs there, from the key file; restic chooses it by the clock when it makes a repository."""
    for path in (repository / "keys").glob("*"):
        key = json.loads(path.read_text(encoding="utf-8"))
        return f"N={key['N']:,} r={key['r']} p={key['p']}"
    return ""


def _notes(kdf: Mapping[str, str]) -> list[str]:
    return [
        f"  scrypt in every step: {'; '.join(f'{tool} {cost}' for tool, cost in kdf.items())} (restic chooses by the clock).",
        f"  Each of these workers saves with {_WORKER_THREADS} thread; one that saves with four uses both cores in part by itself.",
        "  unchanged: ours asks Microsoft's cursors what changed, opens, locks, and reads the latest snapshot; restic and borg look",
        "  at every file. 'files compared' is ours doing as they do, which the product never does.",
        "  backup of changes: ours is told which files changed, as by the cursors.",
        "  prune: of all but the latest snapshot; each tool is told to leave at most 1 % of waste, so that all of them rewrite packs.",
    ]


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmark.repository", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="2,000 mails, 2 large files of 64 MiB, one round: to see that it works")
    parser.add_argument("--rounds", type=int, help="how often everything is done; medians are shown (5)")
    parser.add_argument("--mails", type=int, help="mail-like files (20,000)")
    parser.add_argument("--large", type=int, help="large files (4)")
    parser.add_argument("--large-mebibytes", type=int, help="size of each (256)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there, too (seconds and bytes)")
    parser.add_argument("--folder", type=Path, default=Path(".bench"), help="where files and repositories lie while it runs (.bench)")
    options = parser.parse_args()
    usual = {"rounds": 1, "mails": 2000, "large": 2, "large_mebibytes": 64}
    if not options.quick:
        usual = {"rounds": 5, "mails": 20_000, "large": 4, "large_mebibytes": 256}
    for name, value in usual.items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    return options


def _note(line: str) -> None:
    """For whoever waits; what counts comes at the end."""
    print(line, file=sys.stderr, flush=True)


def _say(lines: list[str]) -> None:
    print("\n".join(lines) + "\n", flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ProcessFailed as error:
        sys.exit(f"benchmark: {error}")
