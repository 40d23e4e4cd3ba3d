# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Dates and times as an administrator writes them to choose restore points.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, tzinfo

from .._errors import InputError


def parse_moment(text: str, zone: tzinfo, *, is_end: bool) -> datetime:
    """A date or a time in ISO 8601, in this zone unless it names another. With C(is_end) a date means the end of that day.

    Raises InputError for anything else.
    """
    try:
        if len(text) == len("2026-05-17"):
            day = date.fromisoformat(text) + timedelta(days=is_end)
            start = datetime.combine(day, time(), zone)
            return start - timedelta(microseconds=1) if is_end else start
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except (ValueError, OverflowError):
        raise InputError(
            f"{text} is neither a date nor a time.", hint="Write for example 2026-05-17 or 2026-05-17T08:00:00+02:00."
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)
