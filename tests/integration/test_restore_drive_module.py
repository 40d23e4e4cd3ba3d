# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restores into drives as an administrator asks for them, through ansible-playbook."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.tests.integration.playbook import Playbook, Task
from tenant.harness import RunningTenant

ALICE, BOB = "alice@contoso.com", "bob@contoso.com"


@pytest.fixture
def playbook(tenant: RunningTenant, tmp_path: Path) -> Playbook:
    control = tenant.control
    control.reset()
    for user in (ALICE, BOB):
        control.add_user(user)
        control.create_drive(user)
    for number in range(3):
        control.put_file(ALICE, f"/Documents/{number}.txt", b"x" * number, modified="2024-01-01T00:00:00Z")
    return Playbook(tenant=tenant, folder=tmp_path)


def restore(playbook: Playbook, **options: t.Any) -> Task:
    return playbook.task("m365_backup_restore", plan="drives", member=ALICE, **options)


def test_inv09_a_drive_goes_into_another_one_and_again_nothing_and_a_mailbox_takes_no_files(playbook: Playbook) -> None:
    plan = playbook.task(
        "m365_group_backup_plan", title="Drives", users=[ALICE], backup_type="onedrive", repository=str(playbook.repository)
    )
    task = restore(playbook, target_drive=BOB)
    tasks = [
        plan,
        playbook.task("m365_backup_run", plan="drives"),
        {**task, "check_mode": True},
        task,
        task,
        restore(playbook, target_mailbox=BOB),
        restore(playbook, target_drive=BOB, sources=["mail"]),
        restore(playbook, target_drive="nobody@contoso.com"),
    ]
    _plan, run, check, first, second, mailbox, mail, nobody = playbook.run(*tasks).answers
    assert run["failed"] is False, run
    assert [answer["changed"] for answer in (check, first, second)] == [True, True, False], [check, first, second]
    assert (check["restored"], first["restored"], first["new_folders"], second["unchanged"]) == (3, 3, 2, 3)
    assert check["estimate"]["items"] == 3
    assert check["estimate"]["resource_units"] > 12
    assert first["target"].startswith(f"Restored {ALICE} 20")
    listing = {line["path"] for line in playbook.tenant.control.drive_listing(BOB)}
    assert {path.split("/", 2)[2] for path in listing if path.count("/") > 1} == {"Documents", *(f"Documents/{n}.txt" for n in range(3))}
    assert "target_drive" in mailbox["msg"]
    assert "target_mailbox" in mail["msg"]
    assert "OneDrive to restore into" in nobody["msg"]
