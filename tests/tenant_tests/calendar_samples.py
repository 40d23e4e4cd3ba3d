# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Events for the tests of calendars."""

from __future__ import annotations

import typing as t

BERLIN = "W. Europe Standard Time"
FILE = {"@odata.type": "#microsoft.graph.fileAttachment", "name": "a.txt", "contentType": "text/plain", "contentBytes": "aGVsbG8="}


def meeting(subject: str = "Meeting", day: str = "2026-03-02", *, zone: str = "UTC", **more: t.Any) -> dict[str, t.Any]:
    """One hour from nine o'clock on."""
    times = {name: {"dateTime": f"{day}T{hour}:00:00", "timeZone": zone} for name, hour in (("start", "09"), ("end", "10"))}
    return {"subject": subject, **times, **more}


def weekly(subject: str = "Weekly", day: str = "2026-03-02", *, count: int = 6, zone: str = BERLIN, **more: t.Any) -> dict[str, t.Any]:
    """Every Monday from the second of March on: summer time begins on the 29th."""
    recurrence = {
        "pattern": {"type": "weekly", "interval": 1, "daysOfWeek": ["monday"]},
        "range": {"type": "numbered", "startDate": day, "numberOfOccurrences": count},
    }
    return meeting(subject, day, zone=zone, recurrence=recurrence, **more)


def people(*addresses: str) -> list[dict[str, t.Any]]:
    return [{"emailAddress": {"address": address}} for address in addresses]
