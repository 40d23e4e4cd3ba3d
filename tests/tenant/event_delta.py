# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Delta queries over events: with a window in v1.0, without one in beta (facts 7.1, 14.55-56)."""

from __future__ import annotations

import datetime
import itertools
import typing as t
from urllib.parse import quote

from .call import Answer, GraphError
from .delta import read_round
from .event_series import Happening, happening_id, is_series, occurrences
from .event_view import render_event, view_of
from .events import named_calendar
from .item_delta import delta_page, item_changes, item_delta, removal
from .recurrence import days_of
from .zones import window

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from .call import Call
    from .delta import Round
    from .event_view import EventView
    from .sections import Container, Item
    from .state import Tenant

Json = dict[str, t.Any]
_REFUSED = ("select", "expand", "filter", "orderby", "search")
_PLACES = 2**20  # occurrences of one event in one window
_OF_A_PLAIN_OCCURRENCE = ("@odata.etag", "id", "type", "seriesMasterId", "start", "end")
_BETA = ("@odata.etag", "id", "type", "start", "end")


def calendar_view_delta(tenant: Tenant, call: Call) -> Answer:
    """C(GET .../calendarView/delta): the window of the initial call is fixed in the token.

    Single events and exceptions come whole, series too, plain occurrences with id, type, series and times. What changed and lies
    outside the window is told as removed, whether the client ever knew it or not.
    """
    mailbox = tenant.mailbox(call)
    calendar = named_calendar(mailbox, call)
    tenant.refuse_delta_over_quota(mailbox)
    _refuse_options(call)
    round_ = read_round(call, mailbox)
    first, last = window(*(round_.window or (None, None)))
    entries = _view_entries(calendar, round_, view_of(call, mailbox), first, last)
    path = f"/users/{mailbox.owner_id}/{_below(calendar)}calendarView/delta"
    return delta_page(call, round_, entries, path=path, kind="event")


def events_delta(tenant: Tenant, call: Call) -> Answer:
    """C(GET /beta/.../events/delta): single events and series, with id, type, start and end only."""
    mailbox = tenant.mailbox(call)
    calendar = named_calendar(mailbox, call)
    if call.version != "beta":
        raise GraphError(400, "BadRequest", "Resource not found for the segment 'delta'.")
    _refuse_options(call)
    view = view_of(call, mailbox)
    section = mailbox.sections.calendars
    since = read_round(call, mailbox).window
    first = window(since[0], "9999-12-30")[0] if since is not None and since[0] else None

    def render(item: Item) -> Json:
        if first is not None and next(occurrences(item, first, datetime.datetime.max.replace(tzinfo=datetime.timezone.utc)), None) is None:
            return {"id": happening_id(mailbox, Happening(item), immutable=call.immutable_ids), "@removed": {"reason": "deleted"}}
        return {name: value for name, value in render_event(Happening(item), view).items() if name in _BETA}

    return item_delta(tenant, call, section, calendar, render, path=f"{_below(calendar)}events/delta", kind="event")


def _below(calendar: Container) -> str:
    return "" if calendar.is_default else f"calendars('{quote(calendar.id, safe='')}')/"


def _refuse_options(call: Call) -> None:
    for option in _REFUSED:
        if option in call.query:
            raise GraphError(
                400,
                "ErrorInvalidUrlQuery",
                f"The following parameters are not supported with change tracking over the 'CalendarView' resource: '${option}'.",
            )


def _view_entries(
    calendar: Container, round_: Round, view: EventView, first: datetime.datetime, last: datetime.datetime
) -> Iterator[tuple[int, Json]]:
    for version, number, item, came_back in item_changes(calendar, round_):
        if (version + 1) * _PLACES <= round_.after:
            continue
        is_dead = item is None or (came_back and not view.immutable)
        dead = _dead_ids(calendar, number, round_, view, (first, last)) if is_dead else ()
        told = _of_one(item, round_, view, (first, last)) if item is not None else ()
        for position, entry in enumerate(itertools.chain(dead, told)):
            place = version * _PLACES + position
            if place > round_.after:
                yield place, entry


def _dead_ids(
    calendar: Container, number: int, round_: Round, view: EventView, span: tuple[datetime.datetime, datetime.datetime]
) -> Iterator[Json]:
    """An event that left, or came back and has other REST ids: it and its occurrences under the ids that the client knew."""
    master = removal(view.mailbox.sections.calendars, calendar, number, round_, view.immutable)
    yield master
    known = calendar.items.get(number) or calendar.removed.get(number)
    for day in sorted(_days_ever(known, span)) if known is not None else ():
        yield _removed(view.mailbox.ids.occurrence(master["id"], day.toordinal()))


def _of_one(item: Item, round_: Round, view: EventView, span: tuple[datetime.datetime, datetime.datetime]) -> Iterator[Json]:
    """What a round tells of one event that came or changed."""
    inside = list(occurrences(item, *span))
    if is_series(item) and inside:
        yield render_event(Happening(item), view)
    elif not inside and round_.since:
        yield _removed(happening_id(view.mailbox, Happening(item), immutable=view.immutable))
    for happening in inside:
        full = render_event(happening, view)
        plain = full["type"] == "occurrence"
        yield {name: value for name, value in full.items() if name in _OF_A_PLAIN_OCCURRENCE} if plain else full
    if round_.since:
        for day in sorted(_days_ever(item, span) - {happening.day for happening in inside}):
            yield _removed(happening_id(view.mailbox, Happening(item, day), immutable=view.immutable))


def _days_ever(item: Item, span: tuple[datetime.datetime, datetime.datetime]) -> set[datetime.date]:
    """The days around a window on which an event has or once had an occurrence, or a changed one."""
    margin = datetime.timedelta(days=2)
    first, last = span[0].date(), span[1].date()
    current = item.properties.get("recurrence")
    recurrences = [*(item.former or ()), *([current] if current is not None else [])]
    days = {day for one in recurrences for day in days_of(one, last + margin) if day >= first - margin}
    return days | set(item.exceptions or ()) | (item.cancelled or set())


def _removed(identifier: str) -> Json:
    return {"id": identifier, "@removed": {"reason": "deleted"}}
