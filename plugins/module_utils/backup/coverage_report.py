# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The coverage of several plans, and the seats of the repositories that they lie in.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from ..plan.promise import promised_age
from ..plan.seats import SeatLedger, seat_ledger
from ..report.past_runs import past_runs
from .coverage import PlanCoverage, read_coverage
from .listed_snapshots import ListedSnapshots
from .protection import MemberCoverage, Problem, with_verdicts
from .seats import stored_holders

if t.TYPE_CHECKING:
    from ..plan.model import Plan
    from ..plan.store import StoredPlan
    from ..repository.repository import Repository
    from .listed_snapshots import SnapshotLister

Warn = t.Callable[[str], None]
CountVerdicts = t.Callable[["Repository", PlanCoverage, "SnapshotLister", Warn], t.Mapping[tuple[str, str], t.Mapping[str, int]]]

UNPROTECTED = "unprotected"
"""In a list of what shall fail a task: everything for which a member is not protected."""

FAILABLE = (UNPROTECTED, *(problem.value for problem in Problem))


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageWish:
    """C(max_age) None: as each plan promises. C(lock_timeout) None: no lock is put into a repository. C(now) is this host's time.

    C(count_verdicts) counts items by what the malware scan says of them, by object id and source; None: nobody counts.
    """

    state_path: Path
    now: datetime
    max_age: timedelta | None = None
    lock_timeout: float | None = None
    count_verdicts: CountVerdicts | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageReport:
    """C(plans) in the order in which they were asked for, C(seats) by the location of the repository."""

    plans: tuple[PlanCoverage, ...]
    seats: t.Mapping[str, SeatLedger]
    warnings: tuple[str, ...]

    @property
    def is_protected(self) -> bool:
        """Whether everybody is; where there is no plan nobody is."""
        return bool(self.plans) and all(plan.is_protected for plan in self.plans)

    def concerned(self, wanted: t.Collection[str]) -> list[tuple[PlanCoverage, MemberCoverage]]:
        """The members with any of these problems (C(FAILABLE))."""
        return [
            (plan, member)
            for plan in self.plans
            for member in plan.members
            if (UNPROTECTED in wanted and not member.is_protected) or any(problem.value in wanted for problem in member.problems)
        ]

    def never_backed_up(self) -> list[PlanCoverage]:
        """The plans without any restore point: of them nobody knows the members."""
        return [plan for plan in self.plans if plan.point is None]


class _Place(t.NamedTuple):
    """Where a repository is, and how it is reached."""

    location: str
    s3: t.Any


def report_coverage(
    stored: t.Sequence[StoredPlan], open_repository: t.Callable[[StoredPlan], Repository], wish: CoverageWish
) -> CoverageReport:
    """Open each repository once, and look at its plans. Raises what opening raises, RepositoryLocked, StorageError."""
    covered: dict[str, PlanCoverage] = {}
    seats: dict[str, SeatLedger] = {}
    warnings: list[str] = []
    by_place: dict[_Place, list[StoredPlan]] = {}
    for each in stored:
        by_place.setdefault(_Place(each.plan.repository, each.plan.s3), []).append(each)
    for place, its_plans in by_place.items():
        repository = open_repository(its_plans[0])
        for other in its_plans[1:]:
            if other.repository_id not in (None, repository.id):
                open_repository(other)  # which says that it is another one
        lock = contextlib.nullcontext() if wish.lock_timeout is None else repository.reading(lock_timeout=wish.lock_timeout)
        with lock:
            listed = ListedSnapshots(repository)
            for each in its_plans:
                covered[each.plan.name] = _cover(repository, each.plan, wish, listed, warnings.append)
            holders = stored_holders(repository, now=wish.now, listed=listed)
        seats[place.location] = seat_ledger(holders.holders)
        warnings += holders.warnings
    plans = tuple(covered[each.plan.name] for each in stored)
    warnings += [warning for plan in plans for warning in (*plan.warnings, *_warnings(plan))]
    return CoverageReport(plans=plans, seats=seats, warnings=tuple(dict.fromkeys(warnings)))


def _cover(repository: Repository, plan: Plan, wish: CoverageWish, listed: SnapshotLister, warn: Warn) -> PlanCoverage:
    max_age = wish.max_age or promised_age(plan, wish.now)
    runs = past_runs(wish.state_path, plan.name)
    cover = read_coverage(repository, plan, now=wish.now, max_age=max_age, runs=runs, listed=listed)
    if wish.count_verdicts is None:
        return cover
    counts = wish.count_verdicts(repository, cover, listed, warn)

    def counted(each: MemberCoverage) -> MemberCoverage:
        sources = (
            with_verdicts(source, counts[each.member.id, source.source]) if (each.member.id, source.source) in counts else source
            for source in each.sources
        )
        return replace(each, sources=tuple(sources))

    return replace(cover, members=tuple(map(counted, cover.members)), left=tuple(map(counted, cover.left)))


def _warnings(cover: PlanCoverage) -> t.Iterator[str]:
    if cover.max_age is None:
        yield (
            f"Plan {cover.plan.name} has no schedule, so it promises nothing about the age of its backups, and that is not judged."
            " Give max_age_hours."
        )
