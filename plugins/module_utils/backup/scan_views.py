# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of a stored content is shown to a malware engine, and as what.

Messages and files are shown as they are. Of an export stream the engine sees the MIME message that is made of it, because no
engine knows the stream; of an event, contact or task the texts that people wrote, because an engine sees nothing in JSON that
is escaped.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import json
import typing as t
from datetime import datetime
from enum import Enum

from ..graph.bodies import Body, collect
from ..repository.types import Path
from ..scan.verdict import Verdict, VerdictKind
from ..scan.verdicts import too_large, unscannable
from .fts_mime import fts_as_eml
from .layout import ARCHIVE, FOLDER_FILE, MAIL, META, ONEDRIVE, SETTINGS, is_parts

if t.TYPE_CHECKING:
    from ..scan.scanner import Content, Scanner

_IN_MEMORY = 4 << 20
_LONGEST_REASON = 300
_TOO_LARGE = "larger than the limit "


class ScanAs(str, Enum):
    """C(whole): as it is. C(stream): an export stream, as a MIME message. C(texts): the JSON of an item, its texts."""

    WHOLE = "whole"
    STREAM = "stream"
    TEXTS = "texts"


def scan_as(source: str, path: Path) -> ScanAs | None:
    """How a file inside the tree of a source is scanned; None for what is not: settings, and what this collection keeps for itself."""
    if path[0] == META:
        return ScanAs.WHOLE if source == ONEDRIVE and path[1:2] == ("versions",) else None
    if source == ONEDRIVE:
        return ScanAs.WHOLE
    if source == SETTINGS or path[-1] == FOLDER_FILE:
        return None
    if source in (MAIL, ARCHIVE):
        return ScanAs.WHOLE if source == MAIL else ScanAs.STREAM
    return ScanAs.WHOLE if is_parts("".join(path[-2:-1])) else ScanAs.TEXTS


def judge(scanner: Scanner, content: Content, how: ScanAs, *, size_limit: int, now: t.Callable[[], datetime]) -> Verdict:
    """Have a content scanned. Raises ScannerDown, TemporaryStorageFailed, and what reading the content raises."""
    if content.size > size_limit:
        return too_large(content.size, size_limit, scanner.engine, now())
    if how is ScanAs.STREAM:
        return _judge_stream(scanner, content)
    if how is ScanAs.TEXTS:
        return _judge_texts(scanner, content, now)
    return scanner.scan(content)


def was_too_large(verdict: Verdict) -> bool:
    """Whether a higher limit might give another verdict."""
    return verdict.kind is VerdictKind.UNSCANNABLE and verdict.reason.startswith(_TOO_LARGE)


def _judge_stream(scanner: Scanner, content: Content) -> Verdict:
    with fts_as_eml(content.chunks()) as mail:
        with collect(mail.chunks(every_body=True), _IN_MEMORY) as mime:
            verdict = scanner.scan(mime)
        trouble = "; ".join(filter(None, (mail.damage, *mail.problems)))
    if verdict.is_clean and trouble:
        reason = f"a part of the export stream could not be understood: {trouble}"[:_LONGEST_REASON]
        return dataclasses.replace(verdict, kind=VerdictKind.UNSCANNABLE, reason=reason)
    return verdict


def _judge_texts(scanner: Scanner, content: Content, now: t.Callable[[], datetime]) -> Verdict:
    try:
        document = json.loads(b"".join(content.chunks()))
    except ValueError:
        return unscannable("the item is no JSON", scanner.engine, now())
    text = "\n\n".join(_texts(document)).encode("utf-8", "replace")
    return scanner.scan(Body(text, None, len(text)))


def _texts(document: t.Any) -> t.Iterator[str]:
    """The text of an item, and those of the exceptions of a series."""
    if not isinstance(document, dict):
        return
    body = document.get("body")
    for text in (body.get("content") if isinstance(body, dict) else None, document.get("personalNotes")):
        if isinstance(text, str) and text:
            yield text
    exceptions = document.get("exceptionOccurrences")
    for exception in exceptions if isinstance(exceptions, list) else ():
        yield from _texts(exception)
