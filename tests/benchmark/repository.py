# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""CPU time and wall time of our repository as ratios to restic, on the same files, in one run. Below 1 we are cheaper.

Run it from the root of the collection, where the collection and its libraries can be imported:

    python tests/benchmark/repository.py --messages 4000
"""

from __future__ import annotations

import argparse
import base64
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import typing as t
from datetime import datetime, timezone
from pathlib import Path

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.check import check
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import create_repository, open_repository
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_local import LocalStorage
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.trees import edit_tree, walk
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import Node

PASSPHRASE = "benchmark"


class Cost(t.NamedTuple):
    cpu: float
    wall: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=4000)
    parser.add_argument("--folder", type=Path, help="where to work; a temporary folder by default")
    parser.add_argument("--step", nargs="+", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.step:
        STEPS[arguments.step[0]](*arguments.step[1:])
        return
    if shutil.which("restic") is None:
        sys.exit("restic is not installed (apt install restic): there is nothing to compare with.")
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        compare(Path(folder), arguments.messages)


def compare(folder: Path, messages: int) -> None:
    source = folder / "source"
    size = generate(source, messages)
    print(f"{messages:,} messages, {size / 1e6:,.0f} MB")
    ours, theirs = folder / "ours", folder / "theirs"
    restic = ["restic", "--quiet", "--cache-dir", str(folder / "cache"), "-r", str(theirs)]
    run([*restic, "init"])
    step("create", ours)
    rows = {
        "first backup": (step("backup", ours, source), run([*restic, "backup", str(source)])),
        "check all data": (step("check", ours), run([*restic, "check", "--read-data"])),
        "restore": (step("restore", ours, folder / "out1"), run([*restic, "restore", "latest", "--target", str(folder / "out2")])),
    }
    for name, (our_cost, their_cost) in rows.items():
        ratios = f"CPU {our_cost.cpu / their_cost.cpu:5.2f}   wall {our_cost.wall / their_cost.wall:5.2f}"
        print(f"{name:15} {ratios}   (ours {our_cost.cpu:.2f} s CPU, restic {their_cost.cpu:.2f} s)")
    print(f"{'stored bytes':15} {stored(ours) / stored(theirs):9.2f}")


def generate(folder: Path, messages: int) -> int:
    """Messages of 75 KB on average: some text, and an attachment that does not compress beyond its Base64."""
    total = 0
    for number in range(messages):
        chance = random.Random(number)
        lines = b"".join(b"Line %d of a message that somebody has typed.\r\n" % chance.randrange(10**6) for _line in range(80))
        content = b"Subject: %d\r\n\r\n" % number + lines + base64.encodebytes(chance.randbytes(chance.randrange(2000, 104_000)))
        path = folder / f"{number // 500:03}" / f"{number:06}.eml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        total += len(content)
    return total


def step(name: str, *arguments: Path) -> Cost:
    return run([sys.executable, __file__, "--step", name, *map(str, arguments)])


def run(command: list[str]) -> Cost:
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(command, check=True, env=dict(os.environ, RESTIC_PASSWORD=PASSPHRASE))
    wall, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return Cost(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall)


def stored(repository: Path) -> int:
    return sum(path.stat().st_size for path in repository.rglob("*") if path.is_file())


def create(repository: str) -> None:
    create_repository(LocalStorage(repository), PASSPHRASE)


def backup(repository: str, source: str) -> None:
    with open_repository(LocalStorage(repository), PASSPHRASE).writing() as writer:
        now = datetime.now(timezone.utc)
        files = sorted((*os.path.relpath(folder, source).split("/"), name) for folder, _unused, names in os.walk(source) for name in names)
        edits = ((parts, Node.file(parts[-1], now, writer.save_file([content_of(source, parts)]))) for parts in files)
        tree = edit_tree(writer, None, edits)
        if tree is not None:
            writer.save_snapshot(tree, time=now, paths=[source])


def content_of(folder: str, parts: tuple[str, ...]) -> bytes:
    with open(os.path.join(folder, *parts), "rb", buffering=0) as file:
        return file.read()


def check_all(repository: str) -> None:
    findings = check(open_repository(LocalStorage(repository), PASSPHRASE), read_data=True)
    if findings:
        sys.exit(f"{len(findings)} findings, the first: {findings[0]}")


def restore(repository: str, target: str) -> None:
    opened = open_repository(LocalStorage(repository), PASSPHRASE)
    for path, node in walk(opened, opened.snapshots()[-1].tree):
        if node.subtree is not None:
            Path(target, *path).mkdir(parents=True)
            continue
        with Path(target, *path).open("wb") as file:
            file.writelines(opened.read_file(node))


STEPS: dict[str, t.Callable[..., None]] = {"create": create, "backup": backup, "check": check_all, "restore": restore}

if __name__ == "__main__":
    main()
