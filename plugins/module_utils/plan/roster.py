# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who has joined a plan and who has left it since its newest restore point, and whether that may be true. Pure.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import datetime
import enum
import typing as t

from .model import MailboxKind
from .selection import Member

if t.TYPE_CHECKING:
    from .selection import Resolution

FREE_MEMBERS = 1
"""So many may always leave: of few members, one is a large share."""


class LeftReason(str, enum.Enum):
    """Why somebody is no member any more. Deleted users can be restored in Entra for 30 days, purged ones are gone."""

    NOT_SELECTED = "not_selected"
    EXCLUDED = "excluded"
    GUEST = "guest"
    UNLICENSED = "unlicensed"
    MAILBOX_KIND = "mailbox_kind"
    DELETED = "deleted"
    PURGED = "purged"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class KnownMember:
    """Somebody whom the newest restore point of a plan has. ``left`` is None for those who were members then.

    ``deleted`` is when Entra deleted the account, None for those that it has, and where it does not say.
    """

    id: str
    principal_name: str
    display_name: str
    via: tuple[str, ...] = ()
    kind: MailboxKind | None = None
    left: datetime.datetime | None = None
    left_reason: LeftReason | None = None
    deleted: datetime.datetime | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RosterChange:
    """``joiners`` are members that no restore point has, or only as leavers; ``leavers`` were members and are none any more.

    ``former`` have left before, and stay away. ``members_before`` is how many there were. ``emptied_groups`` are groups that had
    members among those and answer with nobody now.
    """

    joiners: tuple[Member, ...]
    leavers: tuple[KnownMember, ...]
    former: tuple[KnownMember, ...]
    members_before: int
    emptied_groups: tuple[str, ...] = ()

    @property
    def loss_percent(self) -> float:
        """The share of the members that leaves."""
        return 100 * len(self.leavers) / self.members_before if self.members_before else 0.0

    def loses_too_many(self, max_percent: int) -> bool:
        """Whether it is more than may go without being asked for. A group that is empty all at once always is."""
        return bool(self.emptied_groups) or (len(self.leavers) > FREE_MEMBERS and self.loss_percent > max_percent)


def roster_change(known: t.Iterable[KnownMember], resolution: Resolution) -> RosterChange:
    """Compare the newest restore point with what the selection resolves to."""
    before = {member.id: member for member in known}
    now = {str(member.id) for member in resolution.members}
    active = [member for member in before.values() if member.left is None]
    covered_by = {entry for member in active for entry in member.via}
    leavers = [member for member in active if member.id not in now]
    lost_through = {entry for member in leavers for entry in member.via}
    return RosterChange(
        joiners=tuple(member for member in resolution.members if member.id not in before or before[member.id].left is not None),
        leavers=tuple(leavers),
        former=tuple(member for member in before.values() if member.left is not None and member.id not in now),
        members_before=len(active),
        emptied_groups=tuple(name for name in resolution.empty_groups if f"group {name}" in covered_by and f"group {name}" in lost_through),
    )
