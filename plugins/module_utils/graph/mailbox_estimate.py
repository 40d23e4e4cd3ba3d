# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many requests the first backup of mailboxes takes, and how long at least. Pure.

Each mailbox has a budget of its own, so the largest one decides. How much is read beside one another besides that is a matter of
the host.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import math
import typing as t

from .limits import Budget
from .mailbox_usage import MailboxUsage

_ITEMS_A_PAGE = 500
_REQUESTS_A_MAILBOX = 45
"""To ask for the folders of a new mailbox, and each of them for what is in it."""
_ANSWER_SECONDS = 0.1
"""What an answer takes when nothing is slow."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MailboxEstimate:
    """``seconds`` at least, None where the budget has no limits. ``archives`` come on top: nobody tells their size."""

    mailboxes: int
    items: int
    bytes: int
    requests: int
    archives: int
    seconds: float | None

    def as_dict(self) -> dict[str, t.Any]:
        """As modules return it."""
        minutes = None if self.seconds is None else math.ceil(self.seconds / 60)
        counts = {"mailboxes": self.mailboxes, "item_count": self.items, "bytes": self.bytes, "requests": self.requests}
        return {**counts, "archives": self.archives, "minutes_at_least": minutes}


def mailbox_estimate(usage: MailboxUsage, budget: Budget, *, with_archives: bool = False) -> MailboxEstimate:
    """To read these mailboxes; ``with_archives``: and what archives they have."""
    return MailboxEstimate(
        mailboxes=usage.mailboxes,
        items=usage.items,
        bytes=usage.bytes,
        requests=_requests(usage.items) + usage.mailboxes * _REQUESTS_A_MAILBOX,
        archives=usage.archives if with_archives else 0,
        seconds=_seconds(_requests(usage.largest) + _REQUESTS_A_MAILBOX, budget) if usage.mailboxes else 0.0,
    )


def _requests(items: int) -> int:
    """Each item is read by itself, after a page has named it."""
    return items + math.ceil(items / _ITEMS_A_PAGE)


def _seconds(requests: int, budget: Budget) -> float | None:
    """Of one mailbox. A spent window costs the rest of it; the last one is as long as its answers take."""
    if budget.requests is None:
        return None
    windows, rest = divmod(max(0, requests - 1), budget.requests)
    at_once = max(1, budget.concurrency)
    return max(windows * budget.window + (rest + 1) * _ANSWER_SECONDS / at_once, requests * _ANSWER_SECONDS / at_once)
