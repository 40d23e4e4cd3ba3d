# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a mailbox is set to, to read: regional settings, working hours, automatic replies; inbox rules; categories.

Permission: MailboxSettings.Read. It may be refused for a mailbox whose mail is readable.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

from .client import GraphClient
from .ids import IMMUTABLE_IDS, Fields, UserId
from .limits import LimitScope
from .links import graph_path
from .paging import Listing, values
from .refusals import Call
from .traffic import RequestKind

PERMISSION = "MailboxSettings.Read"


def read_mailbox_settings(client: GraphClient, user_id: UserId) -> Fields:
    """Time zone, language, formats, working hours, automatic replies, and the purpose of the mailbox."""
    call = _call(user_id, f"Reading the mailbox settings of user {user_id}")
    return client.get_json(call, graph_path("users", user_id, "mailboxSettings"), prefer=(IMMUTABLE_IDS,))


def list_rules(client: GraphClient, user_id: UserId) -> list[Fields]:
    """The inbox rules, in the order in which the service names them."""
    call = _call(user_id, f"Listing the inbox rules of user {user_id}")
    target = graph_path("users", user_id, "mailFolders", "inbox", "messageRules")
    return list(values(client, call, Listing(target=target, prefer=(IMMUTABLE_IDS,))))


def list_categories(client: GraphClient, user_id: UserId) -> list[Fields]:
    """The categories with their colours; items name them by their display names."""
    call = _call(user_id, f"Listing the categories of user {user_id}")
    target = graph_path("users", user_id, "outlook", "masterCategories")
    return list(values(client, call, Listing(target=target, prefer=(IMMUTABLE_IDS,))))


def _call(user_id: UserId, doing: str) -> Call:
    return Call(scope=LimitScope.mailbox(user_id), kind=RequestKind.FOLDERS, doing=doing, permission=PERMISSION)
