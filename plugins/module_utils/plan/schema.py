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
from .schedule_schema import RETENTION_SCHEMA, SCHEDULE_SCHEMA, declaration_problems
from .schema_parts import BOOLEAN, SINGLE_LINE, Declaration, Schema, off_but_with, only_with, shown, some_of, switch
from .selection_schema import LEAVERS_SCHEMA, MEMBER_LOSS_SCHEMA, NAMES_SOMEBODY, SELECTION_SCHEMAS

if t.TYPE_CHECKING:
    import jsonschema

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
        "path_style": BOOLEAN,
        "ca_bundle": {"type": "string", "pattern": r"^/[^\x00-\x1f\x7f]*\Z", "says": "must be the absolute path of a file"},
        "profile": {"type": "string", "pattern": SINGLE_LINE, "says": "must be the name of an AWS profile"},
    },
    "additionalProperties": False,
}

_OF_MAILBOXES: Schema = {
    "if": {"properties": {"backup_type": {"const": BackupType.MAILBOX.value}}},
    "else": {
        "properties": {
            **{name: only_with("backup_type: mailbox") for name in ("sources", "mailbox_kinds")},
            **{name: off_but_with("backup_type: mailbox") for name in ("recoverable_items", "archive_mailboxes")},
        }
    },
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
            "pattern": SINGLE_LINE,
            "maxLength": 120,
            "says": "must be one line of 1 to 120 characters",
            "needed": "It is the name under which people know the plan.",
        },
        **SELECTION_SCHEMAS,
        "leavers": LEAVERS_SCHEMA,
        "max_member_loss_percent": MEMBER_LOSS_SCHEMA,
        "backup_type": {
            "enum": [each.value for each in BackupType],
            "says": "must be mailbox or onedrive",
            "needed": "A plan backs up either the mailbox or the onedrive of its members.",
        },
        "schedule": SCHEDULE_SCHEMA,
        "retention": RETENTION_SCHEMA,
        "sources": some_of(MAILBOX_SOURCES),
        "recoverable_items": BOOLEAN,
        "archive_mailboxes": BOOLEAN,
        "versions": {"type": "integer", "minimum": 0, "maximum": MOST_VERSIONS, "says": f"must be a number from 0 to {MOST_VERSIONS}"},
        "permissions": BOOLEAN,
        "encryption": switch(),
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
        NAMES_SOMEBODY,
        _OF_MAILBOXES,
        {
            "if": {"properties": {"backup_type": {"const": BackupType.ONEDRIVE.value}}},
            "else": {"properties": {name: only_with("backup_type: onedrive") for name in ("versions", "permissions")}},
        },
        {
            "if": {"properties": {"repository": {"type": "string", "pattern": "^s3://"}}},
            "else": {"properties": {"s3": only_with("repository: s3://bucket/prefix")}},
        },
    ],
}


_SELECTION_ONLY: Schema = {
    "type": "object",
    "properties": {name: PLAN_SCHEMA["properties"][name] for name in (*SELECTION_SCHEMAS, "backup_type")},
    "required": ["backup_type"],
    "additionalProperties": False,
    "allOf": [NAMES_SOMEBODY, _OF_MAILBOXES],
}
"""Whom a plan covers, and nothing else of it."""


def check_declaration(declaration: Declaration) -> None:
    """Raise L(InputError) with a sentence for everything that is wrong with a declared plan. Absent options are left out, not None."""
    refuse_problems(list(dict.fromkeys(_problems(declaration, PLAN_SCHEMA))))


def check_selection(declaration: Declaration) -> None:
    """The same for a declaration in which nothing but a selection and C(backup_type) is."""
    refuse_problems(list(dict.fromkeys(_problems(declaration, _SELECTION_ONLY))))


def refuse_problems(problems: t.Sequence[str]) -> None:
    """Raise L(InputError) with these sentences if there are any."""
    if problems:
        raise InputError(" ".join(problems), hint="Nothing was changed.", facts={"problems": list(problems)})


def _problems(declaration: Declaration, schema: Schema) -> t.Iterator[str]:
    if _names_both_types(declaration.get("backup_type")):
        yield (
            "Option backup_type names both types, but a plan has exactly one backup type:"
            " declare this plan with one of them, and a second plan with its own title for the other."
        )
        declaration = {**declaration, "backup_type": BackupType.MAILBOX.value}
    validator = _deps.jsonschema.Draft202012Validator(schema)
    errors = sorted(validator.iter_errors(declaration), key=lambda error: [str(part) for part in error.absolute_path])
    wrong_kinds = {tuple(error.absolute_path) for error in errors if error.validator == "type"}
    for error in errors:
        if error.validator == "type" or tuple(error.absolute_path) not in wrong_kinds:
            yield from _sentences(error)
    if not errors:
        yield from declaration_problems(declaration.get("schedule") or {})


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
        yield f"Option {place} must be a dictionary of options, not {shown(instance)}."
    elif not place:
        yield f"{broken['says']}."
    elif isinstance(instance, dict) or error.validator == "not" or "secretive" in broken:
        yield f"Option {place} {broken['says']}."
    else:
        yield f"Option {place} {broken['says']}, not {shown(instance)}."


def _place(path: t.Iterable[str | int]) -> str:
    """``("schedule", "weekday", 1)`` as an administrator would point at it: C(schedule.weekday, entry 2)."""
    place = ""
    for part in path:
        place = f"{place}, entry {part + 1}" if isinstance(part, int) else _join(place, part)
    return place


def _join(place: str, option: str) -> str:
    return f"{place}.{option}" if place else option
