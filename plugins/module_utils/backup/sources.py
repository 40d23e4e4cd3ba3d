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
from datetime import datetime, timedelta

from ..graph.ids import UserId
from ..plan.model import BackupType
from ..repository.types import TreeId
from .archive_reader import preview_archive, read_archive
from .calendar_reader import preview_calendar, read_calendar
from .contacts_reader import preview_contacts, read_contacts
from .drive_reader import preview_drive, read_drive
from .layout import ARCHIVE, CALENDAR, CONTACTS, MAIL, ONEDRIVE, SETTINGS, TASKS
from .mail_reader import preview_mail, read_mail
from .settings_reader import preview_settings, read_settings
from .source_read import NO_DRIVE, NO_SHAREPOINT_LICENCE, SourcePreview, SourceRead
from .tasks_reader import preview_tasks, read_tasks

if t.TYPE_CHECKING:
    from ..graph.client import GraphClient
    from ..plan.model import Plan
    from ..repository.repository import Repository
    from ..repository.writer import Writer
    from .contents import Contents
    from .members import SourceState


#: For how long it holds that there is none of a source, see L(Source): less than a day, so that it is asked by a run of each day.
ABSENT_FOR = timedelta(hours=23)


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
        contents: Contents | None,
    ) -> SourceRead: ...


class PreviewSource(t.Protocol):
    """Say what reading would change. Raises BackupError when the source as a whole cannot be read."""

    def __call__(
        self, client: GraphClient, user: UserId, store: Repository | Writer, base: TreeId | None, *, now: datetime
    ) -> SourcePreview: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """C(title) is what sentences call it, as in "mailbox of alice@contoso.com".

    C(lasting) are availabilities that hold for C(ABSENT_FOR) once the service has stated them: until then nobody asks again.
    """

    name: str
    title: str
    read: ReadSource
    preview: PreviewSource
    lasting: frozenset[str] = frozenset()

    def is_known_absent(self, before: SourceState, now: datetime) -> bool:
        """Whether the service said not long ago that there is none. A clock that went back says nothing."""
        if before.availability not in self.lasting or not before.asked:
            return False
        return timedelta() <= now - datetime.fromisoformat(before.asked) < ABSENT_FOR


def sources_of(plan: Plan) -> tuple[Source, ...]:
    """What is read of every member of the plan, in this order."""
    if plan.backup_type is BackupType.ONEDRIVE:
        return (_drive(plan),)
    mail = Source(
        name=MAIL,
        title="mailbox",
        read=functools.partial(read_mail, recoverable_items=plan.recoverable_items),
        preview=functools.partial(preview_mail, recoverable_items=plan.recoverable_items),
    )
    named = tuple(source for source in (mail, *_OTHERS) if source.name in plan.sources)
    return (*named, _ARCHIVE) if plan.archive_mailboxes else named


def _drive(plan: Plan) -> Source:
    """Who asks for many drives that do not exist is throttled at all drives (Microsoft's page on avoiding throttling in SharePoint)."""
    return Source(
        name=ONEDRIVE,
        title="OneDrive",
        read=functools.partial(read_drive, versions=plan.versions, permissions=plan.permissions),
        preview=functools.partial(preview_drive, versions=plan.versions, permissions=plan.permissions),
        lasting=frozenset({NO_DRIVE, NO_SHAREPOINT_LICENCE}),
    )


_OTHERS = (
    Source(name=CALENDAR, title="calendars", read=read_calendar, preview=preview_calendar),
    Source(name=CONTACTS, title="contacts", read=read_contacts, preview=preview_contacts),
    Source(name=TASKS, title="tasks", read=read_tasks, preview=preview_tasks),
    Source(name=SETTINGS, title="mailbox settings", read=read_settings, preview=preview_settings),
)
_ARCHIVE = Source(name=ARCHIVE, title="archive mailbox", read=read_archive, preview=preview_archive)
