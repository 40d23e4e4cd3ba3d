# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Time and memory of opening, planning a prune of, and checking a repository with very many blobs.

Its trees and its index are real; the packs of its messages are holes of the right size, since nothing here reads them. Each
step is a process of its own, so that its peak memory (RSS) is its own. Run it from the root of the collection, where the
collection and its libraries can be imported:

    python tests/benchmark/index_scale.py --blobs 1000000
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tempfile
import time
import typing as t
from datetime import datetime, timezone
from pathlib import Path

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.blobs import PackContent, PackedBlob
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.check import check
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.index_files import encode_index
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.packs import pack_size
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.prune import plan_prune
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import (
    Repository,
    create_repository,
    open_repository,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage import FileKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_local import LocalStorage
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import BlobId, BlobKind, Node, NodeKind, PackId

PASSPHRASE = "benchmark"
NOW = datetime(2026, 11, 23, tzinfo=timezone.utc)
PLAIN, STORED = 75_000, 65_000
PER_PACK = 250
PER_FOLDER = 200


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blobs", type=int, default=1_000_000)
    parser.add_argument("--index-files", type=int, help="how many index files share the blobs; as a backup writes them by default")
    parser.add_argument("--folder", type=Path, help="where to work; a temporary folder by default")
    parser.add_argument("--step", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.step:
        name, location, cache = arguments.step
        STEPS[name](location, Path(cache))
        return
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        location, cache = Path(folder, "repository"), Path(folder, "cache")
        build(location, arguments.blobs, arguments.index_files or max(1, arguments.blobs // 40_000))
        listed = list(LocalStorage(location).list(FileKind.INDEX))
        print(f"{arguments.blobs:,} blobs, {len(listed):,} index files of {sum(file.size for file in listed) / 1e6:.1f} MB")
        for name in STEPS:
            print(measure(name, location, cache))


def build(location: Path, blobs: int, index_files: int) -> None:
    repository = create_repository(LocalStorage(location), PASSPHRASE)
    ids = [BlobId(hashlib.sha256(b"%d" % number).hexdigest()) for number in range(blobs)]
    with repository.writing() as writer:
        folders = []
        for start in range(0, blobs, PER_FOLDER):
            nodes = [Node(f"{name}.eml", NodeKind.FILE, NOW, PLAIN, (name,)) for name in ids[start : start + PER_FOLDER]]
            folders.append(Node.directory(f"{start:09}", NOW, writer.save_tree(nodes)))
        writer.save_snapshot(writer.save_tree(folders), time=NOW, paths=["/"])
    packs = [hollow_pack(location, ids[start : start + PER_PACK]) for start in range(0, blobs, PER_PACK)]
    share = -(-len(packs) // index_files)
    for start in range(0, len(packs), share):
        repository.files.write(FileKind.INDEX, encode_index(packs[start : start + share]))


def hollow_pack(location: Path, ids: list[BlobId]) -> PackContent:
    blobs = tuple(PackedBlob(BlobKind.DATA, name, number * STORED, STORED, PLAIN) for number, name in enumerate(ids))
    pack = PackContent(PackId(hashlib.sha256("".join(ids).encode()).hexdigest()), blobs)
    with open(location / "data" / pack.id[:2] / pack.id, "wb") as file:
        file.truncate(pack_size(blobs))
    return pack


def measure(name: str, location: Path, cache: Path) -> str:
    command = [sys.executable, __file__, "--step", name, str(location), str(cache)]
    seconds, cpu, memory = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    return f"{name:22} {float(seconds):7.2f} s   {float(cpu):7.2f} s CPU   {memory:>5} MB RSS"


def timed(step: t.Callable[[Repository], object]) -> t.Callable[[str, Path], None]:
    def run(location: str, cache: Path) -> None:
        repository = open_repository(LocalStorage(location), PASSPHRASE, cache_folder=cache)
        start, cpu = time.monotonic(), time.process_time()
        step(repository)
        print(time.monotonic() - start, time.process_time() - cpu, peak_memory())

    return run


def peak_memory() -> int:
    """In MB. The usual ru_maxrss also counts what the parent had when it started us."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM:"))


def open_and_save(repository: Repository) -> None:
    with repository.writing():
        pass


def look_up(repository: Repository) -> None:
    for number in range(20_000):
        repository.has_blob(BlobKind.DATA, BlobId(hashlib.sha256(b"%d" % number).hexdigest()))


STEPS: dict[str, t.Callable[[str, Path], None]] = {
    "open without a cache": timed(lambda repository: repository.known_index.index()),
    "open, save the cache": timed(open_and_save),
    "open from the cache": timed(lambda repository: repository.known_index.index()),
    "... and 20,000 lookups": timed(look_up),
    "plan a prune": timed(plan_prune),
    "check the structure": timed(check),
}

if __name__ == "__main__":
    main()
