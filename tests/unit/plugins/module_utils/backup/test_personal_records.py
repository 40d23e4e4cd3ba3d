# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the catalogue keeps of events, contacts and tasks, and where their files lie."""

from __future__ import annotations

import re
import typing as t
from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.calendar_attachments import may_have_attachments
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.calendar_reader import own_calendars
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.calendar_record import (
    event_file,
    event_record,
    series_end,
    utc,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.contacts_record import contact_file, contact_record, photo_type
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.layout import is_shard, parts_path
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.tasks_record import task_file, task_record
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.calendar import Calendar
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.ids import CalendarId

Fields = dict[str, t.Any]


def at(day: str, hour: str = "09:00:00") -> Fields:
    return {"dateTime": f"{day}T{hour}.0000000", "timeZone": "UTC"}


def series(kind: str, span: Fields, *, interval: int = 1, **fields: t.Any) -> Fields:
    recurrence = {"pattern": {"type": kind, "interval": interval}, "range": span}
    return {"type": "seriesMaster", "start": at("2026-01-31"), "end": at("2026-01-31", "10:00:00"), "recurrence": recurrence, **fields}


def test_an_event_is_known_by_its_people_times_and_categories() -> None:
    anna = {"emailAddress": {"name": "Anna", "address": "anna@example.com"}}
    event = {"subject": "Lunch", "organizer": anna, "attendees": [anna], "start": at("2026-03-02"), "end": at("2026-03-02", "10:00:00")}
    record = event_record({**event, "categories": ["b", "a"], "sensitivity": "private", "changeKey": "k"})
    assert (record["from"], record["to"]) == ("Anna <anna@example.com>", ["Anna <anna@example.com>"])
    assert (record["start"], record["end"]) == ("2026-03-02T09:00:00Z", "2026-03-02T10:00:00Z")
    assert (record["categories"], record["sensitivity"], record["key"]) == (["a", "b"], "private", "k")
    assert "series" not in record


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (series("daily", {"type": "noEnd", "startDate": "2026-01-31", "endDate": "0001-01-01"}), ""),
        (series("weekly", {"type": "endDate", "endDate": "2026-06-30"}), "2026-07-02T00:00:00Z"),
        (series("daily", {"type": "numbered", "numberOfOccurrences": 3}), "2026-02-04T09:00:00Z"),
        (series("absoluteMonthly", {"type": "numbered", "numberOfOccurrences": 2}, interval=2), "2026-08-05T09:00:00Z"),
        (series("daily", {"type": "numbered", "numberOfOccurrences": 10**9}, interval=99), "3121-04-01T09:00:00Z"),
        (series("daily", {"type": "endDate", "endDate": "9999-12-31"}), ""),
        (series("daily", {}), ""),
        ({"type": "seriesMaster"}, ""),
    ],
)
def test_a_series_is_watched_until_its_last_occurrence_at_least(event: Fields, expected: str) -> None:
    assert series_end(event) == expected


def test_an_exception_after_the_end_of_its_series_counts() -> None:
    moved = {"end": at("2027-01-05", "10:00:00")}
    event = series("weekly", {"type": "endDate", "endDate": "2026-06-30"}, exceptionOccurrences=[moved])
    assert event_record(event)["until"] == "2027-01-05T10:00:00Z"
    assert event_record(event)["exceptions"] == 1


@given(start=st.datetimes(), identity=st.text(min_size=1, max_size=20))
def test_an_event_of_any_time_has_a_place_of_its_own(start: datetime, identity: str) -> None:
    event = {"start": {"dateTime": start.isoformat(timespec="seconds"), "timeZone": "UTC"}}
    file = event_file({"id": identity, **event_record(event)})
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\d{6}-[0-9a-f]{16}\.json", file)
    assert is_shard(file.partition("/")[0])
    assert parts_path(tuple(file.split("/")))[-1] == file.rpartition("/")[2].replace(".json", ".files")


@given(
    fields=st.dictionaries(
        st.sampled_from(["subject", "start", "end", "created", "recurrence", "type", "changeKey"]), st.none() | st.just({})
    )
)
def test_whatever_an_event_lacks_it_has_a_record(fields: Fields) -> None:
    record = event_record(fields)
    assert event_file({"id": "i", **record}).startswith("1970/01/01/")


@pytest.mark.parametrize("moment", [None, {}, {"dateTime": ""}, {"dateTime": "soon"}])
def test_a_time_that_is_none_is_empty(moment: t.Any) -> None:
    assert utc(moment) == ""


@given(name=st.text(max_size=300), identity=st.text(min_size=1, max_size=20))
def test_contacts_and_tasks_of_any_name_have_a_place_of_their_own(name: str, identity: str) -> None:
    for file in (
        contact_file({"id": identity, **contact_record({"displayName": name})}),
        task_file({"id": identity, **task_record({"title": name})}),
    ):
        directory, _slash, base = file.partition("/")
        assert is_shard(directory)
        assert "/" not in base
        assert base.endswith(".json")
        assert len(base.encode()) <= 255


@pytest.mark.parametrize(
    ("contact", "name"),
    [
        ({"displayName": "Anna Berg", "fileAs": "Berg, Anna"}, "Anna Berg"),
        ({"displayName": "", "fileAs": "Berg, Anna"}, "Berg, Anna"),
        ({"givenName": "Anna", "surname": "Berg"}, "Anna Berg"),
        ({"companyName": "Contoso"}, "Contoso"),
        ({}, ""),
    ],
)
def test_a_contact_is_called_what_outlook_shows(contact: Fields, name: str) -> None:
    assert contact_record(contact)["subject"] == name


@pytest.mark.parametrize(
    ("content", "suffix"), [(b"\xff\xd8\xff\xe0", ".jpg"), (b"\x89PNG\r\n\x1a\n", ".png"), (b"GIF89a", ".gif"), (b"?", ""), (b"", "")]
)
def test_photos_are_named_by_what_they_are(content: bytes, suffix: str) -> None:
    assert photo_type(content)[1] == suffix


def calendar(name: str, owner: str, *, is_default: bool = False) -> Calendar:
    return Calendar(CalendarId(name), name, owner, owner, is_default)


@pytest.mark.parametrize(
    ("calendars", "own"),
    [
        ([calendar("c", "Me@x", is_default=True), calendar("w", "me@x"), calendar("hers", "her@x")], ["c", "w"]),
        ([calendar("c", "me@x", is_default=True), calendar("holidays", "")], ["c", "holidays"]),
        ([calendar("c", "", is_default=True), calendar("w", "me@x")], ["c", "w"]),
        ([calendar("w", "me@x"), calendar("hers", "her@x")], ["w", "hers"]),
        ([], []),
    ],
)
def test_whose_calendar_it_is_shows_in_the_owner_of_the_default_one(calendars: list[Calendar], own: list[str]) -> None:
    ours, others = own_calendars(calendars)
    assert [entry.name for entry in ours] == own
    assert len(ours) + len(others) == len(calendars)


def test_attachments_inside_the_text_are_looked_for() -> None:
    assert may_have_attachments({"hasAttachments": False, "body": {"content": '<img src="cid:1">'}})
    assert not may_have_attachments({"hasAttachments": False, "body": {"content": "plain"}})
    assert not may_have_attachments({})


def test_a_task_is_known_by_its_dates_and_state() -> None:
    record = task_record(
        {"title": "Buy", "dueDateTime": at("2026-12-01", "00:00:00"), "status": "completed", "createdDateTime": "2026-01-01T00:00:00Z"}
    )
    assert (record["subject"], record["due"], record["status"]) == ("Buy", "2026-12-01T00:00:00Z", "completed")
    assert datetime.fromisoformat(record["received"].replace("Z", "+00:00")) == datetime(2026, 1, 1, tzinfo=timezone.utc)
