# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which items a filter means: every condition on its own, all of them together, and what no item can be."""

from __future__ import annotations

import typing as t
import unicodedata
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import InputError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.item_filter import ItemFilter, folded, item_span

NOON = datetime(2026, 5, 17, 12, 0, 0, tzinfo=timezone.utc)
MAIL: dict[str, t.Any] = {
    "id": "m1",
    "subject": "Angebot für Straße 7",
    "from": "Anna Grün <anna@contoso.com>",
    "to": ["Ben <ben@contoso.com>"],
    "cc": ["carl@fabrikam.example"],
    "received": "2026-05-17T12:00:00Z",
    "size": 1000,
    "attachment_names": ["Preise 2026.xlsx", "logo.png"],
}
TEXTS = st.text(min_size=1, max_size=20)
TIMES = st.datetimes(datetime(2000, 1, 1), datetime(2040, 1, 1)).map(lambda time: time.replace(microsecond=0, tzinfo=timezone.utc))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("fields", "is_meant"),
    [
        ({}, True),
        ({"subject": "ANGEBOT"}, True),
        ({"subject": "STRASSE"}, True),
        ({"subject": "fu\u0308r"}, True),
        ({"subject": "Angebote"}, False),
        ({"sender": "anna@CONTOSO.com"}, True),
        ({"sender": "grün"}, True),
        ({"sender": "ben"}, False),
        ({"recipient": "ben@"}, True),
        ({"recipient": "fabrikam"}, True),
        ({"recipient": "anna"}, False),
        ({"after": NOON}, True),
        ({"after": NOON + timedelta(seconds=1)}, False),
        ({"before": NOON}, False),
        ({"before": NOON + timedelta(seconds=1)}, True),
        ({"after": datetime(2026, 5, 17, 13, tzinfo=timezone(timedelta(hours=2)))}, True),
        ({"min_size": 1000, "max_size": 1000}, True),
        ({"min_size": 1001}, False),
        ({"max_size": 999}, False),
        ({"attachment": ".XLSX"}, True),
        ({"attachment": "preise 2025"}, False),
        ({"ids": frozenset({"m1", "m2"})}, True),
        ({"ids": frozenset({"M1"})}, False),
        ({"subject": "angebot", "sender": "ben"}, False),
    ],
)
def test_a_message_is_meant_when_every_condition_holds(fields: dict[str, t.Any], is_meant: bool) -> None:
    assert ItemFilter(**fields).matches(MAIL) is is_meant


@pytest.mark.parametrize(
    "fields", [{"subject": "x"}, {"sender": "x"}, {"recipient": "x"}, {"attachment": "x"}, {"after": NOON}, {"min_size": 0}]
)
def test_an_item_that_lacks_what_is_looked_at_is_not_meant(fields: dict[str, t.Any]) -> None:
    assert not ItemFilter(**fields).matches({"id": "bare"})
    assert ItemFilter().matches({"id": "bare"})


HOUR = {"id": "e", "start": "2026-05-17T12:00:00Z", "end": "2026-05-17T13:00:00Z", "received": "2020-01-01T00:00:00Z"}
SERIES = {**HOUR, "series": True, "until": "2026-06-30T13:00:00Z"}
ENDLESS = {**HOUR, "series": True}


@pytest.mark.parametrize(
    ("record", "after", "before", "is_meant"),
    [
        (HOUR, NOON + timedelta(minutes=30), None, True),
        (HOUR, NOON + timedelta(hours=1), None, False),
        (HOUR, None, NOON, False),
        (HOUR, None, NOON + timedelta(seconds=1), True),
        (HOUR, NOON - timedelta(hours=1), NOON, False),
        (SERIES, NOON + timedelta(days=40), None, True),
        (SERIES, NOON + timedelta(days=60), None, False),
        (SERIES, None, NOON, False),
        (ENDLESS, NOON + timedelta(days=4000), None, True),
    ],
)
def test_an_event_is_meant_when_it_goes_on_in_the_time_asked_for(
    record: dict[str, t.Any], after: datetime | None, before: datetime | None, is_meant: bool
) -> None:
    assert ItemFilter(after=after, before=before).matches(record) is is_meant


@given(start=TIMES, length=st.integers(0, 10**7), after=TIMES, gap=st.integers(1, 10**8))
def test_an_event_is_never_left_out_of_the_whole_time_and_its_halves_miss_none(
    start: datetime, length: int, after: datetime, gap: int
) -> None:
    record = {"id": "e", "start": start.isoformat(), "end": (start + timedelta(seconds=length)).isoformat()}
    before = after + timedelta(seconds=gap)
    halves = (ItemFilter(after=after).matches(record), ItemFilter(before=after).matches(record))
    assert any(halves)
    whole = ItemFilter(after=after, before=before)
    assert not whole.matches(record) or (ItemFilter(after=after).matches(record) and ItemFilter(before=before).matches(record))


@given(subject=TEXTS, other=TEXTS)
def test_a_text_is_found_in_itself_in_every_case_and_form(subject: str, other: str) -> None:
    record = {"id": "x", "subject": other + subject + other}
    assert ItemFilter(subject=folded(subject)).matches({"id": "x", "subject": subject})
    if subject.isascii() and other.isascii():
        assert ItemFilter(subject=subject.upper()).matches(record)
    assert ItemFilter(subject=unicodedata.normalize("NFD", subject)).matches({"id": "x", "subject": unicodedata.normalize("NFC", subject)})


@given(size=st.integers(0, 10**9), low=st.integers(0, 10**9), more=st.integers(0, 10**9))
def test_sizes_are_inclusive(size: int, low: int, more: int) -> None:
    assert ItemFilter(min_size=low, max_size=low + more).matches({"id": "x", "size": size}) is (low <= size <= low + more)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"after": datetime(2026, 5, 17)}, "has no zone"),  # noqa: DTZ001
        ({"before": datetime(2026, 5, 17)}, "has no zone"),  # noqa: DTZ001
        ({"after": NOON, "before": NOON}, "both after the one and before the other"),
        ({"min_size": 2, "max_size": 1}, "at least the one and at most the other"),
    ],
)
def test_what_no_item_can_be_is_refused(fields: dict[str, t.Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        ItemFilter(**fields)


def test_an_item_without_a_time_has_no_span() -> None:
    assert item_span({"id": "x"}) is None
    assert item_span(MAIL) == (NOON, NOON)
    assert ItemFilter().is_empty
    assert not ItemFilter(ids=frozenset({"x"})).is_empty
