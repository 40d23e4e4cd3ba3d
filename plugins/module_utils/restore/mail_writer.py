# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restore messages into a mailbox.

A message whose attachments do not fit into one request is created first and completed by further ones. Until then its
mark says so, and a category that whoever looks into the mailbox can see.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import email.parser
import typing as t

from ..graph.errors import AccessDenied, GraphError, RequestRefused
from ..graph.ids import FolderId, MessageId, UserId
from ..graph.mail_attachments import add_attachment, upload_attachment
from ..graph.mail_write import PERMISSION_FOR_SENT, create_message, delete_message, messages_with_property, update_message
from .choice import Choice, ChosenItem
from .conflict import Existing
from .estimate import Estimate
from .mail_places import FolderMaker, OriginalFolders
from .marks import PROPERTY, UNFINISHED, Mark, mark_of
from .message_payload import Attachment, header_text, message_parts

if t.TYPE_CHECKING:
    from ..graph.client import GraphClient
    from ..repository.repository import Repository

#: Graph refuses a request of 4 MB; base64 makes 4 bytes of 3, and the body needs room too.
_INLINE_BYTES = 2_000_000
_SESSION_BYTES = 3_000_000
_PIECE_BYTES = 3_932_160


class MailWriter:
    """A L(SourceWriter). C(top) is the name of the folder that receives everything; None for the original folders."""

    def __init__(self, repository: Repository, client: GraphClient, user: UserId, choice: Choice, top: str | None) -> None:
        self._repository = repository
        self._client = client
        self._user = user
        self._top = top
        self._folders = choice.folders
        self._maker = FolderMaker(client, user)
        self._original = OriginalFolders(client, user, choice, self._maker)

    def origin(self, item: ChosenItem) -> str:
        return str(item.record["id"])

    def place_of(self, item: ChosenItem, *, make: bool) -> str | None:
        if self._top is None:
            return self._original.place_of(self._folders[item.record["folder"]], make=make)
        return self._maker.path((self._top, *item.folder), make=make)

    def existing(self, place: str) -> t.Iterator[Existing]:
        for fields in messages_with_property(self._client, self._user, FolderId(place), PROPERTY):
            yield Existing(str(fields["id"]), mark_of(fields), str(fields.get("internetMessageId") or ""))

    def key(self, item: ChosenItem) -> str:
        if item.record.get("mid"):
            return str(item.record["mid"])
        start = next(iter(self._repository.read_file(item.node)), b"")
        return header_text(email.parser.BytesHeaderParser().parsebytes(start), "message-id").strip()

    def write(self, item: ChosenItem, place: str, mark: Mark) -> None:
        parts = message_parts(b"".join(self._repository.read_file(item.node)), item.record)
        inline, later = _split(parts.attachments, len(parts.payload["body"]["content"].encode("utf-8", "replace")))
        payload = _marked(parts.payload, Mark(mark.restore, mark.origin, is_whole=not later))
        if inline:
            payload["attachments"] = [attachment.as_json() for attachment in inline]
        if later:
            payload["categories"] = [*parts.payload.get("categories", ()), UNFINISHED]
        message_id = create_message(self._client, self._user, FolderId(place), payload)
        if not later:
            return
        try:
            for attachment in later:
                self._attach(message_id, attachment)
            done = {"singleValueExtendedProperties": [mark.as_property()], "categories": parts.payload.get("categories", [])}
            update_message(self._client, self._user, message_id, done)
        except GraphError as error:
            # Half a message is worse than none that is reported.
            delete_message(self._client, self._user, message_id)
            if isinstance(error, AccessDenied) and not item.record.get("draft"):
                raise _protected(error) from error
            raise

    def remove(self, place: str, item_id: str) -> None:
        del place
        delete_message(self._client, self._user, MessageId(item_id))

    def cost(self, item: ChosenItem) -> Estimate:
        # The attachments in MIME are base64 already, and those of an upload session are sent as they are.
        pieces = 0 if item.node.size <= _INLINE_BYTES * 4 // 3 else 2 + item.node.size * 3 // 4 // _PIECE_BYTES
        return Estimate(1, item.node.size if not pieces else item.node.size * 3 // 4, 1 + pieces)

    def _attach(self, message_id: MessageId, attachment: Attachment) -> None:
        if len(attachment.content) < _SESSION_BYTES:
            add_attachment(self._client, self._user, message_id, attachment.as_json())
            return
        upload_attachment(
            self._client,
            self._user,
            message_id,
            name=attachment.name,
            size=len(attachment.content),
            content=[attachment.content],
            content_type=attachment.content_type,
            is_inline=attachment.is_inline,
            content_id=attachment.content_id,
        )


def _marked(payload: t.Mapping[str, t.Any], mark: Mark) -> dict[str, t.Any]:
    return {**payload, "singleValueExtendedProperties": [*payload.get("singleValueExtendedProperties", ()), mark.as_property()]}


def _protected(error: AccessDenied) -> RequestRefused:
    return RequestRefused(
        f"{error.what} The service protects messages that are no drafts, and takes large attachments only after the message itself.",
        hint=f"Grant the application permission {PERMISSION_FOR_SENT} to the app, with admin consent, and repeat the restore.",
        status=error.status,
        code=error.code,
        request_id=error.request_id,
        method=error.method,
        path=error.path,
    )


def _split(attachments: t.Sequence[Attachment], body_size: int) -> tuple[list[Attachment], list[Attachment]]:
    """Attachments that fit into the request which creates the message, and the others."""
    inline: list[Attachment] = []
    later: list[Attachment] = []
    room = _INLINE_BYTES - body_size
    for attachment in attachments:
        if len(attachment.content) <= room:
            inline.append(attachment)
            room -= len(attachment.content)
        else:
            later.append(attachment)
    return inline, later
