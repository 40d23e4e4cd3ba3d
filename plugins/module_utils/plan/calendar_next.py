# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a calendar expression elapses, as systemd counts it.

What the clock on the wall shows decides. A time that daylight saving leaves out is left out; of a time that comes twice the first
one counts, so that nothing runs twice. Whoever asks within the repeated hour gets what is left of the second one.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import datetime
import itertools
import typing as t

from .calendar_spec import LAST_YEAR, CalendarSpec

_UTC = datetime.timezone.utc


def elapses(spec: CalendarSpec, zone: datetime.tzinfo, *, after: datetime.datetime) -> t.Iterator[datetime.datetime]:
    """The moments after ``after`` (an aware time) at which it elapses, in ``zone``, ascending. It ends with the years of systemd."""
    local = after.astimezone(zone).replace(tzinfo=None, fold=0)
    for day in days_from(spec, local.date()):
        for time in _times(spec):
            naive = datetime.datetime.combine(day, time)
            if naive > local:
                moment = _moment(naive, zone, after)
                if moment is not None:
                    yield moment


def elapses_on(spec: CalendarSpec, zone: datetime.tzinfo, day: datetime.date) -> tuple[datetime.datetime, ...]:
    """The moments of that day at which it elapses, whether or not the day is one of its days."""
    before = datetime.datetime.combine(day, datetime.time(), tzinfo=_UTC) - datetime.timedelta(days=2)
    moments = (_moment(datetime.datetime.combine(day, time), zone, before) for time in _times(spec))
    return tuple(moment for moment in moments if moment is not None)


def days_from(spec: CalendarSpec, first: datetime.date) -> t.Iterator[datetime.date]:
    """The days on which it elapses, from ``first`` on."""
    for year in range(first.year, LAST_YEAR + 1):
        for month in range(first.month if year == first.year else 1, 13):
            for number in spec.days_of(year, month):
                day = datetime.date(year, month, number)
                if day >= first:
                    yield day


def _times(spec: CalendarSpec) -> t.Iterator[datetime.time]:
    for hour, minute, second in itertools.product(spec.hours, spec.minutes, spec.seconds):
        yield datetime.time(hour, minute, second)


def _moment(naive: datetime.datetime, zone: datetime.tzinfo, after: datetime.datetime) -> datetime.datetime | None:
    """The first moment after ``after`` at which the clocks of ``zone`` show that time; None when they never do."""
    for fold in (0, 1):
        moment = naive.replace(tzinfo=zone, fold=fold)
        exact = moment.astimezone(_UTC)
        if exact > after and exact.astimezone(zone).replace(tzinfo=None, fold=0) == naive:
            return moment
    return None
