# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Events made ready to be created again: nobody is invited, and a series goes on at the same time of the clock."""

from __future__ import annotations

import json
import typing as t
from datetime import date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.event_payload import day_of, event_parts, moment_of

Json = dict[str, t.Any]
GUEST = {"emailAddress": {"name": "Guest <x>", "address": "guest@x.example"}, "status": {"response": "accepted"}}
BERLIN = "W. Europe Standard Time"


def utc(text: str) -> Json:
    return {"dateTime": f"{text}.0000000", "timeZone": "UTC"}


def event(**more: t.Any) -> Json:
    return {
        "id": "e1",
        "subject": "Meeting",
        "start": utc("2026-03-02T08:00:00"),
        "end": utc("2026-03-02T09:00:00"),
        "originalStartTimeZone": BERLIN,
        "body": {"contentType": "html", "content": "<html><body>Hi</body></html>"},
        **more,
    }


def series(**more: t.Any) -> Json:
    span = {"type": "noEnd", "startDate": "2026-03-02", "recurrenceTimeZone": BERLIN, "numberOfOccurrences": 0}
    return event(recurrence={"pattern": {"type": "weekly", "daysOfWeek": ["monday"]}, "range": span}, **more)


texts = st.text(max_size=30)
people = st.fixed_dictionaries({"emailAddress": st.fixed_dictionaries({"name": texts, "address": texts})})


@given(
    attendees=st.lists(people, max_size=5),
    organizer=st.none() | people,
    is_html=st.booleans(),
    content=texts,
    more=st.dictionaries(st.sampled_from(["iCalUId", "transactionId", "uid", "isOnlineMeeting", "isDraft", "responseStatus"]), texts),
)
def test_nobody_can_be_invited_by_what_is_created(
    attendees: list[Json], organizer: Json | None, is_html: bool, content: str, more: Json
) -> None:
    body = {"contentType": "html" if is_html else "text", "content": content}
    payload = event_parts(event(attendees=attendees, organizer=organizer, body=body, **more)).payload
    assert not set(payload) & {"attendees", "organizer", "responseRequested", *more}
    json.dumps(payload)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            {"contentType": "html", "content": "<html><body>Hi</body></html>"},
            "Guest &lt;x&gt; &lt;guest@x.example&gt; (accepted)</p></body></html>",
        ),
        ({"contentType": "html", "content": "Hi"}, "Guest &lt;x&gt; &lt;guest@x.example&gt; (accepted)</p>"),
        ({"contentType": "text", "content": "Hi"}, "Attendee: Guest <x> <guest@x.example> (accepted)"),
    ],
)
def test_who_was_invited_stands_at_the_end_of_the_text(body: Json, expected: str) -> None:
    content = event_parts(event(attendees=[GUEST], organizer=GUEST, body=body)).payload["body"]["content"]
    assert content.endswith(expected)
    assert "Organizer: Guest" in content


def test_an_event_without_guests_keeps_its_text_as_it_is() -> None:
    assert event_parts(event(organizer=GUEST, isOrganizer=True)).payload["body"] == event()["body"]


def test_what_cannot_be_made_again_is_named_in_the_text() -> None:
    link = {"@odata.type": "#microsoft.graph.referenceAttachment", "name": "Plan", "sourceUrl": "https://x.example/plan"}
    content = event_parts(event(attachments=[link], onlineMeeting={"joinUrl": "https://teams.example/1"})).payload["body"]["content"]
    assert "Linked file: Plan https://x.example/plan" in content
    assert "Online meeting: https://teams.example/1" in content


def test_times_are_those_of_the_clock_in_the_zone_of_the_event() -> None:
    payload = event_parts(event()).payload
    assert payload["start"] == {"dateTime": "2026-03-02T09:00:00", "timeZone": BERLIN}
    summer = event_parts(event(start=utc("2026-07-06T07:00:00"))).payload
    assert summer["start"] == {"dateTime": "2026-07-06T09:00:00", "timeZone": BERLIN}


@pytest.mark.parametrize("zone", [None, "tzone://Microsoft/Custom", "No Such Standard Time"])
def test_a_zone_that_nobody_knows_leaves_the_moment_in_utc(zone: str | None) -> None:
    assert event_parts(event(originalStartTimeZone=zone)).payload["start"] == {"dateTime": "2026-03-02T08:00:00", "timeZone": "UTC"}


def test_a_series_of_an_odd_zone_takes_that_of_its_recurrence() -> None:
    parts = event_parts(series(originalStartTimeZone="tzone://Microsoft/Custom"))
    assert parts.payload["start"]["timeZone"] == BERLIN
    assert parts.payload["recurrence"]["range"]["recurrenceTimeZone"] == BERLIN


def test_a_day_is_a_day_in_every_zone() -> None:
    parts = event_parts(event(isAllDay=True, start=utc("2026-05-01T00:00:00"), end=utc("2026-05-02T00:00:00")))
    assert (parts.payload["start"]["dateTime"], parts.payload["end"]["dateTime"]) == ("2026-05-01T00:00:00", "2026-05-02T00:00:00")


def test_exceptions_carry_what_differs_and_cancelled_days_are_found_after_the_last_dot() -> None:
    changed = {**event(id="x1", subject="Elsewhere", originalStart="2026-03-09T08:00:00Z", start=utc("2026-03-10T08:00:00"))}
    parts = event_parts(series(exceptionOccurrences=[changed], cancelledOccurrences=["OID.a.b==.2026-04-06", "OID.a.nonsense"]))
    assert parts.cancelled == (date(2026, 4, 6),)
    [exception] = parts.changed
    assert (exception.id, exception.moment) == ("x1", datetime(2026, 3, 9, 8, tzinfo=timezone.utc))
    assert exception.changes["start"] == {"dateTime": "2026-03-10T09:00:00", "timeZone": BERLIN}
    assert set(exception.changes) == {"subject", "start", "end"}
    assert parts.span is not None
    assert parts.span[0] <= exception.moment - timedelta(days=1)
    assert parts.span[1] >= datetime(2026, 4, 7, tzinfo=timezone.utc)


def test_an_exception_without_its_place_in_the_series_is_left_out() -> None:
    assert event_parts(series(exceptionOccurrences=[event(id="x")])).changed == ()
    assert event_parts(series()).span is None


def test_an_occurrence_is_known_by_the_day_in_the_zone_of_its_series() -> None:
    late = {"start": utc("2026-03-02T23:30:00")}
    assert day_of(late, series()) == date(2026, 3, 3)
    assert day_of(late, series(isAllDay=True)) == date(2026, 3, 2)
    assert moment_of({**late, "originalStart": "2026-03-01T23:30:00Z"}) == datetime(2026, 3, 1, 23, 30, tzinfo=timezone.utc)
    assert moment_of({"start": {}}) is None
