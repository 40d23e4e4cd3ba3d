# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The part of the schema of a plan that declares whom it covers, and what becomes of those who leave.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

from .model import LeaverPolicy, MailboxKind
from .schema_parts import BOOLEAN, SINGLE_LINE, Schema, count, names, one_of, only_with, some_of

SELECTOR_SCHEMAS: dict[str, Schema] = {
    "users": names("a user (sign-in name, mail address or object id)"),
    "groups": names("a group (display name, mail address or object id)"),
    "administrative_units": names("an administrative unit (display name or object id)"),
    "user_filter": {
        "type": "string",
        "pattern": SINGLE_LINE,
        "maxLength": 4_000,
        "says": "must be one OData filter over users as text on one line, such as department eq 'Sales'",
    },
    "on_premises_ous": {
        "type": "array",
        "says": "must be a list of distinguished names of organizational units",
        "items": {
            "type": "string",
            "pattern": r"^\s*[A-Za-z0-9.-]+\s*=[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*\Z",
            "says": "must be the distinguished name of an organizational unit, such as OU=Sales,DC=example,DC=com",
        },
    },
}
"""Ways to name people; a plan has them for those whom it covers, and below C(exclude) for those whom it does not."""

SELECTION_SCHEMAS: dict[str, Schema] = {
    **SELECTOR_SCHEMAS,
    "all_users": BOOLEAN,
    "exclude": {"type": "object", "properties": SELECTOR_SCHEMAS, "additionalProperties": False},
    "licensed_only": BOOLEAN,
    "include_guests": BOOLEAN,
    "mailbox_kinds": some_of(kind.value for kind in MailboxKind),
}

NAMES_SOMEBODY: Schema = {
    "anyOf": [
        *({"required": [option], "properties": {option: {"minItems": 1}}} for option in SELECTOR_SCHEMAS),
        {"required": ["all_users"], "properties": {"all_users": {"const": True}}},
    ],
    "says": "The plan names nobody: give at least one entry in users, groups, administrative_units or on_premises_ous, a user_filter,"
    " or all_users: true",
}

LEAVERS_SCHEMA: Schema = {
    "type": "object",
    "properties": {
        "policy": {
            **one_of(LeaverPolicy),
            "needed": "It says what becomes of the backups of people who are no members any more.",
        },
        "days": count("days"),
    },
    "additionalProperties": False,
    "required": ["policy"],
    "allOf": [
        {
            "if": {"properties": {"policy": {"const": LeaverPolicy.EXPIRE_AFTER_DAYS.value}}},
            "then": {"required": ["days"], "properties": {"days": {"needed": "So many days after they left, the backups of people go."}}},
            "else": {"properties": {"days": only_with("policy: expire_after_days")}},
        }
    ],
}

MEMBER_LOSS_SCHEMA: Schema = {"type": "integer", "minimum": 0, "maximum": 100, "says": "must be a percentage from 0 to 100"}
