# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The schedule and the retention of a plan as plain dictionaries, in the shape of the module's options.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from .retention import Retention
from .schedule import (
    DEFAULT_AT,
    DEFAULT_TIME_ZONE,
    INTERVALS,
    Calendar,
    Daily,
    Interval,
    Monthly,
    Rule,
    Schedule,
    Weekday,
    Weekly,
    Window,
    interval_name,
)
from .schedule_times import schedule_problems
from .schema import refuse_problems

if t.TYPE_CHECKING:
    from .schema_parts import Declaration

Document = dict[str, t.Any]


def parse_schedule(declared: Declaration) -> Schedule:
    """The schedule that a valid declaration means. Raises L(InputError) for one that means nothing, such as no run in its window."""
    window = Window(**{side: _time(text) for side, text in declared["window"].items()}) if "window" in declared else None
    schedule = Schedule(
        rule=_rule(declared, window),
        time_zone=declared.get("timezone", DEFAULT_TIME_ZONE),
        window=window,
        spread_minutes=declared.get("spread_minutes", 0),
    )
    refuse_problems(schedule_problems(schedule))
    return schedule


def schedule_to_dict(schedule: Schedule) -> Document:
    """The declaration of a schedule, without a window and a spread that it does not have."""
    document = {**_rule_to_dict(schedule.rule), "timezone": schedule.time_zone}
    if schedule.window is not None:
        document["window"] = {"start": f"{schedule.window.start:%H:%M}", "end": f"{schedule.window.end:%H:%M}"}
    if schedule.spread_minutes:
        document["spread_minutes"] = schedule.spread_minutes
    return document


def retention_to_dict(retention: Retention) -> Document:
    """The declaration of a retention, with the rules that it has."""
    if retention.keeps_everything:
        return {"forever": True}
    return {rule: value for rule, value in dataclasses.asdict(retention).items() if value}


def _rule(declared: Declaration, window: Window | None) -> Rule:
    if "calendar" in declared:
        return Calendar(" ".join(declared["calendar"].split()))
    every = declared["every"]
    if every in INTERVALS:
        return Interval(INTERVALS[every], first=_time(declared.get("at", "00:00")))
    at = _time(declared["at"]) if "at" in declared else _default_time(window)
    if every == "weekly":
        return Weekly(tuple(day for day in Weekday if day.value in declared.get("weekday", ["sunday"])), at=at)
    if every == "monthly":
        day = declared.get("day", "1")
        return Monthly(None if day == "last" else int(day), at=at)
    return Daily(at)


def _default_time(window: Window | None) -> datetime.time:
    """Whoever declares a window and no time means that the plan begins when the window opens."""
    return window.start if window else DEFAULT_AT


def _time(text: str) -> datetime.time:
    return datetime.time.fromisoformat(text)


def _rule_to_dict(rule: Rule) -> Document:
    if isinstance(rule, Calendar):
        return {"calendar": rule.expression}
    if isinstance(rule, Interval):
        return {"every": interval_name(rule), "at": f"{rule.first:%H:%M}"}
    at = f"{rule.at:%H:%M}"
    if isinstance(rule, Weekly):
        return {"every": "weekly", "weekday": [day.value for day in rule.weekdays], "at": at}
    if isinstance(rule, Monthly):
        return {"every": "monthly", "day": "last" if rule.day is None else str(rule.day), "at": at}
    return {"every": "daily", "at": at}
