# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the repository of a plan holds of it, as far as applying the plan has to know.

This room does not read restore points. Whoever applies a plan hands in somebody who does.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t

if t.TYPE_CHECKING:
    import datetime

    from ..repository.repository import Repository
    from .model import BackupType, Plan
    from .retention import RestorePoint
    from .roster import KnownMember
    from .seats import SeatHolder


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BackedUp:
    """``members`` are those of the newest restore point, also those who have left, and ``types`` what it holds of them.

    ``count`` is how many restore points there are. ``points`` reads them for a decision about retention, which takes one request or
    more for each: call it only for one. ``other_seats`` are users of the other plans in the same repository. ``warnings`` are sentences
    about what could not be read.
    """

    members: tuple[KnownMember, ...] = ()
    types: frozenset[BackupType] = frozenset()
    count: int = 0
    points: t.Callable[[], t.Sequence[RestorePoint]] = tuple
    other_seats: tuple[SeatHolder, ...] = ()
    warnings: tuple[str, ...] = ()


class Backups(t.Protocol):
    """Reads restore points."""

    def read(self, repository: Repository, plan: Plan, now: datetime.datetime) -> BackedUp:
        """What the repository holds of the plan. Raises the errors of the repository room."""

    def count(self, repository: Repository, plan: Plan) -> int:
        """How many restore points of the plan there are. Raises the errors of the repository room."""
