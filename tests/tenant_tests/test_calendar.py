# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading calendars, events, series and their attachments (facts 7.1, 14.57)."""

from __future__ import annotations

import typing as t

import pytest
from tenant_tests.calendar_samples import BERLIN, FILE, meeting, people, weekly
from tenant_tests.support import GRAPH, IMMUTABLE, Client

if t.TYPE_CHECKING:
    from tenant.control import ControlClient

BETA = GRAPH.replace("v1.0", "beta")
MARCH = "startDateTime=2026-03-01T00:00:00Z&endDateTime=2026-04-01T00:00:00Z"


def test_calendars_are_listed_made_renamed_and_deleted_and_names_are_taken_once(client: Client, adele: str) -> None:
    made = client.call("POST", f"/users/{adele}/calendars", {"name": "Team"})
    assert (made.status, made.json()["isDefaultCalendar"]) == (201, False)
    assert client.call("POST", f"/users/{adele}/calendars", {"name": "team"}).code == "ErrorFolderExists"
    path = f"/users/{adele}/calendars/{made.json()['id']}"
    assert client.call("PATCH", path, {"name": "Crew"}).json()["name"] == "Crew"
    listed = client.all(f"/users/{adele}/calendars")
    assert [(one["name"], one["isDefaultCalendar"]) for one in listed] == [("Calendar", True), ("Crew", False)]
    assert listed[0]["owner"] == {"name": "Adele Vance", "address": "adele.vance@contoso.com"}
    assert client.get(f"/users/{adele}/calendar").json()["id"] == listed[0]["id"]
    assert client.call("DELETE", path).status == 204
    assert client.get(path).code == "ErrorItemNotFound"
    assert client.call("DELETE", f"/users/{adele}/calendars/{listed[0]['id']}").code == "ErrorDeleteDistinguishedFolder"


def test_calendar_groups_hold_calendars(client: Client, adele: str) -> None:
    group = client.call("POST", f"/users/{adele}/calendarGroups", {"name": "Others"}).json()["id"]
    client.call("POST", f"/users/{adele}/calendarGroups/{group}/calendars", {"name": "Rooms"})
    assert [one["name"] for one in client.all(f"/users/{adele}/calendarGroups/{group}/calendars")] == ["Rooms"]
    assert client.call("DELETE", f"/users/{adele}/calendarGroups/{group}").status == 400
    assert [one["name"] for one in client.all(f"/users/{adele}/calendarGroups")] == ["My Calendars", "Others"]


def test_a_list_of_events_holds_singles_and_series_but_no_exceptions(client: Client, control: ControlClient, adele: str) -> None:
    single = control.add_event(adele, meeting())
    series = control.add_event(adele, weekly(exceptions={"2026-03-09": {"subject": "other"}}))
    listed = client.all(f"/users/{adele}/events?$top=1", prefer=IMMUTABLE)
    assert [(one["id"], one["type"]) for one in listed] == [(single, "singleInstance"), (series, "seriesMaster")]


def test_times_come_in_utc_or_in_the_zone_that_is_asked_for(client: Client, control: ControlClient, adele: str) -> None:
    event = control.add_event(adele, meeting(zone=BERLIN))
    assert client.page(f"/users/{adele}/events/{event}")["start"] == {"dateTime": "2026-03-02T08:00:00.0000000", "timeZone": "UTC"}
    reply = client.get(f"/users/{adele}/events/{event}", prefer='outlook.timezone="Tokyo Standard Time", IdType="ImmutableId"')
    assert reply.json()["start"] == {"dateTime": "2026-03-02T17:00:00.0000000", "timeZone": "Tokyo Standard Time"}
    assert (reply.json()["originalStartTimeZone"], reply.json()["id"]) == (BERLIN, event)
    assert client.get(f"/users/{adele}/events/{event}", prefer='outlook.timezone="Nowhere"').code == "TimeZoneNotSupportedException"


def test_an_all_day_event_is_midnight_in_any_zone(client: Client, control: ControlClient, adele: str) -> None:
    day = {"dateTime": "2026-03-02T00:00:00", "timeZone": BERLIN}
    event = control.add_event(adele, {"isAllDay": True, "start": day, "end": {**day, "dateTime": "2026-03-03T00:00:00"}})
    start = client.page(f"/users/{adele}/events/{event}", prefer='outlook.timezone="Tokyo Standard Time"')["start"]
    assert start == {"dateTime": "2026-03-02T00:00:00.0000000", "timeZone": "Tokyo Standard Time"}


def test_a_zone_that_only_outlook_knows_is_told_as_custom(client: Client, control: ControlClient, adele: str) -> None:
    event = control.add_event(adele, meeting(originalStartTimeZone="tzone://Microsoft/Custom"))
    assert client.page(f"/users/{adele}/events/{event}")["originalStartTimeZone"] == "tzone://Microsoft/Custom"


def test_instances_keep_their_wall_time_when_summer_time_begins(client: Client, control: ControlClient, adele: str) -> None:
    series = control.add_event(adele, weekly())
    window = "startDateTime=2026-03-01&endDateTime=2026-05-01"
    starts = [one["start"]["dateTime"][:16] for one in client.all(f"/users/{adele}/events/{series}/instances?{window}")]
    assert starts == [f"2026-{day}" for day in ("03-02T08:00", "03-09T08:00", "03-16T08:00", "03-23T08:00", "03-30T07:00", "04-06T07:00")]
    assert client.get(f"/users/{adele}/events/{series}/instances").code == "ErrorInvalidParameter"
    assert client.get(f"/users/{adele}/events/{control.add_event(adele, meeting())}/instances?{window}").status == 400


def test_a_series_names_its_exceptions_and_cancelled_days_in_beta_only(client: Client, control: ControlClient, adele: str) -> None:
    series = control.add_event(adele, weekly(exceptions={"2026-03-09": {"subject": "other"}}, cancelled=["2026-03-16", "2026-03-23"]))
    expand = f"/users/{adele}/events/{series}?$expand=exceptionOccurrences"
    master = client.page(BETA + expand, prefer=IMMUTABLE)
    assert master["cancelledOccurrences"] == [f"OID.{series}.2026-03-16", f"OID.{series}.2026-03-23"]
    (exception,) = master["exceptionOccurrences"]
    assert (exception["type"], exception["subject"], exception["seriesMasterId"]) == ("exception", "other", series)
    assert exception["originalStart"] == "2026-03-09T08:00:00Z"
    assert client.page(f"/users/{adele}/events/{exception['id']}", prefer=IMMUTABLE)["id"] == exception["id"]
    assert client.get(expand).status == 400
    calendar = control.calendars(adele)[0]["id"]
    assert client.get(f"{BETA}/users/{adele}/calendars/{calendar}/events/{series}?$expand=exceptionOccurrences").status == 400


def test_the_global_id_of_an_occurrence_holds_its_day(client: Client, control: ControlClient, adele: str) -> None:
    series = control.add_event(adele, weekly(count=1, exceptions={"2026-03-02": {"subject": "x"}}))
    master = client.page(f"{BETA}/users/{adele}/events/{series}?$expand=exceptionOccurrences")
    (exception,) = master["exceptionOccurrences"]
    assert (master["iCalUId"][32:40], exception["iCalUId"][32:40]) == ("00000000", "07EA0302")
    assert exception["uid"] == master["uid"] == master["iCalUId"]


def test_a_calendar_view_is_in_order_of_time_and_touches_its_edges(client: Client, control: ControlClient, adele: str) -> None:
    control.add_event(adele, meeting("over the edge", "2026-03-31", end={"dateTime": "2026-04-02T00:00:00", "timeZone": "UTC"}))
    control.add_event(adele, meeting("outside", "2026-04-01"))
    control.add_event(adele, weekly(count=2))
    found = client.all(f"/users/{adele}/calendarView?{MARCH}&$top=2")
    assert [one["subject"] for one in found] == ["Weekly", "Weekly", "over the edge"]


def test_an_exception_has_attachments_of_its_own_apart_from_its_series(client: Client, control: ControlClient, adele: str) -> None:
    series = control.add_event(adele, weekly(attachments=[FILE]))
    occurrence = control.change_occurrence(adele, series, "2026-03-09", attachments=[{**FILE, "name": "b.txt"}])
    path = f"/users/{adele}/events/{occurrence}/attachments"
    own = client.page(path)["value"]
    assert [one["name"] for one in own] == ["a.txt", "b.txt"]
    of_the_series = client.page(f"/users/{adele}/events/{series}/attachments")["value"]
    assert {one["id"] for one in own}.isdisjoint({one["id"] for one in of_the_series})
    assert client.get(f"{path}/{own[1]['id']}/$value").body == b"hello"
    assert client.get(f"{path}/{of_the_series[0]['id']}").code == "ErrorItemNotFound"
    expanded = client.page(f"{BETA}/users/{adele}/events/{series}?$expand=exceptionOccurrences($expand=attachments)")
    assert [one["name"] for one in expanded["exceptionOccurrences"][0]["attachments"]] == ["a.txt", "b.txt"]


@pytest.mark.parametrize(
    ("item", "head"),
    [
        ({"@odata.type": "#microsoft.graph.contact", "displayName": "Bo"}, b"BEGIN:VCARD"),
        ({"@odata.type": "#microsoft.graph.event", "subject": "x"}, b"BEGIN:VCALENDAR"),
        ({"@odata.type": "#microsoft.graph.message", "subject": "x"}, b"MIME-Version"),
    ],
)
def test_an_attached_item_is_told_when_expanded_and_given_as_a_file(
    client: Client, control: ControlClient, adele: str, item: dict[str, str], head: bytes
) -> None:
    attachment = {"@odata.type": "#microsoft.graph.itemAttachment", "name": "item", "item": item}
    event = control.add_event(adele, meeting(attachments=[attachment]))
    path = f"/users/{adele}/events/{event}/attachments"
    (entry,) = client.page(path)["value"]
    assert "item" not in entry
    expanded = client.page(f"{path}/{entry['id']}?$expand=microsoft.graph.itemattachment/item")["item"]
    assert item.items() <= expanded.items()
    assert head in client.get(f"{path}/{entry['id']}/$value").body


def test_a_reference_has_no_content(client: Client, control: ControlClient, adele: str) -> None:
    reference = {"@odata.type": "#microsoft.graph.referenceAttachment", "name": "plan", "sourceUrl": "https://example.com/plan"}
    event = control.add_event(adele, meeting(attachments=[reference]))
    (entry,) = client.page(f"/users/{adele}/events/{event}/attachments")["value"]
    assert client.get(f"/users/{adele}/events/{event}/attachments/{entry['id']}/$value").status == 405


def test_both_forms_of_id_lead_to_an_event_until_it_moves(client: Client, control: ControlClient, adele: str) -> None:
    immutable = control.add_event(adele, weekly())
    rest = client.all(f"/users/{adele}/events")[0]["id"]
    wanted = {"inputIds": [rest], "sourceIdType": "restId", "targetIdType": "restImmutableEntryId"}
    assert client.call("POST", f"/users/{adele}/translateExchangeIds", wanted).json()["value"] == [
        {"sourceId": rest, "targetId": immutable}
    ]
    control.move_event(adele, immutable, control.add_calendar(adele, "Other"))
    assert client.get(f"/users/{adele}/events/{rest}").code == "ErrorItemNotFound"
    assert client.page(f"/users/{adele}/events/{immutable}/calendar")["name"] == "Other"


def test_calendars_need_their_own_permission(client: Client, control: ControlClient, adele: str) -> None:
    event = control.add_event(adele, meeting(attendees=people("b@example.com")))
    app = control.add_app(roles=["Mail.ReadWrite", "Calendars.Read"])
    token = client.log_in(client_id=app["client_id"], client_secret=app["client_secret"])
    assert client.get(f"/users/{adele}/events/{event}", token=token).status == 200
    for method, path in (("PATCH", f"/users/{adele}/events/{event}"), ("GET", f"/users/{adele}/contacts")):
        assert client.call(method, path, {} if method == "PATCH" else None, token=token).code == "ErrorAccessDenied"


def test_the_log_names_operations_and_the_mailbox(client: Client, control: ControlClient, adele: str) -> None:
    client.get(f"/users/{adele}/calendarView?{MARCH}")
    client.get(f"{BETA}/users/{adele}/events/delta")
    lines = [(line["operation"], line["mailbox"]) for line in control.requests()]
    assert lines == [("calendar_view", "adele.vance@contoso.com"), ("events_delta", "adele.vance@contoso.com")]


def test_calendars_share_the_limits_of_their_mailbox(client: Client, control: ControlClient, adele: str) -> None:
    control.limits(requests=3)
    paths = ("mailFolders", "calendars", "contacts", "mailboxSettings")
    assert [client.get(f"/users/{adele}/{path}").status for path in paths] == [200, 200, 200, 429]
