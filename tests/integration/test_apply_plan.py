# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Applying random plans, in this process but with the real directory, store and repositories."""

from __future__ import annotations

import datetime
import shutil
import tempfile
import typing as t
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import BackupError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.backed_up import StoredBackups, with_reasons
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.client import GraphClient, connect
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.apply import apply_plan
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.apply_found import Host
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.document import plan_from_dict
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.guards import Guard
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.passphrase import UNENCRYPTED_PASSPHRASE
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.presentation import applied_result
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.store import PlanStore
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.keys import KdfParameters
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import create_repository
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_local import LocalStorage
from ansible_collections.tenantvault.m365_backup.tests.integration.backups import Backup
from ansible_collections.tenantvault.m365_backup.tests.integration.graph_tenant import settings_for
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.plan.strategies import (
    leaver_policies,
    retention_declarations,
    schedules,
)
from tenant.harness import RunningTenant, running_tenant

PASSPHRASE = "a passphrase of the tests that is long enough to be one"

ENCRYPTED, OPEN = {"enabled": True}, {"enabled": False}
places = st.sampled_from(
    [("/one/repository", ENCRYPTED)] * 8
    + [("/other", ENCRYPTED), ("/open", OPEN), ("/missing", ENCRYPTED), ("/locked", ENCRYPTED), ("/one/repository", OPEN)]
)
people = st.lists(st.sampled_from(["alice", "bob", "carol", "dave"]), max_size=3)
groups = st.sampled_from([["Sales"], ["Sales", "Field"], ["sales", "Empty"], ["Field"], ["Unknown"]])
declarations = st.builds(
    lambda declared, place: {**declared, "repository": place[0], "encryption": place[1]},
    st.fixed_dictionaries(
        {"title": st.sampled_from(["Group"] * 4 + ["Group!", "Growth"]), "groups": groups, "users": people},
        optional={
            "name": st.sampled_from(["group", "group", "growth"]),
            "schedule": schedules,
            "retention": retention_declarations,
            "leavers": leaver_policies,
            "max_member_loss_percent": st.sampled_from([20, 50, 100]),
            "exclude": st.fixed_dictionaries({}, optional={"users": st.just(["dave"]), "groups": st.just(["Field"])}),
            "licensed_only": st.booleans(),
        },
    ),
    places,
).flatmap(
    lambda declared: st.sampled_from(["mailbox"] * 5 + ["onedrive"]).map(lambda backup_type: {**declared, "backup_type": backup_type})
)
everything = frozenset(guard.value for guard in Guard)
words = st.just(everything) | st.frozensets(st.sampled_from(sorted(everything)))


class World(t.NamedTuple):
    """A tenant, and a folder with repositories that are quick to open: one with three restore points of the plan C(group).

    They are older than C(now).
    """

    tenant: RunningTenant
    template: Path
    now: datetime.datetime

    def log_in(self) -> GraphClient:
        return connect(settings_for(self.tenant))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[World]:
    folder = tmp_path_factory.mktemp("repositories")
    with running_tenant() as tenant:
        people = {name: f"{name}@{tenant.domain}" for name in ("alice", "bob", "carol", "dave", "erin")}
        for address in people.values():
            tenant.control.add_user(address)
        for group, members in (("Sales", ("alice", "bob", "carol")), ("Field", ("dave",)), ("Empty", ())):
            tenant.control.add_group(group)
            for member in members:
                tenant.control.add_member(group, people[member])
        backup = Backup(tenant=tenant, folder=folder / "one", users=tuple(people.values()), title="Group")
        (folder / "one").mkdir()
        for name in ("alice", "bob", "carol"):
            tenant.control.deliver_generated(people[name], 1, folder="inbox")
            backup.run()
        tenant.control.remove_user(people["erin"])
        for name, passphrase in (("other", PASSPHRASE), ("open", UNENCRYPTED_PASSPHRASE), ("locked", f"{PASSPHRASE} of others")):
            (folder / name).mkdir()
            create_repository(LocalStorage(folder / name), passphrase, kdf=KdfParameters(n=2**10))
        yield World(tenant, folder, datetime.datetime.now(datetime.timezone.utc))


@settings(max_examples=20)
@given(current=declarations, wanted=declarations, confirmed=words)
def test_inv09_check_mode_says_what_the_real_run_does(
    world: World, current: dict[str, t.Any], wanted: dict[str, t.Any], confirmed: frozenset[str]
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(world.template, folder, dirs_exist_ok=True)
        outcome(world, folder, current, everything, check_mode=False)
        before = contents(folder)
        preview = outcome(world, folder, wanted, confirmed, check_mode=True)
        assert contents(folder) == before
        real = outcome(world, folder, wanted, confirmed, check_mode=False)
        assert preview == real
        if isinstance(real, dict):
            assert real["changed"] == (contents(folder) != before)
            again = outcome(world, folder, wanted, confirmed, check_mode=False)
            assert again["changed"] is False
            assert again["diff"]["before"] == again["diff"]["after"]
        else:
            assert contents(folder) == before


def test_guards_stop_before_anything_is_written_until_they_are_confirmed(world: World, tmp_path: Path) -> None:
    shutil.copytree(world.template, tmp_path, dirs_exist_ok=True)
    everybody = ["alice", "bob", "carol", "dave"]
    declared = {"title": "Group", "users": everybody, "backup_type": "mailbox", "repository": "/one/repository", "encryption": {}}
    first = outcome(world, tmp_path, declared, (), check_mode=False)
    assert [(one["principal_name"], one["reason"]) for one in first["leavers"]] == [(f"erin@{world.tenant.domain}", "deleted")]
    assert (first["joiners"], first["former"], first["estimate"]) == ([], [], None)
    assert first["seats"]["plans"] == {"group": {"used": 4, "in_several_plans": 0, "free": 0, "leavers": 1}}
    assert [len(first["diff"][side]["members"]) for side in ("before", "after")] == [5, 4]
    before = contents(tmp_path)
    for change, confirmed, sentence in (
        ({"users": everybody[:1]}, "member_loss", "would lose 4 of 5 members (80.0 %; max_member_loss_percent is 20): bob@"),
        ({"retention": {"keep_last": 1}}, "shorter_retention", "Of its 3 restore points the next prune would remove 2"),
        ({"repository": "/other"}, "orphaned_data", "Plan 'group' has 3 restore points in "),
        ({"backup_type": "onedrive"}, "orphaned_data", "are of type mailbox, which would not be backed up"),
        ({"repository": "/open", "encryption": {"enabled": False}}, "encryption_off", "Plan 'group' was encrypted"),
    ):
        for check_mode in (True, False):
            refused = outcome(world, tmp_path, {**declared, **change}, {"other"}, check_mode=check_mode)
            assert sentence in refused
            assert confirmed in refused[refused.index("add confirm: [") :]
            assert contents(tmp_path) == before
    (tmp_path / "state" / "plans" / "group.json").unlink()
    forgotten = outcome(world, tmp_path, {**declared, "backup_type": "onedrive"}, (), check_mode=True)
    assert "are of type mailbox, which would not be backed up" in forgotten
    assert not outcome(world, tmp_path, declared, (), check_mode=False)["joiners"]
    shorter = outcome(world, tmp_path, {**declared, "retention": {"keep_last": 1}}, {"shorter_retention"}, check_mode=False)
    assert (shorter["retention"]["snapshots_kept"], shorter["retention"]["snapshots_removed"]) == (1, 2)
    assert [len(shorter["diff"][side]["restore_points"]) for side in ("before", "after")] == [3, 1]
    fewer = outcome(world, tmp_path, {**declared, "retention": {"keep_last": 1}, "users": everybody[:1]}, {"member_loss"}, check_mode=False)
    assert {one["reason"] for one in fewer["leavers"]} == {"not_selected", "deleted"}
    assert any("run it once with confirm: [member_loss]" in warning for warning in fewer["warnings"])


def test_a_repository_that_cannot_be_looked_into_counts_as_one_with_restore_points(world: World, tmp_path: Path) -> None:
    shutil.copytree(world.template, tmp_path, dirs_exist_ok=True)
    declared = {"title": "Group", "groups": ["Sales"], "backup_type": "mailbox", "encryption": {}}
    outcome(world, tmp_path, {**declared, "repository": "/other"}, (), check_mode=False)
    moved = {**declared, "repository": "/missing"}
    (tmp_path / "other").rename(tmp_path / "unmounted")
    itself = outcome(world, tmp_path, {**declared, "repository": "/unmounted"}, (), check_mode=True)
    assert [change["option"] for change in itself["changes"]] == ["repository"]
    assert not any("moves to the repository" in warning for warning in itself["warnings"])
    refused = outcome(world, tmp_path, moved, (), check_mode=False)
    assert "could not be found out. Plan 'group' was applied with a repository at" in refused
    assert outcome(world, tmp_path, moved, {"orphaned_data"}, check_mode=False)["changed"]


def outcome(world: World, folder: Path, declaration: dict[str, t.Any], confirmed: t.Collection[str], *, check_mode: bool) -> t.Any:
    """What an administrator sees, but for what check mode cannot know and the time, or the sentence of the error."""
    try:
        plan = plan_from_dict({**_with_domain(declaration, world.tenant.domain), "repository": f"{folder}{declaration['repository']}"})
        host = Host(
            store=PlanStore(folder / "state"),
            passphrase_of=lambda plan: PASSPHRASE if plan.encryption.enabled else UNENCRYPTED_PASSPHRASE,
            connect=world.log_in,
            backups=StoredBackups(),
            with_reasons=with_reasons,
            now=lambda: world.now,
        )
        applied = apply_plan(plan, host, is_name_derived="name" not in declaration, check_mode=check_mode, confirmed=confirmed)
    except BackupError as error:
        return str(error)
    result = applied_result(applied, check_mode=check_mode, diff=True)
    for unknown in ("msg", "repository"):
        del result[unknown]
    return {**result, "warnings": applied.warnings, "estimate": applied.estimate}


def _with_domain(declaration: dict[str, t.Any], domain: str) -> dict[str, t.Any]:
    """The declaration with sign-in names of the tenant for the names of people."""
    declared = {**declaration, "users": [f"{name}@{domain}" for name in declaration.get("users", ())]}
    return {**declared, "exclude": _with_domain(declaration["exclude"], domain)} if "exclude" in declaration else declared


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
