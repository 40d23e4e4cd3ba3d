# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Events of an iCalendar file as the JSON that C(CalendarControl.add_event) takes: series with exceptions, attachments, zones."""

from __future__ import annotations

import base64
import datetime
import re
import typing as t

from .content_lines import Component, Line, read_components
from .ics_rules import RuleRefused, read_rule
from .ics_zones import Moment, in_zone, read_moment
from .recurrence import check_recurrence, days_of
from .zones import UTC, known_zone

Json = dict[str, t.Any]
_DURATION = re.compile(r"^([+-])?P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$")
_STATUS = {"ACCEPTED": "accepted", "DECLINED": "declined", "TENTATIVE": "tentativelyAccepted", "NEEDS-ACTION": "notResponded"}
_BUSY = {"FREE": "free", "TENTATIVE": "tentative", "BUSY": "busy", "OOF": "oof", "WORKINGELSEWHERE": "workingElsewhere"}
_CLASSES = {"PRIVATE": "private", "CONFIDENTIAL": "confidential", "PERSONAL": "personal"}
_MOST_ATTENDEES = 500


class Found(t.NamedTuple):
    """An event of a file: its JSON, or None when Exchange would not take it; and what of the file was lost."""

    uid: str
    event: Json | None
    notes: list[str]


def read_events(content: bytes, owner: str) -> list[Found]:
    """The events of a file for the mailbox of C(owner) (an address); one entry for a whole series."""
    found: list[Found] = []
    for calendar in read_components(content).below("VCALENDAR"):
        components = list(calendar.below("VEVENT"))
        masters = [one for one in components if one.first("RECURRENCE-ID") is None]
        series = {one.text("UID") for one in masters if one.first("RRULE") is not None}
        changes = [one for one in components if one.first("RECURRENCE-ID") is not None]
        for one in [*masters, *(change for change in changes if change.text("UID") not in series)]:
            notes: list[str] = []
            try:
                event = _event(one, calendar, owner, notes)
                if event.get("recurrence") is not None:
                    _add_changes(
                        event, one, [change for change in changes if change.text("UID") == one.text("UID")], calendar, owner, notes
                    )
            except (ValueError, OverflowError) as error:
                found.append(Found(one.text("UID"), None, [*notes, str(error)]))
            else:
                found.append(Found(one.text("UID"), event, notes))
    return found


def _event(component: Component, calendar: Component, owner: str, notes: list[str]) -> Json:
    start, end = _times(component, calendar)
    event: Json = {
        "subject": component.text("SUMMARY"),
        "start": start.json(),
        "end": end.json(),
        "originalStartTimeZone": start.told_as,
        "originalEndTimeZone": end.told_as,
        "isAllDay": start.is_date,
        "isReminderOn": False,
        **_marks(component),
        **_people(component, owner, notes),
    }
    if component.text("UID"):
        event["iCalUId"] = component.text("UID")
    if component.text("DESCRIPTION"):
        event["body"] = {"contentType": "text", "content": component.text("DESCRIPTION")}
    if component.text("LOCATION"):
        event["location"] = {"displayName": component.text("LOCATION"), "locationType": "default"}
    event["attachments"] = _attachments(component)
    rule = component.first("RRULE")
    if rule is not None:
        try:
            zone = known_zone(start.zone) or UTC
            recurrence = read_rule(rule.value, start.wall, zone)
            recurrence["range"]["recurrenceTimeZone"] = start.zone
            event["recurrence"] = check_recurrence(recurrence, time_zone=start.zone)
        except RuleRefused as error:
            notes.append(f"kept as a single event: {error}")
    if component.first("RDATE") is not None:
        notes.append("additional dates (RDATE) are left out")
    return event


def _add_changes(event: Json, master: Component, changes: list[Component], calendar: Component, owner: str, notes: list[str]) -> None:
    """Cancelled days and exceptions of a series."""
    zone = event["start"]["timeZone"]
    cancelled: set[str] = set()
    for line in master.all("EXDATE"):
        for value in line.value.split(","):
            cancelled.add(in_zone(read_moment(Line(line.name, line.parameters, value), calendar), zone).date().isoformat())
    exceptions: Json = {}
    for change in changes:
        identifier = change.first("RECURRENCE-ID")
        if identifier is None:
            continue
        day = in_zone(read_moment(identifier, calendar), zone).date().isoformat()
        changed = _event(change, calendar, owner, notes)
        for name in ("recurrence", "iCalUId", "originalStartTimeZone", "originalEndTimeZone"):
            changed.pop(name, None)
        exceptions[day] = changed
    last = max((datetime.date.fromisoformat(day) for day in (*cancelled, *exceptions)), default=None)
    known = {day.isoformat() for day in days_of(event["recurrence"], last)} if last is not None else set()
    strangers = (cancelled | exceptions.keys()) - known
    if strangers:
        notes.append(f"not days of the series: {', '.join(sorted(strangers))}")
    event["cancelled"] = sorted((cancelled - exceptions.keys()) & known)
    event["exceptions"] = {day: changed for day, changed in exceptions.items() if day in known}


def _times(component: Component, calendar: Component) -> tuple[Moment, Moment]:
    begin = component.first("DTSTART")
    if begin is None:
        raise ValueError("the event has no start")
    start = read_moment(begin, calendar)
    last, duration = component.first("DTEND"), component.first("DURATION")
    if last is not None:
        end = read_moment(last, calendar)
    else:
        length = _duration(duration.value) if duration is not None else datetime.timedelta(days=1 if start.is_date else 0)
        end = start._replace(wall=start.wall + length)
    if start.is_date and end.wall < start.wall + datetime.timedelta(days=1):
        end = start._replace(wall=start.wall + datetime.timedelta(days=1))
    if not start.is_date and in_zone(end, start.zone) < start.wall:
        end = start
    return start, end


def _marks(component: Component) -> Json:
    marks: Json = {}
    kind = component.text("CLASS").upper()
    if kind in _CLASSES:
        marks["sensitivity"] = _CLASSES[kind]
    priority = component.text("PRIORITY").strip()
    if priority.isdigit() and priority != "0" and priority != "5":
        marks["importance"] = "high" if int(priority) < 5 else "low"
    busy = component.text("X-MICROSOFT-CDO-BUSYSTATUS").upper()
    if busy in _BUSY or component.text("TRANSP").upper() == "TRANSPARENT":
        marks["showAs"] = _BUSY.get(busy, "free")
    if component.text("STATUS").upper() == "CANCELLED":
        marks["isCancelled"] = True
    categories = [name.strip() for line in component.all("CATEGORIES") for name in line.parts(",") if name.strip()]
    if categories:
        marks["categories"] = list(dict.fromkeys(categories))
    for alarm in component.children:
        trigger = alarm.first("TRIGGER")
        match = _DURATION.match(trigger.value.strip()) if trigger is not None else None
        if match is not None:
            return {**marks, "isReminderOn": True, "reminderMinutesBeforeStart": int(abs(_duration(match[0])).total_seconds() // 60)}
    return marks


def _people(component: Component, owner: str, notes: list[str]) -> Json:
    people: Json = {}
    attendees = [attendee for attendee in map(_attendee, component.all("ATTENDEE")) if attendee is not None]
    if len(attendees) > _MOST_ATTENDEES:
        notes.append(f"attendees beyond the {_MOST_ATTENDEES}th are left out")
    if attendees:
        people["attendees"] = attendees[:_MOST_ATTENDEES]
    line = component.first("ORGANIZER")
    address = _address(line) if line is not None else None
    if line is not None and address is not None:
        people["organizer"] = {"emailAddress": {"name": line.parameter("CN") or address, "address": address}}
        people["isOrganizer"] = address.lower() == owner.lower()
        if not people["isOrganizer"]:
            people["responseStatus"] = {"response": "notResponded", "time": "0001-01-01T00:00:00Z"}
    return people


def _attendee(line: Line) -> Json | None:
    address = _address(line)
    if address is None:
        return None
    role = line.parameter("ROLE").upper()
    kind = "optional" if role == "OPT-PARTICIPANT" else "required"
    if role == "NON-PARTICIPANT" or line.parameter("CUTYPE").upper() in ("RESOURCE", "ROOM"):
        kind = "resource"
    response = _STATUS.get(line.parameter("PARTSTAT").upper(), "none")
    return {
        "type": kind,
        "status": {"response": response, "time": "0001-01-01T00:00:00Z"},
        "emailAddress": {"name": line.parameter("CN") or address, "address": address},
    }


def _address(line: Line) -> str | None:
    """The SMTP address that a line names, if it names one."""
    text = line.value.strip()
    text = text[7:] if text.lower().startswith("mailto:") else line.parameter("EMAIL") or text
    return text if re.fullmatch(r"[^\s@:/]+@[^\s@/]+", text) else None


def _attachments(component: Component) -> list[Json]:
    attachments: list[Json] = []
    for number, line in enumerate(component.all("ATTACH"), 1):
        name = line.parameter("X-FILENAME") or line.parameter("FILENAME") or line.parameter("X-APPLE-FILENAME") or f"attachment{number}"
        content = line.content()
        if content is not None:
            kind = line.parameter("FMTTYPE") or "application/octet-stream"
            encoded = base64.b64encode(content).decode()
            attachments.append(
                {"@odata.type": "#microsoft.graph.fileAttachment", "name": name, "contentType": kind, "contentBytes": encoded}
            )
        else:
            attachments.append({"@odata.type": "#microsoft.graph.referenceAttachment", "name": name, "sourceUrl": line.value.strip()})
    return attachments


def _duration(text: str) -> datetime.timedelta:
    match = _DURATION.match(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no duration")
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in match.groups()[1:])
    length = datetime.timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    return -length if match[1] == "-" else length
