# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is sent, and what becomes of it: one request with its attempts.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import collections
import dataclasses
import itertools
import typing as t
import uuid

from .retry import Decision, Family, Fault, History, RetryPolicy, Step
from .transport import Incoming


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


def common_pause(decision: Decision, fault: Fault, policy: RetryPolicy) -> float:
    """Seconds for which nobody of the scope may ask, also when this operation has no patience left for them."""
    if decision.step is Step.WAIT_TOGETHER:
        return decision.seconds
    return min(fault.retry_after or 0.0, policy.deadline)


def id_of(incoming: Incoming, operation: Operation) -> str:
    """By what Microsoft's support finds it; SharePoint's own hosts have another name for it."""
    return incoming.headers.get("request-id") or incoming.headers.get("SPRequestGuid") or operation.own_id


@dataclasses.dataclass(slots=True)
class Failure:
    """One attempt that gave nothing."""

    fault: Fault
    request_id: str
    reason: str = ""
    claims: str | None = None


class Operation:
    """What one operation went through so far."""

    def __init__(self, policy: RetryPolicy) -> None:
        self.policy = policy
        self.token = ""
        self.own_id = ""
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
