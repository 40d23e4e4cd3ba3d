# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Delta queries over contacts, tasks, their containers, and events without a window: as for messages (L(delta))."""

from __future__ import annotations

import itertools
import typing as t

from .call import Answer
from .delta import LARGEST_PAGE, change_kind, place_of, read_round, round_answer
from .journal import Change
from .listing import selected
from .odata import page_size

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from .call import Call
    from .delta import Round
    from .sections import Container, Item, Section
    from .state import Tenant

Json = dict[str, t.Any]


def item_delta(
    tenant: Tenant, call: Call, section: Section, container: Container, render: Callable[[Item], Json], *, path: str, kind: str
) -> Answer:
    """The items of one container; C(kind) is the type in C(@odata.type), C(path) that of the links below C(/users/{id})."""
    tenant.refuse_delta_over_quota(section.mailbox)
    round_ = read_round(call, section.mailbox)
    entries = _item_entries(section, container, round_, call.immutable_ids, render)
    return delta_page(call, round_, entries, path=f"/users/{section.mailbox.owner_id}/{path}", kind=kind)


def container_delta(tenant: Tenant, call: Call, section: Section, render: Callable[[Container], Json], *, path: str, kind: str) -> Answer:
    """The containers of a section: the whole tree, flat, without the default one, which no list names."""
    tenant.refuse_delta_over_quota(section.mailbox)
    round_ = read_round(call, section.mailbox)
    entries = _container_entries(section, round_, render, with_default=kind != "contactFolder")
    return delta_page(call, round_, entries, path=f"/users/{section.mailbox.owner_id}/{path}", kind=kind)


def delta_page(call: Call, round_: Round, entries: Iterable[tuple[int, Json]], *, path: str, kind: str) -> Answer:
    """The next page of a round from all that it still has to tell, as (place, entry) pairs."""
    size = round_.size or page_size(call, default=10, largest=LARGEST_PAGE)
    page = [
        (place, {"@odata.type": f"#microsoft.graph.{kind}", **(entry if "@removed" in entry else selected(entry, round_.select))})
        for place, entry in itertools.islice(entries, size + 1)
    ]
    return round_answer(call, round_, page, size, path, f"Collection({kind})")


def item_changes(container: Container, round_: Round) -> Iterator[tuple[int, int, Item | None, bool]]:
    """(version, item number, the item or None when it left, whether it came back) of what a round has to tell, in order."""
    if round_.since == 0:
        for addition in container.journal.additions(0, round_.until):
            item = container.items.get(addition.number)
            if item is not None and item.arrived == addition.version:
                yield addition.version, addition.number, item, False
        return
    for entry, _only_read, was_here in container.journal.since(round_.since, round_.until):
        item = container.items.get(entry.number)
        if item is not None and item.arrived > round_.until:  # back since the round began: the next one tells of that
            if entry.change is not Change.REMOVED:
                continue
            item = None
        if round_.kinds in (None, change_kind(item, round_.since)):
            yield entry.version, entry.number, item, item is not None and was_here and item.arrived > round_.since


def removal(section: Section, container: Container, number: int, round_: Round, immutable: bool) -> Json:
    """The removal of an item, under the id by which the client knew it when the round began."""
    ids = section.mailbox.ids
    arrived = container.journal.arrival(number, round_.since)
    return {"id": ids.immutable(number) if immutable else ids.rest(container.number, arrived, number), "@removed": {"reason": "deleted"}}


def _item_entries(
    section: Section, container: Container, round_: Round, immutable: bool, render: Callable[[Item], Json]
) -> Iterator[tuple[int, Json]]:
    for version, number, item, came_back in item_changes(container, round_):
        place = place_of(version)
        if place <= round_.after:
            continue
        if item is None:
            yield place, removal(section, container, number, round_, immutable)
            continue
        if came_back and not immutable and place - 1 > round_.after:  # the old REST id is dead
            yield place - 1, removal(section, container, number, round_, immutable)
        entry = render(item)
        if round_.since or "@removed" not in entry:
            yield place, entry


def _container_entries(
    section: Section, round_: Round, render: Callable[[Container], Json], *, with_default: bool
) -> Iterator[tuple[int, Json]]:
    for entry, _only_read, _was_here in section.journal.since(round_.since, round_.until):
        container = section.containers[entry.number]
        if place_of(entry.version) <= round_.after or (container.is_default and not with_default):
            continue
        if not container.deleted:
            yield place_of(entry.version), render(container)
        elif round_.since and entry.change is Change.REMOVED:
            yield place_of(entry.version), {"id": container.id, "@removed": {"reason": "deleted"}}
