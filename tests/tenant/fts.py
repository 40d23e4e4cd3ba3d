# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Messages as MAPI keeps them, and Exchange's export stream of them: C(write_stream) and C(read_stream).

The order of properties is the order of the stream, so the same message always gives the same bytes.
"""

from __future__ import annotations

import dataclasses

from .fts_format import (
    END_ATTACHMENT,
    END_EMBED,
    END_RECIPIENT,
    ERROR_INFO,
    NEW_ATTACHMENT,
    OBJECT,
    START_EMBED,
    START_RECIPIENT,
    FtsError,
    Named,
    Properties,
    Reader,
    Writer,
    frame,
    unframe,
)

MESSAGE_CLASS = 0x001A001F
SUBJECT = 0x0037001F
IMPORTANCE = 0x00170003
SENT = 0x00390040
RECEIVED = 0x0E060040
MESSAGE_FLAGS = 0x0E070003
FLAG_STATUS = 0x10900003
CREATED = 0x30070040
MODIFIED = 0x30080040
SEARCH_KEY = 0x300B0102
BODY = 0x1000001F
HTML = 0x10130102
CODE_PAGE = 0x3FDE0003
INTERNET_MESSAGE_ID = 0x1035001F
TRANSPORT_HEADERS = 0x007D001F
HAS_ATTACHMENTS = 0x0E1B000B
DISPLAY_TO, DISPLAY_CC, DISPLAY_BCC = 0x0E04001F, 0x0E03001F, 0x0E02001F
SENDER_NAME, SENDER_TYPE, SENDER_ADDRESS, SENDER_SMTP = 0x0C1A001F, 0x0C1E001F, 0x0C1F001F, 0x5D01001F
FROM_NAME, FROM_TYPE, FROM_ADDRESS, FROM_SMTP = 0x0042001F, 0x0064001F, 0x0065001F, 0x5D02001F
DISPLAY_NAME, ADDRESS_TYPE, ADDRESS, SMTP_ADDRESS = 0x3001001F, 0x3002001F, 0x3003001F, 0x39FE001F
RECIPIENT_TYPE = 0x0C150003
ROW_ID = 0x30000003
ATTACH_NUMBER = 0x0E210003
ATTACH_METHOD = 0x37050003
ATTACH_DATA = 0x37010102
ATTACH_OBJECT = 0x37010000 | OBJECT
ATTACH_LONG_NAME, ATTACH_NAME, ATTACH_MIME_TYPE, ATTACH_CONTENT_ID = 0x3707001F, 0x3704001F, 0x370E001F, 0x3712001F
ATTACH_HIDDEN = 0x7FFE000B
ATTACH_FLAGS = 0x37140003
BY_VALUE, BY_WEB_REFERENCE, EMBEDDED = 1, 7, 5
READ, UNSENT, HAS_ATTACH = 1, 8, 0x10
FLAGGED = 2
PUBLIC_STRINGS = "00020329-0000-0000-c000-000000000046"
KEYWORDS = Named(PUBLIC_STRINGS, "Keywords", 0x101F)


@dataclasses.dataclass(slots=True)
class MapiAttachment:
    """An attachment; C(embedded) is the message that it is, if it is one."""

    properties: Properties
    embedded: MapiMessage | None = None


@dataclasses.dataclass(slots=True)
class MapiMessage:
    """A message, or any other kind of item: its class says which."""

    properties: Properties = dataclasses.field(default_factory=dict)
    recipients: list[Properties] = dataclasses.field(default_factory=list)
    attachments: list[MapiAttachment] = dataclasses.field(default_factory=list)

    def text(self, key: int) -> str:
        """A string property; empty when it is absent."""
        value = self.properties.get(key)
        return value if isinstance(value, str) else ""

    def number(self, key: int, default: int = 0) -> int:
        value = self.properties.get(key)
        return value if isinstance(value, int) else default


def write_stream(message: MapiMessage) -> bytes:
    """The export stream of a message."""
    writer = Writer()
    _write_content(writer, message)
    return frame(writer.content())


def read_stream(stream: bytes) -> MapiMessage:
    """The message in an export stream; unknown properties are kept. Raises FtsError."""
    reader = Reader(unframe(stream))
    message = _read_content(reader)
    if not reader.at_end:
        raise FtsError(f"a marker that does not belong there: {reader.peek_marker()}")
    if not message.properties.get(MESSAGE_CLASS):
        raise FtsError("the stream has no message class")
    return message


def _write_content(writer: Writer, message: MapiMessage) -> None:
    writer.properties(message.properties)
    for recipient in message.recipients:
        writer.marker(START_RECIPIENT)
        writer.properties(recipient)
        writer.marker(END_RECIPIENT)
    for attachment in message.attachments:
        writer.marker(NEW_ATTACHMENT)
        writer.properties(attachment.properties)
        if attachment.embedded is not None:
            writer.marker(START_EMBED)
            _write_content(writer, attachment.embedded)
            writer.marker(END_EMBED)
        writer.marker(END_ATTACHMENT)


def _read_content(reader: Reader) -> MapiMessage:
    message = MapiMessage(reader.properties())
    while True:
        marker = reader.peek_marker()
        if marker == START_RECIPIENT:
            reader.skip_marker()
            message.recipients.append(reader.properties())
            _expect(reader, END_RECIPIENT)
        elif marker == NEW_ATTACHMENT:
            reader.skip_marker()
            message.attachments.append(_read_attachment(reader))
        elif marker == ERROR_INFO:
            reader.skip_marker()
            reader.properties()
        else:
            return message


def _read_attachment(reader: Reader) -> MapiAttachment:
    attachment = MapiAttachment(reader.properties())
    if reader.peek_marker() == START_EMBED:
        reader.skip_marker()
        attachment.embedded = _read_content(reader)
        _expect(reader, END_EMBED)
    attachment.properties.update(reader.properties())
    _expect(reader, END_ATTACHMENT)
    return attachment


def _expect(reader: Reader, marker: int) -> None:
    if reader.peek_marker() != marker:
        raise FtsError(f"the marker 0x{marker:08X} is missing")
    reader.skip_marker()
