# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Events and contacts that are attached to something, as the files that C($value) gives: iCalendar and vCard (facts 4)."""

from __future__ import annotations

import typing as t

Json = dict[str, t.Any]


def item_file(item: Json) -> bytes | None:
    """The file of an attached event or contact; None for any other item."""
    kind = item.get("@odata.type")
    if kind == "#microsoft.graph.event":
        return _file("VCALENDAR", [("VERSION", "2.0"), ("PRODID", "-//tenant//EN"), *_event(item)])
    if kind == "#microsoft.graph.contact":
        return _file("VCARD", [("VERSION", "3.0"), *_contact(item)])
    return None


def _event(item: Json) -> list[tuple[str, str]]:
    lines = [("BEGIN", "VEVENT"), ("SUMMARY", _text(item.get("subject")))]
    for name, line in (("start", "DTSTART"), ("end", "DTEND")):
        moment = (item.get(name) or {}).get("dateTime")
        if moment:
            lines.append((line, str(moment)[:19].replace("-", "").replace(":", "") + "Z"))
    return [*lines, ("END", "VEVENT")]


def _contact(item: Json) -> list[tuple[str, str]]:
    lines = [
        ("FN", _text(item.get("displayName"))),
        ("N", ";".join(_text(item.get(name)) for name in ("surname", "givenName", "middleName")) + ";;"),
    ]
    return lines + [("EMAIL", _text(one.get("address"))) for one in item.get("emailAddresses") or ()]


def _text(value: object) -> str:
    return str(value or "").replace("\\", "\\\\").replace("\n", "\\n").replace(",", "\\,").replace(";", "\\;")


def _file(kind: str, lines: list[tuple[str, str]]) -> bytes:
    return "".join(f"{name}:{value}\r\n" for name, value in (("BEGIN", kind), *lines, ("END", kind))).encode()
