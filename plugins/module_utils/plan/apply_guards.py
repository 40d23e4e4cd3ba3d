# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guards of applying a plan: what a new declaration would do to backups that are there already. Pure.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t

from .._text import count_text, listed_names
from .guards import Breach, Guard
from .leavers import is_expired
from .retention_words import explain_retention, is_shorter

if t.TYPE_CHECKING:
    import datetime

    from .model import BackupType, Leavers, Plan
    from .retention import RetentionDecision
    from .roster import KnownMember


def shorter_retention(before: Plan, after: Plan, decisions: t.Sequence[RetentionDecision]) -> t.Iterator[Breach]:
    """Whether restore points would go earlier. The decisions are those of the new rules about all restore points of the plan."""
    if not decisions or not is_shorter(before.retention, after.retention):
        return
    going = sum(not decision.is_kept for decision in decisions)
    yield Breach(
        Guard.SHORTER_RETENTION,
        f"The retention of plan {after.name!r} gets shorter: it keeps {explain_retention(after.retention)}, and before"
        f" {explain_retention(before.retention)}. Of its {count_text(len(decisions), 'restore point')} the next prune would remove"
        f" {going:,}, and the others would go earlier.",
    )


def sooner_expiry(before: Leavers, after: Plan, former: t.Iterable[KnownMember], now: datetime.datetime) -> t.Iterator[Breach]:
    """Whether the backups of people who have left already would go although they were to stay until now."""
    going = [
        member.principal_name
        for member in former
        if is_expired(member.left, after.leavers, now) and not is_expired(member.left, before, now)
    ]
    if going:
        yield Breach(
            Guard.SHORTER_RETENTION,
            f"Leavers of plan {after.name!r} get a shorter time: the next prune would remove the backups of"
            f" {count_text(len(going), 'former member')}: {listed_names(going)}.",
        )


def encryption_off(before: Plan, after: Plan) -> t.Iterator[Breach]:
    """Whether backups that were encrypted go on as such that everybody can read."""
    if before.encryption.enabled and not after.encryption.enabled:
        yield Breach(
            Guard.ENCRYPTION_OFF,
            f"Plan {after.name!r} was encrypted, and everybody who can read {after.repository} could read its backups from now on.",
        )


def left_behind(before: Plan, after: Plan, *, old_points: int | None, why_unknown: str = "") -> t.Iterator[Breach]:
    """Whether restore points would be left in another repository, where no run adds to them and no prune thins them out any more.

    ``old_points`` is how many the plan has where it was; None where nobody could look, and ``why_unknown`` says why.
    """
    if old_points == 0:
        return
    if old_points is None:
        found = f"Whether {before.repository} holds restore points of plan {after.name!r} could not be found out. {why_unknown}"
    else:
        found = f"Plan {after.name!r} has {count_text(old_points, 'restore point')} in {before.repository}."
    yield Breach(
        Guard.ORPHANED_DATA,
        f"{found} It would go on in {after.repository} with a full backup, and no prune of it would touch the old ones again.",
    )


def other_type(old_types: t.Collection[BackupType], after: Plan) -> t.Iterator[Breach]:
    """Whether a plan takes the place of one that backs up something else, in the restore points that it goes on from."""
    if not old_types or after.backup_type in old_types:
        return
    old = " and ".join(sorted(each.value for each in old_types))
    yield Breach(
        Guard.ORPHANED_DATA,
        f"The restore points of plan {after.name!r} in {after.repository} are of type {old}, which would not be backed up any more."
        f" A plan with a title of its own backs up {after.backup_type.value} beside it.",
    )
