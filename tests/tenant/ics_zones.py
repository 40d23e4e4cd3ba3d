# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Times of iCalendar: in a zone that Exchange knows by some name, or in one that only the file describes."""

from __future__ import annotations

import datetime
import re
import typing as t

from .zones import CUSTOM, UTC, known_zone

if t.TYPE_CHECKING:
    from .content_lines import Component, Line

_STAMP = re.compile(r"^(\d{4})(\d{2})(\d{2})(?:T(\d{2})(\d{2})(\d{2})?(Z)?)?$")
_OFFSET = re.compile(r"^([+-])(\d{2})(\d{2})(\d{2})?$")


class Moment(t.NamedTuple):
    """A wall time, the zone in which it is kept, and the name under which Graph tells that zone."""

    wall: datetime.datetime
    zone: str
    told_as: str
    is_date: bool

    def json(self) -> dict[str, str]:
        return {"dateTime": self.wall.isoformat(), "timeZone": self.zone}


def read_moment(line: Line, calendar: Component) -> Moment:
    """The time of a line. Raises ValueError."""
    match = _STAMP.match(line.value.strip())
    if match is None:
        raise ValueError(f"{line.value!r} is no time")
    year, month, day, hour, minute, second = (int(text or 0) for text in match.groups()[:6])
    wall = datetime.datetime(year, month, day, hour, minute, second)  # noqa: DTZ001
    if match[4] is None:
        return Moment(wall, "UTC", "UTC", True)
    name = line.parameter("TZID").strip('"')
    if match[7] or not name:
        return Moment(wall, "UTC", "UTC", False)
    known = _known_name(name, calendar)
    if known is not None:
        return Moment(wall, known, known, False)
    return Moment(wall - _offset(name, wall, calendar), "UTC", CUSTOM, False)


def in_zone(moment: Moment, zone: str) -> datetime.datetime:
    """The wall time of a moment in another zone."""
    if moment.zone == zone or moment.is_date:
        return moment.wall
    return moment.wall.replace(tzinfo=known_zone(moment.zone) or UTC).astimezone(known_zone(zone) or UTC).replace(tzinfo=None)


def _known_name(name: str, calendar: Component) -> str | None:
    """Tries the name itself, the place that its description names, and the end of names like /vendor/version/Europe/Berlin."""
    pieces = name.split("/")
    described = [zone.text("X-LIC-LOCATION") for zone in calendar.below("VTIMEZONE") if zone.text("TZID") == name]
    candidates = [name, *described, "/".join(pieces[-2:]), "/".join(pieces[-3:])]
    return next((candidate for candidate in candidates if candidate and known_zone(candidate) is not None), None)


def _offset(name: str, wall: datetime.datetime, calendar: Component) -> datetime.timedelta:
    """The offset that the file's description gives: its rules are not followed, the onsets' months and days are compared."""
    best: tuple[tuple[int, int], datetime.timedelta] | None = None
    last: tuple[tuple[int, int], datetime.timedelta] | None = None
    for zone in calendar.below("VTIMEZONE"):
        if zone.text("TZID") != name:
            continue
        for part in zone.children:
            match, begin = _OFFSET.match(part.text("TZOFFSETTO").strip()), _STAMP.match(part.text("DTSTART").strip())
            if match is None or begin is None:
                continue
            offset = datetime.timedelta(hours=int(match[2]), minutes=int(match[3])) * (-1 if match[1] == "-" else 1)
            month = re.search(r"BYMONTH=(\d+)", part.text("RRULE"))
            onset = (int(month[1]) if month else int(begin[2]), int(begin[3]))
            last = max(last, (onset, offset)) if last is not None else (onset, offset)
            if onset <= (wall.month, wall.day):
                best = max(best, (onset, offset)) if best is not None else (onset, offset)
    found = best or last
    return found[1] if found is not None else datetime.timedelta()
