# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filling calendars and address books from .ics and .vcf files, and the days of series."""

from __future__ import annotations

import datetime
import itertools
import os
import typing as t
from pathlib import Path

import pytest
from hypothesis import given, strategies
from tenant_tests.support import Client

from tenant.content_lines import read_components
from tenant.ics_rules import RuleRefused, read_rule
from tenant.recurrence import DAYS, INDEXES, check_recurrence, days_of
from tenant.zones import WINDOWS_ZONES, known_zone

if t.TYPE_CHECKING:
    from tenant.control import ControlClient

SERIES = b"""BEGIN:VCALENDAR
BEGIN:VTIMEZONE
TZID:Our own
BEGIN:STANDARD
DTSTART:19701025T030000
TZOFFSETFROM:+0230
TZOFFSETTO:+0130
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:19700329T020000
TZOFFSETFROM:+0130
TZOFFSETTO:+0230
END:DAYLIGHT
END:VTIMEZONE
BEGIN:VEVENT
UID:series
SUMMARY:Jour fixe\\, weekly
 with a fold
DTSTART;TZID=/vendor/1/Europe/Berlin:20260302T090000
DURATION:PT45M
RRULE:FREQ=WEEKLY;UNTIL=20260330T070000Z;BYDAY=MO
EXDATE;TZID=Europe/Berlin:20260309T090000,20260316T090000
ORGANIZER;CN=Boss:mailto:boss@example.com
ATTENDEE;ROLE=OPT-PARTICIPANT;PARTSTAT=ACCEPTED;CN="Doe, Jo":MAILTO:jo@example.com
ATTACH;ENCODING=BASE64;VALUE=BINARY;FMTTYPE=text/plain;X-FILENAME=a.txt:aGVsbG8=
BEGIN:VALARM
TRIGGER:-PT1H
END:VALARM
END:VEVENT
BEGIN:VEVENT
UID:series
SUMMARY:moved
RECURRENCE-ID:20260323T080000Z
DTSTART;TZID=Our own:20260324T090000
DTEND;TZID=Our own:20260324T100000
END:VEVENT
BEGIN:VEVENT
UID:impossible
DTSTART:20260302T090000Z
RRULE:FREQ=HOURLY;COUNT=3
END:VEVENT
BEGIN:VEVENT
UID:without start
END:VEVENT
END:VCALENDAR
"""
CARDS = b"""BEGIN:VCARD
VERSION:2.1
N;CHARSET=utf-8;ENCODING=QUOTED-PRINTABLE:M=C3=BCller;Zo=
=C3=AB
TEL;CELL:+49 170
EMAIL;INTERNET:z@example.com
PHOTO;PNG;ENCODING=BASE64:
 iVBORw0K
END:VCARD
BEGIN:VCARD
KIND:group
FN:Everybody
END:VCARD
"""


def load(control: ControlClient, user: str, folder: Path, content: bytes, name: str) -> list[dict[str, t.Any]]:
    file = folder / name
    file.write_bytes(content)
    return control.load_contacts(user, folder) if name.endswith(".vcf") else control.load_calendar(user, folder)


def test_a_series_of_a_file_keeps_exceptions_cancellations_people_and_attachments(
    client: Client, control: ControlClient, adele: str, tmp_path: Path
) -> None:
    loaded = load(control, adele, tmp_path, SERIES, "x.ics")
    assert [(one["uid"], one["id"] is not None, bool(one["notes"])) for one in loaded] == [
        ("series", True, False),
        ("impossible", True, True),
        ("without start", False, True),
    ]
    series = control.events(adele)[0]
    assert (series["subject"], series["attachments"], series["cancelled"]) == (
        "Jour fixe, weeklywith a fold",
        ["a.txt"],
        ["2026-03-09", "2026-03-16"],
    )
    window = "startDateTime=2026-01-01&endDateTime=2027-01-01"
    found = client.all(f"/users/{adele}/events/{series['id']}/instances?{window}")
    assert [(one["subject"][:4], one["start"]["dateTime"][:16]) for one in found] == [
        ("Jour", "2026-03-02T08:00"),
        ("move", "2026-03-24T07:30"),
        ("Jour", "2026-03-30T07:00"),
    ]
    master = client.page(f"/users/{adele}/events/{series['id']}")
    assert (master["isOrganizer"], master["iCalUId"], master["reminderMinutesBeforeStart"]) == (False, "series", 60)
    (attendee,) = master["attendees"]
    assert (attendee["type"], attendee["status"]["response"], attendee["emailAddress"]["name"]) == ("optional", "accepted", "Doe, Jo")
    assert control.stats()["mails_sent"] == 0


def test_a_zone_that_only_the_file_describes_is_custom(client: Client, control: ControlClient, adele: str, tmp_path: Path) -> None:
    event = SERIES.replace(b"TZID=/vendor/1/Europe/Berlin", b"TZID=Our own").replace(b"RRULE", b"X-RULE")
    load(control, adele, tmp_path, event, "x.ics")
    read = client.page(f"/users/{adele}/events/{control.events(adele)[0]['id']}")
    assert (read["originalStartTimeZone"], read["start"]["dateTime"][:16]) == ("tzone://Microsoft/Custom", "2026-03-02T07:30")


def test_cards_of_any_version_become_contacts_but_for_distribution_lists(control: ControlClient, adele: str, tmp_path: Path) -> None:
    loaded = load(control, adele, tmp_path, CARDS, "x.vcf")
    assert [(one["name"], one["id"] is not None) for one in loaded] == [("Müller Zoë", True), ("Everybody", False)]
    (contact,) = control.contacts(adele)
    assert (contact["surname"], contact["givenName"], contact["mobilePhone"], contact["photo"]) == ("Müller", "Zoë", "+49 170", True)
    assert [one["address"] for one in contact["emailAddresses"]] == ["z@example.com"]


@pytest.mark.skipif("M365_CORPUS" not in os.environ, reason="M365_CORPUS does not name a folder of sample data")
def test_every_event_and_card_of_the_sample_data_is_taken_or_says_why_not(client: Client, control: ControlClient, adele: str) -> None:
    corpus = Path(os.environ["M365_CORPUS"])
    loaded = control.load_calendar(adele, corpus / "calendar")
    assert [one for one in loaded if one["id"] is None and not one["notes"]] == []
    assert len(client.all(f"/users/{adele}/events?$top=500")) == sum(one["id"] is not None for one in loaded) > 1000
    cards = control.load_contacts(adele, corpus / "contacts")
    assert len(client.all(f"/users/{adele}/contacts?$top=100")) == sum(one["id"] is not None for one in cards) > 50


@given(content=strategies.binary(max_size=200) | strategies.text(alphabet='BEGIN:VD;="\\,-\r\n \t', max_size=80).map(str.encode))
def test_no_file_is_too_broken_to_be_read(content: bytes) -> None:
    read_components(content)
    read_components(b"BEGIN:VEVENT\r\n" + content + b"\r\nEND:VCALENDAR")


PATTERNS = strategies.fixed_dictionaries(
    {
        "type": strategies.sampled_from(("daily", "weekly", "absoluteMonthly", "relativeMonthly", "absoluteYearly", "relativeYearly")),
        "interval": strategies.integers(1, 5),
        "month": strategies.integers(1, 12),
        "dayOfMonth": strategies.integers(1, 31),
        "daysOfWeek": strategies.lists(strategies.sampled_from(DAYS), min_size=1, max_size=7, unique=True),
        "index": strategies.sampled_from(INDEXES),
        "firstDayOfWeek": strategies.sampled_from(DAYS),
    }
)


@given(pattern=PATTERNS, start=strategies.dates(datetime.date(1990, 1, 1), datetime.date(2050, 1, 1)), count=strategies.integers(1, 30))
def test_the_days_of_a_series_fit_its_pattern(pattern: dict[str, t.Any], start: datetime.date, count: int) -> None:
    span = {"type": "numbered", "startDate": start.isoformat(), "numberOfOccurrences": count}
    days = list(days_of(check_recurrence({"pattern": pattern, "range": span}, time_zone="UTC")))
    assert len(days) == count
    assert days == sorted(set(days))
    assert days[0] >= start
    if pattern["type"] == "daily":
        assert {(later - day).days for day, later in itertools.pairwise(days)} <= {pattern["interval"]}
    if pattern["type"].startswith(("weekly", "relative")):
        assert {DAYS[day.weekday()] for day in days} <= set(pattern["daysOfWeek"])
    if pattern["type"].endswith("Yearly"):
        assert {day.month for day in days} == {pattern["month"]}
    if pattern["type"].startswith("absolute"):
        assert all(day.day == pattern["dayOfMonth"] or (day + datetime.timedelta(days=1)).day == 1 for day in days)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR;COUNT=3", ["2026-03-02", "2026-03-06", "2026-03-16"]),
        ("FREQ=DAILY;BYDAY=SA,SU;COUNT=2", ["2026-03-07", "2026-03-08"]),
        ("FREQ=MONTHLY;BYDAY=-1FR;COUNT=2", ["2026-03-27", "2026-04-24"]),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;COUNT=2", ["2026-03-31", "2026-04-30"]),
        ("FREQ=MONTHLY;BYMONTHDAY=-1;COUNT=2", ["2026-03-31", "2026-04-30"]),
        ("FREQ=YEARLY;COUNT=2", ["2026-03-02", "2027-03-02"]),
        ("FREQ=DAILY;UNTIL=20260304T080000Z", ["2026-03-02", "2026-03-03"]),
        ("FREQ=DAILY;UNTIL=20260304", ["2026-03-02", "2026-03-03", "2026-03-04"]),
    ],
)
def test_rules_that_exchange_can_keep_become_patterns(rule: str, expected: list[str]) -> None:
    recurrence = read_rule(rule, datetime.datetime(2026, 3, 2, 9), datetime.timezone.utc)  # noqa: DTZ001
    assert [day.isoformat() for day in days_of(check_recurrence(recurrence, time_zone="UTC"))] == expected


@pytest.mark.parametrize(
    "rule", ["FREQ=HOURLY", "FREQ=MONTHLY;BYMONTHDAY=13;BYDAY=FR", "FREQ=YEARLY;BYWEEKNO=20", "FREQ=DAILY;COUNT=1000", "x"]
)
def test_rules_that_it_cannot_keep_are_refused(rule: str) -> None:
    with pytest.raises(RuleRefused):
        read_rule(rule, datetime.datetime(2026, 3, 2, 9), datetime.timezone.utc)  # noqa: DTZ001


def test_every_zone_of_windows_is_known_here() -> None:
    assert [name for name in WINDOWS_ZONES if known_zone(name) is None] == []
