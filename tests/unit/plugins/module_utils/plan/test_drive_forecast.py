# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an administrator hears of drives before the first backup."""

from __future__ import annotations

import datetime

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.ids import UserId
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.licences import DriveLicence
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.drive_forecast import unlicensed, unlicensed_sentence
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
