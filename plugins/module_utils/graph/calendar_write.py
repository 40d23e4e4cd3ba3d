# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writing into calendars, for restores. Permission: Calendars.ReadWrite.

Creating, changing or deleting an event that has attendees writes to them; there is no switch against it. So nothing here
takes attendees, and whoever deletes an event makes sure that it has none.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t

from .calendar import list_calendars
from .client import GraphClient
from .errors import BadAnswer, Conflict, NotFound
from .extended_properties import expand_of
from .ids import IMMUTABLE_IDS, CalendarId, EventId, Fields, UserId
from .limits import LimitScope
from .links import graph_path
from .paging import Listing, values
from .refusals import Call
from .traffic import RequestKind

PERMISSION = "Calendars.ReadWrite"
_PAGE_SIZE = 100


def create_calendar(client: GraphClient, user_id: UserId, name: str) -> CalendarId:
    """Create a calendar, or find the one of that name that is there."""
    call = _call(user_id, f"Creating calendar {name!r} of user {user_id}")
    path = graph_path("users", user_id, "calendars")
    try:
        created = client.post_json(call, path, {"name": name}, prefer=(IMMUTABLE_IDS,), is_repeatable=True)
    except Conflict:
        for calendar in list_calendars(client, user_id):
            if calendar.name.casefold() == name.casefold():
                return calendar.id
        raise
    return CalendarId(_id_of(created, call))


def events_with_property(client: GraphClient, user_id: UserId, calendar_id: CalendarId, name: str) -> t.Iterator[Fields]:
    """Every event of a calendar, series by their masters, with its id, iCalUId, attendees and one extended property."""
    call = _call(user_id, f"Listing the events in calendar {calendar_id} of user {user_id}")
    params = {"$select": "id,iCalUId,isOrganizer,attendees", "$expand": expand_of(name)}
    target = graph_path("users", user_id, "calendars", calendar_id, "events")
    return values(client, call, Listing(target=target, params=params, prefer=(IMMUTABLE_IDS,), page_size=_PAGE_SIZE))


def create_event(client: GraphClient, user_id: UserId, calendar_id: CalendarId, payload: Fields) -> EventId:
    """Create an event. It has to carry a C(transactionId): by it the service makes no second one of a repeated request."""
    call = _call(user_id, f"Creating event {str(payload.get('subject') or '')[:80]!r} for user {user_id}")
    path = graph_path("users", user_id, "calendars", calendar_id, "events")
    return EventId(_id_of(client.post_json(call, path, payload, prefer=(IMMUTABLE_IDS,), is_repeatable=True), call))


def update_event(client: GraphClient, user_id: UserId, event_id: EventId, changes: Fields) -> None:
    """Set properties of an event, or of an occurrence, which becomes an exception of its series."""
    call = _call(user_id, f"Updating event {event_id} of user {user_id}", is_fresh=True)
    client.patch_json(call, graph_path("users", user_id, "events", event_id), changes, prefer=(IMMUTABLE_IDS,))


def delete_event(client: GraphClient, user_id: UserId, event_id: EventId) -> None:
    """Delete an event, or cancel an occurrence of a series; one that is gone already is fine."""
    call = _call(user_id, f"Deleting event {event_id} of user {user_id}")
    try:
        client.delete(call, graph_path("users", user_id, "events", event_id), prefer=(IMMUTABLE_IDS,))
    except NotFound:
        return


def list_instances(client: GraphClient, user_id: UserId, event_id: EventId, start: str, end: str) -> t.Iterator[Fields]:
    """The occurrences of a series between two times (UTC, ISO) with id, start and originalStart."""
    call = _call(user_id, f"Listing the occurrences of event {event_id} of user {user_id}", is_fresh=True)
    target = graph_path("users", user_id, "events", event_id, "instances")
    params = {"startDateTime": start, "endDateTime": end, "$select": "id,type,start,originalStart"}
    return values(client, call, Listing(target=target, params=params, prefer=(IMMUTABLE_IDS,), page_size=_PAGE_SIZE))


def delete_event_attachment(client: GraphClient, user_id: UserId, event_id: EventId, attachment_id: str) -> None:
    call = _call(user_id, f"Deleting attachment {attachment_id} of event {event_id} of user {user_id}")
    try:
        client.delete(call, graph_path("users", user_id, "events", event_id, "attachments", attachment_id), prefer=(IMMUTABLE_IDS,))
    except NotFound:
        return


def _id_of(created: Fields, call: Call) -> str:
    identity = created.get("id")
    if not isinstance(identity, str) or not identity:
        raise BadAnswer(f"{call.doing} failed: the answer names no id.", hint="Repeat the restore.")
    return identity


def _call(user_id: UserId, doing: str, *, is_fresh: bool = False) -> Call:
    return Call(scope=LimitScope.mailbox(user_id), kind=RequestKind.WRITE, doing=doing, permission=PERMISSION, is_fresh=is_fresh)
