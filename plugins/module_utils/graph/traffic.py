# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Counts of what went over the wire, for run records.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import collections
import dataclasses
import enum
import threading
import typing as t


class RequestKind(enum.Enum):
    """What a request is for."""

    LOGIN = "login"
    DIRECTORY = "directory"
    FOLDERS = "folders"
    DELTA = "delta"
    MESSAGE = "message"
    MIME = "mime"
    EXPORT = "export"
    WRITE = "write"
    DRIVE = "drive"
    FILE = "file"
    SHARING = "sharing"


@dataclasses.dataclass(frozen=True, slots=True)
class Traffic:
    """A frozen copy. ``requests`` counts every attempt by the value of its kind."""

    requests: t.Mapping[str, int]
    throttled_answers: int
    throttled_seconds: float
    retries: int
    received_bytes: int


class Meter:
    """Thread-safe counters."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: collections.Counter[str] = collections.Counter()
        self._throttled_answers = 0
        self._retries = 0
        self._received_bytes = 0

    def count_request(self, kind: RequestKind) -> None:
        with self._lock:
            self._requests[kind.value] += 1

    def count_received(self, size: int) -> None:
        with self._lock:
            self._received_bytes += size

    def count_fault(self, *, is_throttling: bool) -> None:
        with self._lock:
            self._retries += 1
            self._throttled_answers += is_throttling

    def traffic(self, throttled_seconds: float) -> Traffic:
        with self._lock:
            return Traffic(dict(self._requests), self._throttled_answers, throttled_seconds, self._retries, self._received_bytes)
