# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a restore into a mailbox or a drive will cost at least. Pure.

Exchange takes 150 MB of uploads in five minutes and 10,000 requests in ten minutes for each app and mailbox, SharePoint so
many resource units a minute and a day for each app and tenant, as L(Budget) has it. Nothing that an administrator or we
could do makes a restore faster than that.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import math
import typing as t
from dataclasses import dataclass

from ..graph.limits import Budget

_BUDGET = Budget()


@dataclass(frozen=True, slots=True)
class Estimate:
    """C(upload_bytes) as they go over the wire, base64 counted. C(resource_units) and C(sharings) are of drives, and then
    C(budget) is that of the drives."""

    items: int = 0
    upload_bytes: int = 0
    requests: int = 0
    resource_units: int = 0
    sharings: int = 0
    budget: Budget = _BUDGET

    def __add__(self, other: Estimate) -> Estimate:
        return Estimate(
            self.items + other.items,
            self.upload_bytes + other.upload_bytes,
            self.requests + other.requests,
            self.resource_units + other.resource_units,
            self.sharings + other.sharings,
            other.budget if self.budget is _BUDGET else self.budget,
        )

    @property
    def minutes(self) -> int:
        """At least so many, rounded up; the first window of each budget costs no time."""
        budget, units = self.budget, self.resource_units or self.requests
        return math.ceil(
            max(
                _waiting(self.upload_bytes, budget.upload_bytes, budget.upload_window),
                _waiting(units, budget.requests, budget.window),
                _waiting(units, budget.daily, budget.day),
                _waiting(self.sharings, budget.sharings, budget.sharing_window),
            )
            / 60
        )

    def as_dict(self) -> dict[str, t.Any]:
        units = {"resource_units": self.resource_units} if self.resource_units else {}
        return {
            "items": self.items,
            "upload_bytes": self.upload_bytes,
            "requests": self.requests,
            **units,
            "minutes_at_least": self.minutes,
        }


def base64_size(size: int) -> int:
    return -(-size // 3) * 4


def _waiting(units: int, limit: int | None, window: float) -> float:
    """Seconds until the last unit may go."""
    if limit is None or units <= limit:
        return 0.0
    return (-(-units // limit) - 1) * window
