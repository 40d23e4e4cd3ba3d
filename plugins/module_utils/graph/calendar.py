# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The calendars of a mailbox and their events, to read.

Facts of the protocol: v1.0 tells the changes of a window of time only. Beta tells those of a whole calendar, but of each
event (single, or master of a series) no more than id, type, start and end; everything else is read event by event, the
exceptions of a series with it. Calendars cannot be nested, and their ids do not change. Permission: Calendars.Read.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .bodies import Body
from .client import GraphClient
from .delta import Page, delta_round, entries
from .ids import IMMUTABLE_IDS, CalendarId, Cursor, EventId, Fields, UserId
from .limits import LimitScope
from .links import beta_path, graph_path
from .paging import Listing, pages, values
from .refusals import Call
from .traffic import RequestKind

PERMISSION = "Calendars.Read"
_EXCEPTIONS = "exceptionOccurrences"
_ITEM = "microsoft.graph.itemattachment/item"
_ATTACHMENT_FIELDS = "id,name,contentType,size,isInline,lastModifiedDateTime"


@dataclasses.dataclass(frozen=True, slots=True)
class Calendar:
    """``owner`` is the address of the person whose calendar it is; empty when Graph does not say."""

    id: CalendarId
    name: str
    owner: str
    owner_name: str
    is_default: bool


def list_calendars(client: GraphClient, user_id: UserId) -> list[Calendar]:
    """All calendars that the user sees, those that others share with them too."""
    call = _call(user_id, RequestKind.FOLDERS, f"Listing the calendars of user {user_id}")
    listing = Listing(target=graph_path("users", user_id, "calendars"), prefer=(IMMUTABLE_IDS,), page_size=100)
    return [_calendar(fields) for fields in values(client, call, listing)]


def event_changes(
    client: GraphClient, user_id: UserId, calendar_id: CalendarId, cursor: Cursor | None, *, page_size: int = 500
) -> t.Iterator[Page]:
    """Events of one calendar that came, changed or went, series by their masters. Beta only.

    :raises CursorLost, DeltaUnavailable, NotFound: as L(delta_round) says.
    """
    call = _call(user_id, RequestKind.DELTA, f"Asking for changed events in calendar {calendar_id} of user {user_id}")
    target = beta_path("users", user_id, "calendars", calendar_id, "events", "delta")
    return delta_round(client, call, Listing(target=target, prefer=(IMMUTABLE_IDS,), page_size=page_size), cursor)


def list_events(client: GraphClient, user_id: UserId, calendar_id: CalendarId, *, page_size: int = 999) -> t.Iterator[Page]:
    """Ids, types and change keys of all events of one calendar; there is never a cursor."""
    call = _call(user_id, RequestKind.MESSAGE, f"Listing the events in calendar {calendar_id} of user {user_id}")
    target = graph_path("users", user_id, "calendars", calendar_id, "events")
    listing = Listing(target=target, params={"$select": "id,type,changeKey"}, prefer=(IMMUTABLE_IDS,), page_size=page_size)
    for page in pages(client, call, listing):
        yield Page(entries(page, call))


def read_event(client: GraphClient, user_id: UserId, event_id: EventId) -> Fields:
    """One event; the master of a series with C(exceptionOccurrences) and C(cancelledOccurrences). Beta only.

    :raises NotFound: it is gone.
    """
    call = _call(user_id, RequestKind.MESSAGE, f"Reading event {event_id} of user {user_id}", is_named=True)
    path = beta_path("users", user_id, "events", event_id)
    event = client.get_json(call, path, params={"$expand": _EXCEPTIONS}, prefer=(IMMUTABLE_IDS,))
    link = event.get(f"{_EXCEPTIONS}@odata.nextLink")
    if not isinstance(link, str):
        return event
    more = list(values(client, call, Listing(target=link, prefer=(IMMUTABLE_IDS,))))
    whole = {name: value for name, value in event.items() if name != f"{_EXCEPTIONS}@odata.nextLink"}
    return {**whole, _EXCEPTIONS: [*(event.get(_EXCEPTIONS) or ()), *more]}


def read_plain_event(client: GraphClient, user_id: UserId, event_id: EventId) -> Fields:
    """One event as v1.0 gives it: a series without its exceptions and cancelled dates.

    :raises NotFound: it is gone.
    """
    call = _call(user_id, RequestKind.MESSAGE, f"Reading event {event_id} of user {user_id}", is_named=True)
    return client.get_json(call, graph_path("users", user_id, "events", event_id), prefer=(IMMUTABLE_IDS,))


def list_exceptions(client: GraphClient, user_id: UserId, event_id: EventId, start: str, end: str) -> list[Fields]:
    """The occurrences of a series between two times (UTC, ISO) that differ from it. v1.0."""
    call = _call(user_id, RequestKind.MESSAGE, f"Listing the occurrences of event {event_id} of user {user_id}", is_named=True)
    target = graph_path("users", user_id, "events", event_id, "instances")
    params = {"startDateTime": start, "endDateTime": end}
    listing = Listing(target=target, params=params, prefer=(IMMUTABLE_IDS,), page_size=200)
    return [fields for fields in values(client, call, listing) if fields.get("type") == "exception"]


def calendar_of(client: GraphClient, user_id: UserId, event_id: EventId) -> CalendarId:
    """The calendar in which an event lies now.

    :raises NotFound: the event is gone.
    """
    call = _call(user_id, RequestKind.MESSAGE, f"Asking for the calendar of event {event_id} of user {user_id}", is_named=True)
    path = graph_path("users", user_id, "events", event_id, "calendar")
    return CalendarId(str(client.get_json(call, path, params={"$select": "id"}, prefer=(IMMUTABLE_IDS,)).get("id") or ""))


def list_attachments(client: GraphClient, user_id: UserId, event_id: EventId) -> list[Fields]:
    """The attachments of an event or of an exception, without their contents."""
    call = _call(user_id, RequestKind.MESSAGE, f"Listing the attachments of event {event_id} of user {user_id}", is_named=True)
    target = graph_path("users", user_id, "events", event_id, "attachments")
    return list(values(client, call, Listing(target=target, params={"$select": _ATTACHMENT_FIELDS}, prefer=(IMMUTABLE_IDS,))))


def read_attachment(client: GraphClient, user_id: UserId, event_id: EventId, attachment_id: str, *, with_item: bool = False) -> Fields:
    """One attachment as JSON: a file with C(contentBytes), an attached item expanded on request, a reference as it is."""
    call = _call(user_id, RequestKind.MESSAGE, f"Reading attachment {attachment_id} of event {event_id} of user {user_id}", is_named=True)
    path = graph_path("users", user_id, "events", event_id, "attachments", attachment_id)
    return client.get_json(call, path, params={"$expand": _ITEM} if with_item else None, prefer=(IMMUTABLE_IDS,))


def read_attachment_content(client: GraphClient, user_id: UserId, event_id: EventId, attachment_id: str) -> Body:
    """The bytes of an attached file; of an attached item its MIME, iCalendar or vCard."""
    call = _call(user_id, RequestKind.MIME, f"Reading attachment {attachment_id} of event {event_id} of user {user_id}", is_named=True)
    path = graph_path("users", user_id, "events", event_id, "attachments", attachment_id) + "/$value"
    return client.read_body(call, path, prefer=(IMMUTABLE_IDS,))


def _calendar(fields: Fields) -> Calendar:
    owner = fields.get("owner") or {}
    return Calendar(
        id=CalendarId(str(fields["id"])),
        name=str(fields.get("name") or ""),
        owner=str(owner.get("address") or ""),
        owner_name=str(owner.get("name") or ""),
        is_default=fields.get("isDefaultCalendar") is True,
    )


def _call(user_id: UserId, kind: RequestKind, doing: str, *, is_named: bool = False) -> Call:
    return Call(scope=LimitScope.mailbox(user_id), kind=kind, doing=doing, permission=PERMISSION, is_named=is_named)
