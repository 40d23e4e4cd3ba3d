# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Prunes of a plan that remove a former member, in processes that tests kill."""

from __future__ import annotations

import typing as t

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.pruning import PruneOptions, prune_plan
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import open_repository
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_local import LocalStorage
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.history import plan_with
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.killable import serve
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.life import HastyClock
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import NOON, PASSPHRASE


def work(job: dict[str, t.Any]) -> None:
    repository = open_repository(LocalStorage(job["location"]), PASSPHRASE, clock=HastyClock())
    prune_plan(repository, plan_with(), PruneOptions(now=NOON, max_delete_percent=100, remove_members=tuple(job["remove"])))


if __name__ == "__main__":
    serve(work)
