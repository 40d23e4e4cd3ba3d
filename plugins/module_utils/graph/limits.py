# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the service allows, and for what it counts.

Exchange allows an app four requests at a time and 10,000 requests in ten minutes per mailbox, and 150 MB of uploads in
five minutes (Microsoft's throttling-limits page). SharePoint, which serves all drives, counts resource units of an app in
a tenant: so many a minute and so many a day, by the number of licences that the tenant has bought (Microsoft's page on
throttling in SharePoint Online). The directory counts units of its own, in 10 seconds for an app in a tenant: the fewest, for
tenants of less than 50 users, are 3,500 (Microsoft's throttling-limits page).

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import enum

DEFAULT_LICENSES = 1_000
"""As many as the smallest bracket has: its limits are allowed in every tenant."""
UNITS_BY_LICENCES = ((1_000, 1_250), (5_000, 2_500), (15_000, 3_750), (50_000, 5_000))
"""Up to so many licences, so many resource units a minute; a day has 960 times as many."""
UNITS_OF_THE_LARGEST = 6_250
_DAY_IN_BUDGETS_OF_A_MINUTE = 960
_TRANSFER_BYTES_AN_HOUR = 400_000_000_000
_SHARINGS_IN_FIVE_MINUTES = 300
_DIRECTORY_UNITS = 3_500


class ScopeKind(enum.Enum):
    """What a limit is counted for."""

    MAILBOX = "mailbox"
    DIRECTORY = "directory"
    DRIVES = "drives"


@dataclasses.dataclass(frozen=True, slots=True)
class LimitScope:
    """One mailbox, the tenant's directory, or all drives of the tenant."""

    kind: ScopeKind
    key: str = ""

    @classmethod
    def mailbox(cls, user_id: str) -> LimitScope:
        return cls(ScopeKind.MAILBOX, user_id.lower())

    @classmethod
    def directory(cls) -> LimitScope:
        return cls(ScopeKind.DIRECTORY)

    @classmethod
    def drives(cls) -> LimitScope:
        """One for all: who is asked to wait at one drive has to wait at all of them."""
        return cls(ScopeKind.DRIVES)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one attempt takes from a budget before it begins. A mailbox counts each request as one unit."""

    units: int = 1
    upload_bytes: int = 0
    sharings: int = 0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Limits of one scope. None lifts a limit. Windows in seconds. ``requests`` and ``daily`` are units, see L(Cost)."""

    concurrency: int = 4
    requests: int | None = 10_000
    window: float = 600.0
    daily: int | None = None
    day: float = 86_400.0
    upload_bytes: int | None = 150_000_000
    upload_window: float = 300.0
    download_bytes: int | None = None
    download_window: float = 3_600.0
    sharings: int | None = None
    sharing_window: float = 300.0


def units_a_minute(licences: int) -> int:
    """Resource units that an app may use in a minute in a tenant with so many licences."""
    return next((units for most, units in UNITS_BY_LICENCES if licences <= most), UNITS_OF_THE_LARGEST)


def drive_budget(licences: int = DEFAULT_LICENSES, hosts: int = 1) -> Budget:
    """The share of one host where so many work for the same app at the same time.

    Windows are a little longer than the service's own: what counts there is when a request arrives.
    """
    units = units_a_minute(licences)
    return Budget(
        concurrency=32,
        requests=max(1, units // hosts),
        window=62.0,
        daily=max(1, units * _DAY_IN_BUDGETS_OF_A_MINUTE // hosts),
        upload_bytes=_TRANSFER_BYTES_AN_HOUR // hosts,
        upload_window=3_600.0,
        download_bytes=_TRANSFER_BYTES_AN_HOUR // hosts,
        sharings=max(1, _SHARINGS_IN_FIVE_MINUTES // hosts),
        sharing_window=302.0,
    )


def directory_budget(hosts: int = 1) -> Budget:
    """The share of one host in what every tenant allows."""
    return Budget(concurrency=8, requests=max(1, _DIRECTORY_UNITS // hosts), window=11.0, upload_bytes=None)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Budgets:
    """The budget of each kind of scope.

    ``hosts`` work for the same app at the same time, so what is left of its budget by the service's own word is theirs, too.
    """

    mailbox: Budget = Budget()
    directory: Budget = directory_budget()
    drives: Budget = drive_budget()
    hosts: int = 1

    @classmethod
    def of_tenant(cls, licences: int, hosts: int) -> Budgets:
        return cls(directory=directory_budget(hosts), drives=drive_budget(licences, hosts), hosts=hosts)

    def of(self, scope: LimitScope) -> Budget:
        return {ScopeKind.MAILBOX: self.mailbox, ScopeKind.DIRECTORY: self.directory, ScopeKind.DRIVES: self.drives}[scope.kind]
