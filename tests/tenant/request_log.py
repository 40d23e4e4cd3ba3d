# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The request log: what was asked, how it was answered, how many requests ran at that time."""

from __future__ import annotations

import collections
import dataclasses
import re
import typing as t

_LONG_TOKEN = re.compile(r"((?:token|tempauth)=)[^&]+")


@dataclasses.dataclass(slots=True)
class LogEntry:
    """One request. C(concurrency) counts requests of the same app on the same mailbox, this one included."""

    seq: int
    time: float
    method: str
    host: str
    path: str
    operation: str
    mailbox: str | None
    client_id: str
    status: int
    code: str | None
    concurrency: int
    bytes: int
    ms: float
    request_id: str
    fault: str | None = None
    units: int = 0


class RequestLog:
    """Bounded log; C(seq) starts at 1 and never repeats."""

    def __init__(self, limit: int = 300_000) -> None:
        self._entries: collections.deque[LogEntry] = collections.deque(maxlen=limit)
        self._seq = 0

    def next_seq(self) -> int:
        self._seq += 1
        return self._seq

    def append(self, entry: LogEntry) -> None:
        self._entries.append(entry)

    def since(self, seq: int) -> list[LogEntry]:
        """Entries with a higher number, in order of their end."""
        return [entry for entry in self._entries if entry.seq > seq]

    def clear(self) -> None:
        self._entries.clear()

    def stats(self) -> dict[str, t.Any]:
        """Counts by operation, status and the highest concurrency of each mailbox."""
        operations: collections.Counter[str] = collections.Counter()
        statuses: collections.Counter[str] = collections.Counter()
        concurrency: dict[str, int] = {}
        for entry in self._entries:
            operations[entry.operation] += 1
            statuses[str(entry.status)] += 1
            if entry.mailbox is not None:
                concurrency[entry.mailbox] = max(concurrency.get(entry.mailbox, 0), entry.concurrency)
        return {
            "requests": len(self._entries),
            "by_operation": dict(operations),
            "by_status": dict(statuses),
            "max_concurrency": concurrency,
            "throttled": statuses["429"],
        }


def without_secrets(path_and_query: str) -> str:
    """A path for the log: tokens in links are shortened away."""
    return _LONG_TOKEN.sub(r"\1...", path_and_query) if "token=" in path_and_query or "tempauth=" in path_and_query else path_and_query
