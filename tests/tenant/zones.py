# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Time zones as Exchange names them (Windows or IANA names), and the times of events in them."""

from __future__ import annotations

import datetime
import functools
import re
import zoneinfo

from .call import GraphError

CUSTOM = "tzone://Microsoft/Custom"
UTC = datetime.timezone.utc
_TIME = re.compile(r"^(\d{4}-\d{2}-\d{2})(?:T(\d{2}:\d{2})(:\d{2})?(?:\.\d+)?)?(Z|[+-]\d{2}:\d{2})?$")
# The usual ones; the IANA name is that of the zone's main territory (Unicode CLDR, windowsZones).
WINDOWS_ZONES = {
    "Dateline Standard Time": "Etc/GMT+12",
    "Hawaiian Standard Time": "Pacific/Honolulu",
    "Alaskan Standard Time": "America/Anchorage",
    "Pacific Standard Time": "America/Los_Angeles",
    "Pacific Standard Time (Mexico)": "America/Tijuana",
    "US Mountain Standard Time": "America/Phoenix",
    "Mountain Standard Time": "America/Denver",
    "Central America Standard Time": "America/Guatemala",
    "Central Standard Time": "America/Chicago",
    "Central Standard Time (Mexico)": "America/Mexico_City",
    "Canada Central Standard Time": "America/Regina",
    "SA Pacific Standard Time": "America/Bogota",
    "Eastern Standard Time": "America/New_York",
    "US Eastern Standard Time": "America/Indiana/Indianapolis",
    "Venezuela Standard Time": "America/Caracas",
    "Atlantic Standard Time": "America/Halifax",
    "SA Western Standard Time": "America/La_Paz",
    "Pacific SA Standard Time": "America/Santiago",
    "Newfoundland Standard Time": "America/St_Johns",
    "E. South America Standard Time": "America/Sao_Paulo",
    "Argentina Standard Time": "America/Buenos_Aires",
    "SA Eastern Standard Time": "America/Cayenne",
    "Greenland Standard Time": "America/Godthab",
    "UTC-02": "Etc/GMT+2",
    "Azores Standard Time": "Atlantic/Azores",
    "Cape Verde Standard Time": "Atlantic/Cape_Verde",
    "UTC": "Etc/UTC",
    "GMT Standard Time": "Europe/London",
    "Greenwich Standard Time": "Atlantic/Reykjavik",
    "Morocco Standard Time": "Africa/Casablanca",
    "W. Europe Standard Time": "Europe/Berlin",
    "Central Europe Standard Time": "Europe/Budapest",
    "Romance Standard Time": "Europe/Paris",
    "Central European Standard Time": "Europe/Warsaw",
    "W. Central Africa Standard Time": "Africa/Lagos",
    "GTB Standard Time": "Europe/Bucharest",
    "Middle East Standard Time": "Asia/Beirut",
    "Egypt Standard Time": "Africa/Cairo",
    "E. Europe Standard Time": "Europe/Chisinau",
    "South Africa Standard Time": "Africa/Johannesburg",
    "FLE Standard Time": "Europe/Kiev",
    "Israel Standard Time": "Asia/Jerusalem",
    "Turkey Standard Time": "Europe/Istanbul",
    "Arabic Standard Time": "Asia/Baghdad",
    "Arab Standard Time": "Asia/Riyadh",
    "Belarus Standard Time": "Europe/Minsk",
    "Russian Standard Time": "Europe/Moscow",
    "E. Africa Standard Time": "Africa/Nairobi",
    "Iran Standard Time": "Asia/Tehran",
    "Arabian Standard Time": "Asia/Dubai",
    "Azerbaijan Standard Time": "Asia/Baku",
    "Caucasus Standard Time": "Asia/Yerevan",
    "Georgian Standard Time": "Asia/Tbilisi",
    "Afghanistan Standard Time": "Asia/Kabul",
    "West Asia Standard Time": "Asia/Tashkent",
    "Ekaterinburg Standard Time": "Asia/Yekaterinburg",
    "Pakistan Standard Time": "Asia/Karachi",
    "India Standard Time": "Asia/Calcutta",
    "Sri Lanka Standard Time": "Asia/Colombo",
    "Nepal Standard Time": "Asia/Katmandu",
    "Central Asia Standard Time": "Asia/Bishkek",
    "Bangladesh Standard Time": "Asia/Dhaka",
    "N. Central Asia Standard Time": "Asia/Novosibirsk",
    "Myanmar Standard Time": "Asia/Rangoon",
    "SE Asia Standard Time": "Asia/Bangkok",
    "North Asia Standard Time": "Asia/Krasnoyarsk",
    "China Standard Time": "Asia/Shanghai",
    "North Asia East Standard Time": "Asia/Irkutsk",
    "Singapore Standard Time": "Asia/Singapore",
    "W. Australia Standard Time": "Australia/Perth",
    "Taipei Standard Time": "Asia/Taipei",
    "Tokyo Standard Time": "Asia/Tokyo",
    "Korea Standard Time": "Asia/Seoul",
    "Yakutsk Standard Time": "Asia/Yakutsk",
    "Cen. Australia Standard Time": "Australia/Adelaide",
    "AUS Central Standard Time": "Australia/Darwin",
    "E. Australia Standard Time": "Australia/Brisbane",
    "AUS Eastern Standard Time": "Australia/Sydney",
    "West Pacific Standard Time": "Pacific/Port_Moresby",
    "Tasmania Standard Time": "Australia/Hobart",
    "Vladivostok Standard Time": "Asia/Vladivostok",
    "Central Pacific Standard Time": "Pacific/Guadalcanal",
    "New Zealand Standard Time": "Pacific/Auckland",
    "UTC+12": "Etc/GMT-12",
    "Fiji Standard Time": "Pacific/Fiji",
    "Tonga Standard Time": "Pacific/Tongatapu",
    "Samoa Standard Time": "Pacific/Apia",
}


@functools.lru_cache(maxsize=256)
def known_zone(name: str) -> datetime.tzinfo | None:
    """The zone of a name, or None for a name that nobody knows."""
    if name.lower() in ("utc", "gmt", "tzone://microsoft/utc", CUSTOM.lower()):
        return UTC
    iana = WINDOWS_ZONES.get(name, name)
    try:
        return zoneinfo.ZoneInfo(iana)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return None


def zone(name: object) -> datetime.tzinfo:
    """The zone of a name. Raises GraphError 400."""
    found = known_zone(str(name)) if name else None
    if found is None:
        raise GraphError(
            400,
            "TimeZoneNotSupportedException",
            f"A valid TimeZone value must be specified. The following TimeZone value is not supported: '{name or ''}'.",
        )
    return found


def wall_time(value: object) -> datetime.datetime:
    """The wall time of a C(dateTimeTimeZone), in its own zone. Raises GraphError 400."""
    if not isinstance(value, dict):
        raise _bad_time(value)
    moment = parse_time(value.get("dateTime"))
    zone(value.get("timeZone"))
    return moment.astimezone(zone(value["timeZone"])).replace(tzinfo=None) if moment.tzinfo is not None else moment


def parse_time(text: object) -> datetime.datetime:
    """A time as clients write it, with or without an offset. Raises GraphError 400."""
    match = _TIME.match(str(text))
    if match is None:
        raise _bad_time(text)
    try:
        moment = datetime.datetime.fromisoformat(f"{match[1]}T{match[2] or '00:00'}{match[3] or ':00'}")
    except ValueError:
        raise _bad_time(text) from None
    if match[4] is None:
        return moment
    offset = UTC if match[4] == "Z" else datetime.datetime.fromisoformat(f"2000-01-01T00:00:00{match[4]}").tzinfo
    return moment.replace(tzinfo=offset)


def in_utc(wall: datetime.datetime, zone_name: str) -> datetime.datetime:
    """A wall time of a zone as a moment."""
    return wall.replace(tzinfo=zone(zone_name)).astimezone(UTC)


def time_json(moment: datetime.datetime, zone_name: str) -> dict[str, str]:
    """A moment as C(dateTimeTimeZone) in a zone; a wall time (without zone) as it is."""
    wall = moment if moment.tzinfo is None else moment.astimezone(zone(zone_name))
    return {"dateTime": wall.strftime("%Y-%m-%dT%H:%M:%S.0000000"), "timeZone": zone_name}


def window(start: object, end: object) -> tuple[datetime.datetime, datetime.datetime]:
    """The moments of a C(startDateTime) and C(endDateTime) of a query. Raises GraphError 400."""
    if not start or not end:
        raise GraphError(
            400,
            "ErrorInvalidParameter",
            "This request requires a time window specified by the query string parameters StartDateTime and EndDateTime.",
        )
    first, last = (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC) for moment in map(parse_time, (start, end)))
    if first > last:
        raise GraphError(400, "ErrorInvalidParameter", "The 'start' time must be before the 'end' time.")
    return first, last


def _bad_time(text: object) -> GraphError:
    return GraphError(400, "ErrorPropertyValidationFailure", f"The property value '{text}' is not a valid DateTime.")
