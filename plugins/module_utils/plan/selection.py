# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who is a member of a plan, who is not although chosen, and why: what resolving a selection gives.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import enum
import typing as t

from ..graph.ids import UserId
from ..graph.licences import DriveLicence
from .model import MailboxKind

Document = dict[str, t.Any]


class Selector(str, enum.Enum):
    """The ways in which a declaration names people, in the words of ``via`` and ``by``."""

    USER = "user"
    GROUP = "group"
    ADMINISTRATIVE_UNIT = "administrative unit"
    USER_FILTER = "user filter"
    ON_PREMISES_OU = "on-premises OU"
    ALL_USERS = "all users"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One user that a plan covers. ``id`` is the Entra object id; ``via`` says which declared entries cover the user.

    ``kind`` is None where nobody could tell. ``is_blocked``: nobody can sign in; the data can be read all the same. ``is_licensed``
    for what the plan backs up, and ``drive_licence``, are None where the app may not see it.
    """

    id: UserId
    principal_name: str
    display_name: str
    mail: str | None
    via: tuple[str, ...]
    kind: MailboxKind | None = None
    is_blocked: bool = False
    is_licensed: bool | None = None
    drive_licence: DriveLicence | None = None

    def as_dict(self) -> Document:
        """The member as results show it."""
        return {
            "id": self.id,
            "principal_name": self.principal_name,
            "display_name": self.display_name,
            "mail": self.mail,
            "via": list(self.via),
            "kind": self.kind.value if self.kind else None,
            "is_blocked": self.is_blocked,
            "is_licensed": self.is_licensed,
        }


class LeftOutReason(str, enum.Enum):
    """Why somebody who was chosen is no member."""

    EXCLUDED = "excluded"
    GUEST = "guest"
    UNLICENSED = "unlicensed"
    MAILBOX_KIND = "mailbox_kind"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """Somebody who was chosen by ``via`` and is no member. ``by`` are the entries that exclude the user, empty for other reasons."""

    id: UserId
    principal_name: str
    display_name: str
    via: tuple[str, ...]
    reason: LeftOutReason
    by: tuple[str, ...] = ()

    def as_dict(self) -> Document:
        """The user as results show them."""
        return {
            "id": self.id,
            "principal_name": self.principal_name,
            "display_name": self.display_name,
            "via": list(self.via),
            "reason": self.reason.value,
            "by": list(self.by),
        }


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EntryFound:
    """What a declared entry means to the directory, and how many users that are. ``name`` is None for what has none, such as a filter.

    ``id`` is None for what is no object of the directory; ``group_kind`` and ``is_dynamic`` are None for all but groups. Of an
    excluded OU only the users that were chosen count.
    """

    selector: Selector
    name: str | None
    users: int
    is_exclusion: bool
    id: str | None = None
    group_kind: str | None = None
    is_dynamic: bool | None = None

    def as_dict(self) -> Document:
        """The entry as results show it."""
        return {**dataclasses.asdict(self), "selector": self.selector.value}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """What a selection resolves to today: at least one member, sorted by sign-in name, each once.

    ``warnings`` are sentences about what an administrator may not have meant. ``empty_groups`` are the display names of
    groups without any user. ``unresolved`` are sentences about declared entries that the directory does not know any more; only a
    run goes on with some. ``left_out`` is sorted as members are; ``entries`` are all but users that are named themselves.
    """

    members: tuple[Member, ...]
    warnings: tuple[str, ...]
    empty_groups: tuple[str, ...]
    left_out: tuple[LeftOut, ...] = ()
    unresolved: tuple[str, ...] = ()
    entries: tuple[EntryFound, ...] = ()
