# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Users by what chose them and what excludes them, and who of them is a member then.

Lists of groups arrive side by side and may be large, so a user is kept once, and an entry as its number.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import collections
import dataclasses
import threading
import typing as t

from .model import BackupType, MailboxKind
from .ou_match import is_below, parse_name
from .selection import LeftOut, LeftOutReason, Member, Selector

if t.TYPE_CHECKING:
    from ..graph.directory_objects import User
    from ..graph.ids import UserId
    from .model import Selection
    from .ou_match import DistinguishedName
    from .selection_entries import Entry

_NEED_A_LICENCE = (MailboxKind.USER, None)


@dataclasses.dataclass(frozen=True, slots=True)
class Chosen:
    """A user that was chosen by the labels ``via``, and excluded by the labels ``by``. ``is_named``: as a user."""

    user: User
    via: tuple[str, ...]
    by: tuple[str, ...]
    is_named: bool


class People:
    """Takes the lists of entries from several threads."""

    def __init__(self, entries: t.Sequence[Entry]) -> None:
        self._entries = entries
        self._users: dict[UserId, User] = {}
        self._via: dict[UserId, list[int]] = collections.defaultdict(list)
        self._by: dict[UserId, list[int]] = collections.defaultdict(list)
        self._listed: collections.Counter[int] = collections.Counter()
        self._guests: collections.Counter[int] = collections.Counter()
        self._lock = threading.Lock()

    def add(self, number: int, user: User) -> None:
        """The entry with this number names the user."""
        with self._lock:
            self._listed[number] += 1
            if self._entries[number].is_exclusion:
                self._by[user.id].append(number)
                return
            self._users.setdefault(user.id, user)
            self._via[user.id].append(number)
            self._guests[number] += user.is_guest

    def place(self, units: t.Mapping[int, DistinguishedName], users: t.Iterable[User]) -> None:
        """Add the users to the entries in whose organizational units they are."""
        for user in users:
            name = parse_name(user.on_premises_dn) if user.on_premises_dn else None
            for number, unit in units.items():
                if name is not None and is_below(name, unit):
                    self.add(number, user)

    def users(self) -> list[User]:
        """Everybody who was chosen so far."""
        with self._lock:
            return list(self._users.values())

    def listed(self, number: int) -> int:
        """How many users an entry named."""
        return self._listed[number]

    def guests(self, number: int) -> int:
        """How many of them are guests."""
        return self._guests[number]

    def chosen(self) -> t.Iterator[Chosen]:
        """Everybody who was chosen, by sign-in name."""
        for user in sorted(self._users.values(), key=lambda user: (name_of(user).casefold(), user.id)):
            via = sorted(self._via[user.id])
            yield Chosen(
                user=user,
                via=self._labels(via),
                by=self._labels(sorted(self._by.get(user.id, ()))),
                is_named=any(self._entries[number].selector is Selector.USER for number in via),
            )

    def _labels(self, numbers: t.Iterable[int]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self._entries[number].label for number in numbers))


def left_out_by_choice(chosen: Chosen, selection: Selection) -> LeftOut | None:
    """Why the user is no member, as far as the directory itself tells. Whoever is named is taken at their word, also as a guest."""
    if chosen.by:
        return _left_out(chosen, LeftOutReason.EXCLUDED)
    if chosen.user.is_guest and not chosen.is_named and not selection.include_guests:
        return _left_out(chosen, LeftOutReason.GUEST)
    return None


def left_out_by_mailbox(chosen: Chosen, kind: MailboxKind | None, selection: Selection, backup_type: BackupType) -> LeftOut | None:
    """Why the user is no member, by what is to be backed up. Of whom nobody could tell anything stays a member."""
    if backup_type is BackupType.MAILBOX and kind is not None and kind not in selection.mailbox_kinds:
        return _left_out(chosen, LeftOutReason.MAILBOX_KIND)
    if selection.licensed_only and kind in _NEED_A_LICENCE and is_licensed(chosen.user, backup_type) is False:
        return _left_out(chosen, LeftOutReason.UNLICENSED)
    return None


def member_of(chosen: Chosen, kind: MailboxKind | None, backup_type: BackupType) -> Member:
    """The user as a member of the plan."""
    user = chosen.user
    return Member(
        id=user.id,
        principal_name=name_of(user),
        display_name=user.display_name or name_of(user),
        mail=user.mail,
        via=chosen.via,
        kind=kind,
        is_blocked=user.is_enabled is False,
        is_licensed=is_licensed(user, backup_type),
        drive_licence=user.drive_licence,
    )


def is_licensed(user: User, backup_type: BackupType) -> bool | None:
    """Whether the user has a licence for what is backed up; None where the app may not see it."""
    if backup_type is BackupType.MAILBOX:
        return user.has_mailbox_licence
    return None if user.drive_licence is None else user.drive_licence.is_held


def name_of(user: User) -> str:
    """The sign-in name, or what there is instead."""
    return user.principal_name or user.id


def _left_out(chosen: Chosen, reason: LeftOutReason) -> LeftOut:
    user = chosen.user
    return LeftOut(
        id=user.id,
        principal_name=name_of(user),
        display_name=user.display_name or name_of(user),
        via=chosen.via,
        reason=reason,
        by=chosen.by,
    )
