# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Times, ages and counts as the report writes them. No locale: the same summary gives the same page everywhere.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from .._text import count_text
from .html_markup import Markup, tag

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def day_text(moment: datetime) -> str:
    """C(23 Nov)."""
    return f"{moment.day} {_MONTHS[moment.month - 1]}"


def moment_text(moment: datetime) -> str:
    """C(23 Nov 2026, 21:10 UTC): the whole report is in one zone, since its hosts may be in several."""
    there = moment.astimezone(timezone.utc)
    return f"{day_text(there)} {there.year}, {there:%H:%M} UTC"


def moment(when: datetime | None, otherwise: str = "never") -> Markup:
    """For people and for programs."""
    if when is None:
        return tag("span", otherwise, class_="muted")
    return tag("time", moment_text(when), datetime=_machine_text(when))


def ago(when: datetime | None, now: datetime, otherwise: str = "never") -> Markup:
    """C(3 hours ago), with the moment itself for who points at it; C(otherwise) when there is none."""
    if when is None:
        return tag("span", otherwise, class_="muted")
    text = "just now" if now - when < _MINUTE else f"{span_text(now - when)} ago"
    return tag("time", text, datetime=_machine_text(when), title=moment_text(when))


def _machine_text(when: datetime) -> str:
    return f"{when.astimezone(timezone.utc):%Y-%m-%dT%H:%M:%SZ}"


def span_text(span: timedelta) -> str:
    """In the unit that one can imagine, rounded down: C(50 minutes), C(26 hours), C(9 days)."""
    if span < 2 * _HOUR:
        return count_text(max(0, span // _MINUTE), "minute")
    if span < 3 * _DAY:
        return count_text(span // _HOUR, "hour")
    return count_text(span // _DAY, "day")


def seconds_text(seconds: float) -> str:
    """How long something took: C(4 s), C(12 min), C(3.5 h)."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def short_number(value: float) -> str:
    """For an axis: C(950), C(12k), C(3.4M)."""
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= limit:
            return f"{value / limit:.1f}".removesuffix(".0") + unit
    return f"{value:.0f}"


def of_all(part: int, whole: int) -> str:
    """C(41 of 43)."""
    return f"{part:,} of {whole:,}"


def share(part: float, whole: float) -> float:
    """Between 0 and 1; nothing of nothing is nothing."""
    return part / whole if whole else 0.0
