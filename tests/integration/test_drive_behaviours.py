# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each misbehaviour of a drive alone, and ten at random together.

C(M365_TORTURE=20) tries twenty times as many seeds.
"""

from __future__ import annotations

import os
import random
import typing as t
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import BackupError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.client import GraphClient
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.ids import UserId
from ansible_collections.tenantvault.m365_backup.tests.integration.drive_behaviours import (
    BEHAVIOURS,
    CALM,
    ELSEWHERE,
    Behaviour,
    disturb,
    fill,
    run_calmly,
    run_honestly,
)
from ansible_collections.tenantvault.m365_backup.tests.integration.drives import is_complete, stored_drive
from tenant.harness import RunningTenant

SEEDS = 3 * int(os.environ.get("M365_TORTURE", "1"))
#: Behaviours that leave nothing to be read: with them, nine others would show nothing.
TOTAL = frozenset({17, 59})


@pytest.fixture(autouse=True)
def _calm_again(tenant: RunningTenant) -> t.Iterator[None]:
    yield
    tenant.control.settings(**CALM)


def arm(tenant: RunningTenant, user: UserId, behaviour: Behaviour, random_: random.Random) -> None:
    control = tenant.control
    for fault in behaviour.faults:
        control.arm({"mailbox": user, **fault})
    control.settings(**behaviour.settings)
    if behaviour.shape:
        control.set_drive_state(user, behaviour.shape)
    if behaviour.expires_cursors:
        control.expire_drive_cursors(user)
    if behaviour.file:
        facets = dict(behaviour.file)
        in_notebook = facets.pop("notebook", False)
        files = [line for line in control.drive_listing(user) if line["kind"] == "file" and line["path"].endswith(".one") == in_notebook]
        if files:
            control.set_item(user, random_.choice(files)["id"], **facets)


def calm(tenant: RunningTenant, user: UserId) -> None:
    """An untroubled tenant, in which what was said of files is still said, unless it keeps them from being read."""
    control = tenant.control
    control.disarm()
    control.settings(**CALM)
    control.set_drive_state(user, "ok")
    for line in control.drive_listing(user):
        if line["kind"] == "file":
            control.set_item(user, line["id"], malware=None, unavailable=None)


def test_every_item_of_the_list_has_a_test() -> None:
    assert {behaviour.item for behaviour in BEHAVIOURS} | ELSEWHERE.keys() == set(range(14, 64))
    for place in ELSEWHERE.values():
        file, _colons, name = place.partition("::")
        assert " " in file or f"def {name or 'test_'}" in (Path(__file__).parent / file).read_text()


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=str)
def test_a_drive_that_behaves_like_this_is_read_right_or_says_what_is_missing(
    tenant: RunningTenant, client: GraphClient, user: UserId, tmp_path: Path, behaviour: Behaviour
) -> None:
    control = tenant.control
    fill(control, user)
    drive = stored_drive(tenant, user, tmp_path)
    random_ = random.Random(str(behaviour))
    struck: set[str] = set()
    for _round in range(2):
        arm(tenant, user, behaviour, random_)
        result = run_honestly(drive, client, moves_on=behaviour.moves_on)
        if not behaviour.may_miss and not behaviour.moves_on:
            assert not isinstance(result, BackupError), result
            assert result.findings == ()
            assert is_complete(drive)
        struck |= {fault["name"] for fault in control.armed() if fault["hits"]}
        calm(tenant, user)
        run_calmly(drive, client)
        tree = drive.tree
        assert run_calmly(drive, client).tree == tree
        disturb(control, user, random_, 6)
    assert struck == {fault["name"] for fault in behaviour.faults}


def test_names_that_change_hands_between_two_runs_are_where_they_belong(
    tenant: RunningTenant, client: GraphClient, user: UserId, tmp_path: Path
) -> None:
    control = tenant.control
    fill(control, user)
    drive = stored_drive(tenant, user, tmp_path)
    run_calmly(drive, client)
    control.rename_item(user, "/a.txt", "on its way")
    control.move_item(user, "/Documents/b.docx", "/", name="a.txt")
    control.move_item(user, "/on its way", "/Documents", name="b.docx")
    control.rename_item(user, "/Pictures", "PICTURES")
    control.move_item(user, "/Documents/2026/c.xlsx", "/Empty")
    control.put_file(user, "/Documents/2026/c.xlsx", b"another file of the same name")
    control.move_item(user, "/Documents/2026", "/Empty/Inner")
    control.make_folder(user, "/Documents/2026")
    assert run_calmly(drive, client).counts.fetched == 1


@pytest.mark.parametrize("seed", range(SEEDS))
def test_ten_misbehaviours_together_leave_nothing_unsaid_and_nothing_lost(
    tenant: RunningTenant, client: GraphClient, user: UserId, tmp_path: Path, seed: int
) -> None:
    control = tenant.control
    random_ = random.Random(seed)
    fill(control, user)
    drive = stored_drive(tenant, user, tmp_path)
    choice = [behaviour for behaviour in BEHAVIOURS if behaviour.item not in TOTAL]
    for _round in range(3):
        behaviours = random_.sample(choice, 10)
        for behaviour in behaviours:
            arm(tenant, user, behaviour, random_)
        run_honestly(drive, client, moves_on=any(behaviour.moves_on for behaviour in behaviours))
        calm(tenant, user)
        disturb(control, user, random_, 6)
    run_calmly(drive, client)
    tree = drive.tree
    assert run_calmly(drive, client).tree == tree


@pytest.mark.parametrize("seed", range(SEEDS))
def test_what_people_do_while_a_drive_is_read_is_in_the_next_run_at_the_latest(
    tenant: RunningTenant, client: GraphClient, user: UserId, tmp_path: Path, seed: int
) -> None:
    control = tenant.control
    fill(control, user)
    drive = stored_drive(tenant, user, tmp_path)
    for number in range(3):
        with ThreadPoolExecutor(1) as people:
            busy = people.submit(disturb, control, user, random.Random(f"{seed} {number}"), 12)
            drive.read(client)
            busy.result()
    run_calmly(drive, client)
