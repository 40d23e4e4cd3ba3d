# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run goes on from: the newest snapshot of its plan, with what other snapshots know better.

Several hosts save snapshots of one plan side by side, and each snapshot holds the whole group. It says which others it has taken in
(C(covers)), so that those need not be read again; with one host that is all of them, always. Whatever is not covered was left by
somebody who saved at the same time, or was killed before he looked again, and is taken in here: of each source the state
with the greatest stamp counts.

Why nothing is lost, whatever the order of events:

* A snapshot is listed once its blobs and their index are durable, so what is listed can be taken in whole.
* A run lists again right before it saves, and once more after it. Of two that save at the same moment, the one whose snapshot is
  durable later lists the other's afterwards and takes it in. It saves once more if that brought anything, or if the other one is the
  newest and does not cover its own. When it is killed before that, its snapshot is covered by nothing, and the next run of any
  host takes it in.
* Prune runs alone, and keeps the state with the greatest stamp of each source, wherever that is (see last_states).
* What changes a snapshot (holds, removals, repairs) gives it a new id; C(covers) has the first one, which stays.
* A snapshot that cannot be read is not covered before it is certain that it is gone, so it is taken in after its repair.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t
from dataclasses import dataclass, field
from datetime import datetime

from ..plan.retention import is_in_future
from ..repository.errors import BlobMissing, RepositoryDamaged
from ..repository.types import Node, Snapshot, TreeId
from .last_states import SourceKey
from .members import GroupState, MemberState, group_of, read_group, short_id, source_tree
from .restore_points import newest_first, plan_snapshots

if t.TYPE_CHECKING:
    from ..repository.repository import Repository
    from ..repository.writer import Writer
    from .listed_snapshots import SnapshotLister

Warn = t.Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class BasePoint:
    """C(snapshot) is None when there is none. C(stored) is what it says itself, C(members) what is known with the others taken in.

    C(taken) are the trees of the sources that come from another snapshot. C(covers) are the short ids of all that is in
    C(members), C(newest) is the latest of their times, C(top) what the snapshot of that time covers by itself, C(since) the
    time of the oldest snapshot of which something counts.
    """

    snapshot: Snapshot | None = None
    group: Node | None = None
    stored: dict[str, MemberState] = field(default_factory=dict)
    members: dict[str, MemberState] = field(default_factory=dict)
    taken: dict[SourceKey, TreeId | None] = field(default_factory=dict)
    covers: frozenset[str] = frozenset()
    newest: datetime | None = None
    top: frozenset[str] = frozenset()
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Better:
    """A source of which another snapshot has a later state."""

    member: MemberState
    source: str
    tree: TreeId | None

    @property
    def key(self) -> SourceKey:
        return self.member.id, self.source


def find_base(
    repository: SnapshotLister,
    store: Repository | Writer,
    plan_name: str,
    warn: Warn,
    *,
    passed_over: type[RepositoryDamaged] = BlobMissing,
) -> BasePoint:
    """The newest snapshot that a run can go on from, with all that others have besides it. Older cursors ask for more, and lose nothing.

    ``passed_over`` is the damage for which an earlier one is taken; any other is raised. A run goes past what a repair has
    dropped; whoever foresees a repair goes past all that it will drop.
    """
    snapshots = plan_snapshots(repository, plan_name, on_damage=lambda damage: warn(f"{damage} The run went on without it."))
    now = repository.clock.now()
    if snapshots and is_in_future(snapshots[-1].time, now):
        warn(
            f"The snapshot {snapshots[-1].id[:8]} is dated {snapshots[-1].time:%Y-%m-%d %H:%M:%S} UTC, and here it is"
            f" {now:%Y-%m-%d %H:%M:%S} UTC. One of the two clocks is wrong. The run went on from an earlier one if there is"
            " one, and took in what this one has."
        )
    gone: set[str] = set()
    for snapshot in newest_first(snapshots, now):
        try:
            group, state = _read(store, snapshot)
        except passed_over as error:
            warn(f"The run could not go on from the snapshot {snapshot.id[:8]}, and took the one before. {error}")
            gone.add(short_id(snapshot))
            continue
        older = frozenset(short_id(each) for each in snapshots if each.time <= snapshot.time)
        covers = (older if state.covers is None else state.covers) | {short_id(snapshot)} | gone
        base = BasePoint(
            snapshot=snapshot,
            group=group,
            stored=state.members,
            members=dict(state.members),
            covers=covers,
            newest=snapshot.time,
            top=covers,
            since=snapshot.time,
        )
        return with_others(base, snapshots, store, now, warn)
    return BasePoint()


def with_others(base: BasePoint, snapshots: t.Sequence[Snapshot], store: Repository | Writer, now: datetime, warn: Warn) -> BasePoint:
    """The same with whatever ``snapshots`` of the plan have that ``base`` does not cover."""
    members, taken, covers = dict(base.members), dict(base.taken), set(base.covers)
    newest, top, since = base.newest, base.top, base.since
    for snapshot in newest_first(snapshots, now):
        if short_id(snapshot) in covers:
            continue
        try:
            group, theirs = _read(store, snapshot)
            better = list(_better(members, group, theirs, store))
        except RepositoryDamaged as error:
            warn(
                f"The snapshot {snapshot.id[:8]}, which another run has left, cannot be read. What only it has is not in the new one,"
                f" and is read from Microsoft 365 again. {error}"
            )
            if isinstance(error, BlobMissing):
                covers.add(short_id(snapshot))
            continue
        for member in theirs.members.values():
            members.setdefault(member.id, dataclasses.replace(member, directory="", sources={}))
        for one in better:
            mine = members[one.member.id]
            if one.tree is None and one.source in mine.sources and _has_tree(store, base, taken, one.key):
                continue
            taken[one.key] = one.tree
            members[mine.id] = dataclasses.replace(mine, sources={**mine.sources, one.source: one.member.sources[one.source]})
            since = snapshot.time if since is None else min(since, snapshot.time)
        theirs_and_it = {short_id(snapshot), *(theirs.covers or ())}
        covers |= theirs_and_it
        if (newest is None or snapshot.time >= newest) and not is_in_future(snapshot.time, now):
            newest, top = snapshot.time, frozenset(theirs_and_it)
    return dataclasses.replace(base, members=members, taken=taken, covers=frozenset(covers), newest=newest, top=top, since=since)


def base_tree_of(store: Repository | Writer, base: BasePoint, key: SourceKey) -> TreeId | None:
    """Where a source of a member is in what a run goes on from; None where it is not. Raises RepositoryDamaged."""
    if key in base.taken:
        return base.taken[key]
    member = base.stored.get(key[0])
    if member is None or base.group is None or base.group.subtree is None:
        return None
    return source_tree(store, base.group.subtree, member.directory, key[1])


def _has_tree(store: Repository | Writer, base: BasePoint, taken: dict[SourceKey, TreeId | None], key: SourceKey) -> bool:
    """Whether there is something that a state without a tree would take away. What cannot be read stays as it is."""
    try:
        return base_tree_of(store, dataclasses.replace(base, taken=taken), key) is not None
    except BlobMissing:
        return False
    except RepositoryDamaged:
        return True


def _better(
    members: t.Mapping[str, MemberState], group: Node | None, theirs: GroupState, store: Repository | Writer
) -> t.Iterator[_Better]:
    """The sources of which they have a later state. What is lost of it is passed over."""
    directories: dict[str, TreeId | None] | None = None
    for member in theirs.members.values():
        known = members.get(member.id)
        ours = {} if known is None else known.sources
        later = [name for name, state in member.sources.items() if name not in ours or state.stamp > ours[name].stamp]
        if not later:
            continue
        if directories is None:
            tree = None if group is None else group.subtree
            directories = {} if tree is None else {node.name: node.subtree for node in store.read_tree(tree)}
        directory = directories.get(member.directory) if member.directory else None
        try:
            trees = {} if directory is None else {node.name: node.subtree for node in store.read_tree(directory)}
        except BlobMissing:
            continue
        for name in later:
            yield _Better(member, name, trees.get(name))


def _read(store: Repository | Writer, snapshot: Snapshot) -> tuple[Node | None, GroupState]:
    group = group_of(store, snapshot)
    return group, GroupState() if group is None or group.subtree is None else read_group(store, group.subtree)
