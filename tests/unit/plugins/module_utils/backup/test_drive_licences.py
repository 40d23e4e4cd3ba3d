# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who is warned of a OneDrive that Microsoft is going to archive."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timezone

import pytest
from unit.plugins.module_utils.backup.groups import member

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.drive_licences import licence_warnings
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.layout import ONEDRIVE
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.results import (
    Counts,
    MemberResult,
    Outcome,
    RunResult,
    SourceResult,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.licences import DriveLicence

NOW = datetime(2026, 11, 23, tzinfo=timezone.utc)


def run_with(availability: str, source: str = ONEDRIVE) -> RunResult:
    result = SourceResult(source=source, outcome=Outcome.COMPLETE, is_changed=False, counts=Counts(), availability=availability)
    members = (MemberResult(id="anna", principal_name="anna@x.example", sources=(result,)),)
    return RunResult(
        run_id="1",
        plan="p",
        started=NOW,
        ended=NOW,
        outcome=Outcome.COMPLETE,
        snapshot_id=None,
        is_changed=False,
        members=members,
        stored_bytes=0,
        requests=0,
        throttled_seconds=0.0,
    )


@pytest.mark.parametrize(
    ("availability", "licence", "is_warned"),
    [
        ("", DriveLicence(False), True),
        ("drive_locked", DriveLicence(False), True),
        ("no_drive", DriveLicence(False), False),
        ("no_sharepoint_licence", DriveLicence(False), False),
        ("", DriveLicence(True), False),
        ("", None, False),
    ],
)
def test_who_has_a_drive_and_no_licence_is_warned(availability: str, licence: DriveLicence | None, is_warned: bool) -> None:
    anna = dataclasses.replace(member("anna"), drive_licence=licence)
    assert bool(list(licence_warnings(run_with(availability), [anna]))) is is_warned


def test_a_mailbox_is_no_drive() -> None:
    anna = dataclasses.replace(member("anna"), drive_licence=DriveLicence(False))
    assert list(licence_warnings(run_with("", source="mail"), [anna])) == []
