# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Time that passes when somebody waits, and a service that answers from a script."""

from __future__ import annotations

import io
import json
import threading
import typing as t

import urllib3

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.client import GraphClient
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.clouds import CLOUDS
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.limiter import Limiter
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.limits import Budgets, LimitScope
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.refusals import Call
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.requester import Requester
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.retry import FaultKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.traffic import Meter, RequestKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.transport import Incoming, Outgoing, TransportFault

ANNA = LimitScope.mailbox("anna")
READING = Call(scope=ANNA, kind=RequestKind.MESSAGE, doing="Reading message m of user anna", permission="Mail.Read")
WRITING = Call(scope=ANNA, kind=RequestKind.WRITE, doing="Creating message 'x' for user anna", permission="Mail.ReadWrite")
EPOCH = 1_790_000_000.0


class FakeClock:
    """For one thread: whoever waits lets the time pass."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def monotonic(self) -> float:
        return self.seconds

    def wall(self) -> float:
        return EPOCH + self.seconds

    def wait(self, condition: threading.Condition, seconds: float | None) -> None:
        if seconds is None:
            raise RuntimeError("nobody else could ever end this wait")
        self.seconds += seconds


class FakeTokens:
    """Tokens are numbered; a renewed one has the next number."""

    def __init__(self) -> None:
        self.current = 1
        self.claims: list[str | None] = []

    def token(self) -> str:
        return f"token-{self.current}"

    def renew(self, refused: str, claims: str | None = None) -> str:
        if refused == self.token():
            self.current += 1
            self.claims.append(claims)
        return self.token()

    def close(self) -> None:
        pass


class Answer:
    """One scripted answer. ``cut`` announces more bytes than come."""

    def __init__(self, status: int = 200, body: object = None, *, headers: t.Mapping[str, str] | None = None, cut: bool = False) -> None:
        self.status = status
        self.content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        self.headers = {"Content-Length": str(len(self.content) + 10 * cut), "request-id": "req-1", **(headers or {})}

    def incoming(self, host: str) -> Incoming:
        response = urllib3.HTTPResponse(
            body=io.BytesIO(self.content),
            status=self.status,
            headers=self.headers,
            preload_content=False,
            enforce_content_length=True,
            request_method="GET",
        )
        return Incoming(response, host)


def refusal(status: int, code: str, message: str = "", **headers: str) -> Answer:
    return Answer(status, {"error": {"code": code, "message": message}}, headers={k.replace("_", "-"): v for k, v in headers.items()})


class ScriptedSender:
    """Answers in order and remembers what it was asked; faults are raised. A function is called with the request."""

    def __init__(self, clock: FakeClock, script: t.Iterable[object]) -> None:
        self.requests: list[Outgoing] = []
        self.times: list[float] = []
        self._clock = clock
        self._script = iter(script)

    def send(self, request: Outgoing) -> Incoming:
        self.requests.append(request)
        self.times.append(self._clock.seconds)
        answer = next(self._script)
        if isinstance(answer, FaultKind):
            raise TransportFault(answer, f"scripted: {answer.value}")
        if not isinstance(answer, Answer):
            raise TypeError(f"the script holds {answer!r}")
        return answer.incoming(request.host)

    def close(self) -> None:
        pass


class Scene:
    """A client with scripted answers, a clock of its own, and no randomness."""

    def __init__(self, *script: object, budgets: Budgets | None = None) -> None:
        self.clock = FakeClock()
        self.tokens = FakeTokens()
        self.sender = ScriptedSender(self.clock, script)
        self.limiter = Limiter(self.clock, budgets)
        meter = Meter()
        requester = Requester(self.sender, self.tokens, self.limiter, meter=meter, clock=self.clock, random=lambda: 1.0)
        self.client = GraphClient(CLOUDS["global"], requester, meter)

    @property
    def waits(self) -> list[float]:
        """Seconds between the requests."""
        return [later - earlier for earlier, later in zip(self.sender.times, self.sender.times[1:], strict=False)]
