# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run of a plan: every member's sources, one snapshot with the whole group, one result.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import datetime

from .._process import usable_cores
from ..graph.drive_estimate import DriveEstimate, drive_estimate
from ..graph.errors import Cancelled
from ..plan.model import BackupType
from ..report.progress import Counted, Meter, silent_meter
from ..repository.types import Snapshot
from .group_tree import GroupTree
from .layout import CHECKPOINT
from .leavers import NOBODY
from .listed_snapshots import ListedSnapshots
from .member_backup import back_up_member, preview_member
from .member_task import MemberTask, SourceReport
from .results import MemberResult, Outcome, RunResult, member_result, overall
from .run_state import RunState
from .scan_backlog import scan_backlog
from .scan_results import scanned_by
from .scan_sentences import scan_warnings
from .scan_setup import opened_scan
from .sentences import locked_drive_sentence, no_drive_sentence, no_mailbox_sentence
from .source_read import DRIVE_LOCKED, NO_DRIVE, NO_MAILBOX, NO_SHAREPOINT_LICENCE
from .sources import sources_of
from .stopping import Stop, left_by
from .usage import Usage, usage_of
from .worker import MEMBERS_AT_ONCE, WorkerSetup
from .worker_processes import read_in_processes, workers_worth_it

if t.TYPE_CHECKING:
    from ..graph.client import GraphClient
    from ..plan.model import Plan
    from ..plan.selection import Member
    from ..plan.shards import Share
    from ..repository.repository import Repository
    from ..repository.writer import Writer
    from .content_scan import ContentScan
    from .leavers import Departures
    from .scan_results import RunScanned
    from .scan_setup import OpenedEngine, ScanSetup
    from .stopping import Stopped


@dataclass(frozen=True, slots=True, kw_only=True)
class Workers:
    """Worker processes that a run may have. C(count) is None for as many as help on this machine."""

    setup: WorkerSetup
    count: int | None = None

    def setup_for(self, number: int, scan: ScanSetup | None) -> WorkerSetup:
        """For one of so many."""
        return dataclasses.replace(self.setup, scan=None if scan is None else scan.shared_by(number))

    def number_for(self, tasks: t.Collection[MemberTask]) -> int:
        wanted = workers_worth_it(tasks, usable_cores()) if self.count is None else self.count
        return max(1, min(wanted, len(tasks)))


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
    workers: Workers | None = None,
    engine: OpenedEngine | None = None,
    departures: Departures = NOBODY,
    seen: t.Sequence[Snapshot] = (),
    stop: Stop | None = None,
    meter: Meter | None = None,
    share: Share | None = None,
) -> RunResult:
    """Back up every member's sources and leave one snapshot, unless nothing at all has changed.

    With ``workers`` the members are read in processes of their own, else in this one. With ``engine`` contents are scanned before
    they come into the tree, and first those that earlier runs could not scan. A source that cannot be read keeps its last good
    state and spoils nothing else. ``departures`` says of those who are no members any more why that is, and ``seen`` are snapshots
    that need not be read again. When ``stop`` says so, what was read is left as a checkpoint. ``meter`` counts. With ``share`` only
    the members in it are read, and the others stay as other hosts have left them. Raises RepositoryError when the repository
    fails (nothing can be stored any more), Cancelled when somebody else cancelled the client.
    """
    started = now()
    stop, meter = stop or Stop(now), meter or silent_meter()
    with contextlib.ExitStack() as stack:
        with stop.unwinding():
            writer = stack.enter_context(repository.writing(hostname=hostname, lock_timeout=lock_timeout))
        stack.enter_context(stop.calling(client.cancel))
        stack.enter_context(meter.pull(lambda: Counted(throttled_seconds=client.traffic().throttled_seconds)))
        meter.phase("reading the last restore point")
        snapshots = ListedSnapshots(repository, seen)
        group = GroupTree.load(plan, snapshots, writer, members, run_id, now, departures, share=share, hostname=hostname)
        warnings: list[str] = []
        setup = None if engine is None else engine.setup.with_verdicts(snapshots)
        scan = None
        if engine is not None and setup is not None:
            scan = stack.enter_context(opened_scan(setup, engine.scanner, writer, now, warnings.append))
        run = RunState(group, writer, _read_by(share, members), None if scan is None else scan.log)
        backlog = (
            None if scan is None else scan_backlog(scan, writer, group.names, threads=usable_cores(), is_stopping=lambda: stop.is_asked)
        )
        number = 1 if workers is None else workers.number_for(run.tasks)
        meter.phase("reading members", members_total=len(run.tasks))
        if workers is None or number == 1:
            theirs = Usage()
            _read_here(run, client, writer, scan, stop, meter)
        else:
            theirs = read_in_processes(run, workers.setup_for(number, setup), number, stop, meter)
            repository.known_index.refresh()
        meter.phase("saving the restore point")
        stopped = _given_up(run, stop)
        results = run.results()
        scanned = None
        if scan is not None and backlog is not None:
            scanned = scanned_by(scan.engine, [backlog, *run.scanned()], group.flagged_before)
        outcome = _outcome(results, scanned, departures) if stopped is None else Outcome.PARTIAL
        has_verdicts = run.verdicts is not None and run.verdicts.has_news
        run.save_verdicts()
        snapshot = None
        if stopped is not None and group.has_progress:
            snapshot = group.save(writer, CHECKPOINT, flagged=run.flagged())
        elif stopped is None and group.is_changed(outcome):
            snapshot = group.save(writer, outcome.value, results)
        ours = usage_of(client, writer)
    result = _run_result(group, started, results, outcome, snapshot is not None or has_verdicts, snapshot, ours + theirs)
    result = dataclasses.replace(result, stopped=stopped)
    if scanned is None:
        return result
    warnings += scan_warnings(scanned)
    return dataclasses.replace(result, scan=scanned, refused=scanned.fails(plan.malware_scan), warnings=(*result.warnings, *warnings))


def preview_plan(
    plan: Plan,
    members: t.Sequence[Member],
    client: GraphClient,
    repository: Repository,
    *,
    run_id: str,
    now: t.Callable[[], datetime],
    engine: OpenedEngine | None = None,
    departures: Departures = NOBODY,
    seen: t.Sequence[Snapshot] = (),
    share: Share | None = None,
    hostname: str = "",
) -> RunResult:
    """What L(run_plan) would do now: Graph is asked what has changed, nothing is read in full and nothing is written.

    Of ``engine`` it is said what it is; it scans nothing.
    """
    started = now()
    listed = ListedSnapshots(repository, seen)
    group = GroupTree.load(plan, listed, repository, members, run_id, now, departures, share=share, hostname=hostname)
    sources = sources_of(plan)

    def preview(member: Member) -> MemberResult:
        previews = preview_member(group.task(member), sources, client, group.store, now=group.now())
        return member_result(member, previews)

    with ThreadPoolExecutor(MEMBERS_AT_ONCE, thread_name_prefix="member") as pool:
        results = list(pool.map(preview, _read_by(share, members)))
    outcome = _outcome(results, None, departures)
    is_changed = group.is_changed(outcome) or any(source.is_changed for result in results for source in result.sources)
    result = _run_result(group, started, results, outcome, is_changed, None, usage_of(client))
    scanned = None if engine is None else scanned_by(engine.scanner.engine, ())
    return dataclasses.replace(result, estimate=_estimate(plan, result, client), scan=scanned)


def _read_by(share: Share | None, members: t.Sequence[Member]) -> t.Sequence[Member]:
    return members if share is None else [member for member in members if share.has(member.id)]


def _estimate(plan: Plan, result: RunResult, client: GraphClient) -> DriveEstimate | None:
    """Exact, since the drives have been listed."""
    if plan.backup_type is not BackupType.ONEDRIVE:
        return None
    counts, with_versions = result.counts, plan.versions > 0
    return drive_estimate(counts.fetched, counts.fetched_bytes, client.drive_budget, is_listed=True, with_versions=with_versions)


def _outcome(results: t.Sequence[MemberResult], scanned: RunScanned | None, departures: Departures) -> Outcome:
    """Not complete while there are contents that nobody has scanned, also those of earlier runs, or entries that mean nobody any more."""
    outcome = overall(result.outcome for result in results)
    is_scanned = scanned is None or not scanned.counts.unscanned
    return outcome if (is_scanned and not departures.unresolved) or outcome is Outcome.FAILED else Outcome.PARTIAL


def _given_up(run: RunState, stop: Stop) -> Stopped | None:
    """Why the run ends before it is through; None if it is through."""
    return stop.stopped if stop.stopped is not None and run.give_up(left_by(stop.stopped)) else None


def _read_here(run: RunState, client: GraphClient, writer: Writer, scan: ContentScan | None, stop: Stop, meter: Meter) -> None:
    def report(one: SourceReport) -> None:
        run.take(one)
        run.save_checkpoint()

    with ThreadPoolExecutor(MEMBERS_AT_ONCE, thread_name_prefix="member") as pool:
        futures = [
            pool.submit(back_up_member, task, run.sources, client, writer, now=run.group.now, report=report, scan=scan, meter=meter)
            for task in run.tasks
        ]
        try:
            for future in as_completed(futures):
                try:
                    future.result()
                    meter.member_done()
                except Cancelled:
                    if not stop.is_asked:
                        raise
        except BaseException:
            for future in futures:
                future.cancel()
            client.cancel()
            raise


def _run_result(
    group: GroupTree,
    started: datetime,
    results: t.Sequence[MemberResult],
    outcome: Outcome,
    is_changed: bool,
    snapshot: Snapshot | None,
    usage: Usage,
) -> RunResult:
    return RunResult(
        run_id=group.run_id,
        plan=group.plan.name,
        started=started,
        ended=group.now(),
        outcome=outcome,
        snapshot_id=None if snapshot is None else snapshot.id,
        restore_point=group.base_id if snapshot is None else snapshot.id,
        is_changed=is_changed,
        members=tuple(results),
        roster=group.roster,
        stored_bytes=usage.stored_bytes,
        requests=usage.requests,
        throttled_seconds=usage.throttled_seconds,
        warnings=(*group.warnings, *_warnings(results)),
    )


_SENTENCES: tuple[tuple[frozenset[str], t.Callable[[t.Sequence[str]], str]], ...] = (
    (frozenset({NO_MAILBOX}), no_mailbox_sentence),
    (frozenset({NO_DRIVE, NO_SHAREPOINT_LICENCE}), no_drive_sentence),
    (frozenset({DRIVE_LOCKED}), locked_drive_sentence),
)


def _warnings(results: t.Sequence[MemberResult]) -> t.Iterator[str]:
    for availabilities, sentence in _SENTENCES:
        names = [member.principal_name for member in results if any(source.availability in availabilities for source in member.sources)]
        if names:
            yield sentence(names)
    for member in results:
        for source in member.sources:
            yield from source.warnings
