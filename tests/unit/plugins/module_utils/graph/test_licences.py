# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who has a licence for a mailbox or for OneDrive, by rows that the directory keeps of plans that are long gone."""

from __future__ import annotations

import datetime
import typing as t

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.directory_objects import user_from
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.licences import (
    DriveLicence,
    directory_moment,
    drive_licence,
    has_mailbox_licence,
)

STANDARD = "c7699d2e-19aa-44de-8edf-1736da088ca1"
OFFICE_ON_THE_WEB = "e95bec33-7c88-4a70-8e19-b10bd9d0c014"
EXCHANGE = "efb87545-963c-4e0d-99df-69c6916d9eb0"
FOUNDATION = "113feb6c-3fe4-4440-bddc-54d774bf0318"
ARCHIVE_ADDON = "176A09A6-7ec5-4039-ac02-b2791c6ba793"
MOMENT = "2026-05-01T10:00:00Z"


def row(status: str, service: str = "SharePoint", plan: str = STANDARD, moment: t.Any = MOMENT) -> dict[str, t.Any]:
    return {"service": service, "capabilityStatus": status, "servicePlanId": plan, "assignedDateTime": moment}


@pytest.mark.parametrize("status", ["Enabled", "Warning", "enabled"])
def test_one_plan_in_force_is_enough_whatever_was_before(status: str) -> None:
    licence = drive_licence([row("Deleted"), row(status), row("Suspended")])
    assert licence == DriveLicence(True)
    assert licence.readable_until is None


@pytest.mark.parametrize("status", ["Deleted", "Suspended", "LockedOut", ""])
def test_without_a_plan_in_force_a_drive_is_readable_for_at_least_93_days(status: str) -> None:
    licence = drive_licence([row(status), row(status, moment="2026-06-01T10:00:00Z"), row("Enabled", service="exchange")])
    assert licence is not None
    assert not licence.is_held
    assert licence.readable_until == datetime.datetime(2026, 9, 2, 10, 0, tzinfo=datetime.timezone.utc)


def test_office_on_the_web_is_no_drive() -> None:
    assert drive_licence([row("Enabled", plan=OFFICE_ON_THE_WEB)]) == DriveLicence(False)


@pytest.mark.parametrize(
    "moment", ["2026-05-01T10:00:00Z", "2026-05-01T10:00:00.1234567Z", "2026-05-01T12:00:00+02:00", "2026-05-01T10:00:00"]
)
def test_a_moment_may_have_a_fraction_a_zone_or_neither(moment: str) -> None:
    assert directory_moment(moment) == datetime.datetime(2026, 5, 1, 10, 0, tzinfo=datetime.timezone.utc)


@pytest.mark.parametrize("moment", [None, "", "soon", 7])
def test_a_moment_that_makes_no_sense_is_no_moment(moment: t.Any) -> None:
    licence = drive_licence([row("Deleted", moment=moment), "nonsense"])
    assert licence == DriveLicence(False)
    assert licence.readable_until is None


@pytest.mark.parametrize(
    ("rows", "is_held"),
    [
        ([row("Deleted", "exchange", EXCHANGE), row("Warning", "Exchange", EXCHANGE)], True),
        ([row("Suspended", "exchange", EXCHANGE)], False),
        ([row("Enabled", "exchange", FOUNDATION), row("Enabled", "exchange", ARCHIVE_ADDON)], False),
        ([row("Enabled", "exchange", "00000000-0000-4000-8000-000000000000")], True),
        ([row("Enabled"), "nonsense"], False),
        ([], False),
    ],
)
def test_plans_of_exchange_that_bring_no_mailbox_are_no_licence_for_one(rows: list[t.Any], is_held: bool) -> None:
    assert has_mailbox_licence(rows) is is_held
    assert user_from({"id": "1", "assignedPlans": rows}).has_mailbox_licence is is_held


def test_who_was_never_licensed_is_told_from_who_is_not_known() -> None:
    assert drive_licence([]) == DriveLicence(False)
    assert drive_licence(None) is None
    assert user_from({"id": "1"}).drive_licence is None
    assert user_from({"id": "1"}).has_mailbox_licence is None
    assert user_from({"id": "1", "assignedPlans": [row("Enabled")]}).drive_licence == DriveLicence(True)
