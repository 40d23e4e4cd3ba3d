# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""OData pieces that every collection shares: $select, page sizes, links to the next page."""

from __future__ import annotations

import base64
import binascii
import json
import typing as t
from urllib.parse import quote

from .call import GraphError

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from .call import Call


def read_select(call: Call) -> tuple[str, ...] | None:
    """Selected property names, or None for the default set. Navigation below a property selects the property."""
    text = call.query.get("select")
    if not text:
        return None
    return tuple(dict.fromkeys(name.strip().partition("/")[0] for name in text.split(",") if name.strip()))


def page_size(call: Call, *, default: int, largest: int) -> int:
    """From $top, else C(Prefer: odata.maxpagesize), else the default. Raises GraphError 400 for $top out of range."""
    if "top" in call.query:
        top = call.integer("top", default)
        if not 1 <= top <= largest:
            raise GraphError(
                400,
                "ErrorInvalidUrlQuery",
                f"The query specified in the URI is not valid. The limit of '{largest}' for Top query has been exceeded. "
                f"The value from the incoming request is '{top}'.",
            )
        return top
    if call.max_page_size is not None:
        return max(1, min(call.max_page_size, largest))
    return default


def link(call: Call, path: str, options: Mapping[str, object]) -> str:
    """An absolute link on the host the caller came to, option names encoded as Graph does."""
    return f"{call.root}{path}?" + "&".join(f"{quote(name)}={quote(str(value), safe='')}" for name, value in options.items())


def next_skip_link(call: Call, path: str, skip: int) -> str:
    """The link to the next page of a $skip-paged list: all options of this request, and the new $skip."""
    kept = {f"${name}" if name in _SYSTEM else name: value for name, value in call.query.items() if name != "skip"}
    return link(call, path, {**kept, "$skip": skip})


_SYSTEM = frozenset({"select", "filter", "top", "orderby", "expand", "count", "search", "skiptoken"})


def seal(content: Mapping[str, object]) -> str:
    """An opaque token for links."""
    return base64.urlsafe_b64encode(json.dumps(content, separators=(",", ":")).encode()).decode().rstrip("=")


def unseal(token: str) -> dict[str, t.Any]:
    """Content of a token of C(seal). Raises GraphError 400."""
    try:
        content = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (binascii.Error, ValueError):
        content = None
    if not isinstance(content, dict):
        raise GraphError(400, "ErrorInvalidUrlQuery", "The query specified in the URI is not valid. Badly formed token.")
    return content
