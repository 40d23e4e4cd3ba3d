# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a plan that is being applied must not be, beside the plans that are stored and where it goes.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import os
import typing as t

from .._errors import InputError
from .passphrase import check_new_passphrase
from .recovery_file import Handout, check_recovery_file

if t.TYPE_CHECKING:
    from .model import Plan
    from .repository_access import RepositoryState
    from .store import PlanStore, StoredPlan

NO_HANDOUT = Handout()


def check_beside_stored(store: PlanStore, current: StoredPlan | None, wanted: Plan, *, is_name_derived: bool) -> None:
    """Raise L(InputError) when the plan takes another one's name or title, or wants to be encrypted otherwise in the same place."""
    if is_name_derived and current is not None:
        _refuse_other_title(current.plan, wanted)
    _refuse_taken_title(store, wanted)
    if current is not None:
        _refuse_encryption_switch(current.plan, wanted)


def check_protection(wanted: Plan, repository: RepositoryState, passphrase: str, handout: Handout) -> Handout:
    """Where the recovery key of a new repository goes: nowhere when none is made. Raises L(InputError) for weak protection."""
    if repository.exists or not wanted.encryption.enabled:
        return NO_HANDOUT
    check_new_passphrase(passphrase)
    if handout.file:
        check_recovery_file(handout.file)
    return handout


def recovery_warnings(wanted: Plan, handout: Handout, *, is_created: bool, is_found: bool) -> t.Iterator[str]:
    """What an administrator should know of the recovery key of a repository that is created, or that somebody else has created."""
    if is_found and wanted.encryption.enabled and handout.is_wanted and not (handout.file and os.path.lexists(handout.file)):
        yield (
            f"The repository {wanted.repository} was there before, so no recovery key was made for it."
            " If you do not have the one that it got then, make another with m365_backup_key and recovery_key_state: renewed."
        )
    if is_created and wanted.encryption.enabled and not handout.is_wanted:
        yield (
            f"The repository {wanted.repository} gets no recovery key, so its backups are lost with its passphrase:"
            " declare recovery_key_file, or add a recovery key later with m365_backup_key."
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
