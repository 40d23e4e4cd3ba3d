# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How Graph refuses a request before any handler sees it, and for how long."""

from __future__ import annotations

import email.utils
import time
import typing as t

from .call import GraphError

if t.TYPE_CHECKING:
    from .call import Call
    from .routing import Route


def no_role(route: Route) -> GraphError:
    """The app lacks the permission; each of the services behind Graph says so in its own words."""
    if route.is_drive:
        return GraphError(403, "accessDenied", "Access denied")
    if route.is_mail:
        return GraphError(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
    return GraphError(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")


def no_such_path(call: Call, wrong_method: bool) -> GraphError:
    if wrong_method:
        return GraphError(405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.")
    segment = call.segments[-1] if call.segments else ""
    return GraphError(400, "BadRequest", f"Resource not found for the segment '{segment}'.")


def seconds_of(retry_after: str) -> float:
    """Seconds of a Retry-After in either form."""
    try:
        return float(retry_after)
    except ValueError:
        return email.utils.parsedate_to_datetime(retry_after).timestamp() - time.time()
