# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Items of the import/export API as export streams.

Facts of the protocol (graph-mailbox facts, 8.5): one request exports up to 20 items of one mailbox, and its answer may hold
200 MB and more for one of them. It may leave items out in silence, refuse single ones in two spellings, and say of others
that they are in another mailbox. So every item that is asked for is accounted for here, and an answer is never held as a
whole. Exporting changes nothing. Least permission: MailboxItem.Export.All.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import collections
import dataclasses
import json
import typing as t

from .bodies import Body, collect
from .error_bodies import ErrorBody, parse_error_body
from .errors import (
    AccessDenied,
    BadAnswer,
    GraphError,
    ItemUnreadable,
    LinkRefused,
    NotFound,
    RequestRefused,
    ServiceUnavailable,
    Throttled,
    TooLarge,
)
from .exchange_base64 import NotBase64, decoded
from .exchange_json import BrokenJson, JsonPieces
from .exchange_redirects import BETA, MAX_HOPS, V1, ExchangeItemId, ExchangeMailbox, MailboxId, MailboxPath, redirected
from .limits import LimitScope
from .links import graph_target
from .operations import BrokenAnswer
from .refusals import Call
from .retry import RetryPolicy
from .traffic import RequestKind
from .transport import Incoming

PERMISSION = "MailboxItem.Export.All"
MOST_AT_ONCE = 20
_IN_MEMORY = 1 << 20
"""Bytes of one export that stay in memory; more goes to a temporary file."""
_PIECE = 1 << 20
_SMALL = 64 << 10
_REST = ("exportItems",)
_MOVED = "errorarchivefoldermovedpermanently"
_GONE = ("erroritemnotfound", "itemnotfound", "errorsyncfoldernotfound")
_UNREADABLE = ("errorcorruptdata", "errorinvalidrecipients", "errorcannotopenfileattachment")
_THROTTLED = ("applicationthrottled", "toomanyrequests", "activitylimitreached", "errorserverbusy")
_ONE_BY_ONE = (BadAnswer, ServiceUnavailable, TooLarge, RequestRefused)
"""What a group may fail with because of one item, or because it is too large altogether."""
_LATER = "The next run tries it again."


@dataclasses.dataclass(slots=True)
class _Said:
    """What one answer says of one item."""

    item_id: str = ""
    body: Body | None = None
    error: ErrorBody | None = None
    location: str = ""

    @property
    def is_empty(self) -> bool:
        """Neither a stream nor a reason; also when the stream was no base64."""
        return self.body is None and self.error is None


def export_items(
    mailbox: ExchangeMailbox, items: t.Sequence[ExchangeItemId], place: MailboxId | None = None
) -> t.Generator[tuple[ExchangeItemId, Body | GraphError], None, None]:
    """Every item once, with its stream or with the error that it came to: L(NotFound) for one that was deleted meanwhile.

    ``place`` is the mailbox that the folder of the items was found in. Streams have to be closed; one that is not taken
    closes with the iterator.

    :raises GraphError: of what concerns every item, such as AccessDenied.
    """
    if not 0 < len(items) <= MOST_AT_ONCE:
        raise ValueError(f"{len(items)} items cannot be exported in one request")
    waiting: collections.deque[_Group] = collections.deque([_Group(place or mailbox.mailbox, tuple(items))])
    while waiting:
        group = waiting.popleft()
        try:
            said = _ask(mailbox, group)
        except _ONE_BY_ONE as error:
            if len(group.items) == 1:
                yield group.items[0], error
            else:
                waiting.extend(group.alone(item) for item in group.items)
            continue
        try:
            for item in group.items:
                found = said.pop(item, None)
                if (found is None or found.is_empty) and len(group.items) > 1:
                    waiting.append(group.alone(item))
                elif found is not None and found.location:
                    moved = _moved(mailbox, group, found.location)
                    if isinstance(moved, GraphError):
                        yield item, moved
                    else:
                        waiting.append(group.alone(item, moved))
                else:
                    yield item, _outcome(mailbox, group, item, found)
        finally:
            for left in said.values():
                if left.body is not None:
                    left.body.close()


@dataclasses.dataclass(frozen=True, slots=True)
class _Group:
    """Items to ask one mailbox for. ``visited`` are the mailboxes that said these items are elsewhere."""

    place: MailboxId
    items: tuple[ExchangeItemId, ...]
    visited: tuple[str, ...] = ()

    def alone(self, item: ExchangeItemId, place: MailboxId | None = None) -> _Group:
        if place is None:
            return _Group(self.place, (item,), self.visited)
        return _Group(place, (item,), (*self.visited, self.place.lower()))

    def doing(self, mailbox: ExchangeMailbox) -> str:
        which = f"item {self.items[0]}" if len(self.items) == 1 else f"{len(self.items)} items"
        return f"Exporting {which} of mailbox {mailbox.mailbox}"


def _ask(mailbox: ExchangeMailbox, group: _Group) -> dict[ExchangeItemId, _Said]:
    """One request; what was not asked for is dropped. v1.0 exports from archives, too; beta is asked where it does not."""
    call = _call(mailbox, group)

    def ask(version: str) -> dict[ExchangeItemId, _Said]:
        return mailbox.follow(
            call,
            "POST",
            MailboxPath(version, group.place, _REST).target(),
            lambda incoming: _answer(incoming, mailbox, frozenset(group.items)),
            body={"itemIds": list(group.items)},
            headers={"Accept-Encoding": "identity"},
            policy=RetryPolicy(heavy=2) if len(group.items) > 1 else None,
        )

    try:
        return ask(mailbox.export_version)
    except (AccessDenied, NotFound, RequestRefused):
        if mailbox.export_version == BETA:
            raise
    said = ask(BETA)
    mailbox.export_version = BETA
    return said


def _answer(incoming: Incoming, mailbox: ExchangeMailbox, wanted: frozenset[ExchangeItemId]) -> dict[ExchangeItemId, _Said]:
    found: dict[ExchangeItemId, _Said] = {}
    is_complete = False
    try:
        for said in _entries(JsonPieces(mailbox.client.pieces(incoming, _PIECE))):
            known = ExchangeItemId(said.item_id)
            if known in wanted and known not in found:
                found[known] = said
            elif said.body is not None:
                said.body.close()
        is_complete = True
        return found
    except BrokenJson as broken:
        raise BrokenAnswer(f"the answer is not complete JSON: {broken}") from None
    finally:
        if not is_complete:
            for said in found.values():
                if said.body is not None:
                    said.body.close()


def _entries(source: JsonPieces) -> t.Iterator[_Said]:
    has_list = False
    for key in source.members():
        if key.lower() == "value" and source.peek() == b"[":
            has_list = True
            for _step in source.elements():
                yield _entry(source)
        else:
            source.value(limit=_SMALL)
    source.end()
    if not has_list:
        raise BrokenJson("it has no list of values")


def _entry(source: JsonPieces) -> _Said:
    said = _Said()
    is_complete = False
    try:
        for key in source.members():
            name = key.lower()
            if name == "data" and source.peek() == b'"':
                _take_data(source, said)
            elif name == "itemid":
                said.item_id = str(source.value(limit=_SMALL) or "")
            elif name == "error":
                _take_error(said, source.value(limit=_SMALL))
            else:
                source.value(limit=_SMALL)
        is_complete = True
        return said
    finally:
        if not is_complete and said.body is not None:
            said.body.close()


def _take_data(source: JsonPieces, said: _Said) -> None:
    pieces = source.string_pieces()
    try:
        body = collect(decoded(pieces), _IN_MEMORY)
    except NotBase64:
        collections.deque(pieces, maxlen=0)
        return
    if said.body is not None:
        said.body.close()
    said.body = body


def _take_error(said: _Said, value: t.Any) -> None:
    """Null stands for none."""
    if value is None or value == {}:
        return
    said.error = parse_error_body(json.dumps({"error": value}).encode())
    if said.error.names(_MOVED) and isinstance(value, dict):
        said.location = str({str(key).lower(): text for key, text in value.items()}.get("message") or "").strip() or "?"


def _moved(mailbox: ExchangeMailbox, group: _Group, location: str) -> MailboxId | GraphError:
    """The mailbox that an item is said to be in."""
    call = _call(mailbox, group)
    try:
        target = graph_target(mailbox.client.cloud, location)
        found = redirected(call, MailboxPath(V1, group.place, _REST), target).mailbox
    except LinkRefused as refusal:
        return refusal
    if found.lower() in (*group.visited, group.place.lower()) or len(group.visited) >= MAX_HOPS:
        return BadAnswer(f"{call.doing} failed: the mailboxes of the archive redirect in a circle.", hint=_LATER)
    return found


def _outcome(mailbox: ExchangeMailbox, group: _Group, item: ExchangeItemId, said: _Said | None) -> Body | GraphError:
    doing = dataclasses.replace(group, items=(item,)).doing(mailbox)
    if said is None:
        return BadAnswer(f"{doing} failed: the service left it out of its answer, also when it was asked for it alone.", hint=_LATER)
    if said.error is not None:
        if said.body is not None:
            said.body.close()
        return _refusal(doing, said.error)
    if said.body is None:
        return BadAnswer(f"{doing} failed: the answer holds no complete export of it.", hint=_LATER)
    return said.body


def _refusal(doing: str, error: ErrorBody) -> GraphError:
    kind: type[GraphError] = RequestRefused
    hint = _LATER
    if error.names(*_GONE):
        kind = NotFound
    elif error.names(*_UNREADABLE):
        kind, hint = ItemUnreadable, f"Open the item in Outlook; the service cannot read it either. {_LATER}"
    elif error.names(*_THROTTLED):
        kind = Throttled
    shown = f" ({error.code})" if error.code else ""
    return kind(f"{doing} failed: {(error.message or 'no explanation').rstrip('.')}{shown}.", hint=hint, code=error.code)


def _call(mailbox: ExchangeMailbox, group: _Group) -> Call:
    return Call(scope=LimitScope.mailbox(group.place), kind=RequestKind.EXPORT, doing=group.doing(mailbox), permission=PERMISSION)
