# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run of a plan: every member's sources, one snapshot with the whole group, one result.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from .._errors import BackupError
from ..graph.errors import Cancelled
from ..graph.ids import UserId
from ..repository.errors import BlobMissing, RepositoryDamaged, RepositoryError
from ..repository.types import Snapshot, TreeId
from .group_tree import GroupTree
from .layout import MAIL
from .mail_reader import MailRead, preview_mail, read_mail
from .members import SourceState, SourceStatus
from .results import Counts, Finding, MemberResult, Outcome, RunResult, SourceResult, finding_of, overall

if t.TYPE_CHECKING:
    from ..graph.client import GraphClient
    from ..plan.model import Plan
    from ..plan.selection import Member
    from ..repository.repository import Repository
    from ..repository.writer import Writer

MEMBERS_AT_ONCE = 8

Read = t.TypeVar("Read")


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
        group = GroupTree.load(plan, repository, writer, members, run_id, now)
        results = _read_members(group, writer, client, members)
        outcome = overall(result.outcome for result in results)
        snapshot = group.save(writer, outcome.value, results) if group.is_changed(outcome) else None
        stats = writer.stats
    return _run_result(group, started, client, results, snapshot is not None, snapshot, stats.stored_bytes)


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
    group = GroupTree.load(plan, repository, repository, members, run_id, now)

    def preview(member: Member) -> MemberResult:
        source = _preview_source(group, client, member)
        return MemberResult(id=member.id, principal_name=member.principal_name, sources=(source,))

    with ThreadPoolExecutor(MEMBERS_AT_ONCE, thread_name_prefix="member") as pool:
        results = list(pool.map(preview, members))
    outcome = overall(result.outcome for result in results)
    is_changed = group.is_changed(outcome) or any(source.is_changed for result in results for source in result.sources)
    return _run_result(group, started, client, results, is_changed, None, 0)


def _run_result(
    group: GroupTree,
    started: datetime,
    client: GraphClient,
    results: t.Sequence[MemberResult],
    is_changed: bool,
    snapshot: Snapshot | None,
    stored_bytes: int,
) -> RunResult:
    traffic = client.traffic()
    return RunResult(
        run_id=group.run_id,
        plan=group.plan.name,
        started=started,
        ended=group.now(),
        outcome=overall(result.outcome for result in results),
        snapshot_id=None if snapshot is None else snapshot.id,
        is_changed=is_changed,
        members=tuple(results),
        stored_bytes=stored_bytes,
        requests=sum(traffic.requests.values()),
        throttled_seconds=traffic.throttled_seconds,
        warnings=(*group.warnings, *(warning for result in results for source in result.sources for warning in source.warnings)),
    )


def _judged(findings: t.Sequence[Finding]) -> tuple[Outcome, SourceStatus]:
    """What a source that was read to its end is called."""
    return (Outcome.PARTIAL, SourceStatus.FINDINGS) if findings else (Outcome.COMPLETE, SourceStatus.GOOD)


def _last_success(state: SourceState | None) -> datetime | None:
    return None if state is None or state.last_success is None else datetime.fromisoformat(state.last_success)


def _preview_source(group: GroupTree, client: GraphClient, member: Member) -> SourceResult:
    before = group.base_state(member.id, MAIL)
    try:
        read, _base, warnings = _or_start_over(
            group,
            member,
            lambda base: preview_mail(client, UserId(member.id), group.store, base, now=group.now()),
        )
    except BackupError as error:
        if _ends_the_run(error):
            raise
        failed = _failed(None, before, error, member)
        return dataclasses.replace(failed.result, is_changed=before != failed.state)
    outcome, status = _judged(read.findings)
    return SourceResult(
        source=MAIL,
        outcome=outcome,
        is_changed=read.is_changed or before is None or before.status is not status,
        counts=read.counts,
        findings=read.findings,
        left_out=read.left_out,
        last_success=_last_success(before),
        warnings=warnings,
    )


def _read_members(group: GroupTree, writer: Writer, client: GraphClient, members: t.Sequence[Member]) -> list[MemberResult]:
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


def _read_source(group: GroupTree, writer: Writer, client: GraphClient, member: Member) -> _SourceRead:
    before = group.base_state(member.id, MAIL)
    now = group.now()

    def read_from(base: TreeId | None) -> MailRead:
        return read_mail(
            client,
            UserId(member.id),
            writer,
            base,
            now=now,
            offer=lambda tree: group.offer(writer, member.id, MAIL, tree),
        )

    try:
        read, base, warnings = _or_start_over(group, member, read_from)
    except BackupError as error:
        if _ends_the_run(error):
            raise
        # What broke off before goes on from where it is now; a good state gives way to nothing less than a good one.
        place = group.offered_tree if _is_unfinished(before) else group.base_tree
        return _failed(place(member.id, MAIL), before, error, member)
    is_changed = read.tree != base
    outcome, status = _judged(read.findings)
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
        warnings=warnings,
    )
    return _SourceRead(result, read.tree, state)


def _or_start_over(
    group: GroupTree,
    member: Member,
    read: t.Callable[[TreeId | None], Read],
) -> tuple[Read, TreeId | None, tuple[str, ...]]:
    """Read from the last state; in full when a part of that state is gone, which a repair has found and dropped.

    Damage that no repair has dealt with is a failure of the source: the damaged blob still counts as stored, so reading
    in full would put a snapshot on top of it that is no better.
    """
    warning = f"The mailbox of {member.principal_name} was read in full, because its last state in the repository is incomplete."
    before = group.base_state(member.id, MAIL)
    if before is not None and before.is_incomplete:
        return read(None), None, (warning,)
    try:
        base = group.base_tree(member.id, MAIL)
        return read(base), base, ()
    except BlobMissing as error:
        return read(None), None, (f"{warning} {error}",)


def _ends_the_run(error: BackupError) -> bool:
    """Whether no other source could be read or stored either."""
    return isinstance(error, (Cancelled, RepositoryError)) and not isinstance(error, RepositoryDamaged)


def _is_unfinished(before: SourceState | None) -> bool:
    return before is None or before.status is SourceStatus.UNFINISHED


def _failed(base: TreeId | None, before: SourceState | None, error: BackupError, member: Member) -> _SourceRead:
    last = None if before is None else before.last_success
    status = SourceStatus.UNFINISHED if _is_unfinished(before) else SourceStatus.STALE
    result = SourceResult(
        source=MAIL,
        outcome=Outcome.FAILED,
        is_changed=False,
        counts=Counts(),
        findings=(finding_of(error, f"mailbox of {member.principal_name}"),),
        last_success=_last_success(before),
    )
    is_incomplete = before is not None and before.is_incomplete
    return _SourceRead(result, base, SourceState(status=status, last_success=last, is_incomplete=is_incomplete))
