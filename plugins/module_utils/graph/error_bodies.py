# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a refusal says, whatever shape it has.

Graph, Exchange, SharePoint and the gateways in front of them answer with nested JSON in several spellings, with JSON
inside a message, with HTML, or with nothing. Codes count wherever they stand in the chain, in any case.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import json
import re
import typing as t

_MESSAGE_LIMIT = 300
_NESTING_LIMIT = 32
_LINK = re.compile(r"https?://[^\s\"'<>]+", re.IGNORECASE)
_REQUEST_ID_KEYS = ("request-id", "requestid")


@dataclasses.dataclass(frozen=True, slots=True)
class ErrorBody:
    """``code`` is the outermost code as sent; ``codes`` are all of them, in lower case."""

    code: str = ""
    message: str = ""
    codes: frozenset[str] = frozenset()
    request_id: str = ""
    is_empty: bool = False

    def names(self, *codes: str) -> bool:
        """Whether one of these codes, given in lower case, stands anywhere in the chain."""
        return not self.codes.isdisjoint(codes)


def parse_error_body(raw: bytes, request_id_header: str = "") -> ErrorBody:
    """Never fails: what cannot be understood becomes a message."""
    text = raw.decode("utf-8", "replace").strip("\ufeff \t\r\n")
    if not text:
        return ErrorBody(request_id=request_id_header, is_empty=True)
    document = _json_or_none(text)
    if document is None:
        return ErrorBody(message=_readable(text), request_id=request_id_header)
    found = _Findings()
    found.collect(document)
    return ErrorBody(
        code=found.codes[0] if found.codes else "",
        message=_readable(" ".join(found.messages[:1])),
        codes=frozenset(code.lower() for code in found.codes),
        request_id=request_id_header or found.request_id,
    )


class _Findings:
    """Codes and messages in the order in which a reader meets them, outermost first."""

    def __init__(self) -> None:
        self.codes: list[str] = []
        self.messages: list[str] = []
        self.request_id = ""

    def collect(self, document: t.Any) -> None:
        level: list[t.Any] = [document]
        for _depth in range(_NESTING_LIMIT):
            if not level:
                return
            level = [child for node in level for child in self._visit(node)]

    def _visit(self, node: t.Any) -> list[t.Any]:
        if isinstance(node, list):
            return node[:20]
        if not isinstance(node, dict):
            return []
        children: list[t.Any] = []
        for key, value in node.items():
            children += self._visit_member(str(key).lower(), value)
        return children

    def _visit_member(self, key: str, value: t.Any) -> list[t.Any]:
        if isinstance(value, (dict, list)):
            return [{"message": value.get("value")}] if key == "message" and isinstance(value, dict) else [value]
        if value is None or isinstance(value, bool):
            return []
        text = str(value).strip()
        if key in ("code", "error", "errorcode") and text:
            self.codes.append(text)
        elif key in ("message", "error_description") and text:
            inner = _json_or_none(text) if text[:1] in "{[" else None
            if isinstance(inner, (dict, list)):
                return [inner]
            self.messages.append(text)
        elif key in _REQUEST_ID_KEYS and text and not self.request_id:
            self.request_id = text
        return []


def _json_or_none(text: str) -> t.Any:
    try:
        return json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None


def _readable(text: str) -> str:
    """One short line without addresses, which may be pre-authenticated."""
    if text[:1] == "<":
        return "the answer is a web page, not JSON"
    line = _LINK.sub("<address>", " ".join(text.split()))
    return line if len(line) <= _MESSAGE_LIMIT else line[: _MESSAGE_LIMIT - 1] + "…"
