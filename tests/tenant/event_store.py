# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How events come into being and change, whoever asks for it: what the service fills in, and what it refuses."""

from __future__ import annotations

import datetime
import typing as t

from .call import GraphError
from .event_series import Happening, cancel_occurrence, change_occurrence, is_series, refuse_crossing, span_of
from .event_view import DEFAULTS
from .ids import stable_guid
from .recurrence import check_recurrence, days_of
from .zones import wall_time, zone

if t.TYPE_CHECKING:
    from .mailbox import Mailbox
    from .sections import Container, Item
    from .state import Tenant

Json = dict[str, t.Any]
GLOBAL_ID = "040000008200E00074C5B7101A82E008"
LARGEST_MEETING = 500
_NEVER = {"response": "none", "time": "0001-01-01T00:00:00Z"}
_CHOICES = {
    "importance": ("low", "normal", "high"),
    "sensitivity": ("normal", "personal", "private", "confidential"),
    "showAs": ("free", "tentative", "busy", "oof", "workingElsewhere", "unknown"),
}


def add_event(tenant: Tenant, mailbox: Mailbox, calendar: Container, properties: Json) -> Item:
    """A new event; whoever asked is not told and nobody is invited. Raises GraphError 400."""
    stored = _checked(properties)
    number = stable_guid("ical", mailbox.guid, mailbox.version).replace("-", "").upper()
    stored.setdefault("iCalUId", f"{GLOBAL_ID}00000000{number[8:]}")  # the eight zeros are the day, which occurrences have
    if stored.get("organizer") is None:
        stored["organizer"] = {"emailAddress": owner_of(tenant, mailbox)}
    if stored.get("recurrence") is not None:
        _align(stored)
    return mailbox.sections.calendars.add(calendar, stored)


def change_event(mailbox: Mailbox, happening: Happening, changes: Json) -> None:
    """Changes a single event, a series or an occurrence, and notes it. Raises GraphError 400."""
    item, day = happening
    if day is None:
        merged = _checked({**item.properties, **changes})
        if {"start", "end", "recurrence", "isAllDay"} & changes.keys():
            for side, name in (("start", "originalStartTimeZone"), ("end", "originalEndTimeZone")):
                if side in changes:
                    merged[name] = merged[side]["timeZone"]
            if is_series(item) and _moves(item.properties, merged):
                item.exceptions = item.cancelled = None  # a new pattern or time knows no exceptions
            if merged.get("recurrence") is not None:
                _align(merged)
        before = item.properties.get("recurrence")
        if before is not None and before != merged.get("recurrence"):
            item.former = [*(item.former or ()), before]
        item.properties = merged
    else:
        if changes.get("recurrence") is not None:
            raise GraphError(400, "ErrorInvalidRequest", "An occurrence of a series cannot have a recurrence of its own.")
        cleaned = {name: value for name, value in changes.items() if name != "recurrence"}
        _check_times({**item.properties, **cleaned}, {name for name in ("start", "end") if name in cleaned})
        refuse_crossing(happening, cleaned)
        change_occurrence(happening, _people(cleaned))
        if span_of(happening)[0] > span_of(happening)[1]:
            raise GraphError(400, "ErrorPropertyValidationFailure", "The end of an event must not lie before its start.")
    mailbox.sections.calendars.touch(item)


def delete_happening(mailbox: Mailbox, happening: Happening) -> None:
    """Deletes an event or a series for good, or cancels an occurrence."""
    if happening.day is None:
        mailbox.sections.calendars.remove(happening.item)
    else:
        cancel_occurrence(happening)
        mailbox.sections.calendars.touch(happening.item)


def owner_of(tenant: Tenant, mailbox: Mailbox) -> Json:
    """Name and address of the person whose mailbox it is."""
    properties = tenant.directory.objects[mailbox.owner_id].properties
    return {"name": properties.get("displayName"), "address": properties.get("mail") or properties.get("userPrincipalName")}


def _checked(properties: Json) -> Json:
    """Properties as they are kept: no defaults, times that are times, a complete recurrence. Raises GraphError 400."""
    stored = {name: value for name, value in properties.items() if value is not None and value != DEFAULTS.get(name, ...)}
    for name in ("start", "end"):
        if not isinstance(stored.get(name), dict):
            raise GraphError(400, "ErrorPropertyValidationFailure", f"The event has no {name}.")
    for name, known in _CHOICES.items():
        if stored.get(name, known[0]) not in known:
            raise GraphError(400, "ErrorInvalidRequest", f"Requested value '{stored[name]}' was not found.")
    _check_times(stored, {"start", "end"})
    if wall_time(stored["start"]).replace(tzinfo=zone(stored["start"]["timeZone"])) > wall_time(stored["end"]).replace(
        tzinfo=zone(stored["end"]["timeZone"])
    ):
        raise GraphError(400, "ErrorPropertyValidationFailure", "The end of an event must not lie before its start.")
    stored.setdefault("originalStartTimeZone", stored["start"]["timeZone"])
    stored.setdefault("originalEndTimeZone", stored["end"]["timeZone"])
    if "recurrence" in stored:
        stored["recurrence"] = check_recurrence(stored["recurrence"], time_zone=stored["start"]["timeZone"])
    if "location" in stored and "locations" not in stored and stored["location"].get("displayName"):
        stored["locations"] = [stored["location"]]
    elif stored.get("locations") and "location" not in stored:
        stored["location"] = stored["locations"][0]
    return _people(stored)


def _people(properties: Json) -> Json:
    """Attendees in full. Raises GraphError 400."""
    attendees = properties.get("attendees")
    if attendees is None:
        return properties
    if len(attendees) > LARGEST_MEETING:
        raise GraphError(400, "ErrorExceededAttendeeLimit", f"A meeting has at most {LARGEST_MEETING} attendees.")
    if any(not ((one or {}).get("emailAddress") or {}).get("address") for one in attendees):
        raise GraphError(400, "ErrorInvalidRecipients", "At least one recipient isn't valid.")
    full = [
        {"type": "required", "status": dict(_NEVER), **{name: value for name, value in one.items() if value is not None}}
        for one in attendees
    ]
    return {**properties, "attendees": full}


def _check_times(properties: Json, names: set[str]) -> None:
    for name in names:
        wall = wall_time(properties[name])
        if properties.get("isAllDay") and wall.time() != datetime.time(0):
            raise GraphError(
                400,
                "ErrorPropertyValidationFailure",
                f"The Event.{name.title()} property for an all-day event needs to be set to midnight.",
            )
    if not properties.get("isAllDay") or names != {"start", "end"}:
        return
    if wall_time(properties["end"]) - wall_time(properties["start"]) < datetime.timedelta(days=1):
        raise GraphError(400, "ErrorPropertyValidationFailure", "The duration of an event marked as All day must be at least 24 hours.")


def _align(stored: Json) -> None:
    """Brings the times of a series into the zone of its recurrence and onto its first day. Raises GraphError 400."""
    span = stored["recurrence"]["range"]
    target = zone(span["recurrenceTimeZone"])
    if not stored.get("isAllDay"):
        for name in ("start", "end"):
            if stored[name]["timeZone"] != span["recurrenceTimeZone"]:
                moment = wall_time(stored[name]).replace(tzinfo=zone(stored[name]["timeZone"])).astimezone(target)
                stored[name] = {"dateTime": moment.replace(tzinfo=None).isoformat(), "timeZone": span["recurrenceTimeZone"]}
    first = next(days_of(stored["recurrence"]), None)
    if first is None:
        raise GraphError(400, "ErrorPropertyValidationFailure", "The recurrence has no occurrence.")
    start, end = wall_time(stored["start"]), wall_time(stored["end"])
    shift = datetime.datetime.combine(first, start.time()) - start
    for name, wall in (("start", start), ("end", end)):
        stored[name] = {**stored[name], "dateTime": (wall + shift).isoformat()}
    stored["recurrence"] = {**stored["recurrence"], "range": {**span, "startDate": first.isoformat()}}


def _moves(before: Json, after: Json) -> bool:
    """Whether a series gets another pattern or another time of day."""
    if before["recurrence"]["pattern"] != (after.get("recurrence") or {}).get("pattern"):
        return True
    return any(wall_time(before[name]).time() != wall_time(after[name]).time() for name in ("start", "end"))
