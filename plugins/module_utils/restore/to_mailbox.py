# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restore messages into a mailbox, below a new folder.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import threading
import typing as t

from ..graph.errors import GraphError
from ..graph.ids import FolderId, MessageId, UserId
from ..graph.mail_attachments import add_attachment, upload_attachment
from ..graph.mail_write import create_folder, create_message, delete_message
from .choice import MailItem
from .message_payload import Attachment, message_parts

if t.TYPE_CHECKING:
    from ..graph.client import GraphClient
    from ..repository.repository import Repository

_ROOT = "msgfolderroot"
#: Graph refuses a request of 4 MB; base64 makes 4 bytes of 3, and the body needs room too.
_INLINE_BYTES = 2_000_000
_SESSION_BYTES = 3_000_000


class MailboxWriter:
    """Creates folders as they are needed, below C(top), and messages in them. Thread-safe."""

    def __init__(self, client: GraphClient, user: UserId, top: str) -> None:
        self._client = client
        self._user = user
        self._folders: dict[tuple[str, ...], FolderId] = {}
        self._lock = threading.RLock()
        self._top = top

    def write(self, repository: Repository, item: MailItem) -> None:
        """Create one message with its attachments. Raises GraphError."""
        parts = message_parts(b"".join(repository.read_file(item.node)), item.record)
        inline, later = _split(parts.attachments, len(parts.payload["body"]["content"].encode("utf-8")))
        payload = dict(parts.payload)
        if inline:
            payload["attachments"] = [attachment.as_json() for attachment in inline]
        message_id = create_message(self._client, self._user, self._folder((self._top, *item.folder)), payload)
        try:
            for attachment in later:
                self._attach(message_id, attachment)
        except GraphError:
            # Half a message is worse than none that is reported.
            delete_message(self._client, self._user, message_id)
            raise

    def _folder(self, path: tuple[str, ...]) -> FolderId:
        with self._lock:
            if path not in self._folders:
                parent: FolderId | str = self._folder(path[:-1]) if len(path) > 1 else _ROOT
                self._folders[path] = create_folder(self._client, self._user, parent, path[-1]).id
            return self._folders[path]

    def _attach(self, message_id: MessageId, attachment: Attachment) -> None:
        if len(attachment.content) < _SESSION_BYTES:
            add_attachment(self._client, self._user, message_id, attachment.as_json())
            return
        upload_attachment(
            self._client,
            self._user,
            message_id,
            name=attachment.name,
            size=len(attachment.content),
            content=[attachment.content],
            content_type=attachment.content_type,
            is_inline=attachment.is_inline,
            content_id=attachment.content_id,
        )


def _split(attachments: t.Sequence[Attachment], body_size: int) -> tuple[list[Attachment], list[Attachment]]:
    """Attachments that fit into the request which creates the message, and the others."""
    inline: list[Attachment] = []
    later: list[Attachment] = []
    room = _INLINE_BYTES - body_size
    for attachment in attachments:
        if len(attachment.content) <= room:
            inline.append(attachment)
            room -= len(attachment.content)
        else:
            later.append(attachment)
    return inline, later
