# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files that are measured: sizes and folders of a company's drives, written to disk by C(python -m benchmark.onedrive_data).

The size mix is our choice, fitted to published figures: lognormal parts, median 146 KB, 98 % below 8 MB. Office files,
pictures and archives do not compress, as in life; texts do. No file equals another one, so nothing is won by storing equals once.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import typing as t
from pathlib import Path

if t.TYPE_CHECKING:
    from collections.abc import Iterator

_FILES_A_FOLDER = 12
_MEAN_DEPTH, _DEEPEST = 2.9, 12
_KIB = 1024
_PIECE = 4 * 1024 * 1024
_NEWEST = 1_793_500_000
_THREE_YEARS = 3 * 365 * 86_400


class Kind(t.NamedTuple):
    """One part of the mix: how many of the files, C(median) in KB and C(sigma) of a lognormal."""

    suffix: str
    weight: float
    median: float
    sigma: float


KINDS = (
    Kind("docx", 0.30, 90, 1.35),
    Kind("xlsx", 0.18, 60, 1.9),
    Kind("pptx", 0.08, 800, 1.4),
    Kind("pdf", 0.20, 180, 1.6),
    Kind("jpg", 0.14, 900, 1.2),
    Kind("csv", 0.08, 6, 1.8),
    Kind("zip", 0.015, 4000, 1.8),
    Kind("mp4", 0.005, 60_000, 1.3),
)


class PlannedFile(t.NamedTuple):
    """One file below the drive's root."""

    path: str
    size: int
    modified: int


def plan_files(count: int, *, seed: int, size_limit: int) -> Iterator[PlannedFile]:
    """The same files for the same numbers, each in one of C(count / 12) folders."""
    rng = random.Random(seed)
    folders = _folders(rng, max(1, count // _FILES_A_FOLDER))
    for number in range(count):
        kind = rng.choices(KINDS, [kind.weight for kind in KINDS])[0]
        size = int(min(size_limit, max(1.0, rng.lognormvariate(math.log(kind.median * _KIB), kind.sigma))))
        folder = rng.choice(folders)
        yield PlannedFile(
            f"{folder}{'/' if folder else ''}{number:06} {kind.suffix} file.{kind.suffix}", size, _NEWEST - rng.randrange(_THREE_YEARS)
        )


def write_files(target: Path, files: Iterator[PlannedFile], seed: int) -> int:
    """Gives the bytes."""
    total = 0
    for number, file in enumerate(files):
        path = target / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        rng = random.Random(f"{seed}/{number}")
        with path.open("wb") as stream:
            for start in range(0, file.size, _PIECE):
                length = min(_PIECE, file.size - start)
                stream.write(_rows(rng, length) if path.suffix == ".csv" else rng.randbytes(length))
        os.utime(path, (file.modified, file.modified))
        total += file.size
    return total


def _folders(rng: random.Random, count: int) -> list[str]:
    folders = [""]
    for number in range(count):
        depth = min(_DEEPEST, 1 + int(math.log(1 - rng.random()) / math.log(1 - 1 / _MEAN_DEPTH)))
        above = [folder for folder in folders[-200:] if folder.count("/") + (folder != "") < depth]
        parent = rng.choice(above or [""])
        folders.append(f"{parent}{'/' if parent else ''}Folder {number:04}")
    return folders


def _rows(rng: random.Random, length: int) -> bytes:
    row = "".join(
        f"{rng.randrange(10**6)};{rng.random():.4f};{rng.choice(('open', 'paid', 'late'))};20{rng.randrange(10, 27)}\r\n"
        for _unused in range(200)
    )
    return (row * (length // len(row) + 1)).encode()[:length]


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmark.onedrive_data", description=__doc__)
    parser.add_argument("target", type=Path)
    parser.add_argument("count", type=int)
    parser.add_argument("seed", type=int)
    parser.add_argument("size_limit", type=int)
    options = parser.parse_args()
    write_files(options.target, plan_files(options.count, seed=options.seed, size_limit=options.size_limit), options.seed)


if __name__ == "__main__":
    main()
