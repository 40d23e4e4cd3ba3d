# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who joins and who leaves, as an administrator sees it who applies a plan, runs it and changes it: real tasks and runs."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.tests.integration.playbook import Playbook, Task
from tenant.harness import RunningTenant, running_tenant

MODULE = "m365_group_backup_plan"


@pytest.fixture(scope="module")
def tenant() -> t.Iterator[RunningTenant]:
    with running_tenant() as running:
        for name in ("alice", "bob", "carol", "dave"):
            running.control.add_user(f"{name}@{running.domain}", display_name=name.capitalize())
            running.control.deliver_generated(f"{name}@{running.domain}", 1)
        running.control.add_group("Contractors")
        running.control.add_member("Contractors", f"dave@{running.domain}")
        yield running


@pytest.fixture
def playbook(tenant: RunningTenant, tmp_path: Path) -> Playbook:
    return Playbook(tenant=tenant, folder=tmp_path)


def plan_task(playbook: Playbook, *, check_mode: bool = False, diff: bool = False, **options: t.Any) -> Task:
    declared = {"title": "Sales", "backup_type": "mailbox", "repository": str(playbook.repository), **options}
    return playbook.task(MODULE, check_mode=check_mode, diff=diff, **declared)


def test_joiners_leavers_and_those_left_out_are_told_and_a_loss_has_to_be_confirmed(playbook: Playbook) -> None:
    domain = playbook.tenant.domain
    listed = playbook.folder / "users.csv"
    listed.write_text(f"Display name;User principal name\nAlice;alice@{domain}\nBob;bob@{domain}\nDave;dave@{domain}\n", encoding="utf-8")
    wide: Task = {
        "users_csv": str(listed),
        "users": [f"carol@{domain}"],
        "exclude": {"groups": ["Contractors"]},
        "leavers": {"policy": "expire_after_days", "days": 90},
        "schedule": {"every": "daily", "window": {"start": "20:00", "end": "06:00"}, "spread_minutes": 30},
    }
    narrow: Task = {"users": [f"{name}@{domain}" for name in ("alice", "dave")], "retention": {"keep_daily": 7}}
    run = playbook.task("m365_backup_run", plan="Sales", workers=1)
    applied, ran, unconfirmed, previewed, confirmed, again = playbook.run(
        plan_task(playbook, **wide),
        run,
        plan_task(playbook, check_mode=True, **narrow),
        plan_task(playbook, check_mode=True, diff=True, confirm=["member_loss", "shorter_retention"], **narrow),
        plan_task(playbook, diff=True, confirm=["member_loss", "shorter_retention"], **narrow),
        plan_task(playbook, confirm=["member_loss"], **narrow),
    ).answers
    assert applied["plan"]["users"] == [f"{name}@{domain}" for name in ("alice", "bob", "carol", "dave")]
    assert [member["display_name"] for member in applied["members"]] == ["Alice", "Bob", "Carol"]
    assert applied["joiners"] == applied["members"]
    assert [(user["display_name"], user["reason"], user["by"]) for user in applied["left_out"]] == [
        ("Dave", "excluded", ["group Contractors"])
    ]
    assert applied["schedule"]["explanation"].startswith("every day at 20:")
    assert not ran["failed"]
    assert unconfirmed["failed"]
    assert not unconfirmed["changed"]
    assert [each["word"] for each in unconfirmed["needs_confirmation"]] == ["member_loss", "shorter_retention"]
    assert "add confirm: [member_loss, shorter_retention] to this task" in unconfirmed["msg"]
    assert previewed["diff"] == confirmed["diff"]
    assert confirmed["diff"]["after"]["members"] == [f"{name}@{domain}" for name in ("alice", "dave")]
    assert len(confirmed["diff"]["before"]["restore_points"]) == 1
    assert [member["display_name"] for member in confirmed["joiners"]] == ["Dave"]
    assert [(member["principal_name"], member["reason"]) for member in confirmed["leavers"]] == [
        (f"{name}@{domain}", "not_selected") for name in ("bob", "carol")
    ]
    assert confirmed["seats"]["plans"] == {"sales": {"used": 2, "in_several_plans": 0, "free": 0, "leavers": 2}}
    assert "it covers 2 members, 1 of them new; 2 members left." in confirmed["msg"]
    assert [previewed["changed"], confirmed["changed"], again["changed"]] == [True, True, False]
