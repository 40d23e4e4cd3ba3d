# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A measured process: the latest restore point of a member's drive, restored into the drive of somebody else.

C(python -m benchmark.onedrive_restore JOB MEMBER TARGET), with the job of the run that made the backup.
"""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._process import limit_memory_pools
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.item_filter import ItemFilter
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.run import IntoDrive, Wanted, restore

from .engine_process import PLAN, open_it, settings_of
from .job import Job, read

# What the restore asks for is no subject here, so the largest tenant's budget.
_LICENCES = 100_000


def main() -> int:
    limit_memory_pools()
    job = read(Path(sys.argv[1]), Job)
    settings = dataclasses.replace(settings_of(job), tenant_licenses=_LICENCES)
    wanted = Wanted(
        plan_name=PLAN,
        snapshot="latest",
        member=sys.argv[2],
        sources=(),
        folder=None,
        item_filter=ItemFilter(),
        target=IntoDrive(drive=sys.argv[3], is_original=True),
    )
    result = restore(wanted, open_it(job.repository), settings_of=lambda: settings, lock_timeout=0.0, is_check=False)
    for finding in result.findings:
        print(f"{finding.object}: {finding.reason}", file=sys.stderr)
    return 1 if result.findings else 0


if __name__ == "__main__":
    sys.exit(main())
