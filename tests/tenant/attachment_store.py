# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Attachments of a message: those inside its MIME, or those that were added by JSON."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import typing as t

from .call import GraphError
from .mime_view import read_content

if t.TYPE_CHECKING:
    from .mail_items import Message
    from .mailbox import Mailbox
    from .sections import Item

FILE = "#microsoft.graph.fileAttachment"
ITEM = "#microsoft.graph.itemAttachment"
REFERENCE = "#microsoft.graph.referenceAttachment"


@dataclasses.dataclass(slots=True, eq=False)
class Attachment:
    """One attachment. C(content) are the bytes of a file, the MIME of an item, nothing for a reference."""

    number: int
    kind: str
    name: str
    content_type: str
    content: bytes
    is_inline: bool = False
    content_id: str | None = None
    source_url: str | None = None
    item: dict[str, t.Any] | None = None


def attachments_of(message: Message) -> list[Attachment]:
    """All attachments, numbered from 1."""
    if message.attachments is not None:
        return message.attachments
    parts = read_content(message.body.read()).parts
    return [
        Attachment(
            position,
            ITEM if part.is_message else FILE,
            part.name,
            "message/rfc822" if part.is_message else part.content_type,
            part.content,
            part.is_inline,
            part.content_id,
        )
        for position, part in enumerate(parts, 1)
    ]


def find_attachment(mailbox: Mailbox, message: Message, key: str) -> Attachment:
    """An attachment by its id. Raises GraphError 404."""
    place = mailbox.ids.read_attachment(key)
    if place is not None and place[0] == message.number:
        for attachment in attachments_of(message):
            if attachment.number == place[1]:
                return attachment
    raise GraphError(404, "ErrorItemNotFound", "The specified object was not found in the store.")


def attachment_json(
    mailbox: Mailbox, message: Message | Item, attachment: Attachment, *, expand_item: bool, with_content: bool = True
) -> dict[str, t.Any]:
    """The JSON of an attachment; the content of an item only when it was asked for."""
    result: dict[str, t.Any] = {
        "@odata.type": attachment.kind,
        "@odata.mediaContentType": attachment.content_type,
        "id": mailbox.ids.attachment(message.number, attachment.number),
        "lastModifiedDateTime": message.modified.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "name": attachment.name,
        "contentType": attachment.content_type if attachment.kind == FILE else None,
        "size": len(attachment.content) + 160,
        "isInline": attachment.is_inline,
    }
    if attachment.kind == FILE:
        result |= {"contentId": attachment.content_id, "contentLocation": None}
        if with_content:
            result["contentBytes"] = base64.b64encode(attachment.content).decode()
    elif attachment.kind == ITEM and expand_item:
        result["item"] = attachment.item or _item_json(attachment.content)
    return result


def read_attachment_json(wanted: dict[str, t.Any], number: int) -> Attachment:
    """An attachment as it is posted. Raises GraphError 400."""
    kind = str(wanted.get("@odata.type", FILE))
    name = str(wanted.get("name") or "attachment")
    inline = bool(wanted.get("isInline", False))
    if kind == FILE:
        try:
            content = base64.b64decode(str(wanted.get("contentBytes") or ""), validate=True)
        except (binascii.Error, ValueError):
            raise GraphError(400, "UnableToDeserializePostBody", "were unable to deserialize ") from None
        content_type = str(wanted.get("contentType") or "application/octet-stream")
        return Attachment(number, FILE, name, content_type, content, inline, wanted.get("contentId"))
    if kind == ITEM:
        item = wanted.get("item")
        if not isinstance(item, dict) or item.get("@odata.type", "#microsoft.graph.message") != "#microsoft.graph.message":
            raise GraphError(400, "ErrorInvalidRequest", "The item of the attachment is missing or of a type that cannot be attached here.")
        from .mime_build import build_mime, read_json_message

        return Attachment(number, ITEM, name, "message/rfc822", build_mime(read_json_message(item), []), inline, item=item)
    if kind == REFERENCE:
        return Attachment(number, REFERENCE, name, "text/html", b"", inline, source_url=wanted.get("sourceUrl"))
    raise GraphError(400, "ErrorInvalidRequest", f"Attachments of type {kind} are not supported.")


def _item_json(mime: bytes) -> dict[str, t.Any]:
    content = read_content(mime)
    from .mime_view import summarise

    summary = summarise(mime)
    return {
        "@odata.type": "#microsoft.graph.message",
        "subject": summary.subject,
        "sentDateTime": summary.sent.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "hasAttachments": summary.has_attachments,
        "internetMessageId": summary.message_id,
        "body": {"contentType": "html" if content.is_html else "text", "content": content.text},
    }
