# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read receipts: what the service sends by itself when a message that asks for one is read, or deleted unread."""

from __future__ import annotations

import email.utils
import typing as t

from .message_view import PROPERTIES, View

if t.TYPE_CHECKING:
    from .mail_items import Message
    from .mailbox import Mailbox
    from .state import Tenant

_HEADER = "disposition-notification-to"


def note_receipt(tenant: Tenant, mailbox: Mailbox, message: Message) -> None:
    """To be called before an unread message is marked as read or deleted. Drafts ask for nothing yet."""
    if message.is_read or message.is_draft:
        return
    to = _asked_by(message, View(mailbox, True, None))
    if to is not None:
        tenant.outgoing.add("read_receipt", mailbox.owner_id, [to], str(PROPERTIES["subject"](message, View(mailbox, True, None))))


def _asked_by(message: Message, view: View) -> str | None:
    if (message.properties or {}).get("isReadReceiptRequested"):
        sender = PROPERTIES["from"](message, view) or {}
        return str((sender.get("emailAddress") or {}).get("address") or "unknown")
    for name, value in message.body.summary().headers:
        if name.lower() == _HEADER:
            return email.utils.parseaddr(value)[1] or "unknown"
    return None
