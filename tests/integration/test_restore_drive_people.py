# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restores into drives that give people their access and files their earlier versions again, and nobody a mail."""

from __future__ import annotations

import pytest

from ansible_collections.tenantvault.m365_backup.tests.integration.backups import Backup
from ansible_collections.tenantvault.m365_backup.tests.integration.drive_restores import TOP, DriveRestore, counts
from tenant.harness import RunningTenant

YEARS = (2020, 2021, 2022)


@pytest.fixture(scope="module")
def people(tenant: RunningTenant) -> dict[str, str]:
    return {name: tenant.control.add_user(f"{name}@{tenant.domain}") for name in ("reader", "editor", "leaver")}


@pytest.fixture(scope="module")
def backup(tenant: RunningTenant, people: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Backup:
    ann, control = f"ann@{tenant.domain}", tenant.control
    control.add_user(ann)
    control.create_drive(ann)
    for year in YEARS:
        control.put_file(ann, "/plan.bin", str(year).encode() * year, modified=f"{year}-02-01T10:20:30Z")
    control.put_file(ann, "/shared/inside.txt", b"inside")
    control.put_file(ann, "/link.txt", b"link")
    for path, name, role in (("/plan.bin", "reader", "read"), ("/plan.bin", "editor", "write"), ("/plan.bin", "leaver", "read")):
        control.share_item(ann, path, {"roles": [role], "grantedToV2": {"user": {"id": people[name], "displayName": name}}})
    control.share_item(ann, "/shared", {"roles": ["write"], "grantedToV2": {"user": {"id": people["editor"], "displayName": "editor"}}})
    control.share_item(
        ann, "/link.txt", {"roles": ["read"], "link": {"type": "view", "scope": "organization", "webUrl": "https://x.example/s"}}
    )
    backup = Backup(
        tenant=tenant, folder=tmp_path_factory.mktemp("drive"), users=(ann,), backup_type="onedrive", versions=5, permissions=True
    )
    backup.run()
    return backup


@pytest.fixture
def restore(backup: Backup, user: str) -> DriveRestore:
    backup.tenant.control.create_drive(user)
    return DriveRestore(backup=backup, member=backup.users[0], into=user, permissions=True, versions=True)


def access(restore: DriveRestore, path: str) -> dict[str, str]:
    """{user id: role} of those who were given access directly."""
    found = restore.backup.tenant.control.file(restore.into, path)["permissions"]
    given = [(each.get("grantedToV2", {}).get("user", {}).get("id"), each["roles"][0]) for each in found if "inheritedFrom" not in each]
    return {who: role for who, role in given if who and role != "owner"}


def test_people_get_their_access_again_and_nobody_gets_a_mail(restore: DriveRestore, people: dict[str, str]) -> None:
    predicted = restore.run(is_check=True)
    result = restore.run()
    assert counts(result) == counts(predicted) == {"restored": 3, "new_folders": 2, "shared": 4}
    assert (result.findings, [warning.split(" was")[0] for warning in result.warnings]) == ([], ["1 sharing link"])
    assert access(restore, f"/{TOP}/plan.bin") == {people["reader"]: "read", people["editor"]: "write", people["leaver"]: "read"}
    assert access(restore, f"/{TOP}/shared") == {people["editor"]: "write"}
    assert restore.backup.tenant.control.stats()["sharing_mails_sent"] == 0
    assert restore.run().is_changed is False


def test_who_lost_the_access_meanwhile_gets_it_again_by_another_start(restore: DriveRestore, people: dict[str, str]) -> None:
    control = restore.backup.tenant.control
    restore.run()
    for permission in control.file(restore.into, f"/{TOP}/plan.bin")["permissions"]:
        if permission.get("grantedToV2", {}).get("user", {}).get("id") == people["reader"]:
            control.unshare_item(restore.into, f"/{TOP}/plan.bin", permission["id"])
    assert counts(restore.run()) == {"unchanged": 3, "shared": 1}
    assert people["reader"] in access(restore, f"/{TOP}/plan.bin")


def test_earlier_versions_come_back_in_their_order_with_their_times(restore: DriveRestore) -> None:
    restore.run()
    control = restore.backup.tenant.control
    versions = control.file(restore.into, f"/{TOP}/plan.bin")["versions"]
    before = control.file(restore.member, "/plan.bin")["versions"]
    assert [version["size"] for version in versions] == [version["size"] for version in before]
    assert control.file(restore.into, f"/{TOP}/plan.bin")["modified"].startswith("2022-02-01T10:20:30")
    assert control.file_content(restore.into, f"/{TOP}/plan.bin") == b"2022" * 2022


def test_without_the_options_neither_comes_back(restore: DriveRestore) -> None:
    plain = DriveRestore(backup=restore.backup, member=restore.member, into=restore.into)
    assert counts(plain.run()) == {"restored": 3, "new_folders": 2}
    control = restore.backup.tenant.control
    assert (access(restore, f"/{TOP}/plan.bin"), len(control.file(restore.into, f"/{TOP}/plan.bin")["versions"])) == ({}, 1)


def test_people_whom_the_tenant_does_not_know_are_findings_and_all_others_are_invited(
    restore: DriveRestore, people: dict[str, str]
) -> None:
    control = restore.backup.tenant.control
    control.remove_user(people["leaver"])
    result = restore.run()
    assert [finding.object for finding in result.findings] == ["permission of leaver for file plan.bin"]
    assert access(restore, f"/{TOP}/plan.bin") == {people["reader"]: "read", people["editor"]: "write"}


@pytest.mark.parametrize("status", [403, 400])
def test_a_tenant_that_forbids_sharing_gets_its_files_and_says_who_has_no_access(restore: DriveRestore, status: int) -> None:
    control = restore.backup.tenant.control
    control.settings(drive_sharing_refusal=status)
    try:
        result = restore.run()
    finally:
        control.settings(drive_sharing_refusal=None)
    assert result.restored == 3
    assert len(result.findings) == 4
    assert all(finding.object.startswith("permission of ") for finding in result.findings)
