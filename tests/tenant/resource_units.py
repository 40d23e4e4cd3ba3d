# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SharePoint's limits for drives: resource units per app and minute, day and tenant, and what else it counts (facts B1, B2, H.56-59, 62).

Windows are fixed: one begins with the first request after the last one has ended, which is what C(RateLimit-Reset) can mean.
Nothing is enforced until control sets a limit; units are counted always.
"""

from __future__ import annotations

import collections
import dataclasses
import math
import re
import typing as t

from .call import GraphError
from .drive_delta import began_with_token

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from .call import Call

_DECORATED = re.compile(r"(?:^|\s)(?:NON)?ISV\|[^|]+\|[^|/]+/\S+")
_WARNING_SHARE = 0.8  # RateLimit headers come from this much use on
_GIGABYTE = 1000**3
# Licences of the tenant up to -> units of an app per minute and per day, of all apps in five minutes.
_BRACKETS = (
    (1_000, 1_250, 1_200_000, 18_750),
    (5_000, 2_500, 2_400_000, 37_500),
    (15_000, 3_750, 3_600_000, 56_250),
    (50_000, 5_000, 4_800_000, 75_000),
    (math.inf, 6_250, 6_000_000, 93_750),
)
_PERMISSIONS = frozenset(
    {
        "drive_permissions",
        "drive_permission_get",
        "drive_permission_update",
        "drive_permission_delete",
        "drive_invite",
        "drive_link_create",
    }
)
_SHARING = frozenset({"drive_invite", "drive_link_create", "drive_permission_update", "drive_permission_delete"})
_SINGLE = frozenset(
    {
        "drive_get",
        "drive_item_get",
        "drive_content",
        "drive_download",
        "drive_version_get",
        "drive_version_content",
        "drive_label_get",
        "drive_upload_status",
    }
)


def units_of(call: Call) -> int:
    """1: a single item, a download, delta with a token; 5: permissions; 2: lists, all pages of delta without a token, every write."""
    if call.operation in _PERMISSIONS or "permissions" in call.query.get("expand", "").lower():
        return 5
    if call.operation == "drive_delta":
        return 1 if began_with_token(call) else 2
    return 1 if call.operation in _SINGLE else 2


def is_decorated(user_agent: str) -> bool:
    """Whether a program says who made it, as Microsoft asks for: C(ISV|Company|App/1.0) or C(NONISV|...), anywhere in the header."""
    return _DECORATED.search(user_agent) is not None


@dataclasses.dataclass(slots=True)
class UnitLimits:
    """Limits in force; None lifts one. Setting C(licenses) sets all that Microsoft documents for a tenant of that size."""

    licenses: int | None = None
    units_per_minute: int | None = None
    units_per_day: int | None = None
    tenant_units: int | None = None  # of all apps in 5 minutes
    sharing_requests: int | None = None  # of an app in 5 minutes
    ingress_bytes: int | None = None  # of an app in an hour
    egress_bytes: int | None = None
    units_window_seconds: float = 60.0  # what counts as a minute; the other windows shrink with it
    undecorated_share: float = 1.0  # what a program gets whose User-Agent is not decorated
    missing_drives: int | None = None  # requests on drives that do not exist, in a minute, before every drive call is refused
    missing_drives_seconds: float = 60.0  # for so long
    throttle_code: str = "activityLimitReached"  # or TooManyRequests, as Graph's gateway says it

    def set_licenses(self, licenses: int | None) -> None:
        """The documented limits of a tenant with so many licences; None lifts them all."""
        self.licenses = licenses
        bracket = next(row for row in _BRACKETS if row[0] >= licenses) if licenses is not None else (None,) * 4
        self.units_per_minute, self.units_per_day, self.tenant_units = bracket[1:]
        self.sharing_requests = None if licenses is None else 300
        self.ingress_bytes = self.egress_bytes = None if licenses is None else 400 * _GIGABYTE


@dataclasses.dataclass(slots=True)
class _Window:
    """What was used since its begin. It ends C(seconds) later; the next one begins with the next use."""

    began: float = -math.inf
    used: int = 0

    def take(self, amount: int, seconds: float, now: float) -> int:
        if now >= self.began + seconds:
            self.began, self.used = now, 0
        self.used += amount
        return self.used


@dataclasses.dataclass(slots=True)
class _Use:
    """The windows of one app."""

    minute: _Window = dataclasses.field(default_factory=_Window)
    day: _Window = dataclasses.field(default_factory=_Window)
    sharing: _Window = dataclasses.field(default_factory=_Window)
    ingress: _Window = dataclasses.field(default_factory=_Window)
    egress: _Window = dataclasses.field(default_factory=_Window)


@dataclasses.dataclass(frozen=True, slots=True)
class Charge:
    """What a request costs, what its answer says of the budget, and why it is refused, if it is."""

    units: int
    headers: dict[str, str]
    refusal: GraphError | None = None


class UnitLimiter:
    """Charges every request on drives, refused ones too."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.limits = UnitLimits()
        self._apps: dict[str, _Use] = collections.defaultdict(_Use)
        self._tenant = _Window()
        self._missing = _Window()
        self._missing_until = -math.inf
        self.clear_counts()

    def clear_counts(self) -> None:
        """Forgets what was counted for C(stats); what is used of the limits stays used."""
        self.units: collections.Counter[str] = collections.Counter()
        self.by_operation: collections.Counter[str] = collections.Counter()
        self.busiest_minute = 0
        self.undecorated = 0

    def counts(self) -> dict[str, t.Any]:
        """For C(stats): units by app and by operation, the most in one window, requests without a decorated User-Agent."""
        return {
            "units": dict(self.units),
            "units_by_operation": dict(self.by_operation),
            "busiest_minute": self.busiest_minute,
            "undecorated": self.undecorated,
        }

    def charge(self, call: Call) -> Charge:
        """Counts a request in."""
        units, decorated = units_of(call), is_decorated(call.headers.get("user-agent", ""))
        self.units[call.client_id] += units
        self.by_operation[call.operation] += units
        self.undecorated += not decorated
        now, limits, use = self._clock(), self.limits, self._apps[call.client_id]
        window = limits.units_window_seconds
        used = use.minute.take(units, window, now)
        self.busiest_minute = max(self.busiest_minute, used)
        headers: dict[str, str] = {}
        refusal = None
        if now < self._missing_until:
            refusal = self._refusal(self._missing_until - now)
        for limit, taken, seconds, place in (
            (limits.units_per_day, use.day.take(units, window * 1440, now), window * 1440, use.day),
            (limits.tenant_units, self._tenant.take(units, window * 5, now), window * 5, self._tenant),
            (limits.sharing_requests, use.sharing.take(call.operation in _SHARING, window * 5, now), window * 5, use.sharing),
            (limits.ingress_bytes, use.ingress.take(len(call.body), window * 60, now), window * 60, use.ingress),
            (limits.egress_bytes, use.egress.take(0, window * 60, now), window * 60, use.egress),
        ):
            counts = place is not use.sharing or call.operation in _SHARING
            if limit is not None and taken > limit and counts:
                refusal = refusal or self._refusal(place.began + seconds - now)
        if limits.units_per_minute is not None:
            budget = int(limits.units_per_minute * (1.0 if decorated else limits.undecorated_share))
            reset = use.minute.began + window - now
            if used > budget:
                refusal = refusal or self._refusal(reset)
            if used >= budget * _WARNING_SHARE:
                headers = rate_headers(budget, max(0, budget - used), self._spelled(reset))
        return Charge(units, headers, refusal)

    def note_sent(self, client_id: str, size: int) -> None:
        """Counts bytes that went out of a drive."""
        self._apps[client_id].egress.take(size, self.limits.units_window_seconds * 60, self._clock())

    def note_missing_drive(self) -> None:
        """Counts a request on a drive that does not exist; too many throttle the caller's address (facts A1)."""
        limits, now = self.limits, self._clock()
        if limits.missing_drives is not None and self._missing.take(1, limits.units_window_seconds, now) > limits.missing_drives:
            self._missing_until = now + limits.missing_drives_seconds

    def _refusal(self, seconds: float) -> GraphError:
        return drive_throttled(self.limits.throttle_code, {"retry-after": self._spelled(seconds)})

    def _spelled(self, seconds: float) -> str:
        """Whole seconds, as the service says them; fractions only where minutes are shorter than real ones."""
        if self.limits.units_window_seconds >= 60:
            return str(math.ceil(seconds))
        return f"{math.ceil(seconds * 1000) / 1000:g}"


def rate_headers(limit: int, remaining: int, reset: str) -> dict[str, str]:
    """The preview headers of SharePoint (draft-ietf-httpapi-ratelimit-headers-03)."""
    return {"ratelimit-limit": str(limit), "ratelimit-remaining": str(remaining), "ratelimit-reset": reset}


def drive_throttled(code: str, headers: dict[str, str]) -> GraphError:
    """The 429 of SharePoint, or with the code C(TooManyRequests) that of Graph's gateway, or of Exchange (C(ApplicationThrottled))."""
    if code == "TooManyRequests":
        inner = {"code": "429", "message": "Please retry after", "status": "429"}
        return GraphError(429, code, "Please retry again later.", headers=headers, inner=inner)
    if code == "activityLimitReached":
        return GraphError(429, code, "The request has been throttled", headers=headers, inner={"code": "throttledRequest"})
    return GraphError(429, code, "Application is over its request limit.", headers=headers)
