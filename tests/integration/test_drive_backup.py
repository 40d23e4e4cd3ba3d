# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs of a plan of drives: users who have none, drives that are locked, runs that are killed, and what a file leaves besides itself."""

from __future__ import annotations

import json
import typing as t
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.drive_reader import read_drive
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.drive_state import folder_records
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.engine import preview_plan, run_plan
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.results import Outcome, RunResult
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.client import GraphClient
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.ids import UserId
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.resolve import resolve_members
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.trees import find_node
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import TreeId
from ansible_collections.tenantvault.m365_backup.tests.integration.backups import Backup, now
from ansible_collections.tenantvault.m365_backup.tests.integration.drives import StoredDrive, is_complete, stored_drive
from tenant.harness import RunningTenant

MISSING = ("no_mysite", "file_not_found", "file_not_found_unknown", "no_mysite_url", "app_only", "no_licence")
_MIB = 1 << 20


class Killed(Exception):
    """The process is gone."""


def run_at(backup: Backup, client: GraphClient, moment: datetime, execute: t.Callable[..., RunResult] = run_plan) -> RunResult:
    members = resolve_members(client, backup.plan).members
    more = {"hostname": "backup-host"} if execute is run_plan else {}
    return execute(backup.plan, members, client, backup.repository(), run_id="run", now=lambda: moment, **more)


def drive_requests(tenant: RunningTenant) -> list[str]:
    """What was asked of drives since the last call."""
    found = [str(line["operation"]) for line in tenant.control.requests() if str(line.get("operation")).startswith("drive")]
    tenant.control.reset_log()
    return found


@pytest.mark.parametrize("shape", MISSING)
def test_a_user_without_a_drive_is_no_failure_and_is_asked_about_once_a_day(
    tenant: RunningTenant, client: GraphClient, user: UserId, tmp_path: Path, shape: str
) -> None:
    control, start = tenant.control, now() - timedelta(days=9)
    control.set_drive_state(user, shape)
    backup = Backup(tenant=tenant, folder=tmp_path, users=(user,), backup_type="onedrive")
    first = run_at(backup, client, start)
    [source] = first.members[0].sources
    assert (first.outcome, source.availability.startswith("no_"), source.findings) == (Outcome.COMPLETE, True, ())
    assert any("no OneDrive" in warning for warning in first.warnings)
    drive_requests(tenant)
    assert not run_at(backup, client, start + timedelta(hours=12), preview_plan).is_changed
    second = run_at(backup, client, start + timedelta(hours=12))
    assert (second.is_changed, second.members[0].sources[0].availability, drive_requests(tenant)) == (False, source.availability, [])
    control.create_drive(user)
    control.set_drive_state(user, "ok")
    control.put_file(user, "/a.txt", b"a")
    third = run_at(backup, client, start + timedelta(hours=24))
    assert (third.counts.added, third.members[0].sources[0].availability) == (1, "")


def test_a_drive_that_is_still_missing_after_a_day_is_asked_about_and_that_alone_leaves_no_snapshot(
    tenant: RunningTenant, client: GraphClient, user: UserId, tmp_path: Path
) -> None:
    backup, start = Backup(tenant=tenant, folder=tmp_path, users=(user,), backup_type="onedrive"), now() - timedelta(days=9)
    run_at(backup, client, start)
    for hours in (24, 48):
        foreseen = run_at(backup, client, start + timedelta(hours=hours), preview_plan)
        drive_requests(tenant)
        done = run_at(backup, client, start + timedelta(hours=hours))
        assert (foreseen.is_changed, done.is_changed, done.snapshot_id) == (False, False, None)
        assert len(drive_requests(tenant)) == 1


@pytest.mark.parametrize("shape", ["locked", "locked_resource", "no_mysite"])
def test_a_drive_that_is_stored_and_can_no_longer_be_read_is_a_failure_and_keeps_what_is_stored(
    tenant: RunningTenant, client: GraphClient, user: UserId, tmp_path: Path, shape: str
) -> None:
    control, start = tenant.control, now() - timedelta(days=9)
    control.create_drive(user)
    control.put_file(user, "/a.txt", b"a")
    backup = Backup(tenant=tenant, folder=tmp_path, users=(user,), backup_type="onedrive")
    run_at(backup, client, start)
    control.set_drive_state(user, shape)
    moment = start + timedelta(hours=1)
    foreseen, barred = run_at(backup, client, moment, preview_plan), run_at(backup, client, moment)
    assert (foreseen.outcome, barred.outcome, len(barred.members[0].sources[0].findings)) == (Outcome.FAILED, Outcome.FAILED, 1)
    control.set_drive_state(user, "ok")
    control.put_file(user, "/b.txt", b"b")
    again = run_at(backup, client, start + timedelta(hours=48))
    assert (again.counts.total, again.counts.added, again.counts.fetched) == (2, 1, 1)


@pytest.mark.parametrize("shape", ["locked", "locked_resource"])
def test_a_drive_that_was_locked_from_the_start_is_said_to_be_so_and_asked_for_by_each_run(
    tenant: RunningTenant, client: GraphClient, user: UserId, tmp_path: Path, shape: str
) -> None:
    control, start = tenant.control, now() - timedelta(days=9)
    control.create_drive(user)
    control.put_file(user, "/a.txt", b"a")
    control.set_drive_state(user, shape)
    backup = Backup(tenant=tenant, folder=tmp_path, users=(user,), backup_type="onedrive")
    barred = run_at(backup, client, start)
    assert (barred.outcome, barred.members[0].sources[0].availability) == (Outcome.COMPLETE, "drive_locked")
    assert any("locked" in warning for warning in barred.warnings)
    control.set_drive_state(user, "ok")
    assert run_at(backup, client, start + timedelta(hours=1)).counts.added == 1


def test_a_run_that_is_killed_leaves_a_checkpoint_from_which_nothing_is_fetched_twice(
    tenant: RunningTenant, client: GraphClient, user: UserId, tmp_path: Path
) -> None:
    control = tenant.control
    control.create_drive(user)
    for number in range(12):
        control.put_file(user, f"/folder {number % 3}/{number}.bin", seed=number, size=4 * _MIB)
    drive = stored_drive(tenant, user, tmp_path)
    offered: list[TreeId] = []

    with drive.repository.writing(hostname="backup-host") as writer:

        def killed(tree: TreeId) -> None:
            writer.flush()
            offered.append(tree)
            if len(offered) == 2:
                raise Killed

        with pytest.raises(Killed):
            read_drive(client, user, writer, None, now=now(), offer=killed)
    drive.tree = offered[-1]
    tenant.control.reset_log()
    drive.read(client)
    assert is_complete(drive)
    assert len(drive_downloads(tenant)) <= 12 - 8
    assert find_node(drive.repository, _tree(drive), (".m365", "fetched")) is None


def test_a_drive_without_changes_costs_one_request(tenant: RunningTenant, client: GraphClient, user: UserId, tmp_path: Path) -> None:
    control = tenant.control
    control.create_drive(user)
    control.generate_files(user, 50, size=100, folders=5)
    drive = stored_drive(tenant, user, tmp_path)
    drive.read(client)
    tree = drive.tree
    drive_requests(tenant)
    assert drive.read(client).tree == tree
    assert drive_requests(tenant) == ["drive_delta"]
    assert not drive.preview(client).is_changed


def test_versions_and_permissions_lie_beside_a_file(tenant: RunningTenant, client: GraphClient, user: UserId, tmp_path: Path) -> None:
    control = tenant.control
    control.create_drive(user)
    for content in (b"one", b"two", b"three"):
        control.put_file(user, "/Shared/plan.txt", content)
    control.share_item(user, "/Shared", {"roles": ["read"], "grantedToV2": {"user": {"id": "1", "displayName": "Bob"}}})
    drive = stored_drive(tenant, user, tmp_path, versions=5, permissions=True)
    drive.read(client)
    [record] = drive.records().values()
    assert [_content(drive, one["file"]) for one in record["versions"]] == [b"two", b"one"]
    [folder] = [one for one in folder_records(drive.repository, _tree(drive)) if one["name"] == "Shared"]
    assert [one["roles"] for one in json.loads(_content(drive, folder["permissions"]))] == [["read"]]
    permission = control.share_item(user, "/Shared", {"roles": ["write"], "grantedToV2": {"user": {"id": "2", "displayName": "Eve"}}})
    drive.read(client)
    [folder] = [one for one in folder_records(drive.repository, _tree(drive)) if one["name"] == "Shared"]
    assert len(json.loads(_content(drive, folder["permissions"]))) == 2
    control.unshare_item(user, "/Shared", permission)
    drive.read(client)
    assert len(json.loads(_content(drive, folder["permissions"]))) == 1


def drive_downloads(tenant: RunningTenant) -> list[str]:
    return [str(line["operation"]) for line in tenant.control.requests() if line.get("operation") == "drive_download"]


def _tree(drive: StoredDrive) -> TreeId:
    assert drive.tree is not None
    return drive.tree


def _content(drive: StoredDrive, path: str) -> bytes:
    node = find_node(drive.repository, _tree(drive), tuple(path.split("/")))
    assert node is not None
    return b"".join(drive.repository.read_file(node))
