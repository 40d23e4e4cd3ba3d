# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Choose the sources of a restore: those that are named, or all that the restore point has of the member.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t

from .._errors import InputError
from ..backup.layout import ARCHIVE, CALENDAR, CONTACTS, MAIL, ONEDRIVE, SETTINGS, TASKS
from .choice import Choice, NothingStored, choose
from .engine import RESTORED_BY_DEFAULT

if t.TYPE_CHECKING:
    from ..repository.repository import Repository
    from ..repository.types import Snapshot

SOURCES = (MAIL, CALENDAR, CONTACTS, TASKS, SETTINGS, ARCHIVE, ONEDRIVE)
_NO_TASKS = "Microsoft Graph has no application permission to write tasks"
_TASKS_HINT = "Restore them into files with target_path."


def choose_sources(
    repository: Repository,
    snapshot: Snapshot,
    member: str,
    named: t.Sequence[str],
    folder: str | None,
    warn: t.Callable[[str], None],
    *,
    is_mailbox: bool,
) -> list[Choice]:
    """At least one; with C(folder), those that have the folder.

    Raises InputError where there is nothing to restore, and for tasks and files that should go into a mailbox.
    """
    if is_mailbox and (unfit := [source for source in named if source in _NOT_INTO_MAILBOXES]):
        raise _NOT_INTO_MAILBOXES[unfit[0]]()
    if named:
        return [choose(repository, snapshot, member, source, folder) for source in dict.fromkeys(named)]
    choices = []
    refusals = []
    for source in SOURCES:
        try:
            choice = choose(repository, snapshot, member, source, folder)
        except InputError as refusal:
            refusals.append(refusal)
            continue
        if not is_mailbox or source in RESTORED_BY_DEFAULT:
            choices.append(choice)
        elif source in _NOT_INTO_MAILBOXES:
            refusals.append(_NOT_INTO_MAILBOXES[source]())
            if source == TASKS:
                warn(f"The tasks of {choice.member.principal_name} are not restored: {_NO_TASKS}. {_TASKS_HINT}")
        else:
            refusals.append(InputError("Mailbox settings are restored only when they are named.", hint="Name settings in the sources."))
    if not choices:
        telling = [refusal for refusal in refusals if not isinstance(refusal, NothingStored)]
        raise telling[0] if telling else _refusal_of_all(refusals[0])
    return choices


def _refusal_of_tasks() -> InputError:
    return InputError(f"{_NO_TASKS}, so they cannot be restored into a mailbox.", hint=_TASKS_HINT)


def _refusal_of_files() -> InputError:
    return InputError(
        "Files of a OneDrive cannot be restored into a mailbox.",
        hint="Restore them into a OneDrive with target_drive, or into files with target_path.",
    )


_NOT_INTO_MAILBOXES = {TASKS: _refusal_of_tasks, ONEDRIVE: _refusal_of_files}


def _refusal_of_all(first: InputError) -> InputError:
    """All sources are missing, so that it helps nobody to read of the first one only."""
    return InputError(
        f"The snapshot {first.facts['snapshot']} holds nothing of {first.facts['member']}: nothing was ever read to a restorable state.",
        hint=first.hint,
    )
