# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Turn a stored message into what Graph takes to create it again. Pure functions.

Graph makes a draft of whatever is posted as MIME, and the draft flag cannot be changed afterwards, so the message is
taken apart and posted as JSON with its original dates (graph-mailbox facts, section 9.1).

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import base64
import email
import email.errors
import email.header
import email.message
import email.policy
import email.utils
import re
import typing as t
import unicodedata
from dataclasses import dataclass

from ..backup.catalogue import Record
from ..graph.mail_write import non_draft_properties

_ADDRESS = re.compile(r"^[^@\s<>]+@[^@\s<>]+$")
_RECIPIENTS = (("toRecipients", "to"), ("ccRecipients", "cc"), ("bccRecipients", "bcc"), ("replyTo", "reply-to"))
# Signed or encrypted as a whole: what is taken apart cannot be verified or decrypted, so the original goes with it.
_SEALED = ("multipart/signed", "multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime")
# What the parser of the standard library raises over mail that somebody made to break parsers.
_PARSER_GIVES_UP = (email.errors.MessageError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class Attachment:
    name: str
    content_type: str
    content: bytes
    is_inline: bool
    content_id: str | None

    def as_json(self) -> dict[str, t.Any]:
        return {
            "@odata.type": "#microsoft.graph.fileAttachment",
            "name": self.name,
            "contentType": self.content_type,
            "contentBytes": base64.b64encode(self.content).decode("ascii"),
            "isInline": self.is_inline,
            **({"contentId": self.content_id} if self.content_id else {}),
        }


@dataclass(frozen=True, slots=True)
class MessageParts:
    """C(payload) is the message without its attachments."""

    payload: dict[str, t.Any]
    attachments: tuple[Attachment, ...]


def message_parts(mime: bytes, record: Record) -> MessageParts:
    """Take a message apart. Content comes from the MIME; dates and state, which MIME does not carry, from the record.

    A message that cannot be taken apart becomes the attachment of one with the same subject and recipients: nothing of
    it is lost.
    """
    try:
        return _taken_apart(mime, record)
    except _PARSER_GIVES_UP:
        return MessageParts(_payload(email.message.Message(), record, {"contentType": "text", "content": ""}), (_original(mime),))


def _taken_apart(mime: bytes, record: Record) -> MessageParts:
    # So that attached messages are written as they were read.
    newline = "\r\n" if b"\r\n" in mime else "\n"
    policy = email.policy.compat32.clone(mangle_from_=False, max_line_length=None, linesep=newline)
    message = email.message_from_bytes(mime, policy=policy)
    body, attachments = _split(message)
    if message.get_content_type() in _SEALED:
        attachments.append(_original(mime))
    return MessageParts(_payload(message, record, body), tuple(attachments))


def _original(mime: bytes) -> Attachment:
    return Attachment("original message.eml", "application/octet-stream", mime, is_inline=False, content_id=None)


def _payload(message: email.message.Message, record: Record, body: dict[str, str]) -> dict[str, t.Any]:
    payload: dict[str, t.Any] = {
        "subject": header_text(message, "subject") or record.get("subject", ""),
        "body": body,
        "isRead": bool(record.get("read")),
    }
    if not record.get("draft"):
        payload["singleValueExtendedProperties"] = non_draft_properties(
            is_read=bool(record.get("read")), sent=record.get("sent"), received=record.get("received")
        )
    for name, header in _RECIPIENTS:
        if addresses := _addresses(_headers(message, header)) or _addresses(record.get(header, ())):
            payload[name] = addresses
    if senders := _addresses(_headers(message, "from")) or _addresses([record.get("from", "")]):
        payload["from"] = senders[0]
        payload["sender"] = (_addresses(_headers(message, "sender")) or senders)[0]
    if message_id := header_text(message, "message-id").strip():
        payload["internetMessageId"] = message_id
    for name, key in (("categories", "categories"), ("importance", "importance")):
        if record.get(key):
            payload[name] = record[key]
    if record.get("flag"):
        payload["flag"] = {"flagStatus": record["flag"], **_follow_up(record.get("follow_up") or {})}
    if record.get("inference"):
        payload["inferenceClassification"] = record["inference"]
    return payload


def _follow_up(dates: t.Mapping[str, str]) -> dict[str, dict[str, str]]:
    """The dates of a flag. A record has them in UTC with a Z, or with the name of their time zone behind a space."""
    found = {}
    for key, name in (("start", "startDateTime"), ("due", "dueDateTime"), ("completed", "completedDateTime")):
        moment, _space, zone = dates.get(key, "").partition(" ")
        if moment:
            found[name] = {"dateTime": moment.rstrip("Z"), "timeZone": zone or "UTC"}
    return found


def _split(message: email.message.Message) -> tuple[dict[str, str], list[Attachment]]:
    texts: dict[str, str] = {}
    attachments: list[Attachment] = []
    for part in _leaves(message):
        kind = part.get_content_type()
        # What is the whole message is its text, whatever name it has.
        is_named = part is not message and (part.get_filename() is not None or part.get_content_disposition() == "attachment")
        if kind in ("text/plain", "text/html") and not is_named and kind not in texts:
            texts[kind] = _text(part)
        else:
            attachments.append(_attachment(part, len(attachments) + 1))
    if "text/html" in texts:
        return {"contentType": "html", "content": texts["text/html"]}, attachments
    return {"contentType": "text", "content": texts.get("text/plain", "")}, attachments


def _leaves(part: email.message.Message) -> t.Iterator[email.message.Message]:
    """Parts with a content of their own. A message inside a message is one attachment, whatever it holds."""
    payload = part.get_payload()
    if part.get_content_maintype() == "multipart" and isinstance(payload, list):
        for child in payload:
            if isinstance(child, email.message.Message):
                yield from _leaves(child)
    else:
        yield part


def _attachment(part: email.message.Message, number: int) -> Attachment:
    payload = part.get_payload()
    if isinstance(payload, list):
        content = _nested([child for child in payload if isinstance(child, email.message.Message)], part)
        name = _decoded(part.get_filename() or f"{_subject_inside(payload) or f'message {number}'}.eml")
    else:
        content = _bytes(part)
        name = _decoded(part.get_filename() or f"attachment {number}")
    content_id = header_text(part, "content-id").strip("<>") or None
    return Attachment(
        name=name or f"attachment {number}",
        content_type=part.get_content_type(),
        content=content,
        is_inline=content_id is not None and part.get_content_disposition() != "attachment",
        content_id=content_id,
    )


def _subject_inside(children: t.Sequence[t.Any]) -> str:
    return next((header_text(child, "subject") for child in children if isinstance(child, email.message.Message)), "")


def _nested(children: t.Sequence[email.message.Message], part: email.message.Message) -> bytes:
    content = b"".join(child.as_bytes() for child in children)
    # The parser does not decode a message that was encoded as a whole, which is forbidden and done all the same.
    is_encoded = header_text(part, "content-transfer-encoding").lower() == "base64" and not any(child.keys() for child in children)
    return base64.b64decode(content) if is_encoded else content


def _bytes(part: email.message.Message) -> bytes:
    try:
        content = part.get_payload(decode=True)
    except ValueError:
        content = str(part.get_payload()).encode("ascii", "surrogateescape")
    return content if isinstance(content, bytes) else b""


def _text(part: email.message.Message) -> str:
    content = _bytes(part)
    for charset in (part.get_content_charset() or "utf-8", "utf-8"):
        try:
            return _without_surrogates(content.decode(charset))
        except (LookupError, ValueError):
            continue
    return content.decode("latin-1")


def header_text(message: email.message.Message, name: str) -> str:
    """The first header of that name, decoded; empty when there is none."""
    return next((_decoded(value) for value in _headers(message, name)), "")


def _headers(message: email.message.Message, name: str) -> list[str]:
    """Headers as they were sent; bytes outside of ASCII are UTF-8 where they can be, else Latin-1."""
    values = (str(value).encode("utf-8", "surrogateescape") for key, value in message.raw_items() if key.lower() == name)
    return [_eight_bit(value) for value in values]


def _eight_bit(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeError:
        return value.decode("latin-1")


def _without_surrogates(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


def _decoded(text: str) -> str:
    """An RFC 2047 header as text, on one line, without control characters and without lone surrogates."""
    try:
        text = str(email.header.make_header(email.header.decode_header(text)))
    except (email.errors.MessageError, LookupError, ValueError):
        pass
    text = _without_surrogates(text).replace("\t", " ")
    return "".join(char for char in text if unicodedata.category(char) != "Cc").strip()


def _addresses(values: t.Iterable[t.Any]) -> list[dict[str, t.Any]]:
    """Only syntactically valid addresses: Graph refuses a message for one that is not."""
    # Newer interpreters give up a whole header for one comma too many, unless told not to.
    leniently: dict[str, t.Any] = {"strict": False} if getattr(email.utils, "supports_strict_parsing", False) else {}
    pairs = email.utils.getaddresses([str(value) for value in values], **leniently)
    return [
        {"emailAddress": {"name": _decoded(name) or address, "address": address}}
        for name, address in pairs
        if _ADDRESS.match(address) and address.isascii()
    ]
