# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The parts of the schema of a plan that declare when it runs and how long restore points stay.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t

from .schedule import INTERVALS, Weekday, find_time_zone
from .schema_parts import BOOLEAN, TIME_OF_DAY, Declaration, Schema, count, only_with, shown

_DAY_MINUTES = 1_440
_RULES = ("keep_last", "keep_hourly", "keep_daily", "keep_weekly", "keep_monthly", "keep_yearly", "keep_days")

SCHEDULE_SCHEMA: Schema = {
    "type": "object",
    "properties": {
        "every": {
            "enum": [*INTERVALS, "daily", "weekly", "monthly"],
            "says": "must be hourly, daily, weekly, monthly, or an interval that fits evenly into a day: "
            "5, 6, 10, 12, 15, 20 or 30 minutes, or 2, 3, 4, 6, 8 or 12 hours (written like: 6 hours)",
        },
        "at": TIME_OF_DAY,
        "weekday": {
            "type": "array",
            "minItems": 1,
            "says": "must be a list of days of the week",
            "items": {"enum": [day.value for day in Weekday], "says": "must be a day of the week in English, such as monday"},
        },
        "day": {
            "type": "string",
            "pattern": r"^([1-9]|1[0-9]|2[0-8]|last)\Z",
            "says": "must be a day that every month has, 1 to 28, or last",
        },
        "timezone": {"type": "string", "minLength": 1, "says": "must be the name of a time zone, such as Europe/Berlin or UTC"},
        "calendar": {
            "type": "string",
            "pattern": r"^[A-Za-z0-9*:,./~ -]+\Z",
            "says": "must be a systemd calendar expression, such as Mon..Fri *-*-* 22:30",
        },
        "window": {
            "type": "object",
            "properties": {
                "start": {**TIME_OF_DAY, "needed": "It is the time of day from which on runs may begin."},
                "end": {**TIME_OF_DAY, "needed": "It is the time of day at which runs stop."},
            },
            "required": ["start", "end"],
            "additionalProperties": False,
        },
        "spread_minutes": {
            "type": "integer",
            "minimum": 0,
            "exclusiveMaximum": _DAY_MINUTES,
            "says": "must be a number of minutes of less than a day, 0 to 1439",
        },
    },
    "additionalProperties": False,
    "allOf": [
        {"oneOf": [{"required": ["every"]}, {"required": ["calendar"]}], "says": "needs exactly one of every and calendar"},
        {
            "if": {"properties": {"every": {"const": "weekly"}}, "required": ["every"]},
            "else": {"properties": {"weekday": only_with("every: weekly")}},
        },
        {
            "if": {"properties": {"every": {"const": "monthly"}}, "required": ["every"]},
            "else": {"properties": {"day": only_with("every: monthly")}},
        },
        {
            "if": {"required": ["calendar"]},
            "then": {
                "properties": {
                    "at": only_with("every; a calendar expression has its own time"),
                    "spread_minutes": only_with("every; a calendar expression begins exactly when it says"),
                }
            },
        },
    ],
}

RETENTION_SCHEMA: Schema = {
    "type": "object",
    "properties": {
        "keep_last": count("restore points"),
        "keep_hourly": count("hours"),
        "keep_daily": count("days"),
        "keep_weekly": count("weeks"),
        "keep_monthly": count("months"),
        "keep_yearly": count("years"),
        "keep_days": count("days"),
        "minimum_age_days": count("days"),
        "forever": BOOLEAN,
    },
    "additionalProperties": False,
    "allOf": [
        {
            "if": {"properties": {"forever": {"const": True}}, "required": ["forever"]},
            "then": {"maxProperties": 1, "says": "either keeps everything with forever or follows other rules, not both"},
            "else": {
                "anyOf": [{"required": [rule]} for rule in _RULES],
                "says": "needs at least one rule that begins with keep, or forever: true",
            },
        }
    ],
}


def declaration_problems(schedule: Declaration) -> t.Iterator[str]:
    """What a schema cannot say of a schedule that it accepts: it knows no time zones, and no intervals."""
    zone = schedule.get("timezone")
    if zone is not None and find_time_zone(zone) is None:
        yield (
            f"Option schedule.timezone must be the name of a time zone that this machine knows, such as Europe/Berlin, not {shown(zone)}."
            " If the name is right, the machine has no time zone database: install tzdata."
        )
    words = schedule.get("calendar", "").split()
    if words and find_time_zone(words[-1]) is not None:
        yield f"Option schedule.calendar ends with the time zone {words[-1]}: give it in schedule.timezone instead."
    interval = INTERVALS.get(schedule.get("every", ""))
    if interval and "at" in schedule and _minute(schedule["at"]) >= interval:
        yield (
            f"Option schedule.at must be less than one interval after midnight, since it is the first time of each day"
            f" and the plan runs every {interval} minutes, not {shown(schedule['at'])}."
        )


def _minute(time: str) -> int:
    """The minute of the day."""
    hours, minutes = time.split(":")
    return int(hours) * 60 + int(minutes)
