# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The life of a small repository in a folder: made, filled, held, pruned, rekeyed, mended. Also a program: C(life.py FOLDER)."""

from __future__ import annotations

import random
import sys
import typing as t
from datetime import timedelta

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.check import ALL_DATA
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.clock import SystemClock
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.key_changes import KeyWishes, RoleWish, change_keys
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.prune import prune
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repair import repair
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import (
    Repository,
    create_repository,
    open_repository,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.snapshot_tags import TagChanges, change_tags
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage import FileKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_local import LocalStorage
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import Path, Snapshot, SnapshotId
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import (
    CHEAP,
    NOON,
    PASSPHRASE,
    save_files,
)

RECOVERY = "the recovery key"
NEW_PASSPHRASE = "another passphrase"
HELD = ("hold",)


class HastyClock(SystemClock):
    """Waits a hundredth of the time, so that few kills hit a process that only waits."""

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds / 100)


def contents(number: int) -> list[dict[Path, bytes]]:
    """What run number C(number) stores, by checkpoints: some of it is in every run, most is new, some is new twice."""
    chance = random.Random(number)
    parts: list[dict[Path, bytes]] = []
    for part in range(3):
        new = chance.randbytes(chance.randint(1, 30_000))
        parts.append(
            {
                ("common", f"{part}"): b"%d" % part * 2000,
                ("new", f"{part}", "noise"): new,
                ("new", f"{part}", "twin"): new,
                ("new", f"{part}", "text"): b"%d/%d " % (number, part) * 500,
            }
        )
    return parts


def files(number: int) -> dict[Path, bytes]:
    """All that run number C(number) stores."""
    return {path: content for part in contents(number) for path, content in part.items()}


def run(repository: Repository, number: int) -> Snapshot:
    with repository.writing() as writer:
        tree = None
        for part in contents(number):
            tree = save_files(writer, part, tree)
            writer.flush()
        if tree is None:
            raise AssertionError
        return writer.save_snapshot(tree, time=NOON + timedelta(hours=number), paths=["/"])


def remove(repository: Repository, snapshots: t.Collection[str]) -> None:
    prune(repository, [SnapshotId(name) for name in snapshots], tolerated_waste=0.0)


def rotate(repository: Repository, secret: str) -> None:
    change_keys(repository, KeyWishes(passphrase=RoleWish(secret=secret, is_only=True)), kdf=CHEAP)


def hold(repository: Repository, _nothing: None = None) -> None:
    """Hold every restore point that is not, and clear away what an interrupted hold left."""

    def choose() -> TagChanges:
        snapshots = repository.snapshots()
        copied = {snapshot.original for snapshot in snapshots}
        spare = [snapshot.id for snapshot in snapshots if snapshot.id in copied]
        return TagChanges({snapshot.id: HELD for snapshot in snapshots if snapshot.tags != HELD and snapshot.id not in spare}, spare)

    change_tags(repository, choose)


def mend(repository: Repository, _nothing: None = None) -> None:
    repair(repository, ALL_DATA)


def number_of(snapshot: Snapshot) -> int:
    """The run that stored it."""
    return (snapshot.time - NOON) // timedelta(hours=1)


def live(folder: str, say: t.Callable[..., None]) -> None:
    """What is promised is said once it is promised; what may break, before."""
    storage, clock = LocalStorage(folder), HastyClock()
    repository = create_repository(storage, PASSPHRASE, recovery_passphrase=RECOVERY, kdf=CHEAP, clock=clock)
    say("made")
    for number in range(3):
        run(repository, number)
        say("stored", number)
    hold(repository)
    say("going", 1)
    remove(repository, [snapshot.id for snapshot in repository.snapshots() if number_of(snapshot) == 1])
    say("rotating")
    rotate(repository, NEW_PASSPHRASE)
    say("rotated")
    say("damaging")
    _lose_the_index(repository)
    mend(open_repository(storage, NEW_PASSPHRASE, clock=clock))
    say("mended")


def _lose_the_index(repository: Repository) -> None:
    """A defect of somebody else's, over the storage itself, so that the log of the disk sees it."""
    for index in list(repository.storage.list(FileKind.INDEX)):
        repository.storage.delete(FileKind.INDEX, index.name)
        repository.storage.put(FileKind.INDEX, index.name, b"rubbish")


if __name__ == "__main__":
    live(sys.argv[1], print)
