# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Calendars, contacts and settings back into mailboxes, and nobody is told."""

from __future__ import annotations

import base64
import dataclasses
import typing as t

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.item_filter import ItemFilter
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.layout import CALENDAR, CONTACTS, SETTINGS
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.calendar import read_event
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.client import GraphClient
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.ids import EventId
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.users import find_users
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.conflict import Policy
from ansible_collections.tenantvault.m365_backup.tests.integration.backups import Backup
from ansible_collections.tenantvault.m365_backup.tests.integration.restores import TOP, Restore, counts
from tenant.harness import RunningTenant
from tenant.tokens import DEFAULT_ROLES

Json = dict[str, t.Any]
GUESTS = [{"emailAddress": {"name": "Guest", "address": "guest@elsewhere.example"}, "type": "required"}]
#: What an event is given anew, and what attendees become.
OWN = frozenset(
    {"id", "createdDateTime", "lastModifiedDateTime", "changeKey", "iCalUId", "iCalUId_v2", "uid", "transactionId", "webLink", "categories"}
    | {"attendees", "organizer", "seriesMasterId", "occurrenceId", "bodyPreview", "exceptionOccurrences", "cancelledOccurrences"}
)
SOURCES = (CALENDAR, CONTACTS, SETTINGS)
EVENTS, PEOPLE = 6, 3


def file(name: str, content: bytes) -> Json:
    return {"@odata.type": "#microsoft.graph.fileAttachment", "name": name, "contentBytes": base64.b64encode(content).decode()}


def event(subject: str, day: str = "2026-03-02", **more: t.Any) -> Json:
    zone = more.pop("zone", "W. Europe Standard Time")
    return {
        "subject": subject,
        "body": {"contentType": "html", "content": f"<html><body><p>{subject}</p></body></html>"},
        "start": {"dateTime": f"{day}T09:00:00", "timeZone": zone},
        "end": {"dateTime": f"{day}T10:00:00", "timeZone": zone},
        "location": {"displayName": "Room 1"},
        **more,
    }


def weekly(subject: str, **more: t.Any) -> Json:
    pattern = {"type": "weekly", "interval": 1, "daysOfWeek": ["monday"], "firstDayOfWeek": "monday"}
    span = {"type": "numbered", "startDate": "2026-03-02", "numberOfOccurrences": 12, "recurrenceTimeZone": "W. Europe Standard Time"}
    return event(subject, recurrence={"pattern": pattern, "range": span}, **more)


def later(day: str) -> Json:
    zone = "W. Europe Standard Time"
    return {"start": {"dateTime": f"{day}T15:00:00", "timeZone": zone}, "end": {"dateTime": f"{day}T16:30:00", "timeZone": zone}}


@pytest.fixture(scope="module")
def backup(tenant: RunningTenant, tmp_path_factory: pytest.TempPathFactory) -> Backup:
    ann = f"ann@{tenant.domain}"
    control = tenant.control
    control.add_user(ann)
    control.add_event(ann, event("Meeting", attendees=GUESTS, categories=["Red"], sensitivity="private", showAs="oof"))
    control.add_event(ann, event("With file", attachments=[file("plan.txt", b"plan"), file("large.bin", bytes(3_100_000))]))
    day_off = {
        "start": {"dateTime": "2026-05-01T00:00:00", "timeZone": "UTC"},
        "end": {"dateTime": "2026-05-02T00:00:00", "timeZone": "UTC"},
    }
    control.add_event(ann, {**event("Day off", isAllDay=True), **day_off})
    series = control.add_event(
        ann,
        weekly(
            "Round",
            attendees=GUESTS,
            attachments=[file("agenda.txt", b"agenda")],
            exceptions={
                "2026-03-09": {"subject": "Round, elsewhere", "location": {"displayName": "Room 2"}},
                "2026-04-13": {**later("2026-04-14"), "attachments": [file("more.txt", b"more")]},
            },
            cancelled=["2026-03-30", "2026-05-04"],
        ),
    )
    assert series
    work = control.add_calendar(ann, "Work")
    control.add_event(ann, event("At work", zone="Pacific Standard Time"), calendar=work)
    control.add_event(ann, event("Odd zone", originalStartTimeZone="tzone://Microsoft/Custom"), calendar=work)
    person = control.add_contact(
        ann,
        {"displayName": "Eva M\u00fcller", "emailAddresses": [{"name": "Eva", "address": "eva@x.example"}], "businessPhones": ["+49 1"]},
    )
    control.set_contact_photo(ann, person, b"\xff\xd8\xff a photo")
    control.add_contact(ann, {"displayName": "Nobody", "birthday": "1990-05-01T11:59:00Z"})
    friends = control.add_contact_folder(ann, "Friends")
    control.add_contact(ann, {"displayName": "Max", "homeAddress": {"city": "Ulm"}}, folder=friends)
    control.add_category(ann, "Customers", "preset3")
    control.add_rule(ann, {"displayName": "Forward", "actions": {"forwardTo": GUESTS}, "conditions": {"subjectContains": ["x"]}})
    control.change_mailbox_settings(
        ann, timeZone="Pacific Standard Time", automaticRepliesSetting={"status": "alwaysEnabled", "internalReplyMessage": "Away"}
    )
    backup = Backup(tenant=tenant, folder=tmp_path_factory.mktemp("people"), users=(ann,), sources=SOURCES)
    backup.run()
    return backup


@pytest.fixture
def restore(backup: Backup, user: str) -> Restore:
    return Restore(backup=backup, member=backup.users[0], into=user, sources=(CALENDAR, CONTACTS))


def diary(restore: Restore, client: GraphClient, mailbox: str, calendar: str) -> list[Json]:
    """What the service says of the events of a calendar, without what it has of its own of each."""
    control = restore.backup.tenant.control
    [user] = find_users(client, mailbox)
    found = []
    for line in control.events(mailbox, calendar):
        whole = read_event(client, user.id, EventId(line["id"]))
        exceptions = [told(each) for each in whole.get("exceptionOccurrences", ())]
        days = [name[-10:] for name in whole.get("cancelledOccurrences", ())]
        files = [line["attachments"], *(changes["attachments"] for _day, changes in sorted(line["exceptions"].items()))]
        found.append({**told(whole), "exceptions": exceptions, "cancelled": days, "files": files})
    return sorted(found, key=lambda each: each["subject"])


def told(event: Json) -> Json:
    kept = {name: value for name, value in event.items() if name not in OWN and "@" not in name}
    body = event["body"]["content"].partition("<hr>")[0].removesuffix("</body></html>")
    # A zone that somebody made up has no name by which it could be asked for.
    zones = {name: "UTC" for name in ("originalStartTimeZone", "originalEndTimeZone") if event["subject"] == "Odd zone"}
    return {**kept, **zones, "body": body}


def people(restore: Restore, mailbox: str, folder: str | None) -> list[Json]:
    found = restore.backup.tenant.control.contacts(mailbox, folder)
    return sorted(({name: value for name, value in each.items() if name not in ("id", "categories")} for each in found), key=str)


def calendar_names(restore: Restore, mailbox: str) -> list[str]:
    return [one["name"] for one in restore.backup.tenant.control.calendars(mailbox)]


def default_folder(restore: Restore, mailbox: str) -> str:
    return str(next(one["name"] for one in restore.backup.tenant.control.contact_folders(mailbox) if one["default"]))


def restored_folder(restore: Restore, name: str) -> str:
    """The id of a contact folder of that name that the restore has made."""
    folders = restore.backup.tenant.control.contact_folders(restore.into)
    return str(next(one["id"] for one in folders if one["name"] == name and not one["default"]))


def assert_complete(restore: Restore, client: GraphClient) -> None:
    """The new calendars and folders have what the backed up mailbox has."""
    ann, into = restore.backup.users[0], restore.into
    for name in calendar_names(restore, ann):
        assert diary(restore, client, into, f"{TOP} {name}") == diary(restore, client, ann, name)
    for original, name in ((None, default_folder(restore, ann)), ("Friends", "Friends")):
        assert people(restore, into, restored_folder(restore, name)) == people(restore, ann, original)


def test_calendars_and_contacts_come_back_and_nobody_istold(restore: Restore, client: GraphClient) -> None:
    control = restore.backup.tenant.control
    before = control.outgoing()
    first = restore.run()
    assert (counts(first), first.findings) == ({"restored": EVENTS + PEOPLE}, [])
    assert_complete(restore, client)
    again = restore.run()
    assert (counts(again), again.findings) == ({"unchanged": EVENTS + PEOPLE}, [])
    assert_complete(restore, client)
    assert control.outgoing() == before


def test_what_attendees_were_stands_in_the_text_of_the_event(restore: Restore, client: GraphClient) -> None:
    dataclasses.replace(restore, sources=(CALENDAR,), item_filter=ItemFilter(subject="Meeting")).run()
    control = restore.backup.tenant.control
    calendar = next(name for name in calendar_names(restore, restore.into) if name.startswith(TOP))
    [line] = control.events(restore.into, calendar)
    [user] = find_users(client, restore.into)
    event = read_event(client, user.id, EventId(line["id"]))
    assert event["attendees"] == []
    assert "guest@elsewhere.example" in event["body"]["content"]
    assert event["categories"] == ["Red"]


@pytest.mark.parametrize(
    ("operation", "how"),
    [
        ("event_create", "reset"),
        ("event_update", "503"),
        ("event_delete", "reset"),
        ("event_attachment_create", "503"),
        ("calendar_create", "503"),
        ("contact_create", "503"),
        ("contact_create", "reset"),
        ("contact_folder_create", "503"),
        ("contact_photo_put", "reset"),
    ],
)
def test_a_lost_answer_makes_nothing_twice(restore: Restore, client: GraphClient, operation: str, how: str) -> None:
    control = restore.backup.tenant.control
    control.arm({"name": "answer_lost", "how": how, "mailbox": restore.into, "times": 3, "match": {"operation": operation}})
    result = restore.run()
    assert (counts(result), result.findings) == ({"restored": EVENTS + PEOPLE}, [])
    assert_complete(restore, client)


def test_events_and_contacts_go_back_to_where_they_were_and_meetings_stay(restore: Restore, client: GraphClient) -> None:
    control, ann = restore.backup.tenant.control, restore.backup.users[0]
    original = dataclasses.replace(restore, into=ann, top=None)
    assert counts(original.run()) == {"kept": EVENTS + PEOPLE}
    before = control.outgoing()
    replaced = dataclasses.replace(original, policy=Policy.REPLACE)
    result = replaced.run()
    assert counts(result) == {"replaced": EVENTS - 2 + PEOPLE, "kept": 2}
    assert "2 events" in result.warnings[0]
    assert counts(replaced.run()) == {"unchanged": EVENTS - 2 + PEOPLE, "kept": 2}
    assert (len(control.events(ann)), len(control.contacts(ann))) == (EVENTS - 2, PEOPLE - 1)
    assert control.outgoing() == before


def test_an_empty_mailbox_of_somebody_else_gets_them_into_its_own_calendar(restore: Restore) -> None:
    control = restore.backup.tenant.control
    result = dataclasses.replace(restore, top=None).run()
    assert (counts(result), result.findings) == ({"restored": EVENTS + PEOPLE}, [])
    assert calendar_names(restore, restore.into)[1:] == ["Work"]
    assert (len(control.events(restore.into)), len(control.contacts(restore.into))) == (EVENTS - 2, PEOPLE - 1)


def test_an_occurrence_that_the_service_refuses_is_named_and_the_series_is_there(restore: Restore) -> None:
    control = restore.backup.tenant.control
    control.arm(
        {
            "name": "status",
            "status": 400,
            "code": "ErrorOccurrenceCrossingBoundary",
            "mailbox": restore.into,
            "match": {"operation": "event_update"},
        }
    )
    series = dataclasses.replace(restore, sources=(CALENDAR,), item_filter=ItemFilter(subject="Round"))
    result = series.run()
    assert counts(result) == {"restored": 1}
    assert [finding.code for finding in result.findings] == ["ErrorOccurrenceCrossingBoundary"]
    assert "some of its changed occurrences" in result.findings[0].reason
    assert counts(series.run()) == {"unchanged": 1}


def test_settings_are_restored_when_they_are_named_and_switch_nothing_on(restore: Restore) -> None:
    control = restore.backup.tenant.control
    settings = dataclasses.replace(restore, sources=(SETTINGS,), policy=Policy.REPLACE)
    predicted = settings.run(is_check=True)
    assert (control.rules(restore.into), control.master_categories(restore.into)) == ([], [])
    result = settings.run()
    assert (result.findings, counts(predicted)) == ([], counts(result))
    assert [(rule["displayName"], rule["isEnabled"]) for rule in control.rules(restore.into)] == [("Forward", False)]
    assert [(one["displayName"], one["color"]) for one in control.master_categories(restore.into)] == [("Customers", "preset3")]
    there = control.mailbox_settings(restore.into)
    assert there["timeZone"] == "Pacific Standard Time"
    replies = there["automaticRepliesSetting"]
    assert (replies["status"], replies["internalReplyMessage"]) == ("disabled", "Away")
    assert set(counts(settings.run())) == {"unchanged"}


def test_what_acts_on_its_own_is_switched_on_when_that_is_asked_for(restore: Restore) -> None:
    control = restore.backup.tenant.control
    more = {"switch_on": frozenset({"rules", "automatic_replies"})}
    dataclasses.replace(restore, sources=(SETTINGS,), policy=Policy.REPLACE, more=more).run()
    assert [rule["isEnabled"] for rule in control.rules(restore.into)] == [True]
    assert control.mailbox_settings(restore.into)["automaticRepliesSetting"]["status"] == "alwaysEnabled"


@pytest.mark.parametrize("how", ["503", "reset"])
def test_a_rule_whose_creation_got_no_answer_is_there_once(restore: Restore, how: str) -> None:
    control = restore.backup.tenant.control
    control.arm({"name": "answer_lost", "how": how, "mailbox": restore.into, "match": {"operation": "rule_create"}})
    result = dataclasses.replace(restore, sources=(SETTINGS,)).run()
    assert (result.findings, len(control.rules(restore.into))) == ([], 1)


def test_a_missing_permission_is_named_and_spoils_no_other_source(restore: Restore) -> None:
    control, tenant = restore.backup.tenant.control, restore.backup.tenant
    control.set_roles(tenant.client_id, [role for role in DEFAULT_ROLES if role != "Calendars.ReadWrite"] + ["Calendars.Read"])
    try:
        result = restore.run()
    finally:
        control.set_roles(tenant.client_id, list(DEFAULT_ROLES))
    [finding] = result.findings
    assert ("Calendars.ReadWrite" in finding.reason, finding.code) == (True, "ErrorAccessDenied")
    assert counts(result) == {"restored": PEOPLE}
