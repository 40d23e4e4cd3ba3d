# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One task about the keys of a plan's repository: what is asked for, what comes of it, and how that is told.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import enum
import os
import typing as t

from .._errors import InputError
from .._text import count_text
from ..repository.errors import RepositoryDamaged, WrongPassphrase
from ..repository.key_changes import KeyChanges, KeyWishes, RoleWish, SeenKey, change_keys, preview_key_changes
from ..repository.keys import DEFAULT_KDF, KdfParameters, KeyInfo, KeyRole
from ..repository.repository import Repository
from ..repository.types import KeyId
from .model import Plan
from .passphrase import check_new_passphrase, check_passphrase
from .recovery_file import Handout, check_recovery_file, read_recovery_file, store_recovery_key
from .recovery_key import canonical_recovery_key, generate_recovery_key

Open = t.Callable[[str], Repository]


class RecoveryState(enum.Enum):
    """What shall hold of recovery keys: there is one; there is only a new one; there is none."""

    PRESENT = "present"
    RENEWED = "renewed"
    ABSENT = "absent"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class KeyTask:
    """What is asked for. ``recovery_key`` without a ``recovery_state`` shall only be proven to open the repository."""

    passphrase: str = dataclasses.field(repr=False)
    new_passphrase: str | None = dataclasses.field(default=None, repr=False)
    rotate: bool = False
    remove_keys: tuple[str, ...] = ()
    recovery_key: str | None = dataclasses.field(default=None, repr=False)
    recovery_state: RecoveryState | None = None
    handout: Handout = Handout()

    @property
    def asks_for_changes(self) -> bool:
        return bool(self.new_passphrase or self.remove_keys or self.recovery_state)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class KeyOutcome:
    """What came of a task, or would. ``opened_by`` has, for each key file, the options whose secret was proven to open it.

    ``recovery_key`` is one that the task made.
    """

    changes: KeyChanges
    opened_by: t.Mapping[KeyId, tuple[str, ...]]
    warnings: tuple[str, ...]
    handout: Handout
    recovery_key: str | None = dataclasses.field(repr=False)


def manage_keys(
    plan: Plan,
    task: KeyTask,
    open_repository: Open,
    *,
    check_mode: bool,
    lock_timeout: float = 0.0,
    kdf: KdfParameters = DEFAULT_KDF,
) -> KeyOutcome:
    """Do what is asked for; in check mode only find out what that would change. ``kdf`` is the cost of new keys.

    A secret that has opened the repository before is never judged; one that is new to it must be fit to protect it. Raises
    L(InputError), the errors of C(open_repository), WrongPassphrase for a recovery key that opens nothing, and those of
    C(change_keys).
    """
    if not plan.encryption.enabled and task.asks_for_changes:
        raise InputError(
            f"Plan {plan.name!r} is not encrypted: its repository opens with a published passphrase, and that has to stay.",
            hint="For backups that only you can read, declare a plan with encryption and another repository.",
        )
    if task.new_passphrase is not None:
        check_passphrase(task.new_passphrase)
    elif task.rotate:
        raise InputError("The new passphrase is empty, and it shall take the place of all others.", hint="Give new_passphrase.")
    repository, opener = _open(task, open_repository)
    warnings: list[str] = []
    infos = repository.keys.infos(on_damage=lambda damage: warnings.append(_damage_sentence(damage)))
    proven = _prove_recovery_key(repository, infos, task) if task.recovery_state is None else frozenset[KeyId]()
    wishes, generated = _wishes(task, infos)
    changes = preview_key_changes(repository, wishes)
    if KeyRole.PASSPHRASE in changes.added and task.new_passphrase is not None:
        check_new_passphrase(task.new_passphrase)
    if generated and task.handout.file:
        check_recovery_file(task.handout.file)
    if task.recovery_state is RecoveryState.RENEWED and KeyRole.RECOVERY not in changes.roles_changed:
        warnings.append("The recovery key was not renewed, since the given one is in use: to get another, name a file that does not exist.")
    if changes.changed and not check_mode:
        if generated and task.handout.file:
            stored = store_recovery_key(task.handout.file, generated)
            wishes = dataclasses.replace(wishes, recovery=dataclasses.replace(wishes.recovery, secret=stored))
        changes = change_keys(repository, wishes, kdf=kdf, lock_timeout=lock_timeout)
    return KeyOutcome(
        changes=changes,
        opened_by={key.info.id: _openers(key, opener, proven) for key in (*changes.kept, *changes.new)},
        warnings=tuple(warnings),
        handout=task.handout if generated else Handout(),
        recovery_key=generated if task.handout.is_returned and not check_mode else None,
    )


def keys_result(outcome: KeyOutcome, plan: Plan, *, check_mode: bool, diff: bool) -> dict[str, t.Any]:
    """The outcome as the result of a module; the same shape in check mode, without the keys that are not there yet."""
    changes = outcome.changes
    kept = [_key(key.info, plan) for key in changes.kept]
    removed = [_key(info, plan) for info in changes.removed]
    result: dict[str, t.Any] = {
        "changed": changes.changed,
        "plan": plan.name,
        "repository": plan.repository,
        "key_files": [{**_key(key.info, plan), "opened_by": list(outcome.opened_by[key.info.id])} for key in (*changes.kept, *changes.new)],
        "added": [role.value for role in changes.added],
        "removed": removed,
        "msg": _sentence(outcome, plan, check_mode=check_mode),
    }
    if outcome.handout.file:
        result["recovery_key_file"] = str(outcome.handout.file)
    if outcome.recovery_key:
        result["recovery_key"] = outcome.recovery_key
    if diff:
        result["diff"] = {
            "before": {"key_files": sorted(map(_title, kept + removed))},
            "after": {"key_files": [*sorted(map(_title, kept)), *(f"{role.value} (new)" for role in changes.added)]},
        }
    return result


def _open(task: KeyTask, open_repository: Open) -> tuple[Repository, str]:
    """The repository and the option that opened it. After a rotation, even an interrupted one, the new passphrase may be the one."""
    try:
        return open_repository(task.passphrase), "passphrase"
    except WrongPassphrase:
        if task.rotate and task.new_passphrase is not None:
            with contextlib.suppress(WrongPassphrase):
                return open_repository(task.new_passphrase), "new_passphrase"
        raise


def _wishes(task: KeyTask, infos: t.Sequence[KeyInfo]) -> tuple[KeyWishes, str | None]:
    """What shall hold, and the recovery key that had to be generated for it."""
    recovery, generated = RoleWish(), None
    if task.recovery_state is RecoveryState.ABSENT:
        recovery = RoleWish(is_only=True)
    elif task.recovery_state is not None:
        is_only = task.recovery_state is RecoveryState.RENEWED
        given = _given_recovery_key(task)
        if given is None and task.handout.file:
            given = read_recovery_file(task.handout.file)
        if given is None and (is_only or not any(info.role is KeyRole.RECOVERY for info in infos)):
            given = generated = _generate(task.handout)
        recovery = RoleWish(secret=given, is_only=is_only)
    passphrase = RoleWish(secret=task.new_passphrase, is_only=task.rotate)
    return KeyWishes(passphrase=passphrase, recovery=recovery, remove=task.remove_keys), generated


def _generate(handout: Handout) -> str:
    if not handout.is_wanted:
        raise InputError(
            "A recovery key has to be made, and the task does not say where it goes.",
            hint="Give recovery_key_file, or return_recovery_key: true together with no_log: true on the task.",
        )
    return generate_recovery_key(os.urandom)


def _given_recovery_key(task: KeyTask) -> str | None:
    if task.recovery_key is None:
        return None
    canonical = canonical_recovery_key(task.recovery_key)
    if canonical is None:
        raise InputError(
            "The given recovery key is none, or at least one of its characters is mistyped.", hint="Compare it with the original."
        )
    return canonical


def _prove_recovery_key(repository: Repository, infos: t.Sequence[KeyInfo], task: KeyTask) -> frozenset[KeyId]:
    secret = _given_recovery_key(task)
    if secret is None:
        return frozenset()
    proven = frozenset(info.id for info in infos if repository.keys.opens(info.id, secret))
    if not proven:
        raise WrongPassphrase(
            f"The recovery key opens no key of the repository at {repository.storage.location}.",
            hint="It belongs to another repository, or was removed. Make one with recovery_key_state: renewed.",
        )
    return proven


def _openers(key: SeenKey, opener: str, proven: frozenset[KeyId]) -> tuple[str, ...]:
    options = [opener] if key.info.is_current else []
    if KeyRole.PASSPHRASE in key.opened_by:
        options.append("new_passphrase")
    if KeyRole.RECOVERY in key.opened_by or key.info.id in proven:
        options.append("recovery_key")
    return tuple(dict.fromkeys(options))


def _key(info: KeyInfo, plan: Plan) -> dict[str, t.Any]:
    return {"id": info.id, "created": info.created.astimezone(plan.time_zone).isoformat(timespec="seconds"), "role": info.role.value}


def _title(key: dict[str, t.Any]) -> str:
    return f"{key['role']} {key['id'][:8]} of {key['created']}"


def _sentence(outcome: KeyOutcome, plan: Plan, *, check_mode: bool) -> str:
    changes = outcome.changes
    roles = [*(key.info.role for key in changes.kept), *changes.added]
    passphrases, recovery_keys = roles.count(KeyRole.PASSPHRASE), roles.count(KeyRole.RECOVERY)
    opens = "would open" if check_mode and changes.changed else "opens"
    sentence = (
        f"The repository of plan {plan.name} {opens} with {count_text(passphrases, 'passphrase')}"
        f" and {count_text(recovery_keys, 'recovery key') if recovery_keys else 'no recovery key'}."
    )
    if changes.changed:
        verb = "would be" if check_mode else "were"
        sentence += f" Keys that {verb} added: {len(changes.added)}, removed: {len(changes.removed)}."
    if outcome.handout.file:
        sentence += f" The recovery key {'would be' if check_mode else 'is'} in {outcome.handout.file}: take it to a safe place elsewhere."
    return sentence


def _damage_sentence(damage: RepositoryDamaged) -> str:
    return f"{damage} It was left alone."
