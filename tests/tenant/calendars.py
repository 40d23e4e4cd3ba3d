# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Calendars and their groups (facts 7.1, 9.5). Calendars cannot be nested; two of one name are refused."""

from __future__ import annotations

import typing as t

from .call import Answer, GraphError, json_answer
from .event_store import owner_of
from .events import named_calendar, named_happening
from .ids import stable_guid
from .listing import list_answer, selected
from .odata import read_select
from .sections import not_found

if t.TYPE_CHECKING:
    from .call import Call
    from .mailbox import Mailbox
    from .sections import Container
    from .state import Tenant

Json = dict[str, t.Any]
_SETTABLE = ("color", "hexColor")


def calendar_json(tenant: Tenant, mailbox: Mailbox, calendar: Container) -> Json:
    """The JSON of a calendar; C(properties) of the container win over what an own calendar has."""
    return {
        "id": calendar.id,
        "name": calendar.name,
        "color": "auto",
        "hexColor": "",
        "groupClassId": "0006f0b7-0000-0000-c000-000000000046",
        "isDefaultCalendar": calendar.is_default,
        "changeKey": f"DwAAABYAAAC{calendar.changed:08x}",
        "canShare": True,
        "canViewPrivateItems": True,
        "canEdit": True,
        "allowedOnlineMeetingProviders": ["teamsForBusiness"],
        "defaultOnlineMeetingProvider": "teamsForBusiness",
        "isTallyingResponses": calendar.is_default,
        "isRemovable": not calendar.is_default,
        "owner": owner_of(tenant, mailbox),
        **{name: value for name, value in calendar.properties.items() if name != "group"},
    }


def list_calendars(tenant: Tenant, call: Call) -> Answer:
    """C(GET .../calendars), of one group below C(calendarGroups)."""
    mailbox = tenant.mailbox(call)
    found = list(mailbox.sections.calendars.living())
    if "group" in call.values:
        group = _group(mailbox, call.values["group"])
        found = [calendar for calendar in found if group_of(mailbox, calendar) == group]
    path = "/" + "/".join(call.path.partition("?")[0].split("/")[2:])
    return list_answer(
        call,
        found,
        lambda calendar: calendar_json(tenant, mailbox, calendar),
        path=path,
        context=f"users('{mailbox.owner_id}')/calendars",
    )


def get_calendar(tenant: Tenant, call: Call) -> Answer:
    mailbox = tenant.mailbox(call)
    return _answer(tenant, call, mailbox, named_calendar(mailbox, call))


def get_calendar_of_event(tenant: Tenant, call: Call) -> Answer:
    """C(GET .../events/{event}/calendar)."""
    mailbox = tenant.mailbox(call)
    return _answer(tenant, call, mailbox, named_happening(mailbox, call).item.container)


def create_calendar(tenant: Tenant, call: Call) -> Answer:
    """C(POST .../calendars): 201, or 409 for a name that is taken."""
    mailbox = tenant.mailbox(call)
    wanted = call.json()
    group = {"group": _group(mailbox, call.values["group"])} if "group" in call.values else {}
    calendar = add_calendar(mailbox, wanted.get("name"), **{name: wanted[name] for name in _SETTABLE if wanted.get(name)}, **group)
    return _answer(tenant, call, mailbox, calendar, 201)


def add_calendar(mailbox: Mailbox, name: t.Any, **properties: t.Any) -> Container:
    """A new calendar. Raises GraphError 400 without a name, 409 for a name that is taken."""
    if not isinstance(name, str) or not name.strip():
        raise GraphError(400, "ErrorInvalidRequest", "The name of a calendar must not be empty.")
    _refuse_taken(mailbox, name)
    return mailbox.sections.calendars.add_container(name, **properties)


def update_calendar(tenant: Tenant, call: Call) -> Answer:
    mailbox = tenant.mailbox(call)
    calendar = named_calendar(mailbox, call)
    wanted = call.json()
    if isinstance(wanted.get("name"), str) and wanted["name"].strip() and wanted["name"] != calendar.name:
        _refuse_taken(mailbox, wanted["name"], but=calendar)
        calendar.name = wanted["name"]
    calendar.properties.update({name: wanted[name] for name in _SETTABLE if wanted.get(name)})
    mailbox.sections.calendars.touch_container(calendar)
    return _answer(tenant, call, mailbox, calendar)


def delete_calendar(tenant: Tenant, call: Call) -> Answer:
    mailbox = tenant.mailbox(call)
    calendar = named_calendar(mailbox, call)
    if calendar.is_default:
        raise GraphError(400, "ErrorDeleteDistinguishedFolder", "Distinguished folders cannot be deleted.")
    mailbox.sections.calendars.delete_container(calendar)
    return Answer(204)


def list_groups(tenant: Tenant, call: Call) -> Answer:
    mailbox = tenant.mailbox(call)
    groups = list(mailbox.sections.calendar_groups.items())
    path = f"/users/{mailbox.owner_id}/calendarGroups"
    return list_answer(call, groups, lambda group: _group_json(*group), path=path, context=f"users('{mailbox.owner_id}')/calendarGroups")


def create_group(tenant: Tenant, call: Call) -> Answer:
    mailbox = tenant.mailbox(call)
    name = call.json().get("name")
    groups = mailbox.sections.calendar_groups
    if not isinstance(name, str) or not name.strip():
        raise GraphError(400, "ErrorInvalidRequest", "The name of a calendar group must not be empty.")
    if name.casefold() in (known.casefold() for known in groups.values()):
        raise GraphError(409, "ErrorFolderExists", "A calendar group with the specified name already exists.")
    identifier = stable_guid("calendargroup", mailbox.guid, mailbox.tick())
    groups[identifier] = name
    return json_answer({"@odata.context": f"{call.root}/$metadata#calendarGroups/$entity", **_group_json(identifier, name)}, 201)


def delete_group(tenant: Tenant, call: Call) -> Answer:
    """Only an empty group goes, and never the first one."""
    mailbox = tenant.mailbox(call)
    group = _group(mailbox, call.values["group"])
    in_use = any(group_of(mailbox, calendar) == group for calendar in mailbox.sections.calendars.living())
    if in_use or group == next(iter(mailbox.sections.calendar_groups)):
        raise GraphError(400, "ErrorCalendarGroupIsNotEmpty", "The calendar group is not empty.")
    del mailbox.sections.calendar_groups[group]
    return Answer(204)


def group_of(mailbox: Mailbox, calendar: Container) -> str:
    return str(calendar.properties.get("group") or next(iter(mailbox.sections.calendar_groups)))


def _group(mailbox: Mailbox, key: str) -> str:
    if key not in mailbox.sections.calendar_groups:
        raise not_found()
    return key


def _group_json(identifier: str, name: str) -> Json:
    return {
        "id": identifier,
        "name": name,
        "classId": "0006f0b7-0000-0000-c000-000000000046",
        "changeKey": "NreqLYgxdE2DpHBBId74XwAAAAAGZw==",
    }


def _refuse_taken(mailbox: Mailbox, name: str, but: Container | None = None) -> None:
    if any(one.name.casefold() == name.casefold() and one is not but for one in mailbox.sections.calendars.living()):
        raise GraphError(409, "ErrorFolderExists", "A folder with the specified name already exists.")


def _answer(tenant: Tenant, call: Call, mailbox: Mailbox, calendar: Container, status: int = 200) -> Answer:
    context = f"{call.root}/$metadata#users('{mailbox.owner_id}')/calendars/$entity"
    return json_answer({"@odata.context": context, **selected(calendar_json(tenant, mailbox, calendar), read_select(call))}, status)
