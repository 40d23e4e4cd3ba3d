# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One operation against the service: limits, token, sending, and trying again, for every kind of request.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import collections
import dataclasses
import itertools
import typing as t
import uuid

from .clock import Clock
from .error_bodies import parse_error_body
from .limits import Limiter
from .refusals import Attempt, Call, error_of
from .retry import Decision, Family, Fault, FaultKind, History, RetryPolicy, Step, Traits, decide, parse_retry_after
from .tokens import challenged_claims
from .traffic import Meter, Traffic
from .transport import Incoming, Outgoing, TransportFault

_ERROR_BODY_LIMIT = 64 << 10
_UNREACHABLE_AT_START = 3
_USER_AGENT = "ISV|tenantvault|m365_backup/1.0"
T = t.TypeVar("T")


class Tokens(t.Protocol):
    """Where access tokens come from."""

    def token(self) -> str: ...

    def renew(self, refused: str, claims: str | None = None) -> str: ...

    def close(self) -> None: ...


class Sender(t.Protocol):
    """Carries one request and brings back the head of its answer."""

    def send(self, request: Outgoing) -> Incoming: ...

    def close(self) -> None: ...


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to send. ``with_token`` is False for pre-authenticated addresses: their ``target`` is a secret and never shown.

    ``statuses`` are those that the reader takes besides success.
    """

    method: str
    host: str
    target: str = dataclasses.field(repr=False)
    headers: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    body: bytes | None = dataclasses.field(default=None, repr=False)
    with_token: bool = True
    is_repeatable: bool = True
    upload_bytes: int = 0
    statuses: frozenset[int] = frozenset()

    @property
    def path(self) -> str:
        return self.target.partition("?")[0] if self.with_token else ""


class RequestIds:
    """UUIDs that differ in their last part only: one random number for a process, and a count. Thread-safe."""

    def __init__(self) -> None:
        self._start = str(uuid.uuid4())[:24]
        self._count = itertools.count(1)

    def __call__(self) -> str:
        return f"{self._start}{next(self._count):012x}"


class BrokenAnswer(Exception):
    """Raised by a reader: the body arrived and is not what it should be."""


class Requester:
    """Thread-safe."""

    def __init__(
        self, sender: Sender, tokens: Tokens, limiter: Limiter, *, meter: Meter, clock: Clock, random: t.Callable[[], float]
    ) -> None:
        self._sender = sender
        self._tokens = tokens
        self._limiter = limiter
        self._meter = meter
        self._clock = clock
        self._random = random
        self._answered_hosts: set[str] = set()
        self._request_ids = RequestIds()

    def perform(self, call: Call, request: Request, read: t.Callable[[Incoming], T], policy: RetryPolicy | None = None) -> T:
        """Send until the answer is a success and ``read`` took all of it.

        ``read`` is called anew for each attempt and must leave nothing behind when it fails.

        :raises GraphError: the subclass that fits; Cancelled.
        """
        operation = _Operation(self._policy(request.host, policy or RetryPolicy()))
        while True:
            with self._limiter.slot(call.scope, request.upload_bytes):
                operation.begin(self._clock.monotonic())
                self._meter.count_request(call.kind)
                outcome = self._exchange(request, read, operation)
                if not isinstance(outcome, _Failure):
                    return outcome
                decision = self._decide(outcome, call, request, operation)
                if pause := _common_pause(decision, outcome.fault, operation.policy):
                    self._limiter.block(call.scope, pause)
            self._act_on(decision, outcome, call, request, operation)

    def traffic(self) -> Traffic:
        return self._meter.traffic(self._limiter.blocked_seconds())

    def cancel(self) -> None:
        self._limiter.cancel()

    def raise_if_cancelled(self) -> None:
        self._limiter.raise_if_cancelled()

    def close(self) -> None:
        self._sender.close()
        self._tokens.close()

    def _policy(self, host: str, policy: RetryPolicy) -> RetryPolicy:
        """A host that never answered is more likely misspelt, blocked or behind a wrong proxy than away for a while."""
        if host in self._answered_hosts:
            return policy
        return dataclasses.replace(policy, unreachable=min(policy.unreachable, _UNREACHABLE_AT_START))

    def _exchange(self, request: Request, read: t.Callable[[Incoming], T], operation: _Operation) -> T | _Failure:
        own_id = self._request_ids()
        headers = {"User-Agent": _USER_AGENT, "client-request-id": own_id, **request.headers}
        if request.with_token:
            operation.token = self._tokens.token()
            headers["Authorization"] = f"Bearer {operation.token}"
        try:
            incoming = self._sender.send(Outgoing(request.method, request.host, request.target, headers, request.body))
        except TransportFault as fault:
            return _Failure(Fault(fault.kind), own_id, fault.reason)
        self._answered_hosts.add(request.host)
        request_id = incoming.headers.get("request-id") or own_id
        try:
            is_answer = 200 <= incoming.status < 300 or incoming.status in request.statuses
            return read(incoming) if is_answer else self._refusal(incoming, request_id)
        except TransportFault as fault:
            return _Failure(Fault(fault.kind), request_id, fault.reason)
        except BrokenAnswer as broken:
            return _Failure(Fault(FaultKind.NO_JSON), request_id, str(broken))
        finally:
            incoming.close()

    def _refusal(self, incoming: Incoming, request_id: str) -> _Failure:
        headers = incoming.headers
        claims = challenged_claims(headers.get("WWW-Authenticate")) if incoming.status == 401 else None
        retry_after = parse_retry_after(headers.get("Retry-After"), now=self._clock.wall(), server_date=headers.get("Date"))
        body = parse_error_body(incoming.read_start(_ERROR_BODY_LIMIT))
        return _Failure(Fault(FaultKind.STATUS, incoming.status, body, retry_after, claims is not None), request_id, claims=claims)

    def _decide(self, failure: _Failure, call: Call, request: Request, operation: _Operation) -> Decision:
        traits = Traits(is_repeatable=request.is_repeatable, is_read=request.method == "GET", is_fresh=call.is_fresh)
        history = operation.history(self._clock.monotonic())
        decision = decide(failure.fault, traits, history, operation.policy, self._random())
        if decision.step is Step.RENEW_TOKEN and not request.with_token:
            return Decision(Step.GIVE_UP)
        return decision

    def _act_on(self, decision: Decision, failure: _Failure, call: Call, request: Request, operation: _Operation) -> None:
        if decision.step in (Step.GIVE_UP, Step.AMBIGUOUS):
            attempt = Attempt(call, request.method, request.path, failure.request_id, decision.step is Step.AMBIGUOUS)
            raise error_of(failure.fault, attempt, failure.reason)
        operation.count(failure.fault)
        self._meter.count_fault(is_throttling=failure.fault.is_throttling)
        if decision.step is Step.RENEW_TOKEN:
            self._tokens.renew(operation.token, failure.claims)
        elif decision.step is Step.WAIT:
            self._limiter.wait(decision.seconds)


def _common_pause(decision: Decision, fault: Fault, policy: RetryPolicy) -> float:
    """Seconds for which nobody of the scope may ask, also when this operation has no patience left for them."""
    if decision.step is Step.WAIT_TOGETHER:
        return decision.seconds
    return min(fault.retry_after or 0.0, policy.deadline)


@dataclasses.dataclass(slots=True)
class _Failure:
    """One attempt that gave nothing."""

    fault: Fault
    request_id: str
    reason: str = ""
    claims: str | None = None


class _Operation:
    """What one operation went through so far."""

    def __init__(self, policy: RetryPolicy) -> None:
        self.policy = policy
        self.token = ""
        self._started: float | None = None
        self._counts: collections.Counter[Family] = collections.Counter()

    def begin(self, now: float) -> None:
        """Patience begins with the first attempt, not while waiting in line for it."""
        if self._started is None:
            self._started = now

    def history(self, now: float) -> History:
        return History(counts=self._counts, elapsed=now - (now if self._started is None else self._started))

    def count(self, fault: Fault) -> None:
        self._counts[fault.family] += 1
