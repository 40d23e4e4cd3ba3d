# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An export stream as a MIME message that any mail program opens: best effort, and marked as converted.

The stream is what Exchange keeps, MIME is made from it: headers that Exchange did not keep are missing, and what MIME cannot
say (flags, categories, most of what calendars and contacts hold) is left behind. To put an item back, import its stream.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import base64
import codecs
import contextlib
import email.parser
import email.utils
import re
import typing as t
from dataclasses import dataclass, field
from email.charset import Charset
from email.header import Header

from . import fts_tags as tags
from .fts_elements import BINARY, STRING, codec_of
from .fts_reader import FtsObject, FtsReader, ObjectKind
from .fts_record import attachment_name, moment_of, person, sender_of
from .fts_rtf import rtf_of
from .fts_spool import Spool, Spooled

CONVERTED = "X-M365-Backup-Converted"
_MARK = "from an Exchange export stream; not the original message"
_HEADER_NAME = re.compile(r"[!-9;-~]{1,76}")
_MIME_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,80}/[a-z0-9!#$&^_.+-]{1,80}", re.IGNORECASE)
_BASE64_PIECE = 57 * 1024
_ROLES = {1: "To", 2: "Cc", 3: "Bcc"}
_CHARSETS = {"latin-1": "iso-8859-1", "ascii": "us-ascii"}


@dataclass(slots=True)
class _Parts:
    """A message and what is in it, by path."""

    messages: dict[tuple[int, ...], FtsObject] = field(default_factory=dict)
    recipients: dict[tuple[int, ...], list[FtsObject]] = field(default_factory=dict)
    attachments: dict[tuple[int, ...], FtsObject] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ConvertedMail:
    """C(damage) and C(problems) say what of the stream is broken or was not understood. Valid until its context ends."""

    message_class: str
    damage: str
    problems: tuple[str, ...]
    _parts: _Parts = field(repr=False)

    def chunks(self, *, every_body: bool = False) -> t.Iterator[bytes]:
        """The MIME message, in pieces, in ASCII with CRLF. C(every_body): also the RTF where there is another body."""
        return _message(self._parts, (), every_body)


@contextlib.contextmanager
def fts_as_eml(chunks: t.Iterable[bytes]) -> t.Iterator[ConvertedMail]:
    """Convert one stream. Contents go through a temporary file, so memory stays small whatever the size of attachments.

    Never raises for what a stream holds; raises TemporaryStorageFailed, and what reading the chunks raises.
    """
    with contextlib.closing(Spool()) as spool:
        reader = FtsReader(chunks, spool=spool)
        parts = _Parts()
        for found in reader.objects():
            if found.kind is ObjectKind.MESSAGE:
                parts.messages[found.path] = found
            elif found.kind is ObjectKind.RECIPIENT:
                parts.recipients.setdefault(found.path, []).append(found)
            else:
                parts.attachments[found.path] = found
        yield ConvertedMail(parts.messages[()].text(tags.MESSAGE_CLASS), reader.damage, tuple(reader.problems), parts)


def _message(parts: _Parts, path: tuple[int, ...], every_body: bool) -> t.Iterator[bytes]:
    message = parts.messages[path]
    bodies = list(_bodies(message, every_body))
    attachments = [attachment for number in range(message.attachments) if (attachment := parts.attachments.get((*path, number)))]
    yield from _headers(parts, message)
    mixed = "=_mixed_" + "".join(f"{number}_" for number in path) + "end"
    yield f'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="{mixed}"\r\n\r\n'.encode()
    if len(bodies) > 1:
        alternative = mixed.replace("mixed", "alternative")
        yield f'--{mixed}\r\nContent-Type: multipart/alternative; boundary="{alternative}"\r\n\r\n'.encode()
        for body in bodies:
            yield f"--{alternative}\r\n".encode()
            yield from body
        yield f"--{alternative}--\r\n".encode()
    for body in bodies if len(bodies) == 1 else ():
        yield f"--{mixed}\r\n".encode()
        yield from body
    for attachment in attachments:
        yield f"--{mixed}\r\n".encode()
        yield from _attachment(parts, attachment, every_body)
    yield f"--{mixed}--\r\n".encode()


def _headers(parts: _Parts, message: FtsObject) -> t.Iterator[bytes]:
    written: set[str] = set()
    yield _header(CONVERTED, _MARK)
    for name, value in email.parser.HeaderParser().parsestr(message.text(tags.TRANSPORT_HEADERS)).items():
        if _HEADER_NAME.fullmatch(name) and not name.lower().startswith(("content-", "mime-", CONVERTED.lower())):
            written.add(name.lower())
            yield _header(name, value)
    for name, value in _own_headers(parts, message):
        if value and name.lower() not in written:
            yield _header(name, value)


def _own_headers(parts: _Parts, message: FtsObject) -> t.Iterator[tuple[str, str]]:
    moment = moment_of(message, tags.SENT, tags.RECEIVED, tags.CREATED)
    yield "From", _address(*sender_of(message))
    for role, header in _ROLES.items():
        found = [person(each, tags.PERSON) for each in parts.recipients.get(message.path, ()) if _role(each) == role]
        yield header, ", ".join(filter(None, (_address(*each) for each in found)))
    yield "Subject", message.text(tags.SUBJECT) or message.text(tags.SUBJECT_PREFIX) + message.text(tags.NORMALIZED_SUBJECT)
    yield "Date", "" if moment is None else email.utils.format_datetime(moment)
    yield "Message-ID", message.text(tags.INTERNET_MESSAGE_ID)
    yield "X-Unsent", "1" if message.number(tags.MESSAGE_FLAGS) & tags.UNSENT else ""
    yield "X-M365-Item-Class", message.text(tags.MESSAGE_CLASS)


def _role(recipient: FtsObject) -> int:
    role = recipient.number(tags.RECIPIENT_TYPE, 1) & 0xF
    return role if role in _ROLES else 1


def _bodies(message: FtsObject, every_body: bool) -> t.Iterator[t.Iterator[bytes]]:
    """Each body as a whole part, the plain one first; RTF only where there is no other, or where everything is wanted."""
    if tags.BODY_TEXT in message.streams:
        yield _part("text/plain; charset=utf-8", _as_utf8(message, tags.BODY_TEXT))
    html = message.streams.get(tags.BODY_HTML)
    if html is not None and message.encodings[tags.BODY_HTML][0] == BINARY:
        codec = codec_of(message.number(tags.INTERNET_CODE_PAGE) or 65001)
        charset = codec.replace("cp125", "windows-125") if codec.startswith("cp125") else _CHARSETS.get(codec, codec)
        yield _part(f"text/html; charset={charset}", html.chunks())
    elif html is not None:
        yield _part("text/html; charset=utf-8", _as_utf8(message, tags.BODY_HTML))
    rtf = message.streams.get(tags.BODY_RTF)
    if rtf is not None and (every_body or not {tags.BODY_TEXT, tags.BODY_HTML} & message.streams.keys()):
        yield _part("application/rtf", rtf_of(rtf.chunks()), 'Content-Disposition: attachment; filename="body.rtf"\r\n')


def _as_utf8(message: FtsObject, tag: int) -> t.Iterator[bytes]:
    kind, page = message.encodings[tag]
    codec = "utf-16-le" if kind == STRING or page == 1200 else codec_of(page or message.number(tags.INTERNET_CODE_PAGE) or 1252)
    decoder = codecs.getincrementaldecoder(codec)("replace")
    for chunk in message.streams[tag].chunks():
        yield decoder.decode(chunk).replace("\0", "").encode("utf-8", "replace")
    yield decoder.decode(b"", True).encode("utf-8", "replace")


def _attachment(parts: _Parts, attachment: FtsObject, every_body: bool) -> t.Iterator[bytes]:
    name = attachment_name(attachment)
    content_id = re.sub(r"[^!-~]|[<>]", "", attachment.text(tags.ATTACHMENT_CONTENT_ID))[:200]
    place = "inline" if content_id else "attachment"
    more = f"Content-Disposition: {place}" + (f"; filename*={email.utils.encode_rfc2231(name, 'utf-8')}" if name else "") + "\r\n"
    more += f"Content-ID: <{content_id}>\r\n" if content_id else ""
    if attachment.has_message and attachment.path in parts.messages:
        yield f"Content-Type: message/rfc822\r\n{more}\r\n".encode("ascii", "replace")
        yield from _message(parts, attachment.path, every_body)
        return
    link = attachment.text(tags.ATTACHMENT_PATH)
    content = attachment.streams.get(tags.ATTACHMENT_DATA)
    if attachment.number(tags.ATTACHMENT_METHOD) == tags.BY_WEB_REFERENCE and link:
        yield from _part("text/plain; charset=utf-8", iter([f"This attachment is a link: {link}\r\n".encode("utf-8", "replace")]), more)
        return
    kind = attachment.text(tags.ATTACHMENT_MIME_TYPE)
    is_plain_kind = _MIME_TYPE.fullmatch(kind) and not kind.lower().startswith(("multipart/", "message/"))
    yield from _part(kind if is_plain_kind else "application/octet-stream", _content(content), more)


def _content(stream: Spooled | None) -> t.Iterator[bytes]:
    return iter(()) if stream is None else stream.chunks()


def _part(content_type: str, chunks: t.Iterator[bytes], more: str = "") -> t.Iterator[bytes]:
    head = f"Content-Type: {content_type}\r\nContent-Transfer-Encoding: base64\r\n{more}\r\n"
    yield head.encode("ascii", "replace")
    waiting = b""
    for chunk in chunks:
        waiting += chunk
        whole = len(waiting) - len(waiting) % _BASE64_PIECE
        if whole:
            yield base64.encodebytes(waiting[:whole]).replace(b"\n", b"\r\n")
            waiting = waiting[whole:]
    if waiting:
        yield base64.encodebytes(waiting).replace(b"\n", b"\r\n")


def _header(name: str, value: str) -> bytes:
    line = " ".join("".join(char if char.isprintable() else " " for char in value).split())
    charset = "us-ascii" if line.isascii() else "utf-8"
    text = Header(line, charset, maxlinelen=76, header_name=name).encode(linesep="\r\n")
    return f"{name}: {text}\r\n".encode("ascii", "replace")


def _address(name: str, mailbox: str) -> str:
    """An address for a header, in ASCII; a name alone is quoted, so that it is not taken for one."""
    plain = mailbox.encode("ascii", "replace").decode()
    if plain:
        return email.utils.formataddr(("" if name == mailbox else name, plain), "utf-8")
    if name.isascii():
        return '"' + re.sub(r'(["\\])', r"\\\1", name) + '"' if name else ""
    return Charset("utf-8").header_encode(name)
