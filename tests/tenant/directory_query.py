# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Query options over directory objects, with the rules of advanced queries (facts D2)."""

from __future__ import annotations

import re
import typing as t

from .call import GraphError
from .filterable import ADVANCED, ADVANCED_NULLS, DEFAULT, ENDS_WITH, KNOWN
from .filters import Comparison, comparisons, matches, operators, parse_filter

if t.TYPE_CHECKING:
    from .call import Call
    from .directory_state import DirectoryObject
    from .filters import Node

_ADVANCED_OPERATORS = frozenset({"ne", "not", "endswith"})
_MOST_CLAUSES = 15
_SEARCH = re.compile(r'^"(?P<property>\w+):(?P<text>[^"]*)"$')


def check_query(call: Call, *, cast: bool, kind: str) -> None:
    """Refuses advanced queries without C(ConsistencyLevel: eventual) and $count, on every page; C(kind) is that of the objects.

    Raises GraphError 400, also for a filter that no query may have.
    """
    filter_text = call.query.get("filter")
    advanced = "search" in call.query or (cast and (filter_text is not None or "count" in call.query))
    if filter_text is not None:
        node = parse_filter(filter_text)
        found = comparisons(node)
        _check_size(node, found)
        if "contains" in operators(node):
            raise _unsupported()
        if kind == "user":
            for comparison in found:
                _check_property(comparison)
            advanced = advanced or any(_is_advanced(comparison) for comparison in found)
        advanced = advanced or bool(operators(node) & _ADVANCED_OPERATORS) or "orderby" in call.query
    if advanced and not _has_advanced_parameters(call):
        if "search" in call.query:
            raise GraphError(
                400,
                "Request_UnsupportedQuery",
                "Request with $search query parameter only works through MSGraph with a special request header: "
                "'ConsistencyLevel: eventual'",
            )
        raise _unsupported()


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


def _has_advanced_parameters(call: Call) -> bool:
    is_eventual = call.headers.get("consistencylevel", "").lower() == "eventual"
    return is_eventual and (call.flag("count") or "search" in call.query)


def _check_size(node: Node, found: list[Comparison]) -> None:
    """C(in) is C(or) in other words."""
    clauses = sum(len(one.value) if one.operator == "in" else 1 for one in found)
    if clauses > _MOST_CLAUSES and operators(node) & {"or", "in"}:
        raise GraphError(
            400,
            "Request_UnsupportedQuery",
            f"Too many child clauses specified in search filter expression containing 'OR' operators: {clauses}. "
            f"Max allowed: {_MOST_CLAUSES}.",
        )


def _check_property(comparison: Comparison) -> None:
    name = comparison.property.split("/")[0]
    if name.startswith("extension_"):
        return
    if name not in KNOWN:
        raise GraphError(
            400, "BadRequest", f"Invalid filter clause: Could not find a property named '{name}' on type 'microsoft.graph.user'."
        )
    is_wrong_end = comparison.operator == "endswith" and name not in ENDS_WITH
    if name not in DEFAULT | ADVANCED or is_wrong_end:
        raise GraphError(
            400,
            "Request_UnsupportedQuery",
            f"Unsupported or invalid query filter clause specified for property '{name}' of resource 'User'.",
        )


def _is_advanced(comparison: Comparison) -> bool:
    name, _slash, rest = comparison.property.partition("/")
    return name in ADVANCED or "$count" in rest or (comparison.value is None and name in ADVANCED_NULLS)


def _unsupported() -> GraphError:
    return GraphError(400, "Request_UnsupportedQuery", "Unsupported Query.")


def _read(entry: DirectoryObject, path: str) -> t.Any:
    value: t.Any = entry.properties
    for name in path.split("/"):
        if name == "$count":
            return len(value or ())
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
