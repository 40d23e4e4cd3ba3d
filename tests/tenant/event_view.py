# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An event as Graph's JSON."""

from __future__ import annotations

import re
import typing as t

from .event_series import Happening, happening_id, kind_of, original_start, properties_of
from .message_view import stamp
from .mime_view import preview
from .zones import UTC, time_json, wall_time, zone

if t.TYPE_CHECKING:
    import datetime

    from .attachment_store import Attachment
    from .call import Call
    from .mailbox import Mailbox

Json = dict[str, t.Any]
_ZONE = re.compile(r"outlook\.timezone\s*=\s*\"?([^\",;]+)", re.IGNORECASE)
# What an event has that was never told otherwise; kept out of each event so that many of them cost little.
DEFAULTS: Json = {
    "categories": [],
    "transactionId": None,
    "iCalUId": None,
    "reminderMinutesBeforeStart": 15,
    "isReminderOn": True,
    "subject": "",
    "importance": "normal",
    "sensitivity": "normal",
    "isAllDay": False,
    "isCancelled": False,
    "isOrganizer": True,
    "responseRequested": True,
    "showAs": "busy",
    "onlineMeetingUrl": None,
    "isOnlineMeeting": False,
    "onlineMeetingProvider": "unknown",
    "allowNewTimeProposals": True,
    "isDraft": False,
    "hideAttendees": False,
    "responseStatus": {"response": "organizer", "time": "0001-01-01T00:00:00Z"},
    "body": {"contentType": "html", "content": ""},
    "location": {"displayName": "", "locationType": "default", "uniqueIdType": "unknown", "address": {}, "coordinates": {}},
    "locations": [],
    "recurrence": None,
    "attendees": [],
    "organizer": None,
    "onlineMeeting": None,
}


class EventView(t.NamedTuple):
    """For whom events are rendered."""

    mailbox: Mailbox
    immutable: bool
    time_zone: str
    is_beta: bool


def view_of(call: Call, mailbox: Mailbox) -> EventView:
    """Raises GraphError 400 for a time zone that nobody knows."""
    return EventView(mailbox, call.immutable_ids, preferred_zone(call), call.version == "beta")


def preferred_zone(call: Call) -> str:
    """The zone of C(Prefer: outlook.timezone), UTC unless given. Raises GraphError 400."""
    match = _ZONE.search(call.headers.get("prefer", ""))
    if match is None:
        return "UTC"
    zone(match[1].strip())
    return match[1].strip()


def attachments_of_happening(happening: Happening) -> list[Attachment]:
    """An exception has its own; an occurrence shows those of its series."""
    changed = (happening.item.exceptions or {}).get(happening.day) if happening.day is not None else None
    return happening.item.attachments if changed is None else changed.attachments


def render_event(happening: Happening, view: EventView) -> Json:
    """The full JSON of an event or an occurrence."""
    item, day = happening
    stored = properties_of(happening)
    kind = kind_of(happening)
    body = stored.get("body") or DEFAULTS["body"]
    key = change_key(happening)
    full: Json = {
        "@odata.etag": f'W/"{key}"',
        "id": happening_id(view.mailbox, happening, immutable=view.immutable),
        "createdDateTime": _long_stamp(item.created),
        "lastModifiedDateTime": _long_stamp(modified_of(happening)),
        "changeKey": key,
        "originalStartTimeZone": stored.get("originalStartTimeZone") or stored["start"]["timeZone"],
        "originalEndTimeZone": stored.get("originalEndTimeZone") or stored["end"]["timeZone"],
        "hasAttachments": bool(attachments_of_happening(happening)),
        "bodyPreview": preview(str(body.get("content") or ""), str(body.get("contentType")).lower() == "html"),
        "type": kind,
        "seriesMasterId": None if day is None else happening_id(view.mailbox, Happening(item), immutable=view.immutable),
        "occurrenceId": None if day is None else occurrence_name(view, happening),
        "webLink": f"https://outlook.office365.com/owa/?itemid={item.number}&exvsurl=1&path=/calendar/item",
        **{name: stored.get(name, default) for name, default in DEFAULTS.items()},
        "iCalUId": calendar_id(stored.get("iCalUId"), day),
        "start": _time(stored, "start", view),
        "end": _time(stored, "end", view),
    }
    moment = original_start(happening)
    if moment is not None:
        full["originalStart"] = stamp(moment)
    if view.is_beta:
        full["uid"] = full["iCalUId_v2"] = stored.get("iCalUId")
    return full


def occurrence_name(view: EventView, happening: Happening) -> str:
    """C(OID.<series>.<day>): how a series names the occurrences that it lacks."""
    series = happening_id(view.mailbox, Happening(happening.item), immutable=view.immutable)
    return f"OID.{series}.{happening.day}"


def calendar_id(of_the_series: str | None, day: datetime.date | None) -> str | None:
    """The C(iCalUId): that of an occurrence holds its day, as long as it is of Exchange's own form."""
    if of_the_series is None or day is None or not of_the_series.startswith("040000008200E000") or len(of_the_series) < 40:
        return of_the_series
    return f"{of_the_series[:32]}{day.year:04X}{day.month:02X}{day.day:02X}{of_the_series[40:]}"


def calendar_links(call: Call, mailbox: Mailbox, happening: Happening) -> Json:
    """Links to the calendar of an event, which come when a single event is read."""
    owner, calendar = mailbox.owner_id, happening.item.container.id
    return {
        "calendar@odata.associationLink": f"{call.root}/users('{owner}')/calendars('{calendar}')/$ref",
        "calendar@odata.navigationLink": f"{call.root}/users('{owner}')/calendars('{calendar}')",
    }


def change_key(happening: Happening) -> str:
    item, day = happening
    if day is None:
        return f"DwAAABYAAAD{item.number:012x}AA{item.changed:08x}"
    changed = (item.exceptions or {}).get(day)
    revision = changed.revision if changed is not None else 0
    return f"DwAAABYAAAD{item.number:08x}{day.toordinal():06x}{revision:04x}AA{item.changed:08x}"


def modified_of(happening: Happening) -> datetime.datetime:
    changed = (happening.item.exceptions or {}).get(happening.day) if happening.day is not None else None
    return changed.modified if changed is not None else happening.item.modified


def _time(stored: Json, name: str, view: EventView) -> Json:
    """All-day events float: midnight in whichever zone is asked for."""
    wall = wall_time(stored[name])
    if stored.get("isAllDay"):
        return time_json(wall, view.time_zone)
    return time_json(wall.replace(tzinfo=zone(stored[name]["timeZone"])).astimezone(UTC), view.time_zone)


def _long_stamp(moment: datetime.datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.0000000Z")
