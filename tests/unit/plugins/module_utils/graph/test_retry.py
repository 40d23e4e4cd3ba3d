# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a request is sent again, and when never."""

from __future__ import annotations

import collections
import email.utils

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.error_bodies import ErrorBody
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.retry import (
    Family,
    Fault,
    FaultKind,
    History,
    RetryPolicy,
    Step,
    Traits,
    backoff,
    decide,
    parse_retry_after,
)

EMPTY = ErrorBody(is_empty=True)
POLICY = RetryPolicy()


def named(code: str, message: str = "") -> ErrorBody:
    return ErrorBody(code=code, message=message, codes=frozenset({code.lower()}))


def status(number: int, body: ErrorBody = EMPTY, retry_after: float | None = None, *, has_challenge: bool = False) -> Fault:
    return Fault(FaultKind.STATUS, number, body, retry_after, has_challenge)


faults = st.builds(
    Fault,
    st.sampled_from(FaultKind),
    st.sampled_from([None, 200, 302, 400, 401, 403, 404, 405, 408, 409, 410, 412, 413, 423, 429, 500, 502, 503, 504, 507, 509]),
    st.sampled_from([EMPTY, named("UnknownError"), named("ApplicationThrottled"), named("ErrorCorruptData"), named("x", "IO error")]),
    st.none() | st.floats(0, 5000),
    st.booleans(),
)
histories = st.builds(
    History,
    counts=st.dictionaries(st.sampled_from(Family), st.integers(0, 20)),
    elapsed=st.floats(0, 4000),
)


@pytest.mark.parametrize("number", [408, 500, 502, 503, 504])
def test_a_passing_failure_of_the_service_is_waited_for(number: int) -> None:
    assert decide(status(number), Traits(), History(), POLICY, 0.0).step is Step.WAIT


@pytest.mark.parametrize("number", [400, 403, 405, 409, 410, 412, 413, 415, 423, 507])
def test_a_final_refusal_is_not_repeated(number: int) -> None:
    assert decide(status(number), Traits(), History(), POLICY, 0.0).step is Step.GIVE_UP


@pytest.mark.parametrize("kind", [FaultKind.UNREACHABLE, FaultKind.BROKEN, FaultKind.INCOMPLETE, FaultKind.NO_JSON])
def test_a_broken_connection_or_answer_is_repeated(kind: FaultKind) -> None:
    assert decide(Fault(kind), Traits(), History(), POLICY, 0.0).step is Step.WAIT


def test_a_wrong_certificate_does_not_become_right_by_trying_again() -> None:
    assert decide(Fault(FaultKind.MISCONFIGURED), Traits(), History(), POLICY, 0.0).step is Step.GIVE_UP


def test_inv12_too_many_requests_makes_everybody_wait_as_long_as_the_service_says() -> None:
    decision = decide(status(429, retry_after=42.5), Traits(), History(), POLICY, 0.3)
    assert (decision.step, decision.seconds) == (Step.WAIT_TOGETHER, 42.5)


def test_inv12_too_many_requests_without_a_time_waits_longer_each_time() -> None:
    waits = [decide(status(429), Traits(), History(counts={Family.THROTTLED: n}), POLICY, 1.0) for n in range(8)]
    assert [wait.seconds for wait in waits] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert {wait.step for wait in waits} == {Step.WAIT_TOGETHER}


@pytest.mark.parametrize("number", [429, 503, 509])
def test_inv12_a_service_that_says_zero_seconds_is_not_asked_again_at_once(number: int) -> None:
    family = status(number, retry_after=0.0).family
    waits = [decide(status(number, retry_after=0.0), Traits(), History(counts={family: n}), POLICY, 1.0).seconds for n in range(4)]
    assert waits == [1, 2, 4, 8]


def test_unavailable_with_a_time_makes_everybody_wait() -> None:
    assert decide(status(503, retry_after=7.0), Traits(), History(), POLICY, 0.0).step is Step.WAIT_TOGETHER


def test_a_refused_token_is_renewed_and_once_more_but_not_for_ever() -> None:
    steps = [decide(status(401), Traits(), History(counts={Family.UNAUTHORIZED: n}), POLICY, 0.0).step for n in range(3)]
    assert steps == [Step.RENEW_TOKEN, Step.RENEW_TOKEN, Step.GIVE_UP]


def test_a_claims_challenge_is_answered_once_also_after_a_renewal() -> None:
    assert decide(status(401, has_challenge=True), Traits(), History(counts={Family.UNAUTHORIZED: 1}), POLICY, 0.0).step is Step.RENEW_TOKEN
    assert decide(status(401, has_challenge=True), Traits(), History(counts={Family.CHALLENGED: 1}), POLICY, 0.0).step is Step.GIVE_UP


def test_a_404_without_a_body_is_asked_again_a_few_times() -> None:
    steps = [decide(status(404), Traits(), History(counts={Family.MISSING: n}), POLICY, 0.0).step for n in range(4)]
    assert steps == [Step.WAIT, Step.WAIT, Step.WAIT, Step.GIVE_UP]


def test_a_404_that_names_its_reason_is_final() -> None:
    assert decide(status(404, named("ErrorItemNotFound")), Traits(), History(), POLICY, 0.0).step is Step.GIVE_UP


def test_a_write_to_a_message_that_was_just_created_waits_until_everybody_knows_it() -> None:
    fresh = Traits(is_repeatable=False, is_read=False, is_fresh=True)
    assert decide(status(404, named("ErrorItemNotFound")), fresh, History(), POLICY, 0.0).step is Step.WAIT


@pytest.mark.parametrize(
    "fault",
    [status(500), status(502), status(503), status(504), Fault(FaultKind.BROKEN), Fault(FaultKind.INCOMPLETE), Fault(FaultKind.NO_JSON)],
)
def test_a_creation_that_may_have_happened_is_not_repeated(fault: Fault) -> None:
    write = Traits(is_repeatable=False, is_read=False)
    assert decide(fault, write, History(), POLICY, 0.0).step is Step.AMBIGUOUS


@pytest.mark.parametrize("fault", [status(429), status(401), Fault(FaultKind.UNREACHABLE)])
def test_a_creation_that_cannot_have_happened_is_repeated(fault: Fault) -> None:
    write = Traits(is_repeatable=False, is_read=False)
    assert decide(fault, write, History(), POLICY, 0.0).step in (Step.WAIT, Step.WAIT_TOGETHER, Step.RENEW_TOKEN)


def test_what_the_service_can_never_deliver_is_not_asked_for_again() -> None:
    assert decide(status(500, named("ErrorCorruptData")), Traits(), History(), POLICY, 0.0).step is Step.GIVE_UP


def test_a_passing_failure_that_hides_behind_another_status_is_repeated() -> None:
    fault = status(400, named("BadRequest", "IO error during request payload read."))
    assert decide(fault, Traits(), History(), POLICY, 0.0).step is Step.WAIT


def test_throttling_by_code_counts_as_throttling_whatever_the_status() -> None:
    assert decide(status(503, named("ApplicationThrottled")), Traits(), History(), POLICY, 0.0).step is Step.WAIT_TOGETHER


@given(faults, st.booleans(), st.booleans(), histories, st.floats(0, 1))
def test_no_decision_waits_beyond_the_deadline_of_its_operation(
    fault: Fault, is_repeatable: bool, is_read: bool, history: History, jitter: float
) -> None:
    decision = decide(fault, Traits(is_repeatable=is_repeatable, is_read=is_read), history, POLICY, jitter)
    assert decision.seconds >= 0
    assert decision.seconds == 0 or history.elapsed + decision.seconds <= POLICY.deadline


@given(st.lists(faults, min_size=80, max_size=80), st.booleans(), st.floats(0, 1))
def test_every_operation_ends(script: list[Fault], is_repeatable: bool, jitter: float) -> None:
    counts: collections.Counter[Family] = collections.Counter()
    elapsed = 0.0
    for fault in script:
        decision = decide(fault, Traits(is_repeatable=is_repeatable), History(counts=counts, elapsed=elapsed), POLICY, jitter)
        if decision.step in (Step.GIVE_UP, Step.AMBIGUOUS):
            return
        elapsed += decision.seconds + 0.1
        counts[fault.family] += 1
    assert counts[Family.THROTTLED] > 40


@given(st.integers(0, 10_000), st.floats(0, 1))
def test_backoff_stays_between_half_and_all_of_its_step(attempt: int, jitter: float) -> None:
    full = min(POLICY.cap, POLICY.base * 2.0 ** min(attempt, 60))
    assert full / 2 <= backoff(attempt, POLICY, jitter) <= full


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("2.128", 2.128),
        (" 3 ", 3.0),
        ("-5", 0.0),
        ("0", 0.0),
        (None, None),
        ("", None),
        ("soon", None),
        ("nan", None),
        ("inf", None),
    ],
)
def test_retry_after_in_seconds_is_read_whole_fractional_and_nonsense(value: str | None, seconds: float | None) -> None:
    assert parse_retry_after(value, now=1000.0) == seconds


def test_a_retry_after_date_is_compared_with_the_date_of_the_answer_and_not_with_a_wrong_clock() -> None:
    date = email.utils.formatdate(5000, usegmt=True)
    later = email.utils.formatdate(5060, usegmt=True)
    assert parse_retry_after(later, now=99_999.0, server_date=date) == 60.0
    assert parse_retry_after(later, now=5050.0) == 10.0
    assert parse_retry_after(later, now=6000.0) == 0.0


@given(st.text(max_size=60), st.none() | st.text(max_size=60))
def test_any_text_as_retry_after_gives_seconds_or_nothing(value: str, date: str | None) -> None:
    seconds = parse_retry_after(value, now=0.0, server_date=date)
    assert seconds is None or 0 <= seconds < float("inf")
