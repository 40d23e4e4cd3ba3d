# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The repository of a plan: looked at before anything is written, opened only if it is the right one.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

from ..repository import storage_options
from ..repository.errors import WrongPassphrase
from ..repository.repository import Repository, create_repository, open_repository, repository_exists
from ..repository.storage import Storage
from ..repository.storage_open import open_storage
from .errors import RepositoryReplaced, RepositoryUnwritable
from .model import Plan
from .recovery_key import is_mistyped_recovery_key
from .store import StoredPlan, nearest_folder

S3Credentials = storage_options.S3Credentials
"""_arguments takes it from here, since it sees no other room."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryState:
    """What was found at the plan's location. ``id`` is None when there is no repository yet; ``opened`` only when one was found."""

    id: str | None
    opened: Repository | None = dataclasses.field(default=None, compare=False, repr=False)

    @property
    def exists(self) -> bool:
        """Whether there is a repository."""
        return self.id is not None


def open_plan_repository(stored: StoredPlan, passphrase: str, credentials: S3Credentials | None = None) -> Repository:
    """Open the repository that the plan was applied with. Without ``credentials`` the environment and AWS profiles are asked.

    Raises L(RepositoryReplaced) when it is gone or another one lies there, and the errors of the repository room, such
    as C(WrongPassphrase).
    """
    plan = stored.plan
    storage = _storage(plan, credentials)
    if stored.repository_id is not None and not repository_exists(storage):
        raise _gone(plan)
    repository = _open(storage, passphrase, stored.cache_folder)
    if stored.repository_id not in (None, repository.id):
        raise _replaced(plan, str(stored.repository_id), repository.id)
    return repository


def inspect_repository(
    plan: Plan, current: StoredPlan | None, passphrase: str, credentials: S3Credentials | None = None
) -> RepositoryState:
    """Look at the location of a plan that is being applied, and write nothing.

    ``current`` is the plan as it is stored now. The passphrase is tried on a repository that exists. Raises as
    L(open_plan_repository) does, and L(RepositoryUnwritable).
    """
    storage = _storage(plan, credentials)
    _check_writable(plan.repository)
    expected = current.repository_id if current and current.plan.repository == plan.repository else None
    if expected is None and not repository_exists(storage):
        return RepositoryState(id=None)
    stored = StoredPlan(plan=plan, repository_id=expected, cache_folder=current.cache_folder if current else None)
    repository = open_plan_repository(stored, passphrase, credentials)
    return RepositoryState(id=repository.id, opened=repository)


def create_plan_repository(
    plan: Plan, passphrase: str, credentials: S3Credentials | None = None, *, recovery_key: str | None = None
) -> RepositoryState:
    """Make the repository of a plan where there is none yet. A recovery key opens it as the passphrase does."""
    created = create_repository(_storage(plan, credentials), passphrase, recovery_passphrase=recovery_key)
    return RepositoryState(id=created.id)


def _open(storage: Storage, secret: str, cache_folder: Path | None) -> Repository:
    try:
        return open_repository(storage, secret, cache_folder=cache_folder)
    except WrongPassphrase as error:
        if not is_mistyped_recovery_key(secret):
            raise
        raise WrongPassphrase(
            f"What was given opens no key of the repository at {storage.location}: it looks like a recovery key,"
            " but at least one of its characters is mistyped.",
            hint="Compare it with the original. It has digits and letters without I, L, O and U.",
        ) from error


def _storage(plan: Plan, credentials: S3Credentials | None) -> Storage:
    return open_storage(plan.repository, storage_options.StorageOptions(s3=plan.s3, credentials=credentials))


def _check_writable(location: str) -> None:
    if not location.startswith("/"):
        return
    folder = nearest_folder(Path(location))
    if not folder.is_dir():
        raise RepositoryUnwritable(f"The repository cannot be at {location}: {folder} is not a folder.", hint="Choose another folder.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise RepositoryUnwritable(
            f"The repository at {location} cannot be written: this user may not write {folder}, or its disk is read-only.",
            hint="Run the task as another user (become), mount the disk writable, or choose another folder.",
        )


def _gone(plan: Plan) -> RepositoryReplaced:
    return RepositoryReplaced(
        f"Plan {plan.name!r} was applied with a repository at {plan.repository}, but there is none now.",
        hint="Is the disk mounted? Is the bucket the right one? If the repository is really lost,"
        " remove the plan with state: absent and apply it again.",
    )


def _replaced(plan: Plan, expected: str, found: str) -> RepositoryReplaced:
    return RepositoryReplaced(
        f"Plan {plan.name!r} belongs to the repository {expected[:8]}, but {plan.repository} holds another one, {found[:8]}.",
        hint="Is the right disk mounted, or the right bucket declared? If the change is intended,"
        " remove the plan with state: absent and apply it again.",
    )
