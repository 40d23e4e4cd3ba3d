# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The many spellings of a drive path, brought to one: C(drives/{drive}/items/{item}/tail) (facts A3, G).

Takes C(users/{user}/drive), C(me/drive), C(root), C(root:/a/b:/tail), C(items/{id}:/name:/tail), C(delta()) and
C(delta(token='...')), keys in brackets, and C(%21) for C(!).
"""

from __future__ import annotations

import typing as t
from urllib.parse import unquote

from .call import read_segments
from .drives import ME, USER


class DrivePath(t.NamedTuple):
    """Segments in the one form, and what the path says beside them: C(at) (a path below the item), C(token)."""

    segments: tuple[str, ...]
    values: dict[str, str]


def read_drive_path(raw_path: str) -> DrivePath | None:
    """C(raw_path) with its version, without a query; None for a path of no drive."""
    pieces = [piece for piece in raw_path.split("/") if piece][1:]
    head = _keyed(pieces[:1]) + pieces[1:]
    kind = head[0].lower() if head else ""
    if kind == "drives" and len(head) > 1:
        return _in_drive(unquote(head[1]), head[2:])
    if kind == ME:
        return _of_user(ME, head[1:])
    if kind == "users" and len(head) > 2:
        return _of_user(unquote(head[1]), head[2:])
    return None


def _of_user(user: str, rest: list[str]) -> DrivePath | None:
    name = rest[0].lower() if rest else ""
    if name == "drive":
        return _in_drive(USER + user, rest[1:])
    return DrivePath(("drives", USER + user, "all"), {}) if name == "drives" and len(rest) == 1 else None


def _in_drive(drive: str, rest: list[str]) -> DrivePath:
    if not rest:
        return DrivePath(("drives", drive), {})
    rest = _keyed(rest[:1]) + rest[1:]
    first = rest[0].lower()
    if first in ("root", "root:"):
        item, tail, opens = "root", rest[1:], first.endswith(":")
    elif first == "items" and len(rest) > 1:
        text = unquote(rest[1])
        item, tail, opens = text.removesuffix(":"), rest[2:], text.endswith(":")
    else:
        return DrivePath(("drives", drive, *map(unquote, rest)), {})
    values: dict[str, str] = {}
    if opens:
        values["at"], tail = _take_path(tail)
    names = [_function(piece, values) for piece in tail]
    return DrivePath(("drives", drive, "items", item, *names), values)


def _take_path(pieces: list[str]) -> tuple[str, list[str]]:
    """The names up to the closing colon, and what follows it."""
    names: list[str] = []
    for position, piece in enumerate(pieces):
        text = unquote(piece)
        if text.endswith(":"):
            return "/".join([*names, text[:-1]]).strip("/"), pieces[position + 1 :]
        names.append(text)
    return "/".join(names), []


def _keyed(pieces: list[str]) -> list[str]:
    """C(items('x')) as two pieces."""
    return [one for piece in pieces for one in (read_segments(piece) if piece.endswith("')") else (piece,))]


def _function(piece: str, values: dict[str, str]) -> str:
    """A segment of the tail without namespace and brackets; the arguments go to C(values)."""
    text = unquote(piece).removeprefix("microsoft.graph.")
    if not text.endswith(")"):
        return text
    name, _bracket, arguments = text[:-1].partition("(")
    for argument in arguments.split(",") if arguments else ():
        key, _equals, value = argument.partition("=")
        values[key.strip()] = value.strip().strip("'").replace("''", "'")
    return name
