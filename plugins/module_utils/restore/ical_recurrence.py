# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recurrence patterns of Graph (patternedRecurrence) as rules of iCalendar (RFC 5545, section 3.3.10). Pure.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from datetime import date, datetime, time, timezone, tzinfo

_DAYS = {"sunday": "SU", "monday": "MO", "tuesday": "TU", "wednesday": "WE", "thursday": "TH", "friday": "FR", "saturday": "SA"}
_WEEKS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "last": -1}
_FREQUENCIES = {
    "daily": "DAILY",
    "weekly": "WEEKLY",
    "absolutemonthly": "MONTHLY",
    "relativemonthly": "MONTHLY",
    "absoluteyearly": "YEARLY",
    "relativeyearly": "YEARLY",
}

Fields = t.Mapping[str, t.Any]


def rule_of(recurrence: Fields | None, zone: tzinfo, *, is_date: bool) -> str | None:
    """The value of RRULE; None where there is no pattern that is known. C(is_date): what recurs has days and no times."""
    pattern: Fields = (recurrence or {}).get("pattern") or {}
    kind = str(pattern.get("type") or "").lower()
    if kind not in _FREQUENCIES:
        return None
    rule = {"FREQ": _FREQUENCIES[kind]}
    if int(pattern.get("interval") or 1) > 1:
        rule["INTERVAL"] = str(int(pattern["interval"]))
    if kind == "weekly":
        rule["WKST"] = _DAYS.get(str(pattern.get("firstDayOfWeek") or "sunday").lower(), "SU")
    if kind.endswith("yearly") and pattern.get("month"):
        rule["BYMONTH"] = str(int(pattern["month"]))
    if kind.startswith("absolute"):
        rule |= _day_of_month(int(pattern.get("dayOfMonth") or 1))
    elif days := _days(pattern):
        rule |= _weekdays(days, _WEEKS.get(str(pattern.get("index") or "first").lower(), 1), is_relative=kind.startswith("relative"))
    return ";".join(f"{key}={value}" for key, value in {**rule, **_end((recurrence or {}).get("range") or {}, zone, is_date)}.items())


def _day_of_month(day: int) -> dict[str, str]:
    """Exchange takes the last day of a month that is too short; a rule for the day alone would leave the month out."""
    if day <= 28:
        return {"BYMONTHDAY": str(day)}
    return {"BYMONTHDAY": ",".join(str(each) for each in range(28, day + 1)), "BYSETPOS": "-1"}


def _weekdays(days: list[str], week: int, *, is_relative: bool) -> dict[str, str]:
    if not is_relative:
        return {"BYDAY": ",".join(days)}
    if len(days) == 1:
        return {"BYDAY": f"{week}{days[0]}"}
    return {"BYDAY": ",".join(days), "BYSETPOS": str(week)}


def _days(pattern: Fields) -> list[str]:
    wanted = {str(day).lower() for day in pattern.get("daysOfWeek") or ()}
    return [short for day, short in _DAYS.items() if day in wanted]


def _end(limits: Fields, zone: tzinfo, is_date: bool) -> dict[str, str]:
    """The last day counts as a whole, in the zone of the series; the rule has to say it in UTC."""
    kind = str(limits.get("type") or "").lower()
    if kind == "numbered" and limits.get("numberOfOccurrences"):
        return {"COUNT": str(int(limits["numberOfOccurrences"]))}
    if kind != "enddate" or not limits.get("endDate"):
        return {}
    try:
        last = date.fromisoformat(str(limits["endDate"])[:10])
    except ValueError:
        return {}
    if is_date:
        return {"UNTIL": f"{last:%Y%m%d}"}
    moment = datetime.combine(last, time(23, 59, 59), tzinfo=zone).astimezone(timezone.utc)
    return {"UNTIL": f"{moment:%Y%m%dT%H%M%SZ}"}
