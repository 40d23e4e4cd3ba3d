# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the people of the small company have beside mail: meetings, series, birthdays, customers, tasks, rules, categories."""

from __future__ import annotations

import base64
import datetime
import random
import typing as t

from .words import GIVEN_NAMES, SUBJECT_PARTS, SURNAMES

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from .control import ControlClient

Json = dict[str, t.Any]
_FIRST_MONDAY = datetime.date(2026, 1, 5)
_ZONES = ("W. Europe Standard Time", "W. Europe Standard Time", "GMT Standard Time", "Eastern Standard Time")
_ROOMS = ("Room Aquarium", "Room 2.14", "Microsoft Teams", "Canteen / Terrace")
_CATEGORIES = (("Customer", "preset7"), ("Grün – privat", "preset4"), ("Board / confidential", "preset0"))
_PICTURE = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")


def furnish(control: ControlClient, mailbox: str, people: Sequence[str], seed: int, position: int) -> None:
    """Gives one person calendars, contacts, tasks, rules and categories; the same for the same seed and position."""
    rng = random.Random(seed * 1000 + position)
    zone = _ZONES[position % len(_ZONES)]
    for name, color in _CATEGORIES:
        control.add_category(mailbox, name, color)
    _fill_calendars(control, mailbox, people, rng, zone)
    _fill_contacts(control, mailbox, rng)
    _fill_tasks(control, mailbox, rng)
    control.change_mailbox_settings(mailbox, timeZone=zone)
    control.add_rule(
        mailbox,
        {
            "displayName": "Newsletters go away",
            "conditions": {"subjectContains": ["newsletter"]},
            "actions": {"markAsRead": True, "stopProcessingRules": True},
        },
    )


def _fill_calendars(control: ControlClient, mailbox: str, people: Sequence[str], rng: random.Random, zone: str) -> None:
    control.add_event(mailbox, _team_meeting(people, rng, zone))
    control.add_event(mailbox, _board_meeting(mailbox, rng, zone))
    for _unused in range(rng.randrange(5, 12)):
        control.add_event(mailbox, _meeting(people, rng, zone))
    private = control.add_calendar(mailbox, "Birthdays & holidays", color="lightGreen")
    for _unused in range(rng.randrange(3, 7)):
        control.add_event(mailbox, _birthday(rng), private)
    first = _FIRST_MONDAY + datetime.timedelta(weeks=rng.randrange(20, 40))
    control.add_event(mailbox, {**_all_day("Summer holiday ☀", first, 14), "showAs": "oof"}, private)
    control.add_calendar(mailbox, "Projects / 2026")


def _meeting(people: Sequence[str], rng: random.Random, zone: str) -> Json:
    day = _FIRST_MONDAY + datetime.timedelta(days=rng.randrange(0, 330))
    event = {
        "subject": " ".join(rng.choice(words) for words in SUBJECT_PARTS),
        **_times(day, rng.randrange(8, 17), zone),
        "location": {"displayName": rng.choice(_ROOMS)},
        "body": {"contentType": "html", "content": "<html><body><p>Agenda follows.</p></body></html>"},
        "attendees": [_attendee(person) for person in rng.sample(list(people), rng.randrange(0, 4))],
    }
    if rng.random() < 0.3:
        event["categories"] = [rng.choice(_CATEGORIES)[0]]
    if rng.random() < 0.3:
        event["attachments"] = [_file("agenda.txt", "text/plain", b"1. Welcome\r\n2. Figures\r\n" * rng.randrange(5, 500))]
    return event


def _team_meeting(people: Sequence[str], rng: random.Random, zone: str) -> Json:
    """Every Monday of the year; one moved, one with other papers, two cancelled."""
    moved = _FIRST_MONDAY + datetime.timedelta(weeks=rng.randrange(3, 10))
    prepared = _FIRST_MONDAY + datetime.timedelta(weeks=rng.randrange(12, 20))
    return {
        "subject": "Team meeting",
        **_times(_FIRST_MONDAY, 9, zone),
        "location": {"displayName": _ROOMS[0]},
        "attendees": [_attendee(person) for person in people],
        "recurrence": {
            "pattern": {"type": "weekly", "interval": 1, "daysOfWeek": ["monday"], "firstDayOfWeek": "monday"},
            "range": {"type": "numbered", "startDate": _FIRST_MONDAY.isoformat(), "numberOfOccurrences": 50},
        },
        "exceptions": {
            moved.isoformat(): {"subject": "Team meeting (moved)", **_times(moved + datetime.timedelta(days=1), 14, zone)},
            prepared.isoformat(): {"attachments": [_file("figures.csv", "text/csv", b"month;sales\r\n1;100\r\n")]},
        },
        "cancelled": [(_FIRST_MONDAY + datetime.timedelta(weeks=weeks)).isoformat() for weeks in (21, 50 - rng.randrange(1, 5))],
    }


def _board_meeting(mailbox: str, rng: random.Random, zone: str) -> Json:
    """The last Thursday of each month without an end, organised by somebody else, in a zone of its own."""
    organizer = f"{rng.choice(SURNAMES).lower()}@fabrikam.example"
    return {
        "subject": "Steering committee",
        **_times(datetime.date(2026, 1, 29), 16, zone),
        "originalStartTimeZone": "tzone://Microsoft/Custom",
        "isOrganizer": False,
        "organizer": {"emailAddress": {"name": organizer, "address": organizer}},
        "responseStatus": {"response": "accepted", "time": "2026-01-12T08:30:00Z"},
        "sensitivity": "confidential",
        "attendees": [_attendee(mailbox)],
        "recurrence": {
            "pattern": {"type": "relativeMonthly", "interval": 1, "daysOfWeek": ["thursday"], "index": "last"},
            "range": {"type": "noEnd", "startDate": "2026-01-29"},
        },
    }


def _birthday(rng: random.Random) -> Json:
    day = datetime.date(1990, 1, 1) + datetime.timedelta(days=rng.randrange(0, 3600))
    return {
        **_all_day(f"🎂 {rng.choice(GIVEN_NAMES)}", day, 1),
        "showAs": "free",
        "recurrence": {
            "pattern": {"type": "absoluteYearly", "interval": 1, "dayOfMonth": day.day, "month": day.month},
            "range": {"type": "noEnd", "startDate": day.isoformat()},
        },
    }


def _fill_contacts(control: ControlClient, mailbox: str, rng: random.Random) -> None:
    customers = control.add_contact_folder(mailbox, "Customers")
    north = control.add_contact_folder(mailbox, "North / Nord", customers)
    for folder, count in ((None, 8), (customers, 6), (north, 3)):
        for number in range(count):
            given, surname = rng.choice(GIVEN_NAMES), rng.choice(SURNAMES)
            contact = {
                "givenName": given,
                "surname": surname,
                "displayName": f"{given} {surname}",
                "companyName": rng.choice(("Fabrikam", "Northwind Traders", "Müller & Söhne")),
                "emailAddresses": [{"name": f"{given} {surname}", "address": f"{given}.{surname}@fabrikam.example".lower()}],
                "businessPhones": [f"+49 30 555 01{rng.randrange(10, 99)}"],
                "businessAddress": {"street": "Hauptstraße 1", "city": "Berlin", "postalCode": "10115", "countryOrRegion": "Germany"},
            }
            identifier = control.add_contact(mailbox, contact, folder)
            if number == 0:
                control.set_contact_photo(mailbox, identifier, _PICTURE, content_type="image/png")


def _fill_tasks(control: ControlClient, mailbox: str, rng: random.Random) -> None:
    control.add_task(
        mailbox, {"title": "Hand in travel costs", "importance": "high", "body": {"content": "Berlin, March", "contentType": "text"}}
    )
    home = control.add_task_list(mailbox, "At home")
    steps = [{"displayName": "Call"}, {"displayName": "Compare", "isChecked": rng.random() < 0.5}]
    control.add_task(mailbox, {"title": "New heating", "checklistItems": steps}, home)


def _times(day: datetime.date, hour: int, zone: str) -> Json:
    start, end = (datetime.datetime.combine(day, datetime.time(at)) for at in (hour, hour + 1))
    return {name: {"dateTime": moment.isoformat(), "timeZone": zone} for name, moment in (("start", start), ("end", end))}


def _all_day(subject: str, first: datetime.date, days: int) -> Json:
    last = first + datetime.timedelta(days=days)
    times = {name: {"dateTime": f"{day}T00:00:00", "timeZone": "UTC"} for name, day in (("start", first), ("end", last))}
    return {"subject": subject, "isAllDay": True, **times}


def _attendee(address: str) -> Json:
    return {"type": "required", "emailAddress": {"name": address.partition("@")[0], "address": address}}


def _file(name: str, content_type: str, content: bytes) -> Json:
    encoded = base64.b64encode(content).decode()
    return {"@odata.type": "#microsoft.graph.fileAttachment", "name": name, "contentType": content_type, "contentBytes": encoded}
