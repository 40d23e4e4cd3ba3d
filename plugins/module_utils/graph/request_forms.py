# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How requests and answers are written: headers, bodies, and what goes to an address that needs no token.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import json
import typing as t

from .ids import Fields
from .links import DownloadAddress, UploadAddress
from .operations import BrokenAnswer, Request


def encoded(body: Fields) -> bytes:
    """UTF-8, but escapes where a text holds half of a surrogate pair, which UTF-8 cannot carry."""
    try:
        return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    except UnicodeEncodeError:
        return json.dumps(body, separators=(",", ":")).encode("ascii")


def decoded(content: bytes) -> Fields:
    """The one object of an answer. Raises BrokenAnswer."""
    try:
        document = json.loads(content, strict=False)
    except (ValueError, RecursionError):
        raise BrokenAnswer(f"the answer of {len(content):,} bytes is not complete JSON") from None
    if not isinstance(document, dict):
        raise BrokenAnswer("the answer is JSON, but not an object")
    return document


def json_headers(prefer: t.Sequence[str] = (), more: t.Mapping[str, str] | None = None) -> dict[str, str]:
    return {"Accept": "application/json", "Accept-Encoding": "gzip", **prefer_header(prefer), **(more or {})}


def prefer_header(prefer: t.Sequence[str]) -> dict[str, str]:
    return {"Prefer": ", ".join(prefer)} if prefer else {}


def unsigned(method: str, address: UploadAddress) -> Request:
    """A question about an upload, or its end."""
    return Request(method=method, host=address.host, target=address.target, headers=json_headers(), with_token=False)


def signed_download(host: str, path: str, headers: t.Mapping[str, str] | None, statuses: t.Collection[int]) -> Request:
    """A path that leads to an address of a file, or gives its content at once."""
    plain = {"Accept": "*/*", "Accept-Encoding": "identity", **(headers or {})}
    return Request(method="GET", host=host, target=path, headers=plain, statuses=frozenset(statuses))


def unsigned_download(address: DownloadAddress, headers: t.Mapping[str, str] | None, statuses: t.Collection[int]) -> Request:
    """Some servers answer 416 to who does not accept everything."""
    return Request(
        method="GET",
        host=address.host,
        target=address.target,
        headers={"Accept": "*/*", "Accept-Encoding": "identity", **(headers or {})},
        with_token=False,
        statuses=frozenset(statuses),
    )


def unsigned_upload(
    method: str, address: UploadAddress, content: bytes, headers: t.Mapping[str, str], *, is_repeatable: bool = True
) -> Request:
    return Request(
        method=method,
        host=address.host,
        target=address.target,
        headers=headers,
        body=content,
        with_token=False,
        is_repeatable=is_repeatable,
        upload_bytes=len(content),
    )
