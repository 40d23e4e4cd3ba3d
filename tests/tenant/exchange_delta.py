# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Delta queries of the import/export API over folders and items (facts 8.3, 8.4, 14.42)."""

from __future__ import annotations

import itertools
import typing as t

from .call import Answer, GraphError, json_answer
from .delta import LARGEST_PAGE, Round, read_round, seal_round
from .exchange_folders import folder_json, place_path, readable_place, redirect_of
from .exchange_lists import rendered
from .filters import parse_filter
from .journal import Change
from .message_filters import received_after
from .odata import page_size

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from .call import Call
    from .exchange_mailboxes import ExchangeMailbox, Place
    from .mail_items import Folder
    from .state import Tenant

JsonEntry = dict[str, t.Any]


def folder_delta(tenant: Tenant, call: Call) -> Answer:
    """C(GET .../folders/delta): every folder of the tree, hidden ones too, without the root."""
    place = readable_place(tenant, call)
    tenant.refuse_delta_over_quota(place.exchange.mailbox)
    round_ = _round(call, place.exchange)
    return _answer(
        call, round_, _folder_entries(call, place.exchange, round_), f"{place_path(place)}/folders/delta", "Collection(mailboxFolder)"
    )


def child_folder_delta(tenant: Tenant, call: Call) -> Answer:
    """C(GET .../folders/{folder}/childFolders/delta): the folders below one."""
    place = readable_place(tenant, call)
    exchange = place.exchange
    folder = exchange.folder(call.values["folder"])
    moved = redirect_of(tenant, call, place, folder)
    if moved is not None:
        return moved
    round_ = _round(call, exchange)
    entries = _folder_entries(call, exchange, round_, below=folder)
    return _answer(
        call, round_, entries, f"{place_path(place)}/folders/{exchange.folder_id(folder)}/childFolders/delta", "Collection(mailboxFolder)"
    )


def item_delta(tenant: Tenant, call: Call) -> Answer:
    """C(GET .../folders/{folder}/items/delta). Beta takes no $select; in an archive its answer breaks off after C("value":[)."""
    place = readable_place(tenant, call)
    exchange = place.exchange
    folder = exchange.folder(call.values["folder"])
    moved = redirect_of(tenant, call, place, folder)
    if moved is not None:
        return moved
    tenant.refuse_delta_over_quota(exchange.mailbox)
    if call.version == "beta" and "select" in call.query:
        raise GraphError(400, "ErrorInvalidUrlQuery", "The following parameters are not supported with change tracking: '$select'.")
    round_ = _round(call, exchange)
    path = f"{place_path(place)}/folders/{exchange.folder_id(folder)}/items/delta"
    answer = _answer(call, round_, _item_entries(tenant, call, place, folder, round_), path, "Collection(mailboxItem)")
    if exchange.is_archive and tenant.settings.archive_delta_broken and isinstance(answer.body, bytes):
        end = answer.body.index(b'"value":[') + len(b'"value":[')
        answer.body = answer.body[:end]
    return answer


def _round(call: Call, exchange: ExchangeMailbox) -> Round:
    """The round of a request; C(after) is the version of the last change told."""
    round_ = read_round(call, exchange.mailbox)
    return round_._replace(after=round_.since) if round_.after > round_.until else round_


def _folder_entries(call: Call, exchange: ExchangeMailbox, round_: Round, below: Folder | None = None) -> Iterator[tuple[int, JsonEntry]]:
    visible = {folder.number for folder in exchange.tree() if below is None or below in _above(exchange, folder)}
    for line in exchange.mailbox.journal.since(round_.since, round_.until):
        entry = line.entry
        if entry.version <= round_.after:
            continue
        folder = exchange.mailbox.folders[entry.number]
        if folder.number in visible:
            yield entry.version, folder_json(call, exchange, folder, round_.select)
        elif round_.since and folder.deleted and entry.change is Change.REMOVED:
            yield entry.version, {"id": exchange.folder_id(folder), "@removed": {"reason": "deleted"}}


def _above(exchange: ExchangeMailbox, folder: Folder) -> Iterator[Folder]:
    while folder is not exchange.mailbox.root:
        folder = exchange.parent(folder)
        yield folder


def _item_entries(tenant: Tenant, call: Call, place: Place, folder: Folder, round_: Round) -> Iterator[tuple[int, JsonEntry]]:
    exchange = place.exchange
    wanted = received_after(parse_filter(round_.received)) if round_.received is not None else None
    if round_.since == 0:
        for addition in folder.journal.additions(round_.after, round_.until):
            message = folder.messages.get(addition.number)
            if message is not None and message.arrived == addition.version and (wanted is None or wanted(message)):
                yield addition.version, rendered(tenant, call, place, message, round_.select)
        return
    for line in folder.journal.since(round_.since, round_.until):
        entry = line.entry
        if entry.version <= round_.after:
            continue
        message = folder.messages.get(entry.number)
        if message is not None and message.arrived > round_.until:  # what came back since is for the next round
            if entry.change is not Change.REMOVED:
                continue
            message = None
        if message is None or (line.was_here and message.arrived > round_.since):  # gone, or back under another id
            arrived = folder.journal.arrival(entry.number, round_.since)
            gone = {"id": exchange.item_id_at(folder, arrived, entry.number), "@removed": {"reason": "deleted"}}
            yield entry.version, {"@odata.type": "#microsoft.graph.mailboxItem", **gone}
        if message is not None and (wanted is None or wanted(message)):
            yield entry.version, rendered(tenant, call, place, message, round_.select)


def _answer(call: Call, round_: Round, entries: Iterator[tuple[int, JsonEntry]], path: str, context: str) -> Answer:
    size = round_.size or page_size(call, default=10, largest=LARGEST_PAGE)
    page = list(itertools.islice(entries, size))
    following = next(entries, None)
    while following is not None and following[0] == page[-1][0]:  # what belongs to one change stays on one page
        page.append(following)
        following = next(entries, None)
    body: JsonEntry = {"@odata.context": f"{call.root}/$metadata#{context}"}
    if following is not None:
        going_on = round_._replace(after=page[-1][0], served=round_.served + len(page))
        body["@odata.nextLink"] = f"{call.root}{path}?$skiptoken={seal_round(going_on)}"
    else:
        body["@odata.deltaLink"] = f"{call.root}{path}?$deltatoken={seal_round(round_)}"
    body["value"] = [entry for _version, entry in page]
    return json_answer(body)
