# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Events, tasks and contacts as files that other programs read: everything is checked on what a parser of others makes of it."""

from __future__ import annotations

import base64
import datetime as dt
import typing as t
import zoneinfo

import pytest
import vobject
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import Node, NodeKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.choice import ChosenItem, Part
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.export_ics import calendar_of_event
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.export_tasks import calendar_of_task
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.export_vcf import card_of_contact
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.html_text import text_of_html
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.ical_recurrence import rule_of
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.ical_text import binary_lines, line, text_line
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.ical_zones import changes_from, find_zone, zone_lines
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.windows_zones import IANA_NAMES

Fields = dict[str, t.Any]
UTC = dt.timezone.utc
NODE = Node("x", NodeKind.FILE, dt.datetime(2026, 1, 1, tzinfo=UTC))
TEXTS = st.text(
    st.characters(codec="utf-8", exclude_characters="\r\x0b\x0c\x85\u2028\u2029\ufeff", exclude_categories=("Cc",)), max_size=200
)


def item(*parts: Part) -> ChosenItem:
    return ChosenItem("calendar", {"id": "E1", "file": "2026/x.json"}, ("Calendar",), NODE, parts)


def at(moment: str, zone: str = "UTC") -> Fields:
    return {"dateTime": f"{moment}.0000000", "timeZone": zone}


ZONES = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Sydney",
    "Africa/Casablanca",
    "Asia/Kolkata",
    "Europe/Moscow",
    "America/Sao_Paulo",
]

EVENT: Fields = {
    "id": "E1",
    "iCalUId": "040000008200E00074C5",
    "type": "singleInstance",
    "subject": "Planung; Teil 1, Entwurf \\ offen",
    "start": at("2026-07-02T08:00:00"),
    "end": at("2026-07-02T09:30:00"),
    "createdDateTime": "2026-01-01T10:00:00.1234567Z",
    "lastModifiedDateTime": "2026-01-02T10:00:00Z",
    "originalStartTimeZone": "W. Europe Standard Time",
}
SERIES: Fields = {
    **EVENT,
    "type": "seriesMaster",
    "start": at("2026-03-02T08:00:00"),
    "end": at("2026-03-02T09:00:00"),
    "recurrence": {
        "pattern": {"type": "weekly", "interval": 1, "daysOfWeek": ["monday"], "firstDayOfWeek": "monday"},
        "range": {"type": "endDate", "startDate": "2026-03-02", "endDate": "2026-04-27", "recurrenceTimeZone": "W. Europe Standard Time"},
    },
}


def written(event: Fields, *parts: Part, content: bytes = b"") -> bytes:
    return b"".join(calendar_of_event(item(*parts), event, lambda _part: [content[:10], content[10:]]))


def parsed(event: Fields, *parts: Part, content: bytes = b"") -> t.Any:
    return vobject.readOne(written(event, *parts, content=content).decode())


def occurrences(event: Fields) -> list[dt.datetime]:
    """In UTC, as dateutil unfolds the rule with the zone that the file itself tells."""
    return [each.astimezone(UTC) for each in parsed(event).vevent.getrruleset(addRDate=False)]


def test_a_single_event_stands_in_utc() -> None:
    event = parsed(EVENT).vevent
    assert (event.uid.value, event.summary.value) == (EVENT["iCalUId"], EVENT["subject"])
    assert event.dtstart.value == dt.datetime(2026, 7, 2, 8, tzinfo=UTC)
    assert event.dtend.value == dt.datetime(2026, 7, 2, 9, 30, tzinfo=UTC)
    assert event.dtstamp.value == dt.datetime(2026, 1, 2, 10, tzinfo=UTC)
    assert b"VTIMEZONE" not in written(EVENT)


def test_an_event_in_another_zone_is_the_same_moment() -> None:
    event = {**EVENT, "start": at("2026-07-02T10:00:00", "W. Europe Standard Time"), "end": at("2026-07-02T05:30:00", "America/New_York")}
    assert parsed(event).vevent.dtstart.value == dt.datetime(2026, 7, 2, 8, tzinfo=UTC)
    assert parsed(event).vevent.dtend.value == dt.datetime(2026, 7, 2, 9, 30, tzinfo=UTC)


def test_a_whole_day_has_no_time() -> None:
    event = parsed({**EVENT, "isAllDay": True, "start": at("2026-07-02T00:00:00"), "end": at("2026-07-03T00:00:00")}).vevent
    assert (event.dtstart.value, event.dtend.value) == (dt.date(2026, 7, 2), dt.date(2026, 7, 3))


def test_a_series_keeps_its_hour_when_the_clocks_change() -> None:
    moments = occurrences(SERIES)
    assert [moment.day for moment in moments] == [2, 9, 16, 23, 30, 6, 13, 20, 27]
    assert [moment.hour for moment in moments] == [8, 8, 8, 8, 7, 7, 7, 7, 7]


def test_cancelled_days_and_exceptions() -> None:
    exception = {
        "id": "X",
        "type": "exception",
        "subject": "verschoben",
        "originalStart": "2026-04-13T07:00:00Z",
        "start": at("2026-04-14T12:00:00"),
        "end": at("2026-04-14T13:00:00"),
    }
    series = {**SERIES, "cancelledOccurrences": ["OID.AAMk=.2026-03-30", "OID.AAMk=.2026-04-06"], "exceptionOccurrences": [exception]}
    assert [moment.day for moment in occurrences(series)] == [2, 9, 16, 23, 13, 20, 27]
    events = parsed(series).vevent_list
    assert [event.uid.value for event in events] == [EVENT["iCalUId"]] * 2
    assert events[1].recurrence_id.value.astimezone(UTC) == dt.datetime(2026, 4, 13, 7, tzinfo=UTC)
    assert events[1].dtstart.value.astimezone(UTC) == dt.datetime(2026, 4, 14, 12, tzinfo=UTC)


def test_a_series_of_days_has_days_for_exceptions_and_its_end() -> None:
    exception = {
        **EVENT,
        "isAllDay": True,
        "type": "exception",
        "originalStart": "2026-03-15T23:00:00Z",
        "start": at("2026-03-17T00:00:00"),
    }
    series = {**SERIES, "isAllDay": True, "start": at("2026-03-02T00:00:00"), "end": at("2026-03-03T00:00:00")}
    series |= {"cancelledOccurrences": ["OID.x.2026-03-09"], "exceptionOccurrences": [exception]}
    text = written(series).decode()
    assert "UNTIL=20260427\r\n" in text
    assert "EXDATE;VALUE=DATE:20260309\r\n" in text
    assert parsed(series).vevent_list[1].recurrence_id.value == dt.date(2026, 3, 16)


def test_a_series_in_a_zone_that_nobody_knows_stands_in_utc_and_says_so() -> None:
    series = {**SERIES, "originalStartTimeZone": "tzone://Microsoft/Custom"}
    series["recurrence"] = {**SERIES["recurrence"], "range": {"type": "noEnd", "recurrenceTimeZone": "tzone://Microsoft/Custom"}}
    event = parsed(series).vevent
    assert "tzone://Microsoft/Custom" in event.comment.value
    assert event.dtstart.value == dt.datetime(2026, 3, 2, 8, tzinfo=UTC)


def test_people_answers_reminder_and_state() -> None:
    event = parsed(
        {
            **EVENT,
            "organizer": {"emailAddress": {"name": "Ben", "address": "ben@contoso.com"}},
            "attendees": [
                {"type": "required", "status": {"response": "accepted"}, "emailAddress": {"name": 'A, "B": c', "address": "a@x.example"}},
                {"type": "resource", "status": {"response": "none"}, "emailAddress": {"name": "Room", "address": "/o=Ex/cn=room"}},
            ],
            "isReminderOn": True,
            "reminderMinutesBeforeStart": 15,
            "showAs": "tentative",
            "sensitivity": "private",
            "importance": "high",
            "categories": ["Rot, Blau", "Grün"],
            "locations": [{"displayName": "Raum 1"}, {"displayName": "Teams"}],
            "onlineMeeting": {"joinUrl": "https://teams.example/a?b=c d"},
        }
    ).vevent
    first, second = event.attendee_list
    assert (first.value, first.params["PARTSTAT"], first.params["ROLE"]) == ("mailto:a@x.example", ["ACCEPTED"], ["REQ-PARTICIPANT"])
    assert first.params["CN"] == ["A, ^'B^': c"]
    assert (second.value, second.params["CUTYPE"]) == ("invalid:nomail", ["RESOURCE"])
    assert event.organizer.value == "mailto:ben@contoso.com"
    assert event.valarm.trigger.value == dt.timedelta(minutes=-15)
    assert (event.status.value, event.contents["class"][0].value, event.priority.value) == ("TENTATIVE", "PRIVATE", "1")
    assert event.categories.value == ["Rot, Blau", "Grün"]
    assert event.location.value == "Raum 1; Teams"
    assert event.url.value == "https://teams.example/a?b=c%20d"


def test_attachments_come_back_and_links_stay_links() -> None:
    content = bytes(range(256)) * 40
    attachments = [
        {"name": "a b.bin", "contentType": "application/pdf; x=y", "@m365.file": "f1"},
        {"name": "link", "sourceUrl": "https://x.example/a\r\nEND:VEVENT"},
        {"name": "lost", "@m365.missing": "ErrorItemNotFound"},
    ]
    event = parsed({**EVENT, "attachments": attachments}, Part({"file": "f1", "kind": "attachment"}, NODE), content=content).vevent
    assert base64.b64decode(event.attach_list[0].value) == content
    assert event.attach_list[0].params["X-FILENAME"] == ["a b.bin"]
    assert event.attach_list[1].value == "https://x.example/a%0D%0AEND:VEVENT"
    assert len(event.attach_list) == 2


@given(subject=TEXTS, body=TEXTS)
def test_texts_come_back_whatever_they_hold(subject: str, body: str) -> None:
    event = parsed({**EVENT, "subject": subject, "body": {"contentType": "text", "content": f"x{body}\nsecond\r\nthird x"}}).vevent
    assert (event.summary.value if subject else "") == subject
    assert event.description.value == f"x{body}\nsecond\nthird x"


@given(name=TEXTS, value=st.text(max_size=300))
def test_no_line_is_longer_than_it_may_be_or_ends_early(name: str, value: str) -> None:
    content = text_line("SUMMARY", value, [("CN", name)])
    assert content == b"" or content.endswith(b"\r\n")
    lines = content.split(b"\r\n")[:-1]
    assert all(len(each) <= 75 for each in lines)
    assert all(each.startswith(b" ") for each in lines[1:])
    assert not any(byte in content.replace(b"\r\n", b"") for byte in (b"\r", b"\n", b"\x00"))
    for each in lines:
        each.decode("utf-8")


@given(content=st.lists(st.binary(max_size=200), max_size=5), name=st.text("abc ", max_size=90))
def test_bytes_are_folded_the_same_however_they_come(content: list[bytes], name: str) -> None:
    whole = b"".join(content)
    pieces = b"".join(binary_lines("ATTACH", content, [("X-FILENAME", name)]))
    assert pieces == b"".join(binary_lines("ATTACH", [whole], [("X-FILENAME", name)]))
    assert all(len(each) <= 75 for each in pieces.split(b"\r\n"))


def pattern(**fields: t.Any) -> Fields:
    return {"pattern": {"interval": 1, **fields}, "range": {"type": "noEnd"}}


@pytest.mark.parametrize(
    ("recurrence", "rule"),
    [
        (pattern(type="daily", interval=3), "FREQ=DAILY;INTERVAL=3"),
        (pattern(type="weekly", daysOfWeek=["friday", "monday"], firstDayOfWeek="monday"), "FREQ=WEEKLY;WKST=MO;BYDAY=MO,FR"),
        (pattern(type="absoluteMonthly", dayOfMonth=15), "FREQ=MONTHLY;BYMONTHDAY=15"),
        (pattern(type="absoluteMonthly", dayOfMonth=31), "FREQ=MONTHLY;BYMONTHDAY=28,29,30,31;BYSETPOS=-1"),
        (pattern(type="absoluteYearly", dayOfMonth=29, month=2), "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=28,29;BYSETPOS=-1"),
        (pattern(type="relativeMonthly", daysOfWeek=["tuesday"], index="last"), "FREQ=MONTHLY;BYDAY=-1TU"),
        (pattern(type="relativeYearly", daysOfWeek=["sunday"], index="second", month=5), "FREQ=YEARLY;BYMONTH=5;BYDAY=2SU"),
        (
            pattern(type="relativeMonthly", daysOfWeek=["monday", "tuesday", "wednesday", "thursday", "friday"], index="first"),
            "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1",
        ),
        (pattern(type="hourly"), None),
        (None, None),
    ],
)
def test_patterns_are_rules(recurrence: Fields | None, rule: str | None) -> None:
    assert rule_of(recurrence, UTC, is_date=False) == rule


def test_a_rule_ends_with_the_last_day_in_the_zone_of_the_series() -> None:
    recurrence = {"pattern": {"type": "daily"}, "range": {"type": "endDate", "endDate": "2026-06-30"}}
    zone = find_zone("Pacific Standard Time")
    assert zone is not None
    assert rule_of(recurrence, zone, is_date=False) == "FREQ=DAILY;UNTIL=20260701T065959Z"
    assert rule_of(recurrence, zone, is_date=True) == "FREQ=DAILY;UNTIL=20260630"
    recurrence["range"] = {"type": "numbered", "numberOfOccurrences": 7}
    assert rule_of(recurrence, zone, is_date=False) == "FREQ=DAILY;COUNT=7"


@pytest.mark.parametrize("name", sorted(IANA_NAMES))
def test_every_zone_of_windows_is_known(name: str) -> None:
    assert find_zone(name) is not None


@pytest.mark.parametrize(
    "key",
    ["Europe/Berlin", "America/New_York", "Australia/Sydney", "Africa/Casablanca", "Asia/Kolkata", "Europe/Moscow", "America/Sao_Paulo"],
)
@pytest.mark.parametrize("year", [1999, 2006, 2026])
def test_a_zone_that_was_told_is_the_zone(key: str, year: int) -> None:
    zone = zoneinfo.ZoneInfo(key)
    lines = [line("BEGIN", "VCALENDAR"), *zone_lines(zone, dt.datetime(year, 6, 1, tzinfo=UTC)), line("END", "VCALENDAR")]
    told = vobject.readOne(b"".join(lines).decode()).vtimezone.tzinfo
    for number in range(0, 365 * 12, 5):
        wall = dt.datetime(year, 1, 1, 12) + dt.timedelta(days=number)  # noqa: DTZ001
        assert wall.replace(tzinfo=told).utcoffset() == wall.replace(tzinfo=zone).utcoffset(), wall


def test_changes_of_clocks_are_found_to_the_second() -> None:
    zone = zoneinfo.ZoneInfo("Europe/Berlin")
    assert [change.wall for change in changes_from(zone, 2026)[:2]] == [dt.datetime(2026, 3, 29, 2), dt.datetime(2026, 10, 25, 3)]  # noqa: DTZ001


@pytest.mark.parametrize("name", [None, "", "tzone://Microsoft/Custom", "../etc/passwd", "x" * 300, "/"])
def test_what_is_no_zone_is_none(name: str | None) -> None:
    assert find_zone(name) is None


# Tasks


def test_a_task_with_steps_a_due_day_and_a_reminder() -> None:
    task = {
        "id": "T1",
        "title": "Angebot",
        "status": "completed",
        "importance": "low",
        "body": {"contentType": "text", "content": "Text"},
        "checklistItems": [{"displayName": "eins", "isChecked": True}, {"displayName": "zwei"}],
        "dueDateTime": at("2026-05-01T00:00:00"),
        "completedDateTime": at("2026-04-30T10:00:00"),
        "isReminderOn": True,
        "reminderDateTime": at("2026-04-29T08:00:00"),
        "recurrence": {"pattern": {"type": "daily", "interval": 2}, "range": {"type": "noEnd"}},
        "linkedResources": [{"webUrl": "https://x.example/1"}],
        "lastModifiedDateTime": "2026-04-30T10:00:00Z",
    }
    todo = vobject.readOne(b"".join(calendar_of_task(item(), task, lambda _part: ())).decode()).vtodo
    assert (todo.summary.value, todo.status.value, todo.priority.value) == ("Angebot", "COMPLETED", "9")
    assert todo.description.value == "Text\n[x] eins\n[ ] zwei"
    assert (todo.dtstart.value, todo.rrule.value) == (dt.date(2026, 5, 1), "FREQ=DAILY;INTERVAL=2")
    assert todo.completed.value == dt.datetime(2026, 4, 30, 10, tzinfo=UTC)
    assert todo.valarm.trigger.value == dt.datetime(2026, 4, 29, 8, tzinfo=UTC)
    assert todo.attach.value == "https://x.example/1"


# Contacts

CONTACT: Fields = {
    "id": "C1",
    "displayName": "Anna Grün",
    "givenName": "Anna",
    "surname": "Grün; von",
    "companyName": "Firma, GmbH",
    "department": "Vertrieb",
    "emailAddresses": [{"address": "a@x.example"}, {"address": "b@x.example"}],
    "businessPhones": ["+49 1", "+49 2"],
    "mobilePhone": "+49 3",
    "businessAddress": {"street": "Weg 1\r\nHinterhaus", "city": "Köln", "postalCode": "50667", "countryOrRegion": "DE"},
    "birthday": "1974-07-22T11:59:00Z",
    "personalNotes": "eins, zwei; drei\nvier",
    "categories": ["a,b", "c"],
    "lastModifiedDateTime": "2026-01-02T10:00:00Z",
}


def card(contact: Fields, *parts: Part, content: bytes = b"") -> t.Any:
    return vobject.readOne(b"".join(card_of_contact(item(*parts), contact, lambda _part: [content])).decode())


def test_a_contact_with_everything() -> None:
    photo = b"\xff\xd8\xff" + bytes(500)
    made = card(CONTACT, Part({"file": "p", "kind": "photo"}, NODE), content=photo)
    assert (made.fn.value, made.n.value.family, made.n.value.given) == ("Anna Grün", "Grün; von", "Anna")
    assert made.org.value == ["Firma, GmbH", "Vertrieb"]
    assert [each.value for each in made.email_list] == ["a@x.example", "b@x.example"]
    assert [(each.value, "PREF" in each.params["TYPE"]) for each in made.tel_list] == [("+49 1", True), ("+49 2", False), ("+49 3", True)]
    assert (made.adr.value.street, made.adr.value.city, made.adr.value.code) == ("Weg 1\nHinterhaus", "Köln", "50667")
    assert (made.bday.value, made.note.value) == ("1974-07-22", "eins, zwei; drei\nvier")
    assert made.categories.value == ["a,b", "c"]
    assert (made.photo.value, made.photo.params["TYPE"]) == (photo, ["JPEG"])


@pytest.mark.parametrize(
    ("contact", "name"),
    [
        ({}, "Unnamed"),
        ({"companyName": "X"}, "X"),
        ({"emailAddresses": [{"address": "a@b"}]}, "a@b"),
        ({"givenName": "A", "surname": "B"}, "A B"),
    ],
)
def test_a_card_always_has_a_name(contact: Fields, name: str) -> None:
    assert card({"id": "C", **contact}).fn.value == name


@given(name=TEXTS, note=TEXTS)
def test_names_and_notes_come_back(name: str, note: str) -> None:
    made = card({"id": "C", "displayName": f"x{name}x", "surname": f"x{name}x", "personalNotes": f"x{note}x"})
    assert (made.fn.value, made.n.value.family, made.note.value) == (f"x{name}x", f"x{name}x", f"x{note}x")


def test_the_text_of_html() -> None:
    source = (
        "<html><head><style>x</style></head><body><p>Hallo <b>Welt</b>&nbsp;!</p><div>zwei<br>drei</div><ul><li>a<li>b</ul></body></html>"
    )
    assert text_of_html(source) == "Hallo Welt !\n\nzwei\ndrei\n\na\nb"
