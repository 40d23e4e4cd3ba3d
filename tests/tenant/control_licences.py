# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Control over licences: what an administrator buys, gives and takes away."""

from __future__ import annotations

import typing as t

from .licences import SKUS, give_licence, take_licences

if t.TYPE_CHECKING:
    from .state import Tenant


class LicenceControl:
    """Licences by their part numbers, as C(O365_BUSINESS_PREMIUM)."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    def give_licence(self, user: str, licence: str, since: str | None = None) -> None:
        give_licence(self._tenant.directory.user(user), _known(licence), since)

    def take_licences(self, user: str, since: str | None = None, status: str = "Deleted") -> None:
        """All of them; C(since) is when, C(status) what becomes of the plans: Deleted, Suspended, LockedOut, Warning."""
        take_licences(self._tenant.directory.user(user), since, status)

    def buy_licences(self, licence: str, units: int) -> None:
        """How many of a licence the tenant has."""
        self._tenant.licences_bought[_known(licence)] = units


def _known(licence: str) -> str:
    if licence not in SKUS:
        raise ValueError(f"there is no licence {licence!r}; there are {', '.join(SKUS)}")
    return licence
