# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an administrator should know of the OneDrives of members before the first backup: how long it takes, and who may lose theirs.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import math
import typing as t

from .._text import count_text, size_text
from ..graph.drive_estimate import DriveEstimate, drive_estimate
from ..graph.drive_usage import drive_usage
from .model import BackupType, Plan
from .selection import Member

if t.TYPE_CHECKING:
    from ..graph.client import GraphClient

_NAMED = 5
_DAY_MINUTES = 1_440


def first_backup(client: GraphClient, plan: Plan, members: t.Sequence[Member]) -> DriveEstimate | None:
    """What the first backup of a plan will cost at least; None when the usage report does not say, and for plans without drives."""
    if plan.backup_type is not BackupType.ONEDRIVE:
        return None
    usage = drive_usage(client, [member.principal_name for member in members])
    if usage is None:
        return None
    return drive_estimate(usage.files, usage.bytes, client.drive_budget, drives=usage.drives, with_versions=plan.versions > 0)


def estimate_sentence(estimate: DriveEstimate) -> str:
    """For the end of a message."""
    what = f"{count_text(estimate.files, 'file')}, {size_text(estimate.bytes)}"
    if estimate.seconds is None:
        return f"{what} have to be read."
    return f"{what} have to be read, for which Microsoft's limits allow no less than {_duration(math.ceil(estimate.seconds / 60))}."


def unlicensed_sentence(members: t.Sequence[Member]) -> str:
    """Members whose OneDrive becomes unreadable for everybody; all of them are known to have no licence."""
    have = "has" if len(members) == 1 else "have"
    return (
        f"{count_text(len(members), 'member')} {have} no licence for OneDrive: {_listed(members)}. Microsoft archives a OneDrive 93 days"
        " after its licence is gone, and nobody can read it then. Give the licence back, or let a backup run before."
    )


def unlicensed(members: t.Iterable[Member]) -> list[Member]:
    """Those of whom the directory says that they have no licence, not those of whom it says nothing."""
    return [member for member in members if member.drive_licence is not None and not member.drive_licence.is_held]


def _listed(members: t.Sequence[Member]) -> str:
    more = f" and {len(members) - _NAMED:,} more" if len(members) > _NAMED else ""
    return ", ".join(_named(member) for member in members[:_NAMED]) + more


def _named(member: Member) -> str:
    until = None if member.drive_licence is None else member.drive_licence.readable_until
    return member.principal_name if until is None else f"{member.principal_name} (readable until {until:%Y-%m-%d} or later)"


def _duration(minutes: int) -> str:
    if minutes < 120:
        return count_text(minutes, "minute")
    if minutes < 2 * _DAY_MINUTES:
        return count_text(-(-minutes // 60), "hour")
    return count_text(-(-minutes // _DAY_MINUTES), "day")
