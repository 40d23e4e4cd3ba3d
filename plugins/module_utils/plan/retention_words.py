# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A retention in words, and compared with another one. Pure.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

from .._text import count_text
from .retention import Retention

_HOURS_OF_DAY = 26
"""At most, where a clock is put back by two hours."""


def explain_retention(retention: Retention) -> str:
    """In words, to go after "keeps "."""
    if retention.keeps_everything:
        return "every restore point forever"
    kept = []
    if retention.keep_last:
        kept.append("the last restore point" if retention.keep_last == 1 else f"the last {retention.keep_last:,} restore points")
    buckets = [
        count_text(number, noun)
        for number, noun in (
            (retention.keep_hourly, "hour"),
            (retention.keep_daily, "day"),
            (retention.keep_weekly, "week"),
            (retention.keep_monthly, "month"),
            (retention.keep_yearly, "year"),
        )
        if number
    ]
    if buckets:
        kept.append(f"the newest one of each of the last {_enumerated(buckets)} that have one")
    if retention.keep_days:
        kept.append(f"all of the {count_text(retention.keep_days, 'day')} before the newest one")
    words = _enumerated(kept)
    if retention.minimum_age_days:
        words += f"; none goes before it is {count_text(retention.minimum_age_days, 'day')} old"
    return words


def is_shorter(before: Retention, after: Retention) -> bool:
    """Whether there can be restore points that ``before`` keeps and ``after`` does not.

    A rule for days also keeps what one for fewer weeks or months would: the newest restore point of a week is that of its day. The
    checkpoints of interrupted runs, which go as soon as a later run has finished, are not meant.
    """
    if after.keeps_everything:
        return False
    return before.keeps_everything or any(kept < needed for kept, needed in zip(_reach(after), _declared(before), strict=True))


def _declared(retention: Retention) -> tuple[int, ...]:
    return (
        retention.keep_last or 0,
        retention.keep_days or 0,
        retention.minimum_age_days or 0,
        retention.keep_hourly or 0,
        retention.keep_daily or 0,
        retention.keep_weekly or 0,
        retention.keep_monthly or 0,
        retention.keep_yearly or 0,
    )


def _reach(retention: Retention) -> tuple[int, ...]:
    """As L(_declared), with what the finer rules keep for the coarser ones."""
    last, days_back, age, hours, days, weeks, months, years = _declared(retention)
    days = max(days, hours // _HOURS_OF_DAY)
    weeks = max(weeks, days // 7)
    months = max(months, days // 31)
    years = max(years, months // 12, days // 366)
    return last, days_back, age, hours, days, weeks, months, years


def _enumerated(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
