# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long it takes at least to read so much of drives. Pure.

Microsoft's limits are the bound: the work for a file is done by one core in a fraction of the time that its unit takes.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import math
import typing as t

from .limits import Budget
from .resource_units import MANY_ITEMS, ONE_ITEM

_ITEMS_A_PAGE = 1_000
"""Of the first listing of a drive; the service may give fewer than it is asked for."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DriveEstimate:
    """``units`` are resource units; ``seconds`` at least, None where the budget has no limits."""

    files: int
    bytes: int
    units: int
    seconds: float | None

    def as_dict(self) -> dict[str, t.Any]:
        """As modules return it."""
        minutes = None if self.seconds is None else math.ceil(self.seconds / 60)
        return {"files": self.files, "bytes": self.bytes, "resource_units": self.units, "minutes_at_least": minutes}


def drive_estimate(
    files: int, size: int, budget: Budget, *, drives: int = 1, is_listed: bool = False, with_versions: bool = False
) -> DriveEstimate:
    """To read so many files with so many bytes from so many drives.

    ``is_listed``: the listing of the drives is behind us. ``with_versions``: the earlier versions of each file are listed; how
    many there are, and what is shared with whom, nobody knows before.
    """
    units = files * (ONE_ITEM + (MANY_ITEMS if with_versions else 0))
    if not is_listed:
        units += (drives + files // _ITEMS_A_PAGE) * MANY_ITEMS
    return DriveEstimate(files=files, bytes=size, units=units, seconds=_seconds(units, size, budget))


def _seconds(units: int, size: int, budget: Budget) -> float | None:
    """A spent day costs the rest of it; within a day the minutes count."""
    bounds: list[float] = []
    if budget.requests is not None:
        bounds.append(units / budget.requests * budget.window)
    if budget.daily is not None:
        days, rest = divmod(units, budget.daily)
        bounds.append(days * budget.day + (rest / budget.requests * budget.window if budget.requests is not None else 0.0))
    if budget.download_bytes is not None:
        bounds.append(size / budget.download_bytes * budget.download_window)
    return max(bounds) if bounds else None
