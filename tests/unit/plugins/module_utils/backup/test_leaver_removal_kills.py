# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A former member is removed by processes that are killed with SIGKILL at the system calls that change the disk.

After every kill the repository is examined by us and by restic; then the same prune, or one that removes nobody, goes on.
M365_TORTURE=10 in the environment multiplies the kills.
"""

from __future__ import annotations

import os
import random
import shutil
import typing as t
from datetime import timedelta
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.holding import HoldRequest, change_holds
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.restore_points import plan_snapshots
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.check import Severity, check
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.prune import plan_prune
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import (
    Repository,
    create_repository,
    open_repository,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_local import LocalStorage
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import SnapshotId
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup import removal_program
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.history import GOOD, LEFT, History, plan_with
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.killable import Warden
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.restic_program import Restic, needs_restic
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import (
    CHEAP,
    NOON,
    PASSPHRASE,
    restore,
)

KILLS = 20 * int(os.environ.get("M365_TORTURE", "1"))
DAYS = [NOON - timedelta(days=age) for age in range(7, 0, -1)]
HELD = 2

Contents = dict[tuple[str, ...], bytes]


@pytest.fixture(scope="module")
def warden() -> t.Iterator[Warden]:
    warden = Warden(removal_program.__file__)
    yield warden
    warden.close()


@pytest.fixture
def restic(tmp_path: Path) -> Restic:
    return Restic(tmp_path)


def opened(folder: Path) -> Repository:
    return open_repository(LocalStorage(folder), PASSPHRASE)


def of_others(contents: Contents) -> Contents:
    """Without what is bob's, and without the files that name him."""
    return {path: data for path, data in contents.items() if path[1] not in ("bob", ".m365")}


@needs_restic
def test_inv02_a_removal_that_is_killed_loses_nothing_of_others_and_is_finished_by_the_next_one(
    warden: Warden, restic: Restic, tmp_path: Path
) -> None:
    original, ours = tmp_path / "original", Path(restic.repository)
    history = History(create_repository(LocalStorage(original), PASSPHRASE, kdf=CHEAP))
    for number, day in enumerate(DAYS):
        history.add(day, alice=GOOD, bob=GOOD if number < 5 else LEFT, carol=LEFT if number % 2 else GOOD)
    held = plan_snapshots(opened(original), "sales")[HELD]
    change_holds(opened(original), plan_with(), HoldRequest(label="case", is_present=True, snapshots=(held.id,)), is_check=False)
    before = {each.first_id: restore(opened(original), each) for each in plan_snapshots(opened(original), "sales")}
    job = {"location": str(ours), "remove": ["bob"]}
    chance = random.Random(7)
    calls, kills, doubled = 40, 0, 0
    while kills < KILLS:
        shutil.rmtree(ours, ignore_errors=True)
        shutil.copytree(original, ours)
        for _time in range(chance.randint(1, 2)):
            ended = warden.do(job, dies_at=chance.randint(1, calls), moment=chance.choice(("before", "amid", "after")))
            kills += ended.was_killed
            doubled += examine(ours, before)
            if chance.random() < 0.3:
                restic.run("--no-lock", "check", "--read-data")
            if chance.random() < 0.3:
                warden.do({**job, "remove": []}, dies_at=chance.randint(1, calls))
                examine(ours, before)
        ended = warden.do(job)
        calls = max(calls, int(ended.said["calls"][0]))
        repository = opened(ours)
        points = plan_snapshots(repository, "sales")
        assert [each.first_id for each in points] == [*before]
        for point in points:
            is_held = point.first_id == held.first_id
            assert {path[1] for path in restore(repository, point)} - {".m365", "content"} == {
                "alice",
                "carol",
                *(["bob"] if is_held else []),
            }
        assert check(repository, read_data=True) == []
        assert not plan_prune(repository, tolerated_waste=0.0).changes
    restic.run("--no-lock", "check", "--read-data")
    assert doubled, "no kill has hit the time between the new restore points and the removal of the old ones"


def examine(folder: Path, before: t.Mapping[SnapshotId, Contents]) -> bool:
    """Whatever was killed: all restore points are there, each with all of the others, and sound. Whether some are there twice."""
    repository = opened(folder)
    points = plan_snapshots(repository, "sales")
    assert {point.first_id for point in points} == before.keys()
    for point in points:
        assert of_others(restore(repository, point)) == of_others(before[point.first_id])
    assert [finding for finding in check(repository, read_data=True) if finding.severity is Severity.ERROR] == []
    return len(points) > len(before)
