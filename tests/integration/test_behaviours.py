# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each misbehaviour of a mailbox alone, and ten at random together.

C(M365_TORTURE=20) tries twenty times as many seeds.
"""

from __future__ import annotations

import os
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import BackupError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.client import GraphClient
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.ids import UserId
from ansible_collections.tenantvault.m365_backup.tests.integration.behaviours import (
    BEHAVIOURS,
    ELSEWHERE,
    Behaviour,
    disturb,
    fill,
    run_calmly,
    run_honestly,
)
from ansible_collections.tenantvault.m365_backup.tests.integration.mailboxes import is_complete, stored_mailbox
from tenant.harness import RunningTenant

SEEDS = 4 * int(os.environ.get("M365_TORTURE", "1"))


def arm(tenant: RunningTenant, user: UserId, behaviour: Behaviour, random_: random.Random) -> None:
    control = tenant.control
    match = {"message": random_.choice(control.messages(user, "inbox"))["id"]} if behaviour.is_about_message else {}
    for fault in behaviour.faults:
        control.arm({"mailbox": user, **fault, "match": {**fault.get("match", {}), **match}})


def test_every_item_of_the_list_has_a_test() -> None:
    assert {behaviour.item for behaviour in BEHAVIOURS} | ELSEWHERE.keys() == set(range(1, 39))
    for place in ELSEWHERE.values():
        file, _colons, name = place.partition("::")
        assert " " in file or f"def {name or 'test_'}" in (Path(__file__).parent / file).read_text()


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=str)
def test_a_mailbox_that_behaves_like_this_is_read_right_or_says_what_is_missing(
    tenant: RunningTenant, client: GraphClient, user: UserId, tmp_path: Path, behaviour: Behaviour
) -> None:
    control = tenant.control
    fill(control, user)
    mailbox = stored_mailbox(tenant, user, tmp_path)
    random_ = random.Random(str(behaviour))
    for _round in range(2):
        arm(tenant, user, behaviour, random_)
        result = run_honestly(mailbox, client)
        if not behaviour.may_miss:
            assert not isinstance(result, BackupError)
            assert result.findings == ()
            assert is_complete(mailbox)
        control.disarm()
        run_calmly(mailbox, client)
        tree = mailbox.tree
        assert run_calmly(mailbox, client).tree == tree
        disturb(control, user, random_, 8)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_ten_misbehaviours_together_leave_nothing_unsaid_and_nothing_lost(
    tenant: RunningTenant, client: GraphClient, user: UserId, tmp_path: Path, seed: int
) -> None:
    control = tenant.control
    random_ = random.Random(seed)
    fill(control, user)
    mailbox = stored_mailbox(tenant, user, tmp_path)
    for _round in range(3):
        behaviours = random_.sample(BEHAVIOURS[:-4], 10)
        for behaviour in behaviours:
            arm(tenant, user, behaviour, random_)
        run_honestly(mailbox, client)
        control.disarm()
        disturb(control, user, random_, 6)
    run_calmly(mailbox, client)
    tree = mailbox.tree
    assert run_calmly(mailbox, client).tree == tree


@pytest.mark.parametrize("seed", range(SEEDS // 2))
def test_what_people_do_while_a_mailbox_is_read_is_in_the_next_run_at_the_latest(
    tenant: RunningTenant, client: GraphClient, user: UserId, tmp_path: Path, seed: int
) -> None:
    control = tenant.control
    fill(control, user)
    mailbox = stored_mailbox(tenant, user, tmp_path)
    for number in range(3):
        with ThreadPoolExecutor(1) as people:
            busy = people.submit(disturb, control, user, random.Random(f"{seed} {number}"), 12)
            mailbox.read(client)
            busy.result()
    run_calmly(mailbox, client)
