# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How much of its history a plan may lose in one prune: a pure decision.

A retention that was shortened by mistake, a host with a wrong clock or a flood of new restore points can make most of
the history expire at once, and a wrong date the backups of many former members. History is measured in days that have a
restore point, so that thinning out the points of a day, which every prune of a plan with many runs a day does, counts for
nothing.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from .retention import RetentionDecision
from .roster import FREE_MEMBERS

DEFAULT_PERCENT = 50
MEMBER_PERCENT = 20
FREE_DAYS = 5
"""So many days may always go: of few days, losing most is how a short retention works."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class HistoryLoss:
    """Finished restore points that a prune removes, and days that have one now and none afterwards."""

    points: int
    points_before: int
    days: int
    days_before: int

    @property
    def percent(self) -> float:
        """Of the days."""
        return 100 * self.days / self.days_before if self.days_before else 0.0

    def exceeds(self, max_percent: int) -> bool:
        """Whether it is more than may go without being asked for."""
        return self.days > FREE_DAYS and self.percent > max_percent


def history_loss(decisions: t.Iterable[RetentionDecision], time_zone: datetime.tzinfo) -> HistoryLoss:
    """What the decisions about a plan's points mean for its history. Days are those of ``time_zone``."""
    finished = [each for each in decisions if not each.point.is_checkpoint]
    kept = [each for each in finished if each.is_kept]
    days, days_kept = ({each.point.time.astimezone(time_zone).date() for each in points} for points in (finished, kept))
    return HistoryLoss(
        points=len(finished) - len(kept),
        points_before=len(finished),
        days=len(days - days_kept),
        days_before=len(days),
    )


def removes_too_many(removed: int, members: int, max_percent: int) -> bool:
    """Whether the backups of so many of the members of a plan, former ones too, are more than may go without being asked for.

    That is a fifth, unless ``max_percent`` was raised above its default for the occasion.
    """
    allowed = max_percent if max_percent > DEFAULT_PERCENT else MEMBER_PERCENT
    return removed > FREE_MEMBERS and 100 * removed > allowed * members
