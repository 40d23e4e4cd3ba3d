# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recurrences as Exchange keeps them (patternedRecurrence): checking them, and the days on which a series happens. Pure."""

from __future__ import annotations

import calendar
import datetime
import itertools
import typing as t

from .call import GraphError
from .zones import zone

if t.TYPE_CHECKING:
    from collections.abc import Iterator

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
INDEXES = ("first", "second", "third", "fourth", "last")
LARGEST_COUNT = 999
NO_END = "0001-01-01"
_LAST_YEAR = 4500
_NEEDS: dict[str, tuple[str, ...]] = {
    "daily": (),
    "weekly": ("daysOfWeek",),
    "absoluteMonthly": ("dayOfMonth",),
    "relativeMonthly": ("daysOfWeek",),
    "absoluteYearly": ("dayOfMonth", "month"),
    "relativeYearly": ("daysOfWeek", "month"),
}
Json = dict[str, t.Any]


def check_recurrence(wanted: t.Any, *, time_zone: str) -> Json:
    """A recurrence in the service's full form. Raises GraphError 400."""
    if not isinstance(wanted, dict) or not isinstance(wanted.get("pattern"), dict) or not isinstance(wanted.get("range"), dict):
        raise _bad("A recurrence needs a pattern and a range.")
    pattern, span = wanted["pattern"], wanted["range"]
    kind = str(pattern.get("type"))
    if kind not in _NEEDS or any(not pattern.get(name) for name in _NEEDS[kind]):
        raise _bad(f"The recurrence pattern of type '{kind}' is not complete or not known.")
    days = [str(day).lower() for day in pattern.get("daysOfWeek") or ()]
    interval = pattern.get("interval", 1)
    month, day_of_month = pattern.get("month") or 0, pattern.get("dayOfMonth") or 0
    if not set(days) <= set(DAYS) or not _between(interval, 1, 999) or not _between(month, 0, 12) or not _between(day_of_month, 0, 31):
        raise _bad("A value of the recurrence pattern is out of range.")
    index = str(pattern.get("index") or "first")
    first_day = str(pattern.get("firstDayOfWeek") or "sunday").lower()
    if index not in INDEXES or first_day not in DAYS:
        raise _bad("The index or the first day of the week of the recurrence pattern is not known.")
    return {
        "pattern": {
            "type": kind,
            "interval": interval,
            "month": month,
            "dayOfMonth": day_of_month,
            **({"daysOfWeek": days} if days else {}),
            "firstDayOfWeek": first_day,
            "index": index,
        },
        "range": _check_range(span, time_zone),
    }


def days_of(recurrence: Json, until: datetime.date | None = None) -> Iterator[datetime.date]:
    """The days of a series in order, up to C(until); without end for an endless one."""
    span = recurrence["range"]
    start = datetime.date.fromisoformat(span["startDate"])
    days: Iterator[datetime.date] = (day for day in _candidates(recurrence["pattern"], start) if day >= start)
    if span["type"] == "numbered":
        days = itertools.islice(days, span["numberOfOccurrences"])
    elif span["type"] == "endDate":
        last = datetime.date.fromisoformat(span["endDate"])
        days = itertools.takewhile(lambda day: day <= last, days)
    return days if until is None else itertools.takewhile(lambda day: day <= until, days)


def _check_range(span: Json, time_zone: str) -> Json:
    kind = str(span.get("type"))
    if kind not in ("noEnd", "endDate", "numbered"):
        raise _bad(f"The recurrence range of type '{kind}' is not known.")
    name = span.get("recurrenceTimeZone", time_zone)
    zone(name)
    count = span.get("numberOfOccurrences") or 0
    if kind == "numbered" and not _between(count, 1, LARGEST_COUNT):
        raise _bad(f"A series has 1 to {LARGEST_COUNT} occurrences.")
    try:
        start = datetime.date.fromisoformat(str(span.get("startDate")))
        end = datetime.date.fromisoformat(str(span.get("endDate"))) if kind == "endDate" else None
    except ValueError:
        raise _bad("The start date or the end date of the recurrence range is not a date.") from None
    if end is not None and end < start:
        raise _bad("The end date of the recurrence range lies before its start date.")
    return {
        "type": kind,
        "startDate": start.isoformat(),
        "endDate": end.isoformat() if end is not None else NO_END,
        "recurrenceTimeZone": name,
        "numberOfOccurrences": count if kind == "numbered" else 0,
    }


def _candidates(pattern: Json, start: datetime.date) -> Iterator[datetime.date]:
    interval = pattern["interval"]
    kind = pattern["type"]
    if kind == "daily":
        return _steps(start, interval)
    if kind == "weekly":
        return _weekly(pattern, start, interval)
    months = interval if kind.endswith("Monthly") else 12 * interval
    month = start.month if kind.endswith("Monthly") else pattern["month"]
    return _monthly(pattern, start.year, month, months)


def _steps(start: datetime.date, days: int) -> Iterator[datetime.date]:
    day = start
    while day.year < _LAST_YEAR:
        yield day
        day += datetime.timedelta(days=days)


def _weekly(pattern: Json, start: datetime.date, interval: int) -> Iterator[datetime.date]:
    first_day = DAYS.index(pattern["firstDayOfWeek"])
    places = sorted((DAYS.index(name) - first_day) % 7 for name in pattern["daysOfWeek"])
    week = start - datetime.timedelta(days=(start.weekday() - first_day) % 7)
    for monday in _steps(week, 7 * interval):
        for place in places:
            yield monday + datetime.timedelta(days=place)


def _monthly(pattern: Json, year: int, month: int, interval: int) -> Iterator[datetime.date]:
    position = year * 12 + month - 1
    while position // 12 < _LAST_YEAR:
        yield _day_in(pattern, position // 12, position % 12 + 1)
        position += interval


def _day_in(pattern: Json, year: int, month: int) -> datetime.date:
    length = calendar.monthrange(year, month)[1]
    if pattern["type"].startswith("absolute"):
        return datetime.date(year, month, min(pattern["dayOfMonth"], length))  # the 31st of a shorter month is its last day
    wanted = {DAYS.index(name) for name in pattern["daysOfWeek"]}
    days = [day for day in range(1, length + 1) if datetime.date(year, month, day).weekday() in wanted]
    return datetime.date(year, month, days[-1] if pattern["index"] == "last" else days[INDEXES.index(pattern["index"])])


def _between(value: t.Any, low: int, high: int) -> bool:
    return isinstance(value, int) and low <= value <= high


def _bad(text: str) -> GraphError:
    return GraphError(400, "ErrorPropertyValidationFailure", text)
