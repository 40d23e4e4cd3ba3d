# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Numbers as people read them.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")


def size_text(size: int) -> str:
    """Bytes in the largest unit that leaves a number of at least one: C(1.5 MiB), C(812 bytes)."""
    value, unit = float(size), 0
    while value >= 1024 and unit < len(_UNITS) - 1:
        value, unit = value / 1024, unit + 1
    return f"{size:,} bytes" if unit == 0 else f"{value:,.1f} {_UNITS[unit]}"


def count_text(number: int, noun: str) -> str:
    """C(1 message), C(2,040 messages)."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
