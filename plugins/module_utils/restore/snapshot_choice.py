# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Choose a snapshot of a plan by what an administrator writes.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from datetime import datetime

from .._errors import InputError
from ..backup.layout import CHECKPOINT, outcome_of
from ..backup.restore_points import newest_first, plan_snapshots
from ..repository.errors import RepositoryDamaged
from ..repository.types import Snapshot

if t.TYPE_CHECKING:
    from ..backup.listed_snapshots import SnapshotLister

LATEST = "latest"
ALL = "all"


def choose_snapshot(
    repository: SnapshotLister, plan_name: str, wanted: str, warn: t.Callable[[str], None] = lambda _warning: None
) -> Snapshot:
    """C(latest), the beginning of a snapshot id (8 characters at least), or a time: the last snapshot before or at it.

    What a run has stored before it was interrupted is only meant by its id, or when there is nothing else. A snapshot
    that is damaged hides no other one; ``warn`` is told of it where it might be the one that was meant.
    """
    damage: list[RepositoryDamaged] = []
    snapshots = plan_snapshots(repository, plan_name, on_damage=damage.append)
    if not snapshots and damage:
        raise damage[0]
    if not snapshots:
        raise InputError(f"The repository holds no snapshot of the plan {plan_name}.", hint="Run the plan first.")
    if not _is_id(wanted):
        for each in damage:
            warn(f"{each} It may be of the plan {plan_name} and nearer to what was asked for than the snapshot that was taken.")
    ended = [snapshot for snapshot in snapshots if outcome_of(snapshot.tags) != CHECKPOINT] or snapshots
    if wanted == LATEST:
        return newest_first(ended, repository.clock.now())[0]
    if _is_id(wanted):
        matches = [snapshot for snapshot in snapshots if snapshot.id.startswith(wanted) or snapshot.first_id.startswith(wanted)]
        if not matches:
            _raise_damaged(damage, wanted)
    else:
        moment = _moment(wanted)
        matches = [snapshot for snapshot in ended if snapshot.time <= moment][-1:]
    if len(matches) != 1:
        known = ", ".join(f"{snapshot.id[:8]} ({snapshot.time:%Y-%m-%d %H:%M:%S} UTC)" for snapshot in snapshots[-10:])
        raise InputError(
            f"No single snapshot of the plan {plan_name} matches {wanted}.", hint=f"Use one of these, the newest last: {known}."
        )
    return matches[0]


def choose_snapshots(
    repository: SnapshotLister,
    plan_name: str,
    wanted: t.Collection[str],
    after: datetime | None,
    before: datetime | None,
    warn: t.Callable[[str], None],
) -> list[Snapshot]:
    """Several, oldest first: each as C(choose_snapshot) finds it, or C(all); of these the ones made from C(after) on and before C(before).

    Raises InputError where none is left.
    """
    chosen: dict[str, Snapshot] = {}
    for each in wanted:
        found = _all_snapshots(repository, plan_name, warn) if each == ALL else [choose_snapshot(repository, plan_name, each, warn)]
        chosen.update({snapshot.id: snapshot for snapshot in found})
    snapshots = sorted(chosen.values(), key=lambda snapshot: (snapshot.time, snapshot.id))
    left = [each for each in snapshots if (after is None or each.time >= after) and (before is None or each.time < before)]
    if not left:
        raise InputError(
            f"The repository holds no snapshot of the plan {plan_name} that was made in that time.",
            hint="Widen snapshots_after and snapshots_before, or leave them out.",
        )
    return left


def _all_snapshots(repository: SnapshotLister, plan_name: str, warn: t.Callable[[str], None]) -> list[Snapshot]:
    """Those that runs have ended with; if there are none, what interrupted runs have left."""
    damage: list[RepositoryDamaged] = []
    snapshots = plan_snapshots(repository, plan_name, on_damage=damage.append)
    for each in damage:
        warn(f"{each} It may be of the plan {plan_name}; what it holds was not looked at.")
    if not snapshots:
        raise InputError(f"The repository holds no snapshot of the plan {plan_name}.", hint="Run the plan first.")
    return [snapshot for snapshot in snapshots if outcome_of(snapshot.tags) != CHECKPOINT] or snapshots


def _is_id(wanted: str) -> bool:
    return len(wanted) >= 8 and all(char in "0123456789abcdef" for char in wanted)


def _raise_damaged(damage: t.Iterable[RepositoryDamaged], wanted: str) -> None:
    """The snapshot may be wanted that is damaged."""
    for each in damage:
        if f" {wanted}" in each.obj:
            raise each


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise InputError(
            f"{text} names no snapshot.", hint="Use latest, a snapshot id, or a time with its zone such as 2026-05-17T08:00:00+02:00."
        ) from None
    if moment.tzinfo is None:
        raise InputError(f"The time {text} has no zone.", hint=f"Write for example {moment.isoformat()}Z or {moment.isoformat()}+02:00.")
    return moment
