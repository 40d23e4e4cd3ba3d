# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Of what kind the mailboxes of users are.

Graph tells it for one mailbox at a time, so it is asked only where it matters: shared, room and equipment mailboxes have blocked
accounts or no licence, and everybody else has a mailbox of a user.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..graph.errors import AccessDenied, AuthenticationFailed, GraphError, NetworkUnreachable
from ..graph.mailbox_purpose import MailboxPurpose, mailbox_purpose
from .model import MailboxKind
from .side_by_side import side_by_side

if t.TYPE_CHECKING:
    from ..graph.client import GraphClient
    from ..graph.directory_objects import User
    from ..graph.ids import UserId

_KINDS = {
    MailboxPurpose.USER: MailboxKind.USER,
    MailboxPurpose.LINKED: MailboxKind.USER,
    MailboxPurpose.SHARED: MailboxKind.SHARED,
    MailboxPurpose.ROOM: MailboxKind.ROOM,
    MailboxPurpose.EQUIPMENT: MailboxKind.EQUIPMENT,
    MailboxPurpose.OTHERS: MailboxKind.OTHER,
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Kinds:
    """``of`` has all users, with None where nobody could tell, and where there is no mailbox.

    ``without_mailbox`` are those of whom the latter is known; they are people rather than rooms. ``refused`` is of how many the
    app may not know it, ``failed`` of how many Microsoft could not tell it.
    """

    of: t.Mapping[UserId, MailboxKind | None]
    without_mailbox: frozenset[UserId] = frozenset()
    refused: int = 0
    failed: int = 0

    def judged(self, user_id: UserId) -> MailboxKind | None:
        """The kind by which the user is chosen or not."""
        return MailboxKind.USER if user_id in self.without_mailbox else self.of.get(user_id)


def mailbox_kinds(client: GraphClient, users: t.Sequence[User], *, is_decisive: bool) -> Kinds:
    """The kinds of the mailboxes of these users.

    ``is_decisive``: members are chosen by it, so everybody is asked about, and L(AccessDenied) is raised where it is refused.
    """
    asked = [user for user in users if is_decisive or may_be_no_user(user)]

    def ask(user: User) -> MailboxPurpose | GraphError | None:
        try:
            return mailbox_purpose(client, user.id)
        except (AuthenticationFailed, NetworkUnreachable):
            raise
        except GraphError as error:
            if is_decisive and isinstance(error, AccessDenied):
                raise
            return error  # one mailbox shall not keep the others from being backed up

    kinds: dict[UserId, MailboxKind | None] = {user.id: None if user.is_limited else MailboxKind.USER for user in users}
    answers = side_by_side(ask, asked)
    for user, answer in zip(asked, answers, strict=True):
        kinds[user.id] = _KINDS[answer] if isinstance(answer, MailboxPurpose) else None
    errors = [answer for answer in answers if isinstance(answer, GraphError)]
    refused = sum(isinstance(error, AccessDenied) for error in errors)
    without_mailbox = frozenset(user.id for user, answer in zip(asked, answers, strict=True) if answer is None)
    return Kinds(of=kinds, without_mailbox=without_mailbox, refused=refused, failed=len(errors) - refused)


def may_be_no_user(user: User) -> bool:
    """Whether it may be the mailbox of something else than a person who works with it."""
    return user.is_enabled is False or user.has_mailbox_licence is False
