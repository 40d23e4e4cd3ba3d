# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a plan runs and what its retention keeps, as results of modules show it. Pure.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t

from .recurrence_rule import recurrence_rule
from .retention_forecast import retention_forecast
from .retention_words import explain_retention
from .schedule_times import longest_gap, next_runs, on_calendar
from .schedule_words import explain

if t.TYPE_CHECKING:
    import datetime

    from .document import Document
    from .model import Plan

_NEXT_RUNS = 5


def schedule_facts(plan: Plan, now: datetime.datetime) -> Document | None:
    """None for a plan without a schedule."""
    schedule = plan.schedule
    if schedule is None:
        return None
    rule, gap = recurrence_rule(schedule, plan.name), longest_gap(schedule, plan.name, after=now)
    return {
        "explanation": explain(schedule, plan.name),
        "on_calendar": list(on_calendar(schedule, plan.name)),
        "next": [moment.isoformat() for moment in next_runs(schedule, plan.name, after=now, count=_NEXT_RUNS)],
        "longest_gap_hours": None if gap is None else round(gap.total_seconds() / 3600, 2),
        "catches_up": schedule.window is None,
        "rrule": rule.text,
        "rrule_reason": rule.reason,
    }


def retention_facts(plan: Plan, now: datetime.datetime) -> Document:
    """``forecast`` is what there will be once the rules have had the time to do their work."""
    forecast = None if plan.schedule is None else retention_forecast(plan.schedule, plan.retention, plan.name, now=now)
    return {
        "explanation": explain_retention(plan.retention),
        "forecast": None
        if forecast is None
        else {
            "restore_points": forecast.count,
            "oldest": None if forecast.oldest is None else forecast.oldest.isoformat(timespec="seconds"),
            "explanation": forecast.sentence(),
        },
    }
