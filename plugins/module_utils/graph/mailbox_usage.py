# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How much is in the mailboxes of users, from Microsoft's usage report, which knows nothing of the size of archives.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .usage_report import Row, is_true, number_of, read_report

if t.TYPE_CHECKING:
    from .client import GraphClient

_REPORT = "getMailboxUsageDetail"
_OWNER, _ITEMS, _BYTES, _DELETED = "User Principal Name", "Item Count", "Storage Used (Byte)", "Is Deleted"
_RECOVERABLE_ITEMS, _RECOVERABLE_BYTES, _ARCHIVE = "Deleted Item Count", "Deleted Item Size (Byte)", "Has Archive"


@dataclasses.dataclass(frozen=True, slots=True)
class MailboxUsage:
    """Of so many mailboxes together: items of every kind. C(largest) are the items of the one with the most, C(archives) counts
    those with an archive."""

    mailboxes: int = 0
    items: int = 0
    bytes: int = 0
    largest: int = 0
    archives: int = 0

    def __add__(self, other: MailboxUsage) -> MailboxUsage:
        return MailboxUsage(
            self.mailboxes + other.mailboxes,
            self.items + other.items,
            self.bytes + other.bytes,
            max(self.largest, other.largest),
            self.archives + other.archives,
        )


def mailbox_usage(client: GraphClient, owners: t.Collection[str], *, recoverable_items: bool = False) -> MailboxUsage | None:
    """What the mailboxes of these users hold together, by their principal names, with C(recoverable_items) that of what was deleted
    for good, too; None when it cannot be known. Raises Cancelled."""
    wanted = {owner.casefold() for owner in owners}
    return read_report(client, _REPORT, "mailboxes", lambda rows: _usage_of(rows, wanted, recoverable_items=recoverable_items))


def _usage_of(rows: t.Iterable[Row], wanted: t.Collection[str], *, recoverable_items: bool) -> MailboxUsage | None:
    """None for a report with concealed names, which are no addresses, and for one with other columns."""
    usage, has_names = MailboxUsage(), False
    for row in rows:
        owner = (row.get(_OWNER) or "").casefold()
        has_names = has_names or "@" in owner
        if owner in wanted and not is_true(row.get(_DELETED)):
            items, size = number_of(row.get(_ITEMS)), number_of(row.get(_BYTES))
            if recoverable_items:
                items += number_of(row.get(_RECOVERABLE_ITEMS))
                size += number_of(row.get(_RECOVERABLE_BYTES))
            usage += MailboxUsage(1, items, size, items, int(is_true(row.get(_ARCHIVE))))
    return usage if has_names else None
