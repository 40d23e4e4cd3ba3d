# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run of a plan: every member's sources, one snapshot with the whole group, one result.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import threading
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from .._errors import BackupError
from ..graph.errors import Cancelled
from ..graph.ids import UserId
from ..repository.errors import RepositoryError
from ..repository.trees import edit_tree
from ..repository.types import Node, Path, Snapshot, SnapshotId, TreeId
from .layout import CHECKPOINT, MAIL, MEMBERS_FILE, META, META_TIME, RUN_FILE, safe_name, snapshot_tags
from .mail_reader import preview_mail, read_mail
from .mail_state import to_json
from .members import (
    MemberState,
    SourceState,
    SourceStatus,
    group_of,
    members_as_json,
    read_members,
    source_tree,
    with_directories,
)
from .restore_points import latest_snapshot
from .results import Counts, MemberResult, Outcome, RunResult, SourceResult, finding_of, overall

if t.TYPE_CHECKING:
    from ..graph.client import GraphClient
    from ..plan.model import Plan
    from ..plan.selection import Member
    from ..repository.repository import Repository
    from ..repository.writer import Writer

MEMBERS_AT_ONCE = 8
_CHECKPOINT_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _SourceRead:
    result: SourceResult
    tree: TreeId | None
    state: SourceState


def run_plan(
    plan: Plan,
    members: t.Sequence[Member],
    client: GraphClient,
    repository: Repository,
    *,
    run_id: str,
    now: t.Callable[[], datetime],
    hostname: str,
    lock_timeout: float = 0.0,
) -> RunResult:
    """Back up every member's mailbox and leave one snapshot, unless nothing at all has changed.

    A member whose mailbox cannot be read keeps its last good state and spoils nothing else. Raises RepositoryError when
    the repository fails (nothing can be stored any more), Cancelled when the client was cancelled.
    """
    started = now()
    with repository.writing(hostname=hostname, lock_timeout=lock_timeout) as writer:
        group = _Group.load(plan, repository, writer, members, run_id, now)
        results = _read_members(group, writer, client, members)
        outcome = overall(result.outcome for result in results)
        snapshot = group.save(writer, outcome.value, results) if group.is_changed() else None
        stats = writer.stats
    traffic = client.traffic()
    return RunResult(
        run_id=run_id,
        plan=plan.name,
        started=started,
        ended=now(),
        outcome=outcome,
        snapshot_id=None if snapshot is None else snapshot.id,
        is_changed=snapshot is not None,
        members=tuple(results),
        stored_bytes=stats.stored_bytes,
        requests=sum(traffic.requests.values()),
        throttled_seconds=traffic.throttled_seconds,
    )


def preview_plan(
    plan: Plan,
    members: t.Sequence[Member],
    client: GraphClient,
    repository: Repository,
    *,
    run_id: str,
    now: t.Callable[[], datetime],
) -> RunResult:
    """What L(run_plan) would do now: Graph is asked what has changed, nothing is read in full and nothing is written."""
    started = now()
    group = _Group.load(plan, repository, repository, members, run_id, now)

    def preview(member: Member) -> MemberResult:
        source = _preview_source(group, client, member)
        return MemberResult(id=member.id, principal_name=member.principal_name, sources=(source,))

    with ThreadPoolExecutor(MEMBERS_AT_ONCE, thread_name_prefix="member") as pool:
        results = tuple(pool.map(preview, members))
    traffic = client.traffic()
    return RunResult(
        run_id=run_id,
        plan=plan.name,
        started=started,
        ended=now(),
        outcome=overall(result.outcome for result in results),
        snapshot_id=None,
        is_changed=group.is_changed() or any(source.is_changed for result in results for source in result.sources),
        members=results,
        stored_bytes=0,
        requests=sum(traffic.requests.values()),
        throttled_seconds=traffic.throttled_seconds,
    )


def _preview_source(group: _Group, client: GraphClient, member: Member) -> SourceResult:
    before = group.base_state(member.id, MAIL)
    try:
        read = preview_mail(client, UserId(member.id), group.store, group.base_tree(member.id, MAIL), now=group.now())
    except (Cancelled, RepositoryError):
        raise
    except BackupError as error:
        failed = _failed(None, before, error, member)
        return dataclasses.replace(failed.result, is_changed=before != failed.state)
    status = SourceStatus.FINDINGS if read.findings else SourceStatus.GOOD
    return SourceResult(
        source=MAIL,
        outcome=Outcome.PARTIAL if read.findings else Outcome.COMPLETE,
        is_changed=read.is_changed or before is None or before.status is not status,
        counts=read.counts,
        findings=read.findings,
        left_out=read.left_out,
        last_success=None if before is None or before.last_success is None else datetime.fromisoformat(before.last_success),
    )


def _read_members(group: _Group, writer: Writer, client: GraphClient, members: t.Sequence[Member]) -> list[MemberResult]:
    def read(member: Member) -> MemberResult:
        source = _read_source(group, writer, client, member)
        group.put(writer, member.id, MAIL, source.tree, source.state)
        return MemberResult(id=member.id, principal_name=member.principal_name, sources=(source.result,))

    with ThreadPoolExecutor(MEMBERS_AT_ONCE, thread_name_prefix="member") as pool:
        futures = [pool.submit(read, member) for member in members]
        try:
            return [future.result() for future in futures]
        except BaseException:
            for future in futures:
                future.cancel()
            client.cancel()
            raise


def _read_source(group: _Group, writer: Writer, client: GraphClient, member: Member) -> _SourceRead:
    base = group.base_tree(member.id, MAIL)
    before = group.base_state(member.id, MAIL)
    now = group.now()
    try:
        read = read_mail(
            client,
            UserId(member.id),
            writer,
            base,
            now=now,
            offer=lambda tree: group.offer(writer, member.id, MAIL, tree),
        )
    except (Cancelled, RepositoryError):
        raise
    except BackupError as error:
        # A first backup that broke off goes on from where it was; a good state gives way to nothing less than a good one.
        never_read = before is None or before.last_success is None
        return _failed(group.offered_tree(member.id, MAIL) if never_read else base, before, error, member)
    is_changed = read.tree != base
    outcome = Outcome.PARTIAL if read.findings else Outcome.COMPLETE
    status = SourceStatus.FINDINGS if read.findings else SourceStatus.GOOD
    is_same = before is not None and before.status is status and not is_changed
    state = before if is_same and before is not None else SourceState(status=status, last_success=now.isoformat(timespec="seconds"))
    result = SourceResult(
        source=MAIL,
        outcome=outcome,
        is_changed=is_changed,
        counts=read.counts,
        findings=read.findings,
        left_out=read.left_out,
        last_success=now,
    )
    return _SourceRead(result, read.tree, state)


def _failed(base: TreeId | None, before: SourceState | None, error: BackupError, member: Member) -> _SourceRead:
    last = None if before is None else before.last_success
    status = SourceStatus.UNFINISHED if last is None else SourceStatus.STALE
    result = SourceResult(
        source=MAIL,
        outcome=Outcome.FAILED,
        is_changed=False,
        counts=Counts(),
        findings=(finding_of(error, f"mailbox of {member.principal_name}"),),
        last_success=None if last is None else datetime.fromisoformat(last),
    )
    return _SourceRead(result, base, SourceState(status=status, last_success=last))


class _Group:
    """The group's tree while it is being made: what the last snapshot had, and what this run has put in its place."""

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
    ) -> None:
        self._plan = plan
        self.store = store
        self._base = base
        self._base_group = base_group
        self._before = before
        self._members = members
        self._run_id = run_id
        self.now = now
        self._trees: dict[tuple[str, str], TreeId | None] = {}
        self._lock = threading.Lock()
        self._checkpoint_bytes = 0

    @classmethod
    def load(
        cls,
        plan: Plan,
        repository: Repository,
        store: Repository | Writer,
        members: t.Sequence[Member],
        run_id: str,
        now: t.Callable[[], datetime],
    ) -> _Group:
        base = latest_snapshot(repository, plan.name)
        node = None if base is None else group_of(store, base)
        before = {} if node is None or node.subtree is None else read_members(store, node.subtree)
        moment = now().isoformat(timespec="seconds")
        after = {member.id: dataclasses.replace(member, left=member.left or moment) for member in before.values()}
        for member in members:
            known = before.get(member.id)
            after[member.id] = MemberState(
                id=member.id,
                principal_name=member.principal_name,
                display_name=member.display_name,
                sources={} if known is None else known.sources,
            )
        return cls(plan, store, base, node, before, with_directories(after), run_id, now)

    def base_tree(self, member_id: str, source: str) -> TreeId | None:
        before = self._before.get(member_id)
        if before is None or self._base_group is None or self._base_group.subtree is None:
            return None
        return source_tree(self.store, self._base_group.subtree, before.directory, source)

    def base_state(self, member_id: str, source: str) -> SourceState | None:
        before = self._before.get(member_id)
        return None if before is None else before.sources.get(source)

    def put(self, writer: Writer, member_id: str, source: str, tree: TreeId | None, state: SourceState) -> None:
        with self._lock:
            self._trees[(member_id, source)] = tree
            member = self._members[member_id]
            self._members[member_id] = dataclasses.replace(member, sources={**member.sources, source: state})
            self._save_checkpoint(writer)

    def offer(self, writer: Writer, member_id: str, source: str, tree: TreeId) -> None:
        """Keep what a source has so far for the next checkpoint."""
        before = self.base_state(member_id, source)
        state = SourceState(status=SourceStatus.UNFINISHED, last_success=None if before is None else before.last_success)
        self.put(writer, member_id, source, tree, state)

    def offered_tree(self, member_id: str, source: str) -> TreeId | None:
        """What a source had so far when it broke off; what it had before where it offered nothing."""
        with self._lock:
            return self._trees.get((member_id, source)) or self.base_tree(member_id, source)

    def is_changed(self) -> bool:
        if self._base is None or self._base_group is None or self._base_group.name != safe_name(self._plan.title):
            return True
        return self._members != self._before or any(
            tree != self.base_tree(member_id, source) for (member_id, source), tree in self._trees.items()
        )

    def save(self, writer: Writer, outcome: str, results: t.Sequence[MemberResult] = ()) -> Snapshot:
        """Write the group as it is now as a snapshot of its own."""
        title = safe_name(self._plan.title)
        old_group = None if self._base_group is None else self._base_group.subtree
        group = edit_tree(writer, old_group, sorted(self._edits(writer, outcome, results).items()))
        if group is None:
            raise BackupError("The tree of the group came out empty.", hint="This is a defect; please report it.")
        moment = self.now()
        root = writer.save_tree([Node.directory(title, META_TIME, group)])
        parent: SnapshotId | None = None if self._base is None else self._base.id
        return writer.save_snapshot(
            root,
            time=moment,
            paths=("/" + title,),
            tags=snapshot_tags(self._plan.name, self._run_id, outcome),
            parent=parent,
        )

    def _edits(self, writer: Writer, outcome: str, results: t.Sequence[MemberResult]) -> dict[Path, Node | None]:
        edits: dict[Path, Node | None] = {}
        for member in self._members.values():
            before = self._before.get(member.id)
            changed = {source: tree for (owner, source), tree in self._trees.items() if owner == member.id}
            is_renamed = before is not None and before.directory != member.directory
            if before is not None and is_renamed:
                edits.setdefault((before.directory,), None)
            if changed or is_renamed:
                for source in member.sources:
                    changed.setdefault(source, self.base_tree(member.id, source))
                nodes = [Node.directory(source, META_TIME, tree) for source, tree in changed.items() if tree is not None]
                if nodes:
                    edits[(member.directory,)] = Node.directory(member.directory, META_TIME, writer.save_tree(nodes))
        for name, content in (
            (MEMBERS_FILE, members_as_json(self._members.values())),
            (RUN_FILE, to_json(_summary(self._run_id, outcome, results))),
        ):
            edits[(META, name)] = Node.file(name, META_TIME, writer.save_file([content]))
        return edits

    def _save_checkpoint(self, writer: Writer) -> None:
        stored = writer.stats.stored_bytes
        if stored - self._checkpoint_bytes >= max(_CHECKPOINT_BYTES, self._checkpoint_bytes // 4):
            self._checkpoint_bytes = stored
            self.save(writer, CHECKPOINT)


def _summary(run_id: str, outcome: str, results: t.Sequence[MemberResult]) -> dict[str, t.Any]:
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
    }
