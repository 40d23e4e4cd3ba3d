# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Calendar expressions of systemd.time(7), written down.

Repetitions are only written where they divide the hour or the day evenly, or with an end: systemd 252 carries others over the end of
a month or year, and leaves the first times of the next one out.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import itertools
import typing as t

from .calendar_spec import WEEKDAY_NAMES, CalendarSpec

_SHORTEST_RANGE = 3


def expression_of(spec: CalendarSpec) -> str:
    """The expression that means ``spec``, without a time zone."""
    weekdays = _listed(sorted(spec.weekdays), WEEKDAY_NAMES.__getitem__) + " " if spec.weekdays else ""
    years = "*" if spec.years is None else _listed(sorted(spec.years), str)
    months = "*" if spec.months is None else _listed(sorted(spec.months), _two_digits)
    days = "*" if spec.days is None else _listed(spec.days, _two_digits)
    times = ":".join((numbers_text(spec.hours, 24), numbers_text(spec.minutes, 60), numbers_text(spec.seconds, 60)))
    return f"{weekdays}{years}-{months}{f'~{spec.from_end}' if spec.from_end else f'-{days}'} {times}"


def numbers_text(numbers: t.Sequence[int], size: int) -> str:
    """Some of the numbers from 0 to ``size`` - 1, ascending: C(*), C(08..18), C(00/15), C(02..20/9) or C(01,02,30)."""
    if len(numbers) == size:
        return "*"
    steps = {later - earlier for earlier, later in itertools.pairwise(numbers)}
    if len(numbers) < _SHORTEST_RANGE or len(steps) > 1 or steps == {1}:
        return _listed(numbers, _two_digits)
    first, last, step = numbers[0], numbers[-1], steps.pop()
    if first < step and last + step >= size and size % step == 0:
        return f"{first:02d}/{step}"
    return f"{first:02d}..{last:02d}/{step}"


def _listed(numbers: t.Sequence[int], text: t.Callable[[int], str]) -> str:
    """The numbers with commas, and as a range where several follow one another."""
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and number == ranges[-1][-1] + 1:
            ranges[-1].append(number)
        else:
            ranges.append([number])
    return ",".join(f"{text(each[0])}..{text(each[-1])}" if len(each) >= _SHORTEST_RANGE else ",".join(map(text, each)) for each in ranges)


def _two_digits(number: int) -> str:
    return f"{number:02d}"
