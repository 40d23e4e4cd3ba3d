# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One verification of a repository, and where wanted its repair: what is damaged, who suffers, what is asked for again.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t
from dataclasses import dataclass
from datetime import datetime

from ..plan.recovery_key import canonical_secret
from ..repository.advance import UNHEARD, Advance
from ..repository.affected import find_affected
from ..repository.check import Examination, Scope, examine
from ..repository.errors import RepositoryDamaged, RepositoryError
from ..repository.findings import Finding
from ..repository.locks import hold_lock
from ..repository.repair import RepairResult, plan_repair, repair
from ..repository.repair_plan import RepairPlan
from ..repository.repository import Repository
from ..repository.storage import FileKind
from .damaged_items import DamagedItem, ItemKind, name_items
from .healing import ask_again
from .healing_verdicts import leave_lost_verdicts
from .lost_items import Wishes, find_wishes, is_new

_MAKE_KEY = "Check that it is the one of this repository; make another one with m365_backup_key as long as the passphrase is known."


@dataclass(frozen=True, slots=True, kw_only=True)
class Mending:
    """What a repair did, or would do. ``lost`` is what stays lost, ``wishes`` what the next run of each plan reads again.

    ``result`` is None in check mode, and where there was nothing to repair.
    """

    plan: RepairPlan
    result: RepairResult | None
    lost: tuple[DamagedItem, ...]
    wishes: tuple[Wishes, ...]
    is_changed: bool

    @property
    def lost_points(self) -> tuple[str, ...]:
        """The ids of restore points that cannot be read, and are put aside."""
        return tuple(name for kind, name in self.plan.quarantined if kind is FileKind.SNAPSHOT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What was found, and who suffers: ``items`` in the order of the newest snapshots. ``opens``: the recovery key, if one was given."""

    examination: Examination
    items: tuple[DamagedItem, ...]
    opens: bool
    mending: Mending | None = None

    @property
    def is_sound(self) -> bool:
        """Whether everything can be restored, after a repair that was carried out; a restore point that it put aside cannot."""
        if self.mending is not None and self.mending.result is not None:
            return self.opens and self.mending.result.after.is_sound and not self.mending.lost_points
        return self.examination.is_sound


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """The circumstances of a verification."""

    run_id: str
    hostname: str
    now: t.Callable[[], datetime]
    lock_timeout: float
    is_check: bool
    advance: Advance = UNHEARD


def verify(repository: Repository, scope: Scope, *, wants_repair: bool, task: Task, recovery_key: str | None = None) -> Verification:
    """Examine a repository with all plans and foreign snapshots in it; with ``wants_repair`` put it in order.

    A shared lock is held, so that no prune takes away what is being looked at; an exclusive one for a repair, and only when
    there is something to repair. In check mode nothing is written, not even a lock. A C(recovery_key) is proven to open the
    repository. Raises RepositoryLocked, LockLost, StorageError, RepositoryError when a prune came between.
    """
    with _held(repository, task):
        examination = examine(repository, scope, task.advance)
        opens = recovery_key is None or _opens(repository, recovery_key)
        if not opens:
            examination.findings.append(Finding("the recovery key", "opens no key file of the repository", next_step=_MAKE_KEY))
        _refuse_pruned(repository, examination)
        items = tuple(name_items(examination.reader, find_affected(examination)))
        plan = plan_repair(repository, examination) if wants_repair else None
    if plan is None:
        return Verification(examination=examination, items=items, opens=opens)
    if task.is_check:
        mending = _foresee(repository, examination, plan)
    else:
        mending = _mend(repository, scope, examination, items, plan, task)
    return Verification(examination=examination, items=items, opens=opens, mending=mending)


def _opens(repository: Repository, secret: str) -> bool:
    infos = repository.keys.infos(on_damage=lambda _error: None)
    return any(repository.keys.opens(info.id, canonical_secret(secret)) for info in infos)


def _foresee(repository: Repository, examination: Examination, plan: RepairPlan) -> Mending:
    """In check mode: what is lost for good is known as far as the directories can be read today."""
    stays = {key: number for key, number in examination.lost.items() if plan.remains_lost(*key)}
    affected = find_affected(dataclasses.replace(examination, lost=stays))
    lost = tuple(name_items(examination.reader, affected))
    wishes = find_wishes(repository, lost)
    is_changed = plan.changes or _has_damaged_lock(examination) or any(is_new(repository, *of_plan) for of_plan in wishes.items())
    return Mending(plan=plan, result=None, lost=lost, wishes=tuple(wishes.values()), is_changed=is_changed)


def _mend(
    repository: Repository, scope: Scope, examination: Examination, items: tuple[DamagedItem, ...], plan: RepairPlan, task: Task
) -> Mending:
    is_needed = plan.changes or _has_damaged_lock(examination)
    result = repair(repository, scope, lock_timeout=task.lock_timeout, advance=task.advance) if is_needed else None
    lost = items
    if result is not None:
        plan = result.plan
        lost = tuple(name_items(result.after.reader, find_affected(result.after)))
    wishes = find_wishes(repository, lost)
    is_changed = _ask_again(repository, wishes, task) or (result is not None and bool(plan.changes or result.quarantined))
    if any(item.kind is ItemKind.VERDICTS for item in lost):
        is_changed |= leave_lost_verdicts(repository, now=task.now, hostname=task.hostname, lock_timeout=task.lock_timeout)
    return Mending(plan=plan, result=result, lost=lost, wishes=tuple(wishes.values()), is_changed=is_changed)


def _ask_again(repository: Repository, wishes: t.Mapping[str, Wishes], task: Task) -> bool:
    """Have the next runs read again what is lost; whether that had to be written down."""
    is_asked = False
    for plan_name, of_plan in wishes.items():
        with contextlib.suppress(RepositoryDamaged):
            checkpoint = ask_again(
                repository,
                plan_name,
                of_plan.items,
                afresh=of_plan.afresh,
                run_id=task.run_id,
                now=task.now,
                hostname=task.hostname,
                lock_timeout=task.lock_timeout,
            )
            is_asked |= checkpoint is not None
    return is_asked


def _has_damaged_lock(examination: Examination) -> bool:
    return any(kind is FileKind.LOCK for kind, _name in examination.damaged)


@contextlib.contextmanager
def _held(repository: Repository, task: Task) -> t.Iterator[None]:
    """A shared lock, unless in check mode. Where a damaged lock forbids one, that is what will be reported."""
    with contextlib.ExitStack() as stack:
        if not task.is_check:
            lock = hold_lock(repository.files, repository.clock, exclusive=False, lock_timeout=task.lock_timeout)
            with contextlib.suppress(RepositoryDamaged):
                stack.enter_context(lock)
        yield


def _refuse_pruned(repository: Repository, examination: Examination) -> None:
    """Without a lock, a prune may have taken away what was just looked for; that is no damage."""
    listed = {stored.name for stored in repository.storage.list(FileKind.INDEX)}
    if not examination.is_sound and not examination.index.index_files() <= listed:
        raise RepositoryError(
            f"The repository at {repository.storage.location} was pruned or repaired while it was verified.",
            hint="Run the task again when that has ended.",
        )
