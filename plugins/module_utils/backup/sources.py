# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sources of a plan, and who reads each of them.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from datetime import datetime

from ..graph.ids import UserId
from ..repository.types import TreeId
from .layout import MAIL
from .mail_reader import preview_mail, read_mail
from .source_read import SourcePreview, SourceRead

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
    return (Source(name=MAIL, title="mailbox", read=read_mail, preview=preview_mail),)
