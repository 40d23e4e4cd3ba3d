# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The restore point of a plan that C(latest) means to a restore, or the newest one that is complete, or has a member.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._errors import InputError
from .._text import listed_names
from ..repository.errors import RepositoryDamaged
from ..repository.types import Snapshot
from .holds import holds_of
from .layout import CHECKPOINT, outcome_of, shard_of
from .members import MemberState, SourceStatus, group_of, read_members
from .restore_points import newest_first, plan_snapshots
from .results import Outcome

if t.TYPE_CHECKING:
    from ..repository.repository import Repository


@dataclass(frozen=True, slots=True)
class LatestPoint:
    """A snapshot of a plan, and the member in it that was asked for."""

    plan: str
    snapshot: Snapshot
    member: MemberState | None = None

    def as_dict(self) -> dict[str, t.Any]:
        facts: dict[str, t.Any] = {
            "id": self.snapshot.id,
            "original_id": self.snapshot.first_id,
            "plan": self.plan,
            "time": self.snapshot.time.isoformat(timespec="seconds"),
            "outcome": outcome_of(self.snapshot.tags),
            "holds": list(holds_of(self.snapshot.tags)),
        }
        return facts if self.member is None else {**facts, "member": _member_as_dict(self.member)}


def latest_point(
    repository: Repository,
    plan_name: str,
    *,
    complete: bool = False,
    member: str | None = None,
    warn: t.Callable[[str], None] = lambda _warning: None,
) -> LatestPoint:
    """The newest restore point that has the member, by sign-in name or object id, if one is given.

    With ``complete`` its run ended without findings; for a member it is enough that everything of the member was read without.
    What an interrupted run has left counts only when there is nothing else. What is damaged is passed over, and ``warn`` is told
    of it. Raises InputError where no restore point is like that, RepositoryDamaged where none can be read, StorageError.
    """
    damage: list[RepositoryDamaged] = []
    snapshots = plan_snapshots(repository, plan_name, on_damage=damage.append)
    if not snapshots and damage:
        raise damage[0]
    if not snapshots:
        raise InputError(f"The repository holds no restore point of the plan {plan_name}.", hint="Run the plan first.")
    for each in damage:
        warn(f"{each} It may be of the plan {plan_name} and newer than the restore point that was taken.")
    ended = [snapshot for snapshot in snapshots if outcome_of(snapshot.tags) != CHECKPOINT] or snapshots
    newest = newest_first(ended, repository.clock.now())
    if member is not None:
        return _latest_with(repository, plan_name, newest, member, complete, warn)
    for snapshot in newest:
        if not complete or (outcome_of(snapshot.tags) == Outcome.COMPLETE and _has_all(repository, snapshot)):
            return LatestPoint(plan_name, snapshot)
    raise InputError(
        f"No restore point of the plan {plan_name} is complete; the newest one, {_named(newest[0])}, is {outcome_of(newest[0].tags)}.",
        hint="Look at the findings of the last run, or leave out complete.",
    )


def _latest_with(
    repository: Repository,
    plan_name: str,
    newest: t.Iterable[Snapshot],
    wanted: str,
    complete: bool,
    warn: t.Callable[[str], None],
) -> LatestPoint:
    incomplete: LatestPoint | None = None
    known: list[str] | None = None
    damage: list[RepositoryDamaged] = []
    for snapshot in newest:
        try:
            members = _members(repository, snapshot)
        except RepositoryDamaged as error:
            damage.append(error)
            warn(f"The restore point {_named(snapshot)} was passed over, because it cannot be read. {error}")
            continue
        known = known or sorted(state.principal_name for state in members)
        for state in members:
            if wanted.casefold() in (state.id.casefold(), state.principal_name.casefold()):
                found = LatestPoint(plan_name, snapshot, state)
                if not complete or _is_complete(state):
                    return found
                incomplete = incomplete or found
    if incomplete is not None:
        raise InputError(
            f"No restore point of the plan {plan_name} has all of {wanted}; the newest one that has something is"
            f" {_named(incomplete.snapshot)}.",
            hint="Look at the findings of the last run, or leave out complete.",
        )
    if known is None and damage:
        raise damage[0]
    raise InputError(
        f"No restore point of the plan {plan_name} has anything of {wanted}.",
        hint=f"Name a member by user principal name or object id. The newest one has {listed_names(known or ['nobody'])}.",
    )


def _has_all(repository: Repository, snapshot: Snapshot) -> bool:
    """Where several hosts share the members, each says of its own share only that it is complete."""
    if not shard_of(snapshot.tags):
        return True
    group = group_of(repository, snapshot)
    members = {} if group is None or group.subtree is None else read_members(repository, group.subtree)
    return all(member.sources and _is_complete(member) for member in members.values() if member.left is None)


def _members(repository: Repository, snapshot: Snapshot) -> list[MemberState]:
    """Those of whom something is stored; who is still a member comes before a namesake who left."""
    group = group_of(repository, snapshot)
    members = {} if group is None or group.subtree is None else read_members(repository, group.subtree)
    return sorted((member for member in members.values() if member.sources), key=lambda member: member.left is not None)


def _is_complete(member: MemberState) -> bool:
    return member.left is None and all(state.status is SourceStatus.GOOD for state in member.sources.values())


def _member_as_dict(member: MemberState) -> dict[str, t.Any]:
    return {
        "id": member.id,
        "principal_name": member.principal_name,
        "display_name": member.display_name,
        "left": member.left,
        "sources": {name: {"status": state.status.value, "last_success": state.last_success} for name, state in member.sources.items()},
    }


def _named(snapshot: Snapshot) -> str:
    return f"{snapshot.id[:8]} of {snapshot.time:%Y-%m-%d %H:%M:%S} UTC"
