# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a service fails at everything, so that no operation has to find that out patiently by itself.

A blocked app gets 503 for whatever it asks (Microsoft's page on throttling in SharePoint Online). With the patience of single
operations a run over a thousand drives would take hours to learn that nothing works.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import threading

from .limits import LimitScope, ScopeKind
from .retry import Fault, FaultKind, RetryPolicy

_FAILURES = 8
_SECONDS = 120.0


class Outages:
    """Thread-safe. An outage is: so many operations gave up in a row, over so long a time, and nothing worked meanwhile.

    It is looked for where all requests go to one service: with drives.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures = 0
        self._since = 0.0

    def note(self, scope: LimitScope, fault: Fault | None, now: float) -> None:
        """An operation ended: with this fault, None if it did not fail. A refusal of one request is a sign of life as well."""
        if scope.kind is not ScopeKind.DRIVES or (fault is None and not self._failures):
            return
        with self._lock:
            if fault is None or not _is_of_service(fault):
                self._failures = 0
                return
            if not self._failures:
                self._since = now
            self._failures += 1

    def is_on(self, scope: LimitScope, now: float) -> bool:
        return scope.kind is ScopeKind.DRIVES and self._failures >= _FAILURES and now - self._since >= _SECONDS

    def policy(self, scope: LimitScope, policy: RetryPolicy, now: float) -> RetryPolicy:
        """During an outage each operation asks once."""
        return dataclasses.replace(policy, other=1, heavy=1, missing=1, unreachable=1) if self.is_on(scope, now) else policy


def _is_of_service(fault: Fault) -> bool:
    if fault.kind is FaultKind.STATUS:
        return fault.is_throttling or (fault.status or 0) >= 500
    return fault.kind is not FaultKind.MISCONFIGURED
