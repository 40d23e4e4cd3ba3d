# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether somebody has a licence for OneDrive, by what the directory says of service plans. Pure.

Source: Microsoft's pages on assignedPlan and on unlicensed OneDrive accounts. Rows of former plans stay. Microsoft archives a
OneDrive 93 days after its licence is gone, and nobody can read it then.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from .ids import Fields

UNREADABLE_AFTER = datetime.timedelta(days=93)
_USABLE = ("enabled", "warning")
_OFFICE_ON_THE_WEB = "e95bec33-7c88-4a70-8e19-b10bd9d0c014"
"""A plan of the service SharePoint without a drive."""


@dataclasses.dataclass(frozen=True, slots=True)
class DriveLicence:
    """``changed`` is when the youngest plan with a drive was assigned or taken away: the directory does not say which. None: never."""

    is_held: bool
    changed: datetime.datetime | None = None

    @property
    def readable_until(self) -> datetime.datetime | None:
        """Not before this the drive is archived; None with a licence, and when nothing is known."""
        return None if self.is_held or self.changed is None else self.changed + UNREADABLE_AFTER


def drive_licence(assigned_plans: object) -> DriveLicence | None:
    """From C(assignedPlans) of a user; None when the app may not see it, or did not ask."""
    if not isinstance(assigned_plans, list):
        return None
    rows = [row for row in assigned_plans if isinstance(row, dict) and _has_drive(row)]
    if any(str(row.get("capabilityStatus")).lower() in _USABLE for row in rows):
        return DriveLicence(True)
    moments = [moment for row in rows if (moment := _moment(row.get("assignedDateTime"))) is not None]
    return DriveLicence(False, max(moments, default=None))


def _has_drive(row: Fields) -> bool:
    return str(row.get("service")).lower() == "sharepoint" and str(row.get("servicePlanId")).lower() != _OFFICE_ON_THE_WEB


def _moment(value: t.Any) -> datetime.datetime | None:
    try:
        moment = datetime.datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=datetime.timezone.utc)
