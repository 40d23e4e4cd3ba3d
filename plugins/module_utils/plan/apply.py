# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Applying a plan: look at everything, decide once, then write or just say so.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import os
import typing as t

from .apply_checks import NO_HANDOUT, check_beside_stored, check_protection, recovery_warnings
from .apply_found import Found, Host, breaches, retention_change, sides, warnings
from .backed_up import BackedUp
from .changes import Change, plan_changes
from .document import Document
from .first_backup import FirstBackup, first_backup
from .guards import refuse
from .recovery_file import Handout, obtain_recovery_key
from .repository_access import RepositoryState, create_plan_repository, inspect_repository
from .resolve import resolve_members
from .roster import roster_change
from .seats import SeatLedger, resolved_holders, seat_ledger
from .store import PlanStore, StoredPlan

if t.TYPE_CHECKING:
    from ..graph.client import GraphClient
    from .model import Plan


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What applying a plan does: decided before anything is written, and the same in check mode."""

    changes: tuple[Change, ...]
    creates_repository: bool
    adopts_repository: bool

    @property
    def changed(self) -> bool:
        """Whether the host or the repository is not yet as declared."""
        return bool(self.changes) or self.creates_repository or self.adopts_repository


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """The outcome of applying a plan. In check mode ``repository`` is what was found, not what would be created.

    ``seats`` are those of all plans in the repository. ``warnings`` are sentences for an administrator; ``before`` and ``after`` are
    the two sides of the diff. ``handout`` is where the recovery key of a new repository went, or would go; ``recovery_key`` is that
    key, if one was made. ``estimate`` is of the first backup, if it is still to come and its size can be known.
    """

    decision: Decision
    found: Found
    seats: SeatLedger
    repository: RepositoryState
    warnings: tuple[str, ...]
    before: Document
    after: Document
    handout: Handout
    recovery_key: str | None = dataclasses.field(repr=False)
    estimate: FirstBackup | None = None

    @property
    def plan(self) -> Plan:
        """The plan as it was declared."""
        return self.found.wanted


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """The outcome of removing a plan: the plan that went (None: there was none) and how the task named it."""

    plan: Plan | None
    changes: tuple[Change, ...]
    reference: str

    @property
    def warnings(self) -> tuple[str, ...]:
        """What an administrator should know of what stays."""
        if self.plan is None:
            return ()
        sentence = (
            f"Nothing on this host runs or prunes the plan {self.plan.name!r} any more. Its restore points stay in {self.plan.repository},"
            f" those of people who left, too. To go on with them, apply a plan with name: {self.plan.name} and this repository again."
        )
        return (sentence,)


def decide(current: StoredPlan | None, wanted: Plan, repository: RepositoryState) -> Decision:
    """Compare what is stored and what was found with what is declared."""
    return Decision(
        changes=plan_changes(current.plan if current else None, wanted),
        creates_repository=not repository.exists,
        adopts_repository=repository.exists and current is not None and current.repository_id != repository.id,
    )


def apply_plan(
    wanted: Plan,
    host: Host,
    *,
    is_name_derived: bool,
    check_mode: bool,
    confirmed: t.Collection[str] = (),
    handout: Handout = NO_HANDOUT,
) -> Applied:
    """Make the host hold the plan and its repository exist; in check mode only find out what that would change.

    What can be found on the host is checked before the network is used, and everything is checked before anything is
    written. What L(Guard) lists happens only when it is ``confirmed``, and check mode stops for it in the same way. A recovery key is
    made only together with an encrypted repository, and if ``handout`` says where it goes. Raises
    L(InputError), L(SelectionError), L(DamagedPlan), L(StateUnusable), L(RepositoryReplaced), L(RepositoryUnwritable) and the
    errors of the graph and repository rooms.
    """
    passphrase = host.passphrase_of(wanted)
    current = host.store.load(wanted.name)
    check_beside_stored(host.store, current, wanted, is_name_derived=is_name_derived)
    host.store.check_writable()
    repository = inspect_repository(wanted, current, passphrase, host.credentials)
    asked, handout = handout, check_protection(wanted, repository, passphrase, handout)
    with host.connect() as client:
        found = _look(client, host, current, wanted, repository)
        confirmed_ones = list(breaches(found, host))
        refuse(confirmed_ones, confirmed)
        found = _with_reasons(client, host, found)
        estimate = None if found.backed_up.count else first_backup(client, wanted, found.resolution.members)
    decision = decide(current, wanted, repository)
    recovery_key: str | None = None
    if decision.changed and not check_mode:
        if decision.creates_repository:
            recovery_key = obtain_recovery_key(handout, os.urandom)
            repository = create_plan_repository(wanted, passphrase, host.credentials, recovery_key=recovery_key)
        host.store.save(StoredPlan(plan=wanted, repository_id=repository.id))
    before, after = sides(found)
    return Applied(
        decision=decision,
        found=found,
        seats=_seats(found),
        repository=repository,
        warnings=(*_recovery_warnings(current, wanted, decision, asked), *warnings(found, confirmed_ones)),
        before=before,
        after=after,
        handout=handout,
        recovery_key=recovery_key,
        estimate=estimate,
    )


def remove_plan(store: PlanStore, *, name: str | None, title: str | None, check_mode: bool) -> Removed:
    """Make the host hold no plan of that name, or without a name of that title; in check mode only find out whether it does.

    The repository is not touched.
    """
    stored = store.load(name) if name else store.find_title(title or "")
    if stored is not None and not check_mode:
        store.delete(stored.plan.name)
    return Removed(
        plan=stored.plan if stored else None,
        changes=plan_changes(stored.plan if stored else None, None),
        reference=name or title or "",
    )


def _look(client: GraphClient, host: Host, current: StoredPlan | None, wanted: Plan, repository: RepositoryState) -> Found:
    moment = host.now()
    backed_up = host.backups.read(repository.opened, wanted, moment) if repository.opened else BackedUp()
    resolution = resolve_members(client, wanted)
    return Found(
        current=current,
        wanted=wanted,
        repository=repository,
        backed_up=backed_up,
        resolution=resolution,
        roster=roster_change(backed_up.members, resolution),
        retention=retention_change(current, wanted, backed_up, moment),
        moment=moment,
    )


def _with_reasons(client: GraphClient, host: Host, found: Found) -> Found:
    """Asked after the guards: whoever empties a large group by mistake does not wait for a request for each member."""
    leavers = host.with_reasons(client, found.roster.leavers, found.resolution)
    return dataclasses.replace(found, roster=dataclasses.replace(found.roster, leavers=leavers))


def _seats(found: Found) -> SeatLedger:
    left = (*found.roster.leavers, *found.roster.former)
    return seat_ledger([*found.backed_up.other_seats, *resolved_holders(found.wanted.name, found.resolution.members, left)])


def _recovery_warnings(current: StoredPlan | None, wanted: Plan, decision: Decision, asked: Handout) -> t.Iterator[str]:
    is_found = not decision.creates_repository and (current is None or decision.adopts_repository)
    yield from recovery_warnings(wanted, asked, is_created=decision.creates_repository, is_found=is_found)
