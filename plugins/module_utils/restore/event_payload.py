# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Turn a stored event or series into what Graph takes to create it again. Pure functions.

Graph sends invitations to whoever is an attendee of a created event, and no switch keeps it from that (graph-mailbox
facts, section 9.5). So attendees and the organiser become text at the end of the body. What is not named here is left
out: Graph refuses an event for one property that it does not expect.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import html
import re
import typing as t
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone

from .ical_zones import find_zone

Json = t.Mapping[str, t.Any]

_KEPT = (
    "subject",
    "isAllDay",
    "location",
    "locations",
    "isReminderOn",
    "reminderMinutesBeforeStart",
    "showAs",
    "sensitivity",
    "importance",
    "categories",
)
_HEADING = "Restored from a backup, without telling anybody:"
_BODY_END = re.compile(r"</body\s*>", re.IGNORECASE)
_REFERENCE = "#microsoft.graph.referenceAttachment"


@dataclass(frozen=True, slots=True)
class ChangedOccurrence:
    """An exception of a series. C(id) is the one it had in the backup, C(moment) (UTC) when the series would have it."""

    id: str
    moment: datetime
    changes: dict[str, t.Any]


@dataclass(frozen=True, slots=True)
class EventParts:
    """C(payload) creates the event, or the master of a series; then its dates in C(cancelled) go, then C(changed)."""

    payload: dict[str, t.Any]
    cancelled: tuple[date, ...] = ()
    changed: tuple[ChangedOccurrence, ...] = ()

    @property
    def span(self) -> tuple[datetime, datetime] | None:
        """A time (UTC) in which all occurrences lie that are cancelled or changed; None where there are none."""
        days = [datetime(day.year, day.month, day.day, tzinfo=timezone.utc) for day in self.cancelled]
        moments = [*days, *(each.moment for each in self.changed)]
        return (min(moments) - timedelta(days=2), max(moments) + timedelta(days=2)) if moments else None


def event_parts(event: Json) -> EventParts:
    """C(event) is Graph's object, with C(exceptionOccurrences) and C(cancelledOccurrences) where it is a series."""
    zone = _zone_name(event)
    payload = _payload(event, zone)
    if not event.get("recurrence"):
        return EventParts(payload)
    payload["recurrence"] = _recurrence(event["recurrence"])
    cancelled = (_cancelled_day(text) for text in event.get("cancelledOccurrences") or ())
    exceptions = (_changed(each, payload, zone) for each in event.get("exceptionOccurrences") or ())
    return EventParts(
        payload,
        tuple(sorted(day for day in cancelled if day is not None)),
        tuple(each for each in exceptions if each is not None),
    )


def day_of(instance: Json, event: Json) -> date | None:
    """The day in the zone of its series on which an occurrence begins, given in UTC: what cancelled dates are told by."""
    moment = moment_of(instance)
    if moment is None:
        return None
    zone = None if event.get("isAllDay") else find_zone(_zone_name(event))
    return (moment if zone is None else moment.astimezone(zone)).date()


def moment_of(instance: Json) -> datetime | None:
    """When the series would have an occurrence, in UTC."""
    return utc_moment(instance.get("originalStart") or (instance.get("start") or {}).get("dateTime"))


def utc_moment(text: t.Any) -> datetime | None:
    """A time of Graph in UTC, with up to seven fractional digits; None for what is none."""
    try:
        return datetime.fromisoformat(str(text)[:19]).replace(tzinfo=timezone.utc)
    except ValueError:
        return None


def _payload(event: Json, zone: str) -> dict[str, t.Any]:
    payload = {name: event[name] for name in _KEPT if event.get(name) is not None}
    payload["body"] = _body(event)
    for name in ("start", "end"):
        payload[name] = _time(event.get(name) or {}, zone, is_all_day=bool(event.get("isAllDay")))
    return payload


def _changed(exception: Json, master: Json, zone: str) -> ChangedOccurrence | None:
    moment = utc_moment(exception.get("originalStart"))
    if moment is None:
        return None
    wanted = _payload(exception, zone)
    changes = {name: value for name, value in wanted.items() if name in ("start", "end") or value != master.get(name)}
    return ChangedOccurrence(str(exception.get("id") or ""), moment, changes)


def _zone_name(event: Json) -> str:
    """The zone that the event was made in, if its clocks are known here; else UTC."""
    span = (event.get("recurrence") or {}).get("range") or {}
    for name in (event.get("originalStartTimeZone"), span.get("recurrenceTimeZone")):
        if name and find_zone(str(name)) is not None:
            return str(name)
    return "UTC"


def _time(moment: Json, zone_name: str, *, is_all_day: bool) -> dict[str, str]:
    """In the zone of the event, for a series goes on at the same time of the clock through the year. Days have no zone."""
    when = utc_moment(moment.get("dateTime"))
    zone = find_zone(zone_name)
    if when is None or is_all_day or zone is None or str(moment.get("timeZone") or "UTC") != "UTC":
        name = zone_name if is_all_day else str(moment.get("timeZone") or "UTC")
        return {"dateTime": str(moment.get("dateTime") or "")[:19], "timeZone": name}
    return {"dateTime": when.astimezone(zone).replace(tzinfo=None).isoformat(timespec="seconds"), "timeZone": zone_name}


def _recurrence(recurrence: Json) -> dict[str, t.Any]:
    span = {name: value for name, value in (recurrence.get("range") or {}).items() if value not in (None, "")}
    if find_zone(span.get("recurrenceTimeZone")) is None:
        span.pop("recurrenceTimeZone", None)
    return {"pattern": dict(recurrence.get("pattern") or {}), "range": span}


def _cancelled_day(text: t.Any) -> date | None:
    """C(OID.<id of the series>.2026-05-17); the id may hold dots."""
    try:
        return date.fromisoformat(str(text).rpartition(".")[2][:10])
    except ValueError:
        return None


def _body(event: Json) -> dict[str, str]:
    body = event.get("body") or {}
    content, is_html = str(body.get("content") or ""), str(body.get("contentType") or "").lower() == "html"
    lines = _note(event, content)
    if not lines:
        return {"contentType": "html" if is_html else "text", "content": content}
    if not is_html:
        return {"contentType": "text", "content": "\n".join([content, "", _HEADING, *lines])}
    note = "<hr><p>" + "<br>".join(html.escape(line) for line in (_HEADING, *lines)) + "</p>"
    ends = list(_BODY_END.finditer(content))
    place = ends[-1].start() if ends else len(content)
    return {"contentType": "html", "content": content[:place] + note + content[place:]}


def _note(event: Json, content: str) -> list[str]:
    """What an event cannot be given any more, in lines of text."""
    lines = []
    attendees = [_person(each) + _answer(each) for each in event.get("attendees") or ()]
    organizer = _person(event.get("organizer") or {})
    if organizer and (attendees or event.get("isOrganizer") is False):
        lines.append(f"Organizer: {organizer}")
    lines.extend(f"Attendee: {attendee}" for attendee in attendees if attendee)
    meeting = (event.get("onlineMeeting") or {}).get("joinUrl") or event.get("onlineMeetingUrl")
    if meeting and str(meeting) not in content:
        lines.append(f"Online meeting: {meeting}")
    for attachment in event.get("attachments") or ():
        if attachment.get("@odata.type") == _REFERENCE:
            link = attachment.get("sourceUrl") or ""
            lines.append(f"Linked file: {attachment.get('name') or ''} {link}".rstrip())
    return lines


def _person(entry: Json) -> str:
    address = entry.get("emailAddress") or {}
    name, mailbox = str(address.get("name") or ""), str(address.get("address") or "")
    return f"{name} <{mailbox}>" if name and mailbox and name != mailbox else name or mailbox


def _answer(attendee: Json) -> str:
    response = str((attendee.get("status") or {}).get("response") or "none")
    known = {"accepted": "accepted", "declined": "declined", "tentativelyAccepted": "tentative"}
    return f" ({known[response]})" if response in known else ""
