# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Messages: listing, reading, MIME, moving, changing, deleting."""

from __future__ import annotations

import typing as t

from .call import Answer, GraphError, json_answer
from .filters import parse_filter
from .message_filters import check_order, message_test
from .message_view import PROPERTIES, View, etag, render
from .odata import next_skip_link, page_size, read_select
from .receipts import note_receipt

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from .call import Call
    from .mail_items import Message
    from .mailbox import Mailbox
    from .state import Tenant

_MIME_CHUNK = 64 * 1024


def list_messages(tenant: Tenant, call: Call) -> Answer:
    """C(GET .../mailFolders/{folder}/messages), or C(GET .../messages) over the whole mailbox."""
    mailbox = tenant.mailbox(call)
    if "folder" in call.values:
        folder = mailbox.folder(call.values["folder"])
        found = mailbox.in_order(folder)
        path = f"/users/{mailbox.owner_id}/mailFolders/{folder.id}/messages"
    else:
        found = sorted(mailbox.messages.values(), key=lambda message: (message.received, message.number), reverse=True)
        path = f"/users/{mailbox.owner_id}/messages"
    found = _filtered(call, mailbox, found)
    size = page_size(call, default=10, largest=1000)
    skip = call.integer("skip", 0)
    view = View(mailbox, call.immutable_ids, read_select(call))
    body: dict[str, t.Any] = {"@odata.context": f"{call.root}/$metadata#users('{mailbox.owner_id}')/messages"}
    if call.flag("count"):
        body["@odata.count"] = len(found)
    body["value"] = [with_extended(message, render(message, view), call) for message in found[skip : skip + size]]
    if skip + size < len(found):
        body["@odata.nextLink"] = next_skip_link(call, path, skip + size)
    return json_answer(body)


def get_message(tenant: Tenant, call: Call) -> Answer:
    mailbox = tenant.mailbox(call)
    message = mailbox.message(call.values["message"])
    return message_answer(call, mailbox, message)


def message_answer(call: Call, mailbox: Mailbox, message: Message, status: int = 200) -> Answer:
    """One message as JSON, as the request wants it."""
    body = with_extended(message, render(message, View(mailbox, call.immutable_ids, read_select(call))), call)
    context = f"{call.root}/$metadata#users('{mailbox.owner_id}')/messages/$entity"
    return json_answer({"@odata.context": context, **body}, status, {"etag": etag(message)})


def get_mime(tenant: Tenant, call: Call) -> Answer:
    """C(GET .../messages/{message}/$value): the bytes as delivered, chunked, no Content-Length."""
    mailbox = tenant.mailbox(call)
    message = mailbox.message(call.values["message"])
    return Answer(200, _chunks(message.body.read()), {"content-type": "text/plain"})


def refuse_mime_below_folder(tenant: Tenant, call: Call) -> Answer:
    """The folder form of $value, documented but not served (facts 4)."""
    tenant.mailbox(call)
    raise GraphError(400, "ErrorInvalidRequest", "The OData request is not supported.")


def move_message(tenant: Tenant, call: Call) -> Answer:
    """C(POST .../messages/{message}/move)."""
    mailbox = tenant.mailbox(call)
    message = mailbox.message(call.values["message"])
    mailbox.move(message, mailbox.folder(str(call.json().get("destinationId", ""))))
    return message_answer(call, mailbox, message, 201)


def delete_message(tenant: Tenant, call: Call) -> Answer:
    """C(DELETE .../messages/{message}): into the dumpster."""
    mailbox = tenant.mailbox(call)
    message = mailbox.message(call.values["message"])
    note_receipt(tenant, mailbox, message)
    dumpster = mailbox.aliases["recoverableitemsdeletions"]
    if message.folder is dumpster:
        mailbox.remove(message)
    else:
        mailbox.move(message, dumpster)
    return Answer(204)


def with_extended(message: Message, body: dict[str, t.Any], call: Call) -> dict[str, t.Any]:
    """Adds C(singleValueExtendedProperties) when the request expands them."""
    expand = call.query.get("expand", "")
    if "singleValueExtendedProperties" in expand:
        from .extended import expanded_properties

        found = expanded_properties(message, expand)
        if found:
            body["singleValueExtendedProperties"] = found
    return body


def _filtered(call: Call, mailbox: Mailbox, found: list[Message]) -> list[Message]:
    text = call.query.get("filter")
    order = call.query.get("orderby")
    if text is None and order is None:
        return found
    node = parse_filter(text) if text is not None else None
    name, descending = check_order(node, order)
    if node is not None:
        test = message_test(node, mailbox)
        found = [message for message in found if test(message)]
    if order is not None:
        if name not in PROPERTIES:
            raise GraphError(400, "BadRequest", f"Could not find a property named '{name}' on type 'Microsoft.OutlookServices.Message'.")
        view = View(mailbox, True, None)
        found = sorted(found, key=lambda message: (str(PROPERTIES[name](message, view)), message.number), reverse=descending)
    return found


def _chunks(mime: bytes) -> Iterator[bytes]:
    for start in range(0, len(mime) or 1, _MIME_CHUNK):  # an empty body still is a chunked one
        yield mime[start : start + _MIME_CHUNK]
