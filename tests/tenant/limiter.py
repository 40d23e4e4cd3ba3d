# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Exchange's limits as Graph enforces them: per (app, mailbox) 4 at a time and 10,000 in 10 minutes (facts 6, 14.31-34)."""

from __future__ import annotations

import collections
import dataclasses
import typing as t

from .call import GraphError

if t.TYPE_CHECKING:
    from collections.abc import Callable

Key = tuple[str, str]  # client id, mailbox


@dataclasses.dataclass(slots=True)
class Limits:
    """Limits in force; None lifts one."""

    concurrency: int | None = 4
    requests: int | None = 10_000
    window_seconds: float = 600.0
    retry_after: float = 1.0
    upload_bytes: int | None = 150 * 1024 * 1024
    upload_window_seconds: float = 300.0
    reaction_seconds: float = 0.25  # a request that was on its way when the 429 left is no violation


@dataclasses.dataclass(slots=True)
class _Use:
    running: int = 0
    started: collections.deque[float] = dataclasses.field(default_factory=collections.deque)
    uploads: collections.deque[tuple[float, int]] = dataclasses.field(default_factory=collections.deque)
    uploaded: int = 0
    told_at: float = 0.0
    wait_until: float = 0.0


class Limiter:
    """Counts requests and refuses those beyond the limits; remembers who did not wait as told."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._use: dict[Key, _Use] = {}
        self.limits = Limits()
        self.violations: list[dict[str, t.Any]] = []

    def enter(self, key: Key) -> int:
        """Counts a request in; gives the concurrency with it. C(leave) must follow. Raises nothing."""
        use = self._use.get(key)
        if use is None:
            use = self._use[key] = _Use()
        now = self._clock()
        while use.started and use.started[0] <= now - self.limits.window_seconds:
            use.started.popleft()
        use.running += 1
        use.started.append(now)
        return use.running

    def leave(self, key: Key) -> None:
        use = self._use.get(key)
        if use is not None and use.running:  # the tenant may have been reset meanwhile
            use.running -= 1

    def check(self, key: Key, *, upload: int = 0) -> None:
        """Refuses a request that was counted in. Raises GraphError 429."""
        use = self._use[key]
        limits = self.limits
        now = self._clock()
        if limits.requests is not None and len(use.started) > limits.requests:
            over = len(use.started) - limits.requests
            wait = use.started[over - 1] + limits.window_seconds - now
            raise throttled("Application is over its RequestCount limit.", max(1.0, wait))
        if limits.concurrency is not None and use.running > limits.concurrency:
            raise throttled("Application is over its MailboxConcurrency limit.", limits.retry_after)
        if upload:
            self._check_upload(use, upload, now)

    def told_to_wait(self, key: Key, seconds: float) -> None:
        """Notes that a caller was just given this Retry-After."""
        use = self._use.setdefault(key, _Use())
        use.told_at = self._clock()
        use.wait_until = max(use.wait_until, use.told_at + seconds)

    def note_arrival(self, key: Key, description: str) -> None:
        """Records a violation if this request came before the time its sender was told."""
        use = self._use.get(key)
        if use is None or not use.wait_until:
            return
        now = self._clock()
        if now < use.wait_until and now > use.told_at + self.limits.reaction_seconds:
            self.violations.append(
                {"client_id": key[0], "mailbox": key[1], "early_by": round(use.wait_until - now, 3), "request": description}
            )

    def _check_upload(self, use: _Use, size: int, now: float) -> None:
        limits = self.limits
        while use.uploads and use.uploads[0][0] <= now - limits.upload_window_seconds:
            use.uploaded -= use.uploads.popleft()[1]
        use.uploads.append((now, size))
        use.uploaded += size
        if limits.upload_bytes is not None and use.uploaded > limits.upload_bytes:
            raise throttled(
                "Application is over its IncomingBytes limit.", max(1.0, use.uploads[0][0] + limits.upload_window_seconds - now)
            )


def throttled(message: str, wait: float) -> GraphError:
    """The 429 of Exchange, with Retry-After."""
    seconds = f"{wait:.3f}".rstrip("0").rstrip(".")
    return GraphError(429, "ApplicationThrottled", message, headers={"retry-after": seconds})
