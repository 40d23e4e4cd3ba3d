# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Back up one member: its sources one after the other, each for itself, in whatever process that happens.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t
from datetime import datetime

from .._errors import BackupError
from ..graph.errors import Cancelled, MailboxUnavailable
from ..graph.ids import UserId
from ..repository.errors import BlobMissing, RepositoryDamaged, RepositoryError
from ..repository.types import TreeId
from .contents import Contents
from .member_task import MemberTask, SourceReport, base_tree
from .members import SourceState, SourceStatus
from .results import Counts, Finding, Outcome, SourceResult, finding_of
from .source_read import NO_MAILBOX, SourcePreview, SourceRead
from .sources import Source

if t.TYPE_CHECKING:
    from ..graph.client import GraphClient
    from ..report.progress import Meter
    from ..repository.repository import Repository
    from ..repository.writer import Writer
    from .content_scan import ContentScan, SourceScan

Read = t.TypeVar("Read", SourceRead, SourcePreview)
_WITHOUT_MAILBOX = SourceState(status=SourceStatus.GOOD, availability=NO_MAILBOX)


Report = t.Callable[[SourceReport], None]


def back_up_member(
    task: MemberTask,
    sources: t.Iterable[Source],
    client: GraphClient,
    writer: Writer,
    *,
    now: t.Callable[[], datetime],
    report: Report,
    scan: ContentScan | None = None,
    meter: Meter | None = None,
) -> None:
    """Read every source, and report each: while it is read, of which nothing may come, and at its end. C(scan) judges contents,
    C(meter) counts them.

    A source that cannot be read keeps its last good state. Raises only what ends the whole run: Cancelled, and the errors
    of a repository that takes nothing any more.
    """
    unavailable: MailboxUnavailable | None = None
    has_tree = False
    for source in sources:
        work = _SourceWork(task, source, writer, report, None if scan is None else scan.of(task.member, source.name), meter)
        try:
            if unavailable is not None:
                raise unavailable
            done = work.read(client, writer, now())
        except BackupError as error:
            if _ends_the_run(error):
                raise
            done = work.failed(error)
            if isinstance(error, MailboxUnavailable):
                unavailable = error
                if not has_tree and done.tree is None and not task.is_stored:
                    done = work.without_mailbox()
        has_tree = has_tree or done.tree is not None
        report(done)


def preview_member(
    task: MemberTask, sources: t.Iterable[Source], client: GraphClient, store: Repository | Writer, *, now: datetime
) -> tuple[SourceResult, ...]:
    """What L(back_up_member) would report."""
    unavailable: MailboxUnavailable | None = None
    results = []
    for source in sources:
        try:
            if unavailable is not None:
                raise unavailable
            result = _preview_source(task, source, client, store, now)
        except BackupError as error:
            if _ends_the_run(error):
                raise
            result = _preview_of_failure(task, source, store, error)
            if isinstance(error, MailboxUnavailable):
                unavailable = error
                if not task.is_stored:
                    result = _no_mailbox(task, source)
        results.append(result)
    return tuple(results)


def report_of_loss(
    task: MemberTask, source: Source, store: Repository | Writer, offered: TreeId | None, error: BackupError
) -> SourceReport:
    """What a source whose reading came to no end would have reported, after it had offered a tree or none."""
    work = _SourceWork(task, source, store, report=_to_nobody)
    work.offered = offered
    return work.failed(error)


def failed_result(task: MemberTask, source: Source, error: BackupError) -> SourceResult:
    """Of a source that was not read to its end, for this reason."""
    return SourceResult(
        source=source.name,
        outcome=Outcome.FAILED,
        is_changed=False,
        counts=Counts(),
        findings=(finding_of(error, f"{source.title} of {task.member.principal_name}"),),
        last_success=_last_success(task.states.get(source.name)),
    )


def _to_nobody(report: SourceReport) -> None:
    del report


class _SourceWork:
    """A source of a member while it is read: what it had before, and what it has offered so far."""

    def __init__(
        self,
        task: MemberTask,
        source: Source,
        store: Repository | Writer,
        report: Report,
        scan: SourceScan | None = None,
        meter: Meter | None = None,
    ) -> None:
        self.offered: TreeId | None = None
        self._task = task
        self._source = source
        self._store = store
        self._report = report
        self._scan = scan
        self._meter = meter
        self._before = task.states.get(source.name)
        self._base: TreeId | None = None

    def read(self, client: GraphClient, writer: Writer, now: datetime) -> SourceReport:
        if self._before is not None and self._source.is_known_absent(self._before, now):
            self._base = self._stored_tree()
            return self._done(self._base, self._before, _none_as_before(self._source, self._before))
        user, title = UserId(self._task.member.id), f"{self._source.title} of {self._task.member.principal_name}"
        contents = Contents(writer, self._scan, self._meter)

        def read_from(base: TreeId | None) -> SourceRead:
            self._base = base
            return self._source.read(client, user, writer, base, now=now, offer=self._offer, contents=contents)

        read, warnings = _or_start_over(self._task, self._source, writer, title, read_from)
        is_incomplete = False
        if read.tree is None:
            # There is nothing to read. What is stored stays as it is.
            self._base = self._stored_tree()
            is_incomplete, warnings = self._before is not None and self._before.is_incomplete, ()
        tree = read.tree or self._base
        is_changed = tree != self._base
        findings = (*read.findings, *(() if self._scan is None else self._scan.findings(title)))
        status = _status(findings)
        before, moment = self._before, now.isoformat(timespec="seconds")
        is_same = before is not None and (before.status, before.availability) == (status, read.availability) and not is_changed
        state = SourceState(status=status, last_success=moment, is_incomplete=is_incomplete, availability=read.availability)
        if read.availability in self._source.lasting:
            last = before.last_success if is_same and before is not None else moment
            is_same, state = False, dataclasses.replace(state, last_success=last, asked=moment)
        return self._done(
            tree,
            before if is_same and before is not None else state,
            SourceResult(
                source=self._source.name,
                outcome=_outcome(findings),
                is_changed=is_changed,
                counts=read.counts,
                findings=findings,
                left_out=read.left_out,
                last_success=now,
                availability=read.availability,
                warnings=(*warnings, *read.warnings),
            ),
        )

    def failed(self, error: BackupError) -> SourceReport:
        """What broke off before goes on from where it is now; a good state gives way to nothing less than a good one."""
        before, is_unfinished = self._before, _is_unfinished(self._before)
        state = SourceState(
            status=SourceStatus.UNFINISHED if is_unfinished else SourceStatus.STALE,
            last_success=None if before is None else before.last_success,
            is_incomplete=before is not None and before.is_incomplete,
        )
        self._base = self._base or self._stored_tree()
        tree = (self.offered or self._base) if is_unfinished else self._base
        return self._done(tree, state, failed_result(self._task, self._source, error))

    def without_mailbox(self) -> SourceReport:
        """There is nothing to be stored, and nothing was."""
        return self._done(None, _WITHOUT_MAILBOX, _no_mailbox(self._task, self._source))

    def _offer(self, tree: TreeId) -> None:
        self.offered = tree
        last = None if self._before is None else self._before.last_success
        self._report(self._done(tree, SourceState(status=SourceStatus.UNFINISHED, last_success=last), None))

    def _stored_tree(self) -> TreeId | None:
        try:
            return base_tree(self._task, self._source.name, self._store)
        except RepositoryDamaged:
            return None

    def _done(self, tree: TreeId | None, state: SourceState, result: SourceResult | None) -> SourceReport:
        return SourceReport(
            member_id=self._task.member.id,
            source=self._source.name,
            base=self._base,
            tree=tree,
            state=state,
            result=result,
            scan=None if self._scan is None else self._scan.so_far(),
        )


def _none_as_before(source: Source, before: SourceState) -> SourceResult:
    return SourceResult(
        source=source.name,
        outcome=Outcome.COMPLETE,
        is_changed=False,
        counts=Counts(),
        last_success=_last_success(before),
        availability=before.availability,
    )


def _preview_source(task: MemberTask, source: Source, client: GraphClient, store: Repository | Writer, now: datetime) -> SourceResult:
    before = task.states.get(source.name)
    if before is not None and source.is_known_absent(before, now):
        return _none_as_before(source, before)
    title = f"{source.title} of {task.member.principal_name}"

    def preview_from(base: TreeId | None) -> SourcePreview:
        return source.preview(client, UserId(task.member.id), store, base, now=now)

    seen, warnings = _or_start_over(task, source, store, title, preview_from)
    return SourceResult(
        source=source.name,
        outcome=_outcome(seen.findings),
        is_changed=seen.is_changed or before is None or (before.status, before.availability) != (_status(seen.findings), seen.availability),
        counts=seen.counts,
        findings=seen.findings,
        left_out=seen.left_out,
        last_success=_last_success(before),
        availability=seen.availability,
        warnings=(*warnings, *seen.warnings),
    )


def _preview_of_failure(task: MemberTask, source: Source, store: Repository | Writer, error: BackupError) -> SourceResult:
    failed = report_of_loss(task, source, store, None, error)
    return dataclasses.replace(failed_result(task, source, error), is_changed=task.states.get(source.name) != failed.state)


def _no_mailbox(task: MemberTask, source: Source) -> SourceResult:
    before = task.states.get(source.name)
    return SourceResult(
        source=source.name,
        outcome=Outcome.COMPLETE,
        is_changed=before != _WITHOUT_MAILBOX,
        counts=Counts(),
        last_success=_last_success(before),
        availability=NO_MAILBOX,
    )


def _or_start_over(
    task: MemberTask, source: Source, store: Repository | Writer, title: str, read: t.Callable[[TreeId | None], Read]
) -> tuple[Read, tuple[str, ...]]:
    """Read from the last state; in full when a part of that state is gone, which a repair has found and dropped.

    Damage that no repair has dealt with is a failure of the source: the damaged blob still counts as stored, so reading
    in full would put a snapshot on top of it that is no better.
    """
    warning = f"The {title} was read in full, because its last state in the repository is incomplete."
    before = task.states.get(source.name)
    if before is not None and before.is_incomplete:
        return read(None), (warning,)
    try:
        return read(base_tree(task, source.name, store)), ()
    except BlobMissing as error:
        return read(None), (f"{warning} {error}",)


def _outcome(findings: t.Sequence[Finding]) -> Outcome:
    """What a source is called that was read to its end."""
    return Outcome.PARTIAL if findings else Outcome.COMPLETE


def _status(findings: t.Sequence[Finding]) -> SourceStatus:
    return SourceStatus.FINDINGS if findings else SourceStatus.GOOD


def _last_success(state: SourceState | None) -> datetime | None:
    return None if state is None or state.last_success is None else datetime.fromisoformat(state.last_success)


def _is_unfinished(before: SourceState | None) -> bool:
    return before is None or before.status is SourceStatus.UNFINISHED


def _ends_the_run(error: BackupError) -> bool:
    """Whether no other source could be read or stored either."""
    return isinstance(error, (Cancelled, RepositoryError)) and not isinstance(error, RepositoryDamaged)
