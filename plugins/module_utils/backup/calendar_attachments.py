# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The attachments of an event and of its exceptions, each with its own ones.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import base64
import binascii
import typing as t

from ..graph.calendar import list_attachments, read_attachment, read_attachment_content
from ..graph.errors import BadAnswer, ItemUnreadable, NotFound, RequestRefused
from ..graph.ids import EventId, UserId
from .item_fields import parse_time
from .item_parts import Parts
from .item_source import Document

if t.TYPE_CHECKING:
    from ..graph.client import GraphClient

FILE_KEY = "@m365.file"
MISSING_KEY = "@m365.missing"
_ITEM = "#microsoft.graph.itemattachment"
_REFERENCE = "#microsoft.graph.referenceattachment"
_SUFFIXES = {"#microsoft.graph.message": ".eml", "#microsoft.graph.event": ".ics", "#microsoft.graph.contact": ".vcf"}
#: Bytes up to which a file comes as base64 in the JSON that describes it, in one request instead of two. What is shown
#: inside the text is named there by its content id, which only this JSON tells.
_SMALL = 3 << 20
_SMALL_INLINE = 16 << 20
_UNREADABLE = (BadAnswer, ItemUnreadable, NotFound, RequestRefused)


def attach_to_event(client: GraphClient, user: UserId, event: Document, parts: Parts) -> None:
    """Store the attachments and list them in the document, as C($expand=attachments) would, the bytes in files beside it."""
    for owner in (event, *(event.get("exceptionOccurrences") or ())):
        if may_have_attachments(owner):
            of = None if owner is event else str(owner.get("id"))
            owner["attachments"] = _Attachments(client, user, EventId(str(owner["id"])), of, parts).read()


def may_have_attachments(event: t.Mapping[str, t.Any]) -> bool:
    """C(hasAttachments) leaves out those that are shown inside the text."""
    return event.get("hasAttachments") is True or "cid:" in str((event.get("body") or {}).get("content") or "")


class _Attachments:
    """The attachments of one event or exception."""

    def __init__(self, client: GraphClient, user: UserId, event_id: EventId, of: str | None, parts: Parts) -> None:
        self._client = client
        self._user = user
        self._event_id = event_id
        self._of = of
        self._parts = parts

    def read(self) -> list[Document]:
        return [self._read(dict(fields)) for fields in list_attachments(self._client, self._user, self._event_id)]

    def _read(self, listed: Document) -> Document:
        name = str(listed.get("name") or "attachment")
        self._parts.names.append(name)
        try:
            return self._store(listed, name)
        except _UNREADABLE as error:
            self._parts.fail(f"attachment {name}", error)
            return {**listed, MISSING_KEY: error.code or str(error.status or "")}

    def _store(self, listed: Document, name: str) -> Document:
        kind = str(listed.get("@odata.type") or "").lower()
        identity = str(listed["id"])
        if kind == _REFERENCE:
            return dict(read_attachment(self._client, self._user, self._event_id, identity))
        if kind == _ITEM:
            whole = dict(read_attachment(self._client, self._user, self._event_id, identity, with_item=True))
            suffix = _SUFFIXES.get(str((whole.get("item") or {}).get("@odata.type") or "").lower(), "")
            return self._add(whole, name + suffix, None)
        size = listed.get("size")
        if not isinstance(size, int) or size > (_SMALL_INLINE if listed.get("isInline") is True else _SMALL):
            return self._add(listed, name, None)
        whole = dict(read_attachment(self._client, self._user, self._event_id, identity))
        return self._add(whole, name, _decoded(whole.pop("contentBytes", None)))

    def _add(self, attachment: Document, name: str, content: bytes | None) -> Document:
        facts = {
            "type": attachment.get("contentType"),
            "inline": attachment.get("isInline") is True,
            "cid": attachment.get("contentId"),
            "of": self._of,
        }
        key, modified = str(attachment["id"]), parse_time(attachment.get("lastModifiedDateTime"))
        if content is not None:
            file = self._parts.add("attachment", name, [content], key=key, modified=modified, facts=facts)
        else:
            with read_attachment_content(self._client, self._user, self._event_id, key) as body:
                file = self._parts.add("attachment", name, body.chunks(), key=key, modified=modified, facts=facts)
        return {**attachment, FILE_KEY: file}


def _decoded(text: t.Any) -> bytes | None:
    """None asks for the bytes themselves."""
    if not isinstance(text, str):
        return None
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return None
