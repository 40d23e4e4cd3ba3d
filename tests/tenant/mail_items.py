# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Folders and messages as the mailbox keeps them."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import typing as t

from .journal import Journal

if t.TYPE_CHECKING:
    from .attachment_store import Attachment
    from .bodies import Body

# Alias, English name, hidden, whether it lies below the visible root.
WELL_KNOWN: tuple[tuple[str, str, str, bool], ...] = (
    ("inbox", "Inbox", "msgfolderroot", False),
    ("drafts", "Drafts", "msgfolderroot", False),
    ("sentitems", "Sent Items", "msgfolderroot", False),
    ("deleteditems", "Deleted Items", "msgfolderroot", False),
    ("archive", "Archive", "msgfolderroot", False),
    ("junkemail", "Junk Email", "msgfolderroot", False),
    ("outbox", "Outbox", "msgfolderroot", False),
    ("conversationhistory", "Conversation History", "msgfolderroot", False),
    ("syncissues", "Sync Issues", "msgfolderroot", True),
    ("conflicts", "Conflicts", "syncissues", True),
    ("localfailures", "Local Failures", "syncissues", True),
    ("serverfailures", "Server Failures", "syncissues", True),
    ("searchfolders", "Finder", "", True),
    ("recoverableitemsroot", "Recoverable Items", "", True),
    ("recoverableitemsdeletions", "Deletions", "recoverableitemsroot", True),
)


class MailboxState(enum.Enum):
    """How Graph answers for this mailbox (facts 6.4)."""

    OK = "ok"
    NOT_ENABLED = "not_enabled"
    ON_PREMISES = "on_premises"
    INVALID_USER = "invalid_user"
    ACCESS_DENIED = "access_denied"
    ODATA_DISABLED = "odata_disabled"
    QUOTA_EXCEEDED = "quota_exceeded"
    UNAVAILABLE = "unavailable"


@dataclasses.dataclass(slots=True, eq=False)
class Folder:
    """A mail folder. C(parent) is None for the roots only."""

    number: int
    id: str
    name: str
    parent: Folder | None
    alias: str | None = None
    hidden: bool = False
    filter_query: str | None = None
    changed: int = 0
    deleted: bool = False
    messages: dict[int, Message] = dataclasses.field(default_factory=dict)
    children: list[Folder] = dataclasses.field(default_factory=list)
    unread: int = 0
    journal: Journal = dataclasses.field(default_factory=Journal)
    sorted_at: int = -1
    sorted_messages: list[Message] = dataclasses.field(default_factory=list)

    def path(self) -> list[str]:
        """Display names from below the root."""
        names: list[str] = []
        folder: Folder | None = self
        while folder is not None and folder.parent is not None:
            names.append(folder.name)
            folder = folder.parent
        return names[::-1]


@dataclasses.dataclass(slots=True, eq=False)
class Message:
    """A message: the body as delivered, and the state that lies beside it."""

    number: int
    folder: Folder
    arrived: int
    changed: int
    body: Body
    received: datetime.datetime
    created: datetime.datetime
    modified: datetime.datetime
    is_read: bool = False
    is_draft: bool = False
    flagged: bool = False
    categories: tuple[str, ...] = ()
    properties: dict[str, t.Any] | None = None  # what was set by JSON; wins over what the MIME says
    attachments: list[Attachment] | None = None  # added by JSON; None: those of the MIME
    extended: dict[str, str] | None = None
    attach_refusals: int = 0


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
