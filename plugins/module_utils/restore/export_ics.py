# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Events as iCalendar files (RFC 5545), from the JSON that Graph gave: a series with its rule, exceptions and cancelled days.

Single events stand in UTC, which every program shows right. A series stands in its own time zone, which is told with it,
since its hour follows the clocks there; where nobody knows the zone, the series stands in UTC and says so in a comment.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
import zoneinfo
from dataclasses import dataclass, replace
from datetime import date, datetime, timezone

from .choice import ChosenItem, Part
from .html_text import text_of_html
from .ical_recurrence import rule_of
from .ical_text import Parameters, binary_lines, escaped, line, list_line, text_line, uri
from .ical_zones import find_zone, zone_lines

Fields = t.Mapping[str, t.Any]
PartReader = t.Callable[[Part], t.Iterable[bytes]]

PRODUCT = "-//tenantvault//m365_backup//EN"
_FIRST_YEAR, _LAST_YEAR = 1601, 9000
_CLASSES = {"private": "PRIVATE", "personal": "PRIVATE", "confidential": "CONFIDENTIAL"}
_PRIORITIES = {"high": "1", "low": "9"}
_ROLES = {"required": "REQ-PARTICIPANT", "optional": "OPT-PARTICIPANT", "resource": "NON-PARTICIPANT"}
_ANSWERS = {"accepted": "ACCEPTED", "organizer": "ACCEPTED", "declined": "DECLINED", "tentativelyaccepted": "TENTATIVE"}
_BUSY = {"free": "FREE", "tentative": "TENTATIVE", "oof": "OOF", "workingelsewhere": "WORKINGELSEWHERE"}


def calendar_of_event(item: ChosenItem, event: Fields, read: PartReader) -> t.Iterator[bytes]:
    """The file of an event, in pieces."""
    times = Times.of(event)
    yield from calendar_start()
    if times.zone is not None:
        yield from zone_lines(times.zone, graph_time(event.get("start")) or datetime(1970, 1, 1, tzinfo=timezone.utc))
    identity = str(event.get("iCalUId") or event.get("uid") or event.get("id") or item.record["id"])
    yield from _event_lines(event, identity, times, item, read)
    for exception in event.get("exceptionOccurrences") or ():
        yield from _event_lines(exception, identity, times, item, read)
    yield line("END", "VCALENDAR")


def calendar_start() -> t.Iterator[bytes]:
    yield line("BEGIN", "VCALENDAR")
    yield line("VERSION", "2.0")
    yield line("PRODID", PRODUCT)
    yield line("CALSCALE", "GREGORIAN")


@dataclass(frozen=True, slots=True)
class Times:
    """How the times of one event or series are written. C(zone) is set for a series in a zone that is known."""

    is_date: bool
    zone: zoneinfo.ZoneInfo | None
    unknown_zone: str = ""

    @classmethod
    def of(cls, event: Fields) -> Times:
        is_date = event.get("isAllDay") is True
        if not event.get("recurrence") or is_date:
            return cls(is_date, None)
        limits: Fields = event["recurrence"].get("range") or {}
        names = [name for name in (limits.get("recurrenceTimeZone"), event.get("originalStartTimeZone")) if name]
        zone = next((zone for zone in map(find_zone, names) if zone is not None), None)
        if zone is None or zone.key in ("UTC", "Etc/UTC"):
            return cls(is_date, None, "" if zone is not None or not names else str(names[0]))
        return cls(is_date, zone)

    def original(self, event: Fields) -> datetime | None:
        """When an exception would have begun. Of a day it is midnight somewhere, and the day is the one there."""
        moment = graph_time(event.get("originalStart"))
        zone = find_zone(event.get("originalStartTimeZone"))
        if moment is None or not self.is_date or zone is None or not (moment.hour or moment.minute):
            return moment
        return moment.astimezone(zone)

    def written(self, name: str, moment: datetime | None) -> bytes:
        """One property with a time; nothing where there is none."""
        if moment is None:
            return b""
        if self.is_date:
            return line(name, f"{moment:%Y%m%d}", [("VALUE", "DATE")])
        if self.zone is None:
            return line(name, _utc(moment))
        return line(name, f"{moment.astimezone(self.zone):%Y%m%dT%H%M%S}", [("TZID", self.zone.key)])

    def on(self, day: date, start: datetime) -> datetime:
        """The occurrence of a series on a day."""
        local = start.astimezone(self.zone or timezone.utc)
        return local.replace(year=day.year, month=day.month, day=day.day)


def graph_time(value: t.Any) -> datetime | None:
    """A dateTimeTimeZone, or a time in UTC as text; None for what is neither."""
    text, name = (value.get("dateTime"), value.get("timeZone")) if isinstance(value, dict) else (value, "UTC")
    try:
        moment = datetime.fromisoformat(str(text)[:19])
    except ValueError:
        return None
    # What Exchange cannot hold stands for no time at all, such as the year 1.
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        return None
    zone = timezone.utc if name in (None, "UTC") else find_zone(name) or timezone.utc
    return moment.replace(tzinfo=zone).astimezone(timezone.utc)


def stamps(item: Fields) -> t.Iterator[bytes]:
    """When it was made and changed. The time of the file is that of the last change, so that two restores give the same bytes."""
    created, modified = graph_time(item.get("createdDateTime")), graph_time(item.get("lastModifiedDateTime"))
    yield line("DTSTAMP", _utc(modified or created or datetime(1970, 1, 1, tzinfo=timezone.utc)))
    if created is not None:
        yield line("CREATED", _utc(created))
    if modified is not None:
        yield line("LAST-MODIFIED", _utc(modified))


def body_lines(body: Fields | None) -> t.Iterator[bytes]:
    """The text; of HTML also the HTML, as Outlook writes it."""
    content = str((body or {}).get("content") or "")
    is_html = str((body or {}).get("contentType") or "").lower() == "html"
    yield text_line("DESCRIPTION", text_of_html(content) if is_html else content.strip())
    if is_html and content.strip():
        yield text_line("X-ALT-DESC", content, [("FMTTYPE", "text/html")])


def attachment_lines(attachments: t.Iterable[Fields], parts: t.Iterable[Part], read: PartReader) -> t.Iterator[bytes]:
    """Files with their bytes, links as links. What could not be backed up or read has no line."""
    by_file = {part.facts["file"]: part for part in parts}
    for attachment in attachments:
        part = by_file.get(str(attachment.get("@m365.file")))
        name = str(attachment.get("name") or "")
        if part is not None:
            kind = str(attachment.get("contentType") or part.facts.get("type") or "application/octet-stream")
            kind = kind.partition(";")[0].strip()
            yield from binary_lines(
                "ATTACH",
                read(part),
                [
                    ("ENCODING", "BASE64"),
                    ("VALUE", "BINARY"),
                    ("FMTTYPE", kind),
                    ("FILENAME", name),
                    ("X-FILENAME", name),
                ],
            )
        elif attachment.get("sourceUrl"):
            yield line("ATTACH", uri(str(attachment["sourceUrl"])), [("FILENAME", name)])


def _event_lines(event: Fields, identity: str, times: Times, item: ChosenItem, read: PartReader) -> t.Iterator[bytes]:
    start = graph_time(event.get("start"))
    own = replace(times, is_date=event.get("isAllDay") is True)
    yield line("BEGIN", "VEVENT")
    yield line("UID", escaped(identity))
    yield from stamps(event)
    yield own.written("DTSTART", start)
    yield own.written("DTEND", graph_time(event.get("end")))
    if event.get("type") == "exception":
        yield times.written("RECURRENCE-ID", times.original(event))
    else:
        yield from _series_lines(event, times, start)
    yield text_line("SUMMARY", event.get("subject"))
    yield text_line("LOCATION", _location(event))
    yield from body_lines(event.get("body"))
    yield from _state_lines(event)
    yield from _people_lines(event)
    yield from attachment_lines(event.get("attachments") or (), item.parts, read)
    if event.get("isReminderOn") is True:
        yield from _alarm_lines(event)
    yield line("END", "VEVENT")


def _series_lines(event: Fields, times: Times, start: datetime | None) -> t.Iterator[bytes]:
    rule = rule_of(event.get("recurrence"), times.zone or timezone.utc, is_date=times.is_date)
    if rule is None or start is None:
        return
    yield line("RRULE", rule)
    for cancelled in event.get("cancelledOccurrences") or ():
        try:
            day = date.fromisoformat(str(cancelled).rpartition(".")[2])
        except ValueError:
            continue
        yield times.written("EXDATE", times.on(day, start))
    if times.unknown_zone:
        yield text_line("COMMENT", f"The series was made in the time zone {times.unknown_zone}, which is not known; it stands in UTC.")


def _location(event: Fields) -> str:
    places: list[Fields] = event.get("locations") or [event.get("location") or {}]
    return "; ".join(dict.fromkeys(str(place.get("displayName") or "") for place in places if place.get("displayName")))


def _state_lines(event: Fields) -> t.Iterator[bytes]:
    busy = str(event.get("showAs") or "busy").lower()
    yield line("STATUS", "CANCELLED" if event.get("isCancelled") is True else "TENTATIVE" if busy == "tentative" else "CONFIRMED")
    yield line("TRANSP", "TRANSPARENT" if busy in ("free", "workingelsewhere") else "OPAQUE")
    yield line("X-MICROSOFT-CDO-BUSYSTATUS", _BUSY.get(busy, "BUSY"))
    yield line("CLASS", _CLASSES.get(str(event.get("sensitivity") or "").lower(), "PUBLIC"))
    yield line("PRIORITY", _PRIORITIES.get(str(event.get("importance") or "").lower(), "5"))
    yield list_line("CATEGORIES", event.get("categories") or ())
    meeting: Fields = event.get("onlineMeeting") or {}
    address = meeting.get("joinUrl") or event.get("onlineMeetingUrl")
    if address:
        yield line("URL", uri(str(address)))


def _people_lines(event: Fields) -> t.Iterator[bytes]:
    attendees: list[Fields] = event.get("attendees") or []
    if not attendees:
        return
    yield _person("ORGANIZER", event.get("organizer") or {}, ())
    for attendee in attendees:
        kind = str(attendee.get("type") or "required").lower()
        answer = str((attendee.get("status") or {}).get("response") or "").lower()
        parameters = [("CUTYPE", "RESOURCE")] if kind == "resource" else []
        parameters += [("ROLE", _ROLES.get(kind, "REQ-PARTICIPANT")), ("PARTSTAT", _ANSWERS.get(answer, "NEEDS-ACTION"))]
        yield _person("ATTENDEE", attendee, parameters)


def _person(name: str, person: Fields, parameters: Parameters) -> bytes:
    address: Fields = person.get("emailAddress") or {}
    mailbox = str(address.get("address") or "")
    if not mailbox and not address.get("name"):
        return b""
    common = [("CN", str(address["name"]))] if address.get("name") else []
    return line(name, f"mailto:{uri(mailbox)}" if "@" in mailbox else "invalid:nomail", [*common, *parameters])


def _alarm_lines(event: Fields) -> t.Iterator[bytes]:
    minutes = int(event.get("reminderMinutesBeforeStart") or 0)
    yield line("BEGIN", "VALARM")
    yield line("ACTION", "DISPLAY")
    yield line("TRIGGER", f"{'-' if minutes >= 0 else ''}PT{abs(minutes)}M")
    yield text_line("DESCRIPTION", event.get("subject") or "Reminder")
    yield line("END", "VALARM")


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(timezone.utc):%Y%m%dT%H%M%SZ}"
