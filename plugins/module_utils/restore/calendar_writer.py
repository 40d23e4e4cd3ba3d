# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restore events and series into calendars, without telling anybody.

A series is made in steps: the series, its attachments, the occurrences that are cancelled, those that differ. Until the
last one its mark says so, and a category that whoever looks into the calendar can see.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import json
import typing as t
import uuid

from ..graph.calendar import list_calendars
from ..graph.calendar_write import (
    create_calendar,
    create_event,
    delete_event,
    events_with_property,
    list_instances,
    update_event,
)
from ..graph.errors import GraphError, RequestRefused
from ..graph.ids import CalendarId, EventId, UserId
from .choice import Choice, ChosenItem
from .conflict import Existing
from .estimate import Estimate, base64_size
from .event_attachments import EventAttachments
from .event_payload import ChangedOccurrence, EventParts, day_of, event_parts, moment_of
from .marks import PROPERTY, UNFINISHED, Mark, mark_of
from .writer import PartlyRestored

if t.TYPE_CHECKING:
    from datetime import date, datetime

    from ..graph.client import GraphClient
    from ..repository.repository import Repository

_DEFAULT = "calendar"


class CalendarWriter:
    """A L(SourceWriter). C(top) begins the names of the calendars that receive everything; None for the original ones."""

    def __init__(self, repository: Repository, client: GraphClient, user: UserId, choice: Choice, top: str | None) -> None:
        self._repository = repository
        self._client = client
        self._user = user
        self._top = top
        self._folders = choice.folders
        self._default = choice.state.facts.well_known.get(_DEFAULT)
        self._is_own_mailbox = choice.member.id == user
        self._attachments = EventAttachments(repository, client, user)
        self._places: dict[int, str] = {}
        self._names: dict[str, CalendarId] | None = None
        self._ids: set[str] = set()
        self._default_there: CalendarId | None = None

    def origin(self, item: ChosenItem) -> str:
        return str(item.record["id"])

    def place_of(self, item: ChosenItem, *, make: bool) -> str | None:
        number = item.record["folder"]
        if number not in self._places:
            found = self._original(number) if self._top is None else None
            if found is None:
                found = self._named(" ".join(part for part in (self._top, *item.folder) if part), make=make)
            if found is None:
                return None
            self._places[number] = found
        return self._places[number]

    def existing(self, place: str) -> t.Iterator[Existing]:
        for fields in events_with_property(self._client, self._user, CalendarId(place), PROPERTY):
            is_bound = bool(fields.get("attendees")) and fields.get("isOrganizer") is not False
            yield Existing(str(fields["id"]), mark_of(fields), str(fields.get("iCalUId") or ""), is_bound=is_bound)

    def key(self, item: ChosenItem) -> str:
        return str(self._document(item).get("iCalUId") or "")

    def write(self, item: ChosenItem, place: str, mark: Mark) -> None:
        """:raises PartlyRestored: a series is there whole but for some occurrences that the service refuses."""
        document = self._document(item)
        parts = event_parts(document)
        steps = bool(item.parts or parts.cancelled or parts.changed)
        payload = {
            **parts.payload,
            # By it the service tells a repeated request from a second event; nobody needs to know it later.
            "transactionId": str(uuid.uuid4()),
            "singleValueExtendedProperties": [Mark(mark.restore, mark.origin, is_whole=not steps).as_property()],
        }
        if steps:
            payload["categories"] = [*payload.get("categories", ()), UNFINISHED]
        event_id = create_event(self._client, self._user, CalendarId(place), payload)
        if not steps:
            return
        try:
            self._attachments.add(event_id, item, "")
            refused = self._occurrences(event_id, item, document, parts)
            done = {"singleValueExtendedProperties": [mark.as_property()], "categories": parts.payload.get("categories", [])}
            update_event(self._client, self._user, event_id, done)
        except GraphError:
            # Half a series is worse than none that is reported; it has no attendees that would be told.
            delete_event(self._client, self._user, event_id)
            raise
        if refused is not None:
            raise PartlyRestored.because(refused, "some of its changed occurrences")

    def remove(self, place: str, item_id: str) -> None:
        del place
        delete_event(self._client, self._user, EventId(item_id))

    def cost(self, item: ChosenItem) -> Estimate:
        sizes = [part.node.size for part in item.parts]
        steps = len(sizes) + int(item.record.get("exceptions") or 0)
        return Estimate(1, item.node.size + sum(base64_size(size) for size in sizes), 1 + steps + bool(steps))

    def _occurrences(
        self, event_id: EventId, item: ChosenItem, document: t.Mapping[str, t.Any], parts: EventParts
    ) -> RequestRefused | None:
        """Cancel and change occurrences; what the service refused last, if it refused any."""
        span = parts.span
        if span is None:
            return None
        start, end = (f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in span)
        by_day: dict[date, EventId] = {}
        by_moment: dict[datetime, EventId] = {}
        for instance in list_instances(self._client, self._user, event_id, start, end):
            day, moment = day_of(instance, document), moment_of(instance)
            if day is not None and moment is not None:
                by_day[day] = by_moment[moment] = EventId(str(instance["id"]))
        # An occurrence may be moved to the day of a cancelled neighbour, so those go first.
        for cancelled in parts.cancelled:
            if cancelled in by_day:
                delete_event(self._client, self._user, by_day[cancelled])
        refused = None
        for changed in parts.changed:
            try:
                self._change(by_moment.get(changed.moment), item, changed)
            except RequestRefused as error:
                refused = error
        return refused

    def _change(self, occurrence: EventId | None, item: ChosenItem, changed: ChangedOccurrence) -> None:
        if occurrence is None:
            raise RequestRefused(
                f"The series has no occurrence on {changed.moment:%Y-%m-%d %H:%M} UTC.", hint="Restore the event into a file to see it."
            )
        update_event(self._client, self._user, occurrence, changed.changes)
        self._attachments.make_equal(occurrence, item, changed.id)

    def _original(self, number: int) -> str | None:
        folder = self._folders[number]
        self._known()
        if self._is_own_mailbox and folder.id in self._ids:
            return folder.id
        return self._default_there if folder.id == self._default else None

    def _named(self, name: str, *, make: bool) -> str | None:
        known = self._known()
        found = known.get(name.casefold())
        if found is None and make:
            found = known[name.casefold()] = create_calendar(self._client, self._user, name)
        return found

    def _known(self) -> dict[str, CalendarId]:
        if self._names is None:
            self._names = {}
            for calendar in list_calendars(self._client, self._user):
                self._ids.add(calendar.id)
                self._names.setdefault(calendar.name.casefold(), calendar.id)
                if calendar.is_default:
                    self._default_there = calendar.id
        return self._names

    def _document(self, item: ChosenItem) -> dict[str, t.Any]:
        document: dict[str, t.Any] = json.loads(b"".join(self._repository.read_file(item.node)))
        return document
