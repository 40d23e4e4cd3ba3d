# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a plan promises of the age of its backups. Pure.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t

from .schedule_times import longest_gap

if t.TYPE_CHECKING:
    from datetime import datetime, timedelta

    from .model import Plan


def promised_age(plan: Plan, now: datetime) -> timedelta | None:
    """How old a backup may be by the plan's own schedule: one run may fail. None where nothing starts the plan by itself."""
    gap = None if plan.schedule is None else longest_gap(plan.schedule, plan.name, after=now)
    return None if gap is None else 2 * gap
