# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Calendar expressions of systemd.time(7), taken apart.

The grammar is that of systemd's C(src/shared/calendarspec.c), but for three things that mean nothing for a plan: time zones
(a schedule has its own), moments since the epoch, and fractions of seconds.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import calendar
import dataclasses
import datetime
import re
import typing as t

from .._errors import InputError

FIRST_YEAR = 1970
LAST_YEAR = 2199
"""The years that systemd knows."""

WEEKDAY_NAMES = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CalendarSpec:
    """When an expression elapses: on days whose ``weekdays`` (0 is Monday), ``years``, ``months`` and ``days`` fit, at all its times.

    None stands for any. Numbers in tuples are ascending. Where days are counted from the last one of a month, which is 1, ``from_end``
    is how the expression lists them; else it is empty.
    """

    weekdays: frozenset[int] | None
    years: frozenset[int] | None
    months: frozenset[int] | None
    days: tuple[int, ...] | None
    from_end: str
    hours: tuple[int, ...]
    minutes: tuple[int, ...]
    seconds: tuple[int, ...]

    def days_of(self, year: int, month: int) -> tuple[int, ...]:
        """The days of that month on which it elapses, ascending."""
        if (self.years is not None and year not in self.years) or (self.months is not None and month not in self.months):
            return ()
        length = calendar.monthrange(year, month)[1]
        turned = length + 1 if self.from_end else 0
        numbers = range(1, length + 1) if self.days is None else self.days
        fitting = sorted(abs(turned - number) for number in numbers if number <= length)
        if self.weekdays is None:
            return tuple(fitting)
        first = datetime.date(year, month, 1).weekday()
        return tuple(day for day in fitting if (first + day - 1) % 7 in self.weekdays)


def parse_calendar(expression: str) -> CalendarSpec:
    """What the expression means. Raises L(InputError) that says which part systemd would not take."""
    if not expression:
        raise _wrong(expression, "it is empty")
    rest = _SHORTHANDS.get(expression.lower(), expression)
    weekdays, rest = _weekdays(rest)
    date_text, time_text = _date_and_time(rest)
    years, months, days, is_from_end = _date(date_text)
    if is_from_end:
        days = _with_ends(days or ())
    hours, minutes, seconds = _time(time_text)
    return CalendarSpec(
        weekdays=weekdays,
        years=_values(years, LAST_YEAR),
        months=_values(months, 12),
        days=None if days is None else tuple(sorted({day for part in days for day in _range_of(part, 31, is_from_end)})),
        from_end=",".join(map(_text, days or ())) if is_from_end else "",
        hours=_sorted(hours, 23),
        minutes=_sorted(minutes, 59),
        seconds=_sorted(seconds, 59),
    )


_SHORTHANDS: t.Mapping[str, str] = {
    "minutely": "*-*-* *:*:00",
    "hourly": "*-*-* *:00:00",
    "daily": "*-*-* 00:00:00",
    "weekly": "Mon *-*-* 00:00:00",
    "monthly": "*-*-01 00:00:00",
    "quarterly": "*-01,04,07,10-01 00:00:00",
    **dict.fromkeys(("yearly", "annually", "anually"), "*-01-01 00:00:00"),
    **dict.fromkeys(("semiannually", "semi-annually", "biannually", "bi-annually"), "*-01,07-01 00:00:00"),
}

_LONG_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WEEKDAY = re.compile("|".join((*_LONG_WEEKDAYS, *(name.lower() for name in WEEKDAY_NAMES))) + r"(?=[-., ]|\Z)", re.IGNORECASE)
_PART = re.compile(r"([0-9]+)(?:\.\.([0-9]+))?(?:/([0-9]+))?\Z")
_MOST_PARTS = 240


@dataclasses.dataclass(frozen=True, slots=True)
class _Part:
    """``start`` alone; or with ``step`` every so many up to ``stop``, and without ``stop`` as far as there are values."""

    start: int
    stop: int | None = None
    step: int = 0


_Parts = tuple[_Part, ...]


def _weekdays(text: str) -> tuple[frozenset[int] | None, str]:
    """The days of the week at the beginning, and the rest of the expression."""
    found: set[int] = set()
    range_from: int | None = None
    position = 0
    while match := _WEEKDAY.match(text, position):
        number = WEEKDAY_NAMES.index(match[0][:3].capitalize())
        if range_from is not None and range_from > number:
            raise _wrong(text, f"the days of the week {WEEKDAY_NAMES[range_from]}..{WEEKDAY_NAMES[number]} are in the wrong order")
        found.update(range(number if range_from is None else range_from, number + 1))
        position = match.end()
        separator = next((each for each in ("..", "-", ",") if text.startswith(each, position)), "")
        if separator in ("..", "-") and range_from is not None:
            raise _wrong(text, "a range of days of the week has more than two ends")
        range_from = number if separator in ("..", "-") else None
        position += len(separator)
        if position == len(text) or text[position] == " ":
            if range_from is not None:
                raise _wrong(text, "a range of days of the week has no end")
            rest = text[position:].lstrip(" ")
            return (frozenset(found) if len(found) < len(WEEKDAY_NAMES) else None), rest
        if not separator:
            raise _wrong(text, f"{text[position:]} does not begin a date or a time")
    if found:
        raise _wrong(text, f"{text[position:]} is no day of the week")
    return None, text


def _date_and_time(text: str) -> tuple[str, str]:
    """What says the days and what says the times; either may be left out."""
    first, *others = re.split(" +", text, maxsplit=1)
    if ":" in first or not first:
        return "*-*-*", text or "00:00:00"
    if not others or not others[0]:
        return first, "00:00:00"
    return first, others[0]


def _date(text: str) -> tuple[_Parts | None, _Parts | None, _Parts | None, bool]:
    pieces = re.split("[-~]", text)
    separators = re.findall("[-~]", text)
    if len(pieces) not in (2, 3) or "~" in separators[:-1]:
        raise _wrong(text, "it is no date, such as *-*-01, or with the last day of each month *-*~01")
    year, month, day = ["*", *pieces][-3:]
    from_end = separators[-1] == "~"
    years = _parts(year, FIRST_YEAR, LAST_YEAR, "year", number=_full_year)
    days = _parts(day, 1, 28 if from_end else 31, "day", is_from_end=from_end)
    return years, _parts(month, 1, 12, "month"), days, from_end and days is not None


def _time(text: str) -> tuple[_Parts | None, _Parts | None, _Parts | None]:
    pieces = text.split(":")
    if len(pieces) not in (2, 3):
        raise _wrong(text, "it is no time, such as 22:30")
    hour, minute, second = [*pieces, "00"][:3]
    if re.search(r"[0-9]\.[0-9]", second):
        raise _wrong(text, "fractions of seconds are of no use for a backup")
    return _parts(hour, 0, 23, "hour"), _parts(minute, 0, 59, "minute"), _parts(second, 0, 59, "second")


def _full_year(number: int) -> int:
    """Two digits as systemd reads them: 70 to 99 lie in the last century."""
    return number + 2000 if number < 70 else number + 1900 if number < 100 else number


def _parts(
    text: str,
    lowest: int,
    highest: int,
    what: str,
    *,
    is_from_end: bool = False,
    number: t.Callable[[int], int] = lambda value: value,
) -> _Parts | None:
    """One component of a date or time; None for C(*). The limits are those of C(chain_valid) in systemd."""
    if text == "*":
        return None
    entries = text.split(",")
    if len(entries) > _MOST_PARTS:
        raise _wrong(text, f"more than {_MOST_PARTS} values are too many")
    found = []
    for entry in entries:
        match = _PART.match(entry)
        if match is None:
            raise _wrong(entry, f"it is no {what}, such as {lowest}, {lowest}..{lowest + 2} or {lowest}/2")
        part = _tidied(_Part(number(int(match[1])), number(int(match[2])) if match[2] else None, int(match[3] or bool(match[2]))))
        end = part.start if part.stop is None else part.stop
        if match[3] and int(match[3]) == 0:
            raise _wrong(entry, "a repetition of 0 would never end")
        if not (lowest <= part.start <= highest and part.start <= end <= highest and part.step <= highest - lowest):
            raise _wrong(entry, f"each {what} must lie between {lowest} and {highest}, and a range must go upwards")
        if part.step and part.stop is None and not (part.start - part.step >= lowest if is_from_end else part.start + part.step <= highest):
            raise _wrong(entry, f"after {part.start} there is no {what} to repeat it")
        found.append(part)
    return tuple(found)


def _tidied(part: _Part) -> _Part:
    """With a ``stop`` that is reached, or without when it is not even reached once."""
    if part.stop is None or part.stop < part.start or part.step == 0:
        return part
    stop = part.stop - (part.stop - part.start) % part.step
    return _Part(part.start) if stop == part.start else _Part(part.start, stop, part.step)


def _values(parts: _Parts | None, highest: int) -> frozenset[int] | None:
    return None if parts is None else frozenset(value for part in parts for value in _range_of(part, highest))


def _sorted(parts: _Parts | None, highest: int) -> tuple[int, ...]:
    values = _values(parts, highest)
    return tuple(range(highest + 1)) if values is None else tuple(sorted(values))


def _range_of(part: _Part, highest: int, is_from_end: bool = False) -> range:
    """The numbers that the part means. Days that are counted from the end are stepped through from the farthest one."""
    if part.step == 0:
        return range(part.start, part.start + 1)
    if is_from_end and part.stop is not None:
        return range(part.stop, part.start - 1, -part.step)
    return range(part.start, (highest if part.stop is None else part.stop) + 1, part.step)


def _with_ends(parts: _Parts) -> _Parts:
    """Days that are counted from the end, with repetitions as ranges: those go on towards the end of the month.

    Systemd allows the less the more there are of them: up to 28 in the first place, 25 in the second, 22 in the third.
    """
    in_order = sorted(set(parts), key=lambda part: (part.start, part.stop or -1, part.step))
    for place, part in enumerate(in_order, start=1):
        if (part.stop or part.start) > 31 - 3 * place:
            raise _wrong(_text(part), "systemd takes no list of days before the end of a month that goes so far back")
    return tuple(
        _Part(part.start - (part.start - 1) // part.step * part.step, part.start, part.step) if part.step and part.stop is None else part
        for part in in_order
    )


def _text(part: _Part) -> str:
    end = "" if part.stop is None else f"..{part.stop:02d}"
    return f"{part.start:02d}{end}" + (f"/{part.step}" if part.step > 1 else "")


def _wrong(text: str, why: str) -> InputError:
    return InputError(f"{text!r}: {why}")
