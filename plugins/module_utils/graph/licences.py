# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether somebody has a licence for a mailbox or for OneDrive, by what the directory says of service plans. Pure.

Source: Microsoft's pages on assignedPlan and on unlicensed OneDrive accounts. Rows of former plans stay. Microsoft archives a
OneDrive 93 days after its licence is gone, and nobody can read it then.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import datetime
import re
import typing as t

from .ids import Fields

UNREADABLE_AFTER = datetime.timedelta(days=93)
_FRACTION = re.compile(r"\.\d+")
_USABLE = ("enabled", "warning")
_OFFICE_ON_THE_WEB = "e95bec33-7c88-4a70-8e19-b10bd9d0c014"
"""A plan of the service SharePoint without a drive."""
_WITHOUT_MAILBOX = frozenset(
    {
        "113feb6c-3fe4-4440-bddc-54d774bf0318",  # EXCHANGE_S_FOUNDATION, which comes with nearly every licence
        "176a09a6-7ec5-4039-ac02-b2791c6ba793",  # EXCHANGE_S_ARCHIVE_ADDON
        "da040e0a-b393-4bea-bb76-928b3fa1cf5a",  # EXCHANGE_S_ARCHIVE, for mailboxes on-premises
        "a6520331-d7d4-4276-95f5-15c0933bc757",  # GRAPH_CONNECTORS_SEARCH_INDEX
        "33c4f319-9bdd-48d6-9c4d-410b750a4a5a",  # MYANALYTICS_P2
        "34c0d7a0-a70f-4668-9238-47f9fc208882",  # EXCHANGE_ANALYTICS
        "199a5c09-e0ca-4e37-8f7c-b05d533e1ea2",  # MICROSOFTBOOKINGS
        "5bfe124c-bbdc-4494-8835-f1297d457d79",  # O365_SB_Relationship_Management
    }
)
"""Plans of the service Exchange without a mailbox. One that is not named here counts as one with: nobody with mail is taken for
somebody without."""


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
    """From C(assignedPlans) of a user; None when the app may not see it."""
    if not isinstance(assigned_plans, list):
        return None
    rows = [row for row in assigned_plans if isinstance(row, dict) and _has_drive(row)]
    if any(_is_usable(row) for row in rows):
        return DriveLicence(True)
    moments = [moment for row in rows if (moment := directory_moment(row.get("assignedDateTime"))) is not None]
    return DriveLicence(False, max(moments, default=None))


def has_mailbox_licence(assigned_plans: object) -> bool | None:
    """Whether a plan with a mailbox is in force, from C(assignedPlans) of a user; None when the app may not see it."""
    if not isinstance(assigned_plans, list):
        return None
    return any(_has_mailbox(row) and _is_usable(row) for row in assigned_plans if isinstance(row, dict))


def directory_moment(value: t.Any) -> datetime.datetime | None:
    """A moment as the directory writes it, without its fraction of a second; None when it is none."""
    try:
        moment = datetime.datetime.fromisoformat(_FRACTION.sub("", str(value)).replace("Z", "+00:00"))
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=datetime.timezone.utc)


def _has_drive(row: Fields) -> bool:
    return str(row.get("service")).lower() == "sharepoint" and str(row.get("servicePlanId")).lower() != _OFFICE_ON_THE_WEB


def _has_mailbox(row: Fields) -> bool:
    return str(row.get("service")).lower() == "exchange" and str(row.get("servicePlanId")).lower() not in _WITHOUT_MAILBOX


def _is_usable(row: Fields) -> bool:
    return str(row.get("capabilityStatus")).lower() in _USABLE
