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
from ..repository.errors import BlobMissing, StorageError
from ..repository.trees import edit_tree, find_node
from ..repository.types import Node, Path, Snapshot, SnapshotId, TreeId
from .base_point import BasePoint, find_base, with_others
from .layout import CHECKPOINT, MEMBERS_FILE, META, META_TIME, RUN_FILE, outcome_of, safe_name, snapshot_tags
from .leavers import NOBODY
from .member_task import MemberTask, SourceReport
from .members import MemberState, group_of, members_as_json, short_id, with_directories
from .put_sources import PutSources
from .restore_points import plan_snapshots, time_after
from .results import MemberResult, Outcome
from .run_roster import RunRoster, run_roster, states_after
from .run_summary import run_summary
from .scan_results import Flagged
from .small_files import read_file, to_json

if t.TYPE_CHECKING:
    from ..plan.model import Plan
    from ..plan.selection import Member
    from ..plan.shards import Share
    from ..repository.repository import Repository
    from ..repository.writer import Writer
    from .last_states import SourceKey
    from .leavers import Departures
    from .listed_snapshots import ListedSnapshots

_CHECKPOINT_BYTES = 64 * 1024 * 1024
#: Each time another host must have saved meanwhile; what is left then is taken in by the next run.
_MOST_LOOKS = 5
_NO_ROSTER = RunRoster()


class GroupTree:
    """The whole group, also where this run reads only its C(share) of it. Thread-safe: members are read side by side."""

    def __init__(
        self,
        plan: Plan,
        listed: ListedSnapshots,
        store: Repository | Writer,
        base: BasePoint,
        members: dict[str, MemberState],
        run_id: str,
        now: t.Callable[[], datetime],
        *,
        roster: RunRoster = _NO_ROSTER,
        share: Share | None = None,
        hostname: str = "",
    ) -> None:
        self.warnings: list[str] = []
        self.roster = roster
        self.plan = plan
        self.store = store
        self.run_id = run_id
        self.now = now
        self._listed = listed
        self._share = share
        self._base = base
        self._left = _left_checkpoint(base.snapshot, self._snapshots(), hostname)
        self._members = members
        self._put = PutSources(base.members, run_id)
        self._base_directories: dict[str, TreeId] | None = None
        self._base_trees: dict[SourceKey, TreeId | None] = {}
        self._lock = threading.Lock()
        self._checkpoint_bytes = 0

    @classmethod
    def load(
        cls,
        plan: Plan,
        listed: ListedSnapshots,
        store: Repository | Writer,
        members: t.Sequence[Member],
        run_id: str,
        now: t.Callable[[], datetime],
        departures: Departures = NOBODY,
        *,
        share: Share | None = None,
        hostname: str = "",
    ) -> GroupTree:
        warnings: list[str] = []
        base = find_base(listed, store, plan.name, warnings.append)
        after = states_after(base.members, members, departures, now().isoformat(timespec="seconds"))
        roster = run_roster(base.members, after, members, departures, plan.leavers)
        group = cls(plan, listed, store, base, with_directories(after), run_id, now, roster=roster, share=share, hostname=hostname)
        group.warnings += warnings
        return group

    @property
    def names(self) -> dict[str, str]:
        """The user principal names by id, also of those who have left."""
        return {member.id: member.principal_name for member in self._members.values()}

    @property
    def base_id(self) -> SnapshotId | None:
        """The id that stays of the snapshot that the run goes on from; None for the first run."""
        return None if self._base.snapshot is None else self._base.snapshot.first_id

    @functools.cached_property
    def flagged_before(self) -> tuple[Flagged, ...]:
        """What the malware scan of a run that came to no end had flagged, and nobody was told of."""
        group = None if self._left is None else group_of(self.store, self._left)
        if group is None or group.subtree is None:
            return ()
        content = read_file(self.store, group.subtree, (META, RUN_FILE))
        return tuple(Flagged.from_dict(one) for one in json.loads(content or b"{}").get("flagged", ()))

    def task(self, member: Member) -> MemberTask:
        """What a reader has to know of a member. A member whose mailbox is stored has a tree, whatever became of it."""
        before, stored = self._base.members.get(member.id), self._base.stored.get(member.id)
        return MemberTask(
            member=member,
            tree=None if stored is None else self._directories().get(stored.directory),
            states={} if before is None else before.sources,
            taken={source: tree for (owner, source), tree in self._base.taken.items() if owner == member.id} if self._base.taken else {},
        )

    def put(self, report: SourceReport) -> None:
        """Take what a source has now. All of it must be in the repository before the next snapshot is saved."""
        key = report.member_id, report.source
        with self._lock:
            self._base_trees[key] = report.base
            state = self._put.put(key, report.base, report.tree, report.state)
            if state is not None:
                member = self._members[report.member_id]
                self._members[report.member_id] = dataclasses.replace(member, sources={**member.sources, report.source: state})

    def offered_tree(self, member_id: str, source: str) -> TreeId | None:
        """What this run itself has of a source so far."""
        with self._lock:
            return self._put.offered((member_id, source))

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
        """Whether a run with this outcome has something to leave: what it found, or what only a checkpoint or another host holds so far."""
        if self._base.snapshot is None or (outcome is not Outcome.FAILED and self._left is not None):
            return True
        if self._base.group is None or self._base.group.name != safe_name(self.plan.title):
            return True
        return bool(self._base.taken) or self._members != self._base.stored or self.has_progress

    @property
    def has_progress(self) -> bool:
        """Whether something was read that the snapshots that the run went on from have not."""
        return any(tree != self._base_tree(key) for key, tree in self._put.trees())

    def save(self, writer: Writer, outcome: str, results: t.Sequence[MemberResult] = (), *, flagged: t.Sequence[Flagged] = ()) -> Snapshot:
        """Write the group as it is now as a snapshot of its own, with what other hosts have left meanwhile.

        After that it looks once more; see base_point. A checkpoint needs no second look: who goes on from it looks.
        """
        self._take_others()
        snapshot = self._write(writer, outcome, results, flagged)
        if outcome != CHECKPOINT:
            # What was saved stays saved, also when nobody can look any more.
            with contextlib.suppress(StorageError):
                for _look in range(_MOST_LOOKS):
                    if not self._take_others() and short_id(snapshot) in self._base.top:
                        break
                    snapshot = self._write(writer, outcome, results, flagged)
        return snapshot

    def _take_others(self) -> bool:
        """Take in what others have left since the last look. Whether there was anything."""
        self._listed.again()
        before = dataclasses.replace(self._base, members=self._members, taken=self._base.taken | dict(self._put.trees()))
        after = with_others(before, self._snapshots(), self.store, self._listed.clock.now(), self.warnings.append)
        if after.covers == before.covers:
            return False
        is_new = after.members.keys() != before.members.keys()
        for (owner, source), tree in after.taken.items():
            ours, state = before.members.get(owner), after.members[owner].sources[source]
            if ours is None or ours.sources.get(source) is not state:
                self._put.replace((owner, source), tree, state)
                is_new = True
        self._members = with_directories(after.members)
        self._base = dataclasses.replace(self._base, covers=after.covers, newest=after.newest, top=after.top)
        return is_new

    def _snapshots(self) -> list[Snapshot]:
        return plan_snapshots(self._listed, self.plan.name, on_damage=lambda _damage: None)

    def _write(self, writer: Writer, outcome: str, results: t.Sequence[MemberResult], flagged: t.Sequence[Flagged]) -> Snapshot:
        base, title = self._base, safe_name(self.plan.title)
        group = edit_tree(
            writer, None if base.group is None else base.group.subtree, sorted(self._edits(writer, outcome, results, flagged).items())
        )
        if group is None:
            raise BackupError("The tree of the group came out empty.", hint="This is a defect; please report it.")
        moment = time_after(base.newest, self.now())
        root = writer.save_tree([Node.directory(title, META_TIME, group)])
        snapshot = writer.save_snapshot(
            root,
            time=moment,
            paths=("/" + title,),
            tags=snapshot_tags(self.plan.name, self.run_id, outcome, "" if self._share is None else self._share.name),
            parent=None if base.snapshot is None else base.snapshot.id,
        )
        self._listed.again(snapshot)
        covers = base.covers | {short_id(snapshot)}
        self._base = dataclasses.replace(base, covers=covers, newest=moment, top=covers)
        return snapshot

    def _edits(
        self, writer: Writer, outcome: str, results: t.Sequence[MemberResult], flagged: t.Sequence[Flagged]
    ) -> dict[Path, Node | None]:
        edits: dict[Path, Node | None] = {}
        changes: dict[str, dict[str, TreeId | None]] = {}
        for (owner, source), tree in (*self._base.taken.items(), *self._put.trees()):
            changes.setdefault(owner, {})[source] = tree
        for member in self._members.values():
            before = self._base.stored.get(member.id)
            changed = changes.get(member.id, {})
            is_renamed = before is not None and before.directory != member.directory
            if before is not None and is_renamed:
                edits.setdefault((before.directory,), None)
            for source in member.sources if any(changed.values()) else ():
                if source not in changed:
                    changed[source] = self._base_tree((member.id, source))
            nodes = [Node.directory(source, META_TIME, tree) for source, tree in changed.items() if tree is not None]
            if nodes:
                edits[(member.directory,)] = Node.directory(member.directory, META_TIME, writer.save_tree(nodes))
            elif before is not None and is_renamed:
                # As it is: what it holds may be lost.
                moved = self._base_directory(before.directory)
                if moved is not None:
                    edits[(member.directory,)] = dataclasses.replace(moved, name=member.directory)
        covers = self._base.covers.intersection(map(short_id, self._snapshots()))
        for name, content in (
            (MEMBERS_FILE, members_as_json(self._members.values(), covers=covers, shards=self._share.names if self._share else ())),
            (RUN_FILE, to_json(run_summary(self.run_id, outcome, results, flagged))),
        ):
            edits[(META, name)] = Node.file(name, META_TIME, writer.save_file([content]))
        return edits

    def _base_directory(self, name: str) -> Node | None:
        group = None if self._base.group is None else self._base.group.subtree
        return None if group is None else find_node(self.store, group, (name,))

    def _directories(self) -> dict[str, TreeId]:
        """The directories of the last snapshot by name. Read once: the tree of a group is as large as the group."""
        if self._base_directories is None:
            group = None if self._base.group is None else self._base.group.subtree
            nodes = [] if group is None else self.store.read_tree(group)
            self._base_directories = {node.name: node.subtree for node in nodes if node.subtree is not None}
        return self._base_directories

    def _base_tree(self, key: SourceKey) -> TreeId | None:
        """What a source had before that this run has not read, or not yet; None if that is lost."""
        if key not in self._base_trees:
            stored = self._base.stored.get(key[0])
            directory = None if stored is None else self._directories().get(stored.directory)
            tree = self._base.taken.get(key)
            if key not in self._base.taken and directory is not None:
                with contextlib.suppress(BlobMissing):
                    node = find_node(self.store, directory, (key[1],))
                    tree = None if node is None else node.subtree
            self._base_trees[key] = tree
        return self._base_trees[key]


def _left_checkpoint(base: Snapshot | None, snapshots: t.Sequence[Snapshot], hostname: str) -> Snapshot | None:
    """What an interrupted run has left: what this one goes on from, or the newest of this host, from which another has gone on."""
    ours = [snapshot for snapshot in snapshots if snapshot.hostname == hostname][-1:]
    return next((each for each in (base, *ours) if each is not None and outcome_of(each.tags) == CHECKPOINT), None)


def is_checkpoint_due(stored_bytes: int, at_the_last: int) -> bool:
    """Whether what was stored since the last checkpoint is worth one: each writes the group anew, all together cost little."""
    return stored_bytes - at_the_last >= max(_CHECKPOINT_BYTES, at_the_last // 4)
