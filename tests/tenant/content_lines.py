# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lines that iCalendar (RFC 5545) and vCard (RFC 6350, and 2.1) files are made of. Tolerant: what cannot be read is left out.

Our own reader, as the tenant needs lines and components only, of files that libraries refuse, too.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import quopri
import re
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Iterator

_NAME = re.compile(r"^(?:([\w-]+)\.)?([\w-]+)((?:;(?:\"[^\"]*\"|[^\":;])*)*):(.*)$", re.DOTALL)
_PARAMETER = re.compile(r";([\w-]+)(?:=((?:\"[^\"]*\"|[^;\"])*))?")


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """C(NAME;PARAM=a,b:value); names in upper case, values of parameters as written."""

    name: str
    parameters: dict[str, str]
    value: str

    def parameter(self, name: str) -> str:
        return self.parameters.get(name, "")

    def text(self) -> str:
        """The value with its escapes resolved."""
        return unescape(self.value)

    def parts(self, separator: str = ";") -> list[str]:
        """The parts of a structured value, escapes resolved."""
        return [unescape(part) for part in re.split(rf"(?<!\\){separator}", self.value)]

    def content(self) -> bytes | None:
        """Bytes that the line carries itself (base64 or a data address); None for a reference to elsewhere."""
        encoding = self.parameter("ENCODING").upper()
        data = self.value
        if data.startswith("data:") and ";base64," in data:
            data = data.partition(";base64,")[2]
        elif encoding not in ("B", "BASE64"):
            return None
        try:
            return base64.b64decode(re.sub(r"\s+", "", data))
        except (binascii.Error, ValueError):
            return None


@dataclasses.dataclass(slots=True)
class Component:
    """What stands between C(BEGIN:name) and C(END:name)."""

    name: str
    lines: list[Line] = dataclasses.field(default_factory=list)
    children: list[Component] = dataclasses.field(default_factory=list)

    def first(self, name: str) -> Line | None:
        return next((line for line in self.lines if line.name == name), None)

    def all(self, name: str) -> list[Line]:
        return [line for line in self.lines if line.name == name]

    def text(self, name: str) -> str:
        line = self.first(name)
        return line.text() if line is not None else ""

    def below(self, name: str) -> Iterator[Component]:
        """Components of a name, at any depth."""
        for child in self.children:
            if child.name == name:
                yield child
            yield from child.below(name)


def read_components(content: bytes) -> Component:
    """The components of a file, below a nameless one."""
    root = Component("")
    open_ones = [root]
    for text in _unfolded(_decoded(content)):
        line = _line(text)
        if line is None:
            continue
        if line.name == "BEGIN":
            component = Component(line.value.strip().upper())
            open_ones[-1].children.append(component)
            open_ones.append(component)
        elif line.name == "END":
            names = [component.name for component in open_ones]
            if line.value.strip().upper() in names[1:]:
                del open_ones[len(names) - 1 - names[::-1].index(line.value.strip().upper()) :]
        else:
            open_ones[-1].lines.append(line)
    return root


def unescape(text: str) -> str:
    return re.sub(r"\\(.)", lambda match: "\n" if match[1] in "nN" else match[1], text, flags=re.DOTALL)


def _decoded(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def _unfolded(text: str) -> Iterator[str]:
    waiting = ""
    for line in re.split(r"\r\n|\n|\r", text):
        if line[:1] in (" ", "\t") and waiting:
            waiting += line[1:]
        elif waiting.endswith("=") and "QUOTED-PRINTABLE" in waiting.upper():
            waiting = waiting[:-1] + line
        else:
            if waiting.strip():
                yield waiting
            waiting = line
    if waiting.strip():
        yield waiting


def _line(text: str) -> Line | None:
    match = _NAME.match(text)
    if match is None:
        return None
    parameters: dict[str, str] = {}
    for name, value in _PARAMETER.findall(match[3]):
        if value or f"{name}=" in match[3]:
            known = parameters.get(name.upper())
            parameters[name.upper()] = value.strip('"') if known is None else f"{known},{value}"
        else:  # vCard 2.1 writes types without a name
            parameters["TYPE"] = f"{parameters['TYPE']},{name}" if "TYPE" in parameters else name
    value = match[4]
    if "QUOTED-PRINTABLE" in (parameters.get("ENCODING", "") + parameters.get("TYPE", "")).upper():
        charset = parameters.get("CHARSET", "utf-8")
        raw = quopri.decodestring(value.encode("utf-8"))
        try:
            value = raw.decode(charset)
        except (LookupError, UnicodeDecodeError):
            value = raw.decode("cp1252", "replace")
    return Line(match[2].upper(), parameters, value)
