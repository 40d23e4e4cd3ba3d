# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an administrator hears of drives before the first backup."""

from __future__ import annotations

import datetime

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.drive_estimate import drive_estimate
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.ids import UserId
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.licences import DriveLicence
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.limits import Budget, drive_budget
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.drive_forecast import (
    estimate_sentence,
    unlicensed,
    unlicensed_sentence,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.selection import Member

GONE = DriveLicence(False, datetime.datetime(2026, 9, 1, tzinfo=datetime.timezone.utc))


def member(name: str, licence: DriveLicence | None) -> Member:
    return Member(id=UserId(name), principal_name=f"{name}@x.example", display_name=name, mail=None, via=(), drive_licence=licence)


def test_only_who_is_known_to_have_no_licence_is_warned_of() -> None:
    members = [member("anna", DriveLicence(True)), member("berta", None), member("carla", GONE)]
    assert [one.id for one in unlicensed(members)] == ["carla"]


def test_the_warning_names_who_and_until_when() -> None:
    sentence = unlicensed_sentence([member("carla", GONE), member("dora", DriveLicence(False))])
    assert "2 members have no licence for OneDrive: carla@x.example (readable until 2026-12-03 or later), dora@x.example." in sentence
    assert "93 days" in sentence


def test_a_long_list_is_cut() -> None:
    sentence = unlicensed_sentence([member(f"user{number}", GONE) for number in range(1_005)])
    assert sentence.startswith("1,005 members have")
    assert "and 1,000 more" in sentence


@pytest.mark.parametrize(
    ("files", "text"),
    [(1, "1 file, 1 bytes"), (1_250, "2 minutes"), (120_000, "100 minutes"), (300_000, "5 hours"), (9_000_000, "8 days")],
)
def test_a_duration_is_in_units_that_one_can_imagine(files: int, text: str) -> None:
    assert text in estimate_sentence(drive_estimate(files, 1, drive_budget(), is_listed=True))


def test_without_limits_only_the_amount_is_said() -> None:
    estimate = drive_estimate(2_000, 3 << 20, Budget(requests=None, upload_bytes=None))
    assert estimate_sentence(estimate) == "2,000 files, 3.0 MiB have to be read."
