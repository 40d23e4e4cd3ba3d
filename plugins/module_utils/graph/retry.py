# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether, when, and how a failed request is sent again. Pure decisions; acting is done in requester.

Sources: Microsoft's throttling guidance and the retry lists of long-lived clients (facts: C(Retry-After) may be
fractional, a date, or missing; 404 with an empty body comes and goes; a write that ended in 5xx may have happened).

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import email.utils
import enum
import math
import re
import typing as t

from .error_bodies import ErrorBody

RETRIED_STATUSES = frozenset({408, 429, 500, 502, 503, 504, 509})
THROTTLE_CODES = ("applicationthrottled", "toomanyrequests", "activitylimitreached", "throttledrequest")
_THROTTLE_STATUSES = (429, 509)
PERMANENT_CODES = (
    "errorcorruptdata",
    "errorinvalidrecipients",
    "errorcannotopenfileattachment",
    "errorquotaexceeded",
    "provisioningnotallowed",
    "resourcebeingprovisioned",
)
_RENEWALS = 2
"""A token that another thread has just fetched may be refused too: by the service for which it was fetched a moment too early."""
_TRANSIENT_TEXT = "io error during request payload read"
_PERMANENT_TEXT = re.compile(r"user'?s mysite|404 file not found|does not have a spo license", re.IGNORECASE)
"""Of users without a OneDrive, whatever the status; who asks for those again and again is throttled."""


class FaultKind(enum.Enum):
    """How a request failed."""

    UNREACHABLE = "no connection; nothing was sent"
    MISCONFIGURED = "no connection, and trying again cannot help"
    BROKEN = "the connection broke; the request may have arrived"
    INCOMPLETE = "the answer was cut off"
    NO_JSON = "the answer is not JSON"
    STATUS = "the service answered with an error"


class Family(enum.Enum):
    """Faults of one family share a count, so that a storm of different ones does not use up the patience with each."""

    THROTTLED = "asked to wait"
    UNAUTHORIZED = "token refused"
    CHALLENGED = "token with other claims wanted"
    UNREACHABLE = "no connection"
    MISSING = "perhaps not there"
    HEAVY = "perhaps too large"
    OTHER = "other"


@dataclasses.dataclass(frozen=True, slots=True)
class Fault:
    """One failed attempt. ``retry_after`` is in seconds. ``has_challenge``: a 401 asks for a token with certain claims."""

    kind: FaultKind
    status: int | None = None
    body: ErrorBody = ErrorBody(is_empty=True)
    retry_after: float | None = None
    has_challenge: bool = False

    @property
    def is_throttling(self) -> bool:
        return self.status in _THROTTLE_STATUSES or (self.status in (403, 503) and self.body.names(*THROTTLE_CODES))

    @property
    def is_heavy(self) -> bool:
        """Typical of an answer that the service found too large to build: a smaller page may pass."""
        if self.kind in (FaultKind.INCOMPLETE, FaultKind.NO_JSON):
            return True
        return self.status == 504 or (self.status == 503 and self.body.is_empty and self.retry_after is None)

    @property
    def family(self) -> Family:
        if self.status == 401:
            return Family.CHALLENGED if self.has_challenge else Family.UNAUTHORIZED
        if self.is_throttling:
            return Family.THROTTLED
        if self.kind is FaultKind.UNREACHABLE:
            return Family.UNREACHABLE
        if self.status == 404:
            return Family.MISSING
        return Family.HEAVY if self.is_heavy else Family.OTHER


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What matters of a request: may it be sent twice; does it read; can its object be so new that not everybody has seen it.

    A pre-authenticated address that is not found has expired: that is no reading in this sense, asking again would not help.
    """

    is_repeatable: bool = True
    is_read: bool = True
    is_fresh: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """Patience with one operation: tries per family of faults, and seconds."""

    other: int = 7
    heavy: int = 5
    missing: int = 4
    unreachable: int = 7
    deadline: float = 1800.0
    base: float = 1.0
    cap: float = 60.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What this operation has met so far. ``elapsed`` seconds since its first attempt."""

    counts: t.Mapping[Family, int] = dataclasses.field(default_factory=dict)
    elapsed: float = 0.0

    def count(self, fault: Fault) -> int:
        return self.counts.get(fault.family, 0)


class Step(enum.Enum):
    """What to do after a fault."""

    GIVE_UP = "raise"
    AMBIGUOUS = "raise, the write may have happened"
    RENEW_TOKEN = "log in again and repeat"
    WAIT = "this request waits and is repeated"
    WAIT_TOGETHER = "everybody of the scope waits"


@dataclasses.dataclass(frozen=True, slots=True)
class Decision:
    """A step, and the seconds that it takes."""

    step: Step
    seconds: float = 0.0


def decide(fault: Fault, traits: Traits, history: History, policy: RetryPolicy, jitter: float) -> Decision:
    """``jitter`` is a random number from 0 to 1. A service that asks for no time at all is given the time of a backoff."""
    if fault.kind is FaultKind.MISCONFIGURED:
        return Decision(Step.GIVE_UP)
    if fault.status == 401:
        return _after_unauthorized(fault, history)
    if fault.is_throttling:
        wait = fault.retry_after or backoff(history.count(fault), policy, jitter)
        return _within_deadline(Decision(Step.WAIT_TOGETHER, wait), history, policy)
    if not _is_transient(fault, traits):
        return Decision(Step.GIVE_UP)
    if not traits.is_repeatable and fault.kind is not FaultKind.UNREACHABLE and not _is_too_early(fault, traits):
        return Decision(Step.AMBIGUOUS)
    if history.count(fault) + 1 >= _allowed(fault, policy):
        return Decision(Step.GIVE_UP)
    if fault.retry_after:
        return _within_deadline(Decision(Step.WAIT_TOGETHER, fault.retry_after), history, policy)
    return _within_deadline(Decision(Step.WAIT, backoff(history.count(fault), policy, jitter)), history, policy)


def backoff(attempt: int, policy: RetryPolicy, jitter: float) -> float:
    """Doubling seconds with a cap; half of them random, so that many callers do not come back together."""
    full = min(policy.cap, policy.base * 2.0 ** min(attempt, 30))
    return full * (0.5 + jitter / 2)


def parse_retry_after(value: str | None, *, now: float, server_date: str | None = None) -> float | None:
    """Seconds to wait, from whole or fractional seconds or an HTTP date; None when absent or meaningless.

    A date is compared with the answer's own date where there is one, since our clock may be wrong.
    """
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        until = _timestamp(value)
        if until is None:
            return None
        base = _timestamp(server_date) if server_date else None
        seconds = until - (now if base is None else base)
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _timestamp(text: str) -> float | None:
    try:
        return email.utils.parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _after_unauthorized(fault: Fault, history: History) -> Decision:
    allowed = 1 if fault.has_challenge else _RENEWALS
    return Decision(Step.RENEW_TOKEN if history.count(fault) < allowed else Step.GIVE_UP)


def _is_transient(fault: Fault, traits: Traits) -> bool:
    if fault.kind is not FaultKind.STATUS:
        return True
    if fault.body.names(*PERMANENT_CODES) or _PERMANENT_TEXT.search(fault.body.message):
        return False
    if fault.status == 404:
        return _is_too_early(fault, traits) or (traits.is_read and fault.body.is_empty)
    return fault.status in RETRIED_STATUSES or _TRANSIENT_TEXT in fault.body.message.lower()


def _is_too_early(fault: Fault, traits: Traits) -> bool:
    return fault.status == 404 and traits.is_fresh


def _allowed(fault: Fault, policy: RetryPolicy) -> int:
    return {Family.UNREACHABLE: policy.unreachable, Family.MISSING: policy.missing, Family.HEAVY: policy.heavy}.get(
        fault.family, policy.other
    )


def _within_deadline(decision: Decision, history: History, policy: RetryPolicy) -> Decision:
    return decision if history.elapsed + decision.seconds <= policy.deadline else Decision(Step.GIVE_UP)
