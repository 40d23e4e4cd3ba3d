# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the policy of a plan means for those who have left it. Pure.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import datetime
import typing as t

from .model import LeaverPolicy

if t.TYPE_CHECKING:
    from .model import Leavers
    from .roster import KnownMember


def expires_at(left: datetime.datetime | None, leavers: Leavers) -> datetime.datetime | None:
    """When the backup of somebody goes who left then; None for members, and where no date removes it."""
    if left is None or leavers.policy is not LeaverPolicy.EXPIRE_AFTER_DAYS or leavers.days is None:
        return None
    return left + datetime.timedelta(days=leavers.days)


def is_expired(left: datetime.datetime | None, leavers: Leavers, now: datetime.datetime) -> bool:
    """Whether that time has come."""
    expiry = expires_at(left, leavers)
    return expiry is not None and expiry <= now


def former_as_dict(member: KnownMember, leavers: Leavers) -> dict[str, t.Any]:
    """Somebody who has left, as results show it. C(left) is null for somebody who leaves with the next run."""
    expiry = expires_at(member.left, leavers)
    return {
        "id": member.id,
        "principal_name": member.principal_name,
        "display_name": member.display_name,
        "left": None if member.left is None else member.left.isoformat(),
        "reason": None if member.left_reason is None else member.left_reason.value,
        "deleted": None if member.deleted is None else member.deleted.isoformat(),
        "expires": None if expiry is None else expiry.isoformat(),
    }
