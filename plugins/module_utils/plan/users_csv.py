# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A list of users as a file with comma-separated values, as Entra, the Microsoft 365 admin center and spreadsheets write it.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import typing as t

from .._errors import InputError

if t.TYPE_CHECKING:
    from pathlib import Path

_DELIMITERS = ",;\t"
_KNOWN_COLUMNS = (
    "userprincipalname",
    "upn",
    "username",
    "signinname",
    "memberobjectidoruserprincipalname",
    "objectid",
    "userid",
    "id",
    "mail",
    "email",
    "emailaddress",
    "primarysmtpaddress",
    "user",
)
"""Letters and digits of the names that the admin centers give to columns with what identifies a user, the best ones first."""

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+")
_TEMPLATE_VERSION = re.compile(r"version:v[0-9.]+", re.IGNORECASE)
_LISTED = 5


class _Row(t.NamedTuple):
    """``line`` is the number of the line where it begins, from 1."""

    line: int
    cells: list[str]


def read_users_csv(path: Path, column: str | None = None) -> tuple[str, ...]:
    """The users in a file, as sign-in names, mail addresses or object ids, in their order.

    ``column`` is the heading of the column that has them, None to find it by the headings of Microsoft. A file without
    headings may have one column. Raises L(InputError) that names the file and the lines that are wrong.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        hint = "The file has to be on the host that runs the task; check its path, owner and mode."
        raise InputError(f"The file {path} of option users_csv cannot be read: {error.strerror}.", hint=hint) from error
    try:
        return users_of_csv(content, column)
    except InputError as error:
        raise InputError(f"The file {path} of option users_csv {error.what}", hint=error.hint) from error


def users_of_csv(content: bytes, column: str | None = None) -> tuple[str, ...]:
    """The users in the content of such a file. The errors begin with a verb, since only the caller knows the file's name."""
    rows = _rows(_decoded(content))
    if not rows:
        raise InputError("is empty.", hint="Write one user on each line.")
    place, rows = _column(rows, column)
    users, wrong = [], []
    for row in rows:
        cell = row.cells[place].strip() if place < len(row.cells) else ""
        if _is_user(cell):
            users.append(cell)
        else:
            wrong.append(f"line {row.line:,} ({cell!r})" if cell else f"line {row.line:,} (nothing)")
    if wrong:
        more = f" and {len(wrong) - _LISTED:,} more" if len(wrong) > _LISTED else ""
        raise InputError(
            f"has no sign-in name, mail address or object id of a user in {', '.join(wrong[:_LISTED])}{more}.",
            hint="Correct these lines, or say in users_csv_column which column has the users.",
        )
    if not users:
        raise InputError("has headings and no users.", hint="Write one user on each line.")
    return tuple(users)


def _decoded(content: bytes) -> str:
    mark, encoding = next(((mark, name) for mark, name in _MARKS if content.startswith(mark)), (b"", "utf-8"))
    hint = "Save it as CSV UTF-8."
    try:
        text = content[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(f"is not text in UTF-8 or UTF-16: line {line:,} has letters in another encoding.", hint=hint) from error
    if "\0" in text:
        raise InputError("is not text in UTF-8, nor in UTF-16 with a byte order mark.", hint=hint)
    return text


def _rows(text: str) -> list[_Row]:
    """Rows that have something in them, without the lines that tell a program how to read the rest."""
    skipped = 0
    first, *_rest = text.splitlines() or [""]
    told = first[4:5] if first[:4].lower() == "sep=" else ""
    if told or _TEMPLATE_VERSION.match(first):
        text = text[len(first) :].removeprefix("\r").removeprefix("\n")
        skipped = 1
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=told or _delimiter(text), strict=True)
    rows = []
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append(_Row(line + skipped, cells))
            line = reader.line_num + 1
    except csv.Error as error:
        hint = "Look for a quotation mark that is not closed."
        raise InputError(f"is damaged from line {line + skipped:,} on: {error}.", hint=hint) from error
    return rows


def _delimiter(text: str) -> str:
    """The one that the first line has most of, outside of quotation marks."""
    heading = re.sub(r'"[^"]*"', "", next((line for line in text.splitlines() if line.strip()), ""))
    return max(_DELIMITERS, key=heading.count)


def _column(rows: list[_Row], column: str | None) -> tuple[int, list[_Row]]:
    """The place of the column with users, and the rows below the headings."""
    headings = [cell.strip() for cell in rows[0].cells]
    shown = ", ".join(repr(heading) for heading in headings)
    if column is not None:
        wanted = [place for place, heading in enumerate(headings) if heading.casefold() == column.strip().casefold()]
        if len(wanted) != 1:
            how_often = "several columns" if wanted else "no column"
            raise InputError(f"has {how_often} {column!r}. Its first line has {shown}.", hint="Correct users_csv_column.")
        return wanted[0], rows[1:]
    if any(_is_user(heading) for heading in headings):
        if len(headings) == 1:
            return 0, rows
        raise InputError(f"has several columns and no headings. Its first line has {shown}.", hint="Write headings into its first line.")
    known = [_KNOWN_COLUMNS.index(key) if (key := _key(heading)) in _KNOWN_COLUMNS else len(_KNOWN_COLUMNS) for heading in headings]
    if min(known) == len(_KNOWN_COLUMNS) and len(headings) > 1:
        raise InputError(
            f"has no column that is known to hold users. Its first line has {shown}.",
            hint="Say in users_csv_column which column has the users.",
        )
    return known.index(min(known)), rows[1:]


def _key(heading: str) -> str:
    """Templates of Entra write C(User name [userPrincipalName] Required)."""
    plain = heading.partition("[")[0]
    return re.sub(r"[^a-z0-9]", "", plain.casefold())


def _is_user(text: str) -> bool:
    return bool(_GUID.fullmatch(text) or _ADDRESS.fullmatch(text))
