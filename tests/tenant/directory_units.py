# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What requests on the directory cost, and the bucket that they are taken from (facts B3)."""

from __future__ import annotations

import collections
import dataclasses
import math
import typing as t

from .call import GraphError
from .resource_units import Charge

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from .call import Call

_COSTS = {
    "users_list": 2,
    "group_members": 3,
    "group_transitive_members": 5,
    "subscribed_skus": 3,
    "license_details": 2,
    "user_member_of": 2,
    "user_transitive_member_of": 2,
}
_BRACKETS = ((49, 3_500), (500, 5_000), (math.inf, 8_000))  # up to so many users, so many units
_SMALL_PAGE = 20
_WARNING_SHARE = 0.8


def cost_of(call: Call) -> int:
    """Units of a request: $select makes it cheaper, $expand dearer, a small $top cheaper, and nothing is free."""
    units = _COSTS.get(call.operation, 1) - ("select" in call.query) + ("expand" in call.query)
    top = call.query.get("top", "")
    return max(1, units - (top.isdigit() and int(top) < _SMALL_PAGE))


@dataclasses.dataclass(slots=True)
class DirectoryLimits:
    """C(directory_units) in C(directory_window_seconds) for an app; None: as many as the number of users gives."""

    directory_units: int | None = None
    directory_window_seconds: float = 10.0


class DirectoryBucket:
    """Charges every request on the directory; a bucket for each app that fills up again all the time."""

    def __init__(self, clock: Callable[[], float], tenant_id: str, count_users: Callable[[], int]) -> None:
        self._clock = clock
        self._tenant_id = tenant_id
        self._count_users = count_users
        self.limits = DirectoryLimits()
        self._buckets: dict[str, tuple[float, float]] = {}  # by app: what is left, and when that was
        self.units: collections.Counter[str] = collections.Counter()

    def clear_counts(self) -> None:
        """Forgets what was counted for C(stats); what is used of the limit stays used."""
        self.units.clear()

    def counts(self) -> dict[str, t.Any]:
        """For C(stats): units by app."""
        return {"directory_units": dict(self.units)}

    def charge(self, call: Call) -> Charge:
        """Counts a request in."""
        units, now, limit = cost_of(call), self._clock(), self._limit()
        a_second = limit / self.limits.directory_window_seconds
        left, since = self._buckets.get(call.client_id, (float(limit), now))
        left = min(float(limit), left + (now - since) * a_second)
        if units > left:
            self._buckets[call.client_id] = (left, now)
            return Charge(units, {}, self._refusal(call, (units - left) / a_second))
        self._buckets[call.client_id] = (left - units, now)
        self.units[call.client_id] += units
        used = 1 - (left - units) / limit
        headers = {"x-ms-resource-unit": str(units)}
        if used > _WARNING_SHARE:
            headers["x-ms-throttle-limit-percentage"] = f"{used:.2f}"
        return Charge(units, headers, None)

    def _limit(self) -> int:
        if self.limits.directory_units is not None:
            return self.limits.directory_units
        users = self._count_users()
        return next(units for most, units in _BRACKETS if users <= most)

    def _refusal(self, call: Call, seconds: float) -> GraphError:
        is_short = self.limits.directory_window_seconds < 10
        headers = {
            "retry-after": f"{math.ceil(seconds * 1000) / 1000:g}" if is_short else str(math.ceil(seconds)),
            "x-ms-throttle-scope": f"Tenant_Application/ReadWrite/{call.client_id}/{self._tenant_id}",
            "x-ms-throttle-information": "ResourceUnitLimitExceeded",
        }
        return GraphError(429, "TooManyRequests", "Too many requests.", headers=headers)
