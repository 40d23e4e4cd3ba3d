# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Attachments over HTTP (facts 4, 14.24-26)."""

from __future__ import annotations

import typing as t

from .attachment_store import FILE, ITEM, REFERENCE, attachment_json, attachments_of, find_attachment, read_attachment_json
from .call import Answer, GraphError, json_answer
from .message_writes import LARGEST_REQUEST, rebuild, refuse_sensitive_change
from .odata import read_select

if t.TYPE_CHECKING:
    from .attachment_store import Attachment
    from .call import Call
    from .mail_items import Message
    from .mailbox import Mailbox
    from .state import Tenant

_SENSITIVE = frozenset({"attachments"})


def list_attachments(tenant: Tenant, call: Call) -> Answer:
    """All attachments in one answer: there is never a nextLink."""
    mailbox = tenant.mailbox(call)
    message = mailbox.message(call.values["message"])
    select = read_select(call)
    expand = "itemattachment" in call.query.get("expand", "").lower()
    entries = []
    for attachment in attachments_of(message):
        entry = attachment_json(mailbox, message, attachment, expand_item=expand, with_content=select is None or "contentBytes" in select)
        entries.append(
            entry if select is None else {name: value for name, value in entry.items() if name in select or name in ("@odata.type", "id")}
        )
    return json_answer({"@odata.context": f"{call.root}/$metadata#users('{mailbox.owner_id}')/messages('x')/attachments", "value": entries})


def get_attachment(tenant: Tenant, call: Call) -> Answer:
    mailbox = tenant.mailbox(call)
    message = mailbox.message(call.values["message"])
    attachment = find_attachment(mailbox, message, call.values["attachment"])
    expand = "itemattachment" in call.query.get("expand", "").lower()
    return json_answer(attachment_json(mailbox, message, attachment, expand_item=expand))


def get_attachment_content(tenant: Tenant, call: Call) -> Answer:
    """C($value): the bytes of a file, the MIME of an item, 405 for a reference."""
    mailbox = tenant.mailbox(call)
    attachment = find_attachment(mailbox, mailbox.message(call.values["message"]), call.values["attachment"])
    if attachment.kind == REFERENCE:
        raise GraphError(405, "ErrorInvalidRequest", "The requested media content is not available for reference attachments.")
    content_type = "text/plain" if attachment.kind == ITEM else attachment.content_type
    return Answer(200, attachment.content, {"content-type": content_type})


def create_attachment(tenant: Tenant, call: Call) -> Answer:
    """C(POST .../attachments): files below 3 MB."""
    mailbox = tenant.mailbox(call)
    message = mailbox.message(call.values["message"])
    if len(call.body) > LARGEST_REQUEST:
        raise GraphError(413, "RequestEntityTooLarge", "Request Entity Too Large")
    if message.attach_refusals:
        message.attach_refusals -= 1
        raise GraphError(404, "ErrorItemNotFound", "The specified object was not found in the store.")
    refuse_sensitive_change(tenant, call, message, _SENSITIVE if tenant.settings.protect_attachments else frozenset())
    attachment = read_attachment_json(call.json(), next_number(message))
    add_attachment(mailbox, message, attachment)
    return json_answer(attachment_json(mailbox, message, attachment, expand_item=False, with_content=attachment.kind == FILE), 201)


def delete_attachment(tenant: Tenant, call: Call) -> Answer:
    mailbox = tenant.mailbox(call)
    message = mailbox.message(call.values["message"])
    attachment = find_attachment(mailbox, message, call.values["attachment"])
    rebuild(mailbox, message, [other for other in attachments_of(message) if other.number != attachment.number])
    mailbox.touch(message)
    return Answer(204)


def next_number(message: Message) -> int:
    return max((attachment.number for attachment in attachments_of(message)), default=0) + 1


def add_attachment(mailbox: Mailbox, message: Message, attachment: Attachment) -> None:
    """Adds an attachment and notes the change."""
    rebuild(mailbox, message, [*attachments_of(message), attachment])
    mailbox.touch(message)
