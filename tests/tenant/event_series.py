# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Single events, series and their occurrences: when they happen, what differs in an exception (facts 7.1, 14.57)."""

from __future__ import annotations

import copy
import datetime
import typing as t

from .call import GraphError
from .mail_items import now
from .recurrence import days_of
from .sections import ChangedOccurrence, Item, not_found
from .zones import UTC, wall_time, zone

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from .mailbox import Mailbox

Json = dict[str, t.Any]
_NOT_OF_AN_OCCURRENCE = ("recurrence", "transactionId")


class Happening(t.NamedTuple):
    """A single event or a series (C(day) None), or the occurrence that a series has on a day."""

    item: Item
    day: datetime.date | None = None


def is_series(item: Item) -> bool:
    return item.properties.get("recurrence") is not None


def kind_of(happening: Happening) -> str:
    """Graph's C(type)."""
    if happening.day is None:
        return "seriesMaster" if is_series(happening.item) else "singleInstance"
    return "exception" if happening.day in (happening.item.exceptions or ()) else "occurrence"


def find_happening(mailbox: Mailbox, key: str) -> Happening:
    """An event or an occurrence by either form of its id. Raises GraphError 404 (400 for text that is no id)."""
    item = mailbox.sections.calendars.item(key)
    place = mailbox.ids.read_item(key)
    if place is None or place.day is None:
        return Happening(item)
    day = datetime.date.fromordinal(place.day) if 0 < place.day < 3_000_000 else datetime.date.max
    if not has_day(item, day):
        raise not_found()
    return Happening(item, day)


def happening_id(mailbox: Mailbox, happening: Happening, *, immutable: bool) -> str:
    series = mailbox.sections.calendars.item_id(happening.item, immutable=immutable)
    return series if happening.day is None else mailbox.ids.occurrence(series, happening.day.toordinal())


def has_day(item: Item, day: datetime.date) -> bool:
    """Whether a series has an occurrence on a day, changed or not."""
    if not is_series(item) or day in (item.cancelled or ()):
        return False
    return any(one == day for one in days_of(item.properties["recurrence"], day))


def properties_of(happening: Happening) -> Json:
    """All stored properties of a happening, its own times included."""
    item, day = happening
    if day is None:
        return item.properties
    inherited = {name: value for name, value in item.properties.items() if name not in _NOT_OF_AN_OCCURRENCE}
    start, end = wall_time(item.properties["start"]), wall_time(item.properties["end"])
    first = datetime.datetime.combine(day, start.time())
    times = {
        "start": {**item.properties["start"], "dateTime": first.isoformat()},
        "end": {**item.properties["end"], "dateTime": (first + (end - start)).isoformat()},
    }
    changed = (item.exceptions or {}).get(day)
    return {**inherited, **times, **(changed.properties if changed is not None else {})}


def original_start(happening: Happening) -> datetime.datetime | None:
    """When the series would have its occurrence."""
    item, day = happening
    if day is None:
        return None
    start = item.properties["start"]
    return datetime.datetime.combine(day, wall_time(start).time()).replace(tzinfo=zone(start["timeZone"])).astimezone(UTC)


def span_of(happening: Happening) -> tuple[datetime.datetime, datetime.datetime]:
    """Start and end as moments; those of an all-day event float: they are taken as UTC."""
    properties = properties_of(happening)
    times = (properties["start"], properties["end"])
    if properties.get("isAllDay"):
        return tuple(wall_time(time).replace(tzinfo=UTC) for time in times)  # type: ignore[return-value]
    return tuple(wall_time(time).replace(tzinfo=zone(time["timeZone"])).astimezone(UTC) for time in times)  # type: ignore[return-value]


def occurrences(item: Item, first: datetime.datetime, last: datetime.datetime) -> Iterator[Happening]:
    """What of an event happens in a window: itself, or its occurrences in order of their days."""
    if not is_series(item):
        if _meets(Happening(item), first, last):
            yield Happening(item)
        return
    moved = max((abs((span_of(Happening(item, day))[0].date() - day).days) for day in item.exceptions or ()), default=0)
    until = last.date() + datetime.timedelta(days=2 + moved) if last.year < datetime.MAXYEAR else last.date()
    for day in days_of(item.properties["recurrence"], until):
        if day not in (item.cancelled or ()) and _meets(Happening(item, day), first, last):
            yield Happening(item, day)


def all_exceptions(item: Item) -> list[Happening]:
    return [Happening(item, day) for day in sorted(item.exceptions or ())]


def change_occurrence(happening: Happening, properties: Json) -> ChangedOccurrence:
    """Makes an occurrence an exception, or changes it further; the attachments of the series are copied into it."""
    item, day = happening
    if day is None:
        raise ValueError("a series is not an occurrence of itself")
    if item.exceptions is None:
        item.exceptions = {}
    changed = item.exceptions.get(day)
    if changed is None:
        copies = []
        for attachment in item.attachments:
            duplicate = copy.copy(attachment)
            duplicate.number = item.next_attachment
            item.next_attachment += 1
            copies.append(duplicate)
        changed = item.exceptions[day] = ChangedOccurrence({}, copies, now())
    changed.properties.update(properties)
    changed.modified = now()
    changed.revision += 1
    return changed


def cancel_occurrence(happening: Happening) -> None:
    """Takes an occurrence out of its series."""
    item, day = happening
    if day is None:
        raise ValueError("a series is not an occurrence of itself")
    if item.exceptions is not None:
        item.exceptions.pop(day, None)
    item.cancelled = (item.cancelled or set()) | {day}


def refuse_crossing(happening: Happening, properties: Json) -> None:
    """An exception may not be moved to or beyond the occurrence before or after it. Raises GraphError 400."""
    item, day = happening
    if day is None or "start" not in properties:
        return
    start = wall_time(properties["start"]).date()
    for neighbour in _neighbours(item, day):
        other = span_of(Happening(item, neighbour))[0].date()
        if (neighbour < day and start <= other) or (neighbour > day and start >= other):
            raise GraphError(400, "ErrorOccurrenceCrossingBoundary", "Modified occurrence is crossing or overlapping adjacent occurrence.")


def _neighbours(item: Item, day: datetime.date) -> list[datetime.date]:
    before, after = None, None
    for one in days_of(item.properties["recurrence"]):
        if one in (item.cancelled or ()):
            continue
        if one < day:
            before = one
        elif one > day:
            after = one
            break
    return [one for one in (before, after) if one is not None]


def _meets(happening: Happening, first: datetime.datetime, last: datetime.datetime) -> bool:
    start, end = span_of(happening)
    return start < last and (end > first or start == end >= first)
