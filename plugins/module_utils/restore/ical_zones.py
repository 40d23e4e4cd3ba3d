# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Time zones of events: found by the names that Exchange uses, and told to calendar programs as VTIMEZONE (RFC 5545, 3.6.5).

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import functools
import typing as t
import zoneinfo
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from .ical_text import line, text_line
from .windows_zones import IANA_NAMES

_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
# What is listed has to be right for as long as anybody looks into a calendar.
_LAST_YEAR = 2040
_LEAST_YEARS = 20
_PROVEN_YEARS = 4


@dataclass(frozen=True, slots=True)
class Change:
    """A moment at which the clocks of a zone are changed; C(wall) is what they show just before."""

    wall: datetime
    before: timedelta
    after: timedelta
    name: str
    is_summer: bool

    @property
    def rule(self) -> tuple[int, int, int, timedelta, timedelta, timedelta]:
        """Month, which week (-1 the last), weekday, time of the day, offsets: what recurs every year."""
        is_last = (self.wall + timedelta(days=7)).month != self.wall.month
        midnight = self.wall.replace(hour=0, minute=0, second=0)
        return (
            self.wall.month,
            -1 if is_last else (self.wall.day - 1) // 7 + 1,
            self.wall.weekday(),
            self.wall - midnight,
            self.before,
            self.after,
        )


def find_zone(name: str | None) -> zoneinfo.ZoneInfo | None:
    """The zone of a Windows or IANA name; None for one that nobody knows, such as C(tzone://Microsoft/Custom)."""
    if not name:
        return None
    try:
        return zoneinfo.ZoneInfo(IANA_NAMES.get(name, name))
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return None


def zone_lines(zone: zoneinfo.ZoneInfo, start: datetime) -> t.Iterator[bytes]:
    """The VTIMEZONE of a zone, for every time from the year of C(start) on."""
    yield line("BEGIN", "VTIMEZONE")
    yield text_line("TZID", zone.key)
    year = max(start.year - 1, 1970)
    changes = changes_from(zone, year)
    if not changes or changes[0].wall.year > year:
        moment = datetime(year, 1, 1, tzinfo=timezone.utc).astimezone(zone)
        offset = moment.utcoffset() or timedelta(0)
        yield from _observance("STANDARD", datetime(1970, 1, 1), offset, offset, moment.tzname() or zone.key)  # noqa: DTZ001
    for run in _runs(changes):
        yield from _run_lines(run, is_open=len(run) >= _PROVEN_YEARS and run[-1].wall.year >= _last_year(year))
    yield line("END", "VTIMEZONE")


@functools.lru_cache(maxsize=64)
def changes_from(zone: zoneinfo.ZoneInfo, year: int) -> tuple[Change, ...]:
    """The changes of the clocks from the beginning of a year on, for as many years as are listed."""
    changes = []
    moment = datetime(year, 1, 1, tzinfo=timezone.utc)
    end = moment.replace(year=_last_year(year) + 1)
    while moment < end:
        following = moment + timedelta(days=1)
        if _offset(moment.astimezone(zone)) != _offset(following.astimezone(zone)):
            changes.append(_exact(zone, moment, following))
        moment = following
    return tuple(changes)


def _exact(zone: zoneinfo.ZoneInfo, early: datetime, late: datetime) -> Change:
    """The one change between two moments."""
    before, after = _offset(early.astimezone(zone)), _offset(late.astimezone(zone))
    while late - early > timedelta(seconds=1):
        middle = early + timedelta(seconds=(late - early) // timedelta(seconds=2))
        if _offset(middle.astimezone(zone)) == before:
            early = middle
        else:
            late = middle
    local = late.astimezone(zone)
    return Change(late.replace(tzinfo=None) + before, before, after, local.tzname() or zone.key, bool(local.dst()))


def _last_year(year: int) -> int:
    return max(year + _LEAST_YEARS, _LAST_YEAR)


def _runs(changes: t.Iterable[Change]) -> list[list[Change]]:
    """Changes that recur by one rule in years that follow one another."""
    runs: list[list[Change]] = []
    latest: dict[tuple[object, ...], list[Change]] = {}
    for change in changes:
        run = latest.get(change.rule)
        if run is not None and run[-1].wall.year + 1 == change.wall.year:
            run.append(change)
        else:
            latest[change.rule] = [change]
            runs.append(latest[change.rule])
    return runs


def _run_lines(run: t.Sequence[Change], *, is_open: bool) -> t.Iterator[bytes]:
    """C(is_open): the rule goes on behind what was looked at."""
    first, last = run[0], run[-1]
    rule = b""
    if len(run) > 1:
        month, week, weekday, *_rest = first.rule
        # The end of the year serves as well as the moment itself, which some programs take for a local time.
        until = "" if is_open else f";UNTIL={last.wall.year}1231T235959Z"
        rule = line("RRULE", f"FREQ=YEARLY;BYMONTH={month};BYDAY={week}{_DAYS[weekday]}{until}")
    yield from _observance("DAYLIGHT" if first.is_summer else "STANDARD", first.wall, first.before, first.after, first.name, rule)


def _observance(kind: str, wall: datetime, before: timedelta, after: timedelta, name: str, rule: bytes = b"") -> t.Iterator[bytes]:
    yield line("BEGIN", kind)
    yield line("DTSTART", f"{wall:%Y%m%dT%H%M%S}") + rule
    yield line("TZOFFSETFROM", _offset_text(before))
    yield line("TZOFFSETTO", _offset_text(after))
    yield text_line("TZNAME", name)
    yield line("END", kind)


def _offset(moment: datetime) -> timedelta:
    return moment.utcoffset() or timedelta(0)


def _offset_text(offset: timedelta) -> str:
    seconds = int(offset.total_seconds())
    sign, seconds = ("-", -seconds) if seconds < 0 else ("+", seconds)
    text = f"{sign}{seconds // 3600:02d}{seconds // 60 % 60:02d}"
    return f"{text}{seconds % 60:02d}" if seconds % 60 else text
