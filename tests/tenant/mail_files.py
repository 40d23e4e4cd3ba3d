# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Messages in files: which files hold mail, and where each message of an mbox begins and ends."""

from __future__ import annotations

import re
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_NOT_MAIL = frozenset({".tnef", ".csv", ".json", ".xml", ".md", ".tsv", ".py", ".pst"})
_NOT_MAIL_NAMES = re.compile(r"(licen[cs]e|readme|copying|notice|manifest)(\.(txt|rst))?", re.IGNORECASE)
_NOT_MAIL_STARTS = (b"\xd0\xcf\x11\xe0", b"\x78\x9f\x3e\x22")  # compound files (.msg under any name), TNEF
_SEPARATOR = re.compile(rb"^From .*\r?\n", re.MULTILINE)
_EMLX_LENGTH = re.compile(rb"\A(\d+)\s*\n")


class FoundMessage(t.NamedTuple):
    """A message: a byte range of a file. C(name) is the path below the folder searched, plus C(#n) inside an mbox."""

    name: str
    path: Path
    offset: int
    length: int


def find_messages(root: Path) -> Iterator[FoundMessage]:
    """All messages below C(root), in order of their names. What is not known to be something else counts as a message:
    a mail server takes the oddest bytes, too."""
    for path in sorted(root.rglob("*")):
        if not path.is_file() or path.suffix.lower() in _NOT_MAIL or _NOT_MAIL_NAMES.fullmatch(path.name):
            continue
        content = path.read_bytes()
        name = path.relative_to(root).as_posix()
        if content.startswith(_NOT_MAIL_STARTS):
            continue
        length = _EMLX_LENGTH.match(content) if path.suffix.lower() == ".emlx" else None
        if length is not None:
            yield FoundMessage(name, path, length.end(), int(length[1]))
        elif content.startswith(b"From ") and path.suffix.lower() != ".eml":
            yield from _split(name, path, content)
        else:
            yield FoundMessage(name, path, 0, len(content))


def _split(name: str, path: Path, content: bytes) -> Iterator[FoundMessage]:
    """Messages of an mbox, without the separator lines; a separator counts at the start or after an empty line."""
    starts = [match for match in _SEPARATOR.finditer(content) if match.start() == 0 or _after_empty_line(content, match.start())]
    for position, match in enumerate(starts):
        end = starts[position + 1].start() if position + 1 < len(starts) else len(content)
        if end > match.end():
            yield FoundMessage(f"{name}#{position + 1}", path, match.end(), end - match.end())


def _after_empty_line(content: bytes, position: int) -> bool:
    return content[max(0, position - 4) : position].endswith((b"\n\n", b"\r\n\r\n"))
