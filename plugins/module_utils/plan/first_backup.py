# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the first backup of a plan will cost: read before there is one, for the administrator who applies the plan.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import math
import typing as t

from .._text import count_text, duration_text, size_text
from ..graph.drive_estimate import DriveEstimate, drive_estimate
from ..graph.drive_usage import drive_usage
from ..graph.mailbox_estimate import MailboxEstimate, mailbox_estimate
from ..graph.mailbox_usage import mailbox_usage
from .model import BackupType, Plan
from .selection import Member

if t.TYPE_CHECKING:
    from ..graph.client import GraphClient

FirstBackup = t.Union[DriveEstimate, MailboxEstimate]


def first_backup(client: GraphClient, plan: Plan, members: t.Iterable[Member]) -> FirstBackup | None:
    """What the first backup of a plan will cost at least; None when the usage report does not say. Raises Cancelled."""
    names = [member.principal_name for member in members]
    if plan.backup_type is BackupType.ONEDRIVE:
        drives = drive_usage(client, names)
        if drives is None:
            return None
        return drive_estimate(drives.files, drives.bytes, client.drive_budget, drives=drives.drives, with_versions=plan.versions > 0)
    mailboxes = mailbox_usage(client, names, recoverable_items=plan.recoverable_items)
    return None if mailboxes is None else mailbox_estimate(mailboxes, client.mailbox_budget, with_archives=plan.archive_mailboxes)


def first_backup_sentence(estimate: FirstBackup) -> str:
    """For the end of a message."""
    if isinstance(estimate, DriveEstimate):
        return _sentence(f"{count_text(estimate.files, 'file')}, {size_text(estimate.bytes)}", estimate.seconds)
    what = f"{count_text(estimate.items, 'item')} of {_counted(estimate.mailboxes)}, {size_text(estimate.bytes)},"
    archives = f" Besides, {count_text(estimate.archives, 'archive')} of unknown size." if estimate.archives else ""
    return _sentence(what, estimate.seconds) + archives


def _sentence(what: str, seconds: float | None) -> str:
    if seconds is None:
        return f"{what} have to be read."
    return f"{what} have to be read, for which Microsoft's limits allow no less than {duration_text(math.ceil(seconds / 60))}."


def _counted(mailboxes: int) -> str:
    return f"{mailboxes:,} mailbox" if mailboxes == 1 else f"{mailboxes:,} mailboxes"
