# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Removing what is stored of members that have left: whose time has come, where they are, and restore points without them.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import enum
import functools
import json
import typing as t
from datetime import datetime

from .._errors import InputError
from ..plan.leavers import is_expired
from ..plan.model import LeaverPolicy
from ..plan.retention import is_in_future
from ..repository.errors import BlobMissing
from ..repository.trees import edit_tree
from ..repository.types import Node, NodeKind, Path, Snapshot, SnapshotId, TreeId
from .holds import holds_of
from .layout import MEMBERS_FILE, META, META_TIME, RUN_FILE
from .members import GroupState, MemberState, group_of, known_members, read_group, short_id
from .restore_points import newest_first
from .small_files import read_file, to_json

if t.TYPE_CHECKING:
    from ..plan.model import Plan
    from ..plan.roster import KnownMember
    from ..repository.reading import BlobReader
    from ..repository.rewriting import Rewriting
    from ..repository.saving import BlobSaver
    from .restore_points import StoredPoint


class RemovalCause(str, enum.Enum):
    """Why the backup of a former member goes."""

    EXPIRED = "expired"
    BY_HAND = "by_hand"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RemovedMember:
    """``member`` is as the newest restore point that has it says; without a date there, it left before the next newer one was made.

    ``points`` are the restore points that have it and may be changed, ``held`` those that have it and may not, both by id, newest first.
    """

    member: KnownMember
    cause: RemovalCause
    points: tuple[SnapshotId, ...]
    held: tuple[SnapshotId, ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Removals:
    """``unknown`` are wanted names that nobody has, ``members_before`` how many the newest restore point has, former ones, too.

    ``is_newest_held`` says that the next run brings somebody back, since it goes on from a restore point that may not be changed.
    """

    members: tuple[RemovedMember, ...] = ()
    unknown: tuple[str, ...] = ()
    members_before: int = 0
    is_newest_held: bool = False

    @property
    def ids(self) -> frozenset[str]:
        """Of those who go."""
        return frozenset(one.member.id for one in self.members)

    def rewritings(self, going: t.Container[SnapshotId]) -> dict[SnapshotId, Rewriting]:
        """For each restore point that stays and loses somebody how that is done."""
        losing: dict[SnapshotId, set[str]] = collections.defaultdict(set)
        for one in self.members:
            for point in one.points:
                if point not in going:
                    losing[point].add(one.member.id)
        return {point: functools.partial(without_members, frozenset(ids)) for point, ids in losing.items()}


def without_members(ids: frozenset[str], store: BlobSaver, tree: TreeId) -> TreeId:
    """The tree of a snapshot without these members: their directories, and what the group's own files say of them."""
    root = store.read_tree(tree)
    group = next((node for node in root if node.kind is NodeKind.DIRECTORY), None)
    content = None if group is None or group.subtree is None else read_file(store, group.subtree, (META, MEMBERS_FILE))
    if group is None or group.subtree is None or content is None:
        return tree
    document = json.loads(content)
    going = [member for member in document["members"] if member["id"] in ids]
    document["members"] = [member for member in document["members"] if member["id"] not in ids]
    edits: dict[Path, Node | None] = {(member["directory"],): None for member in going if member.get("directory")}
    edits[META, MEMBERS_FILE] = _file(store, MEMBERS_FILE, document)
    with contextlib.suppress(BlobMissing):  # what is lost names nobody, and does not keep the others from being removed
        run = read_file(store, group.subtree, (META, RUN_FILE))
        if run is not None:
            edits[META, RUN_FILE] = _file(store, RUN_FILE, _run_without(json.loads(run), {member["principal_name"] for member in going}))
    subtree = edit_tree(store, group.subtree, sorted(edits.items()))
    return store.save_tree(dataclasses.replace(node, subtree=subtree) if node is group else node for node in root)


def find_removals(
    store: BlobReader,
    points: t.Sequence[StoredPoint],
    plan: Plan,
    wanted: t.Sequence[str],
    now: datetime,
    *,
    accept_missing: bool = False,
) -> Removals:
    """Who goes: those whose time has come by the policy of the plan, and the ``wanted`` ones, by sign-in name or object id.

    Raises InputError for wanted ones who are members, or several people, and where the policy keeps everybody for ever;
    RepositoryDamaged, StorageError. With ``accept_missing`` a restore point that has lost its list of members has none.
    """
    if wanted and plan.leavers.policy is LeaverPolicy.KEEP_FOREVER:
        raise InputError(
            f"The plan {plan.name} keeps what is stored of former members for ever, so nothing of {', '.join(wanted)} was removed.",
            hint="If it must go, declare leavers with the policy keep_until_removed_by_hand first.",
        )
    if not wanted and plan.leavers.policy is not LeaverPolicy.EXPIRE_AFTER_DAYS:
        return Removals()
    found = _Found(plan, frozenset(name.casefold() for name in wanted), now)
    for snapshot in newest_first([point.snapshot for point in points], now):
        found.look_at(snapshot, _state(store, snapshot, accept_missing))
    found.refuse_unclear(wanted)
    return found.removals(wanted)


def superseded(store: BlobReader, points: t.Sequence[StoredPoint]) -> list[StoredPoint]:
    """Restore points for which there is one without some member already: a removal was killed before it could remove them.

    One with a hold that the other has not is none of them.
    """
    families: dict[tuple[datetime, SnapshotId], list[StoredPoint]] = collections.defaultdict(list)
    for point in points:
        families[point.snapshot.time, point.snapshot.first_id].append(point)
    over = []
    for family in families.values():
        if len(family) == 1:
            continue
        members = {point.snapshot.id: _members(store, point.snapshot, accept_missing=True).keys() for point in family}
        holds = {point.snapshot.id: set(holds_of(point.snapshot.tags)) for point in family}
        for point in family:
            ours = point.snapshot.id
            if any(members[ours] > members[other.snapshot.id] and holds[ours] <= holds[other.snapshot.id] for other in family):
                over.append(point)
    return over


class _Found:
    """Looks at restore points, the newest first. What the first one that has somebody says of him counts."""

    def __init__(self, plan: Plan, wanted: frozenset[str], now: datetime) -> None:
        self._plan = plan
        self._wanted = wanted
        self._now = now
        self._newer: Snapshot | None = None
        self._covers: frozenset[str] | None = None
        self._newest_ids: frozenset[str] = frozenset()
        self._is_newest_held = False
        self._seen: set[str] = set()
        self._named: list[MemberState] = []
        self._active: set[str] = set()
        self._going: dict[str, tuple[MemberState, RemovalCause]] = {}
        self._points: dict[str, list[SnapshotId]] = collections.defaultdict(list)
        self._held: dict[str, list[SnapshotId]] = collections.defaultdict(list)

    def look_at(self, snapshot: Snapshot, state: GroupState) -> None:
        members = state.members
        is_held = bool(holds_of(snapshot.tags))
        is_late = is_in_future(snapshot.time, self._now)
        if self._newer is None:
            self._newest_ids, self._is_newest_held = frozenset(members), is_held
        for member in members.values():
            if member.id not in self._seen:
                self._seen.add(member.id)
                self._decide(member, is_late=is_late, is_alone=self._covers is not None and short_id(snapshot) not in self._covers)
            if member.id in self._going:
                (self._held if is_held else self._points)[member.id].append(snapshot.id)
        if self._newer is None:
            self._covers = state.covers
        elif self._covers is not None:
            self._covers |= state.covers or frozenset()
        self._newer = snapshot

    def refuse_unclear(self, wanted: t.Sequence[str]) -> None:
        for name in wanted:
            named = [member for member in self._named if name.casefold() in _names(member)]
            active = [member for member in named if member.id in self._active]
            others = ", ".join(
                f"{member.id} (left {member.left or 'before the newest restore point'})" for member in named if member not in active
            )
            if active and not others:
                raise InputError(
                    f"{name} is a member of plan {self._plan.name}, so nothing was removed.",
                    hint="Exclude the user in the selection of the plan, and run it once; after that what is stored can be removed.",
                )
            if len(named) > 1:
                raise InputError(
                    f"Several people of plan {self._plan.name} were called {name}, so nothing was removed.",
                    hint=f"Name the former member by the object id: {others}.",
                )

    def removals(self, wanted: t.Sequence[str]) -> Removals:
        known = {name for member in self._named for name in _names(member)}
        members = tuple(
            RemovedMember(
                member=known_members([member])[0],
                cause=cause,
                points=tuple(self._points[member.id]),
                held=tuple(self._held[member.id]),
            )
            for member, cause in sorted(self._going.values(), key=lambda one: (one[0].principal_name.casefold(), one[0].id))
        )
        return Removals(
            members=tuple(one for one in members if one.points or one.cause is RemovalCause.BY_HAND),
            unknown=tuple(name for name in wanted if name.casefold() not in known),
            members_before=len(self._newest_ids),
            is_newest_held=self._is_newest_held and not self._newest_ids.isdisjoint(self._going),
        )

    def _decide(self, member: MemberState, *, is_late: bool, is_alone: bool) -> None:
        """Whoever is in no newer restore point had left when that was made: runs keep everybody, so a prune has removed him from it.

        Nothing is concluded from a date in the future, nor of what another host has left C(is_alone), from which no run went on yet.
        """
        is_unclear = self._newer is None or is_late or is_alone
        left = datetime.fromisoformat(member.left) if member.left else None if is_unclear or self._newer is None else self._newer.time
        is_named = not self._wanted.isdisjoint(_names(member))
        if is_named:
            self._named.append(member)
        if left is None and not is_late:
            self._active.add(member.id)
        elif is_named:
            self._going[member.id] = (member, RemovalCause.BY_HAND)
        elif is_expired(left, self._plan.leavers, self._now):
            self._going[member.id] = (member, RemovalCause.EXPIRED)


def _names(member: MemberState) -> set[str]:
    return {member.id.casefold(), member.principal_name.casefold()}


def _members(store: BlobReader, snapshot: Snapshot, accept_missing: bool) -> dict[str, MemberState]:
    return _state(store, snapshot, accept_missing).members


def _state(store: BlobReader, snapshot: Snapshot, accept_missing: bool) -> GroupState:
    try:
        group = group_of(store, snapshot)
        return GroupState() if group is None or group.subtree is None else read_group(store, group.subtree)
    except BlobMissing:
        if not accept_missing:
            raise
        return GroupState()


def _run_without(document: dict[str, t.Any], names: t.Collection[str]) -> dict[str, t.Any]:
    """What a run did, without the members of these names; its totals stay."""
    if "members" in document:
        document["members"] = {name: said for name, said in document["members"].items() if name not in names}
    if "flagged" in document:
        document["flagged"] = [one for one in document["flagged"] if one.get("member") not in names]
    return document


def _file(store: BlobSaver, name: str, document: t.Any) -> Node:
    return Node.file(name, META_TIME, store.save_file([to_json(document)]))
