# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pieces that the schemas of a declared plan are made of.

Each piece carries C(says): the end of the sentence that an administrator reads when it does not hold. What is C(secretive) is not
shown: people write passwords into addresses. An option that others require carries C(needed), a sentence that says why.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import enum
import typing as t

Schema = dict[str, t.Any]
Declaration = t.Mapping[str, t.Any]

SINGLE_LINE = r"^(?=.*\S)[^\x00-\x1f\x7f]+\Z"
"""One line of text that is not blank."""
BOOLEAN: Schema = {"type": "boolean", "says": "must be true or false"}
TIME_OF_DAY: Schema = {
    "type": "string",
    "pattern": r"^([01][0-9]|2[0-3]):[0-5][0-9]\Z",
    "says": 'must be a time of day in quotes, such as "23:00" (without quotes YAML reads 23:00 as the number 1380)',
}


def only_with(condition: str) -> Schema:
    """What is nowhere else allowed, for the branch in which the condition does not hold."""
    return {"not": {}, "says": f"can only be given with {condition}"}


def off_but_with(condition: str) -> Schema:
    """What is false everywhere else, for the branch in which the condition does not hold."""
    return {"const": False, "says": f"can only be true with {condition}"}


def switch() -> Schema:
    """A part that is on or off, by its C(enabled)."""
    return {"type": "object", "says": BOOLEAN["says"], "properties": {"enabled": BOOLEAN}, "additionalProperties": False}


def names(what: str) -> Schema:
    """A list of texts."""
    return {
        "type": "array",
        "says": f"must be a list of {what}",
        "items": {"type": "string", "pattern": SINGLE_LINE, "says": f"must be {what}, as text on one line"},
    }


def count(what: str) -> Schema:
    """A number of something, at least one."""
    return {"type": "integer", "minimum": 1, "maximum": 100_000, "says": f"must be a number of {what}, 1 or more"}


def one_of(choices: type[enum.Enum]) -> Schema:
    """The value of one member of an enumeration."""
    words = [each.value for each in choices]
    return {"enum": words, "says": f"must be {', '.join(words[:-1])} or {words[-1]}"}


def some_of(choices: t.Iterable[str]) -> Schema:
    """A list of some words, not empty."""
    words = list(choices)
    item = {"enum": words, "says": f"must be one of {', '.join(words)}"}
    return {"type": "array", "minItems": 1, "items": item, "says": f"must be a list of one or more of {', '.join(words)}"}


def shown(value: object) -> str:
    """A wrong value in an error, not too long."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
