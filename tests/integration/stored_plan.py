# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A plan with its repository, as the plan module leaves them, without the time that it takes."""

from __future__ import annotations

import typing as t

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.document import plan_from_dict
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.store import PlanStore, StoredPlan
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.keys import KdfParameters
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import Repository, create_repository
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_local import LocalStorage
from ansible_collections.tenantvault.m365_backup.tests.integration.playbook import PASSPHRASE, Playbook


def declare(playbook: Playbook, **options: t.Any) -> Repository:
    """Store a plan for the group Sales; its repository has a passphrase that is quick to try."""
    plan = plan_from_dict(
        {"title": "Sales", "groups": ["Sales"], "backup_type": "mailbox", "repository": str(playbook.repository), **options}
    )
    repository = create_repository(LocalStorage(playbook.repository), PASSPHRASE, kdf=KdfParameters(n=2**10))
    PlanStore(playbook.state_path).save(StoredPlan(plan=plan, repository_id=repository.id))
    return repository
