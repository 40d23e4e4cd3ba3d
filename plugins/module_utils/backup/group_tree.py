# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The group's tree while a run makes it: what the last snapshot had, and what this run has put in its place.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
import threading
import typing as t
from datetime import datetime

from .._errors import BackupError
from ..plan.retention import is_in_future
from ..repository.errors import BlobMissing, RepositoryDamaged
from ..repository.trees import edit_tree, find_node
from ..repository.types import Node, Path, Snapshot, SnapshotId, TreeId
from .layout import CHECKPOINT, MEMBERS_FILE, META, META_TIME, RUN_FILE, outcome_of, safe_name, snapshot_tags
from .leavers import NOBODY
from .member_task import MemberTask, SourceReport
from .members import (
    MemberState,
    group_of,
    members_as_json,
    read_members,
    with_directories,
)
from .restore_points import newest_first, plan_snapshots, time_after
from .results import Counts, MemberResult, Outcome
from .run_roster import RunRoster, run_roster, states_after
from .scan_results import Flagged
from .small_files import read_file, to_json

if t.TYPE_CHECKING:
    from ..plan.model import Plan
    from ..plan.selection import Member
    from ..repository.repository import Repository
    from ..repository.writer import Writer
    from .leavers import Departures
    from .listed_snapshots import SnapshotLister

_CHECKPOINT_BYTES = 64 * 1024 * 1024
_MOST_FLAGGED = 1000
_NO_ROSTER = RunRoster()


class GroupTree:
    """Thread-safe: members are read side by side."""

    def __init__(
        self,
        plan: Plan,
        store: Repository | Writer,
        base: Snapshot | None,
        base_group: Node | None,
        before: dict[str, MemberState],
        members: dict[str, MemberState],
        run_id: str,
        now: t.Callable[[], datetime],
        warnings: t.Sequence[str] = (),
        roster: RunRoster = _NO_ROSTER,
    ) -> None:
        self.warnings = tuple(warnings)
        self.roster = roster
        self.plan = plan
        self.store = store
        self._base = base
        self._newest = None if base is None else base.time
        self._base_group = base_group
        self._before = before
        self._members = members
        self.run_id = run_id
        self.now = now
        self._base_directories: dict[str, TreeId] | None = None
        self._base_trees: dict[tuple[str, str], TreeId | None] = {}
        self._trees: dict[str, dict[str, TreeId | None]] = {}
        self._lock = threading.Lock()
        self._checkpoint_bytes = 0

    @classmethod
    def load(
        cls,
        plan: Plan,
        repository: SnapshotLister,
        store: Repository | Writer,
        members: t.Sequence[Member],
        run_id: str,
        now: t.Callable[[], datetime],
        departures: Departures = NOBODY,
    ) -> GroupTree:
        warnings: list[str] = []
        base, node, before = newest_readable(repository, store, plan.name, warnings.append)
        after = states_after(before, members, departures, now().isoformat(timespec="seconds"))
        roster = run_roster(before, after, members, departures, plan.leavers)
        return cls(plan, store, base, node, before, with_directories(after), run_id, now, warnings, roster)

    @property
    def names(self) -> dict[str, str]:
        """The user principal names by id, also of those who have left."""
        return {member.id: member.principal_name for member in self._members.values()}

    @property
    def base_id(self) -> SnapshotId | None:
        """The id that stays of the snapshot that the run goes on from; None for the first run."""
        return None if self._base is None else self._base.first_id

    @functools.cached_property
    def flagged_before(self) -> tuple[Flagged, ...]:
        """What the malware scan of a run that came to no end had flagged, and nobody was told of."""
        if self._base is None or outcome_of(self._base.tags) != CHECKPOINT or self._base_group is None or self._base_group.subtree is None:
            return ()
        content = read_file(self.store, self._base_group.subtree, (META, RUN_FILE))
        return tuple(Flagged.from_dict(one) for one in json.loads(content or b"{}").get("flagged", ()))

    def task(self, member: Member) -> MemberTask:
        """What a reader has to know of a member. A member whose mailbox is stored has a tree, whatever became of it."""
        before = self._before.get(member.id)
        tree = None if before is None else self._directories().get(before.directory)
        return MemberTask(member=member, tree=tree, states={} if before is None else before.sources)

    def put(self, report: SourceReport) -> None:
        """Take what a source has now. All of it must be in the repository before the next snapshot is saved."""
        with self._lock:
            self._base_trees[report.member_id, report.source] = report.base
            self._trees.setdefault(report.member_id, {})[report.source] = report.tree
            member = self._members[report.member_id]
            self._members[report.member_id] = dataclasses.replace(member, sources={**member.sources, report.source: report.state})

    def offered_tree(self, member_id: str, source: str) -> TreeId | None:
        """What this run has of a source so far."""
        with self._lock:
            return self._trees.get(member_id, {}).get(source)

    def save_checkpoint(self, writer: Writer, stored_bytes: int, before: t.Callable[[], t.Sequence[Flagged]] | None = None) -> None:
        """Leave a snapshot of what there is so far, when C(stored_bytes) have grown enough since the last one.

        C(before) is called just before, when nothing more is put into it. It gives what the malware scan has flagged, so that the
        next run can tell of it if this one comes to no end.
        """
        with self._lock:
            if is_checkpoint_due(stored_bytes, self._checkpoint_bytes):
                self._checkpoint_bytes = stored_bytes
                self.save(writer, CHECKPOINT, flagged=() if before is None else before())

    def is_changed(self, outcome: Outcome) -> bool:
        """Whether a run with this outcome has something to leave: what it found, or what only a checkpoint holds so far."""
        if self._base is None or (outcome is not Outcome.FAILED and outcome_of(self._base.tags) == CHECKPOINT):
            return True
        if self._base_group is None or self._base_group.name != safe_name(self.plan.title):
            return True
        return self._members != self._before or self.has_progress

    @property
    def has_progress(self) -> bool:
        """Whether something was read that the snapshot that the run went on from has not."""
        return any(tree != self._base_tree(member_id, source) for member_id, trees in self._trees.items() for source, tree in trees.items())

    def save(self, writer: Writer, outcome: str, results: t.Sequence[MemberResult] = (), *, flagged: t.Sequence[Flagged] = ()) -> Snapshot:
        """Write the group as it is now as a snapshot of its own."""
        title = safe_name(self.plan.title)
        old_group = None if self._base_group is None else self._base_group.subtree
        group = edit_tree(writer, old_group, sorted(self._edits(writer, outcome, results, flagged).items()))
        if group is None:
            raise BackupError("The tree of the group came out empty.", hint="This is a defect; please report it.")
        moment = self._newest = time_after(self._newest, self.now())
        root = writer.save_tree([Node.directory(title, META_TIME, group)])
        parent: SnapshotId | None = None if self._base is None else self._base.id
        return writer.save_snapshot(
            root,
            time=moment,
            paths=("/" + title,),
            tags=snapshot_tags(self.plan.name, self.run_id, outcome),
            parent=parent,
        )

    def _edits(
        self, writer: Writer, outcome: str, results: t.Sequence[MemberResult], flagged: t.Sequence[Flagged]
    ) -> dict[Path, Node | None]:
        edits: dict[Path, Node | None] = {}
        for member in self._members.values():
            before = self._before.get(member.id)
            changed = dict(self._trees.get(member.id, {}))
            is_renamed = before is not None and before.directory != member.directory
            if before is not None and is_renamed:
                edits.setdefault((before.directory,), None)
            for source in member.sources if any(changed.values()) else ():
                changed.setdefault(source, self._base_tree(member.id, source))
            nodes = [Node.directory(source, META_TIME, tree) for source, tree in changed.items() if tree is not None]
            if nodes:
                edits[(member.directory,)] = Node.directory(member.directory, META_TIME, writer.save_tree(nodes))
            elif before is not None and is_renamed:
                # As it is: what it holds may be lost.
                moved = self._base_directory(before.directory)
                if moved is not None:
                    edits[(member.directory,)] = dataclasses.replace(moved, name=member.directory)
        for name, content in (
            (MEMBERS_FILE, members_as_json(self._members.values())),
            (RUN_FILE, to_json(_summary(self.run_id, outcome, results, flagged))),
        ):
            edits[(META, name)] = Node.file(name, META_TIME, writer.save_file([content]))
        return edits

    def _base_directory(self, name: str) -> Node | None:
        group = None if self._base_group is None else self._base_group.subtree
        return None if group is None else find_node(self.store, group, (name,))

    def _directories(self) -> dict[str, TreeId]:
        """The directories of the last snapshot by name. Read once: the tree of a group is as large as the group."""
        if self._base_directories is None:
            group = None if self._base_group is None else self._base_group.subtree
            nodes = [] if group is None else self.store.read_tree(group)
            self._base_directories = {node.name: node.subtree for node in nodes if node.subtree is not None}
        return self._base_directories

    def _base_tree(self, member_id: str, source: str) -> TreeId | None:
        """What a source had before that this run has not read, or not yet; None if that is lost."""
        if (member_id, source) not in self._base_trees:
            before = self._before.get(member_id)
            directory = None if before is None else self._directories().get(before.directory)
            tree = None
            if directory is not None:
                with contextlib.suppress(BlobMissing):
                    node = find_node(self.store, directory, (source,))
                    tree = None if node is None else node.subtree
            self._base_trees[member_id, source] = tree
        return self._base_trees[member_id, source]


def is_checkpoint_due(stored_bytes: int, at_the_last: int) -> bool:
    """Whether what was stored since the last checkpoint is worth one: each writes the group anew, all together cost little."""
    return stored_bytes - at_the_last >= max(_CHECKPOINT_BYTES, at_the_last // 4)


def newest_readable(
    repository: SnapshotLister,
    store: Repository | Writer,
    plan_name: str,
    warn: t.Callable[[str], None],
    *,
    passed_over: type[RepositoryDamaged] = BlobMissing,
) -> tuple[Snapshot | None, Node | None, dict[str, MemberState]]:
    """The newest snapshot that a run can go on from, its group and members. Older cursors ask for more, and lose nothing.

    ``passed_over`` is the damage for which an earlier one is taken; any other is raised. A run goes past what a repair has
    dropped; whoever foresees a repair goes past all that it will drop.
    """
    snapshots = plan_snapshots(repository, plan_name, on_damage=lambda damage: warn(f"{damage} The run went on without it."))
    now = repository.clock.now()
    if snapshots and is_in_future(snapshots[-1].time, now):
        warn(
            f"The snapshot {snapshots[-1].id[:8]} is dated {snapshots[-1].time:%Y-%m-%d %H:%M:%S} UTC, and here it is"
            f" {now:%Y-%m-%d %H:%M:%S} UTC. One of the two clocks is wrong. The run went on from an earlier one if there is one."
        )
    for snapshot in newest_first(snapshots, now):
        try:
            node = group_of(store, snapshot)
            return snapshot, node, {} if node is None or node.subtree is None else read_members(store, node.subtree)
        except passed_over as error:
            warn(f"The run could not go on from the snapshot {snapshot.id[:8]}, and took the one before. {error}")
    return None, None, {}


def _summary(run_id: str, outcome: str, results: t.Sequence[MemberResult], flagged: t.Sequence[Flagged]) -> dict[str, t.Any]:
    """What the run did, for whoever opens the snapshot: totals, and the members that changed or had findings."""
    total = sum((source.counts for result in results for source in result.sources), Counts())
    return {
        "run_id": run_id,
        "outcome": outcome,
        "counts": total.as_dict(),
        "members": {
            result.principal_name: {source.source: source.as_dict() for source in result.sources}
            for result in results
            if any(source.is_changed or source.findings for source in result.sources)
        },
        **({"flagged": [one.as_dict() for one in flagged[:_MOST_FLAGGED]]} if flagged else {}),
    }
