# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A message as Graph's JSON: each property is computed only when it was selected."""

from __future__ import annotations

import base64
import datetime
import typing as t

from .mime_view import preview, read_content

if t.TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .mail_items import Message
    from .mailbox import Mailbox
    from .mime_view import Person


class View(t.NamedTuple):
    """For whom a message is rendered."""

    mailbox: Mailbox
    immutable: bool
    select: tuple[str, ...] | None


def render(message: Message, view: View) -> dict[str, t.Any]:
    """The JSON of a message; C(id) and the ETag are always there."""
    names = view.select if view.select is not None else DEFAULT_PROPERTIES
    result: dict[str, t.Any] = {"@odata.etag": etag(message), "id": view.mailbox.message_id(message, immutable=view.immutable)}
    for name in names:
        compute = PROPERTIES.get(name)
        if compute is not None and name != "id":
            value = compute(message, view)
            if value is not _ABSENT:
                result[name] = value
    return result


def etag(message: Message) -> str:
    return f'W/"{change_key(message)}"'


def change_key(message: Message) -> str:
    return f"CQAAABYAAAD{message.number:08x}AA{message.changed:08x}"


def stamp(moment: datetime.datetime) -> str:
    """A time as Graph writes it."""
    return moment.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def person_json(person: Person | None) -> dict[str, t.Any] | None:
    if person is None:
        return None
    return {"emailAddress": {"name": person[0], "address": person[1]}}


_ABSENT = object()


def _people(people: Sequence[Person]) -> list[dict[str, t.Any] | None]:
    return [person_json(person) for person in people]


def has_attachments(message: Message) -> bool:
    """As Graph counts: inline ones do not."""
    if message.attachments is not None:
        return any(not attachment.is_inline for attachment in message.attachments)
    return message.body.summary().has_attachments


def body_content(message: Message) -> tuple[str, bool]:
    """(text, whether it is HTML) of a message."""
    set_body = (message.properties or {}).get("body")
    if set_body is not None:
        return str(set_body.get("content") or ""), str(set_body.get("contentType", "text")).lower() == "html"
    content = read_content(message.body.read())
    return content.text, content.is_html


def _preview(message: Message) -> str:
    known = None if (message.properties or {}).get("body") is not None else message.body.summary().preview
    return preview(*body_content(message)) if known is None else known


def _body(message: Message, _view: View) -> dict[str, str]:
    text, is_html = body_content(message)
    return {"contentType": "html" if is_html else "text", "content": text}


def _from_summary(read: Callable[[t.Any], t.Any], name: str) -> Callable[[Message, View], t.Any]:
    def compute(message: Message, _view: View) -> t.Any:
        if message.properties is not None and name in message.properties:
            return message.properties[name]
        return read(message.body.summary())

    return compute


def _set(name: str, default: t.Any) -> Callable[[Message, View], t.Any]:
    def compute(message: Message, _view: View) -> t.Any:
        return (message.properties or {}).get(name, default)

    return compute


def _conversation(message: Message, view: View) -> str:
    subject = str(PROPERTIES["subject"](message, view) or "").rpartition(": ")[2]
    return "AAQkA" + view.mailbox.guid.replace("-", "")[:20] + f"{abs(hash_text(subject)):016x}="


def hash_text(text: str) -> int:
    """A small stable hash."""
    value = 1469598103934665603
    for byte in text.encode("utf-8", "replace"):
        value = (value ^ byte) * 1099511628211 % 2**64
    return value


PROPERTIES: dict[str, Callable[[Message, View], t.Any]] = {
    "createdDateTime": lambda message, view: stamp(message.created),
    "lastModifiedDateTime": lambda message, view: stamp(message.modified),
    "changeKey": lambda message, view: change_key(message),
    "categories": lambda message, view: list(message.categories),
    "receivedDateTime": lambda message, view: stamp(message.received),
    "sentDateTime": lambda message, view: (message.properties or {}).get("sentDateTime") or stamp(message.body.summary().sent),
    "hasAttachments": lambda message, view: has_attachments(message),
    "internetMessageId": _from_summary(lambda summary: summary.message_id, "internetMessageId"),
    "subject": _from_summary(lambda summary: summary.subject, "subject"),
    "bodyPreview": lambda message, view: _preview(message),
    "importance": _from_summary(lambda summary: summary.importance, "importance"),
    "parentFolderId": lambda message, view: message.folder.id,
    "conversationId": _conversation,
    "conversationIndex": lambda message, view: base64.b64encode(b"\x01\x01" + message.number.to_bytes(20, "big")).decode(),
    "isDeliveryReceiptRequested": _set("isDeliveryReceiptRequested", None),
    "isReadReceiptRequested": _set("isReadReceiptRequested", False),
    "isRead": lambda message, view: message.is_read,
    "isDraft": lambda message, view: message.is_draft,
    "webLink": lambda message, view: f"https://outlook.office365.com/owa/?ItemID={message.number}&exvsurl=1&viewmodel=ReadMessageItem",
    "inferenceClassification": _set("inferenceClassification", "focused"),
    "body": _body,
    "sender": _from_summary(lambda summary: person_json(summary.sender), "sender"),
    "from": _from_summary(lambda summary: person_json(summary.from_), "from"),
    "toRecipients": _from_summary(lambda summary: _people(summary.to), "toRecipients"),
    "ccRecipients": _from_summary(lambda summary: _people(summary.cc), "ccRecipients"),
    "bccRecipients": _from_summary(lambda summary: _people(summary.bcc), "bccRecipients"),
    "replyTo": _from_summary(lambda summary: _people(summary.reply_to), "replyTo"),
    "flag": lambda message, view: (message.properties or {}).get("flag") or {"flagStatus": "flagged" if message.flagged else "notFlagged"},
    "internetMessageHeaders": lambda message, view: (
        [{"name": name, "value": value} for name, value in message.body.summary().headers] or _ABSENT
    ),
}

DEFAULT_PROPERTIES = tuple(name for name in PROPERTIES if name != "internetMessageHeaders")
READ_ONLY_CHANGE = ("isRead", "parentFolderId")
