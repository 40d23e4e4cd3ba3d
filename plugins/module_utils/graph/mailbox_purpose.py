# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a mailbox is for. Permission: MailboxSettings.Read. Source: Microsoft's page on the resource type mailboxSettings.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import enum

from .client import GraphClient
from .errors import MailboxUnavailable, NotFound
from .ids import UserId
from .limits import LimitScope
from .links import graph_path
from .refusals import Call
from .retry import RetryPolicy
from .traffic import RequestKind

PERMISSION = "MailboxSettings.Read"
_POLICY = RetryPolicy(other=3, missing=2, deadline=60.0)
"""One mailbox that is being moved must not hold up a question about hundreds."""


class MailboxPurpose(enum.Enum):
    """The values of C(userPurpose). ``LINKED`` is a user whose account is in another forest; ``OTHERS`` is whatever has no name here."""

    USER = "user"
    LINKED = "linked"
    SHARED = "shared"
    ROOM = "room"
    EQUIPMENT = "equipment"
    OTHERS = "others"


def mailbox_purpose(client: GraphClient, user_id: UserId) -> MailboxPurpose | None:
    """What the user's mailbox is for; None when there is no mailbox that Graph can read. One request, counted for that mailbox.

    :raises AccessDenied: the permission is missing, or Exchange refuses the settings of this mailbox, which look the same.
    :raises ServiceUnavailable: this mailbox does not answer for the time being.
    """
    call = Call(
        scope=LimitScope.mailbox(user_id),
        kind=RequestKind.DIRECTORY,
        doing=f"Asking what the mailbox of user {user_id} is for",
        permission=PERMISSION,
    )
    try:
        fields = client.get_json(call, graph_path("users", user_id, "mailboxSettings", "userPurpose"), policy=_POLICY)
    except (MailboxUnavailable, NotFound):
        return None
    return _PURPOSES.get(str(fields.get("value")).lower(), MailboxPurpose.OTHERS)


_PURPOSES = {purpose.value: purpose for purpose in MailboxPurpose}
