# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is found when a plan is applied, what of it has to be confirmed, and what an administrator should see of it.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from .._errors import BackupError
from .apply_guards import encryption_off, left_behind, other_type, shorter_retention, sooner_expiry
from .document import Document, plan_to_dict
from .drive_forecast import unlicensed, unlicensed_sentence
from .guards import Breach, Guard, member_loss
from .repository_access import S3Credentials, open_plan_repository
from .retention import RetentionDecision, decide_retention

if t.TYPE_CHECKING:
    from ..graph.client import GraphClient
    from .backed_up import BackedUp, Backups
    from .model import BackupType, Plan
    from .repository_access import RepositoryState
    from .roster import KnownMember, RosterChange
    from .selection import Resolution
    from .store import PlanStore, StoredPlan


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """What a task gives besides the plan: where plans are stored, what opens repositories, who connects to the tenant and reads backups.

    ``with_reasons`` fills in why people are no members any more, as far as somebody can tell.
    """

    store: PlanStore
    passphrase_of: t.Callable[[Plan], str]
    connect: t.Callable[[], GraphClient]
    backups: Backups
    with_reasons: t.Callable[[GraphClient, t.Sequence[KnownMember], Resolution], tuple[KnownMember, ...]]
    credentials: S3Credentials | None = None
    now: t.Callable[[], datetime.datetime] = lambda: datetime.datetime.now(datetime.timezone.utc)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The plan as it is stored (None: it is not) and as it is declared, its repository, and whom it covers at ``moment``.

    ``roster`` compares that with ``backed_up``. ``retention`` is what the next prune would do, empty unless the rules change and
    there are restore points.
    """

    current: StoredPlan | None
    wanted: Plan
    repository: RepositoryState
    backed_up: BackedUp
    resolution: Resolution
    roster: RosterChange
    retention: tuple[RetentionDecision, ...]
    moment: datetime.datetime

    @property
    def is_moved(self) -> bool:
        """Whether the plan leaves its repository for another one. A repository that was itself moved is the same one."""
        if self.current is None or self.current.plan.repository == self.wanted.repository:
            return False
        return self.repository.id is None or self.repository.id != self.current.repository_id

    @property
    def old_types(self) -> frozenset[BackupType]:
        """What the restore points hold that the plan goes on from, by themselves, else by the plan as it is stored; empty without any."""
        if not self.backed_up.count or self.backed_up.types or self.current is None or self.is_moved:
            return self.backed_up.types
        return frozenset({self.current.plan.backup_type})


def retention_change(
    current: StoredPlan | None, wanted: Plan, backed_up: BackedUp, moment: datetime.datetime
) -> tuple[RetentionDecision, ...]:
    """What the rules mean for the restore points that are there; nothing where they are the rules that were there before."""
    if not backed_up.count or (current is not None and _timing(current.plan) == _timing(wanted)):
        return ()
    return decide_retention(backed_up.points(), wanted.retention, now=moment, time_zone=wanted.time_zone)


def breaches(found: Found, host: Host) -> t.Iterator[Breach]:
    """Everything that has to be confirmed. A repository that is left behind is looked into."""
    yield from member_loss(found.roster, found.wanted)
    yield from other_type(found.old_types, found.wanted)
    if found.current is None:
        return
    before, wanted = found.current.plan, found.wanted
    yield from encryption_off(before, wanted)
    if found.is_moved:
        yield from _orphaned_by_move(found.current, wanted, host)
        return
    yield from shorter_retention(before, wanted, found.retention)
    yield from sooner_expiry(before.leavers, wanted, found.roster.former, found.moment)


def warnings(found: Found, confirmed: t.Iterable[Breach]) -> t.Iterator[str]:
    """Sentences about what an administrator may not expect, ``confirmed`` or not."""
    wanted = found.wanted
    yield from found.backed_up.warnings
    if not wanted.encryption.enabled:
        yield (
            f"Plan {wanted.name!r} is not encrypted: everybody who can read {wanted.repository} can read the backups,"
            " since the repository is locked with a published passphrase."
        )
    if found.current is not None and found.is_moved:
        yield (
            f"Plan {wanted.name!r} moves to the repository {wanted.repository}: the next run is a full one,"
            f" and the earlier backups stay in {found.current.plan.repository}."
        )
    yield from found.resolution.warnings
    if members := unlicensed(found.resolution.members):
        yield unlicensed_sentence(members)
    for breach in confirmed:
        if breach.guard is Guard.MEMBER_LOSS:
            yield (
                f"{breach.sentences} Their backups stay as those of leavers. The next run compares with the newest restore point, too,"
                " and stops for the same reason: run it once with confirm: [member_loss]."
            )


def sides(found: Found) -> tuple[Document, Document]:
    """The two sides of the diff: of members the sign-in names, of restore points those that the next prune removes or keeps."""
    plan, decisions = found.wanted, found.retention
    return (
        {
            "plan": plan_to_dict(found.current.plan) if found.current else None,
            "repository_exists": found.repository.exists,
            "members": sorted(member.principal_name for member in found.backed_up.members if member.left is None),
            "restore_points": [_title(decision, plan) for decision in decisions],
        },
        {
            "plan": plan_to_dict(plan),
            "repository_exists": True,
            "members": sorted(member.principal_name for member in found.resolution.members),
            "restore_points": [_title(decision, plan) for decision in decisions if decision.is_kept],
        },
    )


def _timing(plan: Plan) -> tuple[object, ...]:
    """What the decision about a restore point depends on."""
    return (plan.retention, plan.time_zone, plan.repository)


def _orphaned_by_move(current: StoredPlan, wanted: Plan, host: Host) -> t.Iterator[Breach]:
    """A repository that cannot be opened counts as one that holds restore points."""
    try:
        old = open_plan_repository(current, host.passphrase_of(current.plan), host.credentials)
        count = host.backups.count(old, current.plan)
    except BackupError as error:
        yield from left_behind(current.plan, wanted, old_points=None, why_unknown=str(error))
    else:
        yield from left_behind(current.plan, wanted, old_points=count)


def _title(decision: RetentionDecision, plan: Plan) -> str:
    time = decision.point.time.astimezone(plan.time_zone)
    return f"{time.isoformat(timespec='seconds')} {decision.point.snapshot_id[:8]}"
