# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read the calendars of one member.

How nothing is lost: beta's delta of each calendar names the masters of series and the single events that changed; each
is read with its exceptions and cancelled dates. Exchange keeps the exceptions of a series inside its master, so a changed
exception moves the master; should one change without that, it is found all the same, since every series that has not
ended is looked at in turn (L(is_due)). Where beta refuses, the ids and change keys of all events are listed instead, and
series are read without their cancelled dates, which is a finding.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from datetime import datetime, timedelta, timezone

from ..graph.calendar import (
    Calendar,
    calendar_of,
    event_changes,
    list_calendars,
    list_events,
    list_exceptions,
    read_event,
    read_plain_event,
)
from ..graph.errors import AccessDenied, DeltaUnavailable, NotFound, RequestRefused, ServiceUnavailable
from ..graph.ids import CalendarId, Cursor, EventId, UserId
from ..repository.types import TreeId
from .calendar_attachments import attach_to_event
from .calendar_record import event_file, event_record, is_series
from .catalogue import Record
from .folder_places import FolderRound, SeenFolder, placed_folders
from .item_fields import parse_time
from .item_parts import Parts
from .item_reader import preview_items, read_items
from .item_source import Document, Found, ItemSource, Problem
from .item_state import ItemState
from .source_read import SourcePreview, SourceRead

if t.TYPE_CHECKING:
    from ..graph.client import GraphClient
    from ..graph.delta import Page
    from ..repository.repository import Repository
    from ..repository.writer import Writer
    from .contents import Contents

#: The name of the default calendar among the well-known folders of the source.
DEFAULT_CALENDAR = "calendar"
#: How a service or a proxy says that it has no beta for us.
_REFUSALS = (AccessDenied, DeltaUnavailable, NotFound, RequestRefused, ServiceUnavailable)
_HORIZON = timedelta(days=5 * 366)
#: The times between which Exchange has appointments.
_EARLIEST, _LATEST = datetime(1601, 1, 2, tzinfo=timezone.utc), datetime(4500, 1, 1, tzinfo=timezone.utc)


def read_calendar(
    client: GraphClient,
    user: UserId,
    writer: Writer,
    base: TreeId | None,
    *,
    now: datetime,
    offer: t.Callable[[TreeId], None],
    contents: Contents | None = None,
) -> SourceRead:
    """Bring the tree of a member's calendars up to date.

    Raises BackupError when the calendars as a whole cannot be read.
    """
    del offer
    return read_items(CalendarSource(client, user, now), writer, base, now=now, contents=contents)


def preview_calendar(client: GraphClient, user: UserId, store: Repository | Writer, base: TreeId | None, *, now: datetime) -> SourcePreview:
    """What L(read_calendar) would do. Writes nothing."""
    return preview_items(CalendarSource(client, user, now), store, base, now=now)


class CalendarSource(ItemSource):
    """Calendars as folders, events and series as items."""

    word = "event"
    is_keyed = False
    has_watched = True

    def __init__(self, client: GraphClient, user: UserId, now: datetime) -> None:
        self._client = client
        self._user = user
        self._now = now

    def folders(self, state: ItemState) -> FolderRound:
        own, shared = own_calendars(list_calendars(self._client, self._user))
        placed, following = placed_folders((SeenFolder(calendar.id, calendar.name) for calendar in own), state)
        names = tuple(sorted(f"{calendar.name} (shared by {calendar.owner_name or calendar.owner})" for calendar in shared))
        default = next((calendar.id for calendar in own if calendar.is_default), None)
        return FolderRound(placed, None, following, {} if default is None else {DEFAULT_CALENDAR: default}, names)

    def changes(self, folder_id: str, cursor: Cursor | None) -> t.Iterator[Page]:
        return event_changes(self._client, self._user, CalendarId(folder_id), cursor)

    def listing(self, folder_id: str) -> t.Iterator[Page]:
        return list_events(self._client, self._user, CalendarId(folder_id))

    def key(self, fields: t.Mapping[str, t.Any]) -> str:
        return str(fields.get("changeKey") or "")

    def look(self, item_id: str, folder_ids: t.Sequence[str]) -> Found:
        event_id = EventId(item_id)
        document, problems = self._read(event_id)
        folder_id = folder_ids[0] if len(folder_ids) == 1 else str(calendar_of(self._client, self._user, event_id))
        return Found(id=item_id, folder_id=folder_id, document=document, problems=problems)

    def record(self, found: Found) -> Record:
        return event_record(found.document)

    def file(self, record: Record) -> str:
        return event_file(record)

    def attach(self, found: Found, parts: Parts) -> None:
        attach_to_event(self._client, self._user, found.document, parts)

    def watch(self, record: Record) -> str | None:
        return str(record.get("until") or "") if record.get("series") else None

    def _read(self, event_id: EventId) -> tuple[Document, tuple[Problem, ...]]:
        try:
            return dict(read_event(self._client, self._user, event_id)), ()
        except _REFUSALS as error:
            document = dict(read_plain_event(self._client, self._user, event_id))
            if not is_series(document):
                return document, ()
            exceptions = list_exceptions(self._client, self._user, event_id, *self._span(document))
            document["exceptionOccurrences"] = [dict(exception) for exception in exceptions]
            return document, (Problem("cancelled dates", error),)

    def _span(self, event: Document) -> tuple[str, str]:
        """From the first occurrence to the last, as far as we look ahead."""
        record = event_record(event)
        start = min(max(parse_time(record["start"]) or _EARLIEST, _EARLIEST), _LATEST)
        end = parse_time(record.get("until")) or max(self._now, start) + _HORIZON
        return (start - timedelta(days=1)).isoformat(timespec="seconds"), end.isoformat(timespec="seconds")


def own_calendars(calendars: t.Iterable[Calendar]) -> tuple[list[Calendar], list[Calendar]]:
    """Which calendars are the user's own, and which belong to others, who have theirs backed up themselves.

    The default calendar is the user's own in any case, so its owner tells who the user is.
    """
    all_of_them = list(calendars)
    owners = {calendar.owner.casefold() for calendar in all_of_them if calendar.is_default} - {""}
    own = [calendar for calendar in all_of_them if calendar.is_default or not owners or calendar.owner.casefold() in (*owners, "")]
    kept = {calendar.id for calendar in own}
    return own, [calendar for calendar in all_of_them if calendar.id not in kept]
