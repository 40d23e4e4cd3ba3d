# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A restore from a plan's name to its result: what the module calls.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass
from pathlib import Path

from .._errors import InputError
from ..backup.layout import ONEDRIVE
from ..backup.listed_snapshots import ListedSnapshots
from ..graph.client import connect
from ..graph.users import find_users, similar_users
from ..repository.advance import UNHEARD, Advance
from .choice import choose
from .conflict import Policy
from .drive_plan import DriveTarget
from .drive_restore import restore_to_drive
from .engine import MailboxTarget, restore_to_mailbox
from .infected_items import Sifter, sifting
from .results import RestoreResult
from .snapshot_choice import choose_snapshot
from .source_choice import choose_sources
from .to_files_run import restore_to_files

if t.TYPE_CHECKING:
    from ..backup.item_filter import ItemFilter
    from ..graph.client import GraphClient
    from ..graph.directory_objects import User
    from ..graph.settings import ConnectionSettings
    from ..repository.repository import Repository
    from ..repository.types import Snapshot
    from .choice import Choice


@dataclass(frozen=True, slots=True, kw_only=True)
class IntoMailbox:
    """C(mailbox) is a user; C(folder) the name of the folder that receives everything, None for a name with the time of
    the restore point. With C(is_original) everything goes where it came from."""

    mailbox: str
    folder: str | None = None
    is_original: bool = False
    policy: Policy = Policy.SKIP
    switch_on: frozenset[str] = frozenset()
    into_archive: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class IntoDrive:
    """C(drive) is a user; C(folder) and C(is_original) as for a mailbox, and C(folder) may be a path. C(permissions) and
    C(versions) are restored, too."""

    drive: str
    folder: str | None = None
    is_original: bool = False
    policy: Policy = Policy.SKIP
    permissions: bool = False
    versions: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class IntoFiles:
    """C(path) is a folder of this host."""

    path: Path
    file_format: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to restore and where to. C(sources) is empty for all that the restore point has of the member. C(includes_infected):
    also what the malware scan has found to be infected. C(advance) hears of each item."""

    plan_name: str
    snapshot: str
    member: str
    sources: tuple[str, ...]
    folder: str | None
    item_filter: ItemFilter
    target: IntoMailbox | IntoDrive | IntoFiles
    includes_infected: bool = False
    advance: Advance = UNHEARD


def restore(
    wanted: Wanted, repository: Repository, *, settings_of: t.Callable[[], ConnectionSettings], lock_timeout: float, is_check: bool
) -> RestoreResult:
    """Carry out one restore. C(settings_of) is asked for the connection only where the target is not this host.

    Raises BackupError; in check mode nothing is written anywhere, not even a lock.
    """
    if is_check:
        return _restore(wanted, repository, settings_of, is_check=True)
    with repository.reading(lock_timeout=lock_timeout):
        return _restore(wanted, repository, settings_of, is_check=False)


def _restore(wanted: Wanted, repository: Repository, settings_of: t.Callable[[], ConnectionSettings], *, is_check: bool) -> RestoreResult:
    warnings: list[str] = []
    snapshots = ListedSnapshots(repository)
    snapshot = choose_snapshot(snapshots, wanted.plan_name, wanted.snapshot, warnings.append)
    with sifting(repository, snapshots, warnings.append, includes_infected=wanted.includes_infected) as sifter:
        if isinstance(wanted.target, IntoDrive):
            result = _restore_to_drive(wanted, wanted.target, repository, snapshot, settings_of(), sifter, is_check=is_check)
        else:
            result = _restore_choices(wanted, wanted.target, repository, snapshot, settings_of, sifter, warnings.append, is_check=is_check)
    result.warnings[:0] = warnings
    return result


def _restore_choices(
    wanted: Wanted,
    into: IntoMailbox | IntoFiles,
    repository: Repository,
    snapshot: Snapshot,
    settings_of: t.Callable[[], ConnectionSettings],
    sifter: Sifter,
    warn: t.Callable[[str], None],
    *,
    is_check: bool,
) -> RestoreResult:
    """Into a mailbox, or anything into files."""
    is_mailbox = isinstance(into, IntoMailbox)
    choices = choose_sources(repository, snapshot, wanted.member, wanted.sources, wanted.folder, warn, is_mailbox=is_mailbox)
    _begin(wanted, choices)
    if isinstance(into, IntoFiles):
        return restore_to_files(
            repository,
            choices,
            wanted.item_filter,
            into.path,
            into.file_format,
            sifter=sifter,
            is_check=is_check,
            advance=wanted.advance,
        )
    with connect(settings_of()) as client:
        target = _target(client, into, choices[0])
        return restore_to_mailbox(
            repository,
            choices,
            wanted.item_filter,
            client,
            target,
            plan=wanted.plan_name,
            now=time.time,
            sifter=sifter,
            is_check=is_check,
            advance=wanted.advance,
        )


def _restore_to_drive(
    wanted: Wanted,
    into: IntoDrive,
    repository: Repository,
    snapshot: Snapshot,
    settings: ConnectionSettings,
    sifter: Sifter,
    *,
    is_check: bool,
) -> RestoreResult:
    if unfit := [source for source in wanted.sources if source != ONEDRIVE]:
        raise InputError(
            f"A OneDrive takes files only, and the sources name {', '.join(unfit)}.",
            hint="Restore sources of a mailbox with target_mailbox, or into files with target_path.",
        )
    choice = choose(repository, snapshot, wanted.member, ONEDRIVE, wanted.folder)
    _begin(wanted, [choice])
    with connect(settings) as client:
        user = _target_user(client, into.drive, "OneDrive")
        target = DriveTarget(
            user=user.id,
            principal_name=user.principal_name,
            top=_top(into, user, choice),
            label=f"restored {choice.snapshot.time:%Y-%m-%d %H%M%S}",
            policy=into.policy,
            permissions=into.permissions,
            versions=into.versions,
        )
        return restore_to_drive(
            repository, choice, wanted.item_filter, client, target, sifter=sifter, is_check=is_check, advance=wanted.advance
        )


def _begin(wanted: Wanted, choices: t.Sequence[Choice]) -> None:
    """How many items there are is known where nothing is filtered."""
    is_all = wanted.folder is None and wanted.item_filter.is_empty
    total = sum(choice.state.facts.items for choice in choices)
    wanted.advance.phase(f"restoring {wanted.member}", total=total if is_all and total else None)


def _target(client: GraphClient, into: IntoMailbox, choice: Choice) -> MailboxTarget:
    user = _target_user(client, into.mailbox, "mailbox")
    return MailboxTarget(
        user=user.id,
        principal_name=user.principal_name,
        top=_top(into, user, choice),
        policy=into.policy,
        switch_on=into.switch_on,
        into_archive=into.into_archive,
    )


def _top(into: IntoMailbox | IntoDrive, user: User, choice: Choice) -> str | None:
    """The folder that receives everything; None for the original places."""
    if into.is_original:
        return None
    # The time of the restore point, not of the restore: a restore that is started again goes on in the same folder.
    whose = "" if user.id == choice.member.id else f"{choice.member.principal_name} "
    return into.folder or f"Restored {whose}{choice.snapshot.time:%Y-%m-%d %H%M%S}"


def _target_user(client: GraphClient, key: str, kind: str) -> User:
    users = find_users(client, key)
    if len(users) == 1:
        return users[0]
    names = ", ".join(user.principal_name for user in (users or similar_users(client, key))) or "none with a similar name"
    raise InputError(
        f"{'No user' if not users else 'More than one user'} of the tenant is {key}.",
        hint=f"Name the {kind} to restore into by user principal name or object id. Candidates: {names}.",
    )
