# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Extended MAPI properties in the JSON of items: how to ask for them and how to read them. Pure.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import re
import typing as t

_TAGGED = re.compile(r"^\s*(\w+)\s+0x0*([0-9a-f]+)\s*$")


def expand_of(*names: str) -> str:
    """The C($expand) that brings the properties of these ids, such as C(Binary 0x300B)."""
    return "singleValueExtendedProperties($filter=" + " or ".join(f"id eq '{name}'" for name in names) + ")"


def value_of(fields: t.Mapping[str, t.Any], name: str) -> str | None:
    """The value of a property; None where the item has none."""
    for each in fields.get("singleValueExtendedProperties") or ():
        if isinstance(each, dict) and _normal(str(each.get("id"))) == _normal(name):
            value = each.get("value")
            return None if value is None else str(value)
    return None


def _normal(name: str) -> str:
    """The service answers C(String 0x37) when asked for C(String 0x0037), and in any case of letters."""
    lower = name.lower()
    match = _TAGGED.match(lower)
    return f"{match[1]} {match[2]}" if match else lower.strip()
