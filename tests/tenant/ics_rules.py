# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recurrence rules of iCalendar as Exchange can keep them. Rules that it cannot keep are refused, as it refuses them."""

from __future__ import annotations

import datetime
import re
import typing as t

from .recurrence import DAYS, INDEXES, LARGEST_COUNT

Json = dict[str, t.Any]
_CODES = {"MO": "monday", "TU": "tuesday", "WE": "wednesday", "TH": "thursday", "FR": "friday", "SA": "saturday", "SU": "sunday"}
_DAY = re.compile(r"^([+-]?\d+)?(MO|TU|WE|TH|FR|SA|SU)$")
_PLACES = {"1": "first", "2": "second", "3": "third", "4": "fourth", "-1": "last", "+1": "first", "+2": "second", "+3": "third"}
_KNOWN = frozenset({"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYDAY", "BYMONTHDAY", "BYMONTH", "BYSETPOS"})


class RuleRefused(Exception):
    """A rule that Exchange has no pattern for, and why."""


def read_rule(text: str, start: datetime.datetime, zone: datetime.tzinfo) -> Json:
    """The recurrence (pattern and range) of an C(RRULE); C(start) is the wall time of the series in C(zone). Raises RuleRefused."""
    parts = {
        name.strip().upper(): value.strip().upper()
        for name, _equals, value in (one.partition("=") for one in text.split(";") if one.strip())
    }
    unknown = set(parts) - _KNOWN
    if unknown:
        raise RuleRefused(f"there is no pattern for {', '.join(sorted(unknown))}")
    interval = _number(parts.get("INTERVAL", "1"))
    pattern = {"interval": interval, **_pattern(parts, start, interval)}
    first_day = _CODES.get(parts.get("WKST", "MO"), "monday")
    return {"pattern": {**pattern, "firstDayOfWeek": first_day}, "range": _range(parts, start, zone)}


def _pattern(parts: dict[str, str], start: datetime.datetime, interval: int) -> Json:
    frequency = parts.get("FREQ", "")
    days = [_day(text) for text in parts["BYDAY"].split(",")] if parts.get("BYDAY") else []
    plain = [name for place, name in days if place is None]
    if frequency == "DAILY" and not {"BYMONTHDAY", "BYMONTH", "BYSETPOS"} & parts.keys():
        if not days:
            return {"type": "daily"}
        if interval == 1 and len(plain) == len(days):
            return {"type": "weekly", "daysOfWeek": plain}
    if frequency == "WEEKLY" and len(plain) == len(days) and not {"BYMONTHDAY", "BYMONTH", "BYSETPOS"} & parts.keys():
        return {"type": "weekly", "daysOfWeek": plain or [DAYS[start.weekday()]]}
    if frequency == "MONTHLY" and "BYMONTH" not in parts:
        return _in_month(parts, days, start, "Monthly")
    if frequency == "YEARLY":
        month = _single(parts.get("BYMONTH", str(start.month)))
        return {**_in_month(parts, days, start, "Yearly"), "month": month}
    raise RuleRefused(f"there is no pattern for {frequency or 'a rule without frequency'} with these conditions")


def _in_month(parts: dict[str, str], days: list[tuple[str | None, str]], start: datetime.datetime, kind: str) -> Json:
    """The day of a month: by its number, or as the nth of some weekdays."""
    if days and "BYMONTHDAY" not in parts:
        places = {place for place, _name in days} if "BYSETPOS" not in parts else {parts["BYSETPOS"]}
        index = _PLACES.get(str(places.pop())) if len(places) == 1 else None
        if index is not None and index in INDEXES:
            return {"type": f"relative{kind}", "daysOfWeek": [name for _place, name in days], "index": index}
        raise RuleRefused("the days of a month are not one first, second, third, fourth or last")
    if days or "BYSETPOS" in parts:
        raise RuleRefused("a day of the month and a weekday at once")
    number = _single(parts.get("BYMONTHDAY", str(start.day)))
    if number == -1:
        number = 31
    if not 1 <= number <= 31:
        raise RuleRefused("days counted from the end of the month")
    return {"type": f"absolute{kind}", "dayOfMonth": number}


def _range(parts: dict[str, str], start: datetime.datetime, zone: datetime.tzinfo) -> Json:
    span: Json = {"type": "noEnd", "startDate": start.date().isoformat()}
    if "COUNT" in parts:
        count = _number(parts["COUNT"])
        if count > LARGEST_COUNT:
            raise RuleRefused(f"more than {LARGEST_COUNT} occurrences")
        return {**span, "type": "numbered", "numberOfOccurrences": count}
    if "UNTIL" in parts:
        last = _until(parts["UNTIL"], start, zone)
        if last < start.date():
            raise RuleRefused("it ends before it begins")
        return {**span, "type": "endDate", "endDate": last.isoformat()}
    return span


def _until(text: str, start: datetime.datetime, zone: datetime.tzinfo) -> datetime.date:
    try:
        if "T" not in text:
            return datetime.datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007
        moment = datetime.datetime.strptime(text.rstrip("Z"), "%Y%m%dT%H%M%S")  # noqa: DTZ007
    except ValueError:
        raise RuleRefused(f"the end {text} is no date") from None
    if text.endswith("Z"):
        moment = moment.replace(tzinfo=datetime.timezone.utc).astimezone(zone).replace(tzinfo=None)
    return moment.date() if moment.time() >= start.time() else moment.date() - datetime.timedelta(days=1)


def _day(text: str) -> tuple[str | None, str]:
    match = _DAY.match(text.strip())
    if match is None:
        raise RuleRefused(f"{text} is no weekday")
    return match[1], _CODES[match[2]]


def _single(text: str) -> int:
    if "," in text:
        raise RuleRefused("several days or months at once")
    return _number(text)


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise RuleRefused(f"{text} is no number") from None
