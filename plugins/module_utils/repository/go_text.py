# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Text as Go writes it into JSON. Trees are named by the hash of their bytes, so every character counts.

Facts: Go's C(strconv.Quote) for names, C(time.RFC3339Nano) for times, C(encoding/json) for the rest.
"""

from __future__ import annotations

import json
import re
import typing as t
from datetime import datetime, timedelta, timezone

from .errors import Malformed

_SHORT = {"\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v", "\\": "\\\\", '"': '\\"'}
_SHORT_BACK = {escape[1]: char.encode() for char, escape in _SHORT.items()}
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|([abfnrtv\\\"]))", re.ASCII)
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:Z|([+-])(\d\d):(\d\d))", re.ASCII)
_JSON_ESCAPES = (("&", "\\u0026"), ("<", "\\u003c"), (">", "\\u003e"), ("\u2028", "\\u2028"), ("\u2029", "\\u2029"))


def name_bytes(name: str) -> bytes:
    """The bytes of a file name. Bytes that are no UTF-8 are Python's surrogate escapes; other surrogates raise ValueError."""
    return name.encode("utf-8", "surrogateescape")


def quote_name(name: str) -> str:
    """A file name as C(strconv.Quote) writes it, without the quotation marks around it."""
    if name.isprintable() and '"' not in name and "\\" not in name:
        return name
    return "".join(_quote_char(char) for char in name_bytes(name).decode("utf-8", "surrogateescape"))


def unquote_name(quoted: str) -> str:
    """Back from L(quote_name). Raises Malformed for what Go would refuse."""
    if "\\" not in quoted and '"' not in quoted and "\n" not in quoted:
        return quoted if quoted.isprintable() else _utf8(quoted).decode("utf-8")
    parts: list[bytes] = []
    position = 0
    while position < len(quoted):
        if quoted[position] == "\\":
            match = _ESCAPE.match(quoted, position)
            if match is None:
                raise Malformed("holds a name with an unknown escape")
            parts.append(_unescape(match))
            position = match.end()
            continue
        end = quoted.find("\\", position)
        end = len(quoted) if end < 0 else end
        literal = quoted[position:end]
        if '"' in literal or "\n" in literal:
            raise Malformed("holds a name with an unescaped character")
        parts.append(_utf8(literal))
        position = end
    return b"".join(parts).decode("utf-8", "surrogateescape")


def format_time(moment: datetime) -> str:
    """RFC 3339 in UTC without trailing zeros in the fraction. A time without zone raises ValueError."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    text = moment.astimezone(timezone.utc).replace(tzinfo=None).isoformat()
    return (text.rstrip("0") if "." in text else text) + "Z"


def parse_time(text: object) -> datetime:
    """RFC 3339 with up to nanoseconds, cut to microseconds, in UTC. Raises Malformed."""
    match = _TIME.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise Malformed("holds a time that is none")
    seconds, fraction, sign, hours, minutes = match.groups()
    try:
        moment = datetime.fromisoformat(seconds).replace(tzinfo=timezone.utc)
        if fraction:
            moment = moment.replace(microsecond=int(fraction[:6].ljust(6, "0")))
        if sign:
            offset = timedelta(hours=int(hours), minutes=int(minutes))
            moment = moment - offset if sign == "+" else moment + offset
    except (ValueError, OverflowError) as error:
        raise Malformed("holds a time that does not exist") from error
    return moment


def dump_json(value: object) -> bytes:
    """Compact JSON with the escapes that Go adds for the sake of HTML."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for char, escape in _JSON_ESCAPES:
        if char in text:
            text = text.replace(char, escape)
    return text.encode("utf-8", "replace")


def load_json_object(data: bytes) -> dict[str, t.Any]:
    """Raises Malformed unless ``data`` is a JSON object."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Malformed("is no valid JSON") from error
    if not isinstance(value, dict):
        raise Malformed("is no JSON object")
    return value


def is_integer(value: object) -> t.TypeGuard[int]:
    """Whether a value from JSON is an integer; true and false are none."""
    return isinstance(value, int) and not isinstance(value, bool)


def _quote_char(char: str) -> str:
    if short := _SHORT.get(char):
        return short
    if char.isprintable():
        return char
    code = ord(char)
    if code < 0x20 or code == 0x7F:
        return f"\\x{code:02x}"
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _unescape(match: re.Match[str]) -> bytes:
    byte, short_rune, long_rune, octal, letter = match.groups()
    if letter:
        return _SHORT_BACK[letter]
    if byte or octal:
        value = int(byte, 16) if byte else int(octal, 8)
        if value > 0xFF:
            raise Malformed("holds a name with an escape beyond a byte")
        return bytes((value,))
    rune = int(short_rune or long_rune, 16)
    if rune > 0x10FFFF or 0xD800 <= rune <= 0xDFFF:
        raise Malformed("holds a name with an escape that is no character")
    return chr(rune).encode("utf-8")


def _utf8(text: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise Malformed("holds a name that is no Unicode text") from error
