# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""C(make bench-onedrive): backups of OneDrive beside rclone, and what Microsoft's limits, many files and large files do to them.

Whole processes are timed, from the interpreter's start. Both programs read the same drives of the same tenant, one after the
other, as many files at a time, and begin with nothing. What they have stored is compared in the same run, untimed: the copy
of rclone with the files, and our repository, as restic restores it, with the files.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import platform
import sys
import tempfile
import typing as t
from pathlib import Path

from .onedrive_parts import DriveBench
from .onedrive_report import bound_lines, copy_lines, large_lines, misses, scale_lines
from .processes import ProcessFailed
from .route import RouteFailed, open_route

_PARTS = ("copy", "bound", "scale", "large")
_QUICK = {
    "files": 400,
    "bound_files": 1500,
    "bound_seconds": 6.0,
    "scale_files": 4000,
    "scale_below": 1000,
    "large_mebibytes": 128,
    "rounds": 1,
}
_USUAL = {
    "files": 5000,
    "bound_files": 5000,
    "bound_seconds": 12.0,
    "scale_files": 200_000,
    "scale_below": 50_000,
    "large_mebibytes": 2048,
    "rounds": 1,
}


def main() -> int:
    options = _parse()
    cores = len(os.sched_getaffinity(0))
    options.folder.mkdir(parents=True, exist_ok=True)
    found: list[t.Any] = []
    with tempfile.TemporaryDirectory(prefix="onedrive-", dir=options.folder.resolve()) as folder, open_route() as route:
        machine = f"{cores} cores, Python {platform.python_version()}. MB is 10^6 bytes."
        _say([machine, f"The tenant is a process of its own on this machine, reached {route.words}."])
        bench = DriveBench(route, Path(folder), options.workers, _note)
        if "copy" in options.parts:
            for drives in options.drives:
                found.append(bench.copy(drives, options.files, options.size_limit, options.rounds))
                _say(copy_lines(found[-1], cores))
        if "bound" in options.parts:
            found.append(bench.bound(options.bound_files, options.bound_seconds))
            _say(bound_lines(found[-1]))
        if "scale" in options.parts:
            found.append(bench.scale(options.scale_files, options.scale_below))
            _say(scale_lines(found[-1]))
        if "large" in options.parts:
            found.append(bench.large(options.large_mebibytes << 20))
            _say(large_lines(found[-1]))
    _say([f"MISSED: {line}" for line in misses(found)] or ["All bars are met."])
    if options.json:
        options.json.write_text(json.dumps([dataclasses.asdict(one) for one in found], indent=2) + "\n", encoding="utf-8")
    return 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmark.onedrive", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=_PARTS, default=_PARTS, help="what to measure (all)")
    parser.add_argument("--quick", action="store_true", help="few and small files: to see that it works")
    parser.add_argument("--files", type=int, help="files of the comparison with rclone, over all drives (5,000)")
    parser.add_argument("--size-limit", type=int, default=256 << 20, help="no file of it larger than this many bytes; the mix goes to 4 GB")
    parser.add_argument("--drives", type=int, nargs="+", default=[1, 4], help="over how many drives; each number is measured (1 4)")
    parser.add_argument("--rounds", type=int, help="how often both are measured; medians are shown (1)")
    parser.add_argument("--bound-files", type=int, help="small files that are read under the service's limit (5,000)")
    parser.add_argument("--bound-seconds", type=float, help="seconds that stand for the minute of that limit (12)")
    parser.add_argument("--scale-files", type=int, help="files of the large drive (200,000)")
    parser.add_argument("--scale-below", type=int, help="of which so many lie below the folder that is renamed (50,000)")
    parser.add_argument("--large-mebibytes", type=int, help="size of the large file (2,048)")
    parser.add_argument("--workers", type=int, help="worker processes of a run; by default as many as the product takes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there, too (seconds and bytes)")
    parser.add_argument("--folder", type=Path, default=Path(".bench"), help="where files and repositories lie while it runs (.bench)")
    options = parser.parse_args()
    for name, value in (_QUICK if options.quick else _USUAL).items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    return options


def _say(lines: list[str]) -> None:
    print("\n".join(lines) + "\n", flush=True)


def _note(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (ProcessFailed, RouteFailed) as error:
        sys.exit(f"benchmark: {error}")
