# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Attachments of events and of single occurrences (facts 4, 7.1, 14.24-26). An exception has its own, apart from its series."""

from __future__ import annotations

import dataclasses
import typing as t

from .attachment_store import ITEM, REFERENCE, Attachment, attachment_json, read_attachment_json
from .call import Answer, GraphError, json_answer
from .event_series import change_occurrence, happening_id
from .event_view import attachments_of_happening
from .events import named_happening
from .item_files import item_file
from .listing import selected
from .message_writes import LARGEST_REQUEST
from .odata import read_select
from .sections import not_found
from .uploads import open_session, uploaded_file

if t.TYPE_CHECKING:
    from .call import Call
    from .event_series import Happening
    from .mailbox import Mailbox
    from .state import Tenant
    from .uploads import Upload

Json = dict[str, t.Any]


def list_attachments(tenant: Tenant, call: Call) -> Answer:
    """All attachments in one answer: there is never a nextLink."""
    mailbox = tenant.mailbox(call)
    happening = named_happening(mailbox, call)
    select = read_select(call)
    with_content = select is None or "contentBytes" in select
    entries = [
        selected(attachment_json(mailbox, happening.item, one, expand_item=_expands(call), with_content=with_content), select)
        for one in attachments_of_happening(happening)
    ]
    return json_answer({"@odata.context": f"{call.root}/$metadata#users('{mailbox.owner_id}')/events('x')/attachments", "value": entries})


def get_attachment(tenant: Tenant, call: Call) -> Answer:
    mailbox = tenant.mailbox(call)
    happening = named_happening(mailbox, call)
    entry = attachment_json(mailbox, happening.item, _named(mailbox, happening, call), expand_item=_expands(call))
    return json_answer({"@odata.context": f"{call.root}/$metadata#attachments/$entity", **selected(entry, read_select(call))})


def get_attachment_content(tenant: Tenant, call: Call) -> Answer:
    """C($value): the bytes of a file, MIME, iCalendar or vCard of an item, 405 for a reference."""
    mailbox = tenant.mailbox(call)
    attachment = _named(mailbox, named_happening(mailbox, call), call)
    if attachment.kind == REFERENCE:
        raise GraphError(405, "ErrorInvalidRequest", "The requested media content is not available for reference attachments.")
    return Answer(200, attachment.content, {"content-type": attachment.content_type})


def create_attachment(tenant: Tenant, call: Call) -> Answer:
    """C(POST .../attachments): files below 3 MB, items, references."""
    mailbox = tenant.mailbox(call)
    happening = named_happening(mailbox, call)
    if len(call.body) > LARGEST_REQUEST:
        raise GraphError(413, "RequestEntityTooLarge", "Request Entity Too Large")
    if happening.item.attach_refusals:
        happening.item.attach_refusals -= 1
        raise not_found()
    attachment = add_json_attachment(mailbox, happening, call.json())
    return json_answer(attachment_json(mailbox, happening.item, attachment, expand_item=False), 201)


def delete_attachment(tenant: Tenant, call: Call) -> Answer:
    """Of an occurrence: only this one loses it, and becomes an exception."""
    mailbox = tenant.mailbox(call)
    happening = named_happening(mailbox, call)
    position = attachments_of_happening(happening).index(_named(mailbox, happening, call))
    del _own_list(happening)[position]
    mailbox.sections.calendars.touch(happening.item)
    return Answer(204)


def create_session(tenant: Tenant, call: Call) -> Answer:
    """C(POST .../attachments/createUploadSession)."""
    mailbox = tenant.mailbox(call)
    return open_session(tenant, call, mailbox, EventTarget(mailbox, named_happening(mailbox, call)))


def add_json_attachment(mailbox: Mailbox, happening: Happening, wanted: Json) -> Attachment:
    """Adds an attachment as it is posted, and notes the change. Raises GraphError 400."""
    content = item_file(wanted["item"]) if isinstance(wanted.get("item"), dict) else None
    if content is None:
        attachment = read_attachment_json(wanted, happening.item.next_attachment)
    else:
        content_type = "text/calendar" if content.startswith(b"BEGIN:VCALENDAR") else "text/vcard"
        name = str(wanted.get("name") or "item")
        attachment = Attachment(happening.item.next_attachment, ITEM, name, content_type, content, item=wanted["item"])
    add_attachment(mailbox, happening, attachment)
    return attachment


def add_attachment(mailbox: Mailbox, happening: Happening, attachment: Attachment) -> None:
    """Adds an attachment under the next number of its event, and notes the change."""
    own = _own_list(happening)
    attachment.number = happening.item.next_attachment
    happening.item.next_attachment += 1
    own.append(attachment)
    mailbox.sections.calendars.touch(happening.item)


@dataclasses.dataclass(frozen=True, slots=True)
class EventTarget:
    """An event or an occurrence that gets an attachment through an upload session."""

    mailbox: Mailbox
    happening: Happening
    collection: str = "Events"

    def item_id(self, *, immutable: bool) -> str:
        return happening_id(self.mailbox, self.happening, immutable=immutable)

    def add(self, upload: Upload) -> str:
        attachment = uploaded_file(upload, 0)
        add_attachment(self.mailbox, self.happening, attachment)
        return self.mailbox.ids.attachment(self.happening.item.number, attachment.number)


def _own_list(happening: Happening) -> list[Attachment]:
    return happening.item.attachments if happening.day is None else change_occurrence(happening, {}).attachments


def _named(mailbox: Mailbox, happening: Happening, call: Call) -> Attachment:
    place = mailbox.ids.read_attachment(call.values["attachment"])
    if place is not None and place[0] == happening.item.number:
        for attachment in attachments_of_happening(happening):
            if attachment.number == place[1]:
                return attachment
    raise not_found()


def _expands(call: Call) -> bool:
    return "itemattachment" in call.query.get("expand", "").lower()
