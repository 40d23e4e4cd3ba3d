# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a source counts as protected."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.members import MemberState, SourceState, SourceStatus
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.protection import (
    UNPROTECTING,
    MemberCoverage,
    Problem,
    Seen,
    SourceCoverage,
    judge_source,
)
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import NOON

DAY = datetime.timedelta(days=1)
GOOD, FINDINGS, STALE, UNFINISHED = SourceStatus.GOOD, SourceStatus.FINDINGS, SourceStatus.STALE, SourceStatus.UNFINISHED
AVAILABILITIES = ("", "backed_up", "no_archive", "no_mailbox", "no_drive", "drive_locked", "refused: ErrorAccessDenied")

ages = st.none() | st.integers(0, 9)
states = st.none() | st.builds(
    lambda status, age, is_incomplete, availability: state(status, age, is_incomplete=is_incomplete, availability=availability),
    st.sampled_from(SourceStatus),
    ages,
    st.booleans(),
    st.sampled_from(AVAILABILITIES),
)


def state(status: SourceStatus, age: float | None = 0, *, is_incomplete: bool = False, availability: str = "") -> SourceState:
    """Read to its end so many days ago."""
    last = None if age is None else (NOON - age * DAY).isoformat()
    return SourceState(status=status, last_success=last, is_incomplete=is_incomplete, availability=availability)


def judged(newest: SourceState | None, finished: SourceState | None = None, *read: float, promise: float | None = 2) -> SourceCoverage:
    seen = Seen(newest=newest, finished=finished or newest, read=tuple(NOON - age * DAY for age in read))
    return judge_source("mail", seen, now=NOON, max_age=None if promise is None else promise * DAY)


@pytest.mark.parametrize(
    ("newest", "problems"),
    [
        (None, [Problem.NEVER]),
        (state(GOOD, 1), []),
        (state(GOOD, None), [Problem.NEVER]),
        (state(GOOD, 3), [Problem.OLD]),
        (state(FINDINGS, 1), [Problem.FINDINGS]),
        (state(STALE, 1), [Problem.STALE]),
        (state(STALE, 3), [Problem.OLD, Problem.STALE]),
        (state(UNFINISHED, None), [Problem.UNFINISHED]),
        (state(GOOD, 1, is_incomplete=True), [Problem.INCOMPLETE]),
        (state(GOOD, None, availability="no_mailbox"), [Problem.ABSENT]),
        (state(GOOD, 9, availability="no_drive"), [Problem.ABSENT]),
        (state(GOOD, 9, availability="no_archive"), []),
        (state(GOOD, 1, availability="backed_up"), []),
        (state(GOOD, 0, availability="drive_locked"), [Problem.UNREACHABLE]),
        (state(FINDINGS, 0, availability="refused: ErrorAccessDenied"), [Problem.UNREACHABLE]),
    ],
)
def test_each_state_of_a_source_is_called_by_its_name(newest: SourceState | None, problems: list[Problem]) -> None:
    cover = judged(newest)
    assert list(cover.problems) == problems
    assert cover.is_protected is not bool(UNPROTECTING.intersection(problems))


def test_a_run_that_found_nothing_new_proves_that_the_backup_is_current() -> None:
    assert judged(state(GOOD, 30)).problems == (Problem.OLD,)
    cover = judged(state(GOOD, 30), None, 1)
    assert (cover.problems, cover.last_good) == ((), NOON - DAY)


def test_an_interrupted_run_takes_nothing_away_from_what_an_earlier_one_has_finished() -> None:
    assert judged(state(UNFINISHED, 5), state(GOOD, 1)).problems == ()
    assert judged(state(UNFINISHED, None), state(UNFINISHED, None)).problems == (Problem.UNFINISHED,)


def test_a_time_in_the_future_proves_nothing() -> None:
    assert judged(state(GOOD, -1)).problems == (Problem.NEVER,)
    assert judged(state(GOOD, 3), None, -1).problems == (Problem.OLD,)


def test_without_a_promise_no_age_is_too_old() -> None:
    assert judged(state(GOOD, 3000), promise=None).problems == ()


@given(states, states, st.lists(st.integers(-3, 9), max_size=3), ages)
def test_who_is_protected_has_a_backup_of_the_promised_age_or_nothing_to_back_up(
    newest: SourceState | None, finished: SourceState | None, read: list[int], promise: int | None
) -> None:
    cover = judged(newest, finished, *read, promise=promise)
    if cover.is_protected and cover.is_there:
        assert cover.last_good is not None
        assert promise is None or NOON - cover.last_good <= promise * DAY
        assert cover.last_good <= NOON
    if newest is None:
        assert not cover.is_protected


@given(states, st.lists(st.integers(0, 9), max_size=3), st.integers(0, 9), st.integers(0, 9))
def test_one_more_run_that_has_read_it_makes_nobody_worse_off(newest: SourceState | None, read: list[int], more: int, promise: int) -> None:
    assert judged(newest, None, *read, more, promise=promise).is_protected >= judged(newest, None, *read, promise=promise).is_protected


def test_a_member_is_as_current_as_the_oldest_source_that_there_is() -> None:
    member = MemberState(id="1", principal_name="anna@x", display_name="Anna")
    sources = (judged(state(GOOD, 1)), judged(state(STALE, 2)), judged(state(GOOD, 9, availability="no_archive")))
    cover = MemberCoverage(member=member, sources=sources)
    assert (cover.is_protected, cover.last_good, cover.problems) == (True, NOON - 2 * DAY, (Problem.STALE,))
    with_nothing = MemberCoverage(member=member, sources=(*sources, judged(None)))
    assert (with_nothing.is_protected, with_nothing.last_good) == (False, None)
