# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""MIME of messages that were created by JSON: what Exchange does on each read, since it stores no MIME."""

from __future__ import annotations

import dataclasses
import datetime
import email.encoders
import email.generator
import email.header
import email.mime.base
import email.mime.multipart
import email.mime.text
import email.policy
import email.utils
import io
import re
import typing as t

from .mime_view import EPOCH, Person, Summary

if t.TYPE_CHECKING:
    from collections.abc import Sequence
    from email.message import Message as MimeMessage

    from .attachment_store import Attachment

_MIME_POLICY = email.policy.compat32.clone(linesep="\r\n", max_line_length=None)
_ADDRESS = re.compile(r"^[^@\s<>]+@[^@\s<>]+$")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class JsonMessage:
    """The parts of a posted message that its MIME is made of."""

    summary: Summary
    text: str
    is_html: bool
    custom_headers: tuple[tuple[str, str], ...]


def read_json_message(wanted: dict[str, t.Any], *, sent: datetime.datetime | None = None, message_id: str | None = None) -> JsonMessage:
    """Reads a message resource leniently; what is missing is empty."""
    body = wanted.get("body") or {}
    headers = tuple((str(header.get("name")), str(header.get("value"))) for header in wanted.get("internetMessageHeaders") or ())
    return JsonMessage(
        summary=Summary(
            subject=str(wanted.get("subject") or ""),
            sent=sent or _moment(wanted.get("sentDateTime")),
            from_=_person(wanted.get("from")),
            sender=_person(wanted.get("sender")) or _person(wanted.get("from")),
            to=_people(wanted.get("toRecipients")),
            cc=_people(wanted.get("ccRecipients")),
            bcc=_people(wanted.get("bccRecipients")),
            reply_to=_people(wanted.get("replyTo")),
            message_id=wanted.get("internetMessageId") or message_id,
            importance=str(wanted.get("importance") or "normal"),
            headers=headers,
        ),
        text=str(body.get("content") or ""),
        is_html=str(body.get("contentType", "text")).lower() == "html",
        custom_headers=headers,
    )


def build_mime(message: JsonMessage, attachments: Sequence[Attachment]) -> bytes:
    """The MIME of a message with its attachments, CRLF line ends."""
    text = email.mime.text.MIMEText(_clean(message.text), "html" if message.is_html else "plain", "utf-8")
    root: MimeMessage = text
    contents = [attachment for attachment in attachments if attachment.source_url is None]
    if contents:
        root = email.mime.multipart.MIMEMultipart("related" if all(attachment.is_inline for attachment in contents) else "mixed")
        root.attach(text)
        for attachment in contents:
            root.attach(_part(attachment))
    _add_headers(root, message)
    output = io.BytesIO()
    email.generator.BytesGenerator(output, mangle_from_=False, policy=_MIME_POLICY).flatten(root)
    return output.getvalue()


def valid_address(address: object) -> bool:
    """Whether Graph takes it as an address: SMTP syntax or an X500 name."""
    return isinstance(address, str) and (bool(_ADDRESS.match(address)) or address.upper().startswith("/O="))


def _add_headers(root: MimeMessage, message: JsonMessage) -> None:
    summary = message.summary
    lines: list[tuple[str, str]] = []
    if summary.from_ is not None:
        lines.append(("From", _address(summary.from_)))
    if summary.sender is not None and summary.sender != summary.from_:
        lines.append(("Sender", _address(summary.sender)))
    for name, people in (("To", summary.to), ("Cc", summary.cc), ("Bcc", summary.bcc), ("Reply-To", summary.reply_to)):
        if people:
            lines.append((name, ", ".join(_address(person) for person in people)))
    lines.append(("Subject", _encoded(summary.subject)))
    lines.append(("Date", email.utils.format_datetime(summary.sent)))
    if summary.message_id:
        lines.append(("Message-ID", summary.message_id))
    if summary.importance != "normal":
        lines.append(("Importance", summary.importance))
    lines += [(name, _encoded(value)) for name, value in message.custom_headers]
    for name, value in lines:
        root[name] = _one_line(value)


def _part(attachment: Attachment) -> MimeMessage:
    if attachment.content_type == "message/rfc822":
        part = email.mime.base.MIMEBase("message", "rfc822")
        part.set_payload([email.message_from_bytes(attachment.content)])
    else:
        # A report is a file like any other here: only a whole message is written as what it is.
        content_type = (
            "application/octet-stream" if attachment.content_type.startswith(("message/", "multipart/")) else attachment.content_type
        )
        kind, _slash, subtype = content_type.partition("/")
        part = email.mime.base.MIMEBase(kind or "application", subtype.partition(";")[0] or "octet-stream")
        part.set_payload(attachment.content)
        email.encoders.encode_base64(part)
    part.add_header(
        "Content-Disposition", "inline" if attachment.is_inline else "attachment", filename=("utf-8", "", _one_line(attachment.name))
    )
    if attachment.content_id:
        part["Content-ID"] = f"<{_one_line(attachment.content_id)}>"
    return part


def _address(person: Person) -> str:
    name, address = person
    if name == address or not name:
        return address
    shown = f'"{email.utils.quote(name)}"' if name.isascii() else _encoded(name)
    return f"{shown} <{address}>"


def _encoded(text: str) -> str:
    return text if text.isascii() else email.header.Header(_clean(text), "utf-8", maxlinelen=10_000).encode(linesep="")


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


def _one_line(text: str) -> str:
    return re.sub(r"[\r\n]+", " ", text)


def _people(value: t.Any) -> tuple[Person, ...]:
    return tuple(person for person in (_person(entry) for entry in value or ()) if person is not None)


def _person(value: t.Any) -> Person | None:
    if not isinstance(value, dict) or not isinstance(value.get("emailAddress"), dict):
        return None
    address = str(value["emailAddress"].get("address") or "")
    return str(value["emailAddress"].get("name") or address), address


def _moment(value: t.Any) -> datetime.datetime:
    try:
        return datetime.datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    except ValueError:
        return EPOCH
