# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mail as MAPI properties and back: what Exchange exports of a message, and the MIME that it makes of an imported one."""

from __future__ import annotations

import datetime
import typing as t

from . import fts
from .attachment_store import FILE, ITEM, REFERENCE, Attachment, attachments_of
from .fts import MapiAttachment, MapiMessage
from .message_view import body_content
from .mime_build import JsonMessage, build_mime
from .mime_view import EPOCH, Part, Summary, read_content, summarise

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .bodies import Body
    from .fts_format import Properties
    from .mail_items import Message
    from .mime_view import Person

_IMPORTANCE = {"low": 0, "normal": 1, "high": 2}
_TO, _CC, _BCC = 1, 2, 3
_MADE_BY_US = frozenset(
    {"from", "to", "cc", "bcc", "sender", "reply-to", "subject", "date", "message-id", "importance", "mime-version"}
    | {"content-type", "content-transfer-encoding", "content-disposition", "content-id"}
)


class MapiBody:
    """The body of an item that came as an export stream, or was made from properties. Its MIME is made when it is read."""

    __slots__ = ("_mime", "mapi")

    def __init__(self, mapi: MapiMessage) -> None:
        self.mapi = mapi
        self._mime: bytes | None = None

    def read(self) -> bytes:
        if self._mime is None:
            self._mime = mapi_to_mime(self.mapi)
        return self._mime

    def summary(self) -> Summary:
        return mapi_summary(self.mapi)

    @property
    def size(self) -> int | None:
        return mapi_size(self.mapi)


def mail_to_mapi(message: Message) -> MapiMessage:
    """A message of the mail store, with its marks but without the properties of the store."""
    if message.attachments is None and "body" not in (message.properties or {}):
        content = read_content(message.body.read())
        text, is_html, files = content.text, content.is_html, [_from_part(part) for part in content.parts]
    else:
        text, is_html = body_content(message)
        files = [_from_attachment(attachment) for attachment in attachments_of(message)]
    return _compose(message.body.summary(), text, is_html, files)


def mime_to_mapi(mime: bytes) -> MapiMessage:
    """A message from its MIME alone."""
    content = read_content(mime)
    return _compose(summarise(mime), content.text, content.is_html, [_from_part(part) for part in content.parts])


def head_properties(body: Body) -> Properties:
    """What can be said of a message without reading its content."""
    if isinstance(body, MapiBody):
        return body.mapi.properties
    return _head(body.summary())


def mapi_summary(message: MapiMessage) -> Summary:
    """Subject, people and dates."""
    people = {kind: tuple(_person(one) for one in message.recipients if one.get(fts.RECIPIENT_TYPE) == kind) for kind in (_TO, _CC, _BCC)}
    sender = _address_of(message, fts.SENDER_NAME, fts.SENDER_SMTP, fts.SENDER_ADDRESS)
    author = _address_of(message, fts.FROM_NAME, fts.FROM_SMTP, fts.FROM_ADDRESS) or sender
    sent = message.properties.get(fts.SENT)
    return Summary(
        subject=message.text(fts.SUBJECT),
        sent=sent if isinstance(sent, datetime.datetime) else EPOCH,
        from_=author,
        sender=sender or author,
        to=people[_TO],
        cc=people[_CC],
        bcc=people[_BCC],
        message_id=message.text(fts.INTERNET_MESSAGE_ID) or None,
        importance=next((word for word, number in _IMPORTANCE.items() if number == message.number(fts.IMPORTANCE, 1)), "normal"),
        headers=_headers(message),
        has_attachments=any(not one.properties.get(fts.ATTACH_HIDDEN) for one in message.attachments),
    )


def mapi_to_mime(message: MapiMessage) -> bytes:
    """MIME of a message, CRLF line ends."""
    html = message.properties.get(fts.HTML)
    text = html.decode("utf-8", "replace") if isinstance(html, bytes) else message.text(fts.BODY)
    summary = mapi_summary(message)
    custom = tuple((name, value) for name, value in summary.headers if name.lower() not in _MADE_BY_US)
    content = JsonMessage(summary=summary, text=text, is_html=isinstance(html, bytes), custom_headers=custom)
    return build_mime(content, [_to_attachment(number, one) for number, one in enumerate(message.attachments, 1)])


def mapi_size(message: MapiMessage) -> int:
    """About the size that the store reports: bytes of all values."""
    sizes = (_size(value) for part in (message.properties, *message.recipients) for value in part.values())
    inside = (_attachment_size(attachment) for attachment in message.attachments)
    return sum(sizes) + sum(inside)


def _compose(summary: Summary, text: str, is_html: bool, files: list[MapiAttachment]) -> MapiMessage:
    properties = _head(summary)
    if is_html:
        properties[fts.CODE_PAGE] = 65001
        properties[fts.HTML] = text.encode("utf-8", "replace")
    else:
        properties[fts.BODY] = text
    for number, attachment in enumerate(files):
        attachment.properties = {fts.ATTACH_NUMBER: number, **attachment.properties}
    groups: tuple[tuple[int, Sequence[Person]], ...] = ((_TO, summary.to), (_CC, summary.cc), (_BCC, summary.bcc))
    people = [(kind, person) for kind, group in groups for person in group]
    return MapiMessage(properties, [_recipient(row, kind, person) for row, (kind, person) in enumerate(people)], files)


def _head(summary: Summary) -> Properties:
    found: Properties = {
        fts.IMPORTANCE: _IMPORTANCE.get(summary.importance, 1),
        fts.MESSAGE_CLASS: "IPM.Note",
        fts.SUBJECT: summary.subject,
        fts.SENT: summary.sent,
        fts.DISPLAY_TO: _names(summary.to),
        fts.DISPLAY_CC: _names(summary.cc),
        fts.DISPLAY_BCC: _names(summary.bcc),
        fts.HAS_ATTACHMENTS: summary.has_attachments,
    }
    if summary.sender is not None:
        found |= _person_properties(summary.sender, fts.SENDER_NAME, fts.SENDER_TYPE, fts.SENDER_ADDRESS, fts.SENDER_SMTP)
    if summary.from_ is not None:
        found |= _person_properties(summary.from_, fts.FROM_NAME, fts.FROM_TYPE, fts.FROM_ADDRESS, fts.FROM_SMTP)
    if summary.message_id is not None:
        found[fts.INTERNET_MESSAGE_ID] = summary.message_id
    if summary.headers:
        found[fts.TRANSPORT_HEADERS] = "".join(f"{name}: {value}\r\n" for name, value in summary.headers)
    return found


def _recipient(row: int, kind: int, person: Person) -> Properties:
    return {
        fts.ROW_ID: row,
        fts.RECIPIENT_TYPE: kind,
        **_person_properties(person, fts.DISPLAY_NAME, fts.ADDRESS_TYPE, fts.ADDRESS, fts.SMTP_ADDRESS),
    }


def _person_properties(person: Person, name: int, kind: int, address: int, smtp: int) -> Properties:
    return {name: person[0], kind: "SMTP", address: person[1], smtp: person[1]}


def _from_part(part: Part) -> MapiAttachment:
    if part.is_message:
        return MapiAttachment({fts.ATTACH_METHOD: fts.EMBEDDED, fts.DISPLAY_NAME: part.name}, mime_to_mapi(part.content))
    return _file(part.name, part.content_type, part.content, part.is_inline, part.content_id)


def _from_attachment(attachment: Attachment) -> MapiAttachment:
    if attachment.kind == ITEM:
        return MapiAttachment({fts.ATTACH_METHOD: fts.EMBEDDED, fts.DISPLAY_NAME: attachment.name}, mime_to_mapi(attachment.content))
    if attachment.kind == REFERENCE:
        return MapiAttachment({fts.ATTACH_METHOD: fts.BY_WEB_REFERENCE, fts.ATTACH_LONG_NAME: attachment.name})
    return _file(attachment.name, attachment.content_type, attachment.content, attachment.is_inline, attachment.content_id)


def _file(name: str, content_type: str, content: bytes, is_inline: bool, content_id: str | None) -> MapiAttachment:
    properties: Properties = {
        fts.ATTACH_METHOD: fts.BY_VALUE,
        fts.ATTACH_LONG_NAME: name,
        fts.ATTACH_NAME: name,
        fts.ATTACH_MIME_TYPE: content_type,
        fts.ATTACH_HIDDEN: is_inline,
    }
    if content_id is not None:
        properties[fts.ATTACH_CONTENT_ID] = content_id
    properties[fts.ATTACH_DATA] = content
    return MapiAttachment(properties)


def _to_attachment(number: int, attachment: MapiAttachment) -> Attachment:
    found = attachment.properties
    name = str(found.get(fts.ATTACH_LONG_NAME) or found.get(fts.ATTACH_NAME) or found.get(fts.DISPLAY_NAME) or "attachment")
    if attachment.embedded is not None:
        return Attachment(number, ITEM, name, "message/rfc822", mapi_to_mime(attachment.embedded))
    data = found.get(fts.ATTACH_DATA)
    kind = str(found.get(fts.ATTACH_MIME_TYPE) or "application/octet-stream")
    content_id = found.get(fts.ATTACH_CONTENT_ID)
    return Attachment(
        number,
        FILE,
        name,
        kind,
        data if isinstance(data, bytes) else b"",
        bool(found.get(fts.ATTACH_HIDDEN)),
        str(content_id) if content_id is not None else None,
    )


def _headers(message: MapiMessage) -> tuple[tuple[str, str], ...]:
    pairs = (line.partition(": ") for line in message.text(fts.TRANSPORT_HEADERS).split("\r\n"))
    return tuple((name, value) for name, colon, value in pairs if colon and name and " " not in name)


def _address_of(message: MapiMessage, name: int, smtp: int, address: int) -> Person | None:
    found = message.text(smtp) or message.text(address)
    return (message.text(name) or found, found) if found else None


def _person(recipient: Properties) -> Person:
    address = str(recipient.get(fts.SMTP_ADDRESS) or recipient.get(fts.ADDRESS) or "")
    return str(recipient.get(fts.DISPLAY_NAME) or address), address


def _names(people: Iterable[Person]) -> str:
    return "; ".join(name for name, _address in people)


def _size(value: t.Any) -> int:
    return 2 * len(value) if isinstance(value, str) else len(value) if isinstance(value, bytes) else 8


def _attachment_size(attachment: MapiAttachment) -> int:
    own = sum(_size(value) for value in attachment.properties.values())
    return own + (mapi_size(attachment.embedded) if attachment.embedded is not None else 0)
