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

from .._errors import InputError
from .changes import Change, plan_changes
from .document import Document, plan_to_dict
from .drive_forecast import first_backup, unlicensed, unlicensed_sentence
from .model import BackupType, Plan
from .passphrase import check_new_passphrase
from .recovery_file import Handout, check_recovery_file, obtain_recovery_key
from .repository_access import RepositoryState, S3Credentials, create_plan_repository, inspect_repository
from .selection import Resolution, resolve_members
from .store import PlanStore, StoredPlan

if t.TYPE_CHECKING:
    from ..graph.client import GraphClient
    from ..graph.drive_estimate import DriveEstimate

_NO_HANDOUT = Handout()


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

    ``warnings`` are sentences for an administrator; ``before`` and ``after`` are the two sides of the diff.
    ``handout`` is where the recovery key of a new repository went, or would go; ``recovery_key`` is that key, if one was made.
    ``estimate`` is of the first backup of OneDrives, if it is still to come and its size can be known.
    """

    plan: Plan
    decision: Decision
    resolution: Resolution
    repository: RepositoryState
    warnings: tuple[str, ...]
    before: Document
    after: Document
    handout: Handout
    recovery_key: str | None = dataclasses.field(repr=False)
    estimate: DriveEstimate | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """The outcome of removing a plan: the plan that went (None: there was none) and how the task named it."""

    plan: Plan | None
    changes: tuple[Change, ...]
    reference: str


def decide(current: StoredPlan | None, wanted: Plan, repository: RepositoryState) -> Decision:
    """Compare what is stored and what was found with what is declared."""
    return Decision(
        changes=plan_changes(current.plan if current else None, wanted),
        creates_repository=not repository.exists,
        adopts_repository=repository.exists and current is not None and current.repository_id != repository.id,
    )


def apply_plan(
    wanted: Plan,
    *,
    is_name_derived: bool,
    store: PlanStore,
    passphrase: str,
    connect: t.Callable[[], GraphClient],
    check_mode: bool,
    handout: Handout = _NO_HANDOUT,
    credentials: S3Credentials | None = None,
) -> Applied:
    """Make the host hold the plan and its repository exist; in check mode only find out what that would change.

    What can be found on the host is checked before the network is used, and everything is checked before anything is
    written. A recovery key is made only together with an encrypted repository, and if ``handout`` says where it goes. Raises
    L(InputError), L(SelectionError), L(DamagedPlan), L(StateUnusable), L(RepositoryReplaced), L(RepositoryUnwritable) and the
    errors of the graph and repository rooms.
    """
    current = store.load(wanted.name)
    if is_name_derived and current is not None:
        _refuse_other_title(current.plan, wanted)
    _refuse_taken_title(store, wanted)
    if current is not None:
        _refuse_encryption_switch(current.plan, wanted)
    store.check_writable()
    repository = inspect_repository(wanted, current, passphrase, credentials)
    asked, handout = handout, _check_protection(wanted, repository, passphrase, handout)
    with connect() as client:
        resolution = resolve_members(client, wanted.selection, licences=wanted.backup_type is BackupType.ONEDRIVE)
        is_first = not repository.exists or current is None or current.plan.repository != wanted.repository
        estimate = first_backup(client, wanted, resolution.members) if is_first else None
    decision = decide(current, wanted, repository)
    found = repository
    recovery_key: str | None = None
    if decision.changed and not check_mode:
        if decision.creates_repository:
            recovery_key = obtain_recovery_key(handout, os.urandom)
            repository = create_plan_repository(wanted, passphrase, credentials, recovery_key=recovery_key)
        store.save(StoredPlan(plan=wanted, repository_id=repository.id))
    return Applied(
        plan=wanted,
        decision=decision,
        resolution=resolution,
        repository=repository,
        warnings=(*_warnings(current, wanted, decision, asked), *resolution.warnings, *_licence_warnings(resolution)),
        before=_side(current.plan if current else None, repository_exists=found.exists),
        after=_side(wanted, repository_exists=True),
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


def _refuse_other_title(current: Plan, wanted: Plan) -> None:
    if current.title != wanted.title:
        raise InputError(
            f"The title {wanted.title!r} gives the plan the name {wanted.name!r}, which the plan {current.title!r} has already.",
            hint=f"If this is its new title, declare name: {wanted.name} with it; if it is another plan, give it another name.",
        )


def _refuse_taken_title(store: PlanStore, wanted: Plan) -> None:
    taken = store.find_title(wanted.title)
    if taken is not None and taken.plan.name != wanted.name:
        raise InputError(
            f"The plan {taken.plan.name!r} on this host has the title {wanted.title!r} already.",
            hint=f"Give this plan another title, or declare name: {taken.plan.name} if it is the same plan.",
        )


def _refuse_encryption_switch(current: Plan, wanted: Plan) -> None:
    if current.repository == wanted.repository and current.encryption != wanted.encryption:
        raise InputError(
            f"Encryption of plan {current.name!r} cannot be switched {'on' if wanted.encryption.enabled else 'off'}:"
            f" the repository {current.repository} is what it is.",
            hint="Declare another folder as repository together with the new setting; the old backups stay where they are.",
        )


def _check_protection(wanted: Plan, repository: RepositoryState, passphrase: str, handout: Handout) -> Handout:
    """Where the recovery key of a new repository goes: nowhere when none is made. Raises L(InputError) for weak protection."""
    if repository.exists or not wanted.encryption.enabled:
        return _NO_HANDOUT
    check_new_passphrase(passphrase)
    if handout.file:
        check_recovery_file(handout.file)
    return handout


def _warnings(current: StoredPlan | None, wanted: Plan, decision: Decision, handout: Handout) -> t.Iterator[str]:
    is_found = not decision.creates_repository and (current is None or decision.adopts_repository)
    if is_found and wanted.encryption.enabled and handout.is_wanted and not (handout.file and os.path.lexists(handout.file)):
        yield (
            f"The repository {wanted.repository} was there before, so no recovery key was made for it."
            " If you do not have the one that it got then, make another with m365_backup_key and recovery_key_state: renewed."
        )
    if decision.creates_repository and wanted.encryption.enabled and not handout.is_wanted:
        yield (
            f"The repository {wanted.repository} gets no recovery key, so its backups are lost with its passphrase:"
            " declare recovery_key_file, or add a recovery key later with m365_backup_key."
        )
    if not wanted.encryption.enabled:
        yield (
            f"Plan {wanted.name!r} is not encrypted: everybody who can read {wanted.repository} can read the backups,"
            " since the repository is locked with a published passphrase."
        )
    if current is not None and current.plan.repository != wanted.repository:
        yield (
            f"Plan {wanted.name!r} moves to the repository {wanted.repository}: the next run is a full one,"
            f" and the earlier backups stay in {current.plan.repository}."
        )


def _licence_warnings(resolution: Resolution) -> t.Iterator[str]:
    if members := unlicensed(resolution.members):
        yield unlicensed_sentence(members)


def _side(plan: Plan | None, *, repository_exists: bool) -> Document:
    """One side of the diff."""
    return {"plan": plan_to_dict(plan) if plan else None, "repository_exists": repository_exists}
