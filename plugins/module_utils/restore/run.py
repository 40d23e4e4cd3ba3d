# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A restore from a plan's name to its result: what the module calls.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from .._errors import InputError
from ..graph.client import connect
from ..graph.directory import find_users, similar_users
from ..graph.ids import UserId
from .choice import choose_mail, choose_snapshot
from .engine import restore_to_files, restore_to_mailbox
from .results import RestoreResult

if t.TYPE_CHECKING:
    from ..graph.client import GraphClient
    from ..graph.settings import ConnectionSettings
    from ..repository.repository import Repository


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to restore and where to. Exactly one of C(target_path) and C(target_member) is set."""

    plan_name: str
    snapshot: str
    member: str
    folder: str | None
    target_path: Path | None
    target_member: str | None
    target_folder: str | None


def restore(
    wanted: Wanted,
    repository: Repository,
    *,
    settings_of: t.Callable[[], ConnectionSettings],
    now: datetime,
    lock_timeout: float,
    is_check: bool,
) -> RestoreResult:
    """Carry out one restore. C(settings_of) is asked for the connection only where the target is a mailbox.

    Raises BackupError; in check mode nothing is written anywhere, not even a lock.
    """
    if is_check:
        return _restore(wanted, repository, settings_of, now, is_check=True)
    with repository.reading(lock_timeout=lock_timeout):
        return _restore(wanted, repository, settings_of, now, is_check=False)


def _restore(
    wanted: Wanted,
    repository: Repository,
    settings_of: t.Callable[[], ConnectionSettings],
    now: datetime,
    *,
    is_check: bool,
) -> RestoreResult:
    warnings: list[str] = []
    snapshot = choose_snapshot(repository, wanted.plan_name, wanted.snapshot, warnings.append)
    choice = choose_mail(repository, snapshot, wanted.member, wanted.folder)
    if wanted.target_path is not None:
        result = restore_to_files(repository, choice, wanted.target_path, is_check=is_check)
    else:
        top = wanted.target_folder or f"Restored {now:%Y-%m-%d %H%M%S}"
        with connect(settings_of()) as client:
            user = _target_user(client, wanted.target_member or choice.member.id)
            result = restore_to_mailbox(repository, choice, client, user, top, is_check=is_check)
    result.warnings[:0] = warnings
    return result


def _target_user(client: GraphClient, key: str) -> UserId:
    users = find_users(client, key)
    if len(users) == 1:
        return users[0].id
    names = ", ".join(user.principal_name for user in (users or similar_users(client, key))) or "none with a similar name"
    raise InputError(
        f"{'No user' if not users else 'More than one user'} of the tenant is {key}.",
        hint=f"Name the mailbox to restore into by user principal name or object id. Candidates: {names}.",
    )
