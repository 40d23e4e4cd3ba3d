# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

r"""Who is in an organizational unit of the directory on premises, by distinguished names (RFC 4514). Pure.

Entra has no such units, and Graph does not filter by the distinguished name that it synchronizes, so names are compared here: relative
name by relative name, whatever the spelling (C(OU=A\,B) and C(ou = a\2Cb) are the same).

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import re
import typing as t

RelativeName: t.TypeAlias = tuple[tuple[str, str], ...]
DistinguishedName: t.TypeAlias = tuple[RelativeName, ...]

_PART = re.compile(r'((?:\\.|"(?:\\.|[^"\\])*"|[^\\",+])*)([,+]|\Z)', re.DOTALL)
_TYPE = re.compile(r"[A-Za-z][A-Za-z0-9-]*|[0-9]+(?:\.[0-9]+)*")
_ESCAPED = re.compile(r"((?:\\[0-9A-Fa-f]{2})+)|\\(.)", re.DOTALL)
_SPACES = re.compile(r"\s+")
_QUOTED = re.compile(r'"(.*)"', re.DOTALL)


def parse_name(text: str) -> DistinguishedName | None:
    """The relative names from the innermost to the root, in one spelling; None when the text is no distinguished name."""
    relative_names: list[RelativeName] = []
    values: list[tuple[str, str]] = []
    position = 0
    while True:
        part = _PART.match(text, position)
        value = None if part is None else _value(part.group(1))
        if part is None or value is None:
            return None
        values.append(value)
        if part.group(2) != "+":
            relative_names.append(tuple(sorted(values)))
            values = []
        if not part.group(2):
            return tuple(relative_names)
        position = part.end()


def is_below(name: DistinguishedName, unit: DistinguishedName) -> bool:
    """Whether the object lies in the unit, or in a unit inside it."""
    return len(name) > len(unit) and name[-len(unit) :] == unit


def ou_problem(text: str) -> str:
    """The end of a sentence for an administrator when the text is no distinguished name; empty when it is one."""
    if parse_name(text) is None:
        return "must be the distinguished name of an organizational unit, such as OU=Sales,DC=example,DC=com"
    return ""


def _value(assertion: str) -> tuple[str, str] | None:
    kind, separator, value = assertion.partition("=")
    kind = kind.strip()
    if not separator or not _TYPE.fullmatch(kind):
        return None
    inside_quotes = _QUOTED.fullmatch(value.strip())
    plain = _ESCAPED.sub(_unescaped, inside_quotes.group(1) if inside_quotes else value)
    plain = _SPACES.sub(" ", plain).strip().casefold()
    return (kind.casefold(), plain) if plain else None


def _unescaped(found: re.Match[str]) -> str:
    """Two hexadecimal digits are a byte of UTF-8; every other character stands for itself."""
    octets = found.group(1)
    return bytes.fromhex(octets.replace("\\", "")).decode("utf-8", "replace") if octets else found.group(2)
