# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writing the settings of a mailbox, for restores. Permission: MailboxSettings.ReadWrite.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

from .client import GraphClient
from .errors import Conflict
from .ids import IMMUTABLE_IDS, Fields, UserId
from .limits import LimitScope
from .links import graph_path
from .refusals import Call
from .traffic import RequestKind

PERMISSION = "MailboxSettings.ReadWrite"


def update_mailbox_settings(client: GraphClient, user_id: UserId, changes: Fields) -> None:
    """Set those that are named; an object is merged into the one that is there."""
    call = _call(user_id, f"Changing the mailbox settings of user {user_id}")
    client.patch_json(call, graph_path("users", user_id, "mailboxSettings"), changes, prefer=(IMMUTABLE_IDS,))


def create_rule(client: GraphClient, user_id: UserId, rule: Fields) -> None:
    """:raises AmbiguousOutcome: it may be there now: look before repeating."""
    call = _call(user_id, f"Creating inbox rule {str(rule.get('displayName') or '')[:80]!r} of user {user_id}")
    client.post_json(call, _rules(user_id), rule, prefer=(IMMUTABLE_IDS,))


def update_rule(client: GraphClient, user_id: UserId, rule_id: str, changes: Fields) -> None:
    call = _call(user_id, f"Changing inbox rule {rule_id} of user {user_id}")
    client.patch_json(call, _rules(user_id, rule_id), changes, prefer=(IMMUTABLE_IDS,))


def create_category(client: GraphClient, user_id: UserId, name: str, color: str) -> None:
    """Create a category; one of that name that is there is fine."""
    call = _call(user_id, f"Creating category {name[:80]!r} of user {user_id}")
    body = {"displayName": name, "color": color}
    try:
        client.post_json(call, _categories(user_id), body, prefer=(IMMUTABLE_IDS,), is_repeatable=True)
    except Conflict:
        return


def update_category(client: GraphClient, user_id: UserId, category_id: str, color: str) -> None:
    """The name of a category cannot be changed."""
    call = _call(user_id, f"Changing category {category_id} of user {user_id}")
    client.patch_json(call, _categories(user_id, category_id), {"color": color}, prefer=(IMMUTABLE_IDS,))


def _rules(user_id: UserId, *rule_id: str) -> str:
    return graph_path("users", user_id, "mailFolders", "inbox", "messageRules", *rule_id)


def _categories(user_id: UserId, *category_id: str) -> str:
    return graph_path("users", user_id, "outlook", "masterCategories", *category_id)


def _call(user_id: UserId, doing: str) -> Call:
    return Call(scope=LimitScope.mailbox(user_id), kind=RequestKind.WRITE, doing=doing, permission=PERMISSION)
