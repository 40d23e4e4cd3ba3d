# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime
import itertools
import zoneinfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import InputError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.calendar_next import elapses
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.calendar_spec import parse_calendar
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.calendar_text import expression_of
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.plan.calendars import (
    CHANGES,
    expressions,
    in_utc,
    needs_systemd,
    scrawls,
    systemd_next,
)
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.plan.strategies import ZONES, moments

UTC = datetime.timezone.utc
BERLIN = "Europe/Berlin"
EXAMPLES = settings(max_examples=120, deadline=None)

bases = st.one_of(moments, st.sampled_from(CHANGES))


def next_times(expression: str, zone: str, after: str | datetime.datetime, count: int) -> list[str]:
    base = datetime.datetime.fromisoformat(f"{after}+00:00") if isinstance(after, str) else after
    return in_utc(itertools.islice(elapses(parse_calendar(expression), zoneinfo.ZoneInfo(zone), after=base), count))


@pytest.mark.parametrize(
    ("expression", "meaning"),
    [
        ("Sat,Thu,Mon..Wed,Sat..Sun", "Mon..Thu,Sat,Sun *-*-* 00:00:00"),
        ("Mon,Sun 12-*-* 2,1:23", "Mon,Sun 2012-*-* 01,02:23:00"),
        ("Wed, 17:48", "Wed *-*-* 17:48:00"),
        ("Mon-Fri 10:00", "Mon..Fri *-*-* 10:00:00"),
        ("10-15", "*-10-15 00:00:00"),
        ("12..14:10,20,30", "*-*-* 12..14:10..30/10:00"),
        ("*:2/3", "*-*-* *:02/3:00"),
        ("*:50/7", "*-*-* *:50,57:00"),
        ("1/5:57", "*-*-* 01..21/5:57:00"),
        ("*-*-1/9", "*-*-01,10,19,28 00:00:00"),
        ("Mon *-05~07/1", "Mon *-05~01..07 00:00:00"),
        ("*-02~03", "*-02~03 00:00:00"),
        ("2003-02..04-05", "2003-02..04-05 00:00:00"),
        ("daily", "*-*-* 00:00:00"),
        ("Weekly", "Mon *-*-* 00:00:00"),
        ("quarterly", "*-01,04,07,10-01 00:00:00"),
        ("*:*:*", "*-*-* *:*:*"),
    ],
)
def test_an_expression_means_what_the_manual_of_systemd_says(expression: str, meaning: str) -> None:
    assert expression_of(parse_calendar(expression)) == meaning
    assert parse_calendar(meaning) == parse_calendar(expression)


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("", "it is empty"),
        ("10", "it is no date, such as *-*-01"),
        ("*-*-32", "each day must lie between 1 and 31"),
        ("24:00", "each hour must lie between 0 and 23"),
        ("10..5:00", "a range must go upwards"),
        ("*:50/15", "after 50 there is no minute to repeat it"),
        ("*-*~1,26", "no list of days before the end of a month that goes so far back"),
        ("*:0/0", "a repetition of 0 would never end"),
        ("*:00:00.5", "fractions of seconds are of no use for a backup"),
        ("Sat..Mon 10:00", "the days of the week Sat..Mon are in the wrong order"),
        ("Mon.. 10:00", "a range of days of the week has no end"),
        ("Monday-10:00", "10:00 is no day of the week"),
        ("Mon..Wed..Fri 10:00", "a range of days of the week has more than two ends"),
        ("*:*/15", "it is no minute, such as 0, 0..2 or 0/2"),
        ("22.30", "it is no date"),
        ("1:2:3:4", "it is no time, such as 22:30"),
        (f"{','.join('1' * 241)}:00", "more than 240 values are too many"),
    ],
)
def test_what_is_no_expression_is_refused_with_the_part_that_is_wrong(expression: str, why: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_calendar(expression)
    assert why in str(caught.value)


@needs_systemd
@EXAMPLES
@given(expressions(), st.sampled_from(ZONES), bases)
def test_an_expression_elapses_when_systemd_says(expression: str, zone: str, after: datetime.datetime) -> None:
    assert next_times(expression, zone, after, 4) == systemd_next([f"{expression} {zone}"], after=after, count=4)


@needs_systemd
@EXAMPLES
@given(scrawls(), st.sampled_from(ZONES), moments)
def test_whatever_is_understood_is_handed_to_systemd_in_a_form_that_means_the_same(
    scrawl: str, zone: str, after: datetime.datetime
) -> None:
    try:
        meaning = expression_of(parse_calendar(scrawl))
    except InputError:
        assume(not scrawl.endswith(" "))  # a time zone comes behind it here, which then ends the weekdays
        assert systemd_next([f"{scrawl} {zone}"], after=after, count=1) is None
        return
    assert next_times(scrawl, zone, after, 4) == systemd_next([f"{meaning} {zone}"], after=after, count=4)


@given(expressions())
def test_an_expression_that_is_written_down_again_means_the_same(expression: str) -> None:
    spec = parse_calendar(expression)
    assert parse_calendar(expression_of(spec)) == spec


@pytest.mark.parametrize(
    ("expression", "zone", "after", "expected"),
    [
        ("02:30", BERLIN, "2026-03-28 02:00", ["2026-03-30 00:30:00"]),  # left out in spring
        ("02:30", BERLIN, "2026-10-25 00:00", ["2026-10-25 00:30:00", "2026-10-26 01:30:00"]),  # comes twice in autumn
        ("*:30", BERLIN, "2026-10-25 00:10", ["2026-10-25 00:30:00", "2026-10-25 02:30:00"]),
        ("*:30", BERLIN, "2026-10-25 01:10", ["2026-10-25 01:30:00", "2026-10-25 02:30:00"]),  # asked within the second one
        ("01:45", "Australia/Lord_Howe", "2026-04-04 12:00", ["2026-04-04 14:45:00", "2026-04-05 15:15:00"]),  # half an hour
        ("00:30", "America/Santiago", "2026-09-05 12:00", ["2026-09-07 03:30:00"]),  # the day begins at 01:00
        ("*-*~01 23:00", "UTC", "2027-12-31 23:30", ["2028-01-31 23:00:00", "2028-02-29 23:00:00"]),
        ("*-*-31", "UTC", "2026-01-31 12:00", ["2026-03-31 00:00:00", "2026-05-31 00:00:00"]),
        ("*-02-29", "UTC", "2026-01-01 00:00", ["2028-02-29 00:00:00", "2032-02-29 00:00:00"]),
        ("*-02-31", "UTC", "2026-01-01 00:00", []),
        ("2026-01-01", "UTC", "2026-01-01 00:00", []),
    ],
)
def test_clocks_that_are_changed_and_months_that_end(expression: str, zone: str, after: str, expected: list[str]) -> None:
    assert next_times(expression, zone, after, max(len(expected), 1)) == expected
