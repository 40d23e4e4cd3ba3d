# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The JSON Schema of a declared plan, and its errors in the words of the options.

Each part of the schema carries C(says): the end of the sentence that an administrator reads when that part does not
hold. So no error ever speaks of patterns, branches or schema paths. What is C(secretive) is not shown: people write
passwords into addresses.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t

from .. import _deps
from .._errors import InputError
from .model import MAILBOX_SOURCES, MOST_VERSIONS, NAME_PATTERN, BackupType
from .scan_schema import MALWARE_SCAN_SCHEMA
from .schedule import INTERVALS, Weekday, find_time_zone

if t.TYPE_CHECKING:
    import jsonschema

Schema = dict[str, t.Any]
Declaration = t.Mapping[str, t.Any]

_SINGLE_LINE = r"^[^\x00-\x1f\x7f]+\Z"


def _only_with(condition: str) -> Schema:
    return {"not": {}, "says": f"can only be given with {condition}"}


def _off_but_with(condition: str) -> Schema:
    return {"const": False, "says": f"can only be true with {condition}"}


def _switch() -> Schema:
    says = "must be true or false"
    return {
        "type": "object",
        "says": says,
        "properties": {"enabled": {"type": "boolean", "says": says}},
        "additionalProperties": False,
    }


def _names(what: str) -> Schema:
    return {
        "type": "array",
        "says": f"must be a list of {what}",
        "items": {"type": "string", "pattern": _SINGLE_LINE, "minLength": 1, "says": f"must be {what}, as text on one line"},
    }


def _count(what: str) -> Schema:
    return {"type": "integer", "minimum": 1, "maximum": 100_000, "says": f"must be a number of {what}, 1 or more"}


_TIME_OF_DAY: Schema = {
    "type": "string",
    "pattern": r"^([01][0-9]|2[0-3]):[0-5][0-9]\Z",
    "says": 'must be a time of day in quotes, such as "23:00" (without quotes YAML reads 23:00 as the number 1380)',
}

_SCHEDULE: Schema = {
    "type": "object",
    "properties": {
        "every": {
            "enum": [*INTERVALS, "daily", "weekly", "monthly"],
            "says": "must be hourly, daily, weekly, monthly, or an interval that fits evenly into a day: "
            "5, 6, 10, 12, 15, 20 or 30 minutes, or 2, 3, 4, 6, 8 or 12 hours (written like: 6 hours)",
        },
        "at": _TIME_OF_DAY,
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
    },
    "additionalProperties": False,
    "allOf": [
        {"oneOf": [{"required": ["every"]}, {"required": ["calendar"]}], "says": "needs exactly one of every and calendar"},
        {
            "if": {"properties": {"every": {"const": "weekly"}}, "required": ["every"]},
            "else": {"properties": {"weekday": _only_with("every: weekly")}},
        },
        {
            "if": {"properties": {"every": {"const": "monthly"}}, "required": ["every"]},
            "else": {"properties": {"day": _only_with("every: monthly")}},
        },
        {"if": {"required": ["calendar"]}, "then": {"properties": {"at": _only_with("every; a calendar expression has its own time")}}},
    ],
}

_RETENTION: Schema = {
    "type": "object",
    "properties": {
        "keep_last": _count("restore points"),
        "keep_hourly": _count("hours"),
        "keep_daily": _count("days"),
        "keep_weekly": _count("weeks"),
        "keep_monthly": _count("months"),
        "keep_yearly": _count("years"),
        "keep_days": _count("days"),
        "forever": {"type": "boolean", "says": "must be true or false"},
    },
    "additionalProperties": False,
    "allOf": [
        {
            "if": {"properties": {"forever": {"const": True}}, "required": ["forever"]},
            "then": {"maxProperties": 1, "says": "either keeps everything with forever or follows other rules, not both"},
            "else": {
                "anyOf": [{"required": [rule]} for rule in ("keep_last", "keep_hourly", "keep_daily", "keep_weekly")]
                + [{"required": [rule]} for rule in ("keep_monthly", "keep_yearly", "keep_days")],
                "says": "needs at least one rule, or forever: true",
            },
        }
    ],
}

_S3: Schema = {
    "type": "object",
    "properties": {
        "endpoint": {
            "type": "string",
            "pattern": r"^https?://[^/@?#\s\x00-\x1f\x7f]+/?\Z",
            "says": "must be an address such as https://s3.example.com:9000, without bucket, path and credentials",
            "secretive": True,
        },
        "region": {"type": "string", "pattern": r"^[A-Za-z0-9-]{1,64}\Z", "says": "must be the name of a region, such as eu-central-1"},
        "path_style": {"type": "boolean", "says": "must be true or false"},
        "ca_bundle": {"type": "string", "pattern": r"^/[^\x00-\x1f\x7f]*\Z", "says": "must be the absolute path of a file"},
        "profile": {"type": "string", "pattern": _SINGLE_LINE, "says": "must be the name of an AWS profile"},
    },
    "additionalProperties": False,
}

PLAN_SCHEMA: Schema = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {
        "name": {
            "type": "string",
            "pattern": NAME_PATTERN,
            "says": "must be 1 to 64 small letters, digits, hyphens and underscores, with a letter or digit at both ends",
        },
        "title": {
            "type": "string",
            "pattern": _SINGLE_LINE,
            "maxLength": 120,
            "says": "must be one line of 1 to 120 characters",
            "needed": "It is the name under which people know the plan.",
        },
        "users": _names("a user (sign-in name, mail address or object id)"),
        "groups": _names("a group (display name, mail address or object id)"),
        "backup_type": {
            "enum": [each.value for each in BackupType],
            "says": "must be mailbox or onedrive",
            "needed": "A plan backs up either the mailbox or the onedrive of its members.",
        },
        "schedule": _SCHEDULE,
        "retention": _RETENTION,
        "sources": {
            "type": "array",
            "minItems": 1,
            "items": {"enum": list(MAILBOX_SOURCES)},
            "says": f"must be one or more of {', '.join(MAILBOX_SOURCES)}",
        },
        "recoverable_items": {"type": "boolean", "says": "must be true or false"},
        "archive_mailboxes": {"type": "boolean", "says": "must be true or false"},
        "versions": {"type": "integer", "minimum": 0, "maximum": MOST_VERSIONS, "says": f"must be a number from 0 to {MOST_VERSIONS}"},
        "permissions": {"type": "boolean", "says": "must be true or false"},
        "encryption": _switch(),
        "malware_scan": MALWARE_SCAN_SCHEMA,
        "repository": {
            "type": "string",
            "pattern": r"^(/[^\x00-\x1f\x7f]*|s3://[^\x00-\x1f\x7f@]+|(?!s3:)[a-z][a-z0-9]*:[^\x00-\x1f\x7f@]+)\Z",
            "says": "must be the absolute path of a folder, or s3://bucket/prefix",
            "secretive": True,
            "needed": "It is the folder or the place in an object store that the backups are stored in.",
        },
        "s3": _S3,
    },
    "required": ["title", "backup_type", "repository"],
    "additionalProperties": False,
    "allOf": [
        {
            "anyOf": [
                {"required": ["users"], "properties": {"users": {"minItems": 1}}},
                {"required": ["groups"], "properties": {"groups": {"minItems": 1}}},
            ],
            "says": "The plan names nobody: give at least one entry in users or in groups",
        },
        {
            "if": {"properties": {"backup_type": {"const": BackupType.MAILBOX.value}}},
            "else": {
                "properties": {
                    "sources": _only_with("backup_type: mailbox"),
                    **{name: _off_but_with("backup_type: mailbox") for name in ("recoverable_items", "archive_mailboxes")},
                }
            },
        },
        {
            "if": {"properties": {"backup_type": {"const": BackupType.ONEDRIVE.value}}},
            "else": {"properties": {name: _only_with("backup_type: onedrive") for name in ("versions", "permissions")}},
        },
        {
            "if": {"properties": {"repository": {"type": "string", "pattern": "^s3://"}}},
            "else": {"properties": {"s3": _only_with("repository: s3://bucket/prefix")}},
        },
    ],
}


def check_declaration(declaration: Declaration) -> None:
    """Raise L(InputError) with a sentence for everything that is wrong with a declared plan. Absent options are left out, not None."""
    problems = list(_problems(declaration))
    if problems:
        raise InputError(" ".join(problems), hint="Nothing was changed.", facts={"problems": problems})


def _problems(declaration: Declaration) -> t.Iterator[str]:
    if _names_both_types(declaration.get("backup_type")):
        yield (
            "Option backup_type names both types, but a plan has exactly one backup type:"
            " declare this plan with one of them, and a second plan with its own title for the other."
        )
        declaration = {**declaration, "backup_type": BackupType.MAILBOX.value}
    validator = _deps.jsonschema.Draft202012Validator(PLAN_SCHEMA)
    errors = sorted(validator.iter_errors(declaration), key=lambda error: [str(part) for part in error.absolute_path])
    wrong_kinds = {tuple(error.absolute_path) for error in errors if error.validator == "type"}
    for error in errors:
        if error.validator == "type" or tuple(error.absolute_path) not in wrong_kinds:
            yield from _sentences(error)
    if not errors:
        yield from _schedule_problems(declaration.get("schedule") or {})


def _names_both_types(value: object) -> bool:
    text = str(value).lower()
    return text == "both" or all(each.value in text for each in BackupType)


def _sentences(error: jsonschema.ValidationError) -> t.Iterator[str]:
    place = _place(error.absolute_path)
    broken = t.cast(Schema, error.schema)
    instance: t.Any = error.instance
    if error.validator == "required":
        for option in broken["required"]:
            if option not in instance:
                yield f"Option {_join(place, option)} is missing. {broken['properties'][option]['needed']}"
    elif error.validator == "additionalProperties":
        for option in sorted(set(instance) - set(broken["properties"])):
            yield f"Option {_join(place, option)} is not known."
    elif error.validator == "type" and "says" not in broken:
        yield f"Option {place} must be a dictionary of options, not {_shown(instance)}."
    elif not place:
        yield f"{broken['says']}."
    elif isinstance(instance, dict) or error.validator == "not" or "secretive" in broken:
        yield f"Option {place} {broken['says']}."
    else:
        yield f"Option {place} {broken['says']}, not {_shown(instance)}."


def _place(path: t.Iterable[str | int]) -> str:
    """``("schedule", "weekday", 1)`` as an administrator would point at it: C(schedule.weekday, entry 2)."""
    place = ""
    for part in path:
        place = f"{place}, entry {part + 1}" if isinstance(part, int) else _join(place, part)
    return place


def _join(place: str, option: str) -> str:
    return f"{place}.{option}" if place else option


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _schedule_problems(schedule: Declaration) -> t.Iterator[str]:
    """What a schema cannot say: it knows no time zones and does not compare times."""
    zone = schedule.get("timezone")
    if zone is not None and find_time_zone(zone) is None:
        yield (
            f"Option schedule.timezone must be the name of a time zone that this machine knows, such as Europe/Berlin, not {_shown(zone)}."
            " If the name is right, the machine has no time zone database: install tzdata."
        )
    words = schedule.get("calendar", "").split()
    if words and find_time_zone(words[-1]) is not None:
        yield f"Option schedule.calendar ends with the time zone {words[-1]}: give it in schedule.timezone instead."
    interval = INTERVALS.get(schedule.get("every", ""))
    if interval and "at" in schedule:
        hours, minutes = schedule["at"].split(":")
        if int(hours) * 60 + int(minutes) >= interval:
            yield (
                f"Option schedule.at must be less than one interval after midnight, since it is the first time of each day"
                f" and the plan runs every {interval} minutes, not {_shown(schedule['at'])}."
            )
