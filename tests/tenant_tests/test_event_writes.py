# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Creating, changing and deleting events, and who would hear of it (facts 9.5, 14.58)."""

from __future__ import annotations

import typing as t

import pytest
from tenant_tests.calendar_samples import BERLIN, FILE, meeting, people, weekly
from tenant_tests.support import GRAPH, IMMUTABLE, Client

if t.TYPE_CHECKING:
    from tenant.control import ControlClient

BETA = GRAPH.replace("v1.0", "beta")


def sent(control: ControlClient) -> list[tuple[str, str]]:
    return [(mail["kind"], mail["to"]) for mail in control.outgoing()]


def instances(client: Client, user: str, series: str, day: str) -> list[dict[str, t.Any]]:
    window = f"startDateTime={day}T00:00:00&endDateTime={day}T23:59:59"
    return client.all(f"/users/{user}/events/{series}/instances?{window}", prefer=IMMUTABLE)


def test_attendees_of_a_new_event_are_invited(client: Client, control: ControlClient, adele: str) -> None:
    made = client.call("POST", f"/users/{adele}/events", meeting(attendees=people("b@example.com", "c@example.com")))
    assert made.status == 201
    assert sent(control) == [("invitation", "b@example.com"), ("invitation", "c@example.com")]
    assert control.stats()["invitations_sent"] == control.stats()["mails_sent"] == 2


def test_an_event_without_attendees_tells_nobody_whatever_happens_to_it(client: Client, control: ControlClient, adele: str) -> None:
    path = f"/users/{adele}/events/{client.call('POST', f'/users/{adele}/events', weekly()).json()['id']}"
    client.call("PATCH", path, {"subject": "x"})
    client.call("POST", f"{path}/attachments", FILE)
    client.call("DELETE", path)
    assert control.stats()["mails_sent"] == 0


def test_attendees_hear_of_changes_and_of_the_end_of_a_meeting(client: Client, control: ControlClient, adele: str) -> None:
    event = control.add_event(adele, meeting(attendees=people("b@example.com", "c@example.com")))
    path = f"/users/{adele}/events/{event}"
    client.call("PATCH", path, {"categories": ["Red"]})
    assert sent(control) == []
    client.call("PATCH", path, {"attendees": people("b@example.com", "d@example.com")})
    assert sent(control) == [("invitation", "d@example.com"), ("notification", "b@example.com"), ("cancellation", "c@example.com")]
    control.reset_log()
    client.call("DELETE", path)
    assert sent(control) == [("cancellation", "b@example.com"), ("cancellation", "d@example.com")]


def test_who_was_invited_cancels_nothing_by_deleting_the_copy(client: Client, control: ControlClient, adele: str) -> None:
    event = control.add_event(adele, meeting(attendees=people("b@example.com"), isOrganizer=False))
    assert client.call("DELETE", f"/users/{adele}/events/{event}").status == 204
    assert sent(control) == []


@pytest.mark.parametrize(
    "foreign",
    [
        {"@odata.etag": 'W/"x"'},
        {"iCalUId_v2": "x"},
        {"uid": None},
        {"calendar@odata.navigationLink": "https://graph.microsoft.com/v1.0/x"},
        {"isOrganizer": True},
        {"isDraft": False},
        {"cancelledOccurrences": []},
        {"anything": 1},
    ],
)
def test_what_only_the_service_may_know_is_refused_in_a_new_event(client: Client, adele: str, foreign: dict[str, t.Any]) -> None:
    reply = client.call("POST", f"/users/{adele}/events", meeting(**foreign))
    assert (reply.status, reply.error["message"]) == (400, "Requests must contain extension changes exclusively.")


def test_nulled_and_read_only_properties_are_passed_over(client: Client, adele: str) -> None:
    extra: dict[str, t.Any] = {
        "@odata.etag": None,
        "id": None,
        "changeKey": "x",
        "webLink": "y",
        "type": "singleInstance",
        "iCalUId": "mine",
    }
    made = client.call("POST", f"/users/{adele}/events", meeting(**extra)).json()
    assert made["changeKey"] != "x"
    assert made["iCalUId"] != "mine"


def test_a_transaction_makes_one_event_however_often_it_is_sent(client: Client, control: ControlClient, adele: str) -> None:
    wanted = meeting(transactionId="t-1", attendees=people("b@example.com"))
    first, again = (client.call("POST", f"/users/{adele}/events", wanted) for _unused in range(2))
    assert (again.status, again.json()["id"]) == (201, first.json()["id"])
    assert len(control.events(adele)) == control.stats()["invitations_sent"] == 1
    other = client.call("POST", f"/users/{adele}/events", {**wanted, "subject": "another"})
    assert (other.status, other.code) == (409, "ErrorDuplicateTransactionId")


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"subject": "no times"}, "ErrorPropertyValidationFailure"),
        (meeting(start={"dateTime": "soon", "timeZone": "UTC"}), "ErrorPropertyValidationFailure"),
        (meeting(start={"dateTime": "2026-03-02T09:00:00", "timeZone": "Mars"}), "TimeZoneNotSupportedException"),
        (meeting(start={"dateTime": "2026-03-03T09:00:00", "timeZone": "UTC"}), "ErrorPropertyValidationFailure"),
        (meeting(isAllDay=True), "ErrorPropertyValidationFailure"),
        (meeting(attendees=people(*(f"p{number}@example.com" for number in range(501)))), "ErrorExceededAttendeeLimit"),
        (meeting(recurrence={"pattern": {"type": "weekly"}, "range": {"type": "noEnd"}}), "ErrorPropertyValidationFailure"),
        (weekly(count=1000), "ErrorPropertyValidationFailure"),
        (meeting(attachments=[FILE]), "ErrorInvalidRequest"),
    ],
)
def test_an_event_that_cannot_be_is_refused(
    client: Client, control: ControlClient, adele: str, wanted: dict[str, t.Any], code: str
) -> None:
    assert client.call("POST", f"/users/{adele}/events", wanted).code == code
    assert control.events(adele) == []


def test_an_empty_zone_of_a_recurrence_is_refused_and_a_missing_one_filled_in(client: Client, adele: str) -> None:
    wanted = weekly()
    made = client.call("POST", f"/users/{adele}/events", wanted).json()
    assert made["recurrence"]["range"]["recurrenceTimeZone"] == BERLIN
    wanted["recurrence"]["range"]["recurrenceTimeZone"] = ""
    assert client.call("POST", f"/users/{adele}/events", wanted).code == "TimeZoneNotSupportedException"


def test_a_series_begins_on_the_first_day_of_its_pattern(client: Client, adele: str) -> None:
    wanted = weekly(day="2026-03-04")
    made = client.call("POST", f"/users/{adele}/events", wanted, prefer=f'outlook.timezone="{BERLIN}"').json()
    assert (made["start"]["dateTime"][:16], made["recurrence"]["range"]["startDate"]) == ("2026-03-09T09:00", "2026-03-09")


def test_a_series_is_restored_by_cancelling_and_changing_its_instances(client: Client, control: ControlClient, adele: str) -> None:
    series = client.call("POST", f"/users/{adele}/events", weekly(), prefer=IMMUTABLE).json()["id"]
    (gone,), (changed,) = instances(client, adele, series, "2026-03-09"), instances(client, adele, series, "2026-03-16")
    assert client.call("DELETE", f"/users/{adele}/events/{gone['id']}").status == 204
    moved = {name: {"dateTime": f"2026-03-17T{hour}:00:00", "timeZone": BERLIN} for name, hour in (("start", "14"), ("end", "15"))}
    patched = client.call("PATCH", f"/users/{adele}/events/{changed['id']}", {"subject": "moved", **moved}, prefer=IMMUTABLE)
    assert (patched.json()["id"], patched.json()["type"]) == (changed["id"], "exception")
    assert instances(client, adele, series, "2026-03-09") == instances(client, adele, series, "2026-03-16") == []
    assert client.get(f"/users/{adele}/events/{gone['id']}").code == "ErrorItemNotFound"
    (event,) = control.events(adele)
    assert (event["cancelled"], list(event["exceptions"]), event["exceptions"]["2026-03-16"]["subject"]) == (
        ["2026-03-09"],
        ["2026-03-16"],
        "moved",
    )


def test_an_exception_does_not_cross_its_neighbours(client: Client, adele: str) -> None:
    series = client.call("POST", f"/users/{adele}/events", weekly(), prefer=IMMUTABLE).json()["id"]
    (one,) = instances(client, adele, series, "2026-03-09")
    late = {name: {"dateTime": f"2026-03-16T{hour}:00:00", "timeZone": BERLIN} for name, hour in (("start", "11"), ("end", "12"))}
    assert client.call("PATCH", f"/users/{adele}/events/{one['id']}", late).code == "ErrorOccurrenceCrossingBoundary"


def test_a_new_pattern_forgets_exceptions_and_a_new_subject_does_not(client: Client, control: ControlClient, adele: str) -> None:
    wanted = weekly(exceptions={"2026-03-09": {"subject": "other"}}, cancelled=["2026-03-16"])
    path = f"/users/{adele}/events/{control.add_event(adele, wanted)}"
    client.call("PATCH", path, {"subject": "renamed"})
    (event,) = control.events(adele)
    assert (event["subject"], event["exceptions"]["2026-03-09"]["subject"], event["cancelled"]) == ("renamed", "other", ["2026-03-16"])
    client.call("PATCH", path, {"recurrence": {**wanted["recurrence"], "pattern": {"type": "daily", "interval": 1}}})
    (event,) = control.events(adele)
    assert (event["exceptions"], event["cancelled"]) == ({}, [])


def test_attachments_are_added_to_one_occurrence_in_pieces(client: Client, control: ControlClient, adele: str) -> None:
    series = control.add_event(adele, weekly())
    (occurrence,) = instances(client, adele, series, "2026-03-09")
    content = bytes(range(256)) * 16_000
    wanted = {"AttachmentItem": {"attachmentType": "file", "name": "big.bin", "size": len(content)}}
    url = client.call("POST", f"/users/{adele}/events/{occurrence['id']}/attachments/createUploadSession", wanted).json()["uploadUrl"]
    assert "/Events(" in url
    done = client.raw("PUT", url, content, {"Content-Range": f"bytes 0-{len(content) - 1}/{len(content)}"})
    assert (done.status, "/Attachments('" in done.headers["Location"]) == (201, True)
    (entry,) = client.page(f"/users/{adele}/events/{occurrence['id']}/attachments?$select=name,size")["value"]
    assert client.get(f"/users/{adele}/events/{occurrence['id']}/attachments/{entry['id']}/$value").body == content
    assert client.page(f"/users/{adele}/events/{series}/attachments")["value"] == []


def test_an_attachment_right_after_its_event_may_be_refused(client: Client, control: ControlClient, adele: str) -> None:
    control.settings(attachment_refusals=2)
    event = client.call("POST", f"/users/{adele}/events", meeting()).json()["id"]
    path = f"/users/{adele}/events/{event}/attachments"
    assert [client.call("POST", path, FILE).status for _unused in range(3)] == [404, 404, 201]


def test_extended_properties_of_an_event_come_when_expanded(client: Client, adele: str) -> None:
    name = "String {00020329-0000-0000-C000-000000000046} Name Mark"
    expand = f"$expand=singleValueExtendedProperties($filter=id eq '{name}')"
    made = client.call("POST", f"/users/{adele}/events", meeting(singleValueExtendedProperties=[{"id": name, "value": "1"}]))
    for path in ("events", f"events/{made.json()['id']}"):
        page = client.page(f"/users/{adele}/{path}?$select=subject&{expand}".replace(" ", "%20"))
        event = page["value"][0] if "value" in page else page
        assert event["singleValueExtendedProperties"] == [{"id": name, "value": "1"}]


def test_reading_a_message_that_asks_for_a_receipt_sends_one(client: Client, control: ControlClient, adele: str) -> None:
    asks = control.deliver(adele, "inbox", b"Subject: x\r\nDisposition-Notification-To: <boss@example.com>\r\n\r\nx")
    path = f"/users/{adele}/messages/{asks}"
    client.get(path)
    assert sent(control) == []
    for is_read in (True, False):
        client.call("PATCH", path, {"isRead": is_read})
    client.call("DELETE", path)
    assert sent(control) == [("read_receipt", "boss@example.com")] * 2
    assert control.stats()["read_receipts_sent"] == 2


def test_what_is_the_service_s_own_is_not_set_by_a_client(client: Client, control: ControlClient, adele: str) -> None:
    boss = {"emailAddress": {"name": "Boss", "address": "boss@example.com"}}
    status = {"response": "accepted", "time": "2026-03-01T00:00:00Z"}
    wanted = meeting(organizer=boss, attendees=[{**people("b@example.com")[0], "status": status}], isOnlineMeeting=True)
    made = client.call("POST", f"/users/{adele}/events", wanted).json()
    assert made["organizer"]["emailAddress"]["address"] == "adele.vance@contoso.com"
    assert made["attendees"][0]["status"]["response"] == "none"
    assert made["onlineMeeting"]["joinUrl"].startswith("https://teams.microsoft.com/")
    received = control.add_event(adele, meeting(organizer=boss, isOrganizer=False))
    assert client.page(f"/users/{adele}/events/{received}")["organizer"] == boss


def test_only_the_people_of_an_occurrence_hear_of_its_change(client: Client, control: ControlClient, adele: str) -> None:
    series = control.add_event(adele, weekly(attendees=people("b@example.com")))
    occurrence = control.change_occurrence(adele, series, "2026-03-09", attendees=people("c@example.com"))
    client.call("PATCH", f"/users/{adele}/events/{occurrence}", {"subject": "x"})
    client.call("DELETE", f"/users/{adele}/events/{occurrence}")
    assert sent(control) == [("notification", "c@example.com"), ("cancellation", "c@example.com")]


def test_a_calendar_of_somebody_else_is_listed_but_takes_no_events(client: Client, control: ControlClient, adele: str) -> None:
    owner = {"name": "Boss", "address": "boss@contoso.com"}
    shared = control.add_calendar(adele, "Boss", canEdit=False, owner=owner)
    control.add_event(adele, meeting(), shared)
    listed = client.all(f"/users/{adele}/calendars")[1]
    assert (listed["id"], listed["canEdit"], listed["owner"]) == (shared, False, owner)
    assert len(client.all(f"/users/{adele}/calendars/{shared}/events")) == 1
    assert client.call("POST", f"/users/{adele}/calendars/{shared}/events", meeting()).code == "ErrorAccessDenied"
