# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Adding attachments to a message or event that exists: small ones in one request, larger ones through an upload session.

Protocol (Microsoft's page on large attachments): up to 3 MB as JSON, 3 to 150 MB in pieces of at most 4 MB, strictly in
order, to a pre-authenticated address on the mail service, without a token. Permission: Mail.ReadWrite, for events
Calendars.ReadWrite.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .._errors import BackupError
from .client import GraphClient
from .errors import AmbiguousOutcome, BadAnswer, NotFound, RequestRefused
from .ids import IMMUTABLE_IDS, EventId, Fields, MessageId, UserId
from .limits import LimitScope
from .links import UploadAddress, graph_path, upload_address
from .paging import Listing, values
from .refusals import Call
from .traffic import RequestKind

PERMISSION = "Mail.ReadWrite"
_PIECE = 12 * 320 * 1024
_RANGE_NOT_EXPECTED = 416
_OVERHEAD = 64 << 10
"""Bytes by which the size that the service states may differ from the content."""


@dataclasses.dataclass(frozen=True, slots=True)
class Holder:
    """What attachments are added to. C(collection) is C(messages) or C(events); an occurrence of a series is an event, too."""

    collection: str
    word: str
    permission: str


MESSAGE = Holder("messages", "message", PERMISSION)
EVENT = Holder("events", "event", "Calendars.ReadWrite")


class ContentMismatch(BackupError):
    """What was to be uploaded is not as long as was said; nothing was attached."""


def add_attachment(client: GraphClient, user_id: UserId, item_id: MessageId | EventId, payload: Fields, holder: Holder = MESSAGE) -> str:
    """Add an attachment of up to 3 MB, given as JSON with its C(@odata.type); its id comes back.

    An item that was just created may be unknown to the service for some seconds; that is waited for. When the answer
    got lost, the attachments of the item tell whether it is there.

    :raises AmbiguousOutcome: it is not there now, and may still appear.
    """
    name = str(payload.get("name") or "")
    call = _call(user_id, f"Adding attachment {name!r} to {holder.word} {item_id} of user {user_id}", holder, is_fresh=True)
    path = graph_path("users", user_id, holder.collection, item_id, "attachments")
    try:
        created = client.post_json(call, path, payload, prefer=(IMMUTABLE_IDS,))
    except AmbiguousOutcome:
        found = _find(client, user_id, item_id, holder, name, len(str(payload.get("contentBytes") or "")) * 3 // 4)
        if found is None:
            raise
        return found
    return str(created.get("id") or "")


def upload_attachment(
    client: GraphClient,
    user_id: UserId,
    item_id: MessageId | EventId,
    *,
    name: str,
    size: int,
    content: t.Iterable[bytes],
    content_type: str = "",
    is_inline: bool = False,
    content_id: str | None = None,
    holder: Holder = MESSAGE,
) -> None:
    """Add a file of 3 to 150 MB. ``content`` is read once and must give exactly ``size`` bytes.

    :raises ContentMismatch: it gives another number of bytes.
    :raises LinkRefused: the service named a host that is not its mail service.
    :raises AmbiguousOutcome: the answer to a piece got lost, and the attachment is not there now.
    """
    doing = f"Uploading attachment {name!r} to {holder.word} {item_id} of user {user_id}"
    item: dict[str, t.Any] = {"attachmentType": "file", "name": name, "size": size, "isInline": is_inline}
    item.update({key: value for key, value in (("contentType", content_type), ("contentId", content_id)) if value})
    path = graph_path("users", user_id, holder.collection, item_id, "attachments", "createUploadSession")
    creation = _call(user_id, doing, holder, is_fresh=True)
    session = client.post_json(creation, path, {"AttachmentItem": item}, prefer=(IMMUTABLE_IDS,), is_repeatable=True)
    call = _call(user_id, doing, holder)
    is_certain = _send_pieces(client, call, _address(client, session, call), size, content)
    if not is_certain and _find(client, user_id, item_id, holder, name, size) is None:
        raise AmbiguousOutcome(
            f"{doing} may or may not have happened: an answer got lost.", hint="Look whether it is there before repeating it."
        )


def _send_pieces(client: GraphClient, call: Call, address: UploadAddress, size: int, content: t.Iterable[bytes]) -> bool:
    """Whether every piece was acknowledged. One that is sent again after a lost answer is refused if it had arrived."""
    is_certain = True
    start = 0
    for piece in _regrouped(content, _PIECE):
        end = start + len(piece)
        if end > size:
            raise _mismatch(call, size)
        try:
            client.put_piece(call, address, piece, f"bytes {start}-{end - 1}/{size}")
        except (RequestRefused, NotFound) as error:
            has_arrived = error.status == _RANGE_NOT_EXPECTED or (end == size and isinstance(error, NotFound))
            if not has_arrived:
                raise
            is_certain = False
        start = end
    if start != size:
        raise _mismatch(call, size)
    return is_certain


def _find(client: GraphClient, user_id: UserId, item_id: MessageId | EventId, holder: Holder, name: str, size: int) -> str | None:
    """The id of an attachment with this name and about this size."""
    call = _call(user_id, f"Listing the attachments of {holder.word} {item_id} of user {user_id}", holder)
    target = graph_path("users", user_id, holder.collection, item_id, "attachments")
    for fields in values(client, call, Listing(target=target, params={"$select": "id,name,size"}, prefer=(IMMUTABLE_IDS,))):
        stated = fields.get("size")
        if fields.get("name") == name and isinstance(stated, int) and abs(stated - size) <= _OVERHEAD + size // 20:
            return str(fields.get("id") or "")
    return None


def _regrouped(content: t.Iterable[bytes], length: int) -> t.Iterator[bytes]:
    """The same bytes in pieces of one length; only the last is shorter."""
    waiting = bytearray()
    for chunk in content:
        waiting += chunk
        while len(waiting) >= length:
            yield bytes(waiting[:length])
            del waiting[:length]
    if waiting:
        yield bytes(waiting)


def _address(client: GraphClient, session: Fields, call: Call) -> UploadAddress:
    link = session.get("uploadUrl")
    if not isinstance(link, str):
        raise BadAnswer(f"{call.doing} failed: the upload session has no address.", hint="Repeat the restore of this message.")
    return upload_address(client.cloud, link)


def _mismatch(call: Call, size: int) -> ContentMismatch:
    return ContentMismatch(f"{call.doing} failed: the content is not {size:,} bytes long.", hint="Repeat the restore of this message.")


def _call(user_id: UserId, doing: str, holder: Holder, *, is_fresh: bool = False) -> Call:
    return Call(scope=LimitScope.mailbox(user_id), kind=RequestKind.WRITE, doing=doing, permission=holder.permission, is_fresh=is_fresh)
