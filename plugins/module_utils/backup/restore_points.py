# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The snapshots of a plan, as retention and restore see them.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import itertools
import typing as t
from datetime import datetime, timedelta

from ..plan.retention import RestorePoint, is_in_future
from ..repository.errors import BlobMissing
from ..repository.types import Snapshot, SnapshotId, TreeId
from .holds import holds_of
from .last_states import SourceKey, SourceSeen, Standing, find_last_states
from .layout import CHECKPOINT, is_of_plan, outcome_of
from .members import MemberState, SourceState, SourceStatus, group_of, read_members

if t.TYPE_CHECKING:
    from ..repository.errors import RepositoryDamaged
    from ..repository.repository import Repository
    from .listed_snapshots import SnapshotLister

DamageHandler = t.Callable[["RepositoryDamaged"], None]


@dataclasses.dataclass(frozen=True, slots=True)
class StoredPoint:
    """A restore point as stored: the snapshot that counts, and copies of it that an interrupted change of its tags left.

    A copy has no hold that C(snapshot) has not.
    """

    snapshot: Snapshot
    copies: tuple[SnapshotId, ...] = ()


def stored_points(repository: SnapshotLister, plan_name: str, *, on_damage: DamageHandler | None = None) -> list[StoredPoint]:
    """Oldest first. A damaged snapshot, whosever it is, raises C(RepositoryDamaged), or is handed to ``on_damage`` and left out."""
    snapshots = [snapshot for snapshot in repository.snapshots(on_damage=on_damage) if is_of_plan(snapshot.tags, plan_name)]
    return merge_copies(snapshots)


def plan_snapshots(repository: SnapshotLister, plan_name: str, *, on_damage: DamageHandler | None = None) -> list[Snapshot]:
    """As L(stored_points), without the copies."""
    return [point.snapshot for point in stored_points(repository, plan_name, on_damage=on_damage)]


def newest_first(snapshots: t.Sequence[Snapshot], now: datetime) -> list[Snapshot]:
    """Of snapshots that are sorted by time: those that a host with a wrong clock has dated in the future come last.

    A run that went on from such a one would do so for ever, since nothing that follows is newer.
    """
    backwards = snapshots[::-1]
    return [each for is_late in (False, True) for each in backwards if is_in_future(each.time, now) is is_late]


def time_after(earlier: datetime | None, now: datetime) -> datetime:
    """The time of a snapshot that goes on from another one: later than it, also where this host's clock is some minutes slower."""
    if earlier is None or is_in_future(earlier, now):
        return now
    return max(now, earlier + timedelta(microseconds=1))


def merge_copies(snapshots: t.Sequence[Snapshot]) -> list[StoredPoint]:
    """Find the copies among snapshots that are sorted by time. Of several the one with the most holds counts."""

    def rank(snapshot: Snapshot) -> tuple[int, bool, str]:
        return (len(holds_of(snapshot.tags)), snapshot.original is not None, snapshot.id)

    points = []
    families = sorted(snapshots, key=lambda snapshot: (snapshot.time, snapshot.first_id, snapshot.tree))
    for _family, members in itertools.groupby(families, key=lambda snapshot: (snapshot.time, snapshot.first_id, snapshot.tree)):
        counting, *others = sorted(members, key=rank, reverse=True)
        holds = set(holds_of(counting.tags))
        spare = [other for other in others if holds.issuperset(holds_of(other.tags))]
        points.append(StoredPoint(counting, tuple(other.id for other in spare)))
        points += [StoredPoint(other) for other in others if other not in spare]
    return points


def restore_points(
    repository: Repository,
    points: t.Sequence[StoredPoint],
    now: datetime,
    *,
    accept_missing: bool = False,
    leaving_out: t.Collection[str] = (),
) -> list[RestorePoint]:
    """What retention has to know of the points. With ``accept_missing``, one that has lost its list of members has none.

    Nothing has to stay for the sake of members that are ``leaving_out``, by object id.
    Raises RepositoryDamaged, StorageError.
    """
    reader = _StateReader(repository, leaving_out)
    counting = [point.snapshot for point in reversed(points) if not is_in_future(point.snapshot.time, now)]
    last = find_last_states((snapshot.id, reader.sources(snapshot, accept_missing)) for snapshot in counting)
    good = _members_in((key, snapshot) for key, snapshots in last.good.items() for snapshot in snapshots)
    partial = _members_in(last.partial.items())
    return [
        RestorePoint(
            snapshot_id=point.snapshot.id,
            time=point.snapshot.time,
            is_checkpoint=outcome_of(point.snapshot.tags) == CHECKPOINT,
            holds=holds_of(point.snapshot.tags),
            last_good_of=frozenset(good.get(point.snapshot.id, ())),
            last_partial_of=frozenset(partial.get(point.snapshot.id, ())),
        )
        for point in points
    ]


def _members_in(places: t.Iterable[tuple[SourceKey, str]]) -> dict[str, set[str]]:
    """{snapshot id: object ids of members}"""
    members: dict[str, set[str]] = {}
    for (member, _source), snapshot in places:
        members.setdefault(snapshot, set()).add(member)
    return members


class _StateReader:
    """Reads what snapshots say of their sources. The directories of members are kept, since most stay as they are."""

    def __init__(self, repository: Repository, leaving_out: t.Collection[str]) -> None:
        self._repository = repository
        self._leaving_out = leaving_out
        self._sources: dict[TreeId, dict[str, TreeId | None]] = {}

    def sources(self, snapshot: Snapshot, accept_missing: bool) -> t.Iterator[SourceSeen]:
        try:
            group = group_of(self._repository, snapshot)
            if group is None or group.subtree is None:
                return
            directories = {node.name: node.subtree for node in self._repository.read_tree(group.subtree)}
            members = read_members(self._repository, group.subtree)
        except BlobMissing:
            if not accept_missing:
                raise
            return
        for member in members.values():
            if member.id in self._leaving_out:
                continue
            for name, state in member.sources.items():
                yield SourceSeen(
                    (member.id, name),
                    _standing(member, state),
                    self._tree_finder(directories.get(member.directory), name, accept_missing),
                    state.stamp,
                )

    def _tree_finder(self, directory: TreeId | None, source: str, accept_missing: bool) -> t.Callable[[], TreeId | None]:
        def find() -> TreeId | None:
            if directory is None:
                return None
            if directory not in self._sources:
                try:
                    self._sources[directory] = {node.name: node.subtree for node in self._repository.read_tree(directory)}
                except BlobMissing:
                    if not accept_missing:
                        raise
                    self._sources[directory] = {}
            return self._sources[directory].get(source)

        return find


def _standing(member: MemberState, state: SourceState) -> Standing:
    if state.status is SourceStatus.UNFINISHED:
        return Standing.PARTIAL
    return Standing.GOOD if state.is_good and member.left is None else Standing.CARRIED
