# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who joins and leaves a plan between its runs, as an administrator sees it, and what becomes of the backups of those who left."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.leavers import find_departures
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.roster import KnownMember, LeftReason
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.selection import Resolution
from ansible_collections.tenantvault.m365_backup.tests.integration.backups import needs_restic, open_at
from ansible_collections.tenantvault.m365_backup.tests.integration.graph_tenant import connected
from ansible_collections.tenantvault.m365_backup.tests.integration.playbook import Answer, Playbook, Task
from ansible_collections.tenantvault.m365_backup.tests.integration.stored_plan import declare
from ansible_collections.tenantvault.m365_backup.tests.integration.test_prune_module import restic
from tenant.harness import RunningTenant, running_tenant
from tenant.tokens import DEFAULT_ROLES

PEOPLE = ("alice", "bob", "carol", "dora", "eve")


@pytest.fixture(scope="module")
def tenant() -> t.Iterator[RunningTenant]:
    with running_tenant() as running:
        for name in (*PEOPLE, "gus"):
            running.control.add_user(f"{name}@{running.domain}", object_id=object_id(name))
            running.control.deliver_generated(f"{name}@{running.domain}", 2, seed=len(name))
        running.control.add_groups({"Sales": [object_id(name) for name in PEOPLE], "Field": [object_id("gus")]})
        yield running


@pytest.fixture
def playbook(tenant: RunningTenant, tmp_path: Path) -> Playbook:
    return Playbook(tenant=tenant, folder=tmp_path)


def object_id(name: str) -> str:
    return f"00000000-0000-4000-8000-{name.encode().hex():0>12}"


def run_task(playbook: Playbook, **options: t.Any) -> Task:
    return playbook.task("m365_backup_run", plan="sales", **options)


def prune_task(playbook: Playbook, **options: t.Any) -> Task:
    return playbook.task("m365_backup_prune", plan="sales", **options)


def reasons(answer: Answer, key: str) -> dict[str, str]:
    return {person["principal_name"].partition("@")[0]: person["reason"] for person in answer[key]}


def names(answer: Answer, key: str) -> list[str]:
    return [person["principal_name"].partition("@")[0] for person in answer[key]]


def files(folder: Path) -> dict[str, int]:
    """Without what only says that a run was begun and refused."""
    found = (path for path in folder.rglob("*") if path.is_file() and path.name != ".lock" and path.parts[-3] != "tasks")
    return {str(path): path.stat().st_mtime_ns for path in found}


@needs_restic
def test_members_come_and_go_and_nobody_is_dropped_in_silence(playbook: Playbook, tenant: RunningTenant) -> None:
    control, domain = tenant.control, tenant.domain
    declare(playbook, groups=["Sales", "Field"])
    (first,) = playbook.run(run_task(playbook)).answers
    assert (sorted(names(first, "joiners")), first["leavers"], first["former"]) == ([*PEOPLE, "gus"], [], [])
    assert {(member["kind"], member["is_blocked"], member["is_licensed"]) for member in first["members"]} == {("user", False, True)}

    # Two of six is more than a fifth, and nothing is written until somebody says that it is meant.
    control.remove_member("Sales", object_id("bob"))
    control.remove_user(object_id("carol"))
    before = files(playbook.folder / "repository") | files(playbook.state_path)
    refused, refused_in_check, foreseen = playbook.run(
        run_task(playbook), run_task(playbook, check_mode=True), run_task(playbook, check_mode=True, confirm=["member_loss"])
    ).answers
    for answer in (refused, refused_in_check):
        assert "would lose 2 of 6 members (33.3 %; max_member_loss_percent is 20)" in answer["msg"], answer["msg"]
        assert "add confirm: [member_loss] to this task" in answer["msg"]
        assert answer["failed"]
    assert files(playbook.folder / "repository") | files(playbook.state_path) == before
    (second,) = playbook.run(run_task(playbook, confirm=["member_loss"])).answers
    assert reasons(foreseen, "leavers") == reasons(second, "leavers") == {"bob": "not_selected", "carol": "deleted"}
    assert (foreseen["changed"], second["changed"], second["outcome"]) == (True, True, "complete")
    assert [bool(person["deleted"]) for person in sorted(second["leavers"], key=lambda one: str(one["principal_name"]))] == [False, True]
    assert (
        f"2 left, and what is stored of them stays: bob@{domain} (no longer selected), carol@{domain} (deleted in Entra)." in second["msg"]
    )

    # Who comes back goes on from what is stored; of deleted ones it is asked again what became of them, of others not.
    control.add_member("Sales", object_id("bob"))
    control.purge_user(object_id("carol"))
    control.update_user(object_id("dora"), accountEnabled=False)
    (third,) = playbook.run(run_task(playbook)).answers
    assert (names(third, "joiners"), third["leavers"], reasons(third, "former")) == (["bob"], [], {"carol": "purged"})
    assert third["counts"]["fetched"] == 0
    assert [member["principal_name"] for member in third["members"] if member["is_blocked"]] == [f"dora@{domain}"]

    # One of five is not too many, but a group that is empty all at once is suspicious.
    control.remove_member("Field", object_id("gus"))
    (emptied,) = playbook.run(run_task(playbook)).answers
    assert "nobody is in 'Field' any more" in emptied["msg"]

    # A group that is gone makes the run partial; the members that it had stay members.
    control.add_member("Field", object_id("gus"))
    control.remove_group("Field")
    (unknown,) = playbook.run(run_task(playbook)).answers
    assert (unknown["failed"], unknown["outcome"], len(unknown["unresolved"])) == (True, "partial", 1)
    assert "'Field'" in unknown["unresolved"][0]
    assert "1 entry of the plan means nobody any more" in unknown["msg"]
    assert "gus" in names(unknown, "members")

    # Former members go by hand, as check mode says.
    preview, removed, last = playbook.run(
        prune_task(playbook, remove_members=[f"carol@{domain}"], check_mode=True, diff=True),
        prune_task(playbook, remove_members=[f"carol@{domain}"], diff=True),
        run_task(playbook, fail_on_partial=False),
    ).answers
    for fact in ("changed", "members_removed", "snapshots", "bytes_freed", "bytes_rewritten", "diff"):
        assert preview[fact] == removed[fact], fact
    (carol,) = removed["members_removed"]
    assert (carol["principal_name"], carol["cause"], carol["reason"]) == (f"carol@{domain}", "by_hand", "purged")
    assert carol["restore_points"] == removed["snapshots_kept"] >= 3
    listed = restic(playbook, "ls", "latest", "--tag", "plan:sales")
    assert f"/alice@{domain}/mail" in listed
    assert "carol" not in restic(playbook, "find", "carol*")
    restic(playbook, "check", "--read-data")
    assert (last["changed"], last["former"]) == (False, [])
    assert last["restore_point"] in {snapshot.first_id for snapshot in open_at(playbook.repository).snapshots()}


def test_an_app_that_may_not_look_at_users_leaves_the_reason_open(tenant: RunningTenant) -> None:
    known = [KnownMember(id=object_id(name), principal_name=name, display_name=name, via=("group Sales",)) for name in ("alice", "eve")]
    nobody = Resolution(members=(), warnings=(), empty_groups=())
    with connected(tenant) as client:
        found = find_departures(client, known, nobody)
    assert {departure.reason for departure in found.by_id.values()} == {LeftReason.NOT_SELECTED}
    tenant.control.set_roles(tenant.client_id, ["GroupMember.Read.All"])
    try:
        with connected(tenant) as client:
            denied = find_departures(client, known, nobody)
    finally:
        tenant.control.set_roles(tenant.client_id, list(DEFAULT_ROLES))
    assert not denied.by_id
    assert "Why alice, eve left the plan is not known." in denied.warnings[0]
    assert "User.Read.All" in denied.warnings[0]
