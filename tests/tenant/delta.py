# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Delta queries over messages and mail folders (facts 1.2, 2, 14.4-16).

A token holds where its round stands: the version the round tells of (C(until)), and how far it got. Initial rounds walk
the arrivals that are still there; later rounds walk the last change of each object. Nothing is kept per client.
"""

from __future__ import annotations

import itertools
import typing as t
from urllib.parse import quote

from .call import Answer, GraphError, json_answer
from .filters import parse_filter
from .folders import folder_json
from .journal import Change
from .message_filters import received_after
from .message_view import READ_ONLY_CHANGE, View, render
from .odata import page_size, read_select, seal, unseal

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from .call import Call
    from .journal import Entry
    from .mail_items import Folder, Message
    from .mailbox import Mailbox
    from .sections import Item
    from .state import Tenant

LARGEST_PAGE = 500
FILTER_CAP = 5000
JsonEntry = dict[str, t.Any]


class Round(t.NamedTuple):
    """State of a delta round, sealed into its links."""

    generation: int
    since: int  # 0: initial round
    until: int
    after: int  # place of the last entry told; see place_of
    served: int
    select: tuple[str, ...] | None
    kinds: str | None  # changeType
    received: str | None  # $filter of the initial call
    hidden: bool = False
    size: int | None = None  # $top of the initial call
    window: tuple[str | None, str | None] | None = None  # startDateTime and endDateTime of the initial call


def message_delta(tenant: Tenant, call: Call) -> Answer:
    """C(GET .../mailFolders/{folder}/messages/delta)."""
    mailbox = tenant.mailbox(call)
    folder = mailbox.folder(call.values["folder"])
    tenant.refuse_delta_over_quota(mailbox)
    round_ = read_round(call, mailbox)
    size = round_.size or page_size(call, default=10, largest=LARGEST_PAGE)
    page = list(itertools.islice(_message_entries(mailbox, folder, round_, call.immutable_ids), size + 1))
    if round_.received is not None and round_.since == 0:
        page = page[: max(0, FILTER_CAP - round_.served)]
    path = f"/users/{mailbox.owner_id}/mailFolders('{quote(folder.id, safe='')}')/messages/delta"
    return round_answer(call, round_, page, size, path, "Collection(message)")


def folder_delta(tenant: Tenant, call: Call) -> Answer:
    """C(GET .../mailFolders/delta): every folder of the visible tree, flat, without its root."""
    mailbox = tenant.mailbox(call)
    tenant.refuse_delta_over_quota(mailbox)
    round_ = read_round(call, mailbox)
    size = round_.size or page_size(call, default=10, largest=LARGEST_PAGE)
    page = list(itertools.islice(_folder_entries(mailbox, round_), size + 1))
    return round_answer(call, round_, page, size, f"/users/{mailbox.owner_id}/mailFolders/delta", "Collection(mailFolder)")


def seal_round(round_: Round) -> str:
    """The token of a round."""
    return seal({"r": round_})


def unseal_round(token: str) -> Round:
    """The round behind a token. Raises GraphError 400."""
    try:
        round_ = Round(*unseal(token)["r"])
        return round_._replace(
            select=tuple(round_.select) if round_.select is not None else None,
            window=(round_.window[0], round_.window[1]) if round_.window is not None else None,
        )
    except (TypeError, KeyError):
        raise GraphError(400, "ErrorInvalidUrlQuery", "The query specified in the URI is not valid. Badly formed token.") from None


def lost(round_generation: int, mailbox: Mailbox, code: str = "SyncStateNotFound") -> GraphError:
    """The 410 of an expired cursor (facts 2)."""
    newest = mailbox.generation
    known = "".join(f"[{newest - age}]" for age in (0, 2, 5, 6))
    return GraphError(410, code, f"The sync state generation is not found; generation={round_generation};[highest={newest}]{known}.")


def read_round(call: Call, mailbox: Mailbox) -> Round:
    """The round that a request starts or continues. Raises GraphError 410 for a lost cursor, 400 for a malformed one."""
    token = call.query.get("skiptoken") or call.query.get("deltatoken")
    if token is None or token.lower() == "latest":  # "latest" is not supported for mail: the full set comes
        return _first_round(call, mailbox)
    round_ = unseal_round(token)
    if round_.generation < mailbox.oldest_generation:
        raise lost(round_.generation, mailbox)
    if "deltatoken" in call.query:
        return round_._replace(
            generation=mailbox.generation, since=round_.until, until=mailbox.version, after=place_of(round_.until), served=0
        )
    return round_


def _first_round(call: Call, mailbox: Mailbox) -> Round:
    for option in ("search", "skip"):
        if option in call.query:
            raise GraphError(
                400,
                "ErrorInvalidUrlQuery",
                f"The following parameters are not supported with change tracking over the 'messages' resource: '${option}'.",
            )
    order = call.query.get("orderby")
    if order is not None and order.strip().lower() != "receiveddatetime desc":
        raise GraphError(
            400,
            "ErrorInvalidUrlQuery",
            "The following parameters are not supported with change tracking over the 'messages' resource: '$orderBy'.",
        )
    received = call.query.get("filter")
    if received is not None:
        received_after(parse_filter(received))  # refuses every other filter
    size = page_size(call, default=10, largest=LARGEST_PAGE) if "top" in call.query else None
    has_window = "startdatetime" in call.query or "enddatetime" in call.query
    return Round(
        mailbox.generation,
        0,
        mailbox.version,
        0,
        0,
        read_select(call),
        call.query.get("changetype"),
        received,
        call.flag("includehiddenfolders"),
        size,
        (call.query.get("startdatetime"), call.query.get("enddatetime")) if has_window else None,
    )


def _message_entries(mailbox: Mailbox, folder: Folder, round_: Round, immutable: bool) -> Iterator[tuple[int, JsonEntry]]:
    """(place, entry) pairs that this round still has to tell."""
    view = View(mailbox, immutable, round_.select)
    wanted = received_after(parse_filter(round_.received)) if round_.received is not None else None
    if round_.since == 0:
        for addition in folder.journal.additions(round_.after // 2, round_.until):
            message = folder.messages.get(addition.number)
            if message is not None and message.arrived == addition.version and (wanted is None or wanted(message)):
                yield place_of(addition.version), _decorate(render(message, view))
        return
    reads_count = round_.select is not None and "isRead" in round_.select
    for line in folder.journal.since(round_.since, round_.until):
        entry = line.entry
        if place_of(entry.version) <= round_.after:
            continue
        message = folder.messages.get(entry.number)
        if message is not None and message.arrived > round_.until:  # back since the round began: the next one tells of that
            if entry.change is not Change.REMOVED:
                continue
            message = None
        if round_.kinds not in (None, change_kind(message, round_.since)):
            continue
        if message is None:
            yield place_of(entry.version), _removed(mailbox, folder, entry, round_, immutable)
        elif wanted is not None and not wanted(message):
            continue
        elif not line.only_read:
            came_back = line.was_here and message.arrived > round_.since
            if came_back and not immutable and place_of(entry.version) - 1 > round_.after:  # the old REST id is dead
                yield place_of(entry.version) - 1, _removed(mailbox, folder, entry, round_, immutable)
            yield place_of(entry.version), _decorate(render(message, view))
        elif reads_count:
            yield place_of(entry.version), _decorate(render(message, View(mailbox, immutable, READ_ONLY_CHANGE)))


def place_of(version: int) -> int:
    """Where the entry of a change stands in its round; the place before is for the removal of the REST id it replaces."""
    return 2 * version + 1


def change_kind(thing: Message | Item | None, since: int) -> str:
    """C(changeType) of a message or another item, None for one that is gone."""
    if thing is None:
        return "deleted"
    return "created" if thing.arrived > since else "updated"


def _removed(mailbox: Mailbox, folder: Folder, entry: Entry, round_: Round, immutable: bool) -> JsonEntry:
    """The removal, under the id by which the client knew the message when the round began."""
    arrived = folder.journal.arrival(entry.number, round_.since)
    item_id = mailbox.ids.immutable(entry.number) if immutable else mailbox.ids.rest(folder.number, arrived, entry.number)
    return {"@odata.type": "#microsoft.graph.message", "id": item_id, "@removed": {"reason": "deleted"}}


def _decorate(entry: JsonEntry) -> JsonEntry:
    return {"@odata.type": "#microsoft.graph.message", **entry}


def _folder_entries(mailbox: Mailbox, round_: Round) -> Iterator[tuple[int, JsonEntry]]:
    visible = {folder.number for folder in mailbox.visible_tree(hidden=round_.hidden)}
    for entry, _only_read, _was_here in mailbox.journal.since(round_.since, round_.until):
        if place_of(entry.version) <= round_.after:
            continue
        folder = mailbox.folders[entry.number]
        if folder.number in visible:
            yield place_of(entry.version), folder_json(folder, round_.select)
        elif round_.since and folder.deleted and entry.change is Change.REMOVED:
            yield place_of(entry.version), {"id": folder.id, "@removed": {"reason": "deleted"}}


def round_answer(call: Call, round_: Round, page: list[tuple[int, JsonEntry]], size: int, path: str, context: str) -> Answer:
    """One page of a round, with the link that goes on; C(page) may hold one entry more than C(size)."""
    body: JsonEntry = {"@odata.context": f"{call.root}/$metadata#{context}"}
    more = len(page) > size
    page = page[:size]
    entries = [entry for _at, entry in page]
    if more:
        going_on = round_._replace(after=page[-1][0], served=round_.served + len(page))
        body["@odata.nextLink"] = f"{call.root}{path}?$skiptoken={seal_round(going_on)}"
    else:
        body["@odata.deltaLink"] = f"{call.root}{path}?$deltatoken={seal_round(round_)}"
    body["value"] = entries
    return json_answer(body)
