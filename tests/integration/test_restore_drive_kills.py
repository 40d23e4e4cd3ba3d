# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restores into drives that are killed at any moment, and started again until they come to their end: nothing twice, nothing half."""

from __future__ import annotations

import os
import random
import typing as t

import pytest

from ansible_collections.tenantvault.m365_backup.tests.integration import killed_drive_restore
from ansible_collections.tenantvault.m365_backup.tests.integration.backups import Backup
from ansible_collections.tenantvault.m365_backup.tests.integration.drive_restores import DriveRestore, drive_facts
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.killable import Warden
from tenant.harness import RunningTenant

KILLS = 6 * int(os.environ.get("M365_TORTURE", "1"))
OLD, OLDER = "2022-02-01T10:20:30Z", "2020-01-01T00:00:00Z"
VERSIONED = [f"/versions/{number}.bin" for number in range(6)]


@pytest.fixture(scope="module")
def warden() -> t.Iterator[Warden]:
    warden = Warden(killed_drive_restore.__file__)
    yield warden
    warden.close()


@pytest.fixture(scope="module")
def backup(tenant: RunningTenant, tmp_path_factory: pytest.TempPathFactory) -> Backup:
    ann, control = f"ann@{tenant.domain}", tenant.control
    control.add_user(ann)
    control.create_drive(ann)
    for number in range(60):
        suffix = "docx" if number % 3 == 0 else "bin"
        control.put_file(ann, f"/folder {number % 5}/below/{number}.{suffix}", bytes([number]) * 100 * number, created=OLDER, modified=OLD)
    for number in range(2):
        control.put_file(ann, f"/large/{number}.bin", seed=number, size=25 << 20, created=OLDER, modified=OLD)
    for path in VERSIONED:
        for year in (2020, 2021, 2022):
            control.put_file(ann, path, str(year).encode() * 500, created=OLDER, modified=f"{year}-02-01T10:20:30Z")
        control.share_item(
            ann, path, {"roles": ["read"], "grantedToV2": {"user": {"id": control.add_user(f"r{path[10]}@{tenant.domain}")}}}
        )
    for line in reversed(control.drive_listing(ann)):
        if line["kind"] == "folder" and line["path"] != "/":
            control.make_folder(ann, line["path"], created=OLDER, modified=OLD)
    options: dict[str, t.Any] = {"backup_type": "onedrive", "versions": 5, "permissions": True}
    backup = Backup(tenant=tenant, folder=tmp_path_factory.mktemp("kills"), users=(ann,), **options)
    backup.run()
    return backup


def test_inv02_a_restore_that_is_killed_again_and_again_gets_through_and_makes_nothing_twice(
    backup: Backup, warden: Warden, user: str
) -> None:
    control, ann = backup.tenant.control, backup.users[0]
    control.create_drive(user)
    control.settings(drive_enriches=True)
    restore = DriveRestore(backup=backup, member=ann, into=user, permissions=True, versions=True)
    chance = random.Random(20261123)
    control.set_latency(15)
    killed = 0
    while killed < KILLS and warden.do(killed_drive_restore.job_of(restore), lives=chance.uniform(0.4, 1.2)).was_killed:
        killed += 1
    control.set_latency(0)
    result = restore.run()
    assert (killed > KILLS // 2, result.findings) == (True, [])
    control.expire_upload_sessions()
    assert restore.run().findings == []

    wanted, there = drive_facts(backup, ann), restore.there()
    assert there.keys() == wanted.keys()
    rewritten = {path for path in wanted if path.endswith(".docx")}
    assert {path: facts for path, facts in there.items() if path not in rewritten} == {
        path: facts for path, facts in wanted.items() if path not in rewritten
    }
    assert {path: there[path][-2:] for path in rewritten} == {path: wanted[path][-2:] for path in rewritten}
    for path in VERSIONED:
        versions = control.file(user, f"/Restored{path}")["versions"]
        assert [version["size"] for version in versions] == [2000, 2000, 2000]
        assert len(control.file(user, f"/Restored{path}")["permissions"]) == len(control.file(ann, path)["permissions"])
    assert control.stats()["sharing_mails_sent"] == 0
    assert restore.run().is_changed is False
