# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Numbers and lists as people read them.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t

_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")
_NAMED = 5
_DAY_MINUTES = 1_440


def size_text(size: int) -> str:
    """Bytes in the largest unit that leaves a number of at least one: C(1.5 MiB), C(812 bytes)."""
    value, unit = float(size), 0
    while value >= 1024 and unit < len(_UNITS) - 1:
        value, unit = value / 1024, unit + 1
    return f"{size:,} bytes" if unit == 0 else f"{value:,.1f} {_UNITS[unit]}"


def count_text(number: int, noun: str) -> str:
    """C(1 message), C(2,040 messages)."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def duration_text(minutes: int) -> str:
    """In the unit that one can imagine, rounded up: C(90 minutes), C(5 hours), C(8 days)."""
    if minutes < 120:
        return count_text(minutes, "minute")
    if minutes < 2 * _DAY_MINUTES:
        return count_text(-(-minutes // 60), "hour")
    return count_text(-(-minutes // _DAY_MINUTES), "day")


def listed_names(names: t.Sequence[str]) -> str:
    """The first few: C(a, b, c, d, e and 12 more)."""
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
