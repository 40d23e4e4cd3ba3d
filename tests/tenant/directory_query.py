# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Query options over directory objects, with the rules of advanced queries (facts D2)."""

from __future__ import annotations

import re
import typing as t

from .call import GraphError
from .filters import comparisons, matches, operators, parse_filter

if t.TYPE_CHECKING:
    from .call import Call
    from .directory_state import DirectoryObject

_ADVANCED_OPERATORS = frozenset({"ne", "not", "endswith"})
_ADVANCED_PROPERTIES = frozenset({"companyName", "employeeType", "city", "country", "state", "officeLocation"})
_SEARCH = re.compile(r'^"(?P<property>\w+):(?P<text>[^"]*)"$')


def check_query(call: Call, *, cast: bool) -> None:
    """Refuses advanced queries without C(ConsistencyLevel: eventual) and $count, on every page. Raises GraphError 400."""
    eventual = call.headers.get("consistencylevel", "").lower() == "eventual"
    filter_text = call.query.get("filter")
    advanced = "search" in call.query or (cast and (filter_text is not None or "count" in call.query))
    if filter_text is not None:
        node = parse_filter(filter_text)
        advanced = advanced or bool(operators(node) & _ADVANCED_OPERATORS) or "orderby" in call.query
        advanced = advanced or any(comparison.property.split("/")[0] in _ADVANCED_PROPERTIES for comparison in comparisons(node))
        if "contains" in operators(node):
            raise GraphError(400, "Request_UnsupportedQuery", "Unsupported Query.")
    needs_count = advanced and "search" not in call.query
    if advanced and (not eventual or (needs_count and not call.flag("count"))):
        if "search" in call.query:
            raise GraphError(
                400,
                "Request_UnsupportedQuery",
                "Request with $search query parameter only works through MSGraph with a special request header: "
                "'ConsistencyLevel: eventual'",
            )
        raise GraphError(400, "Request_UnsupportedQuery", "Unsupported Query.")


def select_objects(call: Call, objects: list[DirectoryObject]) -> list[DirectoryObject]:
    """Objects that pass $filter and $search, ordered by $orderby."""
    filter_text = call.query.get("filter")
    if filter_text is not None:
        node = parse_filter(filter_text)
        objects = [entry for entry in objects if matches(node, lambda path, entry=entry: _read(entry, path))]  # type: ignore[misc]
    if "search" in call.query:
        objects = [entry for entry in objects if _found(entry, call.query["search"])]
    if "orderby" in call.query:
        name, _space, direction = call.query["orderby"].partition(" ")
        objects = sorted(objects, key=lambda entry: str(entry.properties.get(name) or "").casefold(), reverse=direction.strip() == "desc")
    return objects


def _read(entry: DirectoryObject, path: str) -> t.Any:
    value: t.Any = entry.properties
    for name in path.split("/"):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _found(entry: DirectoryObject, search: str) -> bool:
    """$search matches beginnings of words; quotes are obligatory."""
    match = _SEARCH.match(search.strip())
    if match is None:
        raise GraphError(
            400,
            "Request_BadRequest",
            "Syntax error: character ':' is not valid at this position. The $search value must be enclosed in double quotes.",
        )
    words = re.split(r"\W+", str(entry.properties.get(match["property"]) or "").casefold())
    wanted = [piece for piece in re.split(r"\W+", match["text"].casefold()) if piece]
    return all(any(word.startswith(piece) for word in words) for piece in wanted)
