# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What SharePoint says about the rest of an app's budget for a minute, on answers of any kind.

Source: Microsoft's page on throttling in SharePoint Online (headers of C(draft-ietf-httpapi-ratelimit-headers-03), from four
fifths of the budget on, without a promise).

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import math
import typing as t


@dataclasses.dataclass(frozen=True, slots=True)
class RateLimit:
    """So many units are left until the seconds are over, for all who use the app."""

    remaining: int
    reset: float


def rate_limit_of(headers: t.Mapping[str, str]) -> RateLimit | None:
    """None when nothing is said, or nothing that makes sense."""
    remaining, reset = _number(headers.get("RateLimit-Remaining")), _number(headers.get("RateLimit-Reset"))
    return None if remaining is None or reset is None else RateLimit(int(remaining), reset)


def _number(text: str | None) -> float | None:
    """The first number of a header's value, which may have parameters after it."""
    try:
        number = float((text or "").partition(";")[0].partition(",")[0])
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None
