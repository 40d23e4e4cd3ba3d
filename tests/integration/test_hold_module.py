# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hold module as an administrator uses it, and what it means for a prune and for restic."""

from __future__ import annotations

import datetime
import json
import typing as t
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import Repository
from ansible_collections.tenantvault.m365_backup.tests.integration.backups import needs_restic
from ansible_collections.tenantvault.m365_backup.tests.integration.playbook import PASSPHRASE, Playbook, Task
from ansible_collections.tenantvault.m365_backup.tests.integration.stored_plan import declare
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.history import GOOD, LEFT, History
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.restic_program import Restic
from tenant.harness import RunningTenant, running_tenant

DAYS = [datetime.datetime(2026, 9, day, 20, 0, tzinfo=datetime.timezone.utc) for day in range(1, 5)]


@pytest.fixture(scope="module")
def tenant() -> t.Iterator[RunningTenant]:
    with running_tenant() as running:
        yield running


@pytest.fixture
def playbook(tenant: RunningTenant, tmp_path: Path) -> Playbook:
    return Playbook(tenant=tenant, folder=tmp_path)


@pytest.fixture
def repository(playbook: Playbook) -> Repository:
    return declare(playbook, retention={"keep_last": 1}, schedule={"every": "daily", "timezone": "Europe/Berlin"})


def hold(playbook: Playbook, **options: t.Any) -> Task:
    return playbook.task("m365_backup_hold", **{"plan": "sales", "label": "case 7", **options})


@needs_restic
def test_inv06_what_is_held_is_pruned_only_after_it_was_released(playbook: Playbook, repository: Repository) -> None:
    history = History(repository)
    first, second, third, fourth = (history.add(day, alice=GOOD).id for day in DAYS)
    prune = playbook.task("m365_backup_prune", plan="sales")
    preview, held, again, pruned = playbook.run(
        hold(playbook, up_to="2026-09-02", check_mode=True, diff=True),
        hold(playbook, up_to="2026-09-02", diff=True),
        hold(playbook, up_to="2026-09-02"),
        prune,
    ).answers
    assert [answer["changed"] for answer in (preview, held, again)] == [True, True, False]
    assert preview["diff"] == held["diff"]
    assert [snapshot["original_id"] for snapshot in held["snapshots"]] == [first, second]
    assert [snapshot["time"] for snapshot in held["snapshots"]] == ["2026-09-01T22:00:00+02:00", "2026-09-02T22:00:00+02:00"]
    assert [snapshot["id"] for snapshot in again["snapshots"]] == [snapshot["id"] for snapshot in held["snapshots"]]
    assert [(each["kept"], each["holds"]) for each in pruned["snapshots"]] == [
        (True, ["case 7"]),
        (True, ["case 7"]),
        (False, []),
        (True, []),
    ]
    assert pruned["snapshots"][0]["reasons"] == ["held: case 7"]
    restic = Restic(playbook.folder, passphrase=PASSPHRASE)
    assert [shown["tags"][4:] for shown in json.loads(restic.run("snapshots", "--json"))] == [["hold", "hold:case 7"]] * 2 + [[]]
    one, rest, last = playbook.run(hold(playbook, state="absent", snapshots=[first[:8]]), hold(playbook, state="absent"), prune).answers
    assert [(answer["changed"], answer["snapshots_changed"]) for answer in (one, rest)] == [(True, 1), (True, 1)]
    assert [each["kept"] for each in last["snapshots"]] == [False, False, True]
    assert [snapshot.id for snapshot in repository.snapshots()] == [fourth]
    assert third not in {snapshot.first_id for snapshot in repository.snapshots()}
    restic.check()


def test_a_member_is_held_with_every_restore_point_that_has_anything_of_it(playbook: Playbook, repository: Repository) -> None:
    history = History(repository)
    history.add(DAYS[0], alice=GOOD)
    ids = [history.add(DAYS[1], alice=GOOD, bob=GOOD).id, history.add(DAYS[2], alice=GOOD, bob=LEFT).id]
    (answer,) = playbook.run(hold(playbook, member="bob@x.example")).answers
    assert [snapshot["original_id"] for snapshot in answer["snapshots"]] == ids


def test_a_hold_that_cannot_be_set_says_why(playbook: Playbook, repository: Repository) -> None:
    History(repository).add(DAYS[0], alice=GOOD)
    tasks = (
        hold(playbook),
        hold(playbook, label="a,b", snapshots=["latest"]),
        hold(playbook, snapshots=["0123abcd"]),
        hold(playbook, snapshots=["latest"], since="2026-01-01"),
        hold(playbook, snapshots=["latest"], lock_timeout=0),
    )
    with repository.writing():
        answers = playbook.run(*tasks).answers
    assert [answer["failed"] for answer in answers] == [True] * 5
    for answer, said in zip(
        answers, ("are missing", "without a comma", "No single restore point", "mutually exclusive", "is locked"), strict=True
    ):
        assert said in answer["msg"]
