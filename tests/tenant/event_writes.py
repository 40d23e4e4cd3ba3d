# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Creating, changing and deleting events; whom the service would write to because of it (facts 9.5, 14.58)."""

from __future__ import annotations

import typing as t

from .call import Answer, GraphError
from .event_series import Happening, properties_of
from .event_store import add_event, change_event, delete_happening
from .events import event_answer, named_calendar, named_happening
from .extended import normal_id
from .ids import stable_guid
from .message_writes import LARGEST_REQUEST

if t.TYPE_CHECKING:
    from .call import Call
    from .mailbox import Mailbox
    from .sections import Item
    from .state import Tenant

Json = dict[str, t.Any]
_SETTABLE = frozenset(
    {
        "subject", "body", "start", "end", "isAllDay", "location", "locations", "attendees", "recurrence", "importance",
        "sensitivity", "showAs", "categories", "isReminderOn", "reminderMinutesBeforeStart", "responseRequested", "allowNewTimeProposals",
        "hideAttendees", "isOnlineMeeting", "onlineMeetingProvider", "transactionId",
    }
)  # fmt: skip
# Ignored when a client sends them, as they are the service's own.
_READ_ONLY = frozenset(
    {
        "id", "changeKey", "createdDateTime", "lastModifiedDateTime", "iCalUId", "webLink", "type", "seriesMasterId", "bodyPreview",
        "organizer", "onlineMeeting", "onlineMeetingUrl", "hasAttachments", "isCancelled", "responseStatus", "originalStart",
        "originalStartTimeZone", "originalEndTimeZone", "@odata.type", "@odata.context",
    }
)  # fmt: skip
_OTHER = frozenset({"singleValueExtendedProperties", "attachments"})
_PRIVATE = frozenset({"categories", "isReminderOn", "reminderMinutesBeforeStart", "showAs", "singleValueExtendedProperties"})


def create_event(tenant: Tenant, call: Call) -> Answer:
    """C(POST .../events): 201; attendees are invited; a known transactionId makes no second event."""
    mailbox = tenant.mailbox(call)
    calendar = named_calendar(mailbox, call)
    if len(call.body) > LARGEST_REQUEST:
        raise GraphError(413, "RequestEntityTooLarge", "Request Entity Too Large")
    wanted = call.json()
    refuse_foreign_properties(wanted)
    if calendar.properties.get("canEdit") is False:
        raise GraphError(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
    known = _known_transaction(mailbox, wanted)
    if known is not None:
        return event_answer(call, mailbox, Happening(known), 201)
    item = add_event(tenant, mailbox, calendar, _settable(mailbox, wanted))
    item.extended = _extended(wanted)
    item.attach_refusals = tenant.settings.attachment_refusals
    if wanted.get("transactionId"):
        mailbox.sections.transactions[str(wanted["transactionId"])] = item.number
    _tell(tenant, mailbox, item.properties, "invitation", addresses(item.properties))
    return event_answer(call, mailbox, Happening(item), 201)


def update_event(tenant: Tenant, call: Call) -> Answer:
    """C(PATCH .../events/{event}): of a single event, of a series, or of one occurrence, which becomes an exception."""
    mailbox = tenant.mailbox(call)
    happening = named_happening(mailbox, call)
    wanted = call.json()
    refuse_foreign_properties(wanted)
    changes = _settable(mailbox, wanted)
    changes.pop("transactionId", None)
    before = set(addresses(properties_of(happening)))
    change_event(mailbox, happening, changes)
    if wanted.get("singleValueExtendedProperties"):
        happening.item.extended = {**(happening.item.extended or {}), **_extended(wanted)}
    after = addresses(properties_of(happening))
    if not set(wanted) <= _PRIVATE and happening.item.properties.get("isOrganizer", True):
        _tell(tenant, mailbox, happening.item.properties, "invitation", [one for one in after if one not in before])
        _tell(tenant, mailbox, happening.item.properties, "notification", [one for one in after if one in before])
        _tell(tenant, mailbox, happening.item.properties, "cancellation", sorted(before - set(after)))
    return event_answer(call, mailbox, happening)


def delete_event(tenant: Tenant, call: Call) -> Answer:
    """C(DELETE .../events/{event}): the organiser's attendees are told that it is cancelled."""
    mailbox = tenant.mailbox(call)
    happening = named_happening(mailbox, call)
    if happening.item.properties.get("isOrganizer", True):
        _tell(tenant, mailbox, happening.item.properties, "cancellation", addresses(properties_of(happening)))
    delete_happening(mailbox, happening)
    return Answer(204)


def refuse_foreign_properties(wanted: Json) -> None:
    """What is no property of an event that a client may know is taken for an extension. Raises GraphError 400."""
    foreign = [name for name in wanted if name not in _SETTABLE and name not in _READ_ONLY and name not in _OTHER]
    if any(wanted[name] is not None or not name.startswith("@odata.") for name in foreign):
        raise GraphError(400, "ErrorInvalidRequest", "Requests must contain extension changes exclusively.")
    if wanted.get("attachments"):
        raise GraphError(400, "ErrorInvalidRequest", "Attachments are added to an event that exists.")


def addresses(properties: Json) -> list[str]:
    """Addresses of the attendees."""
    people = (((one or {}).get("emailAddress") or {}).get("address") for one in properties.get("attendees") or ())
    return [str(address) for address in people if address]


def _settable(mailbox: Mailbox, wanted: Json) -> Json:
    """What a client may set: answers of attendees are theirs, and a meeting that is to be online gets an address of its own."""
    changes = {name: value for name, value in wanted.items() if name in _SETTABLE}
    if changes.get("attendees"):
        changes["attendees"] = [{name: value for name, value in (one or {}).items() if name != "status"} for one in changes["attendees"]]
    if changes.get("isOnlineMeeting"):
        address = f"https://teams.microsoft.com/l/meetup-join/{stable_guid('online', mailbox.guid, mailbox.version)}"
        changes |= {"onlineMeetingProvider": "teamsForBusiness", "onlineMeeting": {"joinUrl": address}}
    return changes


def _known_transaction(mailbox: Mailbox, wanted: Json) -> Item | None:
    """The event that this transaction made already. Raises GraphError 409 when it was another event."""
    number = mailbox.sections.transactions.get(str(wanted.get("transactionId") or ""))
    item = mailbox.sections.calendars.items.get(number) if number is not None else None
    if item is None:
        return None
    if item.properties.get("subject", "") != (wanted.get("subject") or ""):
        raise GraphError(
            409,
            "ErrorDuplicateTransactionId",
            "Your request can't be completed. "
            "The TransactionId specified in the request has already been used to create a different event.",
        )
    return item


def _tell(tenant: Tenant, mailbox: Mailbox, properties: Json, kind: str, people: list[str]) -> None:
    tenant.outgoing.add(kind, mailbox.owner_id, people, str(properties.get("subject", "")))


def _extended(wanted: Json) -> dict[str, str]:
    return {normal_id(str(one.get("id"))): str(one.get("value")) for one in wanted.get("singleValueExtendedProperties") or ()}
