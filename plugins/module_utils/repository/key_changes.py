# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changes who can open a repository: planned by a pure function, carried out key file by key file.

The one master key is sealed once more; no data is touched. A key file goes only after each new one was read back from the
storage and has opened, so at any moment an old or a new secret opens. Locks are restic's: shared for C(key add), exclusive
for C(key remove) and C(key passwd), so that two tasks cannot remove each other's keys.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .._errors import InputError
from .errors import RepositoryError
from .keys import DEFAULT_KDF, KdfParameters, KeyInfo, KeyRole
from .locks import hold_lock
from .repository import Repository


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RoleWish:
    """The secret that shall open the repository in a role (None: no wish), and whether the role's other key files shall go."""

    secret: str | None = dataclasses.field(default=None, repr=False)
    is_only: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class KeyWishes:
    """What shall hold afterwards. ``remove`` has ids of key files, or their beginnings; one that is absent is no error."""

    passphrase: RoleWish = RoleWish()
    recovery: RoleWish = RoleWish()
    remove: tuple[str, ...] = ()

    def of(self, role: KeyRole) -> RoleWish:
        return self.passphrase if role is KeyRole.PASSPHRASE else self.recovery

    @property
    def may_remove(self) -> bool:
        return self.passphrase.is_only or self.recovery.is_only or bool(self.remove)


@dataclasses.dataclass(frozen=True, slots=True)
class SeenKey:
    """A key file, and the wished secrets that were proven to open it."""

    info: KeyInfo
    opened_by: frozenset[KeyRole] = frozenset()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class KeyChanges:
    """What is added and removed, and the key files that stay. ``new`` are the added ones, once they are there."""

    added: tuple[KeyRole, ...]
    removed: tuple[KeyInfo, ...]
    kept: tuple[SeenKey, ...]
    new: tuple[SeenKey, ...] = ()

    @property
    def changed(self) -> bool:
        return bool(self.roles_changed)

    @property
    def roles_changed(self) -> frozenset[KeyRole]:
        """The roles in which something is added or removed."""
        return frozenset(self.added) | {info.role for info in self.removed}


def plan_key_changes(seen: t.Sequence[SeenKey], wishes: KeyWishes) -> KeyChanges:
    """Decide what is added and what goes. What a wished secret opens stays, and one key file that surely opens always does.

    Raises InputError for wishes that contradict one another or would leave nobody in, RepositoryError when the key file
    that opened the repository is gone.
    """
    if not any(_surely_opens(key) for key in seen):
        raise RepositoryError(
            "The key file that opened the repository was removed meanwhile, so nothing was changed.",
            hint="Another task changes the keys of this repository. Look at them again, and use a secret that opens it.",
        )
    if any(key.info.role is KeyRole.RECOVERY and KeyRole.PASSPHRASE in key.opened_by for key in seen):
        raise InputError("The new passphrase is the recovery key of this repository.", hint="Give a passphrase of its own.")
    added = tuple(role for role in KeyRole if wishes.of(role).secret is not None and not any(role in key.opened_by for key in seen))
    named = {_named(seen, beginning) for beginning in wishes.remove}
    removed = tuple(key.info for key in seen if not key.opened_by and (key.info.id in named or wishes.of(key.info.role).is_only))
    gone = {info.id for info in removed}
    kept = tuple(key for key in seen if key.info.id not in gone)
    if removed and KeyRole.PASSPHRASE not in added and not any(_surely_opens(key) for key in kept):
        raise InputError(
            "The only key file that is known to open the repository would be removed.",
            hint="Open the repository with the passphrase or the recovery key that shall stay, or give a new one in the same task.",
        )
    return KeyChanges(added=added, removed=removed, kept=kept)


def preview_key_changes(repository: Repository, wishes: KeyWishes) -> KeyChanges:
    """What L(change_keys) would do. A damaged key file is left alone. Raises as L(plan_key_changes), and StorageError."""
    return plan_key_changes(_look(repository, wishes), wishes)


def change_keys(repository: Repository, wishes: KeyWishes, *, kdf: KdfParameters = DEFAULT_KDF, lock_timeout: float = 0.0) -> KeyChanges:
    """Make the wishes true. Repeating it after an interruption finishes what was begun; repeating it again changes nothing.

    Raises as L(plan_key_changes), RepositoryLocked, LockLost, StorageError, and RepositoryError for a new key file that
    does not open when it is read back.
    """
    preview = preview_key_changes(repository, wishes)
    if not preview.changed:
        return preview
    with hold_lock(repository.files, repository.clock, exclusive=wishes.may_remove, lock_timeout=lock_timeout) as lock:
        changes = preview_key_changes(repository, wishes)
        now = repository.clock.now()
        added = {repository.keys.add(wishes.of(role).secret or "", role=role, kdf=kdf, created=now): role for role in changes.added}
        for info in changes.removed:
            lock.confirm()
            repository.keys.remove(info.id)
    new = tuple(SeenKey(info, frozenset({added[info.id]})) for info in _infos(repository) if info.id in added)
    return dataclasses.replace(changes, new=new)


def _look(repository: Repository, wishes: KeyWishes) -> list[SeenKey]:
    secrets = {role: secret for role in KeyRole if (secret := wishes.of(role).secret) is not None}
    return [
        SeenKey(info, frozenset(role for role, secret in secrets.items() if repository.keys.opens(info.id, secret)))
        for info in _infos(repository)
    ]


def _infos(repository: Repository) -> list[KeyInfo]:
    return repository.keys.infos(on_damage=lambda _damage: None)


def _surely_opens(key: SeenKey) -> bool:
    return key.info.is_current or bool(key.opened_by)


def _named(seen: t.Sequence[SeenKey], beginning: str) -> str:
    """The id that is meant; empty when no key file has it."""
    found = [key for key in seen if beginning and key.info.id.startswith(beginning)]
    if len(found) > 1:
        raise InputError(f"{len(found)} key files have ids that begin with {beginning}.", hint="Give more characters of the id.")
    if found and found[0].opened_by:
        raise InputError(
            f"The key file {found[0].info.id} shall be removed and opens with a secret that shall open the repository.",
            hint="Leave it out of the keys to remove, or do not give its secret as one that shall stay.",
        )
    return found[0].info.id if found else ""
