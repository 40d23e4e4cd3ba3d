# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Graph shows of a MIME message: subject, people, dates, body text, attachments. Never fails, however broken the mail."""

from __future__ import annotations

import dataclasses
import datetime
import email.header
import email.message
import email.parser
import email.policy
import email.utils
import re
import typing as t

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
Person = tuple[str, str]  # display name, address


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What lists show of a message. C(preview) is None where nobody has looked into the body yet."""

    subject: str
    sent: datetime.datetime
    from_: Person | None = None
    sender: Person | None = None
    to: tuple[Person, ...] = ()
    cc: tuple[Person, ...] = ()
    bcc: tuple[Person, ...] = ()
    reply_to: tuple[Person, ...] = ()
    message_id: str | None = None
    importance: str = "normal"
    headers: tuple[tuple[str, str], ...] = ()
    has_attachments: bool = False
    preview: str | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """An attachment inside a MIME message."""

    name: str
    content_type: str
    content: bytes
    is_inline: bool
    content_id: str | None
    is_message: bool


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """The readable part of a message."""

    text: str
    is_html: bool
    parts: tuple[Part, ...]


def summarise(mime: bytes) -> Summary:
    """Reads the headers of C(mime)."""
    try:
        return _summarise(mime)
    except RecursionError:  # mail made to break parsers
        return Summary(subject="", sent=EPOCH)


def read_content(mime: bytes) -> Content:
    """Reads body text and attachments of C(mime)."""
    try:
        message = _parse(mime)
        text, is_html = _body(message)
        return Content(text=text, is_html=is_html, parts=tuple(_parts(message)))
    except RecursionError:
        return Content(text="", is_html=False, parts=())


def preview(text: str, is_html: bool) -> str:
    """The first 255 characters without markup."""
    plain = re.sub(r"<[^>]*>", " ", text[:8192]) if is_html else text[:1024]
    return " ".join(plain.split())[:255]


def _summarise(mime: bytes) -> Summary:
    message = _parse(mime)
    headers = tuple((name, _text(value)) for name, value in message.raw_items())
    from_ = _people(message, "from")
    sender = _people(message, "sender")
    return Summary(
        subject=_text(message.get("subject", "")),
        sent=_date(message.get("date")),
        from_=from_[0] if from_ else None,
        sender=sender[0] if sender else (from_[0] if from_ else None),
        to=_people(message, "to"),
        cc=_people(message, "cc"),
        bcc=_people(message, "bcc"),
        reply_to=_people(message, "reply-to"),
        message_id=_text(message.get("message-id", "")).strip() or None,
        importance=_importance(message),
        headers=headers,
        has_attachments=any(not part.is_inline for part in _parts(message)),
        preview=preview(*_body(message)),
    )


def _parse(mime: bytes) -> email.message.Message:
    return email.parser.BytesParser(policy=email.policy.compat32).parsebytes(mime)


def _text(value: t.Any) -> str:
    """A header value as readable text, unknown charsets and bad encodings replaced."""
    try:
        text = "".join(
            piece.decode(charset or "latin-1", "replace") if isinstance(piece, bytes) else piece
            for piece, charset in email.header.decode_header(value)
        )
    except (LookupError, ValueError, email.errors.HeaderParseError):
        text = str(value)
    return re.sub(r"\s+", " ", text.encode("utf-8", "replace").decode("utf-8", "replace")).strip()


def _people(message: email.message.Message, name: str) -> tuple[Person, ...]:
    values = [_safe(value) for value in message.get_all(name, [])]
    pairs = email.utils.getaddresses(values)
    return tuple((_text(display) or address, address) for display, address in pairs if address or display)


def _safe(value: t.Any) -> str:
    return str(value).encode("utf-8", "replace").decode("utf-8", "replace")


def _date(value: t.Any) -> datetime.datetime:
    if value is None:
        return EPOCH
    try:
        moment = email.utils.parsedate_to_datetime(_safe(value))
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=datetime.timezone.utc)
        return moment.astimezone(datetime.timezone.utc)
    except (TypeError, ValueError, OverflowError, IndexError):
        return EPOCH


def _importance(message: email.message.Message) -> str:
    word = _safe(message.get("importance", "")).strip().lower()
    return word if word in ("low", "normal", "high") else "normal"


def _body(message: email.message.Message) -> tuple[str, bool]:
    plain: str | None = None
    for part in message.walk():
        if part.is_multipart() or _is_attachment(part):
            continue
        kind = part.get_content_type()
        if kind == "text/html":
            return _decode(part), True
        if kind == "text/plain" and plain is None:
            plain = _decode(part)
    return plain or "", False


def _parts(message: email.message.Message) -> t.Iterator[Part]:
    if not message.is_multipart():
        return
    waiting = [part for part in message.get_payload() if isinstance(part, email.message.Message)]
    while waiting:
        part = waiting.pop(0)
        is_message = part.get_content_type() == "message/rfc822"
        if part.is_multipart() and not is_message:
            waiting[:0] = [child for child in part.get_payload() if isinstance(child, email.message.Message)]
        elif is_message or _is_attachment(part):
            yield _part(part, is_message)


def _part(part: email.message.Message, is_message: bool) -> Part:
    content_id = _safe(part.get("content-id", "")).strip().strip("<>") or None
    payload = part.get_payload()
    if is_message:
        inner = payload[0] if isinstance(payload, list) and payload else None
        content = inner.as_bytes() if isinstance(inner, email.message.Message) else b""
        name = _text(inner.get("subject", "")) if isinstance(inner, email.message.Message) else ""
    else:
        content = _payload(part)
        name = _text(_filename(part) or "")
    disposition = _safe(part.get("content-disposition", "")).split(";", maxsplit=1)[0].strip().lower()
    inline = disposition == "inline" or (disposition != "attachment" and content_id is not None)
    return Part(
        name=name or "attachment",
        content_type=part.get_content_type(),
        content=content,
        is_inline=inline and not is_message,
        content_id=content_id,
        is_message=is_message,
    )


def _is_attachment(part: email.message.Message) -> bool:
    disposition = _safe(part.get("content-disposition", "")).split(";", maxsplit=1)[0].strip().lower()
    return disposition == "attachment" or _filename(part) is not None or part.get_content_maintype() not in ("text", "multipart", "message")


def _filename(part: email.message.Message) -> str | None:
    try:
        name = part.get_filename()
    except (LookupError, ValueError, TypeError):
        return "attachment"
    return None if name is None else _safe(name)


def _payload(part: email.message.Message) -> bytes:
    try:
        payload = part.get_payload(decode=True)
    except (LookupError, ValueError, TypeError):
        payload = None
    return payload if isinstance(payload, bytes) else _safe(part.get_payload()).encode("utf-8", "replace")


def _decode(part: email.message.Message) -> str:
    raw = _payload(part)
    try:
        return raw.decode(str(part.get_content_charset() or "utf-8"), "replace")
    except LookupError:
        return raw.decode("latin-1")
