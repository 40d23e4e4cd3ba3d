# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can go wrong with a repository, in an administrator's words."""

from __future__ import annotations

import typing as t

from .._errors import BackupError


class RepositoryError(BackupError):
    """Root of every error of this room."""


class RepositoryMissing(RepositoryError):
    """There is no repository at that place."""


class RepositoryExists(RepositoryError):
    """There is a repository already where a new one should be made."""


class WrongPassphrase(RepositoryError):
    """No key file of the repository opens with the given passphrase."""


class RepositoryDamaged(RepositoryError):
    """A stored object is missing, or is not what it claims to be. ``obj`` names it, such as C(pack 12ab...)."""

    def __init__(self, obj: str, problem: str, *, hint: str = "", facts: t.Mapping[str, object] | None = None) -> None:
        super().__init__(
            f"The repository is damaged: {obj} {problem}.",
            hint=hint or "Run a verification of the repository, and restore the named file from a copy of the storage if there is one.",
            facts={"object": obj, **(facts or {})},
        )
        self.obj = obj
        self.problem = problem


class BlobMissing(RepositoryDamaged):
    """A blob that no pack holds any more, as the index and today's listing say. Whoever has its content may store it again."""


class RepositoryLocked(RepositoryError):
    """Somebody else holds a lock that excludes ours."""


class LockLost(RepositoryError):
    """Our lock is gone or too old, so whatever we would write could be pruned at once."""


class StorageError(RepositoryError):
    """The storage below the repository refused: full, read-only, no permission, unreachable."""


class ObjectMissing(StorageError):
    """The storage holds no file of that name."""


class ObjectExists(StorageError):
    """The storage holds a config already, and two repositories cannot share a place."""


class Malformed(Exception):
    """Bytes that are not what they should be. The caller knows which object they are, and raises L(RepositoryDamaged)."""
