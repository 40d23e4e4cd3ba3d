# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run cost, added up over the processes that took part.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

if t.TYPE_CHECKING:
    from ..graph.client import GraphClient
    from ..repository.writer import Writer


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Requests to Microsoft, seconds in which scopes were closed to us, and bytes by which the repository grew."""

    requests: int = 0
    throttled_seconds: float = 0.0
    stored_bytes: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            requests=self.requests + other.requests,
            throttled_seconds=self.throttled_seconds + other.throttled_seconds,
            stored_bytes=self.stored_bytes + other.stored_bytes,
        )


def usage_of(client: GraphClient, writer: Writer | None = None) -> Usage:
    """What a client and a writer did so far."""
    traffic = client.traffic()
    return Usage(
        requests=sum(traffic.requests.values()),
        throttled_seconds=traffic.throttled_seconds,
        stored_bytes=0 if writer is None else writer.stats.stored_bytes,
    )
