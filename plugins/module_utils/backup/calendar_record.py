# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is kept of an event or a series in the catalogue, and where its JSON lies. Pure functions.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from datetime import datetime, timedelta, timezone

from .catalogue import Record
from .item_fields import address, addresses, parse_time
from .layout import dated_path

_UNKNOWN = datetime.fromtimestamp(0, timezone.utc)


def event_record(event: t.Mapping[str, t.Any]) -> Record:
    """C(start) and C(end) are those of the first occurrence; a series has C(series), and C(until) unless it has no end."""
    record: Record = {
        "key": event.get("changeKey"),
        "subject": event.get("subject"),
        "from": address(event.get("organizer")),
        "to": addresses(event.get("attendees")),
        "start": utc(event.get("start")),
        "end": utc(event.get("end")),
        "received": event.get("createdDateTime"),
        "modified": event.get("lastModifiedDateTime"),
        "categories": sorted(event.get("categories") or ()),
        "attachments": event.get("hasAttachments") is True,
        "cancelled": event.get("isCancelled") is True,
        "all_day": event.get("isAllDay") is True,
    }
    if event.get("sensitivity") not in (None, "normal"):
        record["sensitivity"] = event["sensitivity"]
    if is_series(event):
        record.update(series=True, until=series_end(event), exceptions=len(event.get("exceptionOccurrences") or ()))
    return record


def is_series(event: t.Mapping[str, t.Any]) -> bool:
    return event.get("type") == "seriesMaster" or bool(event.get("recurrence"))


def event_file(record: Record) -> str:
    """year/month/day/<time>-<hash>.json by the start in UTC."""
    return "/".join(dated_path(record["id"], parse_time(record.get("start")) or _UNKNOWN, ".json"))


def utc(moment: t.Any) -> str:
    """A dateTimeTimeZone as ISO with Z. We never ask for another zone than UTC; one that came nevertheless keeps its wall time."""
    when = parse_time((moment or {}).get("dateTime"))
    return "" if when is None else _iso(when)


def series_end(event: t.Mapping[str, t.Any]) -> str:
    """An upper bound of the end of the last occurrence; empty for a series without end.

    A range that counts its occurrences does not say when it ends; its count of periods does, and exceptions may lie later.
    """
    span = (event.get("recurrence") or {}).get("range") or {}
    start = parse_time((event.get("start") or {}).get("dateTime"))
    last = _range_end(span, (event.get("recurrence") or {}).get("pattern") or {}, start)
    if last is None:
        return ""
    moved = [parse_time((exception.get("end") or {}).get("dateTime")) for exception in event.get("exceptionOccurrences") or ()]
    return _iso(max([last, *(moment for moment in moved if moment is not None)]))


def _range_end(span: t.Mapping[str, t.Any], pattern: t.Mapping[str, t.Any], start: datetime | None) -> datetime | None:
    if span.get("type") == "endDate" and span.get("endDate"):
        day = parse_time(f"{span['endDate']}T00:00:00"[:19])
        # The day is one of the series' own zone, and an occurrence may last beyond midnight.
        return None if day is None else _later(day, timedelta(days=2))
    count = span.get("numberOfOccurrences")
    if span.get("type") == "numbered" and isinstance(count, int) and start is not None:
        period = _PERIODS.get(str(pattern.get("type") or ""), 366) * max(1, _whole(pattern.get("interval")))
        return _later(start, timedelta(days=min(period * (count + 1), 400_000)))
    return None


#: Days after which each kind of pattern has occurred once more at the latest.
_PERIODS = {"daily": 1, "weekly": 7, "absoluteMonthly": 31, "relativeMonthly": 35, "absoluteYearly": 1462, "relativeYearly": 371}


def _later(moment: datetime, by: timedelta) -> datetime | None:
    """None beyond the end of the calendar, which is an end that never comes."""
    try:
        return moment + by
    except OverflowError:
        return None


def _whole(value: t.Any) -> int:
    return value if isinstance(value, int) else 1


def _iso(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"
