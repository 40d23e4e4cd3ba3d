# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One operation against the service: limits, token, sending, and trying again, for every kind of request.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t

from .clock import Clock
from .error_bodies import parse_error_body
from .limiter import Limiter
from .limits import Budget, Cost, LimitScope, ScopeKind
from .operations import BrokenAnswer, Failure, Operation, Request, RequestIds, common_pause, id_of
from .outages import Outages
from .rate_limits import RateLimit, rate_limit_of
from .refusals import Attempt, Call, error_of, not_tried
from .retry import Decision, Fault, FaultKind, RetryPolicy, Step, Traits, backoff, decide, parse_retry_after
from .streams import Stream
from .tokens import challenged_claims
from .traffic import Meter, RequestKind, Traffic
from .transport import Incoming, Outgoing, TransportFault

_ERROR_BODY_LIMIT = 64 << 10
_UNREACHABLE_AT_START = 3
_SHORT_PAUSE = 5.0
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
        self._outages = Outages()
        self._request_ids = RequestIds()

    def perform(self, call: Call, request: Request, read: t.Callable[[Incoming], T], policy: RetryPolicy | None = None) -> T:
        """Send until the answer is a success and ``read`` took all of it.

        ``read`` is called anew for each attempt and must leave nothing behind when it fails.

        :raises GraphError: the subclass that fits; Cancelled.
        """
        operation = self._operation(call, request, policy)
        while True:
            with self._place(call, request, operation):
                outcome = self._exchange(call, request, read, operation)
                if not isinstance(outcome, Failure):
                    self._outages.note(call.scope, None, 0.0)
                    return outcome
                decision = self._settle(outcome, call, request, operation)
            self._act_on(decision, outcome, call, request, operation)

    @contextlib.contextmanager
    def open(self, call: Call, request: Request, policy: RetryPolicy | None = None) -> t.Iterator[Stream]:
        """Send until an answer begins well, and give it to be read while its place is held.

        :raises GraphError: the subclass that fits; Cancelled.
        """
        operation = self._operation(call, request, policy)
        while True:
            with self._place(call, request, operation):
                outcome = self._send(call, request, operation)
                if not isinstance(outcome, Failure):
                    self._outages.note(call.scope, None, 0.0)
                    attempt = Attempt(call, request.method, request.path, id_of(outcome, operation))
                    stream = Stream(outcome, attempt, self._count_piece)
                    try:
                        yield stream
                    finally:
                        outcome.close()
                        self._limiter.add_download(call.scope, stream.received)
                    return
                decision = self._settle(outcome, call, request, operation)
            self._act_on(decision, outcome, call, request, operation)

    def pause(self, attempt: int) -> None:
        """Let the time of a backoff pass before a broken stream is gone on with; ``attempt`` counts from 0.

        :raises Cancelled: before or while waiting.
        """
        self._meter.count_fault(is_throttling=False)
        self._limiter.wait(backoff(attempt, RetryPolicy(), self._random()))

    def traffic(self) -> Traffic:
        return self._meter.traffic(self._limiter.blocked_seconds())

    def budget(self, scope: LimitScope) -> Budget:
        return self._limiter.budget(scope)

    def cancel(self) -> None:
        self._limiter.cancel()

    def raise_if_cancelled(self) -> None:
        self._limiter.raise_if_cancelled()

    def close(self) -> None:
        self._sender.close()
        self._tokens.close()

    def _operation(self, call: Call, request: Request, policy: RetryPolicy | None) -> Operation:
        """A host that never answered is more likely misspelt, blocked or behind a wrong proxy than away for a while."""
        policy = self._outages.policy(call.scope, policy or RetryPolicy(), self._clock.monotonic())
        if request.host not in self._answered_hosts:
            policy = dataclasses.replace(policy, unreachable=min(policy.unreachable, _UNREACHABLE_AT_START))
        return Operation(policy)

    @contextlib.contextmanager
    def _place(self, call: Call, request: Request, operation: Operation) -> t.Iterator[None]:
        cost = Cost(
            units=call.units,
            upload_bytes=request.upload_bytes,
            sharings=int(call.kind is RequestKind.SHARING and request.method != "GET"),
        )
        self._refuse_in_vain(call)
        with self._limiter.slot(call.scope, cost):
            operation.begin(self._clock.monotonic())
            self._meter.count_request(call.kind)
            yield

    def _refuse_in_vain(self, call: Call) -> None:
        """During an outage nobody waits for the end of a pause: it is longer than the run has reason to hope."""
        if self._outages.is_on(call.scope, self._clock.monotonic()) and self._limiter.closed_for(call.scope) > _SHORT_PAUSE:
            raise not_tried(call)

    def _exchange(self, call: Call, request: Request, read: t.Callable[[Incoming], T], operation: Operation) -> T | Failure:
        incoming = self._send(call, request, operation)
        if isinstance(incoming, Failure):
            return incoming
        try:
            return read(incoming)
        except TransportFault as fault:
            return Failure(Fault(fault.kind), id_of(incoming, operation), fault.reason)
        except BrokenAnswer as broken:
            return Failure(Fault(FaultKind.NO_JSON), id_of(incoming, operation), str(broken))
        finally:
            incoming.close()

    def _send(self, call: Call, request: Request, operation: Operation) -> Incoming | Failure:
        """The answer if it is one that a reader takes; the body is still to be read, and the answer to be closed."""
        operation.own_id = self._request_ids()
        headers = {"User-Agent": _USER_AGENT, "client-request-id": operation.own_id, **request.headers}
        if request.with_token:
            operation.token = self._tokens.token()
            headers["Authorization"] = f"Bearer {operation.token}"
        try:
            incoming = self._sender.send(Outgoing(request.method, request.host, request.target, headers, request.body))
        except TransportFault as fault:
            return Failure(Fault(fault.kind), operation.own_id, fault.reason)
        self._answered_hosts.add(request.host)
        rate_limit = self._heed_rate_limit(call, incoming)
        if 200 <= incoming.status < 300 or incoming.status in request.statuses:
            return incoming
        try:
            return self._refusal(incoming, id_of(incoming, operation), rate_limit)
        finally:
            incoming.close()

    def _heed_rate_limit(self, call: Call, incoming: Incoming) -> RateLimit | None:
        """SharePoint says on any answer what is left, once four fifths are used."""
        if call.scope.kind is not ScopeKind.DRIVES:
            return None
        rate_limit = rate_limit_of(incoming.headers)
        if rate_limit is not None:
            self._limiter.leave_only(call.scope, rate_limit.remaining, rate_limit.reset)
        return rate_limit

    def _refusal(self, incoming: Incoming, request_id: str, rate_limit: RateLimit | None) -> Failure:
        """Where the service names two times to wait, the longer one is meant (Microsoft's page on throttling in SharePoint)."""
        headers = incoming.headers
        claims = challenged_claims(headers.get("WWW-Authenticate")) if incoming.status == 401 else None
        retry_after = parse_retry_after(headers.get("Retry-After"), now=self._clock.wall(), server_date=headers.get("Date"))
        if rate_limit is not None and incoming.status == 429:
            retry_after = max(retry_after or 0.0, rate_limit.reset)
        body = parse_error_body(incoming.read_start(_ERROR_BODY_LIMIT))
        return Failure(Fault(FaultKind.STATUS, incoming.status, body, retry_after, claims is not None), request_id, claims=claims)

    def _count_piece(self, size: int) -> None:
        self._limiter.raise_if_cancelled()
        self._meter.count_received(size)

    def _settle(self, failure: Failure, call: Call, request: Request, operation: Operation) -> Decision:
        """What to do now; everybody of the scope is stopped while the place is still held."""
        traits = Traits(is_repeatable=request.is_repeatable, is_read=request.method == "GET" and request.with_token, is_fresh=call.is_fresh)
        history = operation.history(self._clock.monotonic())
        decision = decide(failure.fault, traits, history, operation.policy, self._random())
        if decision.step is Step.RENEW_TOKEN and not request.with_token:
            decision = Decision(Step.GIVE_UP)
        if pause := common_pause(decision, failure.fault, operation.policy):
            self._limiter.block(call.scope, pause)
        return decision

    def _act_on(self, decision: Decision, failure: Failure, call: Call, request: Request, operation: Operation) -> None:
        if decision.step in (Step.GIVE_UP, Step.AMBIGUOUS):
            self._outages.note(call.scope, failure.fault, self._clock.monotonic())
            attempt = Attempt(call, request.method, request.path, failure.request_id, decision.step is Step.AMBIGUOUS)
            raise error_of(failure.fault, attempt, failure.reason)
        operation.count(failure.fault)
        self._meter.count_fault(is_throttling=failure.fault.is_throttling)
        if decision.step is Step.RENEW_TOKEN:
            self._tokens.renew(operation.token, failure.claims)
        elif decision.step is Step.WAIT:
            self._limiter.wait(decision.seconds)
