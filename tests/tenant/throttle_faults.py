# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults of SharePoint under load: throttling in all its spellings, blocked apps, busy servers (facts B2, H.57-59)."""

from __future__ import annotations

import typing as t

from .call import Answer, GraphError, json_bytes
from .envelope import error_answer
from .fault_effects import Effect, retry_after_header
from .resource_units import drive_throttled, rate_headers

if t.TYPE_CHECKING:
    from .call import Call
    from .faults import Fault
    from .state import Tenant

# 974 bytes, as somebody counted them.
_BUSY_PAGE = b"<html><head><title>503 Service Unavailable</title></head><body><h2>Server Too Busy</h2>".ljust(958) + b"</body></html>\r\n"


def _throttled(tenant: Tenant, call: Call, fault: Fault) -> Answer:
    """429: C(code), C(retry_after) as everywhere, C(reset) (seconds of RateLimit-Reset, perhaps longer than Retry-After)."""
    headers = retry_after_header(fault.option("retry_after", 1))
    reset = fault.option("reset", None)
    if reset is not None:
        headers |= rate_headers(int(fault.option("limit", 1250)), 0, str(reset))
    return error_answer(call, drive_throttled(str(fault.option("code", "activityLimitReached")), headers))


def _busy(tenant: Tenant, call: Call, fault: Fault) -> Answer:
    """C(variant): json, html (974 bytes), empty, gateway (502 or 504 with a page), general, not_found, bandwidth, read_only, text."""
    headers = retry_after_header(fault.option("retry_after", None))
    variant = str(fault.option("variant", "json"))
    if variant in _ERRORS:
        status, code, message, inner = _ERRORS[variant]
        return error_answer(call, GraphError(int(fault.option("status", status)), code, message, headers=headers, inner=inner))
    if variant == "text":
        text = json_bytes({"error": {"code": "serviceNotAvailable", "message": "Server Too Busy"}}).decode()
        return error_answer(call, GraphError(int(fault.option("status", 503)), "UnknownError", text, headers=headers))
    status, body = _PAGES[variant]
    return Answer(int(fault.option("status", status)), body, {"content-type": "text/html", **headers})


_ERRORS: dict[str, tuple[int, str, str, dict[str, t.Any] | None]] = {
    "json": (503, "serviceNotAvailable", "The service is not available. Try the request again after a delay.", None),
    "general": (500, "generalException", "General exception while processing", None),
    "bandwidth": (509, "activityLimitReached", "Bandwidth limit exceeded", {"code": "bandwidthLimitExceeded"}),
    "read_only": (503, "serviceNotAvailable", "The site is read-only for a while.", {"code": "serviceReadOnly"}),
}
_PAGES: dict[str, tuple[int, bytes]] = {
    "html": (503, _BUSY_PAGE),
    "empty": (503, b""),
    "gateway": (502, b"<html><body><h1>502 Bad Gateway</h1></body></html>\r\n"),
    "not_found": (404, b""),
}


def _blocked(tenant: Tenant, call: Call, fault: Fault) -> Answer:
    """SharePoint has blocked the app: 503 on everything, for ever (set C(times) to none)."""
    return Answer(503, _BUSY_PAGE, {"content-type": "text/html", **retry_after_header(fault.option("retry_after", None))})


DRIVE_AREA = {"area": "drive"}
THROTTLE_EFFECTS: dict[str, Effect] = {
    "drive_throttled": Effect(_throttled, defaults=DRIVE_AREA),
    "drive_busy": Effect(_busy, defaults=DRIVE_AREA),
    "app_blocked": Effect(_blocked, defaults=DRIVE_AREA),
}
