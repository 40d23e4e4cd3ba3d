# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A page of a collection beside mail: $filter, $orderby, $select, $top, $skip, $count, nextLink."""

from __future__ import annotations

import re
import typing as t

from .call import Answer, json_answer
from .filters import matches, parse_filter
from .odata import next_skip_link, page_size, read_select

if t.TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .call import Call

Json = dict[str, t.Any]
Thing = t.TypeVar("Thing")
_ALWAYS = ("@odata.type", "@odata.etag", "id")


def list_answer(
    call: Call,
    things: Sequence[Thing],
    render: Callable[[Thing], Json],
    *,
    path: str,
    context: str,
    largest: int = 1000,
    headers: dict[str, str] | None = None,
) -> Answer:
    """The page of C(things) that a request wants; C(render) gives the full JSON of one. C(path) is that of the next link."""
    found = list(things)
    if "filter" in call.query:
        node = parse_filter(call.query["filter"])
        found = [thing for thing, full in ((thing, render(thing)) for thing in found) if matches(node, _reader(full))]
    if "orderby" in call.query:
        name, _space, direction = call.query["orderby"].split(",")[0].strip().partition(" ")
        found.sort(key=lambda thing: str(_read(render(thing), name) or ""), reverse=direction.strip().lower() == "desc")
    size = page_size(call, default=10, largest=largest)
    skip = call.integer("skip", 0)
    body: Json = {"@odata.context": f"{call.root}/$metadata#{context}"}
    if call.flag("count"):
        body["@odata.count"] = len(found)
    select = read_select(call)
    also = expanded_names(call)
    body["value"] = [selected(render(thing), select, also=also) for thing in found[skip : skip + size]]
    if skip + size < len(found):
        body["@odata.nextLink"] = next_skip_link(call, path, skip + size)
    return json_answer(body, 200, headers)


def selected(full: Json, select: tuple[str, ...] | None, *, also: tuple[str, ...] = ()) -> Json:
    """The selected properties, and those that always come."""
    if select is None:
        return full
    return {name: value for name, value in full.items() if name in select or name in _ALWAYS or name in also}


def expanded_names(call: Call) -> tuple[str, ...]:
    """The properties that a request expands, which come whatever it selects."""
    return tuple(re.findall(r"(?:^|,)\s*(\w+)", re.sub(r"\(.*?\)+", "", call.query.get("expand", ""))))


def _reader(full: Json) -> Callable[[str], t.Any]:
    return lambda path: _read(full, path)


def _read(full: Json, path: str) -> t.Any:
    value: t.Any = full
    for name in path.split("/"):
        value = value.get(name) if isinstance(value, dict) else None
    return value
