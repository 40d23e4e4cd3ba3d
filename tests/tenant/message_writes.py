# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Creating and changing messages (facts 9.1, 9.2, 14.27-30)."""

from __future__ import annotations

import base64
import binascii
import datetime
import re
import typing as t

from .attachment_store import Attachment, attachments_of, read_attachment_json
from .bodies import BuiltBody, StoredBody
from .call import Answer, GraphError
from .extended import MESSAGE_FLAGS, RECEIVED, SENT, normal_id
from .mail_items import now
from .message_view import View, render, stamp
from .messages import message_answer
from .mime_build import build_mime, read_json_message, valid_address
from .receipts import note_receipt

if t.TYPE_CHECKING:
    from .call import Call
    from .mail_items import Folder, Message
    from .mailbox import Mailbox
    from .state import Tenant

LARGEST_REQUEST = 4 * 1024 * 1024
_UNSENT = 8
_READ = 1
_KEPT = (
    "subject",
    "body",
    "from",
    "sender",
    "toRecipients",
    "ccRecipients",
    "bccRecipients",
    "replyTo",
    "importance",
    "internetMessageId",
    "flag",
    "isReadReceiptRequested",
    "isDeliveryReceiptRequested",
    "inferenceClassification",
)
SENSITIVE = frozenset(
    {"subject", "body", "from", "sender", "toRecipients", "ccRecipients", "bccRecipients", "replyTo", "internetMessageId"}
)
_PEOPLE = ("toRecipients", "ccRecipients", "bccRecipients", "replyTo")
_MOMENT = re.compile(r"^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.\d+)?(Z|[+-]\d{2}:\d{2})?$")


def create_message(tenant: Tenant, call: Call) -> Answer:
    """C(POST .../messages): JSON into Drafts or the named folder, MIME (base64, text/plain) into Drafts."""
    mailbox = tenant.mailbox(call)
    if len(call.body) > LARGEST_REQUEST:
        raise GraphError(413, "RequestEntityTooLarge", "Request Entity Too Large")
    folder = mailbox.folder(call.values["folder"]) if "folder" in call.values else mailbox.aliases["drafts"]
    if call.headers.get("content-type", "").lower().startswith("text/plain"):
        message = _from_mime(mailbox, call.body)
    else:
        message = _from_json(mailbox, folder, call.json())
    message.attach_refusals = tenant.settings.attachment_refusals
    return message_answer(call, mailbox, message, 201)


def update_message(tenant: Tenant, call: Call) -> Answer:
    """C(PATCH .../messages/{message})."""
    mailbox = tenant.mailbox(call)
    message = mailbox.message(call.values["message"])
    wanted = call.json()
    refuse_sensitive_change(tenant, call, message, SENSITIVE & set(wanted))
    if "isRead" in wanted:
        if wanted["isRead"]:
            note_receipt(tenant, mailbox, message)
        mailbox.set_read(message, bool(wanted["isRead"]))
    if "categories" in wanted:
        message.categories = tuple(str(name) for name in wanted["categories"] or ())
    if "flag" in wanted:
        message.flagged = (wanted["flag"] or {}).get("flagStatus") == "flagged"
    extended = _extended(wanted)
    extended.pop(MESSAGE_FLAGS, None)  # decided at creation, for ever
    if RECEIVED in extended:
        message.received = read_moment(extended.pop(RECEIVED))
    message.extended = {**(message.extended or {}), **extended}
    kept = {name: wanted[name] for name in _KEPT if name in wanted}
    if kept:
        _check_people(kept)
        message.properties = {**(message.properties or {}), **kept}
        if kept.keys() & SENSITIVE:
            rebuild(mailbox, message, list(attachments_of(message)))
    if set(wanted) != {"isRead"}:
        mailbox.touch(message)
    return message_answer(call, mailbox, message)


def refuse_sensitive_change(tenant: Tenant, call: Call, message: Message, names: frozenset[str] | set[str]) -> None:
    """From 2026-12-31 non-drafts are protected (facts 0). Raises GraphError 403 when that is switched on."""
    if names and tenant.settings.protect_sent_messages and not message.is_draft and "Mail-Advanced.ReadWrite.All" not in call.roles:
        raise GraphError(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")


def rebuild(mailbox: Mailbox, message: Message, attachments: list[Attachment]) -> None:
    """Gives a message new attachments or properties: from now on its MIME is built from the JSON."""
    view = View(mailbox, True, None)
    properties = render(message, view)
    properties["internetMessageHeaders"] = (message.properties or {}).get("internetMessageHeaders")
    content = read_json_message(properties, sent=read_moment(properties["sentDateTime"]))
    message.properties = {**(message.properties or {}), "body": properties["body"], "sentDateTime": properties["sentDateTime"]}
    message.attachments = attachments
    message.body = BuiltBody(lambda: build_mime(content, attachments), content.summary)


def read_moment(text: object) -> datetime.datetime:
    """A time as clients send it. Raises GraphError 400."""
    match = _MOMENT.match(str(text))
    if match is None:
        raise GraphError(400, "ErrorPropertyValidationFailure", f"The property value '{text}' is not a valid DateTime.")
    return datetime.datetime.fromisoformat(match[1] + (match[2] or "Z").replace("Z", "+00:00")).astimezone(datetime.timezone.utc)


def _from_mime(mailbox: Mailbox, body: bytes) -> Message:
    try:
        mime = base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        raise GraphError(400, "ErrorMimeContentInvalidBase64String", "Invalid base64 string for MIME content.") from None
    return mailbox.add_message(mailbox.aliases["drafts"], StoredBody(mime), now(), is_read=True, is_draft=True)


def _from_json(mailbox: Mailbox, folder: Folder, wanted: dict[str, t.Any]) -> Message:
    extended = _extended(wanted)
    _check_people(wanted)
    _check_headers(wanted)
    flags = _integer(extended.pop(MESSAGE_FLAGS, None))
    moment = now()
    received = read_moment(extended.pop(RECEIVED)) if RECEIVED in extended else moment
    sent = read_moment(extended.pop(SENT)) if SENT in extended else moment
    attachments = [read_attachment_json(entry, number) for number, entry in enumerate(wanted.get("attachments") or (), 1)]
    content = read_json_message(wanted, sent=sent, message_id=f"<{mailbox.guid}.{mailbox.version}@tenant.example.com>")
    is_draft = flags is None or bool(flags & _UNSENT)
    message = mailbox.add_message(
        folder,
        BuiltBody(lambda: build_mime(content, message.attachments or []), content.summary),
        received,
        is_read=bool(wanted.get("isRead", is_draft or bool((flags or 0) & _READ))),
        is_draft=is_draft,
        flagged=(wanted.get("flag") or {}).get("flagStatus") == "flagged",
        categories=tuple(str(name) for name in wanted.get("categories") or ()),
    )
    message.created = message.modified = moment
    message.attachments = attachments
    message.extended = extended
    message.properties = {name: wanted[name] for name in _KEPT if wanted.get(name) is not None}
    message.properties["sentDateTime"] = stamp(sent)
    message.properties.setdefault("body", {"contentType": "text", "content": ""})
    if wanted.get("internetMessageHeaders"):
        message.properties["internetMessageHeaders"] = wanted["internetMessageHeaders"]
    return message


def _extended(wanted: dict[str, t.Any]) -> dict[str, str]:
    properties = wanted.get("singleValueExtendedProperties") or ()
    return {normal_id(str(entry.get("id"))): str(entry.get("value")) for entry in properties}


def _integer(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return int(text)
    except ValueError:
        raise GraphError(400, "ErrorPropertyValidationFailure", f"The property value '{text}' is not a valid Integer.") from None


def _check_people(wanted: dict[str, t.Any]) -> None:
    for name in _PEOPLE:
        for entry in wanted.get(name) or ():
            if not valid_address(((entry or {}).get("emailAddress") or {}).get("address")):
                raise GraphError(
                    400,
                    "ErrorInvalidRecipients",
                    f"At least one recipient isn't valid., A message can't be sent because it contains no valid recipients in {name}.",
                )


def _check_headers(wanted: dict[str, t.Any]) -> None:
    for header in wanted.get("internetMessageHeaders") or ():
        if not str(header.get("name", "")).lower().startswith("x-"):
            raise GraphError(
                400,
                "InvalidInternetMessageHeader",
                f"The internet message header name '{header.get('name')}' should start with 'x-' or 'X-'.",
            )
