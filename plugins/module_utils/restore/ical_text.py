# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Content lines of iCalendar (RFC 5545, section 3.1) and vCard 3.0 (RFC 2425, section 5.8): escaped, quoted, folded.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import base64
import re
import typing as t
import urllib.parse

_LONGEST_LINE = 75
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_LINE_ENDS = re.compile(r"\r\n|\r|\n|\u2028|\u2029")
_ESCAPED = str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n"})
# RFC 6868: what a quoted parameter has no other way to say.
_IN_PARAMETERS = str.maketrans({"^": "^^", "\n": "^n", '"': "^'"})
_URI_SAFE = "!#$%&'()*+,-./:;=?@[]_~"

Parameters = t.Iterable[tuple[str, str]]


def line(name: str, value: str, parameters: Parameters = ()) -> bytes:
    """One property with a value that is escaped already, or needs no escaping; ended and folded."""
    text = name + "".join(f";{key}={_parameter(content)}" for key, content in parameters) + ":" + value
    return _folded(text.encode("utf-8", "replace"))


def text_line(name: str, value: t.Any, parameters: Parameters = ()) -> bytes:
    """One property with a text; nothing where the text is empty."""
    return line(name, escaped(str(value)), parameters) if value else b""


def list_line(name: str, values: t.Iterable[t.Any], parameters: Parameters = (), *, separator: str = ",") -> bytes:
    """One property with several texts; nothing where all are empty."""
    texts = [str(value or "") for value in values]
    return line(name, separator.join(escaped(text) for text in texts), parameters) if any(texts) else b""


def binary_lines(name: str, chunks: t.Iterable[bytes], parameters: Parameters = ()) -> t.Iterator[bytes]:
    """One property with bytes in base64, of any size."""
    # The head may be folded itself; what counts is how much room its last line leaves.
    done, fold, pending = line(name, "", parameters).removesuffix(b"\r\n").rpartition(b"\r\n")
    yield done + fold
    left = b""
    for chunk in chunks:
        data = left + chunk
        whole = len(data) - len(data) % 3
        left = data[whole:]
        pending += base64.b64encode(data[:whole])
        *full, pending = _cut(pending)
        yield b"".join(full)
    yield b"".join(_cut(pending + base64.b64encode(left))) + b"\r\n"


def _cut(pending: bytes) -> list[bytes]:
    """Whole lines, and the last one, which may go on."""
    lines, start = [pending[:_LONGEST_LINE]], _LONGEST_LINE
    while start < len(pending):
        lines[-1] += b"\r\n"
        lines.append(b" " + pending[start : start + _LONGEST_LINE - 1])
        start += _LONGEST_LINE - 1
    return lines


def escaped(text: str) -> str:
    """A text value: RFC 5545, section 3.3.11."""
    return plain(text).translate(_ESCAPED)


def plain(text: str) -> str:
    """Without characters that no text may have; lines end in one way."""
    return _CONTROLS.sub("", _LINE_ENDS.sub("\n", text)).encode("utf-8", "replace").decode("utf-8")


def uri(text: str) -> str:
    """An address that cannot break out of its line."""
    return urllib.parse.quote(_CONTROLS.sub("", text.strip()).encode("utf-8", "replace"), safe=_URI_SAFE)


def _parameter(value: str) -> str:
    text = plain(value).replace("\t", " ").translate(_IN_PARAMETERS)
    return f'"{text}"' if re.search(r"[:;,\s]", text) or not text else text


def _folded(content: bytes) -> bytes:
    """At most 75 bytes a line, and no character cut in two."""
    parts, start, room = [], 0, _LONGEST_LINE
    while len(content) - start > room:
        end = start + room
        while content[end] & 0xC0 == 0x80:
            end -= 1
        parts.append(content[start:end])
        start, room = end, _LONGEST_LINE - 1
    parts.append(content[start:])
    return b"\r\n ".join(parts) + b"\r\n"
