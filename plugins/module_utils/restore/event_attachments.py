# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Attachments of restored events. An occurrence that is changed begins with copies of those of its series.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import base64
import collections
import typing as t

from ..graph.calendar import list_attachments
from ..graph.calendar_write import delete_event_attachment
from ..graph.mail_attachments import EVENT, add_attachment, upload_attachment

if t.TYPE_CHECKING:
    from ..graph.client import GraphClient
    from ..graph.ids import EventId, UserId
    from ..repository.repository import Repository
    from .choice import ChosenItem, Part

_SESSION_BYTES = 3_000_000
_ATTACHMENT = "attachment"


class EventAttachments:
    """Thread-safe."""

    def __init__(self, repository: Repository, client: GraphClient, user: UserId) -> None:
        self._repository = repository
        self._client = client
        self._user = user

    def add(self, event_id: EventId, item: ChosenItem, of: str) -> None:
        """Those of the event itself (C(of) is empty), or of the exception with this id."""
        for part in _parts(item, of):
            self._add(event_id, part)

    def make_equal(self, occurrence: EventId, item: ChosenItem, of: str) -> None:
        """Give a changed occurrence the attachments that it had, if they are others than those of its series."""
        wanted = _parts(item, of)
        if _contents(wanted) == _contents(_parts(item, "")):
            return
        for there in list_attachments(self._client, self._user, occurrence):
            delete_event_attachment(self._client, self._user, occurrence, str(there["id"]))
        for part in wanted:
            self._add(occurrence, part)

    def _add(self, event_id: EventId, part: Part) -> None:
        content = b"".join(self._repository.read_file(part.node))
        facts = part.facts
        if len(content) >= _SESSION_BYTES:
            upload_attachment(
                self._client,
                self._user,
                event_id,
                name=_name(part),
                size=len(content),
                content=[content],
                content_type=str(facts.get("type") or ""),
                is_inline=bool(facts.get("inline")),
                content_id=facts.get("cid"),
                holder=EVENT,
            )
            return
        payload = {
            "@odata.type": "#microsoft.graph.fileAttachment",
            "name": _name(part),
            "contentBytes": base64.b64encode(content).decode("ascii"),
            "isInline": bool(facts.get("inline")),
            **({"contentType": facts["type"]} if facts.get("type") else {}),
            **({"contentId": facts["cid"]} if facts.get("cid") else {}),
        }
        add_attachment(self._client, self._user, event_id, payload, EVENT)


def _parts(item: ChosenItem, of: str) -> list[Part]:
    return [part for part in item.parts if part.facts.get("kind") == _ATTACHMENT and (part.facts.get("of") or "") == of]


def _contents(parts: t.Iterable[Part]) -> collections.Counter[tuple[str, tuple[str, ...]]]:
    return collections.Counter((_name(part), tuple(part.node.content)) for part in parts)


def _name(part: Part) -> str:
    return str(part.facts.get("name") or "attachment")
