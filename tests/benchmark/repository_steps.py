# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Our side of the comparison, one process a step: python -m benchmark.repository_steps STEP REPOSITORY ...

Everything that touches the repository is the product's own code, under the settings that its modules make; what is here
stands for the readers, which fetch bodies from Microsoft in some threads, and for what puts restored files somewhere.
"""

from __future__ import annotations

import collections
import dataclasses
import itertools
import json
import os
import subprocess
import sys
import typing as t
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timezone
from pathlib import Path

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._process import limit_memory_pools, usable_cores
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import create_repository, open_repository
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_local import LocalStorage
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import TreeId

from .repository_data import SOURCE

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import Repository
    from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import Node
    from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.writer import Writer

PASSPHRASE_VARIABLE = "RESTIC_PASSWORD"
BODIES_AT_ONCE = 4
"""As many as the product fetches from one mailbox at a time, and creates in one."""
_AHEAD = 4 * BODIES_AT_ONCE
_FILES_A_TASK = 16
_CHUNK = 4 << 20

Given = t.TypeVar("Given")
Edit = tuple[tuple[str, ...], "Node | None"]


def create(repository: str) -> None:
    create_repository(LocalStorage(repository), os.environ[PASSPHRASE_VARIABLE])


def initial(repository: str, source: str) -> None:
    """Everything into a snapshot, as a run does it: a worker process for each core, and this one puts their trees together."""
    parts = usable_cores()
    command = [sys.executable, "-m", "benchmark.repository_steps", "part", repository, source]
    workers = [subprocess.Popen([*command, str(part), str(parts)], stdout=subprocess.PIPE, text=True) for part in range(parts)]
    opened = _open(repository)
    with opened.writing() as writer:
        trees = [TreeId(worker.communicate()[0].strip()) for worker in workers]
        if any(worker.returncode for worker in workers):
            sys.exit("a worker failed")
        opened.known_index.refresh()
        writer.save_snapshot(_merged(writer, trees), time=datetime.now(timezone.utc), paths=[f"/{SOURCE}"])


def part(repository: str, source: str, number: str = "0", parts: str = "1", threads: str = str(BODIES_AT_ONCE)) -> None:
    """Every n-th folder of mails and every n-th large file, as a tree, whose id is printed: what a worker does."""
    units = itertools.groupby(_files(source), key=lambda path: path[:-1] if path[0] == "mail" else path)
    files = [path for _unit, paths in [(unit, list(paths)) for unit, paths in units][int(number) :: int(parts)] for path in paths]
    with _open(repository).writing(caches_index=False) as writer:
        print(_save(writer, source, None, ((path, True) for path in files), int(threads)))


def unchanged(repository: str) -> None:
    """What a run does when its cursors have named no change: lock, latest snapshot, its root, and nothing to write."""
    opened = _open(repository)
    with opened.writing():
        opened.read_tree(opened.snapshots()[-1].tree)


def compared(repository: str, source: str) -> None:
    """What restic and borg have to do, who have no cursors: look at every file and compare its size and time."""
    from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.trees import walk

    opened = _open(repository)
    with opened.writing():
        found = {path: (node.size, node.modified) for path, node in walk(opened, opened.snapshots()[-1].tree) if node.subtree is None}
        for path in _files(source):
            about = os.stat(os.path.join(source, *path))
            if found.pop(path) != (about.st_size, _time(about)):
                sys.exit(f"{path} has changed")
        if found:
            sys.exit(f"{len(found)} files are gone")


def second(repository: str, source: str, manifest: str) -> None:
    """The changes that the cursors name, on top of the latest snapshot."""
    changes = json.loads(Path(manifest).read_text(encoding="utf-8"))
    named = {tuple(name.split("/")): kind != "removed" for kind, names in changes.items() for name in names}
    opened = _open(repository)
    with opened.writing() as writer:
        tree = _save(writer, source, opened.snapshots()[-1].tree, sorted(named.items()), BODIES_AT_ONCE)
        writer.save_snapshot(tree, time=datetime.now(timezone.utc), paths=[f"/{SOURCE}"])


def verify(repository: str) -> None:
    from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.check import check

    if findings := check(_open(repository), read_data=True):
        sys.exit(f"{len(findings)} findings, the first: {findings[0]}")


def restore(repository: str, target: str) -> None:
    """The latest snapshot into a folder. As with the other tools, the files are not synced to the disk."""
    from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.bulk_read import read_many
    from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.trees import walk

    def write(place: tuple[str, float], offset: int, content: bytes | memoryview) -> None:
        name, modified = place
        descriptor = os.open(name, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.pwrite(descriptor, content, offset)
            os.utime(descriptor, (modified, modified))
        finally:
            os.close(descriptor)

    opened = _open(repository)
    with opened.reading(), ThreadPoolExecutor(BODIES_AT_ONCE) as pool:
        places = _make_folders(target, walk(opened, opened.snapshots()[-1].tree))
        files = ((place, node) for place, node in places if node.content)
        pieces = read_many(opened, files, lambda place, damage: sys.exit(f"{place}: {damage}"))
        writes: collections.deque[Future[None]] = collections.deque()
        for place, offset, content in pieces:
            writes.append(pool.submit(write, place, offset, content))
            if len(writes) > BODIES_AT_ONCE:
                writes.popleft().result()
        for last in writes:
            last.result()


def prune(repository: str) -> None:
    """Remove every snapshot but the latest, and what only they needed, down to one per cent of waste."""
    from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.prune import prune as prune_repository

    opened = _open(repository)
    prune_repository(opened, [snapshot.id for snapshot in opened.snapshots()[:-1]], tolerated_waste=0.01)


def _open(repository: str) -> Repository:
    """With a folder for copies of the index, as modules do; it is empty when a round begins."""
    return open_repository(LocalStorage(repository), os.environ[PASSPHRASE_VARIABLE], cache_folder=Path(f"{repository}-cache"))


def _save(writer: Writer, source: str, base: TreeId | None, files: Iterable[tuple[tuple[str, ...], bool]], threads: int) -> TreeId:
    from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.trees import edit_tree
    from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import Node

    def save(path: tuple[str, ...]) -> Node:
        descriptor = os.open(os.path.join(source, *path), os.O_RDONLY)
        try:
            about = os.fstat(descriptor)
            return Node.file(path[-1], _time(about), writer.save_file(_chunks(descriptor, about.st_size)))
        finally:
            os.close(descriptor)

    def save_some(some: Sequence[tuple[tuple[str, ...], bool]]) -> list[Edit]:
        return [(path, save(path) if is_there else None) for path, is_there in some]

    with ThreadPoolExecutor(threads) as pool:
        tree = edit_tree(writer, base, itertools.chain.from_iterable(_in_order(pool, save_some, _some_at_a_time(files))))
    if tree is None:
        sys.exit("nothing is left to back up")
    return tree


def _merged(writer: Writer, trees: Sequence[TreeId]) -> TreeId:
    """One directory with what is in any of several; what is in more than one of them is a directory again."""
    if len(trees) == 1:
        return trees[0]
    found: dict[str, list[Node]] = {}
    for tree in trees:
        for node in writer.read_tree(tree):
            found.setdefault(node.name, []).append(node)
    nodes = []
    for same in found.values():
        subtrees = [node.subtree for node in same if node.subtree is not None]
        nodes.append(dataclasses.replace(same[0], subtree=_merged(writer, subtrees)) if subtrees else same[0])
    return writer.save_tree(nodes)


def _some_at_a_time(files: Iterable[tuple[tuple[str, ...], bool]]) -> Iterator[Sequence[tuple[tuple[str, ...], bool]]]:
    files = iter(files)
    while some := tuple(itertools.islice(files, _FILES_A_TASK)):
        yield some


def _in_order(pool: ThreadPoolExecutor, work: Callable[[Given], list[Edit]], tasks: Iterable[Given]) -> Iterator[list[Edit]]:
    running: collections.deque[Future[list[Edit]]] = collections.deque()
    for task in tasks:
        running.append(pool.submit(work, task))
        if len(running) > _AHEAD:
            yield running.popleft().result()
    while running:
        yield running.popleft().result()


def _chunks(descriptor: int, size: int) -> Iterator[bytes]:
    for start in range(0, size, _CHUNK):
        yield os.read(descriptor, min(size - start, _CHUNK))


def _files(source: str) -> list[tuple[str, ...]]:
    return sorted((*os.path.relpath(folder, source).split("/"), name) for folder, _folders, names in os.walk(source) for name in names)


def _make_folders(target: str, entries: Iterable[tuple[tuple[str, ...], Node]]) -> Iterator[tuple[tuple[str, float], Node]]:
    os.makedirs(target)
    for path, node in entries:
        name = os.path.join(target, *path)
        if node.subtree is not None:
            os.mkdir(name)
        else:
            yield (name, node.modified.timestamp()), node


def _time(about: os.stat_result) -> datetime:
    return datetime.fromtimestamp(about.st_mtime_ns // 1000 / 1e6, timezone.utc)


STEPS: dict[str, Callable[..., None]] = {
    step.__name__: step for step in (create, initial, part, unchanged, compared, second, verify, restore, prune)
}

if __name__ == "__main__":
    limit_memory_pools()
    STEPS[sys.argv[1]](*sys.argv[2:])
