# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sources of a plan, and who reads each of them.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import functools
import typing as t
from dataclasses import dataclass
from datetime import datetime

from ..graph.ids import UserId
from ..repository.types import TreeId
from .archive_reader import preview_archive, read_archive
from .calendar_reader import preview_calendar, read_calendar
from .contacts_reader import preview_contacts, read_contacts
from .layout import ARCHIVE, CALENDAR, CONTACTS, MAIL, SETTINGS, TASKS
from .mail_reader import preview_mail, read_mail
from .settings_reader import preview_settings, read_settings
from .source_read import SourcePreview, SourceRead
from .tasks_reader import preview_tasks, read_tasks

if t.TYPE_CHECKING:
    from ..graph.client import GraphClient
    from ..plan.model import Plan
    from ..repository.repository import Repository
    from ..repository.writer import Writer


class ReadSource(t.Protocol):
    """Bring the tree of a source up to date. Raises BackupError when the source as a whole cannot be read."""

    def __call__(
        self,
        client: GraphClient,
        user: UserId,
        writer: Writer,
        base: TreeId | None,
        *,
        now: datetime,
        offer: t.Callable[[TreeId], None],
    ) -> SourceRead: ...


class PreviewSource(t.Protocol):
    """Say what reading would change. Raises BackupError when the source as a whole cannot be read."""

    def __call__(
        self, client: GraphClient, user: UserId, store: Repository | Writer, base: TreeId | None, *, now: datetime
    ) -> SourcePreview: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """C(title) is what sentences call it, as in "mailbox of alice@contoso.com"."""

    name: str
    title: str
    read: ReadSource
    preview: PreviewSource


def sources_of(plan: Plan) -> tuple[Source, ...]:
    """What is read of every member of the plan, in this order."""
    mail = Source(
        name=MAIL,
        title="mailbox",
        read=functools.partial(read_mail, recoverable_items=plan.recoverable_items),
        preview=functools.partial(preview_mail, recoverable_items=plan.recoverable_items),
    )
    named = tuple(source for source in (mail, *_OTHERS) if source.name in plan.sources)
    return (*named, _ARCHIVE) if plan.archive_mailboxes else named


_OTHERS = (
    Source(name=CALENDAR, title="calendars", read=read_calendar, preview=preview_calendar),
    Source(name=CONTACTS, title="contacts", read=read_contacts, preview=preview_contacts),
    Source(name=TASKS, title="tasks", read=read_tasks, preview=preview_tasks),
    Source(name=SETTINGS, title="mailbox settings", read=read_settings, preview=preview_settings),
)
_ARCHIVE = Source(name=ARCHIVE, title="archive mailbox", read=read_archive, preview=preview_archive)
