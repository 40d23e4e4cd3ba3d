# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading events: lists, single events with exceptions and cancellations, instances, calendar views (facts 7.1, 14.55-57)."""

from __future__ import annotations

import functools
import re
import typing as t

from .attachment_store import attachment_json
from .call import Answer, GraphError, json_answer
from .event_series import Happening, all_exceptions, find_happening, is_series, occurrences, span_of
from .event_view import attachments_of_happening, calendar_links, occurrence_name, render_event, view_of
from .extended import normal_id
from .listing import expanded_names, list_answer, selected
from .odata import read_select
from .sections import not_found
from .zones import window

if t.TYPE_CHECKING:
    from .call import Call
    from .event_view import EventView
    from .mailbox import Mailbox
    from .sections import Container, Item
    from .state import Tenant

Json = dict[str, t.Any]


def named_calendar(mailbox: Mailbox, call: Call) -> Container:
    """The calendar that the path names, or the default one. Raises GraphError 404."""
    calendars = mailbox.sections.calendars
    return calendars.container(call.values["calendar"]) if "calendar" in call.values else calendars.default


def named_happening(mailbox: Mailbox, call: Call) -> Happening:
    """The event that the path names. Raises GraphError 404, also for an event of another calendar."""
    happening = find_happening(mailbox, call.values["event"])
    if "calendar" in call.values and happening.item.container is not named_calendar(mailbox, call):
        raise not_found()
    return happening


def list_events(tenant: Tenant, call: Call) -> Answer:
    """C(GET .../events): single events and series of one calendar; exceptions are not among them."""
    mailbox = tenant.mailbox(call)
    calendar = named_calendar(mailbox, call)
    return _list(call, mailbox, [Happening(item) for item in calendar.items.values()], f"calendars('{calendar.id}')/events")


def get_event(tenant: Tenant, call: Call) -> Answer:
    mailbox = tenant.mailbox(call)
    return event_answer(call, mailbox, named_happening(mailbox, call))


def event_answer(call: Call, mailbox: Mailbox, happening: Happening, status: int = 200) -> Answer:
    """One event as JSON, as the request wants it. Raises GraphError 400 for an expansion that is not served here."""
    view = view_of(call, mailbox)
    expand = call.query.get("expand", "")
    select = read_select(call)
    full = {**render_event(happening, view), **calendar_links(call, mailbox, happening)}
    _add_expansions(full, happening, view, expand)
    in_series = happening.day is None and is_series(happening.item)
    if "exceptionoccurrences" in expand.lower() or {"cancelledOccurrences", "exceptionOccurrences"} & set(select or ()):
        if not view.is_beta or "calendar" in call.values:
            raise GraphError(
                400, "BadRequest", "Parsing OData Select and Expand failed: Could not find a property named 'exceptionOccurrences'."
            )
        if in_series:
            _add_exceptions(full, happening.item, view, expand)
    body = {
        "@odata.context": f"{call.root}/$metadata#users('{mailbox.owner_id}')/events/$entity",
        **selected(full, select, also=expanded_names(call)),
    }
    return json_answer(body, status, {"etag": full["@odata.etag"], **applied(call, view)})


def list_instances(tenant: Tenant, call: Call) -> Answer:
    """C(GET .../events/{event}/instances): occurrences and exceptions of a series inside a window."""
    mailbox = tenant.mailbox(call)
    happening = named_happening(mailbox, call)
    first, last = window(call.query.get("startdatetime"), call.query.get("enddatetime"))
    if happening.day is not None or not is_series(happening.item):
        raise GraphError(400, "ErrorInvalidRequest", "Instances can be listed of the master of a series only.")
    found = list(occurrences(happening.item, first, last))
    return _list(call, mailbox, found, f"events('{call.values['event']}')/instances")


def calendar_view(tenant: Tenant, call: Call) -> Answer:
    """C(GET .../calendarView): what happens inside a window, in order of time."""
    mailbox = tenant.mailbox(call)
    calendar = named_calendar(mailbox, call)
    first, last = window(call.query.get("startdatetime"), call.query.get("enddatetime"))
    found = [happening for item in calendar.items.values() for happening in occurrences(item, first, last)]
    return _list(call, mailbox, sorted(found, key=lambda happening: span_of(happening)[0]), f"calendars('{calendar.id}')/calendarView")


def applied(call: Call, view: EventView) -> dict[str, str]:
    """The header that says which preference was followed."""
    return {"preference-applied": f'outlook.timezone="{view.time_zone}"'} if "outlook.timezone" in call.headers.get("prefer", "") else {}


def _list(call: Call, mailbox: Mailbox, found: list[Happening], below: str) -> Answer:
    view = view_of(call, mailbox)
    expand = call.query.get("expand", "")

    def render(happening: Happening) -> Json:
        full = render_event(happening, view)
        _add_expansions(full, happening, view, expand)
        return full

    context = f"users('{mailbox.owner_id}')/{below}"
    path = "/" + "/".join(call.path.partition("?")[0].split("/")[2:])
    return list_answer(call, found, render, path=path, context=context, headers=applied(call, view))


def _add_expansions(full: Json, happening: Happening, view: EventView, expand: str) -> None:
    outer = re.sub(r"exceptionOccurrences\(.*?\)", "", expand, flags=re.IGNORECASE)
    if "attachments" in outer:
        full["attachments"] = attachments_json(happening, view)
    if "singleValueExtendedProperties" in expand:
        wanted = [normal_id(text) for text in re.findall(r"id\s+eq\s+'([^']*)'", expand)]
        known = happening.item.extended or {}
        values = [{"id": name, "value": known[name]} for name in dict.fromkeys(wanted) if name in known]
        if values:
            full["singleValueExtendedProperties"] = values


def attachments_json(happening: Happening, view: EventView, *, expand_item: bool = False) -> list[Json]:
    make = functools.partial(attachment_json, view.mailbox, happening.item, expand_item=expand_item)
    return [make(attachment) for attachment in attachments_of_happening(happening)]


def _add_exceptions(full: Json, item: Item, view: EventView, expand: str) -> None:
    full["cancelledOccurrences"] = [occurrence_name(view, Happening(item, day)) for day in sorted(item.cancelled or ())]
    inner = re.search(r"exceptionOccurrences\((.*)\)", expand, re.IGNORECASE)
    exceptions = []
    for happening in all_exceptions(item):
        entry = render_event(happening, view)
        if inner is not None and "attachments" in inner[1]:
            entry["attachments"] = attachments_json(happening, view)
        exceptions.append(entry)
    full["exceptionOccurrences"] = exceptions
